"""A month is a label, a span is two instants, and the zone joins them.

Spans are half-open. Only this file turns a label into a span.
Whoever asks passes the contract's zone: a month in Shanghai starts eight hours before UTC's.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yuejie.kernel.errors import Invalid

MONTH: Final = r"(19[0-9]{2}|[2-8][0-9]{3})-(0[1-9]|1[0-2])"
"""How a month is written; years beside these are slips of the pen. The calendar ends at 9999."""
_LABEL: Final = re.compile(rf"{MONTH}\Z")
_YEARS: Final = range(1900, 9000)
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True, order=True)
class BillingMonth:
    """A calendar month, e.g. 2026-10. It has no instants until a zone is named."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read “2026-10”; anything else is refused."""
        found = _LABEL.match(text.strip())
        if found is None:
            raise Invalid(f"账期“{text}”格式不对，请写成 2026-10 这样的年月")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, instant: datetime, zone: ZoneInfo) -> Self:
        """Return the month in which an instant falls, in that zone."""
        local = instant.astimezone(zone)
        return cls(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def next(self) -> "BillingMonth":
        """Return the month after."""
        return BillingMonth(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> "BillingMonth":
        """Return the month before."""
        return BillingMonth(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    @property
    def first_day(self) -> date:
        """Return the first of the month."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """Return the last day of the month."""
        return self.next.first_day - timedelta(days=1)

    def span(self, zone: ZoneInfo) -> "Span":
        """Return the instants of this month in that zone, end excluded."""
        return Span(_midnight(self.first_day, zone), _midnight(self.next.first_day, zone))


@dataclass(frozen=True, slots=True)
class Span:
    """Two instants; the first belongs to it, the second does not."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day.

    In a zone whose clocks skip midnight, the wall time does not exist; converting through UTC
    lands on the first instant that does, so neighbouring months still tile.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def months_after(day: date, months: int) -> date:
    """Return the first day behind so many months that begin with a day.

    That is the same day of a later month; where that month lacks it, its last day still belongs to
    the span (民法典 202), so it is the first of the month behind: a year from 29 February ends with
    28 February, a month from 31 January with the last of February.
    """
    ahead = day.month - 1 + months
    month = BillingMonth(day.year + ahead // 12, ahead % 12 + 1)
    if day.day > month.last_day.day:
        return month.next.first_day
    return month.first_day + timedelta(days=day.day - 1)


def local_hour(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which the local wall-clock hour of `instant` began.

    Aligned to the zone's offset, so days of half-hour zones are whole sums of hours,
    and the repeated hour of a clock change stays two hours.
    """
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    shift = int(offset.total_seconds())
    second = int(instant.timestamp())
    return datetime.fromtimestamp((second + shift) // _HOUR_S * _HOUR_S - shift, UTC)


def zone_of(name: str) -> ZoneInfo:
    """Look a zone up by its IANA name; an unknown one is refused."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"时区“{name}”不存在，请写 IANA 名称，例如 Asia/Shanghai") from None


def parse_instant(text: str, zone: ZoneInfo, what: str = "时间") -> datetime:
    """Read ISO 8601 into UTC; a time without offset is read in `zone`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{what}“{text}”格式不对，请写成 2026-10-01T08:00:00+08:00") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return in_our_time(aware, f"{what}“{text}”")


def in_our_time(moment: datetime, what: str) -> datetime:
    """Return a moment in UTC; years that no contract has are refused before they overflow."""
    if moment.year not in _YEARS:
        raise Invalid(f"{what}的年份应在 1900 到 8999 之间，请改正后重试")
    return moment.astimezone(UTC)
