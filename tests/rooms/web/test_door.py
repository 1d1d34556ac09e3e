import pytest

from tests.rooms.web.conftest import Museum
from yuejie.db.errors import DatabaseUnavailable
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.web.auth import API
from yuejie.web.cursor import Window
from yuejie.web.door import Door


def test_a_database_without_tables_is_not_ready(owner: Database) -> None:
    door = Door.opened(owner)
    assert not door.is_open
    with pytest.raises(DatabaseUnavailable, match="还没有建表"):
        door.database()


def test_a_database_that_comes_back_is_given_again(database: Database) -> None:
    there = [False]

    def opening() -> Database:
        if not there[0]:
            raise DatabaseUnavailable("不在")
        return database

    door = Door(opening)
    door.look()
    assert not door.is_open
    there[0] = True
    door.look()
    assert door.database() is database


def test_a_cursor_comes_back_as_it_was_written() -> None:
    written = Window.read("deeds", None, 10).write("甲 乙")
    assert Window.read("deeds", written, 10).after == "甲 乙"


@pytest.mark.parametrize("cursor", ["", "x", "e30", "W10", "WyJkZWVkcyJd", "甲", "WyJhIiwiYiJd"])
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="next_cursor"):
        Window.read("deeds", cursor, 10)


@pytest.mark.parametrize(
    ("path", "of"), [("deeds", "deeds"), ("requests?customer=acme", "requests")]
)
@pytest.mark.parametrize("after", ["x", "1.5", "-1", "9" * 30])
def test_a_cursor_that_names_no_row_is_refused(
    museum: Museum, path: str, of: str, after: str
) -> None:
    cursor = Window.read(of, None, 1).write(after)
    join = "&" if "?" in path else "?"
    answer = museum.operator.get(f"{API}/{path}{join}cursor={cursor}")
    assert answer.status_code == 422
