"""A database whose transactions break off at a statement that is chosen beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, Self, TypeVar

from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo

from yuejie.db.session import Database, Tx

Row = TypeVar("Row")


class Crash(Exception):
    """The process is gone, as far as the database can tell: its transaction rolls back."""


class Fuse:
    """Burns with every statement; None never burns."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise Crash


class FusedTx(Tx):
    """A transaction that burns the fuse."""

    def __init__(self, tx: Tx, fuse: Fuse) -> None:
        super().__init__(tx._connection)  # noqa: SLF001 - the same transaction, seen through a fuse
        self.fuse = fuse

    def rows(self, kind: type[Row], sql: LiteralString, /, **params: object) -> list[Row]:
        self.fuse.burn()
        return super().rows(kind, sql, **params)

    def value(self, sql: LiteralString, /, **params: object) -> Any:
        self.fuse.burn()
        return super().value(sql, **params)

    def run(self, sql: LiteralString, /, **params: object) -> int:
        self.fuse.burn()
        return super().run(sql, **params)

    def copy(self, sql: LiteralString, rows: Any) -> int:
        self.fuse.burn()
        return super().copy(sql, rows)


class FusedDatabase(Database):
    """A database whose writing transactions burn a fuse, and that plans a statement only once.

    A world of three customers is so small that planning costs more than reading; a house of ten
    thousand has reasons to plan each read anew, which `Database.read` gives.
    """

    @classmethod
    def planned_once(cls, url: str) -> Self:
        """Open one; what was prepared serves every customer and month of the world."""
        options = "-c plan_cache_mode=force_generic_plan"
        return cls.open(make_conninfo(url, options=options), size=4, name="simulate")

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.fuse = Fuse()

    @contextmanager
    def read(self, *, consistent: bool = False) -> Iterator[Tx]:
        """Read as everywhere, and end by COMMIT, behind which psycopg keeps what it prepared."""
        with self._borrowed(writes=False) as connection:
            connection.read_only = True
            connection.isolation_level = IsolationLevel.REPEATABLE_READ if consistent else None
            try:
                yield Tx(connection, self.warehouse)
            finally:
                connection.commit()
                connection.read_only = None
                connection.isolation_level = None

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield FusedTx(tx, self.fuse)
            self.fuse.burn()
