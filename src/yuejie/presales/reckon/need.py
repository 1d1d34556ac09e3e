"""A month of the form as quantities at a model's rates: one call's size, and the hours it is in.

Pure. Where a price list knows time windows the month is shared out over its hours by the form's
daily shape, losing nothing; an hour of a year whose holidays nobody has announced has no price.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.money import PPM, apportion, divide
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.presales.reckon.month import Used
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.requirement import BUSIEST, DAY_HOURS, Requirement
from yuejie.presales.volume import day_parts, days_of
from yuejie.usage.event import Item
from yuejie.usage.meters import INPUT_SIDE, Meter

_US: Final = 10**6


@dataclass(frozen=True, slots=True)
class Load:
    """What one model does of a month: calls and tokens, how large a call's input is, which tier.

    `cached` and `written` are of the input tokens, and are not in `tokens_in`.
    """

    requests: int
    tokens_in: int
    tokens_out: int
    context_tokens: int
    service_tier: str = DEFAULT
    cached: int = 0
    written: int = 0

    def meters(self) -> dict[Meter, int]:
        """Return the quantities by meter; what is none of it is not there."""
        found = {
            Meter.REQUESTS: self.requests,
            Meter.INPUT: self.tokens_in,
            Meter.CACHE_READ: self.cached,
            Meter.CACHE_WRITE_5M: self.written,
            Meter.OUTPUT: self.tokens_out,
        }
        return {meter: quantity for meter, quantity in found.items() if quantity}

    def share(self, ppm: int) -> tuple["Load", "Load"]:
        """Split off a share of the calls, tokens with them: (the share, the rest)."""
        part = Load(
            divide(self.requests * ppm, PPM),
            divide(self.tokens_in * ppm, PPM),
            divide(self.tokens_out * ppm, PPM),
            self.context_tokens,
            self.service_tier,
        )
        rest = Load(
            self.requests - part.requests,
            self.tokens_in - part.tokens_in,
            self.tokens_out - part.tokens_out,
            self.context_tokens,
            self.service_tier,
        )
        return part, rest

    def with_cache(self, cached_ppm: int, written_ppm: int) -> "Load":
        """Return the same with shares of the input read from, and written to, a cache."""
        cached = divide(self.tokens_in * cached_ppm, PPM)
        written = divide(self.tokens_in * written_ppm, PPM)
        rest = self.tokens_in - cached - written
        return Load(
            self.requests,
            rest,
            self.tokens_out,
            self.context_tokens,
            self.service_tier,
            cached,
            written,
        )

    def tiered(self, service_tier: str) -> "Load":
        """Return the same under another service tier."""
        return Load(
            self.requests,
            self.tokens_in,
            self.tokens_out,
            self.context_tokens,
            service_tier,
            self.cached,
            self.written,
        )


def use(
    used: Used, load: Load, model: str, month: BillingMonth, need: Requirement, book: Pricebook
) -> None:
    """Add a model's load of a month to what is used."""
    meters = load.meters()
    slots = list(_slots(need, month)) if _has_windows(book, model) else [(_start(need, month), 1)]
    weights = [weight for _, weight in slots]
    shares = {meter: apportion(quantity, weights) for meter, quantity in meters.items()}
    for number, (started_us, _) in enumerate(slots):
        items = [Item(model, meter, parts[number]) for meter, parts in shares.items()]
        priced = book.rate(
            model,
            [item for item in items if item.quantity],
            started_us=started_us,
            service_tier=load.service_tier,
            context_tokens=load.context_tokens,
        )
        used.add(priced, book.cost_fx_e8)


def _has_windows(book: Pricebook, model: str) -> bool:
    placed = book.served.get(model)
    cost = {placed.deployment.cost_model} if placed else set()
    windowed = any(row.time_window for row in book.sale.by_id.values() if row.model == model)
    return windowed or any(
        row.time_window for rows in book.cost for row in rows.by_id.values() if row.model in cost
    )


def _start(need: Requirement, month: BillingMonth) -> int:
    return int(month.span(zone_of(need.zone)).start.timestamp()) * _US


def _slots(need: Requirement, month: BillingMonth) -> Iterator[tuple[int, int]]:
    """Yield the hours of a month that have traffic, with their weights."""
    zone = zone_of(need.zone)
    hours = need.volume.hours or (BUSIEST,) * DAY_HOURS
    for day in days_of(month):
        parts = day_parts(need.volume, day)
        for hour, weight in enumerate(hours):
            if parts * weight:
                at = datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)
                yield int(at.timestamp()) * _US, parts * weight


def input_side(load: Load) -> int:
    """Return all input tokens of a load, cached or not."""
    return sum(quantity for meter, quantity in load.meters().items() if meter in INPUT_SIDE)
