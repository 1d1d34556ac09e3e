"""The steps of a quote's life: approve or reject below the floor, offer, accept, take back."""

from dataclasses import replace
from datetime import datetime

from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.period import zone_of
from yuejie.kernel.two_people import refuse_same
from yuejie.notices.rejection import Asked, Rejection, tell_rejection
from yuejie.presales import store
from yuejie.presales.quote import Quote, QuoteEvent, advance

_DECIDES = frozenset({QuoteEvent.APPROVE, QuoteEvent.REJECT})
_NEEDS_REASON = frozenset({QuoteEvent.APPROVE, QuoteEvent.REJECT, QuoteEvent.WITHDRAW})
_NEEDS_TIME = frozenset({QuoteEvent.APPROVE, QuoteEvent.OFFER, QuoteEvent.ACCEPT})


def find_quote(tx: Tx, quote_id: str) -> Quote:
    """Return a quote. Raises NotFound."""
    found = store.quote(tx, quote_id)
    if found is None:
        raise NotFound(f"报价 {quote_id} 不存在，请核对编号", quote_id=quote_id)
    return found


def step_quote(
    db: Database, quote_id: str, event: QuoteEvent, *, why: str, by: str, now: datetime
) -> Quote:
    """Take a step of a quote's life and write down who, when and why.

    Whoever made a quote neither approves nor rejects it; an expired one is neither approved,
    offered nor accepted. Raises Forbidden, Conflict, Invalid, NotFound.
    """
    if event in _NEEDS_REASON and not why.strip():
        raise Invalid("批准、驳回或撤回报价须写明事由 why，请补充")
    with db.begin() as tx:
        was = find_quote(tx, quote_id)
        if event in _DECIDES:
            refuse_same(was.made_by, by, f"报价 {quote_id} ")
        became = replace(was, state=advance(was.state, event))
        today = now.astimezone(zone_of(was.body.basis.zone)).date()
        if event in _NEEDS_TIME and was.expired(today):
            raise Conflict(f"报价 {quote_id} 已于 {was.valid_until} 过期，请重新报价")
        moved = Transition(now, event, was.state, became.state, by, why.strip())
        if not store.move_quote(tx, quote_id, moved):
            raise Conflict(f"报价 {quote_id} 刚被他人处理过，请刷新后再试")
        if event is QuoteEvent.REJECT:
            rejection = Rejection(
                asked=Asked.QUOTE, name=quote_id, asked_by=was.made_by, by=by, why=why.strip()
            )
            tell_rejection(tx, rejection, at=now)
    return became
