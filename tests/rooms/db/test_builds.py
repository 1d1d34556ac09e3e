"""A `post` migration waits while anybody lives who was built before it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Urls
from yuejie.db.errors import MigrationRefused
from yuejie.db.migrate import Build, held_by, marked, migrate, newest, pending, read_mark
from yuejie.db.session import Database

PRE = "0001_pre_create_a"
POST = "0002_post_drop_b"
NEXT = "0003_pre_create_c"
JOIN = """
    INSERT INTO node (node_id, name, state, version, knows, workers, tail_bytes, tail_calls,
                      skew_ms, snapshot_revision, joined_at, beat_at, changed_at, changed_by, why)
    SELECT gen_random_uuid(), %s, %s, '0.0.9', %s, 1, 0, 0, 0, 1, now(), now() - %s::interval,
           now(), '', ''
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"{PRE}.sql").write_text("CREATE TABLE a (n INT); CREATE TABLE b (n INT);")
    (tmp_path / f"{POST}.sql").write_text("DROP TABLE b;")
    return tmp_path


@contextmanager
def at_work(url: str, name: str) -> Iterator[None]:
    """Have somebody's session there: a pool opens its own a moment behind being opened."""
    with Database.open(url, size=1, name=name) as db:
        with db.read() as tx:
            tx.value("SELECT 1")
        yield


def await_nobody(url: str, folder: Path) -> None:
    """A session that was closed is seen for a moment longer."""
    deadline = time.monotonic() + 10
    while held_by(url, folder=folder):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_sessions_tell_which_build_they_are() -> None:
    assert read_mark(marked("clerk")) == Build("clerk", newest())
    assert read_mark("intake") == Build("intake", 0)
    assert read_mark("psql") is None
    assert read_mark("yuejie migrate") is None


def test_a_post_migration_waits_for_sessions_of_older_builds(blank: Urls, folder: Path) -> None:
    """An old clerk is at work: what it needs stays; when it has gone, the same deed goes on."""
    with at_work(blank.owner, "clerk"):
        assert migrate(blank.owner, folder=folder) == [PRE]
        assert held_by(blank.owner, folder=folder) == ["clerk（迁移 未知）"]
        assert migrate(blank.owner, folder=folder) == []
    with at_work(blank.owner, "clerk/2"):
        await_nobody(blank.owner, folder)
        assert migrate(blank.owner, folder=folder) == [POST]
    assert pending(blank.owner, folder=folder) == []


def test_an_upgrade_takes_one_release_at_a_time(blank: Urls, folder: Path) -> None:
    """What this build needs stands behind what an old one still uses: it says so, and waits."""
    (folder / f"{NEXT}.sql").write_text("CREATE TABLE c (n INT);")
    with (
        at_work(blank.owner, "intake/1"),
        pytest.raises(MigrationRefused, match=rf"{NEXT} 要等 {POST} 之后.*intake（迁移 1）"),
    ):
        migrate(blank.owner, folder=folder)
    await_nobody(blank.owner, folder)
    assert migrate(blank.owner, folder=folder) == [POST, NEXT]


@pytest.mark.parametrize(
    ("state", "knows", "silent", "held"),
    [
        ("serving", 29, "1 second", True),
        ("draining", 29, "1 second", True),
        ("serving", 9_999, "1 second", False),
        ("serving", 29, "1 hour", False),
        ("left", 29, "1 second", False),
        ("lost", 29, "1 second", False),
    ],
)
def test_nodes_that_beat_hold_a_post_migration_too(
    owner_url: str, tmp_path: Path, state: str, knows: int, silent: str, *, held: bool
) -> None:
    """A node is as old as the oldest of its processes, for some do not keep a session."""
    for path in (Path(migrate.__code__.co_filename).parent / "migrations").glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "9999_post_drop_something.sql").write_text("SELECT 1;")
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(JOIN, ["gw-1", state, knows, silent])
    expected = [f"节点 gw-1（迁移 {knows}）"] if held else []
    assert held_by(owner_url, folder=tmp_path) == expected
