"""Trends: how long each screenful takes in a house of a hundred million calls a month.

The tables are filled by SQL as thirteen months would leave them (`bench/crowd.py`); what answers is
the product's own verb, from the question to the figures that are sent. Then an hour of the whole
house is folded, and a batch is added on time and late.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from bench import crowd, insight
from bench.figures import ROUNDS, Figure, Result, Unfair
from bench.house import temporary_home
from bench.processes import family_cpu_seconds
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.insights.trend.billed import show_trend
from yuejie.insights.trend.compare import Periods, show_comparison
from yuejie.insights.trend.places import By, Filter
from yuejie.insights.trend.series import Asked, show_series
from yuejie.insights.trend.span import Grain, parse_period
from yuejie.insights.trend.told import tell_comparison, tell_trend
from yuejie.usage.rollup import RollupSum
from yuejie.usage.store import add_rollups, enter_epoch
from yuejie.usage.sums.fold import fold_step
from yuejie.web.server import settle_down

NOW: Final = datetime(2026, 11, 20, 2, 59, tzinfo=UTC)
THROUGH: Final = "2026-11-20T02:00Z"
"""The present hour, which is nearly over, is read live; it is folded two minutes after its end."""
TARGET_MS: Final = 300.0
TIMES: Final = 5
BATCH: Final = 5_000
CUSTOMERS: Final = {"最大客户": "crowd-0", "第六大": "crowd-5"}
_PARTS: Final = (("whole", "全维度"), ("model", "按模型"), ("place", "按密钥"))

_NOTES: Final = (
    f"{crowd.CUSTOMERS:,} 家客户、十三个月；最大客户 200 个密钥都用 20 个模型。",
    (
        "表由 SQL 填成每月一亿次调用的样子，不是逐次记录而来；小时汇总只填最近的"
        "（最大客户 48 小时，其余 12 小时），十大以外客户的全维度日汇总只填两个月，别的不问。"
    ),
    (
        "每屏从提问到写成答复，不含 HTTP；数据库在同一台机器上，表已在缓存中；"
        "现在这一小时（将满）实时读取。CPU 是本进程与 PostgreSQL 合计：机器忙时，墙钟大于它。"
    ),
)

Screen = Callable[[Database, Customer], object]


def _trend(grain: Grain, count: int, by: By | None = None, **wanted: str) -> Screen:
    asked = Asked(grain=grain, count=count, by=by, filter=Filter(**wanted))

    def answer(db: Database, customer: Customer) -> object:
        series, billed = show_trend(db, customer, asked, now=NOW)
        return tell_trend(series.top(), billed, with_cost=True, now=NOW)

    return answer


def _comparison(before: str, after: str, by: By, **wanted: str) -> Screen:
    periods = Periods(parse_period(before), parse_period(after))

    def answer(db: Database, customer: Customer) -> object:
        found = show_comparison(db, customer, periods, by=by, wanted=Filter(**wanted), now=NOW)
        return tell_comparison(found, with_cost=True)

    return answer


SCREENS: Final[dict[str, Screen]] = {
    "13 个月": _trend(Grain.MONTH, 13),
    "13 个月按模型": _trend(Grain.MONTH, 13, By.MODEL),
    "13 个月按密钥": _trend(Grain.MONTH, 13, By.KEY),
    "13 个月按供应商": _trend(Grain.MONTH, 13, By.PROVIDER),
    "13 个月一个模型按密钥": _trend(Grain.MONTH, 13, By.KEY, model="model-1"),
    "13 周按模型": _trend(Grain.WEEK, 13, By.MODEL),
    "13 周按密钥": _trend(Grain.WEEK, 13, By.KEY),
    "53 周按密钥": _trend(Grain.WEEK, 53, By.KEY),
    "31 日按模型": _trend(Grain.DAY, 31, By.MODEL),
    "31 日按密钥": _trend(Grain.DAY, 31, By.KEY),
    "31 日按标签": _trend(Grain.DAY, 31, By.TAG),
    "31 日一个模型按密钥": _trend(Grain.DAY, 31, By.KEY, model="model-1"),
    "31 日一个标签按模型": _trend(Grain.DAY, 31, By.MODEL, tag="team=a"),
    "48 小时按模型": _trend(Grain.HOUR, 48, By.MODEL),
    "两月相比按密钥": _comparison("2026-04", "2026-05", By.KEY),
    "两月相比按模型": _comparison("2026-10", "2026-11", By.MODEL),
    "45 日与 5 日相比按模型": _comparison(
        "2026-09-20..2026-11-03", "2026-11-16..2026-11-20", By.MODEL
    ),
    "两月相比，一个标签按模型": _comparison("2026-10", "2026-11", By.MODEL, tag="team=a"),
}


def measure() -> Result:
    """Measure every screenful, folding an hour, and adding a batch."""
    with temporary_home() as home, EmbeddedPostgres(home / "postgres") as postgres:
        migrate(postgres.url("owner"))
        print("  正在填十三个月的汇总 …", flush=True)
        with (
            Database.open(postgres.url("owner"), size=1, statement_seconds=900) as owner,
            owner.begin() as tx,
        ):
            crowd.fill(tx, THROUGH)
        with Database.open(postgres.url("app"), size=4, name="bench") as db:
            notes = _sizes(db)
            settle_down()  # as the console does, whose answers these are
            figures = _screens(db, postgres.pid)
            figures += _others(db, postgres.pid)
            figures += _fold(db)
            figures += _batches(db)
    return Result("trend", figures, notes)


def _screens(db: Database, server: int) -> list[Figure]:
    figures = []
    for who, slug in CUSTOMERS.items():
        with db.read() as tx:
            customer = find_customer(tx, slug)
        _check(db, customer)
        for what, screen in SCREENS.items():
            took, cpu_ms = _timed(partial(screen, db, customer), server)
            figures.append(Figure(f"{who}：{what}", "ms", took, at_most=TARGET_MS))
            figures.append(Figure(f"{who}：{what}，其中 CPU", "CPU ms", (cpu_ms,)))
            print(f"  {figures[-2]}；CPU {cpu_ms:.0f} ms", flush=True)
    return figures


def _others(db: Database, server: int) -> list[Figure]:
    """Measure what is no trend: pages as they are drawn, and verbs that have no page."""
    figures = []
    insight.furnish(db)
    with insight.opened(db) as browser:
        asked = {"运营方": insight.house_screens(db, browser)}
        for who, slug in CUSTOMERS.items():
            with db.read() as tx:
                customer = find_customer(tx, slug)
            asked[who] = insight.screens(db, browser, customer)
        for who, screens in asked.items():
            for what, screen in screens.items():
                took, cpu_ms = _timed(screen, server)
                figures.append(Figure(f"{who}：{what}", "ms", took, at_most=TARGET_MS))
                figures.append(Figure(f"{who}：{what}，其中 CPU", "CPU ms", (cpu_ms,)))
                print(f"  {figures[-2]}；CPU {cpu_ms:.0f} ms", flush=True)
    return figures


def _timed(screen: Callable[[], object], server: int) -> tuple[tuple[float, ...], float]:
    """Answer several times; the CPU is this process's and the server's, per answer."""
    screen()
    took, before = [], _cpu(server)
    for _ in range(TIMES):
        began = time.perf_counter()
        screen()
        took.append((time.perf_counter() - began) * 1e3)
    return tuple(took), (_cpu(server) - before) * 1e3 / TIMES


def _cpu(server: int) -> float:
    return time.process_time() + family_cpu_seconds(server)


def _check(db: Database, customer: Customer) -> None:
    """Hold the answers against the tables: however it is broken down, it is the same usage."""
    with db.read() as tx:
        expected = crowd.requests_of(tx, customer.customer_id, THROUGH)
    for grain, count in ((Grain.MONTH, 13), (Grain.WEEK, 56), (Grain.DAY, 390)):
        wholes = [
            show_series(db, customer, Asked(grain=grain, count=count, by=by), now=NOW).whole.whole
            for by in (By.MODEL, By.KEY, None)
        ]
        if any(each != wholes[0] for each in wholes) or wholes[0].requests != expected:
            raise Unfair(f"{customer.slug} 按{grain}的请求为 {wholes[0].requests}，应为 {expected}")


def _fold(db: Database) -> list[Figure]:
    began = time.perf_counter()
    if not fold_step(db, datetime(2026, 11, 20, 3, tzinfo=UTC)):
        raise Unfair("没有可汇总的小时")
    took = time.perf_counter() - began
    for slug in CUSTOMERS.values():
        with db.read() as tx:
            customer = find_customer(tx, slug)
        _check_after(db, customer)
    return [Figure("汇总全部客户的一个小时", "秒", (took,))]


def _check_after(db: Database, customer: Customer) -> None:
    with db.read() as tx:
        expected = crowd.requests_of(tx, customer.customer_id, "2026-11-20T03:00Z")
    asked = Asked(grain=Grain.MONTH, count=13)
    found = show_series(db, customer, asked, now=NOW).whole.whole.requests
    if found != expected:
        raise Unfair(f"汇总之后 {customer.slug} 的请求为 {found}，应为 {expected}")


def _batches(db: Database) -> list[Figure]:
    on_time, late = (
        tuple(_batch(db, hour, number) for number in range(ROUNDS)) for hour in (3, -5)
    )
    what = f"写入 {BATCH:,} 行小时汇总"
    return [Figure(f"{what}，准时", "ms", on_time), Figure(f"{what}，全部迟到", "ms", late)]


def _batch(db: Database, hour: int, number: int) -> float:
    """Add new rows to an hour; before `through` they are late, and noted as well."""
    hour_s = int(NOW.timestamp()) // 3600 * 3600 + (hour - 2) * 3600
    sums: list[RollupSum] = [
        ("2026-11", 1 + place, hour_s, f"batch-{number}", "input", 1, 1, "measured", 7)
        for place in range(BATCH)
    ]
    began = time.perf_counter()
    with db.begin() as tx:
        add_rollups(tx, sums, enter_epoch(tx))
    return (time.perf_counter() - began) * 1e3


def _sizes(db: Database) -> list[str]:
    notes = list(_NOTES)
    with db.read() as tx:
        for table, name in _PARTS:
            rows, size = crowd.size_of(tx, f"usage_sum_{table}")
            notes.append(f"{name}汇总 {rows:,} 行，{size / 1e9:.1f} GB（含索引）。")
    return notes
