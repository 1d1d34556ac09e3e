"""What a call needs of each allowance that it is held to."""

from typing import Final

from yuejie.budgets.allowance import Measure
from yuejie.gateway.allow.slices import Need, Slices
from yuejie.gateway.allow.told import unbounded
from yuejie.gateway.allow.worst import Call, Worst, worst_of
from yuejie.gateway.refusal import Refused
from yuejie.gateway.rights.admission import Plan
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import AllowanceRow

_MONEY: Final = Measure.MONEY.value
_BOUNDED: Final = frozenset({_MONEY, Measure.TOKENS.value})


def caps_of(plan: Plan, tags: str) -> tuple[AllowanceRow, ...]:
    """Return the allowances that a call is held to; those for tags only where it carries them."""
    caps = plan.caps
    for row in caps:
        if row.tag:
            carried = ("", *tags.split(","))
            return tuple(row for row in caps if row.tag in carried)
    return caps


def output_bound(caps: tuple[AllowanceRow, ...]) -> int:
    """Return the longest answer that a call gets which names none; 0: the model's own."""
    bound = 0
    for row in caps:
        if row.output_bound and (not bound or row.output_bound < bound):
            bound = row.output_bound
    return bound


def needs_of(
    plan: Plan,
    caps: tuple[AllowanceRow, ...],
    slices: Slices,
    call: Call,
    view: View,
    *,
    longest: int,
    now_us: int,
) -> list[Need] | Refused:
    """Return what a call reserves of each allowance, or why no hard cap can let it pass."""
    worst: Worst | None = None
    currency = plan.routes[0].sale.currency
    present = slices.present
    if now_us < slices.opened_us:
        now_us = slices.present_us(now_us)
    needs = []
    for row in caps:
        measure = row.measure
        amount: int | None = 1
        unit = ""
        if measure in _BOUNDED:
            if worst is None:
                worst = worst_of(plan, call, view.models, output_bound=longest, now_us=now_us)
            amount = worst.tokens
            if measure == _MONEY:
                amount, unit = worst.pico, currency
        slice_ = present.get((row.number, unit))
        if slice_ is None or now_us >= slice_.ends_us:
            slice_ = slices.of(row, unit, plan.customer.zone, now_us)
        if not row.hard:
            needs.append(Need(slice_, slice_.typical or 1, amount or 0))
        elif amount is None:
            return unbounded(row, worst.why if worst else "")
        else:
            needs.append(Need(slice_, amount, amount))
    return needs
