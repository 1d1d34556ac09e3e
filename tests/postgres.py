"""Databases for tests: a real PostgreSQL per worker, a fresh migrated database per test.

The server starts with the first test that asks for it, and its data goes away at the end.
A test gets its database as a copy of one that was migrated once, in some 80 ms.

    database          a pool with the rights of the application: what stores and verbs are given
    database_url      the address of the same
    owner_url         the same database for its owner, who may do anything to it
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import disk_usage, rmtree
from tempfile import mkdtemp
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.roles import Role
from yuejie.db.session import Database


@dataclass(frozen=True, slots=True)
class Urls:
    """One database, as its owner and as the application reach it."""

    owner: str
    app: str


_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM: Final = 2 << 30
"""Bytes that must be free in memory; a server with its copies takes a tenth of it."""


def _in_memory() -> Path | None:
    """Return the file system in memory, if there is one with room.

    A copy of a database is seven hundred small files; in memory they cost a tenth of the time.
    """
    if not os.access(_MEMORY, os.W_OK) or disk_usage(_MEMORY).free < _ROOM:
        return None
    return _MEMORY


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a short folder that another user may enter, which pytest's own are not."""
    folder = Path(mkdtemp(prefix="yj-", dir=_in_memory()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        rmtree(folder)


@contextmanager
def fresh_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Urls]:
    """Give a copy of a database, and take it away."""
    name = f"test_{uuid4().hex}"
    connection = _superuser(postgres)
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER yuejie_owner STRATEGY file_copy")
    connection.execute(make.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield Urls(postgres.url("owner", name), postgres.url("app", name))
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))


@cache
def _superuser(postgres: EmbeddedPostgres) -> psycopg.Connection:
    """Return one connection for all databases of a server: a password costs 7 ms to check."""
    return psycopg.connect(postgres.url("superuser", "postgres"), autocommit=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running server whose own database is migrated and serves as the template."""
    with open_folder() as home, EmbeddedPostgres(home, fast=True) as server:
        migrate(server.url("owner"))
        with _superuser(server) as connection:
            _check_passwords_once(connection, server)
            yield server


def _check_passwords_once(connection: psycopg.Connection, server: EmbeddedPostgres) -> None:
    """Let a password be hashed once, not 4,096 times: half of what connecting costs both sides.

    Nobody guesses at a server that lives as long as its tests.
    """
    connection.execute("SET scram_iterations = 1")
    roles: tuple[Role, ...] = ("owner", "app")
    for role in roles:
        facts = conninfo_to_dict(server.url(role))
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        name, password = sql.Identifier(str(facts["user"])), sql.Literal(facts["password"])
        connection.execute(change.format(name, password))


@pytest.fixture
def database_urls(postgres: EmbeddedPostgres) -> Iterator[Urls]:
    with fresh_database(postgres, "yuejie") as urls:
        yield urls


@pytest.fixture
def database_url(database_urls: Urls) -> str:
    return database_urls.app


@pytest.fixture
def owner_url(database_urls: Urls) -> str:
    return database_urls.owner


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url, size=8, name="test") as db:
        yield db


@pytest.fixture
def blank(postgres: EmbeddedPostgres) -> Iterator[Urls]:
    """A database without any migration."""
    with fresh_database(postgres, "template0") as urls:
        yield urls


@pytest.fixture
def owner(blank: Urls) -> Iterator[Database]:
    """A pool of the owner of a blank database, for tests that bring their own tables."""
    with Database.open(blank.owner, size=8, name="test") as db:
        yield db


Execute = Callable[[str], None]


@pytest.fixture
def execute(blank: Urls) -> Iterator[Execute]:
    """Run any text of SQL in the blank database, as its owner."""
    with psycopg.connect(blank.owner, autocommit=True) as connection:

        def run(text: str) -> None:
            connection.execute(text.encode())

        yield run
