"""A customer's word on an advice: it will, it will not, or it need no more be measured."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.db.transition import Transition
from yuejie.insights.advice import store
from yuejie.insights.advice.advice import EVENT_NAMES, Advice, AdviceEvent, advance
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId

SILENT: Final = timedelta(days=90)
"""What was dismissed is not advised again before a quarter has passed."""


def accept(
    db: Database,
    customer_id: CustomerId | None,
    advice_id: str,
    *,
    why: str = "",
    by: str,
    now: datetime,
) -> Advice:
    """Write down that an advice will be followed; from now on its saving is measured."""
    return _answer(db, customer_id, advice_id, AdviceEvent.ACCEPT, why, by=by, now=now)


def dismiss(
    db: Database,
    customer_id: CustomerId | None,
    advice_id: str,
    *,
    why: str,
    by: str,
    now: datetime,
) -> Advice:
    """Write down that an advice will not be followed, and why; it rests for a quarter."""
    if not why.strip():
        raise Invalid("不采纳建议须说明原因，请补充后重试")
    return _answer(db, customer_id, advice_id, AdviceEvent.DISMISS, why, by=by, now=now)


def end(
    db: Database,
    customer_id: CustomerId | None,
    advice_id: str,
    *,
    why: str = "",
    by: str,
    now: datetime,
) -> Advice:
    """Stop measuring an advice; the same slice may then be advised anew."""
    return _answer(db, customer_id, advice_id, AdviceEvent.END, why, by=by, now=now)


def _answer(
    db: Database,
    customer_id: CustomerId | None,
    advice_id: str,
    event: AdviceEvent,
    why: str,
    *,
    by: str,
    now: datetime,
) -> Advice:
    with db.begin() as tx:
        known = store.one(tx, customer_id, advice_id)
        if known is None:
            raise NotFound(f"建议 {advice_id} 不存在，请核对编号")
        # The clerk's round of this customer does not change a figure under an answer.
        tx.lock_exclusive(f"advice {known.customer_id}")
        known = store.one(tx, customer_id, advice_id)
        assert known is not None
        became = advance(known.state, event)
        step = Transition(now, event, known.state, became, by, why)
        if not store.move(tx, known.customer_id, known.advice_id, step):
            raise Conflict(f"{EVENT_NAMES[event]}时建议的状态已变，请刷新后重试")
        deed = Deed(by, now, event, "advice", known.advice_id, why)
        record_deed(tx, deed, became={"state": str(became)})
        return replace(known, state=became)
