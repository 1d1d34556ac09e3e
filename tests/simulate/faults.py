"""A database whose transactions break off at a statement that is chosen beforehand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, LiteralString, Self, TypeVar

from psycopg import Connection
from psycopg.conninfo import make_conninfo

from yuejie.db.session import Database, Tx

Row = TypeVar("Row")
T = TypeVar("T")


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


def broken_off(fuse: Fuse, random: Random, deed: Callable[[], T], *, within: int) -> T:
    """Do a deed; now and then break off at one of its first statements, and do it again."""
    if random.random() < 0.25:
        fuse.left = random.randrange(1, within)
        try:
            return deed()
        except Crash:
            pass
        finally:
            fuse.left = None
    return deed()


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

    def _end_reading(self, connection: Connection[Any]) -> None:
        """End by COMMIT, behind which psycopg keeps what it prepared."""
        connection.commit()

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield FusedTx(tx, self.fuse)
            self.fuse.burn()
