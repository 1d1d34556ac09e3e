"""Grade a ticket anew: how much stands still turned out to be more, or less, than was thought."""

from dataclasses import replace
from datetime import datetime, timedelta

from yuejie.contracts.store import contract_at
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.support.tickets import store
from yuejie.support.tickets.answer import OVER, held
from yuejie.support.tickets.open import add_message, checked_text
from yuejie.support.tickets.tell import tell_graded, tell_opened
from yuejie.support.tickets.ticket import (
    LOUD,
    SEVERITY_NAMES,
    Severity,
    Side,
    Ticket,
    minutes_of,
)
from yuejie.support.tickets.timing import begin_clock, running_clock, stop_running


def grade_ticket(
    db: Database, ticket_id: str, severity: Severity, *, why: str, by: str, now: datetime
) -> Ticket:
    """Give a ticket another severity, and say why on it, where the customer reads it.

    A clock that runs is never given more time by this: where the new severity asks for a sooner
    response, counted from now, that holds; else what was promised stays. Raises NotFound, Conflict
    for a ticket that is over or of that severity already, Invalid without a reason.
    """
    if not why.strip():
        raise Invalid("请写明更改级别的原因，客户会在工单上看到")
    with db.begin() as tx:
        was = held(tx, None, ticket_id)
        if was.state in OVER:
            raise Conflict("工单已解决或关闭，不能更改级别；需要时请先重新打开")
        if was.severity is severity:
            raise Conflict(f"工单已是 {SEVERITY_NAMES[severity]}，无需更改")
        became = replace(was, severity=severity)
        store.put_severity(tx, was.customer_id, ticket_id, severity)
        told = (
            f"级别由 {SEVERITY_NAMES[was.severity]} 改为 {SEVERITY_NAMES[severity]}：{why.strip()}"
        )
        said = add_message(tx, became, Side.OPERATOR, checked_text(told), (), by=by, at=now)
        tell_graded(tx, was, became, said, why=why.strip(), at=now)
        _hurry(tx, was, became, at=now)
        deed = Deed(by, now, "grade", "ticket", ticket_id, why.strip())
        record_deed(tx, deed, was=was, became=became)
    return became


def _hurry(tx: Tx, was: Ticket, became: Ticket, *, at: datetime) -> None:
    """Let the running clock end sooner where the new severity asks for it; tell who is on duty."""
    running = running_clock(tx, was)
    if running is None:
        return
    contract = contract_at(tx, was.customer_id, at)
    minutes = minutes_of(contract.terms.sla if contract else None, became.severity)
    if at + timedelta(minutes=minutes) >= running.due_at:
        return
    stop_running(tx, was, at=at)
    clock = begin_clock(tx, became, is_first=running.is_first, at=at)
    if became.severity in LOUD and was.severity not in LOUD:
        tell_opened(tx, became, clock, at=at)
