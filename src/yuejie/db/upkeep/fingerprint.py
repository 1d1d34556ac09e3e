"""The fingerprint of a database: rows and a hash of every table, the same on every PostgreSQL.

Two databases with the same fingerprint hold the same rows: before and after an upgrade, a move to
another machine, a restore. A table's hash is the sum of its rows' MD5s, so that neither the order
of rows nor how many workers read them matters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, sql

from yuejie.db.session import connected

_SET_UP: Final = """
    SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false),
           set_config('IntervalStyle', 'postgres', false), set_config('bytea_output', 'hex', false),
           set_config('extra_float_digits', '1', false), set_config('search_path', 'public', false)
"""
_COLUMNS: Final = """
    SELECT relname, array_agg(attname::text ORDER BY attnum)
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
       AND attnum > 0 AND NOT attisdropped
     GROUP BY relname ORDER BY relname
"""
_SEQUENCES: Final = """
    SELECT sequencename, coalesce(last_value, 0)::text FROM pg_sequences
     WHERE schemaname = 'public' ORDER BY sequencename
"""
_TABLE: Final = """
    SELECT count(*),
           coalesce(sum(('x' || left(sum, 16))::bit(64)::bigint::numeric), 0)::text || '.'
        || coalesce(sum(('x' || right(sum, 16))::bit(64)::bigint::numeric), 0)::text
      FROM (SELECT md5(ROW({columns})::text) AS sum FROM {table}) hashed
"""


@dataclass(frozen=True, slots=True)
class Print:
    """What a table holds."""

    rows: int
    digest: str


def fingerprint(url: str, *, only: Mapping[str, Sequence[str]] | None = None) -> dict[str, Print]:
    """Return the fingerprint of every table and sequence, at one moment.

    `only` looks at these columns of these tables, as `columns` gave them before a migration.
    """
    with connected(url, name="yuejie fingerprint") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(_SET_UP)
        found = {}
        for name, named in (only or _columns(connection)).items():
            ask = sql.SQL(_TABLE).format(
                table=sql.Identifier(name),
                columns=sql.SQL(", ").join(sql.Identifier(each) for each in named),
            )
            row = connection.execute(ask).fetchone()
            assert row is not None
            found[name] = Print(int(row[0]), str(row[1]))
        if only is None:
            for name, last in connection.execute(_SEQUENCES).fetchall():
                found[name] = Print(0, str(last))
        return found


def columns(url: str) -> dict[str, list[str]]:
    """Return the columns of every table."""
    with connected(url, name="yuejie fingerprint") as connection:
        return _columns(connection)


def _columns(connection: Connection[Any]) -> dict[str, list[str]]:
    return dict(connection.execute(_COLUMNS).fetchall())


def compare(before: Mapping[str, Print], after: Mapping[str, Print]) -> list[str]:
    """Say where two fingerprints differ; nothing said means the same rows everywhere."""
    wrong = [f"缺少表 {name}" for name in sorted(before.keys() - after.keys())]
    wrong += [f"多出表 {name}" for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        was, became = before[name], after[name]
        if was.rows != became.rows:
            wrong.append(f"{name} 原有 {was.rows:,} 行，现有 {became.rows:,} 行")
        elif was != became:
            wrong.append(f"{name} 的内容不同")
    return wrong
