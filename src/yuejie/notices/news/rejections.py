"""Tell who asked for something of a contract that it was turned down: each minute, each once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.numbers.store import every_number
from yuejie.contracts.rejected.store import TurnedDown, turned_down_since
from yuejie.db.session import Database
from yuejie.kernel.money import Money
from yuejie.notices.rejection import Asked, Rejection, tell_rejection

# Contracts lie below notices, so what is turned down there is found behind the deed.
_LOOK_BACK: Final = timedelta(days=7)
"""A clerk may be away for so long and still tell; the outbox knows what was told."""


def announce_rejections(db: Database, now: datetime) -> int:
    """Enqueue each rejection once; return how many were new."""
    with db.begin() as tx:
        found = turned_down_since(tx, now - _LOOK_BACK)
        drafts = any(each.asked == Asked.CONTRACT_DRAFT for each in found)
        numbers = every_number(tx) if drafts else {}
        return sum(tell_rejection(tx, _rejection(each, numbers), at=now) for each in found)


def _rejection(found: TurnedDown, numbers: Mapping[str, str]) -> Rejection:
    amount = None
    if found.amount_fen is not None and found.currency is not None:
        amount = Money(found.amount_fen, found.currency)
    return Rejection(
        asked=Asked(found.asked),
        name=numbers.get(found.thing_id, found.thing_id),
        asked_by=found.asked_by,
        by=found.by,
        why=found.why,
        customer_id=found.customer_id,
        amount=amount,
        occasion=found.occasion,
    )
