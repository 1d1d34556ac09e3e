"""People's word on a finding: it is known, it is to be silent, it was one or was none.

A false alarm raises the bar of what was found (its scope, in all measures) by `watch.FALSE_ALARM`,
so that it has to be three times rarer to be found again; saying later that it was one after all
takes that back. Muting silences a cause until an instant: the key that explains most of a finding,
or, where none does, the place where it was found. It is learnt on all the same.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.insights.anomaly import store
from yuejie.insights.anomaly.finding import (
    EVENT_NAMES,
    Feedback,
    Finding,
    FindingEvent,
    Scope,
    advance,
)
from yuejie.insights.anomaly.watch import FALSE_ALARMS_MAX
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId

MUTE_MAX: Final = timedelta(days=90)
"""Whoever wants to hear nothing for longer says so again."""


def acknowledge(
    db: Database,
    customer_id: CustomerId | None,
    finding_id: str,
    *,
    why: str = "",
    by: str,
    now: datetime,
) -> Finding:
    """Write down that somebody knows of a finding; it goes on until it ends by itself."""
    with db.begin() as tx:
        found = _held(tx, customer_id, finding_id)
        return _step(tx, found, FindingEvent.ACKNOWLEDGE, why, by=by, now=now)


def mute(
    db: Database,
    customer_id: CustomerId | None,
    finding_id: str,
    *,
    until: datetime,
    why: str = "",
    by: str,
    now: datetime,
) -> Finding:
    """Let the cause of a finding be silent until an instant, now and when it comes again."""
    if not now < until <= now + MUTE_MAX:
        raise Invalid(f"静音须到将来 {MUTE_MAX.days} 天以内的某个时刻，请改正后重试")
    with db.begin() as tx:
        found = _held(tx, customer_id, finding_id)
        store.mute(tx, found.customer_id, *_cause(found), until)
        said = f"静音至 {until.isoformat()}" + (f"：{why}" if why else "")
        if not found.is_going_on:
            _note(tx, found, "mute", said, by=by, now=now)
            return found
        return _step(tx, found, FindingEvent.MUTE, said, by=by, now=now)


def give_feedback(
    db: Database,
    customer_id: CustomerId | None,
    finding_id: str,
    feedback: Feedback,
    *,
    why: str = "",
    by: str,
    now: datetime,
) -> Finding:
    """Write down whether a finding was one; a false alarm raises the bar of what was found."""
    with db.begin() as tx:
        found = _held(tx, customer_id, finding_id)
        if found.feedback == feedback:
            return found
        more = (feedback is Feedback.FALSE) - (found.feedback == Feedback.FALSE)
        if more:
            store.count_false(
                tx, found.customer_id, found.scope, found.name, more=more, most=FALSE_ALARMS_MAX
            )
        store.say(tx, found.customer_id, found.finding_id, feedback)
        _note(tx, found, f"feedback_{feedback}", why, by=by, now=now)
        return replace(found, feedback=feedback)


def _held(tx: Tx, customer_id: CustomerId | None, finding_id: str) -> Finding:
    """Return a finding while nobody else, nor the clerk, touches its customer's."""
    found = _find(tx, customer_id, finding_id)
    tx.lock_exclusive(f"anomaly {found.customer_id}")
    return _find(tx, customer_id, finding_id)


def _find(tx: Tx, customer_id: CustomerId | None, finding_id: str) -> Finding:
    found = store.finding(tx, customer_id, finding_id)
    if found is None:
        raise NotFound(f"异常发现 {finding_id} 不存在，请核对编号")
    return found


def _step(
    tx: Tx, found: Finding, event: FindingEvent, why: str, *, by: str, now: datetime
) -> Finding:
    became = advance(found.state, event)
    step = Transition(now, event, found.state, became, by, why)
    if not store.move(tx, found.customer_id, found.finding_id, step):
        raise Conflict(f"{EVENT_NAMES[event]}时发现的状态已变，请刷新后重试")
    record_deed(
        tx, Deed(by, now, event, "finding", found.finding_id, why), became={"state": str(became)}
    )
    return replace(found, state=became)


def _cause(found: Finding) -> tuple[Scope, str]:
    """Return what is muted: the key that explains at least half of a finding, or its place."""
    said = found.shares
    if found.scope is not Scope.CUSTOMER or not said.by_key:
        return found.scope, found.name
    if 2 * said.part(said.by_key[0]) >= said.difference:
        return Scope.KEY, said.key_id
    return found.scope, found.name


def _note(tx: Tx, found: Finding, event: str, why: str, *, by: str, now: datetime) -> None:
    """Write down a word that changes no state."""
    step = Transition(now, event, found.state, found.state, by, why)
    store.note(tx, found.finding_id, step)
    record_deed(tx, Deed(by, now, event, "finding", found.finding_id, why))
