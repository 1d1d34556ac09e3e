from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from yuejie.contracts.contract import Contract, Terms, at, holding, midnight, term_began
from yuejie.contracts.terms import STANDARD
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import BookId, ContractId, CustomerId


def day(number: int) -> datetime:
    return datetime(2026, 10, number, tzinfo=UTC)


FIRST = Contract(
    contract_id=ContractId("con_1"),
    version=1,
    customer_id=CustomerId("cus_1"),
    sale_book=BookId("sale"),
    currency="CNY",
    zone="Asia/Shanghai",
    fx_policy="bill",
    tax_mode="inclusive",
    tax_ppm=60_000,
    starts_at=day(1),
    signed_at=day(1),
)
TERMS = Terms(
    customer_id=CustomerId("cus_1"),
    sale_book=BookId("sale"),
    currency="CNY",
    fx_policy="bill",
    starts_at=day(1),
)


def test_the_newest_started_version_applies() -> None:
    second = replace(FIRST, version=2, starts_at=day(10), signed_at=day(5))
    assert at([FIRST, second], day(9)) == FIRST
    assert at([FIRST, second], day(10)) == second
    assert at([FIRST, second], datetime(2026, 9, 30, tzinfo=UTC)) is None


def test_what_was_left_before_it_began_takes_no_others_place() -> None:
    """Renewed from the 10th on, left on the 5th, followed by another contract from the 6th."""
    first = replace(FIRST, terms=replace(STANDARD, ends_on=date(2026, 10, 10)))
    renewed = replace(FIRST, version=2, starts_at=midnight(date(2026, 10, 10), FIRST.zone))
    over = replace(STANDARD, ends_on=date(2026, 10, 5))
    left = replace(first, version=3, starts_at=day(3), terms=over)
    never = replace(renewed, version=4, terms=over)
    other = replace(FIRST, contract_id=ContractId("con_2"), starts_at=day(6))
    assert at([first, renewed, left, never], day(20)) == left
    assert at([first, renewed, left, never, other], day(20)) == other
    assert holding([first, renewed, left, never, other]) == [first, left, other]


def test_a_term_begins_with_the_contract_or_where_it_was_renewed() -> None:
    """Signed for the 1st to the 8th, amended on the 5th, renewed from the 9th on."""
    first = replace(FIRST, terms=replace(STANDARD, ends_on=date(2026, 10, 9)))
    amended = replace(first, version=2, starts_at=day(5))
    ninth = midnight(date(2026, 10, 9), FIRST.zone)
    renewed = replace(FIRST, version=3, starts_at=ninth)
    versions = [first, amended, renewed]
    assert term_began(versions, day(1) - timedelta(seconds=1)) is None
    assert term_began(versions, day(7)) == day(1)
    assert term_began(versions, day(20)) == ninth
    assert term_began(
        [replace(FIRST, contract_id=ContractId("con_0")), *versions[2:]], day(20)
    ) == (ninth)


def test_of_two_that_start_together_the_one_signed_last_applies() -> None:
    second = replace(FIRST, version=2, signed_at=day(2))
    assert at([second, FIRST], day(3)) == second


def test_six_percent_inclusive_is_the_default() -> None:
    assert (TERMS.tax_ppm, TERMS.tax_mode, TERMS.zone) == (60_000, "inclusive", "Asia/Shanghai")
    TERMS.refuse_nonsense("USD")


@pytest.mark.parametrize(
    ("change", "book", "says"),
    [
        ({"currency": "EUR"}, "USD", "合同币种“EUR”"),
        ({"zone": "Moon/Base"}, "USD", "时区"),
        ({"fx_policy": "guess"}, "USD", "汇率方式“guess”"),
        ({"fx_policy": "none"}, "USD", "请约定汇率方式"),
        ({}, "CNY", "汇率方式请写 none"),
        ({"tax_mode": "free"}, "USD", "计税方式“free”"),
        ({"tax_ppm": -1}, "USD", "税率"),
        ({"tax_ppm": 1_000_000}, "USD", "税率"),
    ],
)
def test_terms_no_bill_could_be_drawn_from_are_refused(
    change: dict[str, Any], book: str, says: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        replace(TERMS, **change).refuse_nonsense(book)
    assert says in refusal.value.sentence
