"""What a minimum of a year or term comes to where a contract is renewed, told as finance would."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.scenarios.books import CLERK, Books, Party
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.ending import Wish, ask_end, renew_contract
from yuejie.contracts.life.store import ContractEnd
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import (
    STANDARD,
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    ContractType,
    Renewal,
)
from yuejie.kernel.errors import Conflict

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
NEW_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def promised(yuan: int, period: CommitmentPeriod, ends_on: date) -> CommercialTerms:
    commitment = Commitment(yuan * 100, period)
    return replace(STANDARD, commitment=commitment, ends_on=ends_on, renewal=Renewal.ASKED)


def renew(books: Books, party: Party, *, months: int) -> Contract:
    with books.db.read() as tx:
        (contract,) = contracts_of(tx, party.customer.customer_id)
    return renew_contract(books.db, contract.contract_id, by=CLERK, now=books.tick(), months=months)


def uses_60_a_month(party: Party, year: int, months: range) -> None:
    for month in months:
        party.uses(f"{year}-{month:02d}-20 10:00:00", "gpt-4o", input=6 * M)


def closes(books: Books, party: Party, year: int, months: range) -> None:
    for month in months:
        books.close(f"{year}-{month:02d}")
        if party.has_bill(f"{year}-{month:02d}"):
            books.issue(party.bill(f"{year}-{month:02d}"))


def test_a_renewed_term_has_a_minimum_of_its_own(yuan: Books) -> None:
    """
    6,000 for the half year to June, of which 60 a month are used: June makes up 5,640. The contract
    is renewed for another half year, which promises 6,000 again: December makes up 5,640 again.
    """
    terms = promised(6_000, CommitmentPeriod.TERM, date(2026, 7, 1))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    uses_60_a_month(acme, 2026, range(1, 13))
    renew(yuan, acme, months=6)
    closes(yuan, acme, 2026, range(1, 13))
    assert acme.lines("2026-05")[1:] == []
    assert acme.lines("2026-06")[1:] == ["承诺消费补足（2026-01 至 2026-06） = 5,640.00"]
    assert acme.lines("2026-07")[1:] == []
    assert acme.lines("2026-12")[1:] == ["承诺消费补足（2026-07 至 2026-12） = 5,640.00"]
    assert yuan.unproved() == []


@pytest.mark.parametrize("signed", ["before", "after"])
def test_a_term_that_ends_within_a_month_falls_due_though_it_is_renewed(
    yuan: Books, signed: str
) -> None:
    """
    The same until 14 June. June is billed under the renewed term, so the first one's minimum falls
    due in May, the last month billed under it: 5,700; on June's bill where May was closed before
    the renewal was signed. June counts to the renewed term, which ends on 14 December: 5,580.
    """
    terms = promised(6_000, CommitmentPeriod.TERM, date(2026, 6, 15))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    uses_60_a_month(acme, 2026, range(1, 13))
    closes(yuan, acme, 2026, range(1, 5))
    if signed == "before":
        renew(yuan, acme, months=6)
        closes(yuan, acme, 2026, range(5, 6))
    else:
        closes(yuan, acme, 2026, range(5, 6))
        renew(yuan, acme, months=6)
    closes(yuan, acme, 2026, range(6, 13))
    line = "承诺消费补足（2026-01 至 2026-05） = 5,700.00"
    if signed == "before":
        assert acme.lines("2026-05")[1:] == [line]
        assert acme.lines("2026-06")[1:] == []
    else:
        assert acme.lines("2026-05")[1:] == []
        assert acme.lines("2026-06")[1:] == [f"2026-05 late  {line}"]
    assert acme.lines("2026-12")[1:] == ["承诺消费补足（2026-06 至 2026-12） = 5,580.00"]
    assert yuan.unproved() == []


def test_a_renewed_term_counts_its_years_from_its_own_beginning(yuan: Books) -> None:
    """
    12,000 a year, for a year and a half: December makes up the year, June its half. Renewed for a
    year, the next December owes nothing, since the renewed term's year ends in June.
    """
    terms = promised(12_000, CommitmentPeriod.YEAR, date(2027, 7, 1))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    renew(yuan, acme, months=12)
    closes(yuan, acme, 2026, range(1, 13))
    closes(yuan, acme, 2027, range(1, 13))
    closes(yuan, acme, 2028, range(1, 7))
    assert acme.lines("2026-12") == ["承诺消费补足（2026-01 至 2026-12） = 12,000.00"]
    assert acme.lines("2027-06") == ["承诺消费补足（2027-01 至 2027-06） = 6,000.00"]
    assert not acme.has_bill("2027-12")
    assert acme.lines("2028-06") == ["承诺消费补足（2027-07 至 2028-06） = 12,000.00"]
    assert yuan.unproved() == []


def test_a_year_from_a_day_within_a_month_is_renewed_without_a_gap(yuan: Books) -> None:
    """
    12,000 from 15 March to 14 March, renewed once: the shared March counts to the renewed year as
    a whole, so that both years together owe 24,000.
    """
    terms = promised(12_000, CommitmentPeriod.YEAR, date(2026, 3, 15))
    starts = datetime(2025, 3, 14, 16, tzinfo=UTC)
    acme = yuan.customer("acme", commercial=terms, starts=starts)
    renew(yuan, acme, months=12)
    closes(yuan, acme, 2025, range(3, 13))
    closes(yuan, acme, 2026, range(1, 13))
    closes(yuan, acme, 2027, range(1, 4))
    assert acme.lines("2026-02") == ["承诺消费补足（2025-03 至 2026-02） = 11,548.39"]
    assert acme.lines("2027-02") == ["承诺消费补足（2026-03 至 2027-02） = 12,000.00"]
    assert acme.lines("2027-03") == ["承诺消费补足（2027-03） = 451.61"]
    assert yuan.unproved() == []


def test_a_change_within_a_term_that_moves_its_end_begins_no_term(yuan: Books) -> None:
    """
    From March on, the half year to June is agreed to be nine months and 9,000. That is one term:
    September makes up what nine months of 60 lack.
    """
    terms = promised(6_000, CommitmentPeriod.TERM, date(2026, 7, 1))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    longer = promised(9_000, CommitmentPeriod.TERM, date(2026, 10, 1))
    yuan.amend(acme, longer, starts=datetime(2026, 2, 28, 16, tzinfo=UTC))
    uses_60_a_month(acme, 2026, range(1, 10))
    closes(yuan, acme, 2026, range(1, 10))
    assert acme.lines("2026-06")[1:] == []
    assert acme.lines("2026-09")[1:] == ["承诺消费补足（2026-01 至 2026-09） = 8,460.00"]
    assert yuan.unproved() == []


def test_late_usage_of_the_shared_month_takes_no_minimum_away(yuan: Books) -> None:
    """
    The half year to 14 June is renewed in July, behind June's bill, which made up 5,640 of the
    first term. A call of June turns up: June belongs to the renewed term now, so that what it made
    up is taken back, and what the months to May lack is billed.
    """
    terms = promised(6_000, CommitmentPeriod.TERM, date(2026, 6, 15))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    uses_60_a_month(acme, 2026, range(1, 7))
    closes(yuan, acme, 2026, range(1, 7))
    assert acme.lines("2026-06")[1:] == ["承诺消费补足（2026-01 至 2026-06） = 5,640.00"]
    renew(yuan, acme, months=6)
    acme.uses("2026-06-25 10:00:00", "gpt-4o", input=M)
    closes(yuan, acme, 2026, range(7, 8))
    assert acme.lines("2026-07") == [
        "2026-06 late  main  gpt-4o  input  1,000,000 = 10.00",
        "2026-05 late  承诺消费补足（2026-01 至 2026-05） = 5,700.00",
        "2026-06 late  承诺消费补足（更正） = -5,640.00",
    ]
    assert yuan.unproved() == []


@pytest.mark.parametrize("month", [7, 8])
def test_a_renewal_that_is_signed_behind_the_shared_month_bills_what_nobody_knew_of(
    yuan: Books, month: int
) -> None:
    """
    200 a month, and at least 300 used, until 14 June. June's bill has no fee, since nothing holds
    at its end, and 14 of 30 days of the minimum. In July or August the contract is renewed from the
    15th of June on: what June and July lack stands on the bill of that month, once.
    """
    terms = replace(
        promised(300, CommitmentPeriod.MONTH, date(2026, 6, 15)), management_fee_fen=20_000
    )
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    closes(yuan, acme, 2026, range(1, month))
    assert acme.lines("2026-06") == ["承诺消费补足（2026-06） = 140.00"]
    yuan.clock.at = datetime(2026, month, 20, tzinfo=UTC)
    renew(yuan, acme, months=12)
    closes(yuan, acme, 2026, range(month, 10))
    july = ["2026-07 late  承诺消费补足（2026-07） = 300.00", "2026-07 late  管理费 = 200.00"]
    assert acme.lines(f"2026-0{month}") == [
        "2026-06 late  承诺消费补足（2026-06） = 160.00",
        "2026-06 late  管理费 = 200.00",
        *(july if month > 7 else []),
        f"承诺消费补足（2026-0{month}） = 300.00",
        "管理费 = 200.00",
    ]
    assert acme.lines("2026-09") == ["承诺消费补足（2026-09） = 300.00", "管理费 = 200.00"]
    assert yuan.unproved() == []


def left(
    books: Books, terms: CommercialTerms, *, renewed: int, asked: datetime, on: date
) -> ContractEnd:
    """Leave a contract that was renewed ahead, whose break fee is the rest of what was promised."""
    terms = replace(
        terms,
        type=ContractType.ONE_YEAR,
        break_fee=BreakFee(remaining_commitment_ppm=1_000_000),
    )
    acme = books.customer("acme", commercial=terms, starts=NEW_YEAR)
    contract = renew(books, acme, months=renewed)
    wish = Wish(contract_id=contract.contract_id, wished_on=on, why="业务调整")
    return ask_end(books.db, wish, by="sales", now=asked)


def test_who_leaves_a_renewed_term_pays_for_the_rest_of_that_term(yuan: Books) -> None:
    """
    6,000 for each half year, renewed in July. Whoever leaves on 1 October leaves 92 of the 184 days
    of the second: 3,000 are left of the promise.
    """
    half_a_year = promised(6_000, CommitmentPeriod.TERM, date(2026, 7, 1))
    asked = datetime(2026, 9, 1, tzinfo=UTC)
    end = left(yuan, half_a_year, renewed=6, asked=asked, on=date(2026, 10, 1))
    assert (end.ends_on, end.fee_fen) == (date(2026, 10, 1), 3_000_00)


def test_who_leaves_before_the_renewed_term_pays_for_the_rest_of_both(yuan: Books) -> None:
    """
    12,000 a year, renewed ahead for the next. Whoever leaves on 1 July leaves 184 of 365 days of
    the first year and the whole of the second: 18,049.32.
    """
    a_year = promised(12_000, CommitmentPeriod.YEAR, date(2027, 1, 1))
    asked = datetime(2026, 5, 1, tzinfo=UTC)
    end = left(yuan, a_year, renewed=12, asked=asked, on=date(2026, 7, 1))
    assert end.fee_fen == 18_049_32


def test_who_leaves_a_term_that_was_renewed_ahead_owes_the_rest_of_it_and_the_next(
    yuan: Books,
) -> None:
    """
    6,000 for the half year to June, renewed ahead for another. Whoever leaves on 1 April leaves 91
    of the 181 days of the first and the whole of the second: 3,016.57 and 6,000, each explained.
    """
    half_a_year = promised(6_000, CommitmentPeriod.TERM, date(2026, 7, 1))
    asked = datetime(2026, 3, 1, tzinfo=UTC)
    end = left(yuan, half_a_year, renewed=6, asked=asked, on=date(2026, 4, 1))
    assert end.fee_fen == 9_016_57
    assert end.reasons[1:4] == [
        "整个合同期承诺 6,000.00 CNY，按已履行的 90/181 天计为 2,983.43 CNY。",
        "自 2026-04-01 到 2026-07-01 尚余 91 天，整个合同期承诺按天折算为 91/181 期。",
        "自 2026-07-01 到 2027-01-01 尚余 184 天，整个合同期承诺按天折算为 1 期。",
    ]


def test_the_years_of_a_renewed_term_that_is_left_begin_with_it(yuan: Books) -> None:
    """
    12,000 a year for a year and a half, renewed ahead for a year. Whoever leaves on 1 March 2027
    leaves 122 of the 365 days of the second year, which the term cuts short, and a whole year.
    """
    terms = promised(12_000, CommitmentPeriod.YEAR, date(2027, 7, 1))
    asked = datetime(2027, 1, 5, tzinfo=UTC)
    end = left(yuan, terms, renewed=12, asked=asked, on=date(2027, 3, 1))
    assert end.fee_fen == 16_010_96


def test_a_contract_that_was_renewed_ahead_is_changed_before_that(yuan: Books) -> None:
    """
    200 a month for the half year to June, renewed ahead in January to the year's end. In March it
    is agreed that 100 are enough from April on: of this term and of the next, whose days stay.
    """
    terms = replace(STANDARD, management_fee_fen=200_00, ends_on=date(2026, 7, 1))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    yuan.clock.at = datetime(2026, 1, 10, tzinfo=UTC)
    renewed = renew(yuan, acme, months=6)
    yuan.clock.at = datetime(2026, 3, 10, tzinfo=UTC)
    cheaper = replace(renewed.terms, management_fee_fen=100_00)
    with pytest.raises(Conflict, match="本期到 2026-07-01，续约到 2027-01-01"):
        change(yuan, renewed, replace(cheaper, ends_on=date(2026, 9, 1)))
    became = change(yuan, renewed, cheaper)
    assert (became.version, became.terms.ends_on) == (3, date(2026, 7, 1))
    assert change(yuan, renewed, cheaper) == became, "the same again changes nothing"
    with yuan.db.read() as tx:
        newest = contracts_of(tx, acme.customer.customer_id)[-1]
    assert (newest.version, newest.starts_at) == (4, renewed.starts_at)
    assert newest.terms == cheaper
    closes(yuan, acme, 2026, range(1, 13))
    fees = [acme.lines(f"2026-{month:02d}") for month in range(1, 13)]
    assert fees == [["管理费 = 200.00"]] * 3 + [["管理费 = 100.00"]] * 9
    yuan.close("2027-01")
    assert not acme.has_bill("2027-01")
    assert yuan.unproved() == []


def test_a_renewal_under_other_terms_is_not_written_over(yuan: Books) -> None:
    """
    200 a month for the half year to June; for the next 300 are agreed ahead. A change of the
    running term, or its old terms read again from a file, says nothing of the 300.
    """
    terms = replace(STANDARD, management_fee_fen=200_00, ends_on=date(2026, 7, 1))
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    yuan.clock.at = datetime(2026, 1, 10, tzinfo=UTC)
    dearer = replace(terms, management_fee_fen=300_00, ends_on=date(2027, 1, 1))
    with yuan.db.read() as tx:
        (first,) = contracts_of(tx, acme.customer.customer_id)
    renewed = change(yuan, first, dearer, starts=datetime(2026, 6, 30, 16, tzinfo=UTC))
    for starts in (NEW_YEAR, APRIL):
        with pytest.raises(Conflict, match="新版不能早于它"):
            change(yuan, first, replace(terms, payment_days=30), starts=starts)
    with pytest.raises(Conflict, match="新版不能早于它"):
        change(yuan, first, terms, starts=NEW_YEAR)
    with yuan.db.read() as tx:
        assert contracts_of(tx, acme.customer.customer_id) == [first, renewed]


APRIL = datetime(2026, 3, 31, 16, tzinfo=UTC)


def change(
    books: Books, contract: Contract, commercial: CommercialTerms, starts: datetime = APRIL
) -> Contract:
    """Agree other terms from April on."""
    terms = Terms(
        customer_id=contract.customer_id,
        sale_book=contract.sale_book,
        currency=contract.currency,
        starts_at=starts,
        commercial=commercial,
    )
    now = books.tick()
    return sign_contract(books.db, terms, by=CLERK, now=now, contract_id=contract.contract_id)


def test_a_change_that_is_signed_late_is_billed_of_the_months_since(yuan: Books) -> None:
    """200 a month; on 10 May it is agreed that 100 do from April on, whose bill is out."""
    terms = replace(STANDARD, management_fee_fen=200_00)
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    with yuan.db.read() as tx:
        (contract,) = contracts_of(tx, acme.customer.customer_id)
    closes(yuan, acme, 2026, range(1, 5))
    yuan.clock.at = datetime(2026, 5, 10, tzinfo=UTC)
    change(yuan, contract, replace(terms, management_fee_fen=100_00))
    closes(yuan, acme, 2026, range(5, 7))
    assert acme.lines("2026-04") == ["管理费 = 200.00"]
    assert acme.lines("2026-05") == ["2026-04 late  管理费 = -100.00", "管理费 = 100.00"]
    assert acme.lines("2026-06") == ["管理费 = 100.00"]
    assert yuan.unproved() == []
