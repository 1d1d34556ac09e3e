"""Forecasts: hours of real clients against the last day, months of simulated years by day."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean, median
from typing import Final

import numpy as np

from bench import servegen, years
from bench.discrete import claimed, shared
from bench.figures import Figure, Result, Unfair
from yuejie.budgets.watch.forecast import WEEK_HOURS, WEEKS, forecast
from yuejie.insights.forecast.course import Flags, Floats, course
from yuejie.insights.forecast.rhythm import Rhythm, rhythm
from yuejie.kernel.period import BillingMonth

DATA: Final = Path(
    os.environ.get("YUEJIE_BENCH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
"""The traffic; a clone does not carry it."""
KNOWN: Final = 10 * 24
AHEAD: Final = 4 * 24
CUSTOMERS: Final = 60
SEED: Final = 20_261
"""Of the judged years; the numbers of the forecast were chosen on those of seeds 11 and 12."""
DAYS: Final = (1, 3, 5, 10, 15, 20, 25)
"""Complete days of the month that are known."""
EVERY: Final = 2
"""Months apart."""
HISTORY: Final = 400
_DAY_S: Final = 86_400
_NOTES: Final = [
    (
        "逐时：ServeGen 的 38 个客户端，用前 10 天预测后 4 天，与照搬第 10 天比较 MASE；"
        "两者误差完全相同的（多为两边都预测为零）既不算胜也不算负，另列。"
        "数字在前 10 天之内的窗口与另一模型的 102 个客户端上选定（试过约六十种组合）；"
        "后 4 天看过两次：第一次 17 胜 6 负，据内部窗口加入不看邻近小时的三个预测者后为现在的数字。"
    ),
    (
        "区间：前 10 天至少 12 个小时有用量的客户端才在页面上给出区间，其余 15 个几乎全是零。"
        "零的概率不小于下尾时，区间从零起，到 80 %（95 %）分位为止；"
        "零的概率大于 80 % 时，80 % 区间只是零这一点，比 80 % 更窄的区间不存在，"
        "它声称的是零的概率（“声称”一行是各小时的平均），所含应与声称相比。"
        "“零的概率按份计”用计数数据的非随机化 PIT（Czado、Gneiting、Held 2009）："
        "区间只是零这一点而来的也是零，按 80 % ÷ 零的概率计。"
        "全部 38 个不按份计而在 85 % 以下，须把给出区间的 23 个压到 76.9 % 以下："
        "15 个客户端的零自己就有 97 %；而前 10 天之内的窗口说区间偏窄，没有这样做。"
    ),
    (
        "月底：模拟的三年，各客户增长、周内形状、节假日、促销、噪声、停用、中途开始各不相同；"
        "每两个月取一个月，在第几天结束时预测整月。没有用量的月份不计误差，计区间。"
        "“照目前速度”为已用 ÷ 已过天数 × 天数；“额度提醒”为 budgets/watch 的整数预测。"
    ),
]


def measure() -> Result:
    """Judge hours on the last four days of real clients, and months on years nobody tuned on."""
    path = DATA / "servegen" / "two_weeks_m_small.csv.gz"
    if not path.is_file():
        raise Unfair(f"没有 {DATA.name}/servegen，请用 YUEJIE_BENCH_DATA 指明数据所在的文件夹")
    return Result("forecast", [*_hours(servegen.tokens(path)), *_months()], _NOTES)


Shares = tuple[float, float]
"""Of the range of 80 %, and of that of 95 %."""
SHARES: Final = (0.8, 0.95)


@dataclass(frozen=True, slots=True)
class _Client:
    """What one client's forecast missed, and how often its ranges held."""

    used: bool
    ranges: bool
    mase: float
    naive: float
    held: Shares
    claims: Shares
    """What the ranges claim: more than their share where nothing is likelier than that."""
    shared: Shares
    """Held, with the probability of nothing shared (`bench/discrete.py`)."""
    proper: Shares
    """Shares of the hours whose range is more than the point of nothing."""
    proper_held: Shares
    """Shares of all hours that have such a range, and lay within."""


def _hours(clients: dict[str, Floats]) -> Iterator[Figure]:
    rests = (np.arange(KNOWN + AHEAD) // 24) % 7 >= 5
    paces, found = [], []
    for values in clients.values():
        began = time.perf_counter()
        told = rhythm(values[:KNOWN], rests, AHEAD)
        paces.append(1000 * (time.perf_counter() - began))
        if told is not None:  # ten days are enough
            found.append(_client(values, told))
    won = [each.mase < each.naive for each in found if each.mase != each.naive]
    both = [each for each in found if each.used]
    won_both = [each.mase < each.naive for each in both if each.mase != each.naive]
    yield Figure(
        f"逐时：胜过照搬前一天（{len(won)} 个分出胜负）", "%", (_share(won),), at_least=80.0
    )
    what = f"逐时：其中前后两段都有用量的（{len(won_both)} 个分出胜负）"
    yield Figure(what, "%", (_share(won_both),), at_least=80.0)
    yield Figure("逐时：两者误差完全相同的客户端", "个", (float(len(found) - len(won)),))
    yield Figure("逐时：MASE 中位数（后 4 天有用量的）", "", (_middle(both, "mase"),))
    yield Figure("逐时：照搬前一天的 MASE 中位数", "", (_middle(both, "naive"),))
    for place, share in enumerate(SHARES):
        yield from _held(found, place, f"逐时：{100 * share:.0f} % 区间")
    yield Figure("逐时：一次预测", "毫秒", (median(paces),))


def _held(found: list[_Client], place: int, what: str) -> Iterator[Figure]:
    """Tell how often a range held: of the clients that get any, and of all, dead ones counted."""
    sure = [each for each in found if each.ranges]
    for clients, whose in (
        (sure, f"{len(sure)} 个给出区间的"),
        (found, f"全部 {len(found)} 个"),
    ):
        for name, word in (
            ("held", "所含"),
            ("claims", "声称"),
            ("shared", "所含，零的概率按份计"),
        ):
            mean = fmean(getattr(each, name)[place] for each in clients)
            yield Figure(f"{what}{word}（{whose}）", "%", (100 * mean,))
    proper = sum(each.proper[place] for each in found)
    held = sum(each.proper_held[place] for each in found)
    yield Figure(
        f"{what}所含（全部 {len(found)} 个，区间不只是零的小时）", "%", (100 * held / proper,)
    )
    by_client = sorted(100 * each.held[place] for each in sure)
    spread = (by_client[len(sure) // 10], by_client[-1 - len(sure) // 10])
    yield Figure(f"{what}所含，逐个客户端的第 10 到第 90 百分位", "%", spread)


def _client(values: Floats, told: Rhythm) -> _Client:
    known, came = values[:KNOWN], values[KNOWN : KNOWN + AHEAD]
    scale = np.abs(known[24:] - known[:-24]).mean()
    # A client that never moved in the first ten days has no scale of its own.
    scale = scale or max(float(came.mean()), 1.0)
    low95, low80, middle, high80, high95 = told.quantiles.T
    within = ((came >= low80) & (came <= high80), (came >= low95) & (came <= high95))
    wide, lows = (high80 > 0, high95 > 0), (low80, low95)

    def of_both(one: Callable[[int, float], Floats | Flags]) -> Shares:
        first, second = (float(one(place, share).mean()) for place, share in enumerate(SHARES))
        return first, second

    return _Client(
        bool(known.any() and came.any()),
        told.ranges,
        float(np.abs(middle - came).mean() / scale),
        float(np.abs(np.tile(known[-24:], AHEAD // 24) - came).mean() / scale),
        held=of_both(lambda place, _: within[place]),
        claims=of_both(lambda place, share: claimed(lows[place], told.nothing, share)),
        shared=of_both(lambda place, share: shared(within[place], came, told.nothing, share)),
        proper=of_both(lambda place, _: wide[place]),
        proper_held=of_both(lambda place, _: within[place] & wide[place]),
    )


def _share(won: list[bool]) -> float:
    return 100 * sum(won) / len(won)


def _middle(found: list[_Client], name: str) -> float:
    return float(median(getattr(each, name) for each in found))


@dataclass(frozen=True, slots=True)
class _Month:
    """A month as it was foretold on one of its days, by three ways, and what it came to."""

    told: float
    run_rate: float
    alert: float
    came: float
    held80: bool
    held95: bool
    known: int


def _months() -> Iterator[Figure]:
    found: dict[int, list[_Month]] = defaultdict(list)
    paces: list[float] = []
    for year in years.years(CUSTOMERS, SEED):
        rests = years.rests(year.first, len(year.days) + years.AHEAD)
        for known, month in _judged(year, rests, paces):
            found[known].append(month)
    for known, months in sorted(found.items()):
        what = f"月底，过了 {known} 天（{len(months)}）"
        for name, way in (
            ("误差中位数", "told"),
            ("照目前速度", "run_rate"),
            ("额度提醒", "alert"),
        ):
            yield Figure(f"{what}：{name}", "%", (_miss(months, way),))
        yield Figure(f"{what}：80 % 区间命中", "%", (100 * fmean(m.held80 for m in months),))
        yield Figure(f"{what}：95 % 区间命中", "%", (100 * fmean(m.held95 for m in months),))
    short = [each for months in found.values() for each in months if each.known < 28]
    what = f"月底，历史不满 28 天的（{len(short)}）"
    yield Figure(f"{what}：80 % 区间命中", "%", (100 * fmean(m.held80 for m in short),))
    yield Figure("月底：一次预测", "毫秒", (median(paces),))


def _miss(months: list[_Month], way: str) -> float:
    used = [each for each in months if each.came > 0]
    return 100 * float(median(abs(getattr(each, way) - each.came) / each.came for each in used))


def _judged(year: years.Year, rests: Flags, paces: list[float]) -> Iterator[tuple[int, _Month]]:
    month = BillingMonth(year.first.year, year.first.month)
    place = 0
    while (month.next.first_day - year.first).days <= len(year.days):
        place += 1
        if place % EVERY == 0:
            for known in DAYS:
                found = _month(year, rests, month, known, paces)
                if found is not None:
                    yield known, found
        month = month.next


def _month(
    year: years.Year, rests: Flags, month: BillingMonth, passed: int, paces: list[float]
) -> _Month | None:
    start, end = (_place(year, day) for day in (month.first_day, month.next.first_day))
    at = start + passed
    since = max(at - HISTORY, 0)
    known = year.days[since:at]
    if at < 7 or not known.any():
        return None
    began = time.perf_counter()
    weekday = (year.first.weekday() + since) % 7
    told = course(known, rests[since:end], weekday)
    paces.append(1000 * (time.perf_counter() - began))
    if told is None:
        return None
    first = max(start, 0)
    spent, came = float(year.days[first:at].sum()), float(year.days[first:end].sum())
    total = told.total(0, end - at).plus(spent)
    return _Month(
        told=total.middle,
        run_rate=spent / (at - first) * (end - first),
        alert=_alert(year.days, at, end, spent),
        came=came,
        held80=total.low80 <= came <= total.high80,
        held95=total.low95 <= came <= total.high95,
        known=len(known),
    )


def _alert(days: Floats, at: int, end: int, spent: float) -> float:
    """Return what the alerts of budgets would foretell, from days spread evenly over hours."""
    since = max(at - WEEKS * WEEK_HOURS // 24, 0)
    hours = {
        3600 * (24 * day + hour): round(1000 * days[day] / 24)
        for day in range(since, at)
        for hour in range(24)
    }
    found = forecast(
        round(1000 * spent), hours, since_s=_DAY_S * since, now_s=_DAY_S * at, ends_s=_DAY_S * end
    )
    return (found or 0) / 1000


def _place(year: years.Year, day: date) -> int:
    return (day - year.first).days
