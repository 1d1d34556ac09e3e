"""Say something on a ticket: answer, ask back, resolve; reply, close, reopen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import TICKET_MESSAGES
from yuejie.support.tickets import store
from yuejie.support.tickets.open import add_message, checked_files, checked_text
from yuejie.support.tickets.tell import tell_answered, tell_opened
from yuejie.support.tickets.ticket import (
    FOR_CUSTOMERS,
    FOR_US,
    Enclosed,
    Side,
    Ticket,
    TicketEvent,
    TicketState,
    advance,
)
from yuejie.support.tickets.timing import begin_clock, running_clock, stop_running

OVER = frozenset({TicketState.RESOLVED, TicketState.CLOSED})


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody does on a ticket and says about it; closing may go without words."""

    event: TicketEvent
    text: str = ""
    files: Sequence[Enclosed] = ()


def speak(
    db: Database,
    ticket_id: str,
    said: Said,
    *,
    customer_id: CustomerId | None,
    by: str,
    now: datetime,
) -> Ticket:
    """Move a ticket and write down what was said; clocks follow, and whoever must hears of it.

    `customer_id` is the customer's own deed; None is the operator's. A customer's reply to what
    was resolved or closed opens it again. Raises NotFound for another's ticket, Conflict where its
    state forbids the deed, Forbidden words never: what is ours to do is refused as not theirs.
    """
    with db.begin() as tx:
        was = held(tx, customer_id, ticket_id)
        event = said.event
        if event is TicketEvent.REPLY and was.state in OVER:
            event = TicketEvent.REOPEN
        _refuse_side(event, was, is_customer=customer_id is not None)
        became = advance(was.state, event)
        side = Side.CUSTOMER if event in FOR_CUSTOMERS else Side.OPERATOR
        message_id = _write(tx, was, side, replace(said, event=event), by=by, at=now)
        step = Transition(now, event, was.state, became, by)
        store.move(tx, was.customer_id, ticket_id, step)
        ticket = replace(was, state=became, state_at=now)
        if became not in FOR_US:
            stop_running(tx, ticket, at=now)
        elif running_clock(tx, ticket) is None:
            again = event is TicketEvent.REOPEN
            clock = begin_clock(tx, ticket, is_first=again, at=now)
            if again:
                tell_opened(tx, ticket, clock, at=now)
        if side is Side.OPERATOR:
            tell_answered(tx, ticket, became, message_id, at=now)
    return ticket


def held(tx: Tx, customer_id: CustomerId | None, ticket_id: str) -> Ticket:
    """Return a ticket for a deed. Raises NotFound, in the same words for another customer's."""
    found = store.hold(tx, customer_id, ticket_id)
    if found is None:
        raise no_such_ticket(ticket_id)
    return found


def no_such_ticket(ticket_id: str) -> NotFound:
    """Say that there is none, or none to be seen by whoever asks."""
    return NotFound(f"工单 {ticket_id} 不存在，请核对编号")


def _refuse_side(event: TicketEvent, ticket: Ticket, *, is_customer: bool) -> None:
    """Refuse what is the other side's to do."""
    if is_customer and event not in FOR_CUSTOMERS:
        raise Invalid("答复与解决由我方进行；请留言，或关闭工单")
    if not is_customer and event is TicketEvent.REPLY:
        raise Invalid("客户留言由客户自己写；请用答复或请客户补充")
    if not is_customer and event is TicketEvent.CLOSE and ticket.state is not TicketState.RESOLVED:
        raise Conflict("未解决的工单由客户关闭；请先写明解决办法")


def _write(tx: Tx, ticket: Ticket, side: Side, said: Said, *, by: str, at: datetime) -> str:
    files = checked_files(said.files)
    if said.event is TicketEvent.CLOSE and not said.text.strip() and not files:
        return ""
    text = checked_text(said.text)
    if store.message_count(tx, ticket.customer_id, ticket.ticket_id) >= TICKET_MESSAGES:
        raise Conflict(f"这张工单已有 {TICKET_MESSAGES} 条留言，请另开一张")
    return add_message(tx, ticket, side, text, files, by=by, at=at)
