"""What a call needs of each allowance that it is held to."""

from typing import Final

from yuejie.budgets.allowance import Measure
from yuejie.gateway.allow.slices import Need, Slices
from yuejie.gateway.allow.told import unbounded
from yuejie.gateway.allow.worst import NOTHING, Worst, worst_of
from yuejie.gateway.refusal import Refused
from yuejie.gateway.rights.admission import Plan
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.usage.dialects import Api, RequestHint

_BOUNDED: Final = frozenset({Measure.MONEY, Measure.TOKENS})


def caps_of(plan: Plan, tags: str) -> tuple[AllowanceRow, ...]:
    """Return the allowances that a call is held to; those for tags only where it carries them."""
    caps = plan.caps
    if any(row.tag for row in caps):
        carried = ("", *tags.split(","))
        return tuple(row for row in caps if row.tag in carried)
    return caps


def output_bound(caps: tuple[AllowanceRow, ...]) -> int:
    """Return the longest answer that a call gets which names none; 0: the model's own."""
    return min((row.output_bound for row in caps if row.output_bound), default=0)


def needs_of(
    plan: Plan,
    caps: tuple[AllowanceRow, ...],
    slices: Slices,
    *,
    api: Api,
    hint: RequestHint,
    body: bytes,
    view: View,
    now_us: int,
) -> list[Need] | Refused:
    """Return what a call reserves of each allowance, or why no hard cap can let it pass."""
    worst = NOTHING
    if any(row.measure in _BOUNDED for row in caps):
        bound = output_bound(caps)
        worst = worst_of(plan, api, hint, body, view.models, output_bound=bound, now_us=now_us)
    zone, currency = plan.customer.zone, plan.routes[0].sale.currency
    needs = []
    for row in caps:
        unit = currency if row.measure == Measure.MONEY else ""
        slice_ = slices.of(row, unit, zone, now_us)
        amount = _amount(row, worst)
        if row.hard and amount is None:
            return unbounded(row, worst.why)
        reserve = amount if row.hard and amount is not None else max(slice_.typical, 1)
        needs.append(Need(slice_, reserve, amount or 0))
    return needs


def _amount(row: AllowanceRow, worst: Worst) -> int | None:
    match row.measure:
        case Measure.MONEY:
            return worst.pico
        case Measure.TOKENS:
            return worst.tokens
    return 1
