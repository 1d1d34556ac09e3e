"""A time window of a price: self-describing text, and whether an instant lies in it.

    UTC 1-5 00:00-01:00,04:00-06:00,10:00-24:00; 6-7 00:00-24:00
    Asia/Shanghai 1-5 08:00-22:00 cn-workdays
    Asia/Shanghai 1-5 09:00-12:00,14:00-18:00 cn-weekdays

A zone, then one or more rules of weekdays (1 is Monday), half-open wall-clock hours, and the
calendar if there is one. Without a calendar weekdays are just weekdays. `cn-workdays` leaves out
the statutory days off and takes in the weekend days that are worked instead (调休); `cn-holidays`
is its mirror: `1-5 … cn-workdays` and `6-7 … cn-holidays` share a year between them.
`cn-weekdays` leaves out the statutory days off and takes nothing in: a Saturday that is worked
stays a Saturday, as in DeepSeek's peak hours since 2026-08-23.

The State Council announces one year at a time, so the calendar ends. Beyond its end nobody knows
whether a day is worked: `holds` answers None, and the price resolves to nothing rather than to a
guess.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

from chinese_calendar import is_workday
from chinese_calendar.constants import holidays

from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import zone_of

CALENDAR_FIRST: Final[int] = min(holidays).year
CALENDAR_LAST: Final[int] = max(holidays).year
"""The last year whose holidays the calendar knows."""

_DAY_MINUTES: Final = 24 * 60
_SATURDAY: Final = 6
_WEEKDAYS: Final = "一二三四五六日"
_CALENDARS: Final = {
    "": "",
    "cn-workdays": "（法定节假日除外，含调休上班日）",
    "cn-holidays": "（含法定节假日，调休上班日除外）",
    "cn-weekdays": "（法定节假日除外）",
}
"""What follows on the hours, by calendar."""
_RULE: Final = re.compile(
    r"([1-7](?:[-,][1-7])*) ([0-9:,-]+)(?: (cn-workdays|cn-holidays|cn-weekdays))?\Z"
)
_HOURS: Final = re.compile(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)\Z")
_US: Final = 10**6


@dataclass(frozen=True, slots=True)
class Rule:
    """Weekdays, minutes of the day (half-open, ascending, apart), and the calendar."""

    weekdays: tuple[int, ...]
    minutes: tuple[tuple[int, int], ...]
    calendar: str = ""

    def takes_day(self, weekday: int, *, worked: bool) -> bool:
        """Say whether a day belongs, given its weekday and whether China works on it."""
        if self.calendar == "cn-workdays":
            return worked and (weekday in self.weekdays or weekday >= _SATURDAY)
        if self.calendar == "cn-holidays":
            return not worked and (weekday in self.weekdays or weekday < _SATURDAY)
        if self.calendar == "cn-weekdays":
            return worked and weekday in self.weekdays
        return weekday in self.weekdays

    def takes_minute(self, minute: int) -> bool:
        """Say whether a minute of the day belongs."""
        return any(start <= minute < end for start, end in self.minutes)


@dataclass(frozen=True, slots=True)
class Window:
    """Every rule of one window, in one zone."""

    zone: str
    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a window; what is not in the form above is refused."""
        zone, _, rest = text.strip().partition(" ")
        zone_of(zone)
        return cls(zone, tuple(_rule(part.strip(), text) for part in rest.split(";")))

    def __str__(self) -> str:
        """Write the one canonical form."""
        return f"{self.zone} {'; '.join(_written(rule) for rule in self.rules)}"

    @property
    def needs_calendar(self) -> bool:
        """Whether it depends on which days China works."""
        return any(rule.calendar for rule in self.rules)

    def holds(self, started_us: int) -> bool | None:
        """Say whether an instant (Unix microseconds) lies in it; None where nobody knows."""
        local = datetime.fromtimestamp(started_us // _US, _zone(self.zone))
        weekday, minute = local.isoweekday(), local.hour * 60 + local.minute
        worked = worked_in_china(local.date()) if self.needs_calendar else True
        if worked is None:
            return None
        return any(
            rule.takes_day(weekday, worked=worked) and rule.takes_minute(minute)
            for rule in self.rules
        )

    def overlaps(self, other: "Window") -> bool:
        """Say whether some instant may lie in both; windows of different zones are not compared."""
        if self.zone != other.zone:
            raise Invalid(f"时段“{self}”与“{other}”时区不同，同一计量项的时段请用同一时区书写")
        return any(
            one.takes_day(weekday, worked=worked)
            and two.takes_day(weekday, worked=worked)
            and _meet(one.minutes, two.minutes)
            for weekday in range(1, 8)
            for worked in (True, False)
            for one in self.rules
            for two in other.rules
        )


def in_words(window: Window) -> str:
    """Say a window in words, as papers and explanations do."""
    return f"{window.zone} 时间 {'；'.join(map(_said, window.rules))}"


def _said(rule: Rule) -> str:
    hours = "、".join(f"{_clock(start)}–{_clock(end)}" for start, end in rule.minutes)
    return f"{_named(rule.weekdays)} {hours}{_CALENDARS[rule.calendar]}"


def _named(weekdays: tuple[int, ...]) -> str:
    """Name weekdays; three and more in a row by the first and the last."""
    named = [f"周{_WEEKDAYS[day - 1]}" for day in weekdays]
    if len(named) > 2 and weekdays[-1] - weekdays[0] == len(named) - 1:
        return f"{named[0]}至{named[-1]}"
    return "、".join(named)


@lru_cache(maxsize=1024)
def worked_in_china(day: date) -> bool | None:
    """Say whether China works on a day, make-up workdays included; None beyond the calendar."""
    if not CALENDAR_FIRST <= day.year <= CALENDAR_LAST:
        return None
    return bool(is_workday(day))


@lru_cache(maxsize=1024)
def window_of(text: str) -> Window:
    """Return the parsed window of a text that was checked when the book was written."""
    return Window.parse(text)


@lru_cache(maxsize=4096)
def holds_in(text: str, unix_minute: int) -> bool | None:
    """Say whether a minute lies in the window of a text; windows know nothing finer.

    Remembered, because all calls of a minute ask the same.
    """
    return window_of(text).holds(unix_minute * 60 * _US)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return zone_of(name)


def moment_of(started_us: int) -> datetime:
    """Return the instant of Unix microseconds, to the second, in UTC."""
    return datetime.fromtimestamp(started_us // _US, UTC)


def _rule(part: str, whole: str) -> Rule:
    found = _RULE.match(part)
    if found is None:
        raise Invalid(
            f"时段“{whole}”写法不对，请写成 Asia/Shanghai 1-5 08:00-22:00 cn-workdays 这样的形式"
        )
    return Rule(
        weekdays=_weekdays(found[1], whole),
        minutes=_minutes(found[2], whole),
        calendar=found[3] or "",
    )


def _weekdays(text: str, whole: str) -> tuple[int, ...]:
    days: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        days.extend(range(int(first), int(last or first) + 1))
    if not days or sorted(set(days)) != days:
        raise Invalid(f"时段“{whole}”的星期“{text}”应从小到大、互不重复")
    return tuple(days)


def _minutes(text: str, whole: str) -> tuple[tuple[int, int], ...]:
    spans: list[tuple[int, int]] = []
    for part in text.split(","):
        found = _HOURS.match(part)
        start, end = (
            (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4]))
            if found
            else (1, 0)
        )
        after = spans[-1][1] if spans else 0
        if not after <= start < end <= _DAY_MINUTES:
            raise Invalid(
                f"时段“{whole}”的钟点“{part}”不对：从早到晚、互不重叠、不跨零点"
                "（跨零点请拆成 22:00-24:00 和 00:00-06:00）"
            )
        spans.append((start, end))
    return tuple(spans)


def _meet(one: tuple[tuple[int, int], ...], two: tuple[tuple[int, int], ...]) -> bool:
    return any(a < d and c < b for a, b in one for c, d in two)


def _written(rule: Rule) -> str:
    hours = ",".join(f"{_clock(start)}-{_clock(end)}" for start, end in rule.minutes)
    tail = f" {rule.calendar}" if rule.calendar else ""
    return f"{_days(rule.weekdays)} {hours}{tail}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _days(days: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
