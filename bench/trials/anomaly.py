"""Anomalies: NAB's score, changes found in real traffic, false alarms, bytes, series a second."""

import os
import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from bench import nab, servegen
from bench.figures import ROUNDS, Figure, Result, Unfair
from yuejie.insights.anomaly import pulse
from yuejie.insights.anomaly.finding import Grain, Measure, Scope, Series
from yuejie.insights.anomaly.pulse import BAR
from yuejie.insights.anomaly.watch import ROWS, Watch

DATA: Final = Path(
    os.environ.get("YUEJIE_BENCH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
"""NAB's series and the traffic; a clone does not carry them."""
BARS: Final = (2.5, 2.75, BAR, 3.25, 3.5)
PLACES: Final = 12
"""Places at which each change is put into each customer's traffic."""
HALVES: Final = ("选数字的一半", "另一半")
"""Clients in turn: on the first the numbers of what is seen together were chosen."""
SERIES: Final = 100_000
_A_TIME: Final = 1_000
_HOURS: Final = 48
_NOTES: Final = [
    (
        "NAB：标准档的评分规则，全部序列同一个门槛；“门槛在另一半序列上选定”是两半互换的平均，"
        "但其余数字都在这些序列上选定（试过约两百种），没有留出的序列：未见过的序列得分会低。"
    ),
    (
        "流量：真实到达率的两周，第一周只学习；变化随机放在第二周，误报为未加变化的第二周"
        "折合 30 天，同一密钥或范围 24 小时内算一次；客户与密钥的序列都算。"
        "单个值的门槛与下限也在这份流量上选定；几小时合计的数字只在单个客户端的一半上选定，"
        "另一半单列，未用来选。误报只有几次，折算很粗。"
    ),
    (
        "六个客户与全部合一里有一生只来一次的客户端，各是几百个请求的突发；它们也算作误报，"
        "而误报多的客户，蠕增的命中有一部分只是误报。"
    ),
]


def measure() -> Result:
    """Score on NAB, find what was put into the traffic, and weigh a hundred thousand series."""
    if not (DATA / "nab").is_dir():
        raise Unfair(f"没有 {DATA.name}/nab，请用 YUEJIE_BENCH_DATA 指明数据所在的文件夹")
    figures = [*_nab(), *_traffic(), *_weight()]
    hourly, daily = (ROWS[grain].itemsize for grain in Grain)
    return Result(
        "anomaly", figures, [*_NOTES, f"每个序列按小时 {hourly} 字节，按日 {daily} 字节。"]
    )


def _nab() -> list[Figure]:
    labelled = nab.read(DATA / "nab")
    scores = [_scores(each) for each in labelled]
    whole = [_sum(scores, place) for place in range(len(BARS))]
    halves = (scores[::2], scores[1::2])
    held_out = []
    for chosen_on, judged_on in (halves, halves[::-1]):
        best = max(range(len(BARS)), key=lambda place: _sum(chosen_on, place).normalised)
        held_out.append(_sum(judged_on, best).normalised)
    return [
        Figure(f"NAB，{len(labelled)} 个序列", "分", (whole[BARS.index(BAR)].normalised,)),
        Figure("NAB，门槛在另一半序列上选定", "分", (sum(held_out) / 2,)),
    ]


def _scores(series: nab.Labelled) -> list[nab.Score]:
    """Return what a series earns at each bar; the bars see it side by side."""
    pulses = pulse.fresh(len(BARS))
    alarms: list[list[int]] = [[] for _ in BARS]
    for place, (at, value) in enumerate(zip(series.times, series.values, strict=True)):
        values = np.full(len(BARS), value)
        beat = pulse.look(pulses, at, values)
        for bar in np.flatnonzero(pulse.wake(pulses, beat.score, np.array(BARS))):
            alarms[int(bar)].append(place)
        pulse.learn(pulses, at, values, beat)
    return [nab.score(len(series.values), each, series.windows) for each in alarms]


def _sum(scores: list[list[nab.Score]], place: int) -> nab.Score:
    return sum((each[place] for each in scores), start=nab.Score(0.0, 0))


def _traffic() -> list[Figure]:
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    false: dict[str, list[int]] = defaultdict(list)
    customers = servegen.read(DATA / "servegen" / "two_weeks_m_small.csv.gz")
    for place, customer in enumerate(customers):
        rnd, trial = random.Random(0), servegen.Trial(customer)
        kinds = [customer.kind]
        if customer.kind == servegen.ALONE:
            kinds.append(f"{customer.kind}，{HALVES[place % 2]}")
        incidents = trial.incidents()
        for kind in kinds:
            false[kind].append(incidents)
        for change in servegen.CHANGES:
            starts = trial.starts(change, PLACES, rnd)
            finds = [trial.finds(change, start) for start in starts]
            for kind in kinds:
                found[kind, change.name] += finds
    weeks = servegen.MONTH / (servegen.HOURS - servegen.LEARNT)
    figures = []
    for kind, counts in false.items():
        rate = weeks * sum(counts) / len(counts)
        what = f"{kind}（{len(counts)}）：误报"
        figures.append(Figure(what, "次 / 客户 / 30 天", (rate,), at_most=1.0))
        for change in servegen.CHANGES:
            hits = found[kind, change.name]
            share = 100 * sum(hits) / len(hits)
            what = f"{kind}：{change.name}（{len(hits)}）"
            aim = 95.0 if "突增" in change.name else 90.0
            figures.append(Figure(what, "%", (share,), at_least=aim))
    return figures


def _weight() -> list[Figure]:
    """Take two days of a hundred thousand series, a thousand at a time as a customer has them."""
    rnd = np.random.default_rng(1)
    names = [Series(Scope.KEY, f"key_{i}", m) for i in range(_A_TIME // 4) for m in Measure]
    began = datetime(2026, 10, 1, tzinfo=UTC)
    paces = []
    for _ in range(ROUNDS):
        rows = [b""] * _A_TIME
        start = time.perf_counter()
        for hour in range(_HOURS):
            watch = Watch(Grain.HOUR, names, rows)
            values = rnd.poisson(50, _A_TIME).astype(np.float64)
            watch.take(began + timedelta(hours=hour), values, np.zeros(_A_TIME))
            rows = watch.rows()
        paces.append(_A_TIME * _HOURS / (time.perf_counter() - start))
    whole = SERIES * sum(kind.itemsize for kind in ROWS.values()) / 1e6
    return [
        Figure("每秒序列（读状态、判断、学习、写状态）", "序列·小时 / 秒", tuple(paces)),
        Figure(f"{SERIES:,} 个序列的状态，小时与日合计", "MB", (whole,)),
    ]
