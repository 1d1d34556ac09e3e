"""What an attempt is worth: both rates of every item, and the exact charge they make.

Most rates depend on neither context size nor hour. Those are found once per route and remembered
there; a route lives no longer than what admission pinned. All others are resolved call by call.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from yuejie.contracts.prices import Book
from yuejie.contracts.tier import tier_key
from yuejie.gateway.rights.admission import Fixed, Route
from yuejie.kernel.money import PICO, plain
from yuejie.rating.price import Rated, rate_items
from yuejie.usage.dialects import Item, Reading
from yuejie.usage.journal import EndedItem
from yuejie.usage.meters import COUNT_METERS, Meter

REMEMBERED: Final = 10_000
"""Model and tier names come from answers; strange ones must not fill the memory."""
_REQUESTS: Final = Meter.REQUESTS
_FAILED: Final = Meter.FAILED_REQUESTS


class Worth(msgspec.Struct, frozen=True, gc=False):
    """The items of an attempt with their rates, their charge, and what has no rate."""

    items: tuple[EndedItem, ...]
    charge_pico: int
    lacking: tuple[str, ...] = ()

    @property
    def charge(self) -> str:
        """Write the charge as an exact decimal."""
        return plain(self.charge_pico, PICO)


@lru_cache(REMEMBERED)
def plain_tier(service_tier: str) -> str:
    """Return the price key of a tier that no other fact marks."""
    return tier_key(service_tier, {})


def worth_of(
    route: Route, reading: Reading, *, started_us: int, billable: bool, worked: bool
) -> Worth:
    """Rate what a reading says was used, and the attempt itself: as a request or a failed one."""
    main = reading.items[0].model if reading.items else route.target.upstream_model
    count = Item(main, _REQUESTS if worked else _FAILED, 1)
    items = (*reading.items, count)
    tier = reading.service_tier or ""
    tier = tier_key(tier, reading.facts) if reading.facts else plain_tier(tier)
    if billable:
        worth = _remembered(route, items, main, tier, started_us)
        if worth is not None:
            return worth
    rated = _rated(route, items, main, tier, reading.context_tokens, started_us, billable)
    priced = tuple(
        EndedItem(item.model, item.meter, item.quantity, item.sale_rate, item.cost_rate)
        for item in rated.items
    )
    charge = sum(
        item.quantity * route.sale_rates[item.sale_rate].pico
        for item in rated.items
        if item.sale_rate
    )
    return Worth(priced, charge, rated.unpriced)


def _rated(
    route: Route,
    items: tuple[Item, ...],
    main: str,
    tier: str,
    context_tokens: int,
    started_us: int,
    billable: bool,  # noqa: FBT001 - one of the facts of a call
) -> Rated:
    target = route.target
    return rate_items(
        items,
        sale=route.sale,
        cost=route.cost,
        sale_model=target.model_id,
        cost_prefix=target.cost_prefix,
        sale_revision=route.sale_revision,
        cost_revision=route.cost_revision,
        started_us=started_us,
        service_tier=tier,
        context_tokens=context_tokens,
        billable=billable,
        cost_model=target.cost_model,
        main=(main,),
    )


def _remembered(
    route: Route, items: tuple[Item, ...], main: str, tier: str, started_us: int
) -> Worth | None:
    """Rate by what is known of the route; None if a rate has to be resolved for this call."""
    if any(item.model != main for item in items):
        return None
    counts = [(item.meter, item.quantity) for item in items]
    return quick_worth(route, counts, main, tier, started_us)


def quick_worth(
    route: Route, counts: Sequence[tuple[Meter, int]], model: str, tier: str, started_us: int
) -> Worth | None:
    """Rate what one model used, by what is known of the route; None if that is not enough."""
    if started_us >= route.until_us:
        return None
    card = route.cards.get((model, tier))
    if card is None:
        if len(route.cards) >= REMEMBERED:
            route.cards.clear()
        card = route.cards[model, tier] = {}
    name = route.target.model_id
    priced: list[EndedItem] = []
    charge = 0
    for meter, quantity in counts:
        known = card.get(meter)
        if known is None:
            known = card[meter] = _fixed(route, model, meter, tier, started_us)
        said, sale_rate, cost_rate, pico, varies = known
        if varies:
            return None
        charge += quantity * pico
        priced.append(EndedItem(name, said, quantity, sale_rate, cost_rate))
    return Worth(tuple(priced), charge)


def _fixed(route: Route, model: str, meter: Meter, tier: str, started_us: int) -> Fixed:
    """Find the rates of a main item, if they are the same for every call of this route."""
    target = route.target
    probe = Item(model, meter, 1)
    rated = _rated(route, (probe,), model, tier, 0, started_us, billable=True)
    bought = f"{target.cost_prefix}{model}"
    if not route.cost.prices(bought, route.cost_revision, started_us):
        bought = target.cost_model
    sides = (
        (route.sale, route.sale_revision, target.model_id),
        (route.cost, route.cost_revision, bought),
    )
    if rated.unpriced or any(_varies(*side, meter, started_us) for side in sides):
        return meter.value, 0, 0, 0, True
    found = rated.items[0]
    pico = route.sale_rates[found.sale_rate].pico if found.sale_rate else 0
    return meter.value, found.sale_rate, found.cost_rate, pico, False


def _varies(book: Book, revision: int, model: str, meter: Meter, started_us: int) -> bool:
    """Say whether a meter's rate depends on anything but the tier."""
    named = book.naming(model, revision, started_us)
    if named is None:
        return meter not in COUNT_METERS
    rows = [row for row in book.price_list(model, named) if row.meter == meter]
    return any(row.context_above or row.time_window for row in rows)
