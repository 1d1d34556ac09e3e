"""Ten million events: PostgreSQL and ClickHouse (chDB) must say the same, to the row.

    python -m bench.warehouse --events 10000000 --folder /somewhere/large

Fills a month by COPY from a deterministic generator, sums and closes it by the house's own verbs,
asks both places the same questions before and after the move, and prints what was measured.
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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

from tests.scenarios.books import Books, Party
from yuejie.assurance.prove import prove_month
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.period import BillingMonth
from yuejie.usage.rebuild import rebuild
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


def drill(db: Database, parties: list[Party], pages: int) -> tuple[list[float], list[object]]:
    """Page through requests of several customers and open one of each page."""
    took, work, seen = list[float](), list[float](), list[object]()
    for party in parties[:5]:
        before = None
        for _ in range(pages):
            began, worked = time.monotonic(), time.process_time()
            page = show_requests(db, party.customer.customer_id, before=before, limit=100)
            took.append((time.monotonic() - began) * 1000)
            seen.append(page)
            began = time.monotonic()
            operation = page.attempts[50].event.operation_id
            seen.append(show_request(db, party.customer.customer_id, operation))
            took.append((time.monotonic() - began) * 1000)
            work.append((time.process_time() - worked) * 500)
            before = page.before
    print(f"CPU of an answer, here: p50 {statistics.median(work):.0f} ms, max {max(work):.0f} ms")
    return took, seen


def run(count: int, folder: Path) -> None:
    """Do it all."""
    told: dict[str, float] = {}
    folder.mkdir(parents=True, exist_ok=True)
    with EmbeddedPostgres(folder / "postgres", fast=True) as server:
        _SERVER.append(server.pid)
        migrate(server.url("owner"))
        with Database.open(server.url("app"), size=4, statement_seconds=7200) as db:
            books = Books(db)
            parties = fill(books, count, told)
            with psycopg.connect(server.url("owner"), autocommit=True) as owner:
                owner.execute("ANALYZE usage_event")  # as autovacuum does of any table that grew
            _measure(books, parties, folder, told, server.url("owner"))
    print(json.dumps({"events": count, "seconds": told}, ensure_ascii=False))


def _measure(
    books: Books, parties: list[Party], folder: Path, told: dict[str, float], owner: str
) -> None:
    db = books.db
    with timed("rebuild the rollups (PostgreSQL)", told):
        rebuild(db, MONTH, check=False)
    books.close("2026-03")
    with timed("rebuild --check (PostgreSQL)", told):
        here = rebuild(db, MONTH)
    with timed("prove the month (PostgreSQL)", told):
        proved = prove_month(db, MONTH)
    with psycopg.connect(owner) as connection:
        row = connection.execute(
            "SELECT count(*), pg_total_relation_size('usage_event_202603') FROM usage_event"
        ).fetchone()
    rows, size = row or (0, 0)
    print(f"{rows:,} rows, {size / rows:.1f} bytes per row in PostgreSQL with its indexes")
    deep = min(20, rows // CUSTOMERS // 200)
    took, seen = drill(db, parties, deep)
    print(_spread("drill-down (PostgreSQL)", took))
    with Warehouse(f"chdb://{folder / 'chdb'}") as warehouse:
        db.warehouse = warehouse
        with timed("move: plan, send, verify twice, drop", told):
            moved = move_partition(db, warehouse, DAY, now=datetime(2026, 8, 1, tzinfo=UTC))
        print(f"{moved.rows:,} rows in {moved.batches} batches")
        warehouse.run("OPTIMIZE TABLE usage_event FINAL")
        for each in far.sizes(warehouse):
            print(f"{each.bytes / each.rows:.1f} bytes per row in ClickHouse ({each.rows:,} rows)")
        with timed("rebuild --check (ClickHouse)", told):
            there = rebuild(db, MONTH)
        with timed("prove the month (ClickHouse)", told):
            again = prove_month(db, MONTH)
        took, same = drill(db, parties, deep)
        print(_spread("drill-down (ClickHouse)", took))
        print(f"rollup rows compared: {here.same:,} and {there.same:,}; equal: {here == there}")
        print(
            f"proofs: {len(proved)}; equal: {proved == again}; clean:",
            not any(proof.differences for proof in again),
        )
        print(f"pages and requests: {len(seen)}; equal: {seen == same}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"peak memory of this process, chDB's engine in it: {peak} MiB")


def _spread(what: str, took: list[float]) -> str:
    cut = statistics.quantiles(took, n=100)
    return (
        f"{what}: {len(took)} answers, p50 {cut[49]:.0f} ms, p95 {cut[94]:.0f} ms,"
        f" max {max(took):.0f} ms"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    run(given.events, given.folder)
