"""Stop an errand that never left, or ask once more about one that a person had to look at."""

from datetime import datetime
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.fapiao.issuing import store
from yuejie.fapiao.issuing.errand import Errand, ErrandKind, ErrandState
from yuejie.fapiao.life import RED_SAID, SAID, FapiaoState, RedState
from yuejie.fapiao.reversing.store import lock_red
from yuejie.fapiao.store import lock_fapiao
from yuejie.kernel.errors import Conflict, Invalid

_UNDER_WAY: Final = frozenset(
    {FapiaoState.APPROVED, RedState.APPROVED, RedState.WAITING, RedState.CONFIRMED}
)
"""States in which a fapiao or a red form is a provider's to bring to its end."""


def stop_errand(db: Database, errand_id: int, *, why: str, by: str, now: datetime) -> None:
    """End an errand that is still waiting, so that its fapiao can be issued by hand or declined.

    One that is `sent` cannot be stopped: the provider may be issuing it. One that is parked ends by
    the word of the person who looked.
    """
    if not why.strip():
        raise Invalid("请写明停止开票任务的原因")
    with db.begin() as tx:
        stoppable = (ErrandState.WAITING, ErrandState.PARKED)
        was = store.errand_by_id(tx, errand_id)
        if was is None or not store.end_errand(tx, errand_id, stoppable, why=why):
            raise Conflict(f"任务 {errand_id} 已发出或已结束，不能停止；请等待查询结果")
        _note(tx, Deed(by, now, "stop", "fapiao_errand", str(errand_id), why), was)


def retry_errand(db: Database, errand_id: int, *, why: str, by: str, now: datetime) -> None:
    """Ask once more about a parked errand; called anew only if the provider has no such key.

    Raises Conflict where its fapiao has come about, or to nothing, by another way meanwhile: what
    the provider does not know it would issue.
    """
    if not why.strip():
        raise Invalid("请写明重试开票任务的原因")
    with db.begin() as tx:
        errand = store.errand_by_id(tx, errand_id)
        if errand is not None and errand.state == ErrandState.PARKED:
            _refuse_over(tx, errand)
        if errand is None or not store.retry_parked(tx, errand_id, now=now):
            raise Conflict(f"任务 {errand_id} 不是 {ErrandState.PARKED} 状态，无须重试")
        _note(tx, Deed(by, now, "retry", "fapiao_errand", str(errand_id), why), errand)


def _note(tx: Tx, deed: Deed, was: Errand) -> None:
    """Write down what a person did about an errand: of which fapiao, with whom, and as it stood."""
    became = store.errand_by_id(tx, was.errand_id)
    assert became is not None, "an errand is never deleted"
    record_deed(tx, deed, was=_told(was), became=_told(became))


def _told(errand: Errand) -> dict[str, object]:
    return {"key": errand.key, "provider": errand.provider, "state": errand.state}


def recall(tx: Tx, subject_id: str, *, why: str) -> bool:
    """End every errand of a fapiao or red form that has not left; False where one may have."""
    return all(
        errand.state == ErrandState.DONE
        or store.end_errand(tx, errand.errand_id, [ErrandState.WAITING], why=why)
        for errand in store.errands_of(tx, subject_id)
    )


def is_followed_by_hand(tx: Tx, subject_id: str) -> bool:
    """Tell whether no provider works on a fapiao or red form, so that a person does."""
    return all(
        errand.state not in {ErrandState.WAITING, ErrandState.SENT}
        for errand in store.errands_of(tx, subject_id)
    )


def take_over(tx: Tx, subject_id: str, key: str, *, why: str) -> None:
    """Refuse while a provider may be doing what a person did by hand: it would be done twice.

    What was left to a person is over with what that person did.
    """
    for errand in store.errands_of(tx, subject_id):
        if errand.state in {ErrandState.WAITING, ErrandState.SENT}:
            raise Conflict(
                f"发票 {key} 正由 {errand.provider} 处理，不能手工登记；"
                "请等待结果，或先用 yuejie fapiao stop 停止尚未发出的任务"
            )
        store.end_errand(tx, errand.errand_id, [ErrandState.PARKED], why=why)


def _refuse_over(tx: Tx, errand: Errand) -> None:
    """Hold what an errand is about, and refuse where it is no provider's business any more."""
    if errand.what not in {ErrandKind.ISSUE, ErrandKind.RED}:
        return
    owner = store.owner_of(tx, errand.subject_id)
    lock = lock_fapiao if errand.what == ErrandKind.ISSUE else lock_red
    state = lock(tx, owner, errand.subject_id).state
    if state not in _UNDER_WAY:
        said = SAID[state] if isinstance(state, FapiaoState) else RED_SAID[state]
        raise Conflict(
            f"发票 {errand.key} 已是“{said}”状态，任务 {errand.errand_id} 不能再交给服务商；"
            "请停止该任务"
        )
