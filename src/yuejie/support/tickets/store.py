"""The only SQL of tickets, messages, files and response clocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import CustomerId
from yuejie.support.tickets.ticket import (
    Clock,
    Enclosed,
    Severity,
    Side,
    Ticket,
    TicketKind,
    TicketState,
)

OPERATOR_READS: Final = {
    "running": "the clocks of tickets that were read for whoever may see them",
    "queue": "the operator answers everybody",
    "due_clocks": "the clerk watches everybody's clocks",
    "resting": "the clerk closes what everybody has left alone",
    "waiting_count": "the operator's front page counts everybody's tickets",
}


@dataclass(frozen=True, slots=True)
class _Row:
    ticket_id: str
    customer_id: CustomerId
    kind: str
    severity: str
    subject: str
    request_id: UUID | None
    bill_id: str | None
    line_position: int | None
    state: str
    state_at: datetime
    opened_by: str
    opened_at: datetime


def _ticket(row: _Row) -> Ticket:
    return Ticket(
        row.ticket_id,
        row.customer_id,
        TicketKind(row.kind),
        Severity(row.severity),
        row.subject,
        row.request_id,
        row.bill_id,
        row.line_position,
        TicketState(row.state),
        row.state_at,
        row.opened_by,
        row.opened_at,
    )


INSERT: Final = """
    INSERT INTO ticket (ticket_id, customer_id, kind, severity, subject, request_id, bill_id,
                        line_position, state, state_at, opened_by, opened_at)
    VALUES (%(ticket_id)s, %(customer_id)s, %(kind)s, %(severity)s, %(subject)s, %(request_id)s,
            %(bill_id)s, %(line_position)s, %(state)s, %(at)s, %(opened_by)s, %(at)s)
"""


def insert(tx: Tx, ticket: Ticket) -> None:
    """Write a ticket down."""
    tx.run(
        INSERT,
        ticket_id=ticket.ticket_id,
        customer_id=ticket.customer_id,
        kind=str(ticket.kind),
        severity=str(ticket.severity),
        subject=ticket.subject,
        request_id=ticket.request_id,
        bill_id=ticket.bill_id,
        line_position=ticket.line_position,
        state=str(ticket.state),
        opened_by=ticket.opened_by,
        at=ticket.opened_at,
    )


TICKET: Final = """
    SELECT ticket_id, customer_id, kind, severity, subject, request_id, bill_id, line_position,
           state, state_at, opened_by, opened_at
    FROM ticket
    WHERE ticket_id = %(ticket_id)s
      AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
"""


def ticket(tx: Tx, customer_id: CustomerId | None, ticket_id: str) -> Ticket | None:
    """Return a ticket; another customer's is as unknown as one that is not there."""
    row = tx.maybe(_Row, TICKET, customer_id=customer_id, ticket_id=ticket_id)
    return None if row is None else _ticket(row)


HOLD: Final = """
    SELECT ticket_id, customer_id, kind, severity, subject, request_id, bill_id, line_position,
           state, state_at, opened_by, opened_at
    FROM ticket
    WHERE ticket_id = %(ticket_id)s
      AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
    FOR UPDATE
"""


def hold(tx: Tx, customer_id: CustomerId | None, ticket_id: str) -> Ticket | None:
    """Return a ticket as `ticket` does, and keep others from moving it."""
    row = tx.maybe(_Row, HOLD, customer_id=customer_id, ticket_id=ticket_id)
    return None if row is None else _ticket(row)


MOVE: Final = """
    UPDATE ticket SET state = %(state)s, state_at = %(at)s
    WHERE ticket_id = %(ticket_id)s AND customer_id = %(customer_id)s AND state = %(was)s
"""
NOTE: Final = """
    INSERT INTO ticket_transition (ticket_id, at, event, was, became, by, why)
    VALUES (%(ticket_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move(tx: Tx, customer_id: CustomerId, ticket_id: str, step: Transition) -> None:
    """Write down a step of a ticket that this transaction holds."""
    tx.run(
        MOVE,
        ticket_id=ticket_id,
        customer_id=customer_id,
        state=step.became,
        was=step.was,
        at=step.at,
    )
    tx.run(NOTE, ticket_id=ticket_id, **step.row())


GRADE: Final = """
    UPDATE ticket SET severity = %(severity)s
    WHERE ticket_id = %(ticket_id)s AND customer_id = %(customer_id)s
"""


def put_severity(tx: Tx, customer_id: CustomerId, ticket_id: str, severity: str) -> None:
    """Change the severity of a ticket that this transaction holds."""
    tx.run(GRADE, customer_id=customer_id, ticket_id=ticket_id, severity=severity)


STEPS: Final = """
    SELECT n.at, n.event, n.was, n.became, n.by, n.why
    FROM ticket_transition n JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s AND n.ticket_id = %(ticket_id)s
    ORDER BY n.transition_id
"""


def steps(tx: Tx, customer_id: CustomerId, ticket_id: str) -> list[Transition]:
    """Return what a ticket went through."""
    return tx.rows(Transition, STEPS, customer_id=customer_id, ticket_id=ticket_id)


TICKETS: Final = """
    SELECT ticket_id, customer_id, kind, severity, subject, request_id, bill_id, line_position,
           state, state_at, opened_by, opened_at
    FROM ticket
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(before)s::text IS NULL OR ticket_id < %(before)s)
    ORDER BY ticket_id DESC
    LIMIT %(limit)s
"""


def tickets(
    tx: Tx,
    customer_id: CustomerId | None,
    *,
    state: TicketState | None,
    before: str | None,
    limit: int,
) -> list[Ticket]:
    """Return tickets, the newest first."""
    rows = tx.rows(
        _Row,
        TICKETS,
        customer_id=customer_id,
        state=None if state is None else str(state),
        before=before,
        limit=limit,
    )
    return [_ticket(row) for row in rows]


QUEUE: Final = """
    SELECT t.ticket_id, t.customer_id, t.kind, t.severity, t.subject, t.request_id, t.bill_id,
           t.line_position, t.state, t.state_at, t.opened_by, t.opened_at
    FROM ticket t JOIN response_clock c USING (ticket_id)
    WHERE c.stopped_at IS NULL
    ORDER BY c.due_at, t.ticket_id
    LIMIT %(limit)s
"""


def queue(tx: Tx, *, limit: int) -> list[Ticket]:
    """Return what waits for us, first what is due first."""
    return [_ticket(row) for row in tx.rows(_Row, QUEUE, limit=limit)]


WAITING_COUNT: Final = "SELECT count(*) FROM response_clock WHERE stopped_at IS NULL"


def waiting_count(tx: Tx) -> int:
    """Return how many tickets wait for us."""
    return int(tx.value(WAITING_COUNT))


# messages -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said on a ticket."""

    message_id: str
    side: str
    by: str
    at: datetime
    text: str


INSERT_MESSAGE: Final = """
    INSERT INTO ticket_message (message_id, ticket_id, side, by, at, text)
    VALUES (%(message_id)s, %(ticket_id)s, %(side)s, %(by)s, %(at)s, %(text)s)
"""


def insert_message(tx: Tx, ticket_id: str, side: Side, message: Message) -> None:
    """Write down what somebody said."""
    tx.run(
        INSERT_MESSAGE,
        message_id=message.message_id,
        ticket_id=ticket_id,
        side=str(side),
        by=message.by,
        at=message.at,
        text=message.text,
    )


MESSAGES: Final = """
    SELECT m.message_id, m.side, m.by, m.at, m.text
    FROM ticket_message m JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s AND m.ticket_id = %(ticket_id)s
    ORDER BY m.seq
"""


def messages(tx: Tx, customer_id: CustomerId, ticket_id: str) -> list[Message]:
    """Return what was said on a ticket, in its order."""
    return tx.rows(Message, MESSAGES, customer_id=customer_id, ticket_id=ticket_id)


MESSAGE_COUNT: Final = """
    SELECT count(*) FROM ticket_message m JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s AND m.ticket_id = %(ticket_id)s
"""


def message_count(tx: Tx, customer_id: CustomerId, ticket_id: str) -> int:
    """Return how many messages a ticket has."""
    return int(tx.value(MESSAGE_COUNT, customer_id=customer_id, ticket_id=ticket_id))


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a message, without its body."""

    file_id: str
    message_id: str
    name: str
    size: int


INSERT_FILE: Final = """
    INSERT INTO ticket_file (file_id, message_id, name, body)
    VALUES (%(file_id)s, %(message_id)s, %(name)s, %(body)s)
"""


def insert_file(tx: Tx, message_id: str, file_id: str, enclosed: Enclosed) -> None:
    """Keep a file of a message."""
    tx.run(
        INSERT_FILE,
        file_id=file_id,
        message_id=message_id,
        name=enclosed.name,
        body=enclosed.body,
    )


FILES: Final = """
    SELECT f.file_id, f.message_id, f.name, length(f.body) AS size
    FROM ticket_file f JOIN ticket_message m USING (message_id) JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s AND m.ticket_id = %(ticket_id)s
    ORDER BY f.file_id
"""


def files(tx: Tx, customer_id: CustomerId, ticket_id: str) -> list[FileRow]:
    """Return the files of a ticket, without their bodies."""
    return tx.rows(FileRow, FILES, customer_id=customer_id, ticket_id=ticket_id)


FILE: Final = """
    SELECT f.name, f.body
    FROM ticket_file f JOIN ticket_message m USING (message_id) JOIN ticket t USING (ticket_id)
    WHERE t.customer_id = %(customer_id)s AND m.ticket_id = %(ticket_id)s
      AND f.file_id = %(file_id)s
"""


def file(tx: Tx, customer_id: CustomerId, ticket_id: str, file_id: str) -> Enclosed | None:
    """Return a file of a ticket."""
    return tx.maybe(Enclosed, FILE, customer_id=customer_id, ticket_id=ticket_id, file_id=file_id)


# clocks -------------------------------------------------------------------------------------------

START: Final = """
    INSERT INTO response_clock (clock_id, ticket_id, customer_id, is_first, started_at, due_at)
    VALUES (%(clock_id)s, %(ticket_id)s, %(customer_id)s, %(is_first)s, %(started_at)s, %(due_at)s)
"""


def start_clock(tx: Tx, clock: Clock) -> None:
    """Let a clock run."""
    tx.run(
        START,
        clock_id=clock.clock_id,
        ticket_id=clock.ticket_id,
        customer_id=clock.customer_id,
        is_first=clock.is_first,
        started_at=clock.started_at,
        due_at=clock.due_at,
    )


CLOCKS: Final = """
    SELECT clock_id, ticket_id, customer_id, is_first, started_at, due_at, warned_at, stopped_at
    FROM response_clock
    WHERE customer_id = %(customer_id)s AND ticket_id = %(ticket_id)s
    ORDER BY clock_id
"""


def clocks(tx: Tx, customer_id: CustomerId, ticket_id: str) -> list[Clock]:
    """Return every clock of a ticket, the oldest first; at most the last of them runs."""
    return tx.rows(Clock, CLOCKS, customer_id=customer_id, ticket_id=ticket_id)


RUNNING: Final = """
    SELECT clock_id, ticket_id, customer_id, is_first, started_at, due_at, warned_at, stopped_at
    FROM response_clock
    WHERE stopped_at IS NULL AND ticket_id = ANY(%(ticket_ids)s)
"""


def running(tx: Tx, ticket_ids: list[str]) -> dict[str, Clock]:
    """Return the clocks that run, by ticket."""
    return {row.ticket_id: row for row in tx.rows(Clock, RUNNING, ticket_ids=ticket_ids)}


STOP: Final = """
    UPDATE response_clock SET stopped_at = %(at)s
    WHERE customer_id = %(customer_id)s AND clock_id = %(clock_id)s AND stopped_at IS NULL
"""


def stop_clock(tx: Tx, customer_id: CustomerId, clock_id: str, at: datetime) -> None:
    """Stop a clock."""
    tx.run(STOP, customer_id=customer_id, clock_id=clock_id, at=at)


WARN: Final = """
    UPDATE response_clock SET warned_at = %(at)s
    WHERE customer_id = %(customer_id)s AND clock_id = %(clock_id)s AND warned_at IS NULL
"""


def note_warned(tx: Tx, customer_id: CustomerId, clock_id: str, at: datetime) -> bool:
    """Write down that somebody was warned; False where that was done before."""
    return tx.run(WARN, customer_id=customer_id, clock_id=clock_id, at=at) == 1


NOTE_MISS: Final = """
    INSERT INTO response_miss (clock_id, customer_id, month, is_first, due_at, noted_at, epoch)
    VALUES (%(clock_id)s, %(customer_id)s, %(month)s, %(is_first)s, %(due_at)s, %(at)s, %(epoch)s)
    ON CONFLICT (clock_id) DO NOTHING
"""


def note_miss(tx: Tx, clock: Clock, *, month: str, at: datetime, epoch: int) -> bool:
    """Write down that a response was missed; False where that is known."""
    written = tx.run(
        NOTE_MISS,
        clock_id=clock.clock_id,
        customer_id=clock.customer_id,
        month=month,
        is_first=clock.is_first,
        due_at=clock.due_at,
        at=at,
        epoch=epoch,
    )
    return written == 1


# About to be missed: a quarter of the time is left.
DUE_CLOCKS: Final = """
    SELECT c.clock_id, c.ticket_id, c.customer_id, c.is_first, c.started_at, c.due_at, c.warned_at,
           c.stopped_at
    FROM response_clock c
    WHERE c.stopped_at IS NULL
      AND (c.warned_at IS NULL AND c.due_at - (c.due_at - c.started_at) / 4 <= %(now)s
           OR c.due_at < %(now)s
              AND NOT EXISTS (SELECT FROM response_miss m WHERE m.clock_id = c.clock_id))
    ORDER BY c.due_at
    LIMIT %(limit)s
"""


def due_clocks(tx: Tx, *, now: datetime, limit: int) -> list[Clock]:
    """Return running clocks of which somebody must hear: about to be missed, or missed."""
    return tx.rows(Clock, DUE_CLOCKS, now=now, limit=limit)


RESTING: Final = """
    SELECT ticket_id, customer_id, kind, severity, subject, request_id, bill_id, line_position,
           state, state_at, opened_by, opened_at
    FROM ticket
    WHERE state = 'resolved' AND state_at <= %(until)s
    ORDER BY ticket_id
    LIMIT %(limit)s
"""


def resting(tx: Tx, *, until: datetime, limit: int) -> list[Ticket]:
    """Return tickets that were resolved by a moment and to which nobody said anything since."""
    return [_ticket(row) for row in tx.rows(_Row, RESTING, until=until, limit=limit)]


ALIVE_COUNT: Final = """
    SELECT count(*) FROM ticket WHERE customer_id = %(customer_id)s AND state <> 'closed'
"""


def alive_count(tx: Tx, customer_id: CustomerId) -> int:
    """Return how many tickets of a customer are not closed."""
    return int(tx.value(ALIVE_COUNT, customer_id=customer_id))
