"""Watch the clocks: warn before a response is missed, note those that are, close what rests."""

from datetime import datetime
from typing import Final

from yuejie.db.session import Database
from yuejie.db.transition import Transition
from yuejie.support.tickets import store
from yuejie.support.tickets.tell import tell_due_soon
from yuejie.support.tickets.ticket import CLOSES_AFTER, TicketEvent, advance
from yuejie.support.tickets.timing import miss, running_clock

AT_ONCE: Final = 1_000
"""Clocks and tickets that one round looks at; the rest is next minute's."""
BY: Final = "clerk"


def watch_clocks(db: Database, now: datetime) -> int:
    """Warn whom it concerns of clocks about to be missed, and note those that were; once each."""
    with db.read() as tx:
        due = store.due_clocks(tx, now=now, limit=AT_ONCE)
    return sum(_look_at(db, clock.ticket_id, now) for clock in due)


def _look_at(db: Database, ticket_id: str, now: datetime) -> int:
    """Look again under the ticket's lock: an answer may have come meanwhile."""
    with db.begin() as tx:
        ticket = store.hold(tx, None, ticket_id)
        clock = running_clock(tx, ticket) if ticket else None
        if ticket is None or clock is None:
            return 0
        if clock.is_late(now):
            return int(miss(tx, ticket, clock, at=now))
        if not store.note_warned(tx, ticket.customer_id, clock.clock_id, now):
            return 0
        tell_due_soon(tx, ticket, clock, at=now)
        return 1


def close_resting(db: Database, now: datetime) -> int:
    """Close what was resolved a week ago and nobody has come back to."""
    with db.read() as tx:
        found = store.resting(tx, until=now - CLOSES_AFTER, limit=AT_ONCE)
    return sum(_close(db, each.ticket_id, now) for each in found)


def _close(db: Database, ticket_id: str, now: datetime) -> int:
    with db.begin() as tx:
        ticket = store.hold(tx, None, ticket_id)
        if ticket is None or ticket.state_at > now - CLOSES_AFTER:
            return 0
        became = advance(ticket.state, TicketEvent.CLOSE)
        why = f"解决后 {CLOSES_AFTER.days} 天没有新的留言"
        step = Transition(now, TicketEvent.CLOSE, ticket.state, became, BY, why)
        store.move(tx, ticket.customer_id, ticket_id, step)
    return 1
