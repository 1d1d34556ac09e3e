"""After a restore: lend nothing until the past is read, and ask before anything is sent again.

Gateways hold leases that the restored database may not know. What they spent of those is in their
journals and nowhere else; once every journal begun before the restore is read to its end (its
gateway has stopped) or given up, what is spent is known to the token, and lending reopens.
"""

from datetime import datetime
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.fapiao.issuing.errand import REPEATABLE
from yuejie.fapiao.issuing.store import ask_about_all
from yuejie.kernel.errors import Conflict
from yuejie.recovery import store

_SETTLED: Final = 30
"""Seconds in which an intake that runs has made its node's journals known."""


def shut(
    db: Database, *, backup: str, reached: datetime | None, is_alone: bool, by: str, now: datetime
) -> int:
    """Mark a database that came back; return of how many fapiao calls must be asked about."""
    with db.begin() as tx:
        store.note(tx, at=now, reached=reached, backup=backup, is_alone=is_alone, by=by)
        return ask_about_all(tx, sorted(REPEATABLE), now=now)


def reopen(db: Database, *, by: str, now: datetime) -> None:
    """Lend again, after a person has made sure that every node's journals are known.

    Raises Conflict where lending is not shut, or where a journal is still read from.
    """
    with db.begin() as tx:
        found = store.latest(tx)
        if found is None or found.reopened_at is not None:
            raise Conflict("额度正常出租，无需恢复出租")
        if waiting := store.unread(tx, found.restored_at):
            first = waiting[0]
            raise Conflict(
                f"还有 {len(waiting)} 个恢复前的流水没有读完（如节点 {first.node} 的"
                f" {first.journal_id}）；请重启该节点的网关，或搁置再也读不到的流水后重试"
            )
        store.reopen(tx, at=now, by=by)


def reopen_alone(db: Database, now: datetime) -> bool:
    """Lend again by itself where no other node exists: the clerk asks every minute."""
    with db.begin() as tx:
        if not _is_due(tx, now):
            return False
        return store.reopen(tx, at=now, by="clerk")


def _is_due(tx: Tx, now: datetime) -> bool:
    found = store.latest(tx)
    if found is None or found.reopened_at is not None or not found.is_alone:
        return False
    settled = (now - found.restored_at).total_seconds() >= _SETTLED
    return settled and not store.unread(tx, found.restored_at)
