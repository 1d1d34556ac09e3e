"""What a replayed month is told as, on a page or to a program; kept until somebody reads it. Pure.

The bills themselves are not kept: their totals, every line of both sides and the reasons are.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from yuejie.insights.whatif.compare import Cause, LineChange, LineName, Side, Step, Totals
from yuejie.insights.whatif.cost import Costs
from yuejie.insights.whatif.what_if import Outcome
from yuejie.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Told:
    """A month as it is and as it would be, without its bills."""

    slug: str
    month: str
    currency: str
    is_open: bool
    before: Totals
    after: Totals
    steps: tuple[Step, ...]
    lines: tuple[LineChange, ...]
    assumptions: tuple[str, ...]
    costs: Costs | None

    @classmethod
    def of(cls, outcome: Outcome) -> "Told":
        """Tell an outcome."""
        return cls(
            slug=outcome.slug,
            month=str(outcome.month),
            currency=outcome.currency,
            is_open=outcome.is_open,
            before=outcome.before,
            after=outcome.after,
            steps=outcome.steps,
            lines=outcome.lines,
            assumptions=outcome.assumptions,
            costs=outcome.costs,
        )


def encode_told(told: Told) -> bytes:
    """Write what was told."""
    costs = told.costs
    return msgspec.json.encode(
        {
            "slug": told.slug,
            "month": told.month,
            "currency": told.currency,
            "is_open": told.is_open,
            "before": [each.fen for each in told.before],
            "after": [each.fen for each in told.after],
            "steps": [[each.cause, each.net_fen, each.tax_fen] for each in told.steps],
            "lines": [[*each.name, _side(each.was), _side(each.became)] for each in told.lines],
            "assumptions": told.assumptions,
            "costs": costs and [_picos(costs.was), _picos(costs.became), sorted(costs.gaps)],
        }
    )


def decode_told(body: bytes) -> Told:
    """Read what was told."""
    kept = msgspec.json.decode(body)
    unit = kept["currency"]
    return Told(
        slug=kept["slug"],
        month=kept["month"],
        currency=unit,
        is_open=kept["is_open"],
        before=Totals(*(Money(fen, unit) for fen in kept["before"])),
        after=Totals(*(Money(fen, unit) for fen in kept["after"])),
        steps=tuple(Step(Cause(cause), net, tax) for cause, net, tax in kept["steps"]),
        lines=tuple(
            LineChange(LineName(*name), _side_of(was), _side_of(became))
            for *name, was, became in kept["lines"]
        ),
        assumptions=tuple(kept["assumptions"]),
        costs=_costs_of(kept["costs"]) if kept["costs"] else None,
    )


def _side(side: Side) -> list[Any]:
    return [side.amount_fen, str(side.quantity), side.rates, side.rate_currency]


def _side_of(kept: list[Any]) -> Side:
    amount, quantity, rates, currency = kept
    return Side(amount, int(quantity), tuple(rates), currency)


def _picos(sums: Counter[str]) -> dict[str, str]:
    """Write picos as text: more than nine million yuan of them is no number of 64 bits."""
    return {unit: str(pico) for unit, pico in sums.items()}


def _costs_of(kept: list[Any]) -> Costs:
    was, became, gaps = kept
    return Costs(_sums(was), _sums(became), set(gaps))


def _sums(kept: dict[str, str]) -> Counter[str]:
    return Counter({unit: int(pico) for unit, pico in kept.items()})
