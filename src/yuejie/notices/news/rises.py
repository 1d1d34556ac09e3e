"""Tell customers of prices that will rise for them, as soon as that is certain."""

from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.forewarn.rises import PriceRise, Risen, rises_ahead
from yuejie.contracts.numbers.store import every_number
from yuejie.contracts.store import contract_at
from yuejie.db.session import Database
from yuejie.kernel.money import MTOK, PICO, plain
from yuejie.kernel.period import zone_of
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.usage.meters import UNIT_METERS

BEHIND: Final = timedelta(days=31)
"""A clerk that was away tells so late of a rise that has come."""
NAMED: Final = 3
"""So many models stand in the title, and twice as many prices below it; the rest is counted."""


def announce_rises(db: Database, now: datetime) -> int:
    """Enqueue a notice per customer and rise, once, ever; return how many.

    A contract is told when its own price rises, after its lock and its notice days.
    """
    with db.begin() as tx:
        told, numbers = 0, every_number(tx)
        for rise in rises_ahead(tx, now=now, behind=BEHIND):
            contract = contract_at(tx, rise.customer_id, now)
            assert contract is not None, "a rise reaches a contract in force"
            called = numbers.get(rise.contract_id, rise.contract_id)
            told += enqueue(tx, notice_of(rise, called, contract.zone), at=now)
    return told


def notice_of(rise: PriceRise, contract: str, zone: str) -> Notice:
    """Say to one customer which models cost more from which day, and how much."""
    models = list(dict.fromkeys(risen.model for risen in rise.risen))
    facts = {
        "model": _first(models, NAMED),
        "starts_on": f"{rise.starts_at.astimezone(zone_of(zone)):%Y-%m-%d %H:%M}",
        "rises": _first([_text(risen) for risen in rise.risen], 2 * NAMED),
        "contract": contract,
    }
    return Notice(Kind.PRICE_RISE, Audience.CUSTOMER, facts, rise.key, rise.customer_id)


def _first(texts: list[str], most: int) -> str:
    more = f" (+{len(texts) - most})" if len(texts) > most else ""
    return "; ".join(texts[:most]) + more


def _text(risen: Risen) -> str:
    single = risen.meter in UNIT_METERS
    scale, unit = (PICO, risen.meter) if single else (PICO // MTOK, "Mtok")
    was, becomes = plain(risen.was_pico, scale), plain(risen.becomes_pico, scale)
    return f"{risen.model} {risen.meter} {was} → {becomes} {risen.currency}/{unit}"
