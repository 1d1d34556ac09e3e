"""A contract that is left early: the fee is billed by rule, once, with its sentences."""

from dataclasses import replace
from datetime import UTC, date, datetime
from multiprocessing import get_context

import pytest

from tests.scenarios.books import CLERK, Books, Party
from tests.scenarios.leaving_rival import charge
from yuejie.assurance.store import worth
from yuejie.bills.bill import LineKind
from yuejie.bills.closing.close import Done
from yuejie.bills.correct.adjustment import Adjustment, AdjustmentState
from yuejie.bills.correct.break_fee import approve_leaving, charge_break_fees
from yuejie.bills.correct.store import adjustments_of
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.clerk import Clerk
from yuejie.contracts.contract import Terms
from yuejie.contracts.life.ending import Wish, approve_end, ask_end, renew_contract
from yuejie.contracts.life.store import ContractEnd
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contract_at, contract_versions, contracts_of
from yuejie.contracts.terms import (
    STANDARD,
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    ContractType,
    Split,
)
from yuejie.gateway.publish import load
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.kernel.ids import BookId

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
YEAR = CommercialTerms(
    type=ContractType.ONE_YEAR,
    ends_on=date(2027, 1, 1),
    notice_days=30,
    commitment=Commitment(1_000_00),
    break_fee=BreakFee(300_000, fixed_fen=500_00),
)
AUGUST = datetime(2026, 7, 31, 16, tzinfo=UTC)
ASKED = datetime(2026, 8, 20, 2, tzinfo=UTC)
NEXT = datetime(2026, 12, 31, 16, tzinfo=UTC)


@pytest.fixture
def house(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def left(house: Books, party: Party, *, waived_fen: int = 0) -> ContractEnd:
    """Ask on 2026-08-20 to be out on 2026-09-20; nobody has approved it yet."""
    with house.db.read() as tx:
        contract = contract_at(tx, party.customer.customer_id, ASKED)
    assert contract is not None
    wish = Wish(
        contract_id=contract.contract_id,
        wished_on=date(2026, 9, 20),
        why="业务调整",
        waived_fen=waived_fen,
    )
    return ask_end(house.db, wish, by="sales", now=ASKED)


def number_on(house: Books, end: ContractEnd) -> str:
    """Return the number of the contract that is left, as it stands on paper."""
    with house.db.read() as tx:
        number = number_of(tx, end.customer_id, end.contract_id)
    assert number.startswith("HT2026")
    return number


def used(house: Books, *months: str, terms: CommercialTerms = YEAR) -> Party:
    """Enrol Acme, use 1,000 yuan in each month and issue the bills of all but the last."""
    acme = house.customer("acme", commercial=terms, starts=AUGUST)
    for month in months:
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=100 * M)
    for month in months[:-1]:
        house.close(month)
        house.issue(acme.bill(month))
    return acme


def charges(house: Books, party: Party) -> list[Adjustment]:
    with house.db.read() as tx:
        return adjustments_of(tx, party.customer.customer_id)


FEE = "提前解约费 合同 {contract} 自 2026-09-20 终止 = 1,510.00"
"""11/30 of September and three months at 1,000: 3,366.67, of which 30 % are 1,010.00; and 500."""


def test_leaving_early_is_charged_on_the_last_bill_with_its_sentences(house: Books) -> None:
    """
    1,000 a month until the end of the year; Acme leaves on 2026-09-20. What is left of the promise
    is 11/30 of September and three months, 3,366.67; 30 % of it and 500 are 1,510.00. It stands on
    September's bill, and whoever asks for the reason gets every sentence.
    """
    acme = used(house, "2026-08", "2026-09")
    end = left(house, acme)
    with pytest.raises(Forbidden):
        approve_leaving(house.db, end.end_id, by="sales", now=ASKED)
    assert charges(house, acme) == []
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    (fee,) = charges(house, acme)
    assert (fee.state, fee.by_rule, fee.kind) == (
        AdjustmentState.APPROVED,
        True,
        LineKind.BREAK_FEE,
    )
    assert fee.why == "".join(end.reasons)
    assert "解约费 = 剩余承诺 3,366.67 CNY × 30% + 固定 500.00 CNY = 1,510.00 CNY" in fee.why
    house.close("2026-09")
    assert FEE.format(contract=number_on(house, end)) in acme.lines("2026-09")
    with pytest.raises(Conflict):
        approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    assert len(charges(house, acme)) == 1


def test_what_was_waived_is_not_charged_and_said(house: Books) -> None:
    acme = house.customer("acme", commercial=YEAR)
    end = left(house, acme, waived_fen=1_000_00)
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    (fee,) = charges(house, acme)
    assert fee.amount_fen == 510_00
    assert fee.why.endswith("减免 1,000.00 CNY，实收 510.00 CNY。")


@pytest.mark.parametrize("wished_on", [date(1, 1, 1), date(9999, 12, 31)])
def test_a_day_that_no_contract_names_is_refused(house: Books, wished_on: date) -> None:
    """A contract without an end was left in the year 9999, and could not be changed any more."""
    acme = house.customer("acme", starts=AUGUST)
    with house.db.read() as tx:
        (held,) = contracts_of(tx, acme.customer.customer_id)
    wish = Wish(contract_id=held.contract_id, wished_on=wished_on, why="手误")
    with pytest.raises(Invalid, match="日期须在 2000 年至 2199 年之间"):
        ask_end(house.db, wish, by="sales", now=ASKED)


def test_leaving_for_nothing_is_charged_nothing(house: Books) -> None:
    acme = house.customer("acme", commercial=YEAR)
    end = left(house, acme, waived_fen=1_510_00)
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    assert charge_break_fees(house.db, ASKED) == 0
    assert charges(house, acme) == []


def test_an_end_that_waits_for_approval_is_charged_nothing(house: Books) -> None:
    acme = house.customer("acme", commercial=YEAR)
    left(house, acme)
    assert charge_break_fees(house.db, ASKED) == 0
    assert charges(house, acme) == []


def test_an_approval_that_comes_after_the_last_bill_is_billed_next(house: Books) -> None:
    """
    September is issued when finance gets round to it. The fee belongs to September and stands on
    October's bill, though nothing was used and no contract holds any more.
    """
    terms = replace(YEAR, commitment=None)
    acme = used(house, "2026-09", terms=terms)
    end = left(house, acme)
    house.close("2026-09")
    house.issue(acme.bill("2026-09"))
    approve_leaving(house.db, end.end_id, by="finance", now=house.tick())
    house.close("2026-10")
    assert acme.lines("2026-10") == [
        f"2026-09 late  提前解约费 合同 {number_on(house, end)} 自 2026-09-20 终止 = 500.00"
    ]
    house.close("2026-11")
    assert not acme.has_bill("2026-11")


def test_a_last_bill_that_is_taken_back_charges_the_fee_again_and_once(house: Books) -> None:
    terms = replace(YEAR, commitment=None)
    acme = used(house, "2026-09", terms=terms)
    end = left(house, acme)
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    house.close("2026-09")
    bill = house.issue(acme.bill("2026-09"))
    why = "抬头有误"
    note = request_credit(house.db, bill.bill_id, amounts=None, why=why, by="a", now=house.tick())
    decide_credit(house.db, note.credit_note_id, approve=True, by="b", now=house.tick())
    house.close("2026-10")
    fees = [line for line in acme.bill("2026-10").lines if line.kind is LineKind.BREAK_FEE]
    assert [line.amount_fen for line in fees] == [500_00]


def test_the_fee_of_a_split_month_goes_to_the_head_bill(house: Books) -> None:
    terms = replace(YEAR, commitment=None, split=Split.PROJECT)
    acme = house.customer("acme", commercial=terms, projects=("main", "lab"))
    for project in ("main", "lab"):
        acme.uses("2026-09-05 10:00:00", "gpt-4o", input=100 * M, project=project)
    end = left(house, acme)
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    house.close("2026-09")
    bearing = [
        bill.part
        for bill in acme.bills("2026-09")
        for line in bill.lines
        if line.kind is LineKind.BREAK_FEE
    ]
    assert bearing == [""]


def test_the_clerk_charges_what_was_approved_in_another_way_once(house: Books) -> None:
    acme = house.customer("acme", commercial=YEAR)
    end = left(house, acme)
    approve_end(house.db, end.end_id, by="finance", now=ASKED)
    assert charges(house, acme) == []
    for clerk in (Clerk(), Clerk()):  # the second was started anew
        clerk.make_round(house.db, ASKED)
    assert [fee.amount_fen for fee in charges(house, acme)] == [1_510_00]


def test_eight_clerks_at_once_charge_one_fee(house: Books, database_url: str) -> None:
    acme = house.customer("acme", commercial=YEAR)
    end = left(house, acme)
    approve_end(house.db, end.end_id, by=CLERK, now=ASKED)
    with get_context("spawn").Pool(8) as pool:
        assert sum(pool.map(charge, [database_url] * 8)) == 1
    assert [fee.amount_fen for fee in charges(house, acme)] == [1_510_00]


OPEN = CommercialTerms(management_fee_fen=200_00)
BOUND = CommercialTerms(
    type=ContractType.ONE_YEAR, ends_on=date(2026, 12, 1), notice_days=30, management_fee_fen=200_00
)


def in_force(house: Books, party: Party, day: str) -> bool:
    at = datetime.fromisoformat(f"{day}T10:00:00+08:00")
    with house.db.read() as tx:
        found = contract_at(tx, party.customer.customer_id, at)
    return found is not None and (found.ends_at is None or found.ends_at > at)


@pytest.mark.parametrize("terms", [OPEN, BOUND], ids=["open", "one_year"])
def test_who_leaves_before_the_next_version_begins_is_served_no_day_longer(
    house: Books, terms: CommercialTerms
) -> None:
    """
    From October on a fee of 300 is agreed, from November on one of 400. Asked on 20 August, the
    contract ends on 20 September: neither begins, August owes 200 and September no fee any more.
    """
    acme = house.customer("acme", commercial=terms, starts=AUGUST)
    for fee, month in ((300_00, 10), (400_00, 11)):
        starts = datetime(2026, month - 1, 31 if month == 11 else 30, 16, tzinfo=UTC)
        house.amend(acme, replace(terms, management_fee_fen=fee), starts=starts)
    end = left(house, acme)
    assert end.ends_on == date(2026, 9, 20)
    done = approve_end(house.db, end.end_id, by="finance", now=ASKED)
    days = ("2026-08-19", "2026-09-19", "2026-09-20", "2026-09-25", "2026-10-02", "2026-11-02")
    assert [in_force(house, acme, day) for day in days] == [True, True, *[False] * 4]
    for label in ("2026-08", "2026-09", "2026-10", "2026-11"):
        house.close(label)
    assert acme.lines("2026-08") == ["管理费 = 200.00"]
    assert [acme.has_bill(f"2026-{month}") for month in ("09", "10", "11")] == [False] * 3
    assert house.unproved() == []
    with house.db.read() as tx:
        newest = contract_versions(tx, end.contract_id)[-1]
    assert (newest.version, newest.terms.ends_on) == (done.version, date(2026, 9, 20))


def test_an_end_that_is_approved_behind_its_day_ends_the_contract(house: Books) -> None:
    """Asked in August, for 20 September; finance approves it on the 23rd: it goes on no more."""
    acme = house.customer("acme", commercial=OPEN, starts=AUGUST)
    end = left(house, acme)
    approve_end(house.db, end.end_id, by="finance", now=datetime(2026, 9, 23, tzinfo=UTC))
    days = ("2026-09-19", "2026-09-20", "2026-09-25", "2026-12-01")
    assert [in_force(house, acme, day) for day in days] == [True, *[False] * 3]
    for label in ("2026-08", "2026-09", "2026-10"):
        house.close(label)
    assert acme.lines("2026-08") == ["管理费 = 200.00"]
    assert [acme.has_bill(f"2026-{month}") for month in ("09", "10")] == [False] * 2
    assert house.unproved() == []


def test_what_was_billed_behind_an_end_that_is_approved_late_is_given_back(house: Books) -> None:
    """
    200 a month; asked in August, for 20 September, approved on 5 November, when September and
    October are billed: November gives both back.
    """
    acme = house.customer("acme", commercial=OPEN, starts=AUGUST)
    end = left(house, acme)
    for label in ("2026-08", "2026-09", "2026-10"):
        house.close(label)
        house.issue(acme.bill(label))
    late = datetime(2026, 11, 5, tzinfo=UTC)
    house.clock.at = late
    approve_end(house.db, end.end_id, by="finance", now=late)
    house.close("2026-11")
    assert acme.lines("2026-11") == [
        "2026-09 late  管理费（更正） = -200.00",
        "2026-10 late  管理费（更正） = -200.00",
        "结转下期 = 400.00",
    ]
    assert house.unproved() == []


def test_a_renewal_ahead_does_not_outlive_the_end(house: Books) -> None:
    """The year to December is renewed in August already, then left on 20 September."""
    acme = house.customer("acme", commercial=BOUND, starts=AUGUST)
    with house.db.read() as tx:
        contract = contract_at(tx, acme.customer.customer_id, ASKED)
    assert contract is not None
    renew_contract(house.db, contract.contract_id, by=CLERK, now=house.tick())
    end = left(house, acme)
    approve_end(house.db, end.end_id, by="finance", now=ASKED)
    days = ("2026-09-19", "2026-09-20", "2026-11-30", "2026-12-01", "2027-02-01")
    assert [in_force(house, acme, day) for day in days] == [True, *[False] * 4]


def test_a_renewal_that_was_left_ahead_takes_no_successors_place(house: Books) -> None:
    """
    The year to November is renewed in August already, then left on 20 September; from that day on
    another contract holds, with 500 a month. In December, when the renewal would have begun, the
    other holds on: its fee is billed, and its customer served.
    """
    acme = house.customer("acme", commercial=BOUND, starts=AUGUST)
    with house.db.read() as tx:
        contract = contract_at(tx, acme.customer.customer_id, ASKED)
    assert contract is not None
    renew_contract(house.db, contract.contract_id, by=CLERK, now=house.tick())
    approve_end(house.db, left(house, acme).end_id, by="finance", now=ASKED)
    other = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=datetime(2026, 9, 19, 16, tzinfo=UTC),
        commercial=replace(STANDARD, management_fee_fen=500_00),
    )
    signed = sign_contract(house.db, other, by=CLERK, now=house.tick())
    days = ("2026-09-20", "2026-11-30", "2026-12-01", "2027-02-01")
    assert [in_force(house, acme, day) for day in days] == [True] * 4
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=M)
    for month in ("2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01"):
        house.close(month)
    for month in ("2026-09", "2026-11", "2026-12", "2027-01"):
        assert acme.lines(month)[-1] == "管理费 = 500.00"
        assert acme.bill(month).contract_id == signed.contract_id
    assert house.unproved() == []
    with house.db.read() as tx:
        rows = load(tx).contracts
        (known,) = worth(tx, "2026-12")
    assert known.contract_id == signed.contract_id
    assert [row.version for row in rows if row.contract_id == contract.contract_id] == [1, 3]


def test_a_term_that_is_left_promised_what_its_days_say(house: Books) -> None:
    """
    1,530 for the 153 days from August to December. Acme uses 10 in August and leaves on 20
    September: 50 days have promised 500, of which 490 are made up; of the other 1,030 Acme owes
    30 %, 309, and 500. Both together were asked for whole: 1,520 and 809.
    """
    whole = replace(YEAR, commitment=Commitment(1_530_00, CommitmentPeriod.TERM))
    acme = house.customer("acme", commercial=whole, starts=AUGUST)
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=M)
    house.close("2026-08")
    end = left(house, acme)
    assert end.reasons[1] == "整个合同期承诺 1,530.00 CNY，按已履行的 50/153 天计为 500.00 CNY。"
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    house.close("2026-09")
    assert acme.lines("2026-09") == [
        "承诺消费补足（2026-08 至 2026-09） = 490.00",
        f"提前解约费 合同 {number_on(house, end)} 自 2026-09-20 终止 = 809.00",
    ]
    assert house.unproved() == []


def test_a_term_that_is_left_in_a_month_of_its_successor_promised_what_its_days_say(
    house: Books,
) -> None:
    """
    1,530 for the 153 days from August on; left for 20 September, approved in September, and
    another holds from that day on, which has September's bill. August is the last month billed
    under the term: 500 of 50 days fall due there, on September's bill.
    """
    whole = replace(YEAR, commitment=Commitment(1_530_00, CommitmentPeriod.TERM))
    acme = house.customer("acme", commercial=whole, starts=AUGUST)
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=M)
    end = left(house, acme)
    house.close("2026-08")
    house.issue(acme.bill("2026-08"))
    september = datetime(2026, 9, 2, tzinfo=UTC)
    approve_leaving(house.db, end.end_id, by="finance", now=september)
    other = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=datetime(2026, 9, 19, 16, tzinfo=UTC),
    )
    house.clock.at = september
    sign_contract(house.db, other, by=CLERK, now=house.tick())
    house.close("2026-09")
    assert acme.lines("2026-09") == [
        "2026-08 late  承诺消费补足（2026-08） = 490.00",
        f"提前解约费 合同 {number_on(house, end)} 自 2026-09-20 终止 = 809.00",
    ]
    assert house.unproved() == []


def test_a_fee_for_which_no_contract_gives_a_bill_is_told_at_each_closing(house: Books) -> None:
    """
    Acme signs from January on and is out in September already, for 30 % of the year's promise and
    500. No contract ever held, so no bill can say so: closing names the customer and what to do,
    and the fee stands on the first bill of whatever is signed then.
    """
    acme = house.customer("acme", commercial=replace(YEAR, ends_on=date(2027, 7, 1)), starts=NEXT)
    with house.db.read() as tx:
        (contract,) = contracts_of(tx, acme.customer.customer_id)
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2026, 9, 20), why="业务调整")
    end = ask_end(house.db, wish, by="sales", now=ASKED)
    approve_leaving(house.db, end.end_id, by="finance", now=ASKED)
    (fee,) = charges(house, acme)
    assert fee.amount_fen == 2_300_00
    (told,) = house.close("2026-09")
    assert (told.done, told.why) == (
        Done.FAILED,
        "客户 acme 在 2026-09 没有生效的合同，请先登记合同再关账",
    )
    other = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=datetime(2026, 9, 30, 16, tzinfo=UTC),
    )
    sign_contract(house.db, other, by=CLERK, now=house.tick())
    house.close("2026-10")
    (line,) = acme.lines("2026-10")
    assert line.endswith(f"提前解约费 合同 {number_on(house, end)} 自 2026-09-20 终止 = 2,300.00")
    assert house.unproved() == []
