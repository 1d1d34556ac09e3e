"""From the form to a month's calls and tokens: exact integers, each with its figure. Pure.

    QPS      calls = qps × 3600 s × Σ hours/100 × day units × growth
    items    calls = items × calls per item × day units × growth

A *day unit* is a full working day: a working day is one, another day its share, times the factor
of the promotion it lies in. Only the month's calls are rounded, once; tokens = calls × tokens each.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from yuejie.contracts.formats.agreed import percent
from yuejie.kernel.money import PPM, plain
from yuejie.kernel.period import BillingMonth
from yuejie.kernel.workdays import calendar_known, is_workday
from yuejie.presales.quote import MonthVolume
from yuejie.presales.requirement import BUSIEST, Range, Requirement, Volume
from yuejie.presales.trace import Op, Tracing

CASES: Final = ("low", "expected", "high")
_CASE_NAMES: Final = {"low": "低", "expected": "预计", "high": "高"}
MILLI: Final = 1_000
_UNIT: Final = PPM * MILLI
"""A day unit in parts: the day's share in ppm times the promotion's factor in thousandths."""
_HOUR_S: Final = 3_600


class Need(NamedTuple):
    """The names of one month's figures in one case."""

    requests: str
    tokens_in: str
    tokens_out: str


def months_of(requirement: Requirement) -> list[BillingMonth]:
    """Return the months that are planned, in order."""
    month, found = requirement.first_month, []
    for _ in range(requirement.months):
        found.append(month)
        month = month.next
    return found


def days_of(month: BillingMonth) -> Iterator[date]:
    """Yield the days of a month."""
    day = month.first_day
    while day < month.next.first_day:
        yield day
        day += timedelta(days=1)


def day_parts(volume: Volume, day: date) -> int:
    """Return what a day counts, in parts of a day unit; of promotions that meet, the largest."""
    share = PPM if is_workday(day) else volume.off_day_ppm
    factors = [each.factor_milli for each in volume.promotions if each.first <= day <= each.last]
    return share * max(factors, default=MILLI)


def calendar_of(requirement: Requirement) -> bool:
    """Tell whether working days matter and are announced for every month."""
    flat = requirement.volume.off_day_ppm == PPM
    return flat or all(calendar_known(month.first_day) for month in months_of(requirement))


def plan_volume(requirement: Requirement, tracing: Tracing) -> tuple[MonthVolume, ...]:
    """Compute what every month needs, noting each figure."""
    given = {case: _given(requirement, case, tracing) for case in CASES}
    return tuple(
        _month(requirement, month, ahead, given, tracing)
        for ahead, month in enumerate(months_of(requirement))
    )


def need_of(month: str, case: str) -> Need:
    """Return the names of a month's figures in a case: low, expected or high."""
    return Need(*(f"volume.{month}.{what}.{case}" for what in ("requests", "input", "output")))


def _given(requirement: Requirement, case: str, tracing: Tracing) -> tuple[tuple[str, ...], int]:
    """Note what a working day has; return the factors, and what divides their product."""
    volume, said = requirement.volume, _CASE_NAMES[case]
    if volume.qps_milli is not None:
        named = f"assumed:按常见的 {volume.hours_named} 日内分布" if volume.hours_named else ""
        qps = tracing.given(
            f"volume.qps.{case}",
            f"忙时每秒请求（{said}）",
            getattr(volume.qps_milli, case),
            "milli",
            "form:volume.qps",
        )
        hours = tracing.given(
            "volume.hours",
            "一天折合忙时小时数",
            sum(volume.hours),
            "percent",
            named or "form:volume.hours",
            words="24 个小时的忙闲之和",
        )
        return (qps, hours), MILLI * BUSIEST
    assert volume.items_per_day is not None, "a form has one of the two"
    items = tracing.given(
        f"volume.items.{case}",
        f"每天件数（{said}）",
        getattr(volume.items_per_day, case),
        "item",
        "form:volume.items_per_day",
    )
    calls = tracing.given(
        "volume.calls_per_item",
        "每件调用次数",
        volume.calls_per_item_milli,
        "milli",
        "form:volume.calls_per_item",
    )
    return (items, calls), MILLI


def _month(
    requirement: Requirement,
    month: BillingMonth,
    ahead: int,
    given: dict[str, tuple[tuple[str, ...], int]],
    tracing: Tracing,
) -> MonthVolume:
    days = _days(requirement.volume, month, tracing)
    growth = _growth(requirement.volume, month, ahead, tracing)
    by_second = requirement.volume.qps_milli is not None
    seconds = _HOUR_S if by_second else 1
    words = (
        "每秒请求 × 忙时小时数 × 折合工作日 × 增长 × 每小时 3,600 秒"
        if by_second
        else "每天件数 × 每件次数 × 折合工作日 × 增长"
    )
    for case in CASES:
        names, by = given[case]
        need, said = need_of(str(month), case), _CASE_NAMES[case]
        tracing.derived(
            need.requests,
            f"{month} 调用次数（{said}）",
            Op.RATIO,
            (*names, days, growth),
            "request",
            times=seconds,
            by=by * _UNIT * PPM**ahead,
            words=words,
        )
        for name, what, tokens in (
            (need.tokens_in, "输入", requirement.tokens_in),
            (need.tokens_out, "输出", requirement.tokens_out),
        ):
            key = "input" if what == "输入" else "output"
            one = tracing.given(
                f"tokens.{key}.{case}",
                f"每次{what} token（{said}）",
                getattr(tokens, case),
                "token",
                f"form:tokens.{key}",
            )
            tracing.derived(
                name,
                f"{month} {what} token（{said}）",
                Op.RATIO,
                (need.requests, one),
                "token",
                words=f"调用次数 × 每次{what} token",
            )
    return MonthVolume(
        month=str(month),
        requests=_ranged(month, 0, tracing),
        tokens_in=_ranged(month, 1, tracing),
        tokens_out=_ranged(month, 2, tracing),
    )


def _ranged(month: BillingMonth, which: int, tracing: Tracing) -> Range:
    low, expected, high = (tracing.value(need_of(str(month), case)[which]) for case in CASES)
    return Range(low, expected, high)


def _days(volume: Volume, month: BillingMonth, tracing: Tracing) -> str:
    days = list(days_of(month))
    worked = sum(is_workday(day) for day in days)
    lifted = [
        f"{each.name} {first}–{last} ×{plain(each.factor_milli, MILLI, 0)}"
        for each in volume.promotions
        if (first := max(each.first, days[0])) <= (last := min(each.last, days[-1]))
    ]
    guessed = "" if calendar_known(days[0]) else "（节假日安排未公布，按周一至周五计）"
    off, share = len(days) - worked, percent(volume.off_day_ppm)
    return tracing.given(
        f"volume.{month}.days",
        f"{month} 折合工作日",
        sum(day_parts(volume, day) for day in days),
        "parts",
        f"calendar:{month}",
        words="；".join([f"工作日 {worked} 天{guessed}，其余 {off} 天按 {share}", *lifted]),
    )


def _growth(volume: Volume, month: BillingMonth, ahead: int, tracing: Tracing) -> str:
    rate = tracing.given(
        "volume.growth", "每月增长", volume.growth_ppm, "ppm", "form:volume.growth"
    )
    return tracing.derived(
        f"volume.{month}.growth",
        f"{month} 相对首月的倍数",
        Op.POWER,
        (rate,),
        "ppm",
        times=ahead,
        by=PPM,
        words=f"（1 + 每月增长）的 {ahead} 次方",
    )
