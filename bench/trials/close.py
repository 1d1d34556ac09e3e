"""Closing: a thousand customers, once with a thousand events in the month, once with ten million.

The events are made by the product's own recorder, hour by hour, past the journal.
"""

import os
import time
from datetime import UTC, datetime
from typing import Final

from bench import store
from bench.calls import Caller, callers, quantity, spread
from bench.figures import ROUNDS, Figure, Result, Unfair, plain
from bench.offices import CHINA, Office, office
from yuejie.assurance.prove import prove_month
from yuejie.bills.closing.close import Done, close_month
from yuejie.budgets.lending.count import Spending
from yuejie.kernel.period import BillingMonth
from yuejie.usage.record import GATEWAY, Recorder
from yuejie.usage.store import defer_flush, enter_epoch

CUSTOMERS: Final = 1_000
FEW: Final = BillingMonth.parse("2026-08")
MANY: Final = BillingMonth.parse("2026-09")
FEW_EVENTS: Final = 1_000
MANY_EVENTS: Final = int(os.environ.get("YUEJIE_BENCH_EVENTS", "10000000"))
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
TARGET_SECONDS: Final = 30.0
_BY: Final = "bench"


def measure() -> Result:
    """Measure how long closing takes, and proving one customer's month."""
    figures: list[Figure] = []
    with office(CUSTOMERS) as house:
        known = callers(house.db, house.slugs, datetime(2026, 8, 1, tzinfo=UTC))
        for month, events in ((FEW, FEW_EVENTS), (MANY, MANY_EVENTS)):
            record(house, known, month, events)
            figures += _closed(house, known, month, events)
        figures += _proved(house)
    notes = [
        "事件由产品自己的记录器逐小时写入（不经流水），汇总随之产生，不由 SQL 另造。",
        "“再次关账”是对同一月份重算并确认草稿没有变化。",
    ]
    return Result("close", figures, notes)


def record(house: Office, known: list[Caller], month: BillingMonth, events: int) -> None:
    """Write a month's events and rollups."""
    recorder, spending, done, said = Recorder(), Spending(), 0, time.monotonic()
    for hour in spread(known, month, CHINA, events):
        entries = recorder.prepare(house.db, hour)
        with house.db.begin() as tx:
            defer_flush(tx)
            recorder.append(
                tx, entries, epoch=enter_epoch(tx), source=GATEWAY, count=spending.count
            )
        done += len(hour)
        if time.monotonic() - said > 10:
            said = time.monotonic()
            print(f"  {month} 已写入 {done:,} / {events:,} 个事件", flush=True)


def _closed(house: Office, known: list[Caller], month: BillingMonth, events: int) -> list[Figure]:
    took = []
    for expected in (Done.DRAFTED, *(Done.UNCHANGED,) * (ROUNDS - 1)):
        began = time.perf_counter()
        closed = close_month(house.db, month, customer=None, commit=True, by=_BY, now=NOW)
        took.append(time.perf_counter() - began)
        wrong = [each for each in closed if each.done is not expected]
        if wrong or len(closed) != CUSTOMERS:
            raise Unfair(f"{month} 关账得到 {len(closed)} 家，不符者如 {wrong[:1]}")
        print(f"  {month} 关账 {took[-1]:.1f} 秒", flush=True)
    with house.db.read() as tx:
        billed = store.billed(tx, str(month))
        stored = store.events_of_month(tx, str(month))
    priced = quantity(known, events) - events  # a request itself has no price, and no line
    if (stored, billed) != (events, priced):
        raise Unfair(f"{month} 有 {stored} 个事件、账单数量 {billed}，应为 {events} 与 {priced}")
    what = f"{CUSTOMERS:,} 家客户、{events:,} 个事件"
    return [
        Figure(f"关账，{what}", "秒", (took[0],), at_most=TARGET_SECONDS),
        Figure(f"再次关账，{what}", "秒", tuple(took[1:])),
    ]


def _proved(house: Office) -> list[Figure]:
    took, events = [], 0
    for slug in house.slugs[:ROUNDS]:
        began = time.perf_counter()
        (proof,) = prove_month(house.db, MANY, customer=slug)
        took.append(time.perf_counter() - began)
        events = proof.events
        if proof.differences:
            raise Unfair(f"{slug} 的 {MANY} 证明不符：{proof.differences[0]}")
    return [Figure(f"证明一家客户的一个月（{plain(events)} 个事件）", "秒", tuple(took))]
