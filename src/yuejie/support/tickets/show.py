"""Show tickets: lists, the queue, one with everything that was said and how long it took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from yuejie.bills.find import find_bill
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.support.rota import store as rota
from yuejie.support.tickets import store
from yuejie.support.tickets.answer import no_such_ticket
from yuejie.support.tickets.store import FileRow, Message
from yuejie.support.tickets.ticket import Clock, Enclosed, Side, Ticket, TicketEvent, TicketState


@dataclass(frozen=True, slots=True)
class Listed:
    """A ticket in a list, with its customer and the clock that runs, if one does."""

    ticket: Ticket
    customer: Customer
    clock: Clock | None

    def is_late(self, at: datetime) -> bool:
        """Whether the response that is waited for is late."""
        return self.clock is not None and self.clock.is_late(at)


@dataclass(frozen=True, slots=True)
class Shown:
    """One ticket: what was said, what it went through, and how long we took.

    `adviser` is who advises the customer, `bill` how its bill is called.
    """

    ticket: Ticket
    customer: Customer
    adviser: str
    bill: str
    messages: tuple[Message, ...]
    files: tuple[FileRow, ...]
    steps: tuple[Transition, ...]
    clocks: tuple[Clock, ...]

    @property
    def clock(self) -> Clock | None:
        """The clock that runs."""
        return next((each for each in self.clocks if each.stopped_at is None), None)

    @property
    def responded_in(self) -> timedelta | None:
        """From the opening to our first word; None while there is none."""
        ours = (each.at for each in self.messages if each.side == Side.OPERATOR)
        first = next(ours, None)
        return None if first is None else first - self.ticket.opened_at

    @property
    def resolved_in(self) -> timedelta | None:
        """From the opening to the last resolution; None while it is not resolved."""
        if self.ticket.state not in {TicketState.RESOLVED, TicketState.CLOSED}:
            return None
        done = [each.at for each in self.steps if each.event == TicketEvent.RESOLVE]
        return done[-1] - self.ticket.opened_at if done else None

    @property
    def late(self) -> bool:
        """Whether a response that counts came too late, or has not come though it was due."""
        return any(
            each.is_first and each.stopped_at is not None and each.is_late(each.stopped_at)
            for each in self.clocks
        )


def show_tickets(
    db: Database,
    customer_id: CustomerId | None,
    *,
    state: TicketState | None = None,
    before: str | None = None,
    limit: int = PAGE,
) -> list[Listed]:
    """Return tickets, the newest first, of one customer or, for the operator, of all."""
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"每页条数 {limit} 超出范围，请写 1 到 {PAGE_MAX}")
    with db.read() as tx:
        found = store.tickets(tx, customer_id, state=state, before=before, limit=limit)
        return _listed(tx, found)


def show_queue(db: Database, *, limit: int = PAGE) -> list[Listed]:
    """Return what waits for us, first what is due first."""
    with db.read() as tx:
        return _listed(tx, store.queue(tx, limit=limit))


def _listed(tx: Tx, found: list[Ticket]) -> list[Listed]:
    clocks = store.running(tx, [each.ticket_id for each in found])
    parties = {each.customer_id: find_customer(tx, each.customer_id) for each in found}
    return [Listed(each, parties[each.customer_id], clocks.get(each.ticket_id)) for each in found]


def show_ticket(db: Database, customer_id: CustomerId | None, ticket_id: str) -> Shown:
    """Return one ticket. Raises NotFound, in the same words for another customer's."""
    with db.read(consistent=True) as tx:
        found = store.ticket(tx, customer_id, ticket_id)
        if found is None:
            raise no_such_ticket(ticket_id)
        owner = found.customer_id
        return Shown(
            ticket=found,
            customer=find_customer(tx, owner),
            adviser=rota.adviser(tx, owner),
            bill=find_bill(tx, found.bill_id, owner).name if found.bill_id else "",
            messages=tuple(store.messages(tx, owner, ticket_id)),
            files=tuple(store.files(tx, owner, ticket_id)),
            steps=tuple(store.steps(tx, owner, ticket_id)),
            clocks=tuple(store.clocks(tx, owner, ticket_id)),
        )


def show_file(
    db: Database, customer_id: CustomerId | None, ticket_id: str, file_id: str
) -> Enclosed:
    """Return a file of a ticket. Raises NotFound, in the same words for another customer's."""
    with db.read() as tx:
        found = store.ticket(tx, customer_id, ticket_id)
        if found is None:
            raise no_such_ticket(ticket_id)
        body = store.file(tx, found.customer_id, ticket_id, file_id)
    if body is None:
        raise NotFound(f"工单 {ticket_id} 没有附件 {file_id}，请核对编号")
    return body
