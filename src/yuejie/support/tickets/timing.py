"""Clocks in their transactions: begun when a ticket waits for us, stopped, missed."""

from datetime import datetime, timedelta

from yuejie.contracts.store import contract_at
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.support.tickets import store
from yuejie.support.tickets.tell import tell_missed
from yuejie.support.tickets.ticket import Clock, Ticket, minutes_of
from yuejie.usage.store import enter_epoch


def begin_clock(tx: Tx, ticket: Ticket, *, is_first: bool, at: datetime) -> Clock:
    """Let a clock run, as long as the customer's contract says at that moment, else the house."""
    contract = contract_at(tx, ticket.customer_id, at)
    minutes = minutes_of(contract.terms.sla if contract else None, ticket.severity)
    clock = Clock(
        clock_id=mint("clk", at),
        ticket_id=ticket.ticket_id,
        customer_id=ticket.customer_id,
        is_first=is_first,
        started_at=at,
        due_at=at + timedelta(minutes=minutes),
        warned_at=None,
        stopped_at=None,
    )
    store.start_clock(tx, clock)
    return clock


def running_clock(tx: Tx, ticket: Ticket) -> Clock | None:
    """Return the clock of a ticket that runs."""
    return store.running(tx, [ticket.ticket_id]).get(ticket.ticket_id)


def stop_running(tx: Tx, ticket: Ticket, *, at: datetime) -> None:
    """Stop the clock that runs, if one does; one that is late was missed."""
    clock = running_clock(tx, ticket)
    if clock is None:
        return
    if clock.is_late(at):
        miss(tx, ticket, clock, at=at)
    store.stop_clock(tx, ticket.customer_id, clock.clock_id, at)


def miss(tx: Tx, ticket: Ticket, clock: Clock, *, at: datetime) -> bool:
    """Write down that a response was missed, and tell; False where that was done before.

    It belongs to the month in which it was due, in the customer's zone, and is known from the
    present epoch on: a bill that was drawn before does not change.
    """
    zone = zone_of(find_customer(tx, ticket.customer_id).zone)
    month = str(BillingMonth.of(clock.due_at, zone))
    if not store.note_miss(tx, clock, month=month, at=at, epoch=enter_epoch(tx)):
        return False
    store.note_warned(tx, ticket.customer_id, clock.clock_id, at)
    tell_missed(tx, ticket, clock, at=at)
    return True
