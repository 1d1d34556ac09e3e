"""How large the database is, by table, and whether its partitions of events are ahead of time."""

from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Tx

TABLES: Final = """
    WITH parts AS (
        SELECT c.oid, coalesce(p.relname, c.relname) AS name
          FROM pg_class c
          LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
          LEFT JOIN pg_class p ON p.oid = i.inhparent
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    )
    SELECT name AS table_name, count(*)::int AS parts,
           sum(greatest(c.reltuples, 0))::bigint AS rows,
           sum(pg_table_size(c.oid))::bigint AS data_bytes,
           sum(pg_indexes_size(c.oid))::bigint AS index_bytes
      FROM parts JOIN pg_class c USING (oid)
     GROUP BY name
     ORDER BY name
"""
PARTITIONS: Final = """
    SELECT c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows,
           pg_total_relation_size(c.oid)::bigint AS bytes
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'usage_event'::regclass
     ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with all its parts. Rows are the server's own estimate, as of its last analysis."""

    table_name: str
    parts: int
    rows: int
    data_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class PartitionSize:
    """A month of events."""

    name: str
    rows: int
    bytes: int

    @property
    def month(self) -> str:
        """Return the month it holds, in UTC: `2026-11`."""
        digits = self.name.rpartition("_")[2]
        return f"{digits[:4]}-{digits[4:]}"


def tables(tx: Tx) -> list[TableSize]:
    """Return every table, the largest first."""
    found = tx.rows(TableSize, TABLES)
    return sorted(found, key=lambda each: -(each.data_bytes + each.index_bytes))


def partitions(tx: Tx) -> list[PartitionSize]:
    """Return the partitions of events, the oldest first."""
    return tx.rows(PartitionSize, PARTITIONS)
