"""Look at one message whole, and try again what was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.notices.channels.parcel import Told
from yuejie.notices.log import store
from yuejie.notices.log.store import Delivery, Resting, Try, Wish
from yuejie.notices.store import wake
from yuejie.notices.wording.render import piece_of, text_of

_TONGUE: Final = "zh-CN"
_SAID: Final = {"waiting": "还在待发", "sent": "已送达", "dropped": "已作废"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A message with what it tells, in facts and in words, and every attempt at it."""

    delivery: Delivery
    told: list[Told]
    tries: list[Try]
    resting: Resting | None
    text: str


def look(tx: Tx, message_id: str, customer_id: CustomerId | None, *, now: datetime) -> Whole:
    """Return one message whole; another customer's is as if it did not exist."""
    wish = Wish(message_id=message_id)
    if customer_id is None:
        found = store.whole_log(tx, wish, limit=1)
    else:
        found = store.log(tx, customer_id, wish, limit=1)
    if not found:
        raise NotFound(f"消息 {message_id} 不存在，请用 yuejie notices log 查看")
    told = store.told_in(tx, message_id)
    language = found[0].language or _TONGUE
    pieces = [piece_of(each.kind, each.facts, language) for each in told]
    return Whole(
        delivery=found[0],
        told=told,
        tries=store.tries(tx, message_id),
        resting=store.resting(tx, message_id, now),
        text=text_of(pieces, language, message_id),
    )


def retry(db: Database, message_ids: Sequence[str], *, by: str, now: datetime) -> list[str]:
    """Try messages again that were given up, each under its own id; return them.

    Whoever rests because of them is woken: somebody says that it is well again.
    """
    with db.begin() as tx:
        revived = store.revive(tx, message_ids, now)
        missing = sorted(set(message_ids) - {each.message_id for each in revived})
        if missing:
            raise Conflict(_why_not(tx, missing[0], now))
        wake(tx, sorted({key for each in revived for key in (each.bucket, each.channel_kind)}))
        for each in revived:
            record_deed(tx, Deed(by, now, "retry", "notice_message", each.message_id))
    return sorted(each.message_id for each in revived)


def _why_not(tx: Tx, message_id: str, now: datetime) -> str:
    delivery = look(tx, message_id, None, now=now).delivery
    if delivery.state == "dead":
        return f"消息 {message_id} 的渠道已删除，请登记新渠道后人工补发"
    return f"消息 {message_id} {_SAID[delivery.state]}，只有已放弃的可以重发"
