"""Ten million events: PostgreSQL and ClickHouse (chDB) must say the same, to the row.

    python -m bench.warehouse --events 10000000 --folder /somewhere/large
    python -m bench.warehouse --pages-again --folder /somewhere/large     # only the drill-down

Fills a month by COPY from a deterministic generator, sums and closes it by the house's own verbs,
asks both places the same questions before and after the move, and writes what was measured to
`bench/results/`; raises Unfair where the two do not agree to the row. The folder stays.
Needs chDB (`make chdb`) and about 1.5 kB of disk per event.
"""

import argparse
import json
import os
import random
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

from bench.figures import Figure, Result, Unfair, quantile
from bench.machine import describe
from bench.report import Page, newest, write
from tests.scenarios.books import Books, Party
from yuejie.assurance.prove import Proof, prove_month
from yuejie.bills.store import whole_bills
from yuejie.bills.trail.follow import every_call, follow_day, follow_line
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.calls.look import Sought, look_for_calls
from yuejie.usage.rebuild import Rebuilt, rebuild
from yuejie.usage.show import show_request, show_requests
from yuejie.usage.store import ensure_partitions, intern_dimensions
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.move import move_partition

MONTH: Final = BillingMonth(2026, 3)
DAY: Final = date(2026, 3, 1)
CUSTOMERS: Final = 20
KEYS: Final = 5
PRICES: Final = """
[models."gpt-4o"]
input = "10"
cache_read = "5"
output = "30"
"""
COLUMNS: Final = (
    "event_id, version, operation_id, attempt, started_at, used_at, billable, context_tokens,"
    " http_status, epoch, customer_id, dimension_id, month, hour, api, model, stream, contract_id,"
    " contract_version, sale_book, sale_revision, cost_book, cost_revision, state, reason,"
    " billed_model, service_tier, outcome, first_byte_ms, response_id, items, facts, source"
)
AGAIN: Final = "ClickHouse 的页面另测一次"
PAGE_MS: Final = 300
"""What a page of the drill-down may take."""
WORDS: Final = {
    "fill by COPY": "写入 PostgreSQL（COPY）",
    "rebuild the rollups (PostgreSQL)": "PostgreSQL：重建汇总",
    "rebuild --check (PostgreSQL)": "PostgreSQL：rebuild --check",
    "prove the month (PostgreSQL)": "PostgreSQL：验证全月",
    "move: plan, send, verify twice, drop": "移入 ClickHouse：分批、发送、核对两次、删除",
    "rebuild --check (ClickHouse)": "ClickHouse：rebuild --check",
    "prove the month (ClickHouse)": "ClickHouse：验证全月",
}
FIRST_MS: Final = int(datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC).timestamp() * 1000)
SPAN_MS: Final = 30 * 86_400_000


@contextmanager
def timed(what: str, told: dict[str, float]) -> Iterator[None]:
    """Print and keep how long something took."""
    began, worked, served = time.monotonic(), time.process_time(), _served()
    yield
    told[what] = round(time.monotonic() - began, 2)
    worked, served = time.process_time() - worked, _served() - served
    print(
        f"{what:52} {told[what]:9.2f} s, CPU {worked:8.2f} s here, {served:8.2f} s in PostgreSQL",
        flush=True,
    )


_SERVER: list[int] = []
"""The process of the embedded server, once it runs."""


def _served() -> float:
    """Return the CPU seconds of the server's sessions; that of a session that ended is lost."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat") if _SERVER else ():
        with suppress(OSError):
            facts = stat.read_text().rpartition(")")[2].split()
            if int(facts[1]) == _SERVER[0]:
                ticks += int(facts[11]) + int(facts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def lines(count: int, parties: list[Party], places: list[list[int]]) -> Iterator[str]:
    """Yield the same rows every time: calls spread over a month, one in a hundred corrected."""
    rnd = random.Random(7)
    sample = parties[0].books.ended(
        parties[0],
        datetime(2026, 3, 2, tzinfo=UTC),
        "gpt-4o",
        "main",
        "measured",
        {"input": 1, "cache_read": 1, "output": 1},
    )
    rates = {item.meter: (item.sale_rate, item.cost_rate) for item in sample.items}
    began = sample.begun
    heads = [
        party.books.ended(
            party, datetime(2026, 3, 2, tzinfo=UTC), "gpt-4o", "main", "measured", {"input": 1}
        ).begun
        for party in parties
    ]

    def items(meters: dict[str, int]) -> str:
        rows = [["gpt-4o", name, n, *rates[name]] for name, n in meters.items()]
        return json.dumps([*rows, ["gpt-4o", "requests", 1, 0, 0]], separators=(",", ":"))

    for number in range(count):
        bits = rnd.getrandbits(128)
        ms = FIRST_MS + SPAN_MS * number // count
        event = UUID(int=(ms << 80) | 0x7 << 76 | ((bits & 0xFFF) << 64) | 0x8 << 60 | bits >> 68)
        who = bits % CUSTOMERS
        head = heads[who]
        place = places[who][(bits >> 8) % KEYS]
        asked, read, answered = 50 + (bits >> 16) % 4000, (bits >> 30) % 900, 1 + (bits >> 44) % 800
        us = ms * 1000 + (bits >> 60) % 1000
        started = _instant(us)
        used = _instant(us + 200_000 + (bits >> 50) % 9_000_000)
        hour = _instant(us - us % 3_600_000_000)
        meters = {"input": asked, "cache_read": read, "output": answered}
        versions = 2 if bits % 100 == 0 else 1
        for version in range(1, versions + 1):
            meters["output"] = answered * version
            yield "\t".join(
                (
                    f"{event}\t{version}\t{event}\t1\t{started}\t{used}\tt\t{asked + read}\t200\t1",
                    f"{head.customer}\t{place}\t{MONTH}\t{hour}\topenai.chat\tgpt-4o\tt",
                    f"{head.contract}\t{head.contract_version}\tlist\t{began.sale_revision}\tcost",
                    f"{began.cost_revision}\tmeasured\t\tgpt-4o\tdefault\tok\t{bits % 1999}",
                    f"chatcmpl-{bits >> 20:027x}\t{items(meters)}\t{{}}\tgateway\n",
                )
            )


def _instant(us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).isoformat()


def fill(books: Books, count: int, told: dict[str, float]) -> list[Party]:
    """Enrol customers and write their calls."""
    books.prices(PRICES, currency="CNY")
    parties = [books.customer(f"customer-{n:02}") for n in range(CUSTOMERS)]
    places: list[list[int]] = []
    with books.db.begin() as tx:
        ensure_partitions(tx, [DAY])
        for party in parties:
            project = party.books.ended(
                party, datetime(2026, 3, 2, tzinfo=UTC), "gpt-4o", "main", "measured", {"input": 1}
            ).begun.project
            keys = [
                (party.customer.customer_id, project, f"key_{k}", f"team=t{k}", "sim")
                for k in range(KEYS)
            ]
            found = intern_dimensions(tx, keys)
            places.append([found[key] for key in keys])
    with timed("fill by COPY", told), books.db.begin() as tx, tx.cursor as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        with cursor.copy(f"COPY usage_event ({COLUMNS}) FROM STDIN") as sink:
            piece: list[str] = []
            for line in lines(count, parties, places):
                piece.append(line)
                if len(piece) == 2000:
                    sink.write("".join(piece))
                    piece.clear()
            sink.write("".join(piece))
    return parties


def drill(db: Database, asked: list[CustomerId], pages: int) -> tuple[list[float], list[object]]:
    """Page through requests of several customers and open one of each page."""
    took, work, seen = list[float](), list[float](), list[object]()
    for customer_id in asked:
        before = None
        for _ in range(pages):
            began, worked = time.monotonic(), time.process_time()
            page = show_requests(db, customer_id, before=before, limit=100)
            took.append((time.monotonic() - began) * 1000)
            seen.append(page)
            began = time.monotonic()
            operation = page.attempts[50].event.operation_id
            seen.append(show_request(db, customer_id, operation))
            took.append((time.monotonic() - began) * 1000)
            work.append((time.process_time() - worked) * 500)
            before = page.before
    print(f"CPU of an answer, here: p50 {statistics.median(work):.0f} ms, max {max(work):.0f} ms")
    return took, seen


def look(db: Database, asked: list[CustomerId], pages: int) -> tuple[list[float], list[object]]:
    """Page through what is looked for by key, and through a day in the middle of the month."""
    took, seen = list[float](), list[object]()
    since = datetime(2026, 3, 15, tzinfo=UTC)
    for customer_id in asked:
        for wanted in (Sought(key="key_3"), Sought(since=since, until=since + timedelta(days=1))):
            before = None
            for _ in range(pages):
                began = time.monotonic()
                page = look_for_calls(db, customer_id, wanted, before=before, limit=100)
                took.append((time.monotonic() - began) * 1000)
                seen.append(page)
                before = page.before
                if before is None:
                    break
    return took, seen


def trail_middle(day: date) -> tuple[UUID, int]:
    """Return a cursor in the middle of a day, as somebody has who paged that far."""
    noon = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    return UUID(int=int(noon.timestamp()) * 1000 << 80), 0


def follow(db: Database, asked: list[CustomerId], days: int) -> tuple[list[float], list[object]]:
    """Follow lines of bills to some of their days; all calls of a day add up to it."""
    took, seen = list[float](), list[object]()
    for customer_id in asked:
        with db.read() as tx:
            bill = whole_bills(tx, customer_id)[0]
            zone = zone_of(find_customer(tx, customer_id).zone)
        for line in [each for each in bill.lines if each.metered]:
            with db.read() as tx:
                trail = follow_line(tx, bill, line.position, zone)
            for day in trail.days[:: max(1, len(trail.days) // days)]:
                for after in (None, trail_middle(day.day)):
                    began = time.monotonic()
                    with db.read() as tx:
                        page = follow_day(tx, trail, day.day, zone, after=after, limit=100)
                    took.append((time.monotonic() - began) * 1000)
                    seen.append(page)
            whole = trail.days[len(trail.days) // 2]
            if sum(call.adds for call in every_call(db, trail, zone, whole.day)) != whole.quantity:
                raise Unfair(f"{bill.name} 第 {line.position} 行 {whole.day} 的调用合不上")
    return took, seen


@dataclass
class Run:
    """A run: what is measured, and what it came to so far."""

    folder: Path
    db: Database
    customers: list[CustomerId]
    owner: str
    told: dict[str, float] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def here(self) -> "Answers":
        """Ask PostgreSQL everything, with everything in it."""
        with psycopg.connect(self.owner) as connection:
            row = connection.execute(
                "SELECT count(*), pg_total_relation_size('usage_event_202603') FROM usage_event"
            ).fetchone()
        rows, size = row or (0, 0)
        self._note("PostgreSQL：每个版本，含索引", size / rows, "字节")
        with timed("rebuild --check (PostgreSQL)", self.told):
            rebuilt = rebuild(self.db, MONTH)
        with timed("prove the month (PostgreSQL)", self.told):
            proved = prove_month(self.db, MONTH)
        return Answers(rows, rebuilt, proved, self.pages("PostgreSQL", rows))

    def there(self, warehouse: Warehouse) -> "Answers":
        """Move everything, and ask the same again."""
        with timed("move: plan, send, verify twice, drop", self.told):
            moved = move_partition(self.db, warehouse, DAY, now=datetime(2026, 8, 1, tzinfo=UTC))
        print(f"{moved.rows:,} rows in {moved.batches} batches")
        warehouse.run("OPTIMIZE TABLE usage_event FINAL")
        for each in far.sizes(warehouse):
            self._note("ClickHouse：每个版本", each.bytes / each.rows, "字节")
        with timed("rebuild --check (ClickHouse)", self.told):
            rebuilt = rebuild(self.db, MONTH)
        with timed("prove the month (ClickHouse)", self.told):
            proved = prove_month(self.db, MONTH)
        return Answers(moved.rows, rebuilt, proved, self.pages("ClickHouse", moved.rows))

    def pages(self, where: str, rows: int) -> list[object]:
        """Measure the drill-down, and return what it showed."""
        deep = min(20, rows // CUSTOMERS // 200)
        took, seen = drill(self.db, self.customers[:5], deep)
        self._spread(f"{where}：一页或一次调用", took)
        took, calls = follow(self.db, self.customers[:5], 10)
        self._spread(f"{where}：账单一行某日的一页调用", took)
        took, found = look(self.db, self.customers[:5], max(1, deep // 2))
        self._spread(f"{where}：按密钥或时间查找的一页", took)
        return seen + calls + found

    def _spread(self, what: str, took: list[float]) -> None:
        for percent in (50, 95):
            cut = quantile(took, percent / 100)
            self._note(f"{what}，p{percent}", cut, "ms", at_most=PAGE_MS)
        self._note(f"{what}，最慢", max(took), "ms")

    def agree(self, here: "Answers", there: "Answers") -> None:
        """Say whether both places say the same; raises Unfair where they do not."""
        clean = not any(proof.differences for proof in there.proved)
        self.notes.append(
            f"{here.rows:,} 个版本，{len(here.proved)} 张账单，汇总 {here.rebuilt.same:,} 行，"
            f"{len(here.pages)} 个页面与调用：PostgreSQL 与 ClickHouse 逐行相同。"
        )
        if not clean or not here.rebuilt.agrees or here != there:
            raise Unfair(
                f"两处不同：行数 {here.rows == there.rows}，汇总 {here.rebuilt == there.rebuilt}，"
                f"账单 {here.proved == there.proved}，页面 {here.pages == there.pages}，"
                f"无差异 {clean}"
            )

    def write(self, began: float, machine: dict[str, str]) -> None:
        """Write the page of results."""
        for what, seconds in self.told.items():
            self._note(WORDS[what], seconds, "秒")
        for figure in self.figures:
            print(figure)
        result = Result("warehouse", self.figures, self.notes)
        print(*self.notes, sep="\n")
        print(write(Page(SystemClock().now(), time.monotonic() - began, machine, result)))

    def _note(self, what: str, value: float, unit: str, at_most: float | None = None) -> None:
        self.figures = [figure for figure in self.figures if figure.what != what]
        self.figures.append(Figure(what, unit, (value,), at_most=at_most))


@dataclass(frozen=True)
class Answers:
    """What one place says."""

    rows: int
    rebuilt: Rebuilt
    proved: list[Proof]
    pages: list[object]


def run(count: int, folder: Path) -> None:
    """Do it all."""
    began, machine = time.monotonic(), describe()
    folder.mkdir(parents=True, exist_ok=True)
    with _house(folder) as (server, db):
        migrate(server.url("owner"))
        books, told = Books(db), dict[str, float]()
        parties = fill(books, count, told)
        with psycopg.connect(server.url("owner"), autocommit=True) as owner:
            owner.execute("ANALYZE usage_event")  # as autovacuum does of any table that grew
        with timed("rebuild the rollups (PostgreSQL)", told):
            rebuild(db, MONTH, check=False)
        books.close("2026-03")
        asked = [party.customer.customer_id for party in parties]
        each = Run(folder, db, asked, server.url("owner"), told)
        each.notes.append(f"{count:,} 个事件，{CUSTOMERS} 家客户，百分之一更正过一次。")
        here = each.here()
        with Warehouse(f"chdb://{folder / 'chdb'}") as warehouse:
            db.warehouse = warehouse
            each.agree(here, each.there(warehouse))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        each.notes.append(f"本进程（chDB 在其中）的内存峰值 {peak:,} MiB。")
        each.write(began, machine)


def ask_again(folder: Path) -> None:
    """Measure the drill-down of a folder that a run has left, and put it in the run's page."""
    page = newest("warehouse")
    with _house(folder) as (server, db), Warehouse(f"chdb://{folder / 'chdb'}") as warehouse:
        db.warehouse = warehouse
        with db.read() as tx:
            asked = sorted(each.customer_id for each in customers(tx))
        rows = sum(size.rows for size in far.sizes(warehouse))
        each = Run(folder, db, asked, server.url("owner"))
        each.figures = page.result.figures
        each.notes = [note for note in page.result.notes if not note.startswith(AGAIN)]
        each.pages("ClickHouse", rows)
        each.notes.append(f"{AGAIN}，当时 load {describe()['load']}。")
        each.write(time.monotonic() - page.seconds, page.machine)


@contextmanager
def _house(folder: Path) -> Iterator[tuple[EmbeddedPostgres, Database]]:
    with EmbeddedPostgres(folder / "postgres", fast=True) as server:
        _SERVER.append(server.pid)
        with Database.open(server.url("app"), size=4, statement_seconds=7200) as db:
            yield server, db


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pages-again", action="store_true", help="only the drill-down, once more")
    given = parser.parse_args()
    if given.pages_again:
        ask_again(given.folder)
    else:
        run(given.events, given.folder)
