"""Lines drawn from tax lines: nothing is lost, nothing is taxed wrong, discounts stay put."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import (
    NOTHING,
    Amounts,
    FapiaoLine,
    FapiaoRefused,
    LineNature,
    check_lines,
    from_gross,
    from_net,
    tax_is_close,
    total,
)
from yuejie.fapiao.codes import DEFAULT_CODE, short_name_on, table
from yuejie.fapiao.draft import TaxLine, Wording, draw_lines, pages, part_of, remark_of, split

SIX = 60_000
WORDS = {SIX: Wording(DEFAULT_CODE, "信息系统增值服务"), 0: Wording(DEFAULT_CODE, "x")}


def tax_line(amounts: Amounts, position: int = 1, ppm: int = SIX, bill: str = "b") -> TaxLine:
    figures = (amounts.net_fen, amounts.tax_fen, amounts.gross_fen)
    return TaxLine(bill, position, "", "gpt-4o", ppm, *figures)


grosses = st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=12)
rates = st.sampled_from([10_000, 30_000, SIX, 90_000, 130_000])


@given(grosses, rates)
def test_parts_add_up_and_each_has_a_tax_that_is_close(parts: list[int], ppm: int) -> None:
    line = tax_line(from_gross(sum(parts), ppm), ppm=ppm)
    made = split(line, parts)
    assert sum(made, NOTHING) == line.due
    assert [each.gross_fen for each in made] == parts
    assert all(tax_is_close(each, ppm) for each in made)


@given(grosses, rates)
def test_parts_of_a_line_that_was_taxed_on_top_do_as_well(parts: list[int], ppm: int) -> None:
    """A contract exclusive of tax rounds the tax, not the net; its parts still fit."""
    net = sum(parts)
    line = tax_line(from_net(net, ppm), ppm=ppm)
    cuts = [*parts[:-1], line.gross_fen - sum(parts[:-1])]
    made = split(line, cuts)
    assert sum(made, NOTHING) == line.due
    assert all(tax_is_close(each, ppm) for each in made)


@given(grosses, st.integers(min_value=0, max_value=10**9))
def test_a_credited_line_ends_at_what_is_left_of_it(parts: list[int], back: int) -> None:
    whole = from_gross(sum(parts) + back, SIX)
    credited = from_gross(back, SIX)
    line = TaxLine(
        "b", 1, "", "", SIX, whole.net_fen, whole.tax_fen, whole.gross_fen,
        credited.net_fen, credited.tax_fen,
    )  # fmt: skip
    taken = NOTHING
    for gross in parts:
        taken += part_of(line, taken, gross).amounts
    assert taken == line.due
    with pytest.raises(FapiaoRefused, match="已无可开金额"):
        part_of(line, taken, 1)


def test_more_than_is_left_is_refused() -> None:
    line = tax_line(from_gross(10_600, SIX))
    for gross in (10_601, -1, 0):
        with pytest.raises(FapiaoRefused, match="改小金额"):
            part_of(line, NOTHING, gross)
    with pytest.raises(FapiaoRefused, match="之和不等于"):
        split(line, [1, 2])


@given(
    st.lists(st.integers(min_value=200, max_value=10**8), min_size=1, max_size=8),
    st.lists(st.integers(min_value=1, max_value=10**6), max_size=4),
)
def test_discounts_find_lines_of_their_bill_and_lose_nothing(
    ups: list[int], downs: list[int]
) -> None:
    """Whatever the sizes: either the lines are legal and sum to the bill, or it is refused."""
    signed = [*ups, *(-down for down in downs)]
    lines = [tax_line(from_gross(gross, SIX), at) for at, gross in enumerate(signed, 1)]
    parts = [part_of(line, NOTHING) for line in lines]
    try:
        drawn = draw_lines(parts, WORDS)
    except FapiaoRefused:
        assert len(downs) > 1 or downs[0] > sum(ups)
        return
    assert total(drawn) == sum((line.due for line in lines), NOTHING)
    for before, line in zip([None, *drawn], drawn, strict=False):
        if line.nature is LineNature.DISCOUNT:
            assert before is not None
            assert before.nature is LineNature.DISCOUNTED
    if total(drawn).gross_fen > 0:
        check_lines(drawn, FapiaoKind.SPECIAL)


def drawn_legally(grosses: list[int]) -> list[FapiaoLine]:
    lines = [tax_line(from_gross(gross, SIX), at) for at, gross in enumerate(grosses, 1)]
    drawn = draw_lines([part_of(line, NOTHING) for line in lines], WORDS)
    check_lines(drawn, FapiaoKind.SPECIAL)
    assert total(drawn) == sum((line.due for line in lines), NOTHING)
    for line, discount in pairwise(drawn):
        if discount.nature is LineNature.DISCOUNT:
            assert tax_is_close(line.amounts + discount.amounts, SIX), "it goes back on a red one"
    return drawn


def test_a_discount_over_several_lines_has_a_legal_tax_on_each() -> None:
    """
    Lines by model, and 85 % off all of them: two lines are discounted wholly, and what they leave
    had a tax two fen off. The bill could be requested neither whole nor otherwise.
    """
    drawn = drawn_legally([3_720, 4_850, 6_970, -13_170])
    assert [line.nature for line in drawn] == [
        LineNature.DISCOUNTED,
        LineNature.DISCOUNT,
    ] * 3
    drawn = drawn_legally([3_720, 4_850, 6_970, -13_171])
    assert [-line.gross_fen for line in drawn[1::2]] == [1_351, 4_850, 6_970], "wholly if it can be"


def test_a_discount_is_above_neither_the_net_nor_the_tax_of_its_line() -> None:
    """Of 0.23 (0.22 and 0.01) 0.22 (0.20 and 0.02) was taken off: a tax below zero was left."""
    drawn = drawn_legally([254, 16, 24, 23, 30, -330])
    for line, discount in zip(drawn[::2], drawn[1::2], strict=True):
        left = line.amounts + discount.amounts
        assert min(left.net_fen, left.tax_fen) >= 0


@given(
    st.lists(st.integers(min_value=500, max_value=10**7), min_size=2, max_size=30),
    st.integers(min_value=1, max_value=95),
)
def test_any_bill_with_a_discount_on_all_of_it_can_be_requested(ups: list[int], off: int) -> None:
    drawn_legally([*ups, -(sum(ups) * off // 100)])


def test_a_discount_of_all_but_a_fen_that_rounds_to_no_legal_tax_is_said() -> None:
    with pytest.raises(FapiaoRefused, match="作为折扣四舍五入后税额不合规"):
        drawn_legally([323, 6, 25, -352])


def test_a_discount_never_leaves_its_bill_or_its_rate() -> None:
    up = part_of(tax_line(from_gross(10_600, SIX), bill="other"), NOTHING)
    down = part_of(tax_line(from_gross(-600, SIX), bill="b"), NOTHING)
    with pytest.raises(FapiaoRefused, match="大于同税率的正项"):
        draw_lines([up, down], WORDS)


def test_a_whole_line_is_one_of_something_and_a_part_is_not() -> None:
    line = tax_line(from_gross(10_600, SIX))
    (whole,) = draw_lines([part_of(line, NOTHING)], WORDS)
    (part,) = draw_lines([part_of(line, NOTHING, 600)], WORDS)
    assert (whole.quantity, whole.price, whole.unit) == ("1", "100", "项")
    assert (part.quantity, part.price, part.unit) == ("", "", "")
    assert whole.printed == "*信息系统增值服务*大模型API技术服务费"
    assert whole.spec == "gpt-4o"


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(min_value=2, max_value=9))
def test_pages_keep_order_and_pairs(pairs: list[bool], most: int) -> None:
    lines = []
    for at, pair in enumerate(pairs):
        parts = [part_of(tax_line(from_gross(10_600, SIX), 1, bill=f"b{at}"), NOTHING)]
        if pair:
            parts.append(part_of(tax_line(from_gross(-600, SIX), 2, bill=f"b{at}"), NOTHING))
        lines += draw_lines(parts, WORDS)
    shared = pages(lines, most)
    assert [each.bill_id for page in shared for each in page] == [each.bill_id for each in lines]
    for page in shared:
        assert 0 < len(page) <= most
        assert [each.position for each in page] == list(range(1, len(page) + 1))
        check_lines(page, FapiaoKind.SPECIAL)


def test_a_remark_names_order_and_bills_within_its_length() -> None:
    assert remark_of("PO-1", ["YJ1", "YJ2"], "谢谢") == "采购订单 PO-1；账单 YJ1、YJ2；谢谢"
    many = remark_of("PO-1", [f"YJ2026{at:06d}" for at in range(100)])
    assert len(many) <= 200
    assert many.endswith("等 100 张")
    assert many.startswith("采购订单 PO-1；账单 YJ2026000000、")
    with pytest.raises(FapiaoRefused, match="备注共"):
        remark_of("很" * 201, ["YJ1"])


def test_a_remark_is_one_line_of_what_can_be_seen() -> None:
    assert remark_of("", ["YJ1"], " 第一行\r\n第二行 ") == "第一行 第二行；账单 YJ1"
    for order, free in (("PO\x1b1", ""), ("", "甲\u202e乙"), ("", "甲\0乙")):
        with pytest.raises(FapiaoRefused, match="不可见字符"):
            remark_of(order, ["YJ1"], free)


@pytest.mark.parametrize(
    ("usual", "reduced", "sizes"),
    [
        (1_999, 0, [1_999]),
        (2_000, 0, [2_000]),
        (2_001, 0, [2_000, 1]),
        (1_998, 1, [2_000]),
        (1_999, 1, [1_999, 2]),
        (0, 1_001, [2_000, 2]),
    ],
)
def test_two_thousand_lines_are_one_fapiao_and_no_pair_is_parted(
    usual: int, reduced: int, sizes: list[int]
) -> None:
    lines = []
    for at in range(usual + reduced):
        bill = f"b{at}"
        parts = [part_of(tax_line(from_gross(10_600, SIX), 1, bill=bill), NOTHING)]
        if at >= usual:
            parts.append(part_of(tax_line(from_gross(-600, SIX), 2, bill=bill), NOTHING))
        lines += draw_lines(parts, WORDS)
    shared = pages(lines)
    assert [len(page) for page in shared] == sizes
    for page in shared:
        check_lines(page, FapiaoKind.SPECIAL)


def test_a_short_name_is_that_of_its_day() -> None:
    code = "3040201990000000000"
    assert short_name_on(code, date(2025, 7, 14)) == "信息技术服务"
    assert short_name_on(code, date(2025, 7, 15)) == "其他软件服务"
    with pytest.raises(FapiaoRefused, match="没有简称"):
        short_name_on("9999999999999999999", date(2026, 1, 1))
    assert all(len(row.code) == 19 for row in table())
