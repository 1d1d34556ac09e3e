"""A ticket turns out to be worse than was thought, or less bad: its severity changes, in sight."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.scenarios.books import Books
from tests.scenarios.test_support import NIGHT, asks, house, says, told
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.notices.wording.render import piece_of, text_of
from yuejie.support.tickets.grade import grade_ticket
from yuejie.support.tickets.show import show_ticket
from yuejie.support.tickets.ticket import Severity, TicketEvent
from yuejie.web.store import Sought, deeds

__all__ = ["house"]
BY = "operator:小李"


@dataclass
class _Facts:
    facts: dict[str, str]


def _letter(books: Books, language: str) -> str:
    """Return what the customer reads of the ticket's new grade."""
    with books.db.read() as tx:
        row = tx.row(_Facts, "SELECT facts FROM notice WHERE kind = 'ticket_graded'")
    return text_of([piece_of("ticket_graded", row.facts, language)], language, "msg_0")


def test_a_ticket_that_turns_out_worse_is_answered_sooner(house: Books) -> None:
    """S3 gives eight hours, S1 half an hour: from the moment it is graded, and never later."""
    party = house.customer("acme")
    ticket = asks(party, Severity.S3)
    later = NIGHT + timedelta(minutes=10)
    graded = grade_ticket(
        house.db, ticket.ticket_id, Severity.S1, why="生产已中断", by=BY, now=later
    )
    assert graded.severity is Severity.S1
    shown = show_ticket(house.db, party.customer.customer_id, ticket.ticket_id)
    assert shown.clock is not None
    assert shown.clock.due_at == later + timedelta(minutes=30)
    assert shown.messages[-1].text == "级别由 S3 部分受影响 改为 S1 生产中断：生产已中断"
    assert "ticket_graded" in [kind for kind, _ in told(house)]
    for language, words in (
        ("zh-CN", "级别由 S3 改为 S1：生产已中断"),
        ("en", "graded S1, before S3: 生产已中断"),
    ):
        assert words in _letter(house, language)
    with house.db.read() as tx:
        recorded = deeds(tx, Sought(noun="ticket"), before=2**62, limit=9)
    (deed,) = (each for each in recorded if each.verb == "grade")
    assert (deed.by, deed.why) == (BY, "生产已中断")


def test_what_was_promised_is_not_put_off_by_a_lower_grade(house: Books) -> None:
    party = house.customer("acme")
    ticket = asks(party, Severity.S1)
    before = show_ticket(house.db, None, ticket.ticket_id).clock
    grade_ticket(house.db, ticket.ticket_id, Severity.S4, why="只是一次超时", by=BY, now=NIGHT)
    after = show_ticket(house.db, None, ticket.ticket_id).clock
    assert before is not None
    assert before == after


def test_a_grade_needs_a_reason_and_a_ticket_that_waits(house: Books) -> None:
    party = house.customer("acme")
    ticket = asks(party, Severity.S2)
    with pytest.raises(Invalid, match="原因"):
        grade_ticket(house.db, ticket.ticket_id, Severity.S1, why=" ", by=BY, now=NIGHT)
    with pytest.raises(Conflict, match="已是 S2"):
        grade_ticket(house.db, ticket.ticket_id, Severity.S2, why="x", by=BY, now=NIGHT)
    says(party, ticket, TicketEvent.RESOLVE, at=NIGHT)
    with pytest.raises(Conflict, match="已解决"):
        grade_ticket(house.db, ticket.ticket_id, Severity.S1, why="x", by=BY, now=NIGHT)
