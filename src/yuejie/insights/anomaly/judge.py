"""What a period's signals come to: new findings, findings that go on, findings that end.

Signals that the same key explains, or that come from the same place, are one finding: a burst of
one key is seen in its tokens, its requests and its cost, in its project and in its customer, by the
hour and in the day that follows, and is told once; so is a customer all of whose keys grow. What is
older than `FRESH` is learnt and not told: a clerk that was away wakes nobody for last week.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from yuejie.customers.customer import Customer
from yuejie.customers.names import names_of
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.insights.anomaly import store
from yuejie.insights.anomaly.explain import PERIODS, Explanation, Used, explain
from yuejie.insights.anomaly.finding import (
    Finding,
    FindingEvent,
    FindingId,
    FindingState,
    Grain,
    Measure,
    Rule,
    Scope,
    Series,
    advance,
)
from yuejie.insights.anomaly.tell import Names, tell
from yuejie.insights.anomaly.used import Usage
from yuejie.insights.anomaly.watch import Seen, Signal, Watch
from yuejie.kernel.ids import mint
from yuejie.kernel.money import divide

CLERK: Final = "clerk"
FRESH: Final = timedelta(days=2)
QUIET: Final = {Grain.HOUR: 6, Grain.DAY: 1}
"""Periods without anything unusual after which a finding has ended."""
LOOK_BACK: Final = timedelta(hours=24)
"""How far back the beginning of something is looked for."""
TOGETHER: Final = timedelta(hours=24)
"""What begins so soon after a finding of the whole customer is a part of it."""
BEGUN: Final = (3, 2)
"""An hour belongs to it from half as much again as usual on."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


class Usages(Protocol):
    """Where a customer's usage of any hours can be had."""

    def __call__(self, since: datetime, until: datetime) -> Usage:
        """Return what was used between two instants."""


@dataclass(frozen=True, slots=True)
class Period:
    """An hour or a day that is over: its instants, and its beginning in the customer's zone."""

    grain: Grain
    start: datetime
    end: datetime
    local: datetime


class Judge:
    """Judges a customer's periods, one after the other, within one transaction."""

    def __init__(
        self, tx: Tx, customer: Customer, usages: Usages, *, currency: str, now: datetime
    ) -> None:
        self._tx = tx
        self._customer = customer
        self._usages = usages
        self._currency = currency
        self._now = now
        self._going = {f.finding_id: f for f in store.going_on(tx, customer.customer_id)}
        self._ended = store.ended(tx, customer.customer_id, since=now - FRESH)
        self._muted = {
            (word.scope, word.name): word.muted_until
            for word in store.words(tx, customer.customer_id)
            if word.muted_until is not None
        }
        self.found = 0

    def hear(self, period: Period, watch: Watch, seen: Seen, values: Mapping[Series, int]) -> None:
        """Follow what goes on, then take what a period says that is new."""
        places = {series: place for place, series in enumerate(watch.series)}
        for found in list(self._going.values()):
            if found.grain is period.grain and found.since < period.end:
                self._follow(found, period, seen, values, places)
        if period.end < self._now - FRESH:
            return
        for signal in sorted(seen.signals, key=lambda each: _weight(watch.series[each.index])):
            self._take(period, watch.series[signal.index], signal, float(seen.floors[signal.index]))

    def _follow(
        self,
        found: Finding,
        period: Period,
        seen: Seen,
        values: Mapping[Series, int],
        places: Mapping[Series, int],
    ) -> None:
        """Count another period of a finding, or that it was quiet."""
        place = places.get(found.series)
        if place is None or found.last_at >= period.end:
            return
        value, normal = values.get(found.series, 0), round(float(seen.normal[place]))
        if found.rule is not Rule.LEARNT and found.grain is Grain.DAY:
            normal = found.expected
        if value - normal < float(seen.floors[place]):
            self._calm(replace(found, quiet=found.quiet + 1))
            return
        cost = Series(found.scope, found.name, Measure.COST)
        usual = round(float(seen.normal[places[cost]])) if cost in places else 0
        extra = found.extra_pico + max(0, values.get(cost, 0) - usual)
        worse = value - normal > found.observed - found.expected
        peak = (normal, value) if worse else (found.expected, found.observed)
        self._keep(
            replace(
                found,
                last_at=period.end,
                quiet=0,
                extra_pico=extra,
                expected=peak[0],
                observed=peak[1],
            )
        )

    def _calm(self, found: Finding) -> None:
        self._keep(found)
        if found.quiet < QUIET[found.grain]:
            return
        became = advance(found.state, FindingEvent.END)
        step = Transition(self._now, FindingEvent.END, found.state, became, CLERK)
        store.move(self._tx, found.customer_id, found.finding_id, step)
        self._ended.append(self._going.pop(found.finding_id))

    def _keep(self, found: Finding) -> None:
        store.follow(self._tx, found.customer_id, found)
        self._going[found.finding_id] = found

    def _take(self, period: Period, series: Series, signal: Signal, floor: float) -> None:
        """Join a signal to the finding that its key explains already, or begin one."""
        if self._is_muted(series.scope, series.name, period):
            return
        usage = self._usages(_since(period, signal.rule) - (PERIODS + 1) * _DAY, period.end)
        said = _explained(usage, series, period, signal)
        if self._is_muted(Scope.KEY, said.key_id, period):
            return
        for known in self._going.values():
            if _is_same(known, series, said.key_id, period.start):
                self._keep(replace(known, last_at=max(known.last_at, period.end), quiet=0))
                return
        if signal.rule is not Rule.MONTH_OVER_MONTH and any(
            known.last_at > period.start and _is_same(known, series, said.key_id, period.start)
            for known in self._ended
        ):
            return
        began = _began(usage, series, period, floor, signal)
        cost = Series(series.scope, series.name, Measure.COST)
        found = Finding(
            finding_id=FindingId(mint("anm", self._now)),
            customer_id=self._customer.customer_id,
            grain=period.grain,
            scope=series.scope,
            name=series.name,
            measure=series.measure,
            rule=signal.rule,
            since=began,
            last_at=period.end,
            found_at=self._now,
            expected=round(signal.expected),
            observed=round(signal.observed),
            score_milli=round(1000 * signal.score),
            key_id=said.key_id,
            model=said.model,
            shares=said,
            extra_pico=_extra(usage, cost, began, period.end),
            currency=self._currency,
            state=FindingState.OPEN,
            quiet=0,
            feedback="",
        )
        self._begin(found, f"{signal.rule}:{_label(period, signal.rule)}")

    def _is_muted(self, scope: Scope, name: str, period: Period) -> bool:
        until = self._muted.get((scope, name))
        return until is not None and period.start < until

    def _begin(self, found: Finding, occasion: str) -> None:
        """Write a finding down once per series, rule and period, and tell it."""
        series = f"{found.customer_id}:{found.grain}:{found.scope}:{found.name}:{found.measure}"
        if not store.insert_finding(self._tx, found, key=f"{series}:{occasion}"):
            return
        self._going[found.finding_id] = found
        self.found += 1
        tell(self._tx, self._customer, found, self._names(), now=self._now)

    def _names(self) -> Names:
        return names_of(self._tx, self._customer)


def _is_same(known: Finding, series: Series, key_id: str, start: datetime) -> bool:
    """Say whether a signal tells of what is known already."""
    whole = known.scope is Scope.CUSTOMER and start - known.since < TOGETHER
    return (
        known.key_id == key_id or (known.scope, known.name) == (series.scope, series.name) or whole
    )


def _weight(series: Series) -> tuple[int, int]:
    """Tell the widest first, and of the same width what costs money."""
    return list(Scope).index(series.scope), list(Measure).index(series.measure)


def _since(period: Period, rule: Rule) -> datetime:
    """Return the beginning of what a rule looks at."""
    if rule is not Rule.MONTH_OVER_MONTH:
        return period.start
    first = period.local.replace(day=1)
    return (first - _DAY).replace(day=1)


def _label(period: Period, rule: Rule) -> str:
    if rule is Rule.MONTH_OVER_MONTH:
        return f"{period.local:%Y-%m}"
    return period.start.isoformat()


def _explained(usage: Usage, series: Series, period: Period, signal: Signal) -> Explanation:
    """Say which keys and models explain the difference to the periods before."""
    if (rule := signal.rule) is Rule.MONTH_OVER_MONTH:
        first = period.local.replace(day=1)
        last = _since(period, rule)
        now = usage.within(series, first, period.end)
        return explain(now, usage.within(series, last, last + (period.end - first)), 1)
    since = _seen_since(period, signal)
    periods = _periods(usage, since)
    before: list[Used] = []
    for day in range(1, periods + 1):
        before += usage.within(series, since - day * _DAY, period.end - day * _DAY)
    return explain(usage.within(series, since, period.end), before, periods)


def _seen_since(period: Period, signal: Signal) -> datetime:
    """Return the first of the hours that a signal takes together."""
    return period.start - (signal.hours - 1) * _HOUR


def _periods(usage: Usage, start: datetime) -> int:
    """Return how many days before there are to compare with, at least one."""
    first = usage.first or start
    return max(1, min(PERIODS, (start - first) // _DAY))


def _usual(usage: Usage, series: Series, since: datetime, until: datetime) -> tuple[int, int]:
    """Return what was used on the days before in the same hours, and of how many days that is."""
    days = _periods(usage, since)
    spans = ((since - day * _DAY, until - day * _DAY) for day in range(1, days + 1))
    return sum(usage.total(series, *span) for span in spans), days


def _began(usage: Usage, series: Series, period: Period, floor: float, signal: Signal) -> datetime:
    """Return when it began: the first hour in a row that has half as much again as usual.

    Of hours that say it together some may have less.
    """
    if period.grain is Grain.DAY:
        return _first_of_month(period) if signal.rule is Rule.MONTH_OVER_MONTH else period.start
    began = hour = period.start
    seen_since, least = _seen_since(period, signal), floor / signal.hours
    while period.start - hour < LOOK_BACK:
        hour -= _HOUR
        usual, days = _usual(usage, series, hour, hour + _HOUR)
        value = usage.total(series, hour, hour + _HOUR)
        more, than = BEGUN
        if than * value * days >= more * usual and value * days - usual >= least * days:
            began = hour
        elif hour <= seen_since:
            break
    return began


def _first_of_month(period: Period) -> datetime:
    return period.local.replace(day=1)


def _extra(usage: Usage, cost: Series, since: datetime, until: datetime) -> int:
    """Return what was charged beyond the days before, in picos; never less than nothing."""
    usual, days = _usual(usage, cost, since, until)
    return max(0, divide(days * usage.total(cost, since, until) - usual, days))
