"""Compare a month of an account, ours beside theirs, and name the cause of every difference.

Quantities first: the zone of the days, what the provider has not counted yet, our worklist,
midnight, meters that only bear another name, calls that one side has not. Then amounts: what the
differing quantities are worth, steps of rounding, and rates. What is left is unknown.
Wholly pure.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.assurance.reconcile.amounts import compare_amounts
from yuejie.assurance.reconcile.difference import Cause, Difference, Reconciled
from yuejie.assurance.reconcile.residue import (
    Residue,
    Series,
    Taken,
    day_of,
    days_between,
    silent,
)
from yuejie.assurance.reconcile.sides import Ours, Told
from yuejie.kernel.money import divide
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import INPUT_SIDE, UNIT_METERS, Meter

PLAUSIBLE: Final = 10
"""A call on the worklist explains at most so many times the average call of its model."""


@dataclass(slots=True)
class _Calls:
    """What is known of calls on a day, beside tokens."""

    waiting: dict[tuple[str, date], int]
    estimated: dict[tuple[Series, date], int]
    average: dict[Series, int]


def compare(account_id: str, month: BillingMonth, ours: Ours, told: Told) -> Reconciled:
    """Return every difference of the month with its cause; the parts add up to the whole."""
    zone = ZoneInfo(told.zone)
    days = days_between(month.first_day, month.last_day)
    covered = tuple(day for day in days if told.covers is None or day in told.covers)
    charged = tuple(day for day in days if told.charged is None or day in told.charged)
    worth = _worth(ours, told)
    differences: list[Difference] = []
    cells: set[tuple[date, str, str]] = set()
    if told.quantities is not None:
        residue = _residue(ours, told, covered, zone)
        _explain(residue, told, _calls(ours, residue, told))
        missing = silent(residue.ours, set(days) - set(covered), told)
        # What amounts say of a day that quantities do not is compared as amounts.
        amounts = set(charged) if told.picos is not None else set()
        unvalued = amounts - set(covered)
        differences += [
            _difference(t.series, t, {} if t.day in unvalued else worth)
            for t in (*residue.taken, *missing)
        ]
        cells |= {(d, *s) for s in residue.series() for d in days}
    ours_pico = sum(u.pico for u in ours.used if not u.is_open and _in_month(u.hour, zone, days))
    if told.picos is None:
        theirs_pico = ours_pico + sum(d.pico for d in differences)
    else:
        theirs_pico = sum(told.picos.values())
        unpriced = {
            (day_of(u.hour, zone, 0), (u.model, told.folds.get(u.meter, u.meter)))
            for u in ours.used
            if u.unpriced and u.quantity
        }
        hourly: dict[Series, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
        for used in ours.used:
            if not used.is_open:
                series = (used.model, told.folds.get(used.meter, used.meter))
                hourly[series][used.hour] += used.pico
        differences += compare_amounts(hourly, told, days, differences, unpriced)
        cells |= set(told.picos)
    if ours.elsewhere:
        why = f"报告以 {told.currency} 计，我方这个账号的成本以 {ours.elsewhere} 计，无法比较"
        differences = [replace(each, cause=Cause.UNKNOWN, why=why) for each in differences]
    return Reconciled(
        account_id=account_id,
        month=str(month),
        currency=told.currency,
        ours_pico=ours_pico,
        theirs_pico=theirs_pico,
        differences=tuple(sorted(differences, key=lambda d: (d.day, d.model, d.meter, d.cause))),
        cells=len(cells),
    )


def _in_month(hour: datetime, zone: ZoneInfo, days: tuple[date, ...]) -> bool:
    return days[0] <= day_of(hour, zone, 0) <= days[-1]


def _residue(ours: Ours, told: Told, days: tuple[date, ...], zone: ZoneInfo) -> Residue:
    hourly: dict[Series, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for used in ours.used:
        meter = told.folds.get(used.meter, used.meter)
        if not used.is_open and meter in told.meters:
            hourly[used.model, meter][used.hour] += used.quantity
    daily: dict[Series, dict[date, int]] = defaultdict(dict)
    for (day, model, meter), quantity in (told.quantities or {}).items():
        daily[model, meter][day] = quantity
    return Residue(ours=hourly, theirs=daily, days=days, zone=zone)


def _calls(ours: Ours, residue: Residue, told: Told) -> _Calls:
    waiting: dict[tuple[str, date], int] = defaultdict(int)
    for (model, hour), number in ours.waiting.items():
        waiting[model, day_of(hour, residue.zone, residue.shift)] += number
    estimated: dict[tuple[Series, date], int] = defaultdict(int)
    for used in ours.used:
        if used.is_open:
            series = (used.model, told.folds.get(used.meter, used.meter))
            estimated[series, day_of(used.hour, residue.zone, residue.shift)] += used.quantity
    calls: dict[str, int] = defaultdict(int)
    for used in ours.used:
        if used.meter == Meter.REQUESTS and not used.is_open:
            calls[used.model] += used.quantity
    average = {
        series: divide(sum(hours.values()), max(calls[series[0]], 1))
        for series, hours in residue.ours.items()
    }
    return _Calls(waiting, estimated, average)


def _explain(residue: Residue, told: Told, calls: _Calls) -> None:
    residue.take_shift()
    residue.take_late(told.as_of)
    _take_worklist(residue, told, calls)
    residue.take_edges()
    _take_mapping(residue)
    _take_missing(residue, told)


def _take_worklist(residue: Residue, told: Told, calls: _Calls) -> None:
    counts = Meter.REQUESTS.value in told.meters
    gaps = {(s[0], d): n for (s, d), n in residue.rest.items() if s[1] == Meter.REQUESTS}
    for (series, day), estimate in sorted(calls.estimated.items()):
        left = residue.rest.get((series, day), 0)
        if left > 0:
            why = "我方为估算，等待供应商报告"
            residue.take(series, day, min(left, estimate), Cause.WORKLIST, why)
    for (model, day), waiting in sorted(calls.waiting.items()):
        why = f"{waiting} 次调用在待处理清单上"
        missing = gaps.get((model, day), 0)
        for series in residue.series():
            left = residue.rest.get((series, day), 0)
            if series[0] != model or left <= 0 or series[1] == Meter.REQUESTS:
                continue
            if not counts:
                left = min(left, waiting * PLAUSIBLE * max(calls.average.get(series, 0), 1))
            elif missing > waiting:
                left = divide(left * waiting, missing)
            elif missing <= 0:
                continue
            residue.take(series, day, left, Cause.WORKLIST, why)
        if counts and missing > 0:
            series = (model, Meter.REQUESTS.value)
            calls_left = min(residue.rest[series, day], waiting)
            residue.take(series, day, max(calls_left, 0), Cause.WORKLIST, why)


def _take_mapping(residue: Residue) -> None:
    """Take what one meter lacks and another has too much of, on the same model and day."""
    for model in sorted({series[0] for series in residue.series()}):
        meters = [s for s in residue.series() if s[0] == model and s[1] not in UNIT_METERS]
        for day in residue.days:
            more = [(s, residue.rest[s, day]) for s in meters if residue.rest[s, day] > 0]
            less = [(s, -residue.rest[s, day]) for s in meters if residue.rest[s, day] < 0]
            same = min(sum(n for _, n in more), sum(n for _, n in less))
            if not same:
                continue
            names = "、".join(s[1] for s, _ in less), "、".join(s[1] for s, _ in more)
            why = f"我方记为 {names[0]}，对方记为 {names[1]}"
            for sign, side in ((1, more), (-1, less)):
                open_ = same
                for series, size in side:
                    part = min(size, open_)
                    open_ -= part
                    residue.take(series, day, sign * part, Cause.METER_MAPPING, why)


def _take_missing(residue: Residue, told: Told) -> None:
    models = sorted({series[0] for series in residue.series()})
    by_model = {m: [s for s in residue.series() if s[0] == m] for m in models}
    for model, meters in by_model.items():
        mine = {s: residue.by_day(s, residue.shift) for s in meters}
        for day in residue.days:
            rest = {s: residue.rest[s, day] for s in meters if residue.rest[s, day]}
            if not rest:
                continue
            here = any(mine[s].get(day) for s in meters)
            there = any(residue.theirs.get(s, {}).get(day) for s in meters)
            sign, why = _missing(rest, told, model, here=here, there=there)
            for series, left in rest.items():
                cause = Cause.UNKNOWN
                if left * sign > 0:
                    cause = Cause.MISSING_HERE if left > 0 else Cause.MISSING_THERE
                residue.take(series, day, left, cause, why if cause != Cause.UNKNOWN else "")


def _missing(
    rest: Mapping[Series, int], told: Told, model: str, *, here: bool, there: bool
) -> tuple[int, str]:
    """Say which side lacks calls (1: we do, −1: they do, 0: no evidence) and by what evidence."""
    if there and not here:
        return 1, "这一天我方没有这个模型的用量"
    if here and not there:
        return -1, "这一天对方没有这个模型的用量"
    if Meter.REQUESTS.value in told.meters:
        calls = rest.get((model, Meter.REQUESTS.value), 0)
        if not calls:
            return 0, ""
        if calls > 0:
            return 1, f"对方多 {calls} 次调用"
        return -1, f"我方多 {-calls} 次调用"
    taken_in = sum(n for (_, meter), n in rest.items() if meter in INPUT_SIDE)
    given_out = sum(n for (_, meter), n in rest.items() if meter not in INPUT_SIDE)
    if taken_in * given_out > 0:
        if taken_in > 0:
            return 1, "对方的输入和输出都多出"
        return -1, "我方的输入和输出都多出"
    return 0, ""


def _worth(ours: Ours, told: Told) -> dict[Series, tuple[int, int]]:
    """Return amount and quantity by series, from ours where priced, else from theirs."""
    sums: dict[Series, list[int]] = defaultdict(lambda: [0, 0])
    for used in ours.used:
        if not used.is_open and not used.unpriced:
            cell = sums[used.model, told.folds.get(used.meter, used.meter)]
            cell[0] += used.pico
            cell[1] += used.quantity
    charged: dict[Series, list[int]] = defaultdict(lambda: [0, 0])
    for (day, model, meter), pico in (told.picos or {}).items():
        quantity = (told.quantities or {}).get((day, model, meter), 0)
        if quantity:
            charged[model, meter][0] += pico
            charged[model, meter][1] += quantity
    return {
        series: (pico, quantity)
        for side in (charged, sums)
        for series, (pico, quantity) in side.items()
        if quantity > 0
    }


def _difference(series: Series, part: Taken, worth: Mapping[Series, tuple[int, int]]) -> Difference:
    pico, quantity = worth.get(series, (0, 1))
    return Difference(
        day=part.day,
        model=series[0],
        meter=series[1],
        cause=part.cause,
        quantity=part.amount,
        pico=divide(part.amount * pico, quantity),
        why=part.why,
    )
