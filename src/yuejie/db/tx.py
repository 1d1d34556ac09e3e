"""A transaction, as verbs and stores see it.

Queries are literals with named parameters, `%(bill_id)s`; a percent sign is written `%%`.
Rows arrive as dataclasses whose fields are named like the columns.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from hashlib import sha256
from itertools import count
from typing import Any, Final, LiteralString, TypeVar

from psycopg import Connection, Cursor
from psycopg.rows import RowFactory, RowMaker, class_row
from psycopg.sql import Composed

from yuejie.db.errors import RowNotFound
from yuejie.db.warehouse.client import Warehouse, WarehouseUnavailable

Row = TypeVar("Row")

STREAM_BATCH: Final = 5_000
"""Rows that a stream fetches at once: a few megabytes, and round trips no longer matter."""


class Tx:
    """One open transaction. `Database.begin` and `Database.read` make it and end it."""

    __slots__ = ("_connection", "_streams", "_warehouse")

    def __init__(self, connection: Connection[Any], warehouse: Warehouse | None = None) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self._streams = count(1)

    def rows(self, kind: type[Row], sql: LiteralString, /, **params: object) -> list[Row]:
        """Return every row of a query as a `kind`."""
        with self._connection.cursor(row_factory=_made(kind)) as cursor:
            return cursor.execute(sql, params).fetchall()

    def maybe(self, kind: type[Row], sql: LiteralString, /, **params: object) -> Row | None:
        """Return the one row of a query as a `kind`, or None; two rows are a bug."""
        found = self.rows(kind, sql, **params)
        assert len(found) <= 1, f"the query promises one row and found {len(found)}: {sql}"
        return found[0] if found else None

    def row(self, kind: type[Row], sql: LiteralString, /, **params: object) -> Row:
        """Return the one row of a query as a `kind`; none raises `RowNotFound`."""
        found = self.maybe(kind, sql, **params)
        if found is None:
            raise RowNotFound("没有找到对应的记录；请核对编号", kind=kind.__name__, **params)
        return found

    def value(self, sql: LiteralString, /, **params: object) -> Any:  # noqa: ANN401 (a column may be anything)
        """Return the first column of the one row of a query; no row raises `RowNotFound`."""
        with self._connection.cursor() as cursor:
            found = cursor.execute(sql, params).fetchall()
        assert len(found) <= 1, f"the query promises one row and found {len(found)}: {sql}"
        if not found:
            raise RowNotFound("没有找到对应的记录；请核对编号", **params)
        return found[0][0]

    def run(self, sql: LiteralString, /, **params: object) -> int:
        """Run a statement and return how many rows it touched."""
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, params).rowcount

    def copy(self, sql: LiteralString, rows: Iterable[Sequence[object] | str | bytes]) -> int:
        """Feed `COPY … FROM STDIN` and return how many rows went in.

        A row is a sequence of values in the order of the columns, or a piece of text that is in
        COPY's own format already, newline included.
        """
        with self._connection.cursor() as cursor:
            with cursor.copy(sql) as sink:
                for row in rows:
                    if isinstance(row, str | bytes):
                        sink.write(row)
                    else:
                        sink.write_row(row)
            return cursor.rowcount

    def stream(
        self,
        kind: type[Row],
        sql: LiteralString,
        /,
        *,
        batch: int = STREAM_BATCH,
        **params: object,
    ) -> Iterator[Row]:
        """Yield the rows of a query without ever holding more than `batch` of them."""
        name = f"stream_{next(self._streams)}"
        with self._connection.cursor(name, row_factory=_made(kind)) as cursor:
            cursor.itersize = batch
            cursor.execute(sql, params)
            yield from cursor

    def texts(
        self, sql: Composed, /, *, batch: int = STREAM_BATCH, **params: object
    ) -> Iterator[str]:
        """Yield the one text of each row of a query whose tables are named when it is asked."""
        name = f"stream_{next(self._streams)}"
        with self._connection.cursor(name) as cursor:
            cursor.itersize = batch
            cursor.execute(sql, params)
            for (text,) in cursor:
                yield text

    def lock_shared(self, name: str) -> None:
        """Wait for a named lock beside other sharers; it is held until the transaction ends."""
        self.run("SELECT pg_advisory_xact_lock_shared(%(key)s::bigint)", key=lock_key(name))

    def lock_exclusive(self, name: str) -> None:
        """Wait for a named lock alone; it is held until the transaction ends."""
        self.run("SELECT pg_advisory_xact_lock(%(key)s::bigint)", key=lock_key(name))

    def try_lock_exclusive(self, name: str) -> bool:
        """Take a named lock alone if nobody has it, without waiting, and say whether."""
        taken = self.value("SELECT pg_try_advisory_xact_lock(%(key)s::bigint)", key=lock_key(name))
        return taken is True

    @property
    def far(self) -> Warehouse:
        """Return the warehouse, which takes no part in the transaction.

        Raises WarehouseUnavailable where something was moved and no address is set.
        """
        if self._warehouse is None:
            raise WarehouseUnavailable(
                "需要的原始用量已移入 ClickHouse，而这里没有设置 YUEJIE_CLICKHOUSE_URL；"
                "请设置后重试"
            )
        return self._warehouse

    @property
    def cursor(self) -> Cursor[Any]:
        """A bare cursor for what has no verb here, e.g. COPY TO; close it by `with`."""
        return self._connection.cursor()


def _made(kind: type[Row]) -> RowFactory[Row]:
    """Make rows as a `kind`: by position where its fields stand as the columns do, else by name.

    By position takes half the time, of a NamedTuple a tenth: what is read by the ten thousand.
    """
    by_name, names = class_row(kind), _fields(kind)

    def made(cursor: Cursor[Any]) -> RowMaker[Row]:
        if names != _columns(cursor):
            return by_name(cursor)
        make: RowMaker[Row] = getattr(kind, "_make", None) or (lambda values: kind(*values))
        return make

    return made


def _columns(cursor: Cursor[Any]) -> tuple[str, ...]:
    """Return how a result names its columns, without `description`, which describes each whole."""
    found = cursor.pgresult
    if found is None:
        return ()
    return tuple((found.fname(at) or b"").decode() for at in range(found.nfields))


def _fields(kind: type) -> tuple[str, ...]:
    """Return what a NamedTuple or a dataclass is made of, by position."""
    if not is_dataclass(kind):
        return getattr(kind, "_fields", ())
    return tuple(each.name for each in fields(kind) if each.init and not each.kw_only)


def lock_key(name: str) -> int:
    """Return the 64-bit key of a named lock: the same in every process and every release."""
    return int.from_bytes(sha256(b"yuejie:" + name.encode()).digest()[:8], "big", signed=True)
