"""Stop an errand that never left, or ask once more about one that a person had to look at."""

from datetime import datetime

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.fapiao.issuing import store
from yuejie.fapiao.issuing.errand import ErrandState
from yuejie.kernel.errors import Conflict


def stop_errand(db: Database, errand_id: int, *, why: str, by: str, now: datetime) -> None:
    """Park an errand that is still waiting, so that its fapiao can be issued by hand.

    One that is `sent` cannot be stopped: the provider may be issuing it.
    """
    with db.begin() as tx:
        if not store.park_waiting(tx, errand_id, why=why):
            raise Conflict(f"任务 {errand_id} 已发出或已结束，不能停止；请等待查询结果")
        record_deed(tx, Deed(by, now, "stop", "fapiao_errand", str(errand_id), why))


def retry_errand(db: Database, errand_id: int, *, why: str, by: str, now: datetime) -> None:
    """Ask once more about a parked errand; called anew only if the provider has no such key."""
    with db.begin() as tx:
        if not store.retry_parked(tx, errand_id, now=now):
            raise Conflict(f"任务 {errand_id} 不是 {ErrandState.PARKED} 状态，无须重试")
        record_deed(tx, Deed(by, now, "retry", "fapiao_errand", str(errand_id), why))
