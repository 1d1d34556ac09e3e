"""Sharing an amount over bills, and whose money it is: pure."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yuejie.kernel.ids import BillId, CustomerId
from yuejie.payments.apportion.shares import OpenAmount, share_out
from yuejie.payments.receipts.receipt import NEXT as RECEIPT_NEXT
from yuejie.payments.receipts.receipt import (
    IllegalTransition,
    Receipt,
    ReceiptEvent,
    ReceiptState,
    advance,
)
from yuejie.payments.receipts.score import (
    Facts,
    Payers,
    Verdict,
    judge,
    numbers_in,
    same_name,
)
from yuejie.payments.sums import Summands, Ways, summands

ACME = CustomerId("cus_acme")
ZETA = CustomerId("cus_zeta")


def bill(number: int, fen: int, *, customer: CustomerId = ACME, paid: int = 0) -> OpenAmount:
    return OpenAmount(
        bill_id=BillId(f"bill_{number}"),
        customer_id=customer,
        number=f"YJ2026{number:06d}",
        month=f"2026-{number:02d}",
        currency="CNY",
        gross_fen=fen,
        credited_fen=0,
        apportioned_fen=paid,
        issued_on=date(2026, 9, 1),
        due_on=date(2026, 9, 8),
        state="issued",
    )


def shared(fen: int, bills: list[OpenAmount], *named: str) -> dict[str, int]:
    return {share.number[-1]: share.fen for share in share_out(fen, "CNY", bills, named).shares}


BILLS = [bill(1, 700), bill(2, 900), bill(3, 1100)]


@pytest.mark.parametrize(
    ("fen", "named", "expected", "left"),
    [
        (900, (), {"2": 900}, 0),
        (1800, (), {"1": 700, "3": 1100}, 0),
        (1000, (), {"1": 700, "2": 300}, 0),
        (5000, (), {"1": 700, "2": 900, "3": 1100}, 2300),
        (1000, ("YJ2026000003",), {"3": 1000}, 0),
        (1200, ("YJ2026000003",), {"3": 1100, "1": 100}, 0),
        (900, ("YJ2026000009",), {"2": 900}, 0),
    ],
)
def test_named_then_fitting_then_oldest(
    fen: int, named: tuple[str, ...], expected: dict[str, int], left: int
) -> None:
    found = share_out(fen, "CNY", BILLS, named)
    assert {share.number[-1]: share.fen for share in found.shares} == expected
    assert found.left_fen == left


def test_what_was_paid_or_is_another_currency_takes_nothing() -> None:
    assert shared(500, [bill(1, 500, paid=500), bill(2, 400)]) == {"2": 400}
    assert not share_out(500, "USD", BILLS).shares


@pytest.mark.parametrize(
    ("fen", "open_fen", "ways", "chosen"),
    [
        (500, [500, 500], Ways.SEVERAL, [1]),
        (900, [400, 500, 400], Ways.SEVERAL, [1, 2]),
        (500, [500, 200, 300], Ways.SEVERAL, [1]),
        (500, [200, 300, 500], Ways.SEVERAL, [3]),
        (1800, [700, 900, 1100], Ways.ONE, [1, 3]),
        (2700, [700, 900, 1100], Ways.ONE, [1, 2, 3]),
        (1000, [700, 900, 1100], Ways.NONE, [1, 2]),
    ],
)
def test_it_is_known_in_how_many_ways_bills_come_to_an_amount(
    fen: int, open_fen: list[int], ways: Ways, chosen: list[int]
) -> None:
    found = share_out(fen, "CNY", [bill(number, each) for number, each in enumerate(open_fen, 1)])
    assert found.ways is ways
    assert [int(share.number[-1]) for share in found.shares] == chosen


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=9), st.integers(0, 2**9 - 1))
@example([9, 9, 2], 2**2)
@example([1, 1, 1, 1], 2**2 - 1)
def test_ways_are_those_of_trying_every_set(amounts: list[int], bits: int) -> None:
    wanted = sum(fen for index, fen in enumerate(amounts) if bits >> index & 1)
    for total in (wanted, wanted + 1, sum(amounts) + 1):
        found = summands(total, amounts)
        count = sum(
            sum(fen for index, fen in enumerate(amounts) if mask >> index & 1) == total
            for mask in range(1, 1 << len(amounts))
        )
        assert found.ways is [Ways.NONE, Ways.ONE, Ways.SEVERAL][min(count, 2)]
        assert sum(amounts[each] for each in found.chosen) == (total if count else 0)
        assert len(set(found.chosen)) == len(found.chosen)


ODD = [1_000_003 + 7919 * number * number for number in range(1, 200)]
"""Two hundred amounts whose sums are more than anybody keeps."""


def test_of_thirty_two_bills_the_only_sum_is_known_as_the_only_one() -> None:
    """Powers of two have each sum once; with another of 1, every odd sum is there twice."""
    amounts = [1 << number for number in range(32)]
    wanted = (1 << 31) + (1 << 17) + 1
    assert summands(wanted, amounts) == Summands(Ways.ONE, (0, 17, 31))
    assert summands(wanted, [1, *amounts[:-1]]).ways is Ways.NONE
    assert summands((1 << 30) + 1, [1, *amounts[:-1]]).ways is Ways.SEVERAL


def test_bills_that_are_alike_are_counted_however_many() -> None:
    """A fee of 200 a month, unpaid for thirty years: any two of them are 400."""
    assert summands(400_00, [200_00] * 360).ways is Ways.SEVERAL
    assert summands(200_00 * 360, [200_00] * 360).ways is Ways.ONE
    assert summands(200_01, [200_00] * 360).ways is Ways.NONE


def test_of_too_many_bills_nothing_is_claimed() -> None:
    """Two hundred odd amounts have more sums than are kept: a row of the oldest, or nothing."""
    assert summands(ODD[0] + ODD[1], ODD).ways is not Ways.UNKNOWN, "few are below"
    assert summands(sum(ODD[60:130]), ODD) == Summands(Ways.UNKNOWN)
    assert summands(sum(ODD[:100]), ODD) == Summands(Ways.UNKNOWN, tuple(range(100)))
    assert summands(sum(ODD[1:]), ODD).chosen == tuple(range(1, 199)), "but one is left out"


def test_of_hundreds_of_small_bills_nothing_is_claimed_either() -> None:
    """Their sums are few, but each comes up so often that counting takes too long."""
    small = list(range(1, 401))
    assert summands(sum(small) // 2, small) == Summands(Ways.UNKNOWN)
    assert summands(3, small).ways is Ways.SEVERAL


@given(st.integers(1, 10_000), st.lists(st.integers(1, 3000), max_size=8))
def test_no_fen_is_lost_and_no_bill_gets_more_than_is_open(fen: int, amounts: list[int]) -> None:
    bills = [bill(number, each) for number, each in enumerate(amounts, 1)]
    found = share_out(fen, "CNY", bills)
    assert sum(share.fen for share in found.shares) + found.left_fen == fen
    by_id = {each.bill_id: each for each in bills}
    assert all(0 < share.fen <= by_id[share.bill_id].open_fen for share in found.shares)
    if found.left_fen:
        assert sum(share.fen for share in found.shares) == sum(amounts)


def receipt(**more: object) -> Receipt:
    facts: dict[str, object] = {
        "receipt_id": "rcp_1",
        "line_id": "bsl_1",
        "account_id": "bank_1",
        "currency": "CNY",
        "amount_fen": 900,
        "received_on": date(2026, 9, 10),
        "payer_name": "Acme有限公司",
        "payer_number": "6222",
        "payer_bank": "",
        "into_number": "",
        "memo": "",
        "customer_id": None,
        "state": ReceiptState.RECEIVED,
        "created_at": datetime(2026, 9, 10, tzinfo=UTC),
    }
    return Receipt(**{**facts, **more})  # type: ignore[arg-type]  # why: a test's builder


def facts(customer: CustomerId = ACME, **more: object) -> Facts:
    payers = Payers(
        names=(str(more.get("name", "Acme有限公司")),),
        known_numbers=more.get("known", ()),  # type: ignore[arg-type]  # why: a test's builder
        authorised=more.get("papers", ()),  # type: ignore[arg-type]  # why: a test's builder
    )
    return Facts(
        customer_id=customer,
        payers=payers,
        into=more.get("into", ()),  # type: ignore[arg-type]  # why: a test's builder
        open=more.get("open", BILLS),  # type: ignore[arg-type]  # why: a test's builder
    )


@pytest.mark.parametrize(
    ("paid", "known", "score", "verdict"),
    [
        ({"into_number": "88"}, {"into": {"88"}}, 160, Verdict.APPORTION),
        ({"memo": "YJ2026000002"}, {}, 120, Verdict.APPORTION),
        ({}, {"known": {"6222"}}, 100, Verdict.APPORTION),
        ({}, {}, 60, Verdict.PROPOSE),
        ({"amount_fen": 1800}, {}, 55, Verdict.SUSPEND),
        ({"amount_fen": 1000}, {"known": {"6222"}}, 75, Verdict.PROPOSE),
        ({"received_on": date(2026, 8, 1)}, {}, 55, Verdict.SUSPEND),
        ({"payer_name": "Acme"}, {}, 0, Verdict.SUSPEND),
        ({"payer_name": "别人", "memo": "YJ2026000002"}, {}, 90, Verdict.HOLD),
        (
            {"payer_name": "别人", "memo": "YJ2026000002"},
            {"papers": {("别人", "")}},
            90,
            Verdict.APPORTION,
        ),
        (
            {"payer_name": "别人", "memo": "YJ2026000002"},
            {"papers": {("别人", "9999")}},
            90,
            Verdict.HOLD,
        ),
        (
            {"payer_name": "", "memo": "YJ2026000002"},
            {"known": {"6222"}},
            130,
            Verdict.APPORTION,
        ),
        ({"payer_name": "", "memo": "YJ2026000002"}, {}, 90, Verdict.HOLD),
    ],
)
def test_points_and_what_follows(
    paid: dict[str, object], known: dict[str, object], score: int, verdict: Verdict
) -> None:
    found = judge(receipt(**paid), [facts(ACME, **known)])
    assert (found.candidates[0].score if found.candidates else 0) == score
    assert found.verdict is verdict, found.why


def test_a_rival_makes_a_person_look() -> None:
    other = facts(ZETA, name="Acme有限公司", known={"6222"}, open=[bill(7, 900, customer=ZETA)])
    found = judge(receipt(), [facts(known={"6222"}), other])
    assert found.verdict is Verdict.PROPOSE
    assert "另有 1 个客户" in found.why


@pytest.mark.parametrize(
    ("fen", "open_fen", "why"),
    [
        (500, [200, 300, 500], "有多种账单组合"),
        (sum(ODD[60:130]), ODD, "未付账单太多"),
    ],
)
def test_nothing_is_posted_while_other_bills_may_come_to_the_same(
    fen: int, open_fen: list[int], why: str
) -> None:
    """Paid into the customer's own number, by itself: everything else is certain."""
    bills = [bill(number, each) for number, each in enumerate(open_fen, 1)]
    paid = receipt(amount_fen=fen, into_number="88")
    found = judge(paid, [facts(into={"88"}, open=bills)])
    assert found.verdict is Verdict.PROPOSE
    assert why in found.why


def test_an_amount_alone_names_nobody() -> None:
    found = judge(receipt(payer_name="别人", payer_number="1"), [facts()])
    assert (found.verdict, found.candidates) == (Verdict.SUSPEND, ())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("北京甲（集团）有限公司", "北京甲(集团) 有限责任公司", True),
        ("ＡＣＭＥ有限公司", "acme有限公司", True),
        ("北京甲有限公司", "北京甲乙有限公司", False),
        ("北京甲有限公司上海分公司", "北京甲有限公司", False),
        ("北京甲股份有限公司", "北京甲有限公司", False),
        ("北京𣘺科技有限公司", "北京科技有限公司", False),
        ("Café SARL", "Caf SARL", False),
    ],
)
def test_names_are_the_same_or_not(one: str, other: str, *, same: bool) -> None:
    assert (same_name(one) == same_name(other)) is same


@pytest.mark.parametrize(
    ("memo", "numbers"),
    [
        ("YJ2026000001", ["YJ2026000001"]),
        ("货款ＹＪ２０２６０００００１", ["YJ2026000001"]),
        ("yj 2026 000001,YJ2026-000002", ["YJ2026000001", "YJ2026000002"]),
        ("YJ20260000", []),
        ("YJ2026000001 YJ2026000001", ["YJ2026000001"]),
    ],
)
def test_bill_numbers_are_found_in_memos(memo: str, numbers: list[str]) -> None:
    assert numbers_in(memo) == numbers


def test_a_receipts_life_is_its_table() -> None:
    for state in ReceiptState:
        for event in ReceiptEvent:
            if (state, event) in RECEIPT_NEXT:
                assert advance(state, event) is RECEIPT_NEXT[state, event]
            else:
                with pytest.raises(IllegalTransition, match="不能"):
                    advance(state, event)
    assert not [s for s, _ in RECEIPT_NEXT if s is ReceiptState.RETURNED], "returned is the end"
