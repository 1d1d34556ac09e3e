"""Find the two rates of every item of a call: what the customer pays, what the provider charges."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from yuejie.contracts.prices import Book
from yuejie.usage.event import NO_RATE, Item, RatedItem
from yuejie.usage.meters import COUNT_METERS


@dataclass(frozen=True, slots=True)
class Rated:
    """Items with their rates, and what has none: the event is then `unpriced`."""

    items: tuple[RatedItem, ...]
    sale_gaps: tuple[str, ...] = ()
    cost_gaps: tuple[str, ...] = ()

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Everything that lacks a rate, as the worklist shows it."""
        return (
            *(f"销售价缺 {gap}" for gap in self.sale_gaps),
            *(f"成本价缺 {gap}" for gap in self.cost_gaps),
        )


def rate_items(  # noqa: PLR0913 - one call has this many facts, and each is named
    items: Sequence[Item],
    *,
    sale: Book | None,
    cost: Book | None,
    sale_model: str,
    cost_prefix: str,
    sale_revision: int,
    cost_revision: int,
    started_us: int,
    service_tier: str,
    context_tokens: int,
    billable: bool,
    cost_model: str = "",
    main: Collection[str] | None = None,
) -> Rated:
    """Return the items with their rates. `service_tier` is a `tier_key`.

    `main` are the names under which the answer reports the model that was asked for (by default
    the first item's): those are sold, and named, as `sale_model`. Other components (advisor,
    fall-back hop, image tool) are sold under their own names.
    The provider charges `cost_prefix` + the item's own model; where the cost book does not know
    that snapshot, a main item costs what the deployment's `cost_model` costs.
    An attempt that is not billable has no sale rates; `sale=None` says the same.
    A zero and a bare count need no rate; anything else without one is a gap.
    """
    mains = main if main is not None else {items[0].model} if items else ()
    sale_gaps: list[str] = []
    cost_gaps: list[str] = []
    charged: dict[str, str] = {}
    rated: list[RatedItem] = []
    for item in items:
        model, meter = item.model, item.meter
        sold = sale_model if model in mains else model
        bought = charged.get(model)
        if bought is None:
            bought = f"{cost_prefix}{model}"
            known = cost is None or cost.prices(bought, cost_revision, started_us)
            bought = cost_model if cost_model and model in mains and not known else bought
            charged[model] = bought
        sale_rate = cost_rate = NO_RATE
        if sale is not None and billable:
            found = sale.resolve(
                sold,
                meter,
                revision=sale_revision,
                started_us=started_us,
                service_tier=service_tier,
                context_tokens=context_tokens,
            )
            if found is not None:
                sale_rate = found.rate_id
            elif item.quantity and meter not in COUNT_METERS:
                sale_gaps.append(f"{sold} {meter}（{service_tier}）")
        if cost is not None:
            found = cost.resolve(
                bought,
                meter,
                revision=cost_revision,
                started_us=started_us,
                service_tier=service_tier,
                context_tokens=context_tokens,
            )
            if found is not None:
                cost_rate = found.rate_id
            elif item.quantity and meter not in COUNT_METERS:
                cost_gaps.append(f"{bought} {meter}（{service_tier}）")
        rated.append(RatedItem(sold, meter, item.quantity, sale_rate, cost_rate))
    return Rated(tuple(rated), tuple(sale_gaps), tuple(cost_gaps))
