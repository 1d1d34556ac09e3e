"""Compare amounts: after what differing quantities are worth, only rates and rounding are left.

Where the provider told no quantities, days and rates have to be seen in the amounts themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.assurance.reconcile.difference import Cause, Difference
from yuejie.assurance.reconcile.residue import Residue, Series, Taken, silent
from yuejie.assurance.reconcile.sides import Told

STEADY_PPM: Final = 10_000
"""Another rate shows as one factor through the month; days may deviate from it by 1 %."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """On which line the provider charges for what: the meters of a model, the models of a meter."""

    meters: Mapping[str, AbstractSet[str]]
    models: Mapping[str, AbstractSet[str]]

    @classmethod
    def of(cls, told: Told) -> "_Lines":
        """Read them off what it charges."""
        meters, models = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
        for _, model, meter in told.picos or {}:
            meters[model].add(meter)
            models[meter].add(model)
        return cls(meters, models)

    def line(self, series: Series) -> Series:
        """Return the line for a model and meter.

        That is its own, or the whole model's, or one of no model: so are tools of all models
        charged, and a whole account by a report that names neither.
        """
        model, meter = series
        if self.meters.get(model) == {""}:
            return model, ""
        if self.meters.keys() == {""} and self.models.keys() == {""}:
            return "", ""
        return ("", meter) if meter and self.models.get(meter) == {""} else series


def compare_amounts(
    hourly: Mapping[Series, Mapping[datetime, int]],
    told: Told,
    days: Sequence[date],
    valued: Sequence[Difference],
    unpriced: Iterable[tuple[date, Series]],
) -> list[Difference]:
    """Return what the amounts differ by beyond `valued`, each part with its cause.

    `unpriced` names what we used and have no rate for: it explains its own line, no other.
    """
    lines = _Lines.of(told)
    charged = [day for day in days if told.charged is None or day in told.charged]
    residue = _residue(hourly, told, charged, lines)
    uncharged = _uncharged(residue, told, set(days) - set(charged), valued, lines)
    for each in valued:
        series = lines.line((each.model, each.meter))
        if (series, each.day) in residue.rest:
            residue.rest[series, each.day] -= each.pico
    if told.quantities is None:
        # First of all: it is found in amounts of which nothing has been taken.
        residue.take_shift()
    _take_rounding(residue, told, valued, lines)
    _take_credits(residue, told, lines)
    waiting = {(lines.line(series), day) for day, series in unpriced}
    for (series, day), left in list(residue.rest.items()):
        if left > 0 and (series, day) in waiting:
            residue.take(series, day, left, Cause.WORKLIST, "我方等待定价")
    if told.quantities is None:
        residue.take_late(told.as_of)
        residue.take_edges()
        _take_rounding(residue, told, valued, lines)
        _take_missing(residue)
        _take_steady(residue)
    else:
        _take_rates(residue, told)
    for (series, day), left in list(residue.rest.items()):
        residue.take(series, day, left, Cause.UNKNOWN)
    return [
        Difference(t.day, t.series[0], t.series[1], t.cause, 0, t.amount, t.why)
        for t in (*residue.taken, *uncharged)
    ]


def _uncharged(
    residue: Residue,
    told: Told,
    days: AbstractSet[date],
    valued: Sequence[Difference],
    lines: _Lines,
) -> list[Taken]:
    """Return what we pay on days whose amounts no report is about, beyond `valued`."""
    parts: dict[tuple[Series, date, Cause], int] = defaultdict(int)
    for part in silent(residue.ours, days, told):
        parts[part.series, part.day, part.cause] += part.amount
    for each in valued:
        if each.day in days:
            cause = each.cause if each.cause is Cause.LATE else Cause.NOT_REPORTED
            parts[lines.line((each.model, each.meter)), each.day, cause] -= each.pico
    why = "报告没有这一天的金额"
    return [Taken(*cell, amount, why) for cell, amount in sorted(parts.items()) if amount]


def _residue(
    hourly: Mapping[Series, Mapping[datetime, int]],
    told: Told,
    days: Sequence[date],
    lines: _Lines,
) -> Residue:
    ours: dict[Series, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for series, hours in hourly.items():
        for hour, pico in hours.items():
            ours[lines.line(series)][hour] += pico
    theirs: dict[Series, dict[date, int]] = defaultdict(dict)
    for (day, model, meter), pico in (told.picos or {}).items():
        theirs[model, meter][day] = pico
    return Residue(ours=ours, theirs=theirs, days=tuple(days), zone=ZoneInfo(told.zone))


def _take_rounding(
    residue: Residue, told: Told, valued: Sequence[Difference], charged: _Lines
) -> None:
    parts: dict[tuple[Series, date], int] = defaultdict(int)
    for each in valued:
        parts[charged.line((each.model, each.meter)), each.day] += 1
    for (series, day), left in list(residue.rest.items()):
        lines = told.lines.get((day, *series), 0)
        # Each line is written to a step and stands for half of it either way; each quantity that
        # was valued has been rounded to a pico.
        if 2 * abs(left) <= lines * told.grain_pico + 2 * parts[series, day]:
            residue.take(series, day, left, Cause.ROUNDING, f"{lines} 行金额按最小位取整")


def _take_credits(residue: Residue, told: Told, lines: _Lines) -> None:
    """Take what the provider gave back; what it corrected until both agree is no difference."""
    for (day, model, meter), pico in told.credits.items():
        series = lines.line((model, meter))
        left = residue.rest.get((series, day), 0)
        if left < 0:
            residue.take(series, day, max(left, pico), Cause.CREDIT, "对方记了负数金额")


def _take_rates(residue: Residue, told: Told) -> None:
    """With the quantities reconciled, what is left of an amount is another rate."""
    quantities = told.quantities or {}
    models = {(day, model) for (day, model, _), quantity in quantities.items() if quantity}
    # What is charged under no model was counted under those that used it.
    counted = quantities.keys() | {(day, "", meter) for day, _, meter in quantities}
    for (series, day), left in list(residue.rest.items()):
        known = (day, series[0]) in models or (not series[0] and series[1] != "")
        charged = (told.picos or {}).get((day, *series))
        if known and charged is not None and (not series[1] or (day, *series) in counted):
            residue.take(series, day, left, Cause.PRICE, "数量相同而金额不同")
        elif known and charged is None and left < 0:
            residue.take(series, day, left, Cause.PRICE, "我方计价而对方未收费")


def _take_missing(residue: Residue) -> None:
    for (series, day), left in list(residue.rest.items()):
        here = residue.by_day(series, residue.shift).get(day, 0)
        there = residue.theirs.get(series, {}).get(day, 0)
        if there and not here:
            residue.take(series, day, left, Cause.MISSING_HERE, "这一天我方没有这项用量")
        elif here and not there:
            residue.take(series, day, left, Cause.MISSING_THERE, "这一天对方没有收费")


def _take_steady(residue: Residue) -> None:
    """Take a difference that is the same factor on every day of the month."""
    for series in residue.series():
        mine = residue.by_day(series, residue.shift)
        differing = [day for day in residue.days if residue.rest[series, day]]
        ours = sum(mine.get(day, 0) for day in differing)
        left = sum(residue.rest[series, day] for day in differing)
        if len(differing) < 2 or ours <= 0:
            continue
        if all(
            abs(residue.rest[series, day] * ours - left * mine.get(day, 0)) * 1_000_000
            <= STEADY_PPM * mine.get(day, 0) * ours
            for day in differing
        ):
            for day in differing:
                why = "整月按同一比例不同"
                residue.take(series, day, residue.rest[series, day], Cause.PRICE, why)
