"""What one person drafts to correct a bill and another turns down, and what follows of it."""

from dataclasses import dataclass, replace

import pytest

from tests.scenarios.books import CLERK, Books, Party, cny
from yuejie.bills.bill import BillState
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import AdjustmentState, Decision, Wanted
from yuejie.bills.correct.credit import CreditState
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.correct.turned_down import turned_down
from yuejie.bills.review.ask import confirm_bill, deem_confirmed, propose_bill, reopen_bill
from yuejie.bills.review.dispute import Dispute, DisputeState
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
    withdraw_dispute,
)
from yuejie.bills.review.store import disputes_of, open_disputes
from yuejie.contracts.terms import STANDARD, Confirmation
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.period import BillingMonth
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
    """A customer with 100 of October, put to it and disputed."""
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme", commercial=ASKS)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    propose_bill(books.db, acme.bill("2026-10").bill_id, by=CLERK, now=books.tick())
    return acme


def accepted(acme: Party) -> Dispute:
    """Let the customer doubt the line, and finance draft 12.50 less for it."""
    books, name = acme.books, acme.bill("2026-10").bill_id
    raised = raise_dispute(
        books.db, name, Objection(1, "与我方记录不符"), by="acme", now=books.tick()
    )
    return accept_dispute(
        books.db,
        raised.dispute_id,
        amount_fen=-1250,
        answer="重复重试",
        by="finance",
        now=books.tick(),
    )


def decided(acme: Party, dispute: Dispute, decision: Decision, *, by: str, why: str = "") -> None:
    assert dispute.adjustment_id is not None
    books = acme.books
    decide_adjustment(books.db, dispute.adjustment_id, decision, by=by, now=books.tick(), why=why)


def only(acme: Party) -> Dispute:
    with acme.books.db.read() as tx:
        (found,) = disputes_of(tx, acme.customer.customer_id)
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice says, and to whom."""

    kind: str
    audience: str
    facts: dict[str, str]

    def words(self, language: str = "zh-CN") -> str:
        return piece_of(self.kind, self.facts, language).body


def told(books: Books, kind: str) -> list[Told]:
    with books.db.read() as tx:
        return tx.rows(
            Told, "SELECT kind, audience, facts FROM notice WHERE kind = %(kind)s", kind=kind
        )


def test_a_dispute_whose_adjustment_is_rejected_is_open_again(books: Books, acme: Party) -> None:
    """
    Finance accepts a dispute and drafts 12.50 less; its head rejects that. The customer still has
    no answer: the bill is held, finance hears why, and answers once more.
    """
    dispute = accepted(acme)
    decided(acme, dispute, Decision.REJECT, by="head", why="重试由客户发起")
    again = only(acme)
    assert (again.state, again.adjustment_id, again.answer) == (DisputeState.OPEN, None, "")
    assert (again.answered_by, again.answered_at) == (None, None)
    assert acme.bill("2026-10").state is BillState.DISPUTED
    with books.db.read() as tx:
        assert [each.dispute_id for each in open_disputes(tx)] == [dispute.dispute_id]
        (deed,) = deeds(tx, Sought(noun="dispute", verbs=["reopen"]), before=10**9, limit=9)
    assert (deed.by, deed.why) == ("head", "重试由客户发起")
    assert deed.was is not None
    assert deed.was["answer"] == "重复重试"
    (note,) = told(books, "dispute_reopened")
    said = note.words()
    assert (note.audience, "重试由客户发起" in said) == ("operator", True)
    assert told(books, "correction_rejected") == []
    reject_dispute(
        books.db, dispute.dispute_id, answer="附上逐次记录", by="finance", now=books.tick()
    )
    assert acme.bill("2026-10").state is BillState.PROPOSED


def test_so_is_one_whose_drafter_takes_the_adjustment_back(books: Books, acme: Party) -> None:
    dispute = accepted(acme)
    decided(acme, dispute, Decision.WITHDRAW, by="finance")
    assert only(acme).state is DisputeState.OPEN
    (note,) = told(books, "dispute_reopened")
    assert "提出人撤回了调整" in note.words()
    withdraw_dispute(books.db, dispute.dispute_id, by="acme", now=books.tick())
    assert acme.bill("2026-10").state is BillState.PROPOSED


def test_each_adjustment_that_is_turned_down_is_news(books: Books, acme: Party) -> None:
    for by in ("head", "chief"):
        dispute = only(acme) if by == "chief" else accepted(acme)
        if by == "chief":
            dispute = accept_dispute(
                books.db,
                dispute.dispute_id,
                amount_fen=-1000,
                answer="折中",
                by="finance",
                now=books.tick(),
            )
        decided(acme, dispute, Decision.REJECT, by=by, why="不符")
    assert len(told(books, "dispute_reopened")) == 2


def test_a_bill_that_went_on_meanwhile_is_not_issued_without_an_answer(
    books: Books, acme: Party
) -> None:
    """Drawn anew, put and confirmed while the adjustment waits; then it is rejected."""
    dispute = accepted(acme)
    name = acme.bill("2026-10").bill_id
    reopen_bill(books.db, name, by="finance", now=books.tick(), why="按异议调整")
    propose_bill(books.db, name, by="finance", now=books.tick())
    confirm_bill(books.db, name, by="finance", now=books.tick(), why="邮件")
    decided(acme, dispute, Decision.REJECT, by="head", why="不符")
    with pytest.raises(Conflict, match="还有 1 条异议没有答复"):
        books.issue(acme.bill("2026-10"))
    reject_dispute(books.db, dispute.dispute_id, answer="附记录", by="finance", now=books.tick())
    assert books.issue(acme.bill("2026-10")).gross == cny("100.00")


def test_on_an_issued_bill_the_dispute_may_still_be_answered(books: Books, acme: Party) -> None:
    """The correction then stands on the next bill."""
    dispute = accepted(acme)
    name = acme.bill("2026-10").bill_id
    reopen_bill(books.db, name, by="finance", now=books.tick(), why="按异议调整")
    propose_bill(books.db, name, by="finance", now=books.tick())
    confirm_bill(books.db, name, by="finance", now=books.tick(), why="邮件")
    books.issue(acme.bill("2026-10"))
    decided(acme, dispute, Decision.REJECT, by="head", why="应为 10")
    again = accept_dispute(
        books.db,
        dispute.dispute_id,
        amount_fen=-1000,
        answer="减 10",
        by="finance",
        now=books.tick(),
    )
    decided(acme, again, Decision.APPROVE, by="head")
    assert only(acme).state is DisputeState.ACCEPTED
    assert acme.bill("2026-10").gross == cny("100.00")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    assert acme.bill("2026-11").gross == cny("90.00")


def test_every_step_of_a_bill_stands_in_the_record_of_deeds(books: Books, acme: Party) -> None:
    """Who, when, before, after, why: from the draft to the bill that was voided."""
    name = acme.bill("2026-10").bill_id
    raised = raise_dispute(books.db, name, Objection(1, "不符"), by="acme", now=books.tick())
    withdraw_dispute(books.db, raised.dispute_id, by="acme", now=books.tick())
    reopen_bill(books.db, name, by="finance", now=books.tick(), why="补充说明")
    propose_bill(books.db, name, by="finance", now=books.tick())
    confirm_bill(books.db, name, by="finance", now=books.tick(), why="邮件")
    issued = books.issue(acme.bill("2026-10"))
    asked = request_credit(
        books.db, name, amounts=None, why="抬头有误", by="finance", now=books.tick()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="head", now=books.tick())
    with books.db.read() as tx:
        rows = deeds(tx, Sought(noun="bill", called=[name]), before=10**9, limit=99)[::-1]
    assert [(row.verb, row.by, row.why) for row in rows] == [
        ("draft", CLERK, ""),
        ("propose", CLERK, ""),
        ("dispute", "acme", "不符"),
        ("withdraw", "acme", "异议均已撤回或驳回"),
        ("recompute", "finance", "补充说明"),
        ("recompute", "finance", ""),
        ("propose", "finance", ""),
        ("confirm", "finance", "邮件"),
        ("issue", CLERK, ""),
        ("void", "head", "抬头有误"),
    ]
    became = [row.became or {} for row in rows]
    was = [row.was or {} for row in rows]
    assert [each.get("state") for each in was[1:]] == [each.get("state") for each in became[:-1]]
    assert (was[8]["number"], became[8]["number"]) == (None, issued.number)
    assert (became[-1]["state"], became[-1]["gross"]) == ("voided", "100.00")


def test_an_adjustment_is_rejected_with_a_reason_that_its_drafter_reads(
    books: Books, acme: Party
) -> None:
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-100,
        currency="CNY",
        item="补偿",
        why="故障",
    )
    asked = propose_adjustment(books.db, wanted, by="finance", now=books.tick())
    reject = Decision.REJECT
    with pytest.raises(Invalid, match="须写明原因"):
        decide_adjustment(
            books.db, asked.adjustment_id, reject, by="head", now=books.tick(), why=" "
        )
    done = decide_adjustment(
        books.db, asked.adjustment_id, reject, by="head", now=books.tick(), why="已另行补偿"
    )
    assert (done.state, done.decided_why) == (AdjustmentState.REJECTED, "已另行补偿")
    with books.db.read() as tx:
        (row,) = turned_down(tx, limit=9)
        (deed,) = deeds(tx, Sought(noun="adjustment", verbs=["reject"]), before=10**9, limit=9)
    assert (row.name, row.rejected_by, row.rejected_why) == (
        asked.adjustment_id,
        "head",
        "已另行补偿",
    )
    assert deed.why == "已另行补偿"
    (note,) = told(books, "correction_rejected")
    said = note.words()
    assert "finance" in said
    assert "已另行补偿" in said
    assert told(books, "dispute_reopened") == []


def test_a_credit_note_is_rejected_with_a_reason_that_its_drafter_reads(
    books: Books, acme: Party
) -> None:
    name = acme.bill("2026-10").bill_id
    confirm_bill(books.db, name, by="finance", now=books.tick(), why="邮件")
    books.issue(acme.bill("2026-10"))
    asked = request_credit(
        books.db, name, amounts={1: 100}, why="故障", by="finance", now=books.tick()
    )
    with pytest.raises(Invalid, match="须写明原因"):
        decide_credit(books.db, asked.credit_note_id, approve=False, by="head", now=books.tick())
    done = decide_credit(
        books.db,
        asked.credit_note_id,
        approve=False,
        by="head",
        now=books.tick(),
        why="故障不在我方",
    )
    assert (done.state, done.decided_why) == (CreditState.REJECTED, "故障不在我方")
    with books.db.read() as tx:
        (row,) = turned_down(tx, limit=9)
        (deed,) = deeds(tx, Sought(noun="credit_note", verbs=["reject"]), before=10**9, limit=9)
    assert (row.drafted_by, row.rejected_why, deed.why) == (
        "finance",
        "故障不在我方",
        "故障不在我方",
    )
    (note,) = told(books, "correction_rejected")
    assert "故障不在我方" in note.words("en")
    assert acme.owes() == cny("100.00")


def put_again(acme: Party) -> None:
    """Draw the bill anew and put it to its customer while the adjustment still waits."""
    books, name = acme.books, acme.bill("2026-10").bill_id
    reopen_bill(books.db, name, by="finance", now=books.tick(), why="按异议调整")
    propose_bill(books.db, name, by="finance", now=books.tick())


def test_a_bill_with_its_customer_is_held_when_its_dispute_is_open_again(
    books: Books, acme: Party
) -> None:
    """Neither silence nor a yes goes over a doubt that has no answer; answered, it goes on."""
    dispute = accepted(acme)
    put_again(acme)
    decided(acme, dispute, Decision.REJECT, by="head", why="不符")
    bill = acme.bill("2026-10")
    assert bill.state is BillState.DISPUTED
    with pytest.raises(Conflict):
        confirm_bill(books.db, bill.bill_id, by="finance", now=books.tick(), why="邮件")
    reject_dispute(books.db, dispute.dispute_id, answer="附记录", by="finance", now=books.tick())
    assert acme.bill("2026-10").state is BillState.PROPOSED
    confirm_bill(books.db, bill.bill_id, by="finance", now=books.tick(), why="邮件")


def test_silence_is_no_yes_to_a_bill_whose_dispute_is_open_again(books: Books) -> None:
    """The contract says that silence confirms; its customer was not silent."""
    books.prices(YUAN, currency="CNY")
    silent = replace(STANDARD, confirmation=Confirmation.DEEMED)
    acme = books.customer("acme", commercial=silent)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    propose_bill(books.db, acme.bill("2026-10").bill_id, by=CLERK, now=books.tick())
    dispute = accepted(acme)
    put_again(acme)
    decided(acme, dispute, Decision.REJECT, by="head", why="不符")
    books.tick(60 * 86_400)
    assert deem_confirmed(books.db, now=books.clock.now()) == []
    assert told(books, "bill_review_ending") == []
    reject_dispute(books.db, dispute.dispute_id, answer="附记录", by="finance", now=books.tick())
    (confirmed,) = deem_confirmed(books.db, now=books.clock.now())
    assert confirmed.state is BillState.CONFIRMED
