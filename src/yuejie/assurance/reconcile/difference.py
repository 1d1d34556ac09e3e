"""What a difference is called, whether it explains itself, and what somebody must do about it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from yuejie.usage.meters import COUNT_METERS


class Cause(StrEnum):
    """Why the provider's figure and ours differ. Stored by value; never renamed."""

    MISSING_HERE = "missing_here"
    """The provider counted calls that we have not."""
    MISSING_THERE = "missing_there"
    """We counted calls that the provider has not."""
    WORKLIST = "worklist"
    """Our events wait for their quantities or their price."""
    LATE = "late"
    """The provider had not finished counting when the report was drawn."""
    NOT_REPORTED = "not_reported"
    """The report is not about that day: nobody knows yet what the provider says of it."""
    METER_MAPPING = "meter_mapping"
    """The same tokens, on another meter."""
    PRICE = "price"
    """The same quantity at another rate."""
    ROUNDING = "rounding"
    """Within the steps in which the report writes its amounts."""
    TIME_ZONE = "time_zone"
    """The same tokens, on the neighbouring day."""
    CREDIT = "credit"
    """The provider gave money back: a refund, a credit, a correction below zero."""
    UNKNOWN = "unknown"
    """None of these; somebody must look."""


CHINESE: Final = {
    Cause.MISSING_HERE: "我方缺失",
    Cause.MISSING_THERE: "对方缺失",
    Cause.WORKLIST: "待处理清单",
    Cause.LATE: "对方尚未计完",
    Cause.NOT_REPORTED: "报告未覆盖",
    Cause.METER_MAPPING: "计量项口径",
    Cause.PRICE: "单价不同",
    Cause.ROUNDING: "尾差",
    Cause.TIME_ZONE: "日界不同",
    Cause.CREDIT: "对方退款或抵扣",
    Cause.UNKNOWN: "原因不明",
}
"""What finance reads."""

TO_DO: Final = {
    Cause.MISSING_HERE: "导入供应商的逐次用量报告，或查流水是否搁置",
    Cause.MISSING_THERE: "核对凭证和部署是否属于这个账号",
    Cause.WORKLIST: "处理待处理清单后重新对账",
    Cause.LATE: "报告出全后重新导入",
    Cause.NOT_REPORTED: "导出整月的报告后重新导入",
    Cause.METER_MAPPING: "核对方言的计量项口径",
    Cause.PRICE: "核对成本价目与供应商的价格或折扣",
    Cause.ROUNDING: "无需处理",
    Cause.TIME_ZONE: "核对报告的时区；跨日的流式调用无需处理",
    Cause.CREDIT: "核对供应商的贷项，与其账单的抵减是否一致",
    Cause.UNKNOWN: "逐日核对，联系供应商",
}
"""What somebody does about it."""

OPEN: Final = frozenset({Cause.UNKNOWN, Cause.NOT_REPORTED})
"""Causes that explain nothing: as long as they are there, the month is not reconciled."""

_DAY: Final = timedelta(days=1)

THRESHOLD_PPM: Final = 1_000
"""A month is reconciled when less than 0.1 % of its amount is unexplained (issue 3, point 6)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of what the provider says beyond what we say (negative: short of it), and why.

    The quantities of a day, model and meter add up to the whole difference; so do the amounts.
    """

    day: date
    model: str
    meter: str
    cause: Cause
    quantity: int
    pico: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A month of an account, ours beside theirs, in picos of one currency.

    `theirs_pico` is what the provider charges or, where it told quantities alone, what these cost
    at our rates.
    """

    account_id: str
    month: str
    currency: str
    ours_pico: int
    theirs_pico: int
    differences: tuple[Difference, ...]
    cells: int

    def pico_of(self, causes: Iterable[Cause]) -> int:
        """Add up the sizes of differences, so that plus and minus do not hide each other."""
        wanted = frozenset(causes)
        return sum(abs(d.pico) for d in self.differences if d.cause in wanted)

    @property
    def explained_pico(self) -> int:
        """The size of what has a cause."""
        return self.pico_of(set(Cause) - OPEN)

    @property
    def unexplained_pico(self) -> int:
        """The size of what has none, or of which the provider has not told yet."""
        return self.pico_of(OPEN)

    @property
    def passes(self) -> bool:
        """Whether less than 0.1 % of the month's amount is unexplained.

        An unexplained quantity that nobody has a price for is no share of an amount: it fails. So
        do days that are not reported, unless what we used on them is as little, each model of it.
        """
        unknown = [d for d in self.differences if d.cause is Cause.UNKNOWN]
        if any(d.quantity and not d.pico for d in unknown):
            return False
        if not_reported(self.differences) and not self.pico_of({Cause.NOT_REPORTED}):
            return False
        if _worth_nothing(self.differences):
            return False
        amount = max(abs(self.theirs_pico), abs(self.ours_pico))
        size = self.unexplained_pico
        return not size or size * 1_000_000 < amount * THRESHOLD_PPM


def _worth_nothing(differences: Iterable[Difference]) -> bool:
    """Tell whether of a model that was used on a day that is not reported nothing has a price.

    Calls alone, which need none, are no use of it.
    """
    worth: Counter[tuple[date, str]] = Counter()
    used: set[tuple[date, str]] = set()
    for each in differences:
        if each.cause is Cause.NOT_REPORTED:
            worth[each.day, each.model] += abs(each.pico)
            if each.quantity and each.meter not in COUNT_METERS:
                used.add((each.day, each.model))
    return any(not worth[cell] for cell in used)


def not_reported(differences: Iterable[Difference]) -> list[date]:
    """Return the days on which we used something and that no report is about."""
    return sorted({d.day for d in differences if d.cause is Cause.NOT_REPORTED})


def verdict(found: Iterable[Reconciled]) -> str:
    """Say what a month of an account came to, all its currencies together."""
    found = list(found)
    lacks = incomplete(d for each in found for d in each.differences)
    if lacks:
        return lacks
    passed = all(each.passes for each in found)
    return "对账通过" if passed else "对账有未说明的差异，请逐条核对"


def incomplete(differences: Iterable[Difference]) -> str:
    """Say which days a report lacks, as people read it; empty where it lacks none."""
    days = not_reported(differences)
    if not days:
        return ""
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and day - spans[-1][1] == _DAY:
            spans[-1] = spans[-1][0], day
        else:
            spans.append((day, day))
    said = ", ".join(f"{a}" if a == b else f"{a}~{b}" for a, b in spans)
    return f"报告不全：没有 {said} 的数据，这些天对方尚未报告；请导出整月的报告后重新导入"
