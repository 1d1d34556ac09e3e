"""One customer's rows are found by an index, whoever else is in the house.

A query that reads everybody's rows to find one customer's is right, quick in every test, and takes
seconds where hundreds of customers have years. So the planner is asked, with every scan of a whole
table forbidden where there is any other way.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import psycopg

import yuejie
from tests.postgres import Urls

ASKED: Final = re.compile(r"\s*(SELECT|WITH)\b")
NAMED: Final = re.compile(r"%\((\w+)\)s")
WHOLE: Final = re.compile(r"Seq Scan on (\w+)")
FEW: Final = {
    "usage_summed": "one row: how far the sums go",
    "usage_partition": "a row for each month of the house",
    "usage_late": "what came late since the last folding",
    "snapshot_revision": "one row: what the gateways know",
}
"""Tables that are small whatever comes, so that reading all of them is the quickest way."""


COMING_BACK: Final = "usage_event_returning"
"""A table that is there only while a month comes back from ClickHouse."""


def queries() -> Iterator[tuple[str, str]]:
    """Yield every query that asks for one customer, by its name; not those of the whole house."""
    for found in walk_packages(yuejie.__path__, "yuejie."):
        if found.name.endswith(".store"):
            for name, sql in vars(import_module(found.name)).items():
                if isinstance(sql, str) and name.isupper() and ASKED.match(sql):
                    of_one = "%(customer_id)s" in sql and "%(customer_id)s::text IS NULL" not in sql
                    if of_one and not name.startswith("_") and COMING_BACK not in sql:
                        yield f"{found.name}.{name}", sql


def numbered(sql: str) -> str:
    """Return a query with $1, $2 … for its names, as EXPLAIN (GENERIC_PLAN) reads it."""
    names: dict[str, int] = {}
    text = NAMED.sub(lambda name: f"${names.setdefault(name[1], len(names) + 1)}", sql)
    return text.replace("%%", "%")


def test_rows_of_one_customer_are_found_by_an_index(database_urls: Urls) -> None:
    asked = dict(queries())
    assert len(asked) > 150
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        read_whole = {}
        for name, sql in asked.items():
            plan = connection.execute(f"EXPLAIN (GENERIC_PLAN) {numbered(sql)}".encode())
            tables = {table for (line,) in plan for table in WHOLE.findall(line)} - FEW.keys()
            if tables:
                read_whole[name] = tables
    assert read_whole == {}


def test_every_table_has_an_index(database_urls: Urls) -> None:
    with psycopg.connect(database_urls.owner) as connection:
        bare = connection.execute(
            """
            SELECT relname FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
              AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid)
            ORDER BY 1
            """
        )
        assert [table for (table,) in bare] == []
