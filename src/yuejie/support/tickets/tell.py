"""Who hears of a ticket: whoever is on duty, the adviser, the customer; each once."""

from datetime import datetime

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.support.rota import store as rota
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.rota.keep import person_on_duty
from yuejie.support.rota.ring import ring
from yuejie.support.tickets.ticket import (
    LOUD,
    SEVERITY_NAMES,
    STATE_NAMES,
    Clock,
    Ticket,
    TicketState,
)


def tell_opened(tx: Tx, ticket: Ticket, clock: Clock, *, at: datetime) -> None:
    """Tell whoever is on duty that a ticket waits for its first response."""
    kind = Kind.TICKET_URGENT if ticket.severity in LOUD else Kind.TICKET_OPENED
    notice = _notice(tx, ticket, clock, kind, "opened")
    ring(tx, notice, [person_on_duty(tx, at)], at=at)


def tell_due_soon(tx: Tx, ticket: Ticket, clock: Clock, *, at: datetime) -> None:
    """Tell whoever is on duty that a response is about to be missed."""
    notice = _notice(tx, ticket, clock, Kind.TICKET_DUE_SOON, "soon")
    ring(tx, notice, [person_on_duty(tx, at)], at=at)


def tell_missed(tx: Tx, ticket: Ticket, clock: Clock, *, at: datetime) -> None:
    """Tell whoever is on duty and the customer's adviser that a response was missed."""
    people = [person_on_duty(tx, at), rota.adviser(tx, ticket.customer_id)]
    ring(tx, _notice(tx, ticket, clock, Kind.TICKET_MISSED, "missed"), people, at=at)


def tell_answered(
    tx: Tx, ticket: Ticket, became: TicketState, message_id: str, *, at: datetime
) -> None:
    """Tell the customer's contacts that we said something."""
    facts = {
        "ticket": ticket.ticket_id,
        "subject": ticket.subject,
        "state": STATE_NAMES[became],
    }
    key = f"ticket:{ticket.ticket_id}:said:{message_id}"
    kind = Kind.TICKET_ANSWERED
    enqueue(tx, Notice(kind, Audience.CUSTOMER, facts, key, ticket.customer_id), at=at)


def tell_graded(
    tx: Tx, was: Ticket, became: Ticket, message_id: str, *, why: str, at: datetime
) -> None:
    """Tell the customer's contacts that a ticket has another severity, and why.

    Grades are told by their code, which is the same in every language.
    """
    facts = {
        "ticket": became.ticket_id,
        "subject": became.subject,
        "before": was.severity.upper(),
        "grade": became.severity.upper(),
        "why": why,
    }
    key = f"ticket:{became.ticket_id}:graded:{message_id}"
    kind = Kind.TICKET_GRADED
    enqueue(tx, Notice(kind, Audience.CUSTOMER, facts, key, became.customer_id), at=at)


def _notice(tx: Tx, ticket: Ticket, clock: Clock, kind: Kind, occasion: str) -> Notice:
    facts = {
        "ticket": ticket.ticket_id,
        "customer": find_customer(tx, ticket.customer_id).legal_name,
        "grade": SEVERITY_NAMES[ticket.severity],
        "subject": ticket.subject,
        "answer_by": f"{clock.due_at.astimezone(HOUSE_ZONE):%Y-%m-%d %H:%M}",
    }
    key = f"ticket:{clock.clock_id}:{occasion}"
    return Notice(kind, Audience.OPERATOR, facts, key, ticket.customer_id)
