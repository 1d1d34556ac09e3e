"""Ingest: journals as gateways write them, into the embedded database, exactly once."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import store
from bench.calls import METERS, Caller, callers, lively, quantity
from bench.figures import ROUNDS, Figure, Result, Unfair
from bench.offices import CHINA, Office, office
from bench.processes import cpu_seconds, family_cpu_seconds
from yuejie.intake.ingest import Ingest
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.ids import uuid7
from yuejie.usage.journal import Journal

EVENTS: Final = 300_000
CUSTOMERS: Final = 40
TARGET: Final = 50_000.0
_WRITE: Final = 256


def measure() -> Result:
    """Measure how many events a second reach the database from a journal."""
    per_second, own, postgres = [], [], []
    with office(CUSTOMERS) as house:
        known = callers(house.db, house.slugs, datetime(2026, 11, 1, tzinfo=UTC))
        for number in range(1, ROUNDS + 1):
            _write(house.home / "journals", known)
            before = cpu_seconds([os.getpid()]), family_cpu_seconds(house.postgres.pid)
            began = time.perf_counter()
            _take_in(house)
            took = time.perf_counter() - began
            per_second.append(EVENTS / took)
            own.append((cpu_seconds([os.getpid()]) - before[0]) * 1e6 / EVENTS)
            postgres.append((family_cpu_seconds(house.postgres.pid) - before[1]) * 1e6 / EVENTS)
            print(f"  {number}/{ROUNDS} {per_second[-1]:,.0f} 事件/秒", flush=True)
        _check(house, known)
    what = f"每个事件 {len(METERS)} 项"
    figures = [
        Figure(f"流水入库，{what}", "事件 / 秒", tuple(per_second), at_least=TARGET),
        Figure("采集进程", "CPU ms / 千事件", tuple(own)),
        Figure("PostgreSQL", "CPU ms / 千事件", tuple(postgres)),
    ]
    note = f"每轮 {EVENTS:,} 个事件（begun 与 ended 两条记录），采集与数据库同在这些核上。"
    return Result("ingest", figures, [note])


def _write(root: Path, known: list[Caller]) -> None:
    """Write a journal as a gateway does, begun and ended in turn."""
    now = SystemClock().now()
    journal = Journal(root, uuid7(now), lambda _: None)
    for number, ended in enumerate(lively(known, now, CHINA, EVENTS)):
        journal.append(ended.begun)
        journal.append(ended)
        if number % _WRITE == 0:
            journal.flush()
    journal.close()


def _take_in(house: Office) -> None:
    clock = SystemClock()
    ingest = Ingest(house.db, house.home, "bench", clock)
    done = 0
    while done < EVENTS:
        made = ingest.step(clock.now())
        if not made and not ingest.behind:
            raise Unfair(f"采集停在 {done:,} 个事件，应有 {EVENTS:,} 个")
        done += made


def _check(house: Office, known: list[Caller]) -> None:
    expected = ROUNDS * EVENTS, ROUNDS * quantity(known, EVENTS)
    with house.db.read() as tx:
        found = store.events(tx), store.quantity(tx)
    if found != expected:
        raise Unfair(f"入库的事件数与数量为 {found}，应为 {expected}")
