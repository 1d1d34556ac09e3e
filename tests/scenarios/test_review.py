"""A bill on its way to the customer's yes, to the ledger, and back: told as finance would."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.recorded import recorded
from tests.scenarios.books import CLERK, Books, Party, cny
from yuejie.bills.bill import BillState
from yuejie.bills.closing.close import Done
from yuejie.bills.correct.adjust import decide_adjustment
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.correct.booked import LEDGER_CHECKS
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.due import fapiao_received
from yuejie.bills.life import IllegalTransition
from yuejie.bills.pay import mark_paid, mark_unpaid
from yuejie.bills.review.ask import (
    confirm_bill,
    deem_confirmed,
    propose_bill,
    remind_of_review,
    reopen_bill,
)
from yuejie.bills.review.dispute import DisputeState
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
    withdraw_dispute,
)
from yuejie.bills.review.settle import settle_due
from yuejie.bills.store import transitions
from yuejie.bills.tell import of_settlement
from yuejie.contracts.terms import STANDARD, Confirmation, DueBasis, SettlementOrder
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger
from yuejie.notices.store import unhanded
from yuejie.notices.wording.render import piece_of
from yuejie.web.store import Sought, deeds

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
ASKS = replace(STANDARD, confirmation=Confirmation.REQUIRED)


@pytest.fixture
def acme(books: Books) -> Party:
    """A customer whose bills need its word, with 100 + 60 yuan of October."""
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme", commercial=ASKS)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M, output=2 * M)
    books.close("2026-10")
    return acme


def propose(acme: Party) -> None:
    bill = acme.bill("2026-10")
    propose_bill(acme.books.db, bill.bill_id, by=CLERK, now=acme.books.clock.now())


def test_without_the_customers_word_nothing_is_issued(books: Books, acme: Party) -> None:
    with pytest.raises(IllegalTransition, match="须客户确认"):
        books.issue(acme.bill("2026-10"))
    propose(acme)
    with pytest.raises(IllegalTransition, match="须客户确认"):
        books.issue(acme.bill("2026-10"))


def test_a_confirmed_bill_is_issued_with_its_dates_and_its_debt(books: Books, acme: Party) -> None:
    """
    Put to the customer on Sunday 1 November: review until Friday 6, payment by Monday 9 (the
    eighth is a Sunday), fapiao by Wednesday 11. The ledger then holds the debt, once.
    """
    books.clock.at = datetime(2026, 11, 1, 8, tzinfo=UTC)
    propose(acme)
    customer_id = acme.customer.customer_id
    name = acme.bill("2026-10").bill_id
    confirm_bill(books.db, name, by="acme-finance", now=books.clock.now(), customer_id=customer_id)
    issued = books.issue(acme.bill("2026-10"))
    assert (issued.billed_on, issued.review_until) == (date(2026, 11, 1), date(2026, 11, 6))
    assert (issued.due_on, issued.fapiao_by) == (date(2026, 11, 9), date(2026, 11, 11))
    assert acme.owes() == cny("160.00")
    with books.db.read() as tx:
        told = transitions(tx, customer_id, issued.bill_id)
    assert [(t.event, t.became, t.by) for t in told] == [
        ("draft", "draft", CLERK),
        ("propose", "proposed", CLERK),
        ("confirm", "confirmed", "acme-finance"),
        ("issue", "issued", CLERK),
    ]


def test_a_dispute_is_adjusted_by_two_people_and_asked_for_again(books: Books, acme: Party) -> None:
    """
    The customer doubts two lines. One is rejected with a reason; of the other 12.50 are taken off:
    finance proposes, its head approves, the bill is drawn anew, confirmed and issued.
    """
    propose(acme)
    db, now, name = books.db, books.tick(), acme.bill("2026-10").bill_id
    owner = acme.customer.customer_id
    first, second = (
        raise_dispute(
            db, name, Objection(position, "与我方记录不符"), by="acme", now=now, customer_id=owner
        )
        for position in (1, 2)
    )
    assert acme.bill("2026-10").state is BillState.DISPUTED
    with pytest.raises(Conflict):
        raise_dispute(db, name, Objection(1, "再说一次"), by="acme", now=now, customer_id=owner)
    reject_dispute(db, first.dispute_id, answer="附上逐日用量", by="finance", now=now)
    accepted = accept_dispute(
        db, second.dispute_id, amount_fen=-1250, answer="重复重试", by="finance", now=now
    )
    assert accepted.state is DisputeState.ACCEPTED
    assert acme.bill("2026-10").state is BillState.DISPUTED
    assert accepted.adjustment_id is not None
    with pytest.raises(Forbidden, match="另一人"):
        decide_adjustment(db, accepted.adjustment_id, Decision.APPROVE, by="finance", now=now)
    decide_adjustment(db, accepted.adjustment_id, Decision.APPROVE, by="head", now=now)
    reopen_bill(db, name, by="finance", now=now, why="按异议调整")
    bill = acme.bill("2026-10")
    assert (bill.state, bill.gross) == (BillState.DRAFT, cny("147.50"))
    assert acme.lines("2026-10")[-1] == "调整：2026-10 main gpt-4o output = -12.50"
    propose(acme)
    confirm_bill(db, name, by="acme", now=now, customer_id=owner)
    assert books.issue(acme.bill("2026-10")).gross == cny("147.50")


def test_who_doubted_answered_asked_and_approved_stands_in_the_record_of_deeds(
    books: Books, acme: Party
) -> None:
    """What changes a bill is found where an auditor looks: who, when, before, after, why."""
    propose(acme)
    db, now, name = books.db, books.tick(), acme.bill("2026-10").bill_id
    raised = raise_dispute(db, name, Objection(1, "不符"), by="acme", now=now)
    reject_dispute(db, raised.dispute_id, answer="附用量", by="finance", now=now)
    confirm_bill(db, name, by=CLERK, now=now, why="邮件")
    books.issue(acme.bill("2026-10"))
    asked = request_credit(db, name, amounts={1: 100}, why="故障", by="finance", now=now)
    decide_credit(db, asked.credit_note_id, approve=True, by="head", now=now)
    with db.read() as tx:
        rows = [
            row
            for noun in ("dispute", "credit_note")
            for row in reversed(deeds(tx, Sought(noun=noun), before=10**9, limit=9))
        ]
    assert [(row.noun, row.verb, row.by, row.why) for row in rows] == [
        ("dispute", "raise", "acme", "不符"),
        ("dispute", "reject", "finance", "附用量"),
        ("credit_note", "request", "finance", "故障"),
        ("credit_note", "approve", "head", ""),
    ]
    assert all(row.became for row in rows)


def test_a_dispute_that_nobody_answered_holds_the_bill_though_it_was_drawn_anew(
    books: Books,
) -> None:
    """
    The customer doubts two lines. Finance corrects the first, draws the bill anew and would put it
    to the customer again, whose silence is a yes: the second would be billed without an answer.
    """
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme", commercial=replace(STANDARD, confirmation=Confirmation.DEEMED))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M, output=2 * M)
    books.close("2026-10")
    propose(acme)
    db, now, name = books.db, books.tick(), acme.bill("2026-10").bill_id
    raised = [raise_dispute(db, name, Objection(n, "不符"), by="acme", now=now) for n in (1, 2)]
    accept_dispute(db, raised[0].dispute_id, amount_fen=-1250, answer="", by="finance", now=now)
    (accepted,) = recorded(db, "dispute", "accept")
    (proposed,) = recorded(db, "adjustment", "propose")
    assert [accepted.why, proposed.why] == ["不符", "不符"], "the customer's own word is why"
    reopen_bill(db, name, by="finance", now=now, why="按异议调整")
    for deed in (lambda: propose(acme), lambda: books.issue(acme.bill("2026-10"))):
        with pytest.raises(Conflict, match="还有 1 条异议没有答复"):
            deed()
    reject_dispute(db, raised[1].dispute_id, answer="附上逐日用量", by="finance", now=now)
    propose(acme)
    assert acme.bill("2026-10").state is BillState.PROPOSED


def test_a_withdrawn_dispute_lets_the_bill_go_on(books: Books, acme: Party) -> None:
    propose(acme)
    db, now, name = books.db, books.clock.now(), acme.bill("2026-10").bill_id
    owner = acme.customer.customer_id
    raised = raise_dispute(db, name, Objection(1, "看错了"), by="acme", now=now, customer_id=owner)
    withdraw_dispute(db, raised.dispute_id, by="acme", now=now, customer_id=owner)
    assert acme.bill("2026-10").state is BillState.PROPOSED


def test_another_customer_can_neither_confirm_nor_dispute(books: Books, acme: Party) -> None:
    other = books.customer("other", commercial=ASKS)
    propose(acme)
    name, now = acme.bill("2026-10").bill_id, books.clock.now()
    stranger = other.customer.customer_id
    with pytest.raises(NotFound):
        confirm_bill(books.db, name, by="x", now=now, customer_id=stranger)
    with pytest.raises(NotFound):
        raise_dispute(books.db, name, Objection(1, "?"), by="x", now=now, customer_id=stranger)


def test_silence_is_a_yes_only_where_the_contract_says_so(books: Books, acme: Party) -> None:
    beta = books.customer("beta", commercial=replace(STANDARD, confirmation=Confirmation.DEEMED))
    beta.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    for party in (acme, beta):
        propose_bill(books.db, party.bill("2026-11").bill_id, by=CLERK, now=books.clock.now())
    until = beta.bill("2026-11").review_until
    assert until is not None
    last = datetime(until.year, until.month, until.day, 12, tzinfo=UTC)
    assert deem_confirmed(books.db, now=last) == []
    assert [b.customer_id for b in deem_confirmed(books.db, now=last + timedelta(days=1))] == [
        beta.customer.customer_id
    ]
    assert acme.bill("2026-11").state is BillState.PROPOSED


def test_a_silent_customer_is_reminded_once_a_day(books: Books, acme: Party) -> None:
    """Two days before the review ends and on its last day; looking twice tells nothing twice."""
    propose(acme)
    until = acme.bill("2026-10").review_until
    assert until is not None
    told = []
    for back in (4, 3, 2, 2, 1, 0, 0, -1):
        day = until - timedelta(days=back)
        noon = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        told.append(remind_of_review(books.db, now=noon))
    assert told == [0, 0, 1, 0, 0, 1, 0, 0]


def test_a_bill_that_is_put_back_unchanged_is_told_again(books: Books, acme: Party) -> None:
    """
    The customer said yes; finance takes the bill back, finds nothing to change, and puts it again.
    The yes is void, so the customer must hear that it is asked once more, and be reminded of it.
    """
    told = "SELECT count(*) FROM notice WHERE kind = %(kind)s"

    def count(kind: str) -> int:
        with books.db.read() as tx:
            return int(tx.value(told, kind=kind))

    def remind(until: date | None) -> None:
        assert until is not None
        noon = datetime(until.year, until.month, until.day, 4, tzinfo=UTC)
        remind_of_review(books.db, now=noon)

    propose(acme)
    bill = acme.bill("2026-10")
    remind(bill.review_until)
    assert (count("bill_proposed"), count("bill_review_reminder")) == (1, 1)
    now = books.clock.now()
    confirm_bill(books.db, bill.bill_id, by=CLERK, now=now, why="邮件确认")
    reopen_bill(books.db, bill.bill_id, by=CLERK, now=now, why="核对用量")
    books.clock.at += timedelta(days=2)
    propose(acme)
    again = acme.bill("2026-10")
    assert again.proposed_hash == bill.proposed_hash
    remind(again.review_until)
    assert (count("bill_proposed"), count("bill_review_reminder")) == (2, 2)


def test_usage_that_arrives_during_review_is_on_the_next_bill(books: Books, acme: Party) -> None:
    """What the customer is asked about stays what it was asked about, also when drawn anew."""
    propose(acme)
    acme.uses("2026-10-09 10:00:00", "gpt-4o", input=5 * M)
    assert [c.done for c in books.close("2026-10")] == [Done.ALREADY_ISSUED]
    reopen_bill(
        books.db, acme.bill("2026-10").bill_id, by=CLERK, now=books.clock.now(), why="补充说明"
    )
    assert acme.bill("2026-10").gross == cny("160.00")
    propose(acme)
    confirm_bill(
        books.db, acme.bill("2026-10").bill_id, by=CLERK, now=books.clock.now(), why="邮件确认"
    )
    books.issue(acme.bill("2026-10"))
    books.close("2026-11")
    assert acme.lines("2026-11") == ["2026-10 late  main  gpt-4o  input  5,000,000 = 50.00"]


def test_credit_notes_of_a_line_end_at_exactly_nothing(books: Books) -> None:
    """
    A line of 100 yuan is taken back in three parts that do not divide evenly; the parts' tax adds
    up to the line's tax, the debt to nothing, and there is nothing left to take back.
    """
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    db, now = books.db, books.clock.now()
    notes = []
    for fen in (3_333, 3_333, 3_334):
        asked = request_credit(
            db, bill.bill_id, amounts={1: fen}, why="服务中断", by="finance", now=now
        )
        with pytest.raises(Forbidden):
            decide_credit(db, asked.credit_note_id, approve=True, by="finance", now=now)
        notes.append(decide_credit(db, asked.credit_note_id, approve=True, by="head", now=now))
    assert sum(note.tax.fen for note in notes) == bill.tax.fen
    assert [note.number for note in notes] == [f"YJC2026{n:06d}" for n in (1, 2, 3)]
    assert acme.owes() == cny("0.00")
    with pytest.raises(Invalid, match="可冲减"):
        request_credit(db, bill.bill_id, amounts={1: 1}, why="再来", by="finance", now=now)
    assert acme.bill("2026-10").seal == bill.seal
    assert all(each.holds for each in check_ledger(db, LEDGER_CHECKS))


def test_a_voided_bill_is_billed_again(books: Books) -> None:
    """
    October was issued under a wrong title and voided whole: the debt is gone, the bill readable,
    and closing again drafts October anew, with a new number and the chain unbroken.
    """
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    first = books.issue(acme.bill("2026-10"))
    asked = request_credit(
        books.db, first.bill_id, amounts=None, why="抬头有误", by="finance", now=books.clock.now()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="head", now=books.clock.now())
    assert acme.owes() == cny("0.00")
    books.close("2026-10")
    second = books.issue(acme.bill("2026-10"))
    assert (second.number, second.gross) == ("YJ2026000002", first.gross)
    assert second.previous_seal == first.seal
    assert acme.owes() == cny("100.00")


def test_a_paid_bill_whose_transfer_bounced_is_open_again(books: Books) -> None:
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    with books.db.begin() as tx:
        mark_paid(tx, bill.bill_id, by="bank", at=books.clock.now(), why="到账")
    with books.db.begin() as tx:
        mark_unpaid(tx, bill.bill_id, by="bank", at=books.clock.now(), why="退汇")
    assert acme.bill("2026-10").state is BillState.ISSUED


def test_where_payment_counts_from_the_fapiao_the_first_arrival_sets_the_date(
    books: Books,
) -> None:
    books.prices(YUAN, currency="CNY")
    terms = replace(
        STANDARD,
        settlement_order=SettlementOrder.FAPIAO_FIRST,
        due_basis=DueBasis.FAPIAO_RECEIPT,
        payment_days=30,
    )
    acme = books.customer("acme", commercial=terms)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    assert bill.due_on is None
    for day, first in ((date(2026, 11, 12), True), (date(2026, 11, 20), False)):
        with books.db.begin() as tx:
            assert fapiao_received(tx, bill.bill_id, day) is first
    assert acme.bill("2026-10").due_on == date(2026, 12, 14)


def used_until(books: Books, day: int, **more: object) -> Party:
    """A customer with 100 of October, whose contract settles on a day and asks for its word."""
    books.prices(YUAN, currency="CNY")
    terms = replace(ASKS, settlement_day=day, **more)  # type: ignore[arg-type]  # a test's own
    acme = books.customer("acme", commercial=terms)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    return acme


def test_a_month_is_settled_by_itself_on_its_day_and_once(books: Books) -> None:
    """On the 5th, by Shanghai's calendar, October is closed and put to the customer; not before."""
    acme = used_until(books, 5)
    before, there = (datetime(2026, 11, 4, hour, tzinfo=UTC) for hour in (15, 16))
    assert settle_due(books.db, before) == 0
    assert not acme.has_bill("2026-10")
    assert settle_due(books.db, there) == 1
    bill = acme.bill("2026-10")
    assert (bill.state, bill.gross) == (BillState.PROPOSED, cny("100.00"))
    assert (bill.billed_on, bill.review_until) == (date(2026, 11, 5), date(2026, 11, 10))
    assert settle_due(books.db, there + timedelta(days=9)) == 0


def test_a_bill_that_finance_took_back_waits_for_finance(books: Books) -> None:
    acme = used_until(books, 5)
    day = datetime(2026, 11, 5, tzinfo=UTC)
    settle_due(books.db, day)
    reopen_bill(books.db, acme.bill("2026-10").bill_id, by=CLERK, now=day, why="补充说明")
    assert settle_due(books.db, day + timedelta(hours=1)) == 0
    assert acme.bill("2026-10").state is BillState.DRAFT


def test_what_finance_had_drafted_is_put_to_the_customer_on_the_day(books: Books) -> None:
    acme = used_until(books, 5)
    books.close("2026-10")
    assert settle_due(books.db, datetime(2026, 11, 5, tzinfo=UTC)) == 1
    assert acme.bill("2026-10").state is BillState.PROPOSED


def test_a_bill_that_nobody_confirms_is_drafted_on_the_day_and_waits_to_be_issued(
    books: Books,
) -> None:
    acme = used_until(books, 5, confirmation=Confirmation.NONE)
    assert settle_due(books.db, datetime(2026, 11, 5, tzinfo=UTC)) == 0
    assert acme.bill("2026-10").state is BillState.DRAFT


def test_a_month_that_cannot_be_closed_waits_and_holds_nobody_else_up(books: Books) -> None:
    """Alpha's September is not closed yet: its October waits for finance, acme's does not."""
    acme = used_until(books, 5)
    day = datetime(2026, 11, 5, tzinfo=UTC)
    alpha = books.customer("alpha", commercial=replace(ASKS, settlement_day=5))
    for month in ("2026-09", "2026-10"):
        alpha.uses(f"{month}-05 10:00:00", "gpt-4o", input=M)
    assert settle_due(books.db, day) == 1
    assert acme.has_bill("2026-10")
    assert not alpha.has_bill("2026-10")
    # Finance hears of it once, with what to do, however often the clerk tries.
    assert settle_due(books.db, day + timedelta(hours=1)) == 0
    with books.db.begin() as tx:
        (note,) = [each for each in unhanded(tx, limit=99) if each.kind == "settlement_waits"]
    assert (note.audience, note.customer_id) == ("operator", alpha.customer.customer_id)
    books.close("2026-09")
    assert settle_due(books.db, day + timedelta(hours=1)) == 1
    assert alpha.bill("2026-10").state is BillState.PROPOSED


def test_another_reason_is_told_and_another_count_is_not(books: Books) -> None:
    acme = used_until(books, 5).customer
    month = BillingMonth.parse("2026-10")
    reasons = ("3 次调用没有价格，请补价", "14 次调用没有价格，请补价", "上月未关账，请先关账")
    notes = [of_settlement(acme, month, why) for why in reasons]
    assert notes[0].key == notes[1].key != notes[2].key
    said = piece_of(notes[2].kind, notes[2].facts, "zh-CN")
    assert said.title == "结算待处理：acme 2026-10"
    assert "上月未关账，请先关账" in said.body


def test_a_month_that_goes_on_elsewhere_is_no_news(books: Books) -> None:
    """On the 1st by Shanghai's calendar it is still October in New York."""
    used_until(books, 1)
    assert settle_due(books.db, datetime(2026, 10, 31, 17, tzinfo=UTC)) == 0
    with books.db.begin() as tx:
        assert [each for each in unhanded(tx, limit=99) if each.kind == "settlement_waits"] == []


def test_a_customer_without_a_settlement_day_is_settled_by_finance(acme: Party) -> None:
    assert settle_due(acme.books.db, datetime(2026, 11, 20, tzinfo=UTC)) == 0
    assert acme.bill("2026-10").state is BillState.DRAFT


@pytest.mark.parametrize("day", [-1, 29])
def test_a_settlement_day_that_some_months_lack_is_refused(day: int) -> None:
    with pytest.raises(Invalid, match="结算日"):
        replace(STANDARD, settlement_day=day).refuse_nonsense()
