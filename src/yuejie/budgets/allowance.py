"""What an allowance is, whom it is for, and which period an instant falls into. Pure.

A cap is a whole number of its measure: picos of a currency, tokens, answered requests, or calls at
once. Periods are the customer's own days and months, so a period is a key and never a reset job.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import FX_SCALE, PICO, exact, plain, whole

FOREVER_S: Final = 1 << 40
"""The end of what does not end, in Unix seconds."""
DEFAULT_THRESHOLDS: Final = (50, 80, 100)
DEFAULT_FORECASTS: Final = (100,)
"""Of a budget that fits, the forecast is above 80 % each month: that is no news (decision 0114)."""


class Measure(StrEnum):
    """What is capped."""

    MONEY = "money"
    """Charges at the sale rates, before discounts and before tax that comes on top."""
    TOKENS = "tokens"
    REQUESTS = "requests"
    """Calls that were answered."""
    CONCURRENCY = "concurrency"
    """Calls under way at once: held while they last, never spent."""


class Period(StrEnum):
    """Over which time a cap holds, by the customer's calendar."""

    MINUTE = "minute"
    DAY = "day"
    WEEK = "week"
    """From Monday."""
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    TERM = "term"
    """The contract's term: it begins anew where a contract is renewed or followed by another."""
    ALWAYS = "always"
    """Without beginning or end: what is pushed as a balance, and concurrency."""


class Mode(StrEnum):
    """What happens at the cap."""

    SOFT = "soft"
    """Somebody is told."""
    HARD = "hard"
    """The worst case of a call is reserved before it: never overshot."""
    PACED = "paced"
    """Calls pass while anything is left: overshot by at most what is under way."""


class Origin(StrEnum):
    """Who set it."""

    BUDGET = "budget"
    """A person."""
    CREDIT = "credit"
    """What is left of prepayment and credit, pushed by payments."""
    PROTECTION = "protection"
    """The answer to a finding; it is ended when the finding is."""
    TRIAL = "trial"
    """What a trial may use; it ends with the trial."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose calls count: a customer's, narrowed by whatever is named; a project with its subtree.

    `tag` is `name=value`; `model` is the name it is sold under.
    """

    customer_id: str
    project_id: str | None = None
    key_id: str | None = None
    model: str | None = None
    tag: str | None = None

    def covers(self, projects: Collection[str], key_id: str, tags: str, model: str) -> bool:
        """Tell whether a call counts; `projects` are its project and all above it."""
        return (
            (self.project_id is None or self.project_id in projects)
            and (self.key_id is None or self.key_id == key_id)
            and (self.model is None or self.model == model)
            and (self.tag is None or self.tag in tags.split(","))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A cap on a measure over a period for a scope."""

    number: int
    """What journals call it."""
    allowance_id: str
    name: str
    origin: Origin
    scope: Scope
    measure: Measure
    currency: str
    """Of a cap on money; else empty."""
    period: Period
    cap: int
    mode: Mode
    output_bound: int | None
    """Calls that name no longest answer get this one, so that their worst case is no model's."""
    thresholds: tuple[int, ...]
    """Percent of the cap at which somebody is told of what was used."""
    forecasts: tuple[int, ...]
    """Percent of the cap at which somebody is told of what the period will come to."""
    why: str
    starts_at: datetime
    ended_at: datetime | None

    @property
    def by_terms(self) -> bool:
        """Whether its windows are the contract's terms; those of a trial end with the trial."""
        return self.period is Period.TERM and self.origin is not Origin.TRIAL

    @property
    def leases(self) -> bool:
        """Whether gateways ask before they let a call pass."""
        return self.mode is not Mode.SOFT and self.ended_at is None


class Window(NamedTuple):
    """A period with its beginning and end, in Unix seconds, end excluded."""

    starts_s: int
    ends_s: int


class Slot(NamedTuple):
    """One window of one allowance in one unit: what is leased, spent and locked, in this order."""

    number: int
    starts_s: int
    unit: str


def window_of(
    period: Period, zone: ZoneInfo, at_s: int, starts_s: int, terms: Sequence[int] = ()
) -> Window:
    """Return the window in which an instant falls; `starts_s` is when the allowance began.

    `terms` are the first seconds of the contract's terms, for whom they are windows.
    Windows tile: each instant is in exactly one, also where clocks change.
    """
    if period is Period.ALWAYS:
        return Window(0, FOREVER_S)
    if period is Period.TERM:
        begun = max((each for each in terms if starts_s < each <= at_s), default=starts_s)
        return Window(
            begun, min((each for each in terms if each > max(at_s, begun)), default=FOREVER_S)
        )
    if period is Period.MINUTE:
        start = at_s - at_s % 60
        return Window(start, start + 60)
    day = datetime.fromtimestamp(at_s, UTC).astimezone(zone).date()
    first, after = _days(period, day)
    return Window(_midnight(first, zone), _midnight(after, zone))


def _days(period: Period, day: date) -> tuple[date, date]:
    """Return the first day of a period and the first one after it."""
    match period:
        case Period.DAY:
            return day, day + timedelta(days=1)
        case Period.WEEK:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case Period.MONTH:
            return _months(day.year, day.month, 1)
        case Period.QUARTER:
            return _months(day.year, day.month - (day.month - 1) % 3, 3)
    return _months(day.year, 1, 12)


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    after = month - 1 + count
    return date(year, month, 1), date(year + after // 12, after % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Return the first second of a local day; where midnight is skipped, the first that exists."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def converted(cap: int, e8: int, *, inverse: bool = False) -> int:
    """Return a cap in another currency, rounded down: never more than was granted.

    `e8`: the published rate from the unit to the cap's currency; `inverse`: the other way.
    """
    return cap * e8 // FX_SCALE if inverse else cap * FX_SCALE // e8


def read_cap(text: str, measure: Measure) -> int:
    """Read a cap as it is written: a decimal amount of money, or a whole number of pieces.

    Raises Invalid for what is neither.
    """
    if measure is Measure.MONEY:
        return exact(text, PICO, "限额")
    pieces = whole(text.replace("_", "").replace(",", ""))
    if pieces is None:
        raise Invalid(f"限额“{text}”应为不小于 0 的整数，例如 1000000")
    return pieces


def amount_text(amount: int, measure: str, unit: str) -> str:
    """Write an amount of a measure as people read it."""
    if measure == Measure.MONEY:
        return f"{plain(amount, PICO)} {unit}"
    return f"{amount:,} {UNITS[Measure(measure)]}"


UNITS: Final = {
    Measure.TOKENS: "token",
    Measure.REQUESTS: "次请求",
    Measure.CONCURRENCY: "个并发",
}
"""What one piece of a measure is called."""
PERIODS: Final = {
    Period.MINUTE: "每分钟",
    Period.DAY: "每日",
    Period.WEEK: "每周",
    Period.MONTH: "每月",
    Period.QUARTER: "每季",
    Period.YEAR: "每年",
    Period.TERM: "合同期内",
    Period.ALWAYS: "同时",
}
MODES: Final = {Mode.SOFT: "只提醒", Mode.HARD: "硬限额", Mode.PACED: "放行后计"}
"""What a period is called."""
