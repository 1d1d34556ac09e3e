"""What is told of the time to come: whole numbers of a unit, with their ranges and their proof."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.insights.forecast.course import Range
from yuejie.insights.forecast.proof import Proof
from yuejie.insights.forecast.rhythm import HoursProof
from yuejie.kernel.period import BillingMonth


class Measure(StrEnum):
    """What is forecast. Money in fen at the sale rates, before terms and before tax on top."""

    MONEY = "money"
    TOKENS = "tokens"
    REQUESTS = "requests"


MEASURE_NAMES: Final = {
    Measure.MONEY: "费用",
    Measure.TOKENS: "token",
    Measure.REQUESTS: "请求",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A figure to come in whole units. Without ranges too little is known to give any."""

    middle: int
    low80: int | None = None
    high80: int | None = None
    low95: int | None = None
    high95: int | None = None

    def rounded(self, unit: int) -> "Told":
        """Return the figure in whole units of so much: nobody foresees a fraction of a fen."""

        def near(value: int | None) -> int | None:
            return None if value is None else (value + unit // 2) // unit * unit

        middle = (self.middle + unit // 2) // unit * unit
        return Told(
            middle, near(self.low80), near(self.high80), near(self.low95), near(self.high95)
        )


def told(found: Range, known: int = 0, *, ranges: bool = True) -> Told:
    """Write a range in whole units, on top of what is known exactly."""
    if not ranges:
        return Told(known + round(found.middle))
    return Told(*(known + round(getattr(found, name)) for name in Range.__slots__))


@dataclass(frozen=True, slots=True)
class Day:
    """A day: what was used, or what is expected."""

    day: date
    used: int
    told: Told | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month: `used` is known exactly; `run_rate` is what the same pace would come to."""

    month: BillingMonth
    used: int
    told: Told
    run_rate: int | None = None


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """When an allowance is used up: the likely instant, and between which four times in five.

    None is “not within this period”. `early` without `likely` says that it may happen.
    """

    name: str
    scope: str
    period: str
    measure: str
    unit: str
    cap: int
    spent: int
    ends_at: datetime | None
    told: Told | None
    """What the period comes to, in the unit of the cap; of what has no end, nothing."""
    early: datetime | None
    likely: datetime | None
    late: datetime | None
    knows: str
    """What is to be said of how little is known, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a customer, a project or a model will come to."""

    measure: Measure
    unit: str
    """CNY or USD for fen; else the measure."""
    zone: str
    as_of: datetime
    known_days: int
    knows: str
    """One sentence: from how much this is told, and how far it is to be believed."""
    months: tuple[Month, ...]
    """This month and three more; none while nothing is known."""
    days: tuple[Day, ...]
    """Past days and those to come until the month's end, today among the latter."""
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour: what was used, or what is expected of it."""

    hour: datetime
    used: int
    told: Told | None


@dataclass(frozen=True, slots=True)
class HoursAhead:
    """Hours to come behind those of the last week; the present hour is the first to come."""

    measure: Measure
    unit: str
    zone: str
    knows: str
    hours: tuple[Hour, ...]
    proof: HoursProof | None


LEAST_RANGES: Final = 7
"""Complete days without which no range is given: a week has to be seen once."""
LEAST_MONTH: Final = 28


def knows(days: int, silent: int) -> str:
    """Say from how much a forecast is told."""
    if days == 0:
        return "还没有满一天的用量，暂不能预测"
    if silent:
        return f"已连续 {silent} 天没有用量，比以往都久，可能已停用；预测按可能停用折算"
    if days < LEAST_RANGES:
        return f"只有 {days} 天的用量，还没有见过完整的一周：只给出推算值，不给区间"
    if days < LEAST_MONTH:
        return f"只有 {days} 天的用量，还没有见过完整的一个月：区间较宽，仅供参考"
    return f"依据 {days} 天的用量"
