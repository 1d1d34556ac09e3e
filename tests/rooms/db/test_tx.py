from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

import psycopg
import pytest

from yuejie.db.errors import RowNotFound
from yuejie.db.session import Database, Tx
from yuejie.db.tx import lock_key


@dataclass(frozen=True, slots=True)
class Part:
    part_id: int
    name: str


@pytest.fixture
def tx(owner: Database) -> Iterator[Tx]:
    with owner.begin() as tx:
        tx.run("CREATE TABLE part (part_id BIGINT PRIMARY KEY, name TEXT)")
        yield tx


def test_rows_are_dataclasses(tx: Tx) -> None:
    added = tx.run("INSERT INTO part VALUES (1, 'a'), (2, 'b')")
    found = tx.rows(Part, "SELECT name, part_id FROM part ORDER BY part_id")
    assert added == 2
    assert found == [Part(1, "a"), Part(2, "b")]


class Pair(NamedTuple):
    part_id: int
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    part_id: int
    name: str


@pytest.mark.parametrize("columns", ["part_id, name", "name, part_id"])
def test_rows_are_made_by_position_or_by_name_alike(tx: Tx, columns: LiteralString) -> None:
    tx.run("INSERT INTO part VALUES (1, 'a')")
    sql = f"SELECT {columns} FROM part"  # noqa: S608 (literals only)
    assert tx.rows(Part, sql) == [Part(1, "a")]
    assert tx.rows(Pair, sql) == [Pair(1, "a")]
    assert tx.rows(Named, sql) == [Named(part_id=1, name="a")]
    assert list(tx.stream(Part, sql)) == [Part(1, "a")]


def test_columns_that_a_row_does_not_have_are_a_bug(tx: Tx) -> None:
    tx.run("INSERT INTO part VALUES (1, 'a')")
    with pytest.raises(TypeError, match="size"):
        tx.rows(Part, "SELECT part_id, name AS size FROM part")


def test_a_row_is_there_or_not_found(tx: Tx) -> None:
    one = "SELECT part_id, name FROM part WHERE part_id = %(part_id)s"
    tx.run("INSERT INTO part VALUES (1, 'a')")
    assert tx.row(Part, one, part_id=1) == Part(1, "a")
    assert tx.maybe(Part, one, part_id=2) is None
    with pytest.raises(RowNotFound) as caught:
        tx.row(Part, one, part_id=2)
    assert caught.value.facts == {"kind": "Part", "part_id": 2}


def test_two_rows_where_one_is_promised_are_a_bug(tx: Tx) -> None:
    tx.run("INSERT INTO part VALUES (1, 'a'), (2, 'b')")
    with pytest.raises(AssertionError, match="promises one row"):
        tx.maybe(Part, "SELECT * FROM part")
    with pytest.raises(AssertionError, match="promises one row"):
        tx.value("SELECT part_id FROM part")


def test_a_value_is_there_or_not_found(tx: Tx) -> None:
    assert tx.value("INSERT INTO part VALUES (7, NULL) RETURNING part_id") == 7
    assert tx.value("SELECT name FROM part WHERE part_id = %(part_id)s", part_id=7) is None
    with pytest.raises(RowNotFound):
        tx.value("SELECT name FROM part WHERE part_id = %(part_id)s", part_id=8)


def test_copy_takes_a_generator_of_values(tx: Tx) -> None:
    rows = ((number, None if number == 3 else f"名\t{number}\n") for number in range(1000))
    added = tx.copy("COPY part (part_id, name) FROM STDIN", rows)
    assert added == 1000
    assert tx.value("SELECT name FROM part WHERE part_id = 999") == "名\t999\n"
    assert tx.value("SELECT name FROM part WHERE part_id = 3") is None


def test_copy_takes_ready_text(tx: Tx) -> None:
    added = tx.copy("COPY part (part_id, name) FROM STDIN", ["1\ta\n", b"2\t\\N\n3\tc\n"])
    assert added == 3
    assert tx.value("SELECT string_agg(name, ',' ORDER BY part_id) FROM part") == "a,c"


def test_a_bad_row_in_a_copy_leaves_nothing(owner: Database) -> None:
    with owner.begin() as tx:
        tx.run("CREATE TABLE part (part_id BIGINT PRIMARY KEY)")
    with pytest.raises(psycopg.errors.UniqueViolation), owner.begin() as tx:
        tx.copy("COPY part (part_id) FROM STDIN", [(1,), (2,), (1,)])
    with owner.read() as tx:
        assert tx.value("SELECT count(*) FROM part") == 0


def test_streams_walk_side_by_side_in_batches(tx: Tx) -> None:
    tx.run("INSERT INTO part SELECT n, 'p' || n FROM generate_series(1, 25) n")
    query = "SELECT part_id, name FROM part WHERE part_id > %(after)s ORDER BY part_id"
    first = tx.stream(Part, query, batch=4, after=0)
    second = tx.stream(Part, query, batch=7, after=5)
    pairs = list(zip(first, second, strict=False))
    assert len(pairs) == 20
    assert pairs[-1] == (Part(20, "p20"), Part(25, "p25"))


def test_the_key_of_a_lock_is_the_same_in_every_release() -> None:
    assert lock_key("epoch") == -1_429_161_422_710_925_900
    assert lock_key("migrate") != lock_key("epoch")


def test_sharers_pass_together_and_keep_the_lonely_out(owner: Database) -> None:
    with owner.begin() as one, owner.begin() as two, owner.begin() as lonely:
        one.lock_shared("epoch")
        two.lock_shared("epoch")
        assert not lonely.try_lock_exclusive("epoch")
        assert lonely.try_lock_exclusive("another")


def test_an_exclusive_lock_ends_with_its_transaction(owner: Database) -> None:
    with owner.begin() as one, owner.begin() as two:
        one.lock_exclusive("epoch")
        assert not two.try_lock_exclusive("epoch")
    with owner.begin() as three:
        assert three.try_lock_exclusive("epoch")


def test_a_bare_cursor_belongs_to_the_transaction(tx: Tx) -> None:
    tx.run("INSERT INTO part VALUES (1, 'a')")
    with tx.cursor as cursor, cursor.copy("COPY part TO STDOUT") as source:
        assert b"".join(bytes(piece) for piece in source) == b"1\ta\n"
