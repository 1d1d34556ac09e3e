"""What one of two processes does to a bill while the other does something else; imports little."""

from collections.abc import Callable
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import Any, Final

from yuejie.bills.closing.close import close_month
from yuejie.bills.correct.adjust import decide_adjustment
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.issue import issue_bill
from yuejie.bills.review.ask import confirm_bill, deem_confirmed, propose_bill, reopen_bill
from yuejie.bills.review.disputes import Objection, raise_dispute
from yuejie.contracts.life.approve import sign_draft
from yuejie.contracts.life.ending import approve_end, renew_contract
from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import ContractId
from yuejie.kernel.period import BillingMonth

Deed = Callable[[Database, str, datetime], object]
DEEDS: Final[dict[str, Deed]] = {
    "confirm": lambda db, name, now: confirm_bill(db, name, by="acme", now=now, why="邮件"),
    "deem": lambda db, _, now: _deem(db, now),
    "dispute": lambda db, name, now: raise_dispute(
        db, name, Objection(1, "不对"), by="acme", now=now
    ),
    "issue": lambda db, name, now: issue_bill(db, name, by="a", now=now),
    "propose": lambda db, name, now: propose_bill(db, name, by="a", now=now),
    "reopen": lambda db, name, now: reopen_bill(db, name, by="a", now=now, why="重算"),
    "close": lambda db, month, now: close_month(
        db, BillingMonth.parse(month), customer=None, commit=True, by="a", now=now
    ),
    "credit": lambda db, name, now: request_credit(
        db, name, amounts={1: 100}, why="更正", by="c", now=now
    ),
    "void": lambda db, name, now: request_credit(
        db, name, amounts=None, why="作废", by="c", now=now
    ),
    "approve": lambda db, name, now: decide_credit(db, name, approve=True, by="b", now=now),
    "reject": lambda db, name, now: decide_credit(
        db, name, approve=False, by="b", now=now, why="不对"
    ),
    "adjust": lambda db, name, now: decide_adjustment(db, name, Decision.APPROVE, by="b", now=now),
    "refuse": lambda db, name, now: decide_adjustment(
        db, name, Decision.REJECT, by="b", now=now, why="不对"
    ),
    "sign": lambda db, name, now: sign_draft(db, name, by="c", now=now),
    "end": lambda db, name, now: approve_end(db, name, by="c", now=now),
    "renew": lambda db, name, now: renew_contract(db, ContractId(name), by="c", now=now),
}


def _deem(db: Database, now: datetime) -> None:
    """Take silence for a yes; that nobody was silent is a refusal here."""
    if not deem_confirmed(db, now=now):
        raise DomainError("没有可视为确认的账单")


class _Here:
    db: Database
    gate: Barrier


def enter(url: str, gate: Barrier) -> None:
    """Connect this process, once."""
    _Here.db, _Here.gate = Database.open(url, size=1, name="rival"), gate


def do(verb: str, name: str, now: datetime) -> str:
    """Wait for the other process, then do the deed; say "" or why not."""
    _Here.gate.wait(30)
    try:
        DEEDS[verb](_Here.db, name, now)
    except DomainError as error:
        return error.sentence
    return ""


def leave(_: Any) -> None:
    """Let the connections of this process go."""
    _Here.gate.wait(30)
    _Here.db.close()
