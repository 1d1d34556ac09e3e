"""A database whose transactions break off at a statement that is chosen beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar

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
    """A database whose writing transactions burn a fuse."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.fuse = Fuse()

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with super().begin() as tx:
            yield FusedTx(tx, self.fuse)
            self.fuse.burn()
