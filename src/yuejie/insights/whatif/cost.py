"""What providers charge for a month, as it was and over the supposed routes. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yuejie.contracts.catalog import Deployment
from yuejie.contracts.prices import RateRow
from yuejie.insights.whatif.store import UsedRow
from yuejie.insights.whatif.suppose import PricedBy, Supposition
from yuejie.kernel.money import PPM, Charge, divide
from yuejie.usage.event import NO_RATE
from yuejie.usage.meters import COUNT_METERS


@dataclass(frozen=True, slots=True)
class Route:
    """A deployment, and the prefix under which the cost book prices its platform's models."""

    deployment: Deployment
    platform: str

    @property
    def bought(self) -> str:
        """The name under which the cost book prices what it serves."""
        named = self.deployment.cost_model
        return named or f"{self.platform}/{self.deployment.upstream_model}"


@dataclass(slots=True)
class Costs:
    """What a month cost and would have cost, by currency, exact; and what cannot be told."""

    was: Counter[str] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)
    gaps: set[str] = field(default_factory=set)

    def charges(self) -> list[tuple[Charge, Charge]]:
        """Return what was and would have been charged, currency by currency."""
        return [
            (Charge(self.was[each], each), Charge(self.became[each], each))
            for each in sorted({*self.was, *self.became})
        ]


def cost(
    rows: Iterable[UsedRow],
    supposed: Supposition,
    rates: Mapping[int, RateRow],
    books: Mapping[tuple[str, int], PricedBy],
    routes: Mapping[str, Route],
) -> Costs:
    """Return the cost of a month's attempts, the failed ones included.

    What is neither swapped nor routed costs what it cost. A swapped model without a route named
    for it is a gap: nobody knows where it would have been bought.
    """
    costs = Costs()
    for row in rows:
        was = rates.get(row.cost_rate) if row.cost_rate != NO_RATE else None
        if was is not None:
            costs.was[was.currency] += int(row.quantity) * was.pico
        swap = supposed.swap_of(row.model, row.project_id, row.key_id, row.context_tokens)
        model = swap.target if swap else row.model
        route = routes.get(model)
        if route is None:
            if swap is not None:
                costs.gaps.add(f"没有写明 {model} 走哪个部署，成本未计")
            elif was is not None:
                costs.became[was.currency] += int(row.quantity) * was.pico
            continue
        rate = books[row.cost_book, row.cost_revision].rate(
            route.bought,
            row.meter,
            started_us=row.started_us,
            service_tier=row.service_tier,
            context_tokens=row.context_tokens,
        )
        if rate is not None:
            quantity = int(row.quantity)
            if swap is not None:
                quantity = divide(quantity * swap.factor(row.meter), PPM)
            costs.became[rate.currency] += quantity * rate.pico
        elif row.quantity and row.meter not in COUNT_METERS:
            costs.gaps.add(f"成本价目没有 {route.bought} 的 {row.meter} 单价，这部分成本未计")
    return costs
