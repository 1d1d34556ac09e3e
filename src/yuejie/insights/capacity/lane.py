"""A lane: what one ceiling of a provider holds back; its peaks, its trend, what to warn of.

A lane is an account with an upstream model, or an account as a whole. What fills it is every
attempt that was begun in a minute, answered or not, and all tokens of it, cached ones too, counted
in the minute in which it was begun: providers count at the beginning, and some leave cached tokens
out, so a warning comes early rather than late.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from yuejie.insights.forecast.course import Course, Flags, Floats, course
from yuejie.insights.forecast.figures import LEAST_RANGES, Told, told
from yuejie.kernel.errors import Invalid

WHOLE: Final = ""
"""The model of a lane that is an account as a whole."""
NEAR_PERCENT: Final = 90
"""From so much of a ceiling on it is near."""
LATELY: Final = 7
"""Days whose peak counts as today's."""
AHEAD: Final = 28
"""Days that are looked ahead."""
WARN_LIKELY: Final = 21
"""So many days before a ceiling is likely to be passed it is warned of: raising one takes weeks."""
WARN_MAYBE: Final = 7
"""Within so many days one that may be passed, one chance in ten of a day."""
_DAY: Final = timedelta(days=1)


class Gauge(StrEnum):
    """What a ceiling counts by the minute."""

    RPM = "rpm"
    TPM = "tpm"


GAUGE_NAMES: Final = {Gauge.RPM: "每分钟请求 RPM", Gauge.TPM: "每分钟 token TPM"}


class Level(StrEnum):
    """How bad it is."""

    PASSED = "passed"
    """The ceiling was reached, or the provider refused calls for it."""
    NEAR = "near"
    AHEAD = "ahead"
    """It will be reached, as it goes."""
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a provider lets an account use of a model by the minute; None: no limit, or unknown."""

    account_id: str
    upstream_model: str
    rpm: int | None
    tpm: int | None
    note: str = ""

    def refuse_nonsense(self) -> None:
        """Refuse what is no ceiling."""
        for name, limit in (("RPM", self.rpm), ("TPM", self.tpm)):
            if limit is not None and not 1 <= limit <= 10**12:
                raise Invalid(f"{name} 配额 {limit} 超出范围，请写 1 到 1,000,000,000,000 的整数")

    def of(self, gauge: Gauge) -> int | None:
        """Return the limit of a gauge."""
        return self.rpm if gauge is Gauge.RPM else self.tpm


@dataclass(frozen=True, slots=True)
class PeakRow:
    """The busiest minutes of an hour, or of a day, in a lane."""

    account_id: str
    upstream_model: str
    at: datetime
    throttled: int
    requests_peak: int
    requests_minute: datetime
    tokens_peak: int
    tokens_minute: datetime

    def peak(self, gauge: Gauge) -> int:
        """Return the busiest minute's count."""
        return int(self.requests_peak if gauge is Gauge.RPM else self.tokens_peak)

    def minute(self, gauge: Gauge) -> datetime:
        """Return which minute it was."""
        return self.requests_minute if gauge is Gauge.RPM else self.tokens_minute


@dataclass(frozen=True, slots=True)
class PeakDay:
    """The busiest minute of a day: what it was, or what it is expected to be."""

    day: date
    peak: int
    told: Told | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One gauge of a lane: where it stands, where it goes, and when it meets its ceiling."""

    account_id: str
    upstream_model: str
    gauge: Gauge
    ceiling: int | None
    peak: int
    """Of the last seven days, today included."""
    peak_at: datetime | None
    weekly_percent: int | None
    """By how much the mean daily peak of the last week is above that of the week before."""
    throttled: int
    """Attempts of the last seven days that the provider refused with 429."""
    days: tuple[PeakDay, ...]
    likely_on: date | None
    """The first day whose expected peak reaches the ceiling; None: not within 28 days."""
    maybe_on: date | None
    """The first day whose peak reaches it one time in ten."""
    known_days: int
    level: Level | None

    @property
    def percent(self) -> int | None:
        """The peak as a share of the ceiling, rounded down."""
        return self.peak * 100 // self.ceiling if self.ceiling else None

    @property
    def ahead(self) -> Told | None:
        """The highest expected peak of the days ahead, with the highest bounds of any of them."""
        estimates = [each.told for each in self.days if each.told is not None]
        if not estimates:
            return None
        return max(estimates, key=lambda each: (each.middle, each.high80 or 0))


def outlook(
    gauge: Gauge,
    rows: list[PeakRow],
    *,
    account_id: str,
    upstream_model: str,
    ceiling: int | None,
    today: date,
    rests: Flags,
) -> Outlook:
    """Return the outlook of a gauge from its daily peaks, the oldest first, one row a day.

    `rests` says from the day of the first row on, through 28 days ahead, whether people rest.
    """
    by_day = {row.at.date(): row for row in rows}
    past = [day for day in by_day if day < today]
    first = min(past, default=today)
    count = (today - first).days
    days = [first + i * _DAY for i in range(count)]
    values = np.array([float(by_day[d].peak(gauge) if d in by_day else 0) for d in days])
    found = course(values, rests[: count + AHEAD], first.weekday())
    ranges = count >= LEAST_RANGES
    shown = [PeakDay(day, int(value), None) for day, value in zip(days, values, strict=True)]
    known = by_day[today].peak(gauge) if today in by_day else 0
    ahead = _ahead(found, today, known, ranges=ranges)
    lately = [row for row in rows if row.at.date() > today - LATELY * _DAY]
    top = max(lately, key=lambda row: row.peak(gauge), default=None)
    likely, maybe = _meets(ahead, ceiling)
    # A refusal does not say which limit it was for: it is told once, beside the requests.
    throttled = sum(row.throttled for row in lately) if gauge is Gauge.RPM else 0
    peak = top.peak(gauge) if top else 0
    return Outlook(
        account_id=account_id,
        upstream_model=upstream_model,
        gauge=gauge,
        ceiling=ceiling,
        peak=peak,
        peak_at=top.minute(gauge) if top else None,
        weekly_percent=_weekly(values),
        throttled=throttled,
        days=(*shown, *ahead),
        likely_on=likely,
        maybe_on=maybe,
        known_days=count if found else 0,
        level=_level(peak, ceiling, throttled, today, (likely, maybe)),
    )


def _ahead(found: Course | None, today: date, known: int, *, ranges: bool) -> list[PeakDay]:
    if found is None:
        return []
    ahead = []
    for place in range(AHEAD):
        estimate = told(found.total(place, place + 1.0), ranges=ranges)
        ahead.append(PeakDay(today + place * _DAY, known if place == 0 else 0, estimate))
    return ahead


def _meets(ahead: list[PeakDay], ceiling: int | None) -> tuple[date | None, date | None]:
    likely = maybe = None
    for each in ahead:
        if ceiling is None or each.told is None:
            continue
        if likely is None and each.told.middle >= ceiling:
            likely = each.day
        if maybe is None and (each.told.high80 or each.told.middle) >= ceiling:
            maybe = each.day
    return likely, maybe


def _weekly(values: Floats) -> int | None:
    if len(values) < 2 * LATELY or not values[-2 * LATELY : -LATELY].any():
        return None
    now, then = values[-LATELY:].mean(), values[-2 * LATELY : -LATELY].mean()
    return round(100 * float(now / then - 1))


def _level(
    peak: int,
    ceiling: int | None,
    throttled: int,
    today: date,
    meets: tuple[date | None, date | None],
) -> Level | None:
    """Return what is to be warned of; without a ceiling nothing is, but that calls are refused."""
    likely, maybe = meets
    if throttled or (ceiling is not None and peak >= ceiling):
        return Level.PASSED
    if ceiling is None:
        return None
    if peak * 100 >= ceiling * NEAR_PERCENT:
        return Level.NEAR
    if likely is not None and (likely - today).days <= WARN_LIKELY:
        return Level.AHEAD
    if maybe is not None and (maybe - today).days <= WARN_MAYBE:
        return Level.MAYBE
    return None
