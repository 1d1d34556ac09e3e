"""The amount rules of china-finance §1.4, every vector of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import (
    LINES,
    FapiaoLine,
    FapiaoRefused,
    LineNature,
    check_lines,
    from_gross,
    from_net,
    price_fits,
    price_of,
    tax_is_close,
    total,
    write_fen,
    write_rate,
)

SIX = 60_000


def line(gross: int, position: int = 1, ppm: int = SIX, **facts: Any) -> FapiaoLine:
    amounts = from_gross(gross, ppm)
    made = FapiaoLine(
        position=position,
        nature=LineNature.NORMAL,
        bill_id="bill_1",
        tax_position=position,
        code="3040205000000000000",
        short_name="信息系统增值服务",
        item="大模型API技术服务费",
        spec="",
        unit="",
        quantity="",
        price="",
        tax_ppm=ppm,
        net_fen=amounts.net_fen,
        tax_fen=amounts.tax_fen,
        gross_fen=gross,
    )
    return replace(made, **facts)


def discounted(gross: int, discount: int) -> list[FapiaoLine]:
    return [
        line(gross, nature=LineNature.DISCOUNTED),
        line(-discount, 2, nature=LineNature.DISCOUNT),
    ]


def refused(lines: list[FapiaoLine], kind: FapiaoKind = FapiaoKind.SPECIAL) -> str:
    with pytest.raises(FapiaoRefused) as caught:
        check_lines(lines, kind)
    return caught.value.sentence


def test_the_worked_example() -> None:
    lines = [*discounted(8_345_678, 500_000), line(1_654_322, 3)]
    assert [(each.net_fen, each.tax_fen) for each in lines] == [
        (7_873_281, 472_397),
        (-471_698, -28_302),
        (1_560_681, 93_641),
    ]
    check_lines(lines, FapiaoKind.SPECIAL)
    sums = total(lines)
    assert (sums.net_fen, sums.tax_fen, sums.gross_fen) == (8_962_264, 537_736, 9_500_000)


def test_the_gross_master_is_safe_to_two_thousand_yuan() -> None:
    """Rule 1: |tax − round(net × r)| ≤ 0.01 for every amount up to 2,000.00, at each rate."""
    for ppm in (10_000, 30_000, 60_000, 90_000, 130_000):
        wrong = [g for g in range(1, 200_001, 7) if not tax_is_close(from_gross(g, ppm), ppm)]
        assert wrong == []
    assert all(tax_is_close(from_gross(g, SIX), SIX) for g in range(1, 200_001))


@given(st.integers(min_value=1, max_value=10**13), st.integers(min_value=0, max_value=170_000))
def test_the_gross_master_is_safe_everywhere(gross: int, ppm: int) -> None:
    amounts = from_gross(gross, ppm)
    assert amounts.net_fen + amounts.tax_fen == gross
    assert tax_is_close(amounts, ppm)
    assert -from_gross(-gross, ppm) == amounts


@given(st.integers(min_value=0, max_value=10**13), st.integers(min_value=0, max_value=170_000))
def test_the_net_master_has_exactly_its_tax(net: int, ppm: int) -> None:
    amounts = from_net(net, ppm)
    assert abs(amounts.tax_fen * 10**6 - net * ppm) * 2 <= 10**6
    assert amounts.gross_fen == net + amounts.tax_fen


def test_the_precision_trap_of_unit_prices() -> None:
    """Rule 6: 123,456,789.123 of something for 12,345.67 needs thirteen decimals."""
    quantity = "123456789.123"
    eight, thirteen = "0.00010000", price_of(1_234_567, quantity)
    assert thirteen == "0.0000999999278"
    products = [Decimal(price) * Decimal(quantity) for price in (eight, thirteen)]
    assert [f"{each:.2f}" for each in products] == ["12345.68", "12345.67"]
    assert len(thirteen) <= 16
    assert price_fits(thirteen, quantity, 1_234_567)
    assert price_fits(eight, quantity, 1_234_567), "one fen is borne"
    assert not price_fits("0.00009999", quantity, 1_234_567)


@pytest.mark.parametrize(
    ("net", "quantity", "price"),
    [(10_000, "1", "100"), (10_000, "3", "33.3333333333333"), (1, "1", "0.01"), (0, "1", "0")],
)
def test_prices_are_solved_and_truncated(net: int, quantity: str, price: str) -> None:
    assert price_of(net, quantity) == price
    assert price_fits(price, quantity, net)


def test_a_price_that_no_field_holds_is_refused() -> None:
    with pytest.raises(FapiaoRefused, match="12 位整数"):
        price_of(10**16, "1")
    with pytest.raises(FapiaoRefused, match="大于零"):
        price_of(1, "0")


def test_lines_are_counted() -> None:
    assert "1 至 2000 行" in refused([])
    assert "现为 2001 行" in refused([line(100, at) for at in range(1, LINES + 2)])
    check_lines([line(100, at) for at in range(1, LINES + 1)], FapiaoKind.SPECIAL)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"tax_fen": 601, "gross_fen": 10_601}, ""),
        ({"tax_fen": 602, "gross_fen": 10_602}, "相差超过 0.01"),
        ({"gross_fen": 10_601}, "不等于价税合计"),
        ({"quantity": "1"}, "同时填写"),
        ({"quantity": "1", "price": "100.02"}, "单价乘数量"),
        ({"quantity": "1", "price": "100.01"}, ""),
        ({"item": "很" * 91}, "超过 90 个字"),
        ({"spec": "很" * 41}, "超过 40 个字"),
        ({"unit": "很" * 23}, "超过 22 个字"),
        ({"price": "1" * 17, "quantity": "1"}, "超过 16 个字"),
        ({"item": ""}, "缺少项目名称"),
        ({"code": "304020500000000000"}, "19 位"),
        ({"nature": LineNature.DISCOUNTED}, "没有折扣行"),
        ({"nature": LineNature.DISCOUNT}, "须紧跟"),
    ],
)
def test_a_line_is_checked(facts: dict[str, Any], says: str) -> None:
    lines = [line(10_600, **facts)]
    if says:
        assert says in refused(lines)
    else:
        check_lines(lines, FapiaoKind.SPECIAL)


def test_a_discount_stands_behind_its_line_and_is_not_above_it() -> None:
    check_lines(discounted(10_600, 10_599), FapiaoKind.SPECIAL)
    first, second = discounted(10_600, 600)
    assert "须紧跟" in refused([second, first])
    assert "其后没有折扣行" in refused([first, line(100, 2), second])
    assert "须与被折扣行相同" in refused([first, replace(second, item="别的")])
    assert "不能有数量" in refused([first, replace(second, quantity="1", price="-5.66")])
    assert "不超过被折扣行" in refused(discounted(10_600, 10_700))
    assert "须紧跟" in refused([first, second, second])


def test_nothing_is_issued_for_nothing() -> None:
    assert "须大于零" in refused(discounted(10_600, 10_600))
    assert "须大于零" in refused([line(-100)])


def test_a_special_fapiao_has_no_line_without_tax() -> None:
    assert "不能开专用发票" in refused([line(10_600, ppm=0)])
    check_lines([line(10_600, ppm=0)], FapiaoKind.ORDINARY)


def test_figures_travel_as_decimals() -> None:
    assert (write_fen(9_500_000), write_fen(-1), write_rate(SIX), write_rate(10_000)) == (
        "95000.00",
        "-0.01",
        "0.06",
        "0.01",
    )
