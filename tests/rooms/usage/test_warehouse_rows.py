"""Every field of an event goes to ClickHouse and comes back, bit for bit, whatever is in it."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.usage.store import EventRow, ensure_partitions, intern_dimensions, recent
from yuejie.usage.warehouse import store
from yuejie.usage.warehouse.batch import Slice
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.clickhouse.ddl import CREATE

ROOT = Path(__file__).parents[3]
DAY = date(2026, 3, 1)
LOW_MS = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
LAST = UUID(int=(1 << 128) - 1)

# PostgreSQL's text holds anything but NUL and lone surrogates.
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12
) | st.sampled_from(
    ["", "\\N", "\t", "\\", "\\t", "a\nb", "'", '"', "\r\n", "\x08\x0c\x0b", "月结", "\x1f"]
)
shorts = st.integers(-(1 << 15), (1 << 15) - 1)
ints = st.integers(-(1 << 31), (1 << 31) - 1)
longs = st.integers(-(1 << 63), (1 << 63) - 1)
instants = st.integers(0, 250 * 365 * 86_400 * 1_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
items = st.lists(
    st.tuples(words, words, st.integers(-(1 << 63), (1 << 64) - 1), longs, longs), max_size=3
)
rows = st.fixed_dictionaries(
    {
        "low": st.integers(0, (1 << 74) - 1),
        "operation": st.none() | st.integers(1, (1 << 128) - 1),
        "version": shorts,
        "attempt": shorts,
        "month": st.text("0123456789-", min_size=7, max_size=7),
        "instants": st.tuples(instants, instants, instants, instants),
        "words": st.lists(words, min_size=11, max_size=11),
        "state": st.sampled_from(["measured", "partial", "estimated", "unmeasured", "unpriced"]),
        "flags": st.tuples(st.booleans(), st.booleans()),
        "ints": st.tuples(ints, ints, ints),
        "context": longs,
        "status": shorts,
        "first": st.none() | ints,
        "items": items,
        "facts": st.dictionaries(words, words, max_size=2),
    }
)
INSERT = """
    INSERT INTO usage_event (event_id, version, operation_id, attempt, customer_id, dimension_id,
        month, hour, started_at, used_at, recorded_at, billable, stream, state, contract_version,
        sale_revision, cost_revision, context_tokens, http_status, first_byte_ms, items, facts,
        epoch, api, model, reason, contract_id, sale_book, cost_book, billed_model, service_tier,
        outcome, response_id, source)
    VALUES (%s, %s, %s, %s, 'cus_a', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
            %s, %s, 1, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def values(number: int, dimension: int, row: dict[str, Any]) -> tuple[object, ...]:
    event = UUID(int=((LOW_MS + number) << 80) | row["low"])
    operation = event if row["operation"] is None else UUID(int=row["operation"])
    return (
        *(event, row["version"], operation, row["attempt"], dimension, row["month"]),
        *row["instants"],
        *row["flags"],
        row["state"],
        *row["ints"],
        *(row["context"], row["status"], row["first"]),
        *(_json(row["items"]), _json(row["facts"])),
        *row["words"],
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")


def fresh(database: Database) -> int:
    with database.begin() as tx:
        ensure_partitions(tx, [DAY])
        key = ("cus_a", "prj\t\\N", "key", "a=b,c=\\", "dep")
        return intern_dimensions(tx, [key])[key]


class Undo(Exception):
    """Ends an example's transaction."""


def undo() -> None:
    raise Undo


def columns_of(script: str, table: str) -> list[str]:
    found = re.search(
        rf"TABLE IF NOT EXISTS (?:yuejie\.)?{table}\b[^(]*\((.*?)\n\s*\)\n", script, re.DOTALL
    )
    assert found is not None
    return [line.strip() for line in found[1].strip().splitlines()]


def test_a_clusters_table_is_a_servers_table() -> None:
    script = (ROOT / "deploy/clickhouse/cluster.sql").read_text("utf-8")
    assert columns_of(script, "usage_event_local") == columns_of(CREATE, "usage_event")


def test_every_field_there_and_back(database: Database, warehouse: Warehouse) -> None:
    dimension = fresh(database)
    far.create(warehouse)
    database.warehouse = warehouse

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(st.lists(rows, min_size=1, max_size=12))
    def there_and_back(wanted: list[dict[str, Any]]) -> None:
        warehouse.run("TRUNCATE TABLE usage_event")
        try:
            with database.begin() as tx:
                with tx.cursor as cursor:
                    for number, row in enumerate(wanted):
                        cursor.execute(INSERT, values(number, dimension, row))
                whole = Slice(DAY, "cus_a", 0, 1, UUID(int=0), LAST)
                counted = store.sum_of(tx, whole)
                far.send(warehouse, whole, store.lines(tx, whole), token=str(wanted))
                assert counted.rows == len(wanted)
                assert far.sum_of(warehouse, whole) == counted
                here = recent(tx, "cus_a", before=LAST, limit=100)
                there = far.recent(tx, "cus_a", [202603], before=LAST, limit=100)
                assert [EventRow(**fields) for fields in there] == here
                with tx.cursor as cursor:
                    cursor.execute("SELECT * FROM usage_event ORDER BY event_id")
                    kept = cursor.fetchall()
                    cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_event_returning")
                    cursor.execute("CREATE TEMP TABLE usage_event_returning (LIKE usage_event)")
                    store.copy_back(tx, far.rows_of(warehouse, whole))
                    cursor.execute("SELECT * FROM usage_event_returning ORDER BY event_id")
                    assert cursor.fetchall() == kept
                assert store.sum_of_returning(tx, whole) == counted
                undo()
        except Undo:
            pass

    there_and_back()
