"""Migrations: plain SQL files, applied once each, in the order of their numbers, forward only.

    NNNN_pre_verb_object.sql     before the code that needs it is deployed
    NNNN_post_verb_object.sql    after the code that needed the old is gone
    ….before.sql, ….after.sql    beside a migration: what tests assert on a seeded database

A `post` migration waits by itself while anybody who was built before it uses the database; the
code that it belongs to runs without it as well as with it. A build knows the migrations that it
was shipped with; each of our sessions bears the number of its newest in its name (`intake/29`),
and each node tells the lowest of its processes with its beat.

A file runs as one transaction together with its mark in `schema_migration`: whatever kills the
process, the change and its mark are both there or both missing. It holds no BEGIN or COMMIT.
An advisory lock of the session keeps other processes waiting, and dies with its process.

Why not yoyo-migrations (read in 9.0.0) or another tool: it executes a file on one connection and
marks it on another, so a kill between the two leaves a database that no start can migrate; its
lock is a table row that outlives a killed process until somebody runs `break-lock`; it cuts files
into statements with a parser that is not PostgreSQL's; its hash is of the file's name, so an
edited file passes. Alembic does mark in the same transaction, and wants SQLAlchemy and Python
files. What is left to do ourselves is this file.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, Self

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from yuejie.db.errors import DatabaseUnavailable, MigrationRefused, brief
from yuejie.db.session import connected, is_pooled
from yuejie.db.tx import lock_key

FOLDER: Final = Path(__file__).parent / "migrations"
MARKS: Final = "schema_migration"
_NAME: Final = re.compile(r"(\d{4})_(pre|post)_[a-z0-9]+(?:_[a-z0-9]+)+\Z")

_LOCK: Final = "SELECT pg_advisory_lock(%s::bigint)"
_SET_UP: Final = """
    CREATE TABLE IF NOT EXISTS schema_migration (
        name       TEXT PRIMARY KEY,
        sha256     TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )
"""
_IS_SET_UP: Final = "SELECT to_regclass('schema_migration') IS NOT NULL"
_APPLIED: Final = "SELECT name, sha256 FROM schema_migration ORDER BY name"
_MARK: Final = "INSERT INTO schema_migration (name, sha256) VALUES (%s, %s)"

_OURS: Final = re.compile(r"(yuejie|intake|gateway|console|clerk|press)(?:/(\d{1,9}))?\Z")
"""How our sessions are called; builds before nodes did not say which they are."""

_SESSIONS: Final = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    ORDER BY application_name
"""
_HAS_NODES: Final = "SELECT to_regclass('node') IS NOT NULL"
_NODES: Final = """
    SELECT name, knows FROM node
    WHERE state IN ('serving', 'draining') AND beat_at > now() - INTERVAL '10 minutes'
    ORDER BY name
"""
_NAMELESS: Final = """
    SELECT DISTINCT node FROM journal
    WHERE node_id IS NULL AND state = 'live' AND seen_at > now() - INTERVAL '10 minutes'
    ORDER BY node
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: a short story with a moral."""

    name: str
    sql: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file whose name tells its number, its phase, a verb and an object."""
        if _NAME.match(path.stem) is None:
            raise MigrationRefused(
                f"迁移文件名 {path.name} 不合规；请写成 0007_post_drop_bill_legacy_total.sql 的形式"
            )
        return cls(path.stem, path.read_text(encoding="utf-8"))

    @property
    def number(self) -> int:
        """Return its place in the order."""
        return int(self.name[:4])

    @property
    def phase(self) -> Literal["pre", "post"]:
        """Tell whether it runs before or after the code it belongs to."""
        return "pre" if self.name.split("_")[1] == "pre" else "post"

    @property
    def digest(self) -> str:
        """Return what tells an edited file from the one that was applied."""
        return sha256(self.sql.encode()).hexdigest()


def read_all(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of a folder in order; no two have the same number."""
    stories = sorted(path for path in folder.glob("*.sql") if "." not in path.stem)
    found = [Migration.read(path) for path in stories]
    for earlier, later in pairwise(found):
        if earlier.number == later.number:
            raise MigrationRefused(f"迁移 {earlier.name} 与 {later.name} 编号相同；请改一个编号")
    return found


def migrate(
    url: str,
    *,
    folder: Path = FOLDER,
    until: str | None = None,
    before_code_only: bool = False,
) -> list[str]:
    """Apply what is pending and return the names applied, none when all was done.

    `until` stops after that migration; `before_code_only` stops before the first `post` one, for
    a deployment that migrates, rolls out, and migrates again. A `post` one that an older build
    still needs waits without that too (`held_by` says for whom); what this build needs and stands
    behind it is refused: an upgrade takes one release at a time.
    """
    applied: list[str] = []
    if _behind_pooler(url) and not pending(url, folder=folder):
        return applied
    with _locked(url) as connection:
        missing = _missing(connection, read_all(folder))
        for place, migration in enumerate(missing):
            if until is not None and migration.name > until:
                break
            if migration.phase == "post":
                if before_code_only:
                    break
                if old := older_than(connection, migration.number):
                    _refuse_beyond(migration, missing[place + 1 :], old)
                    break
            _apply(connection, migration)
            applied.append(migration.name)
    return applied


def held_by(url: str, *, folder: Path = FOLDER) -> list[str]:
    """Return who keeps the next `post` migration from running; nobody where none is pending."""
    with connected(url, name="yuejie migrate") as connection:
        for migration in _missing(connection, read_all(folder)):
            if migration.phase == "post":
                return older_than(connection, migration.number)
    return []


def pending(url: str, *, folder: Path = FOLDER) -> list[str]:
    """Return the names of migrations that this database still lacks, in order."""
    with connected(url, name="yuejie migrate") as connection:
        return [migration.name for migration in _missing(connection, read_all(folder))]


def _refuse_beyond(held: Migration, behind: list[Migration], old: list[str]) -> None:
    needed = next((migration for migration in behind if migration.phase == "pre"), None)
    if needed is not None:
        raise MigrationRefused(
            f"迁移 {needed.name} 要等 {held.name} 之后，而旧版本还在使用数据库：{'、'.join(old)}；"
            "请先把它们都升级到上一版本",
            name=needed.name,
        )


def _behind_pooler(url: str) -> bool:
    with connected(url, name="yuejie migrate") as connection:
        return is_pooled(connection)


@contextmanager
def _locked(url: str) -> Iterator[Connection[Any]]:
    """Be the only one who migrates this database; who comes second waits and finds it done."""
    with connected(url, name="yuejie migrate") as connection:
        if is_pooled(connection):
            raise MigrationRefused(
                "数据库地址经过连接池（如 PgBouncer），迁移用的会话锁在那里不成立；"
                "请设 YUEJIE_DATABASE_DIRECT_URL 为直连地址后重试"
            )
        try:
            connection.execute(_LOCK, [lock_key("migrate")])
            connection.execute(_SET_UP)
            yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationRefused(
                "数据库账号没有改表结构的权限，迁移没有执行；"
                f"请用数据库所有者的账号作为 YUEJIE_DATABASE_DIRECT_URL 后重试（{brief(error)}）"
            ) from error
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(
                f"迁移时与数据库的连接中断，未完成的迁移没有生效；请重新执行（{brief(error)}）"
            ) from error


def _missing(connection: Connection[Any], known: list[Migration]) -> list[Migration]:
    """Return what is not applied; refuse a database whose past is not the one in the files.

    A mark without a file is a newer release's, whose `pre` migrations this code can live with.
    """
    found = connection.execute(_IS_SET_UP).fetchone()
    assert found is not None
    marks = dict(connection.execute(_APPLIED).fetchall()) if found[0] else {}
    last = max(marks, default="")
    for migration in known:
        mark = marks.get(migration.name)
        if mark is not None and mark != migration.digest:
            raise MigrationRefused(
                f"迁移 {migration.name} 应用之后文件被改过；请恢复原文件，另写一个新的迁移",
                name=migration.name,
            )
        if mark is None and migration.name < last:
            raise MigrationRefused(
                f"迁移 {migration.name} 的编号早于已应用的 {last}；请改用更大的编号",
                name=migration.name,
            )
    return [migration for migration in known if migration.name not in marks]


def _apply(connection: Connection[Any], migration: Migration) -> None:
    try:
        with connection.transaction():
            # Without parameters the whole file goes to the server, which cuts it into statements.
            connection.execute(migration.sql.encode())
            if connection.info.transaction_status != TransactionStatus.INTRANS:
                raise MigrationRefused(
                    f"迁移 {migration.name} 自己提交了事务，可能只做了一半；请删去其中的 COMMIT"
                )
            connection.execute(_MARK, [migration.name, migration.digest])
    except psycopg.OperationalError as error:
        if connection.closed:
            raise
        raise _failed(migration, error) from error
    except psycopg.Error as error:
        raise _failed(migration, error) from error


def _failed(migration: Migration, error: psycopg.Error) -> MigrationRefused:
    position = error.diag.statement_position
    where = ""
    if position is not None:
        line = migration.sql.count("\n", 0, int(position)) + 1
        where = f"第 {line} 行"
    return MigrationRefused(
        f"迁移 {migration.name}{where}失败，没有留下任何改动：{brief(error)}", name=migration.name
    )


# Builds that use the database --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Build:
    """Somebody who uses the database, and the newest migration that he was built with."""

    who: str
    knows: int


@cache
def newest(folder: Path = FOLDER) -> int:
    """Return the number of the newest migration that this build was shipped with."""
    return max(int(found[1]) for path in folder.iterdir() if (found := _NAME.match(path.stem)))


def marked(name: str) -> str:
    """Return the name of a session of this build."""
    return f"{name}/{newest()}"


def read_mark(session: str) -> Build | None:
    """Read the name of a session; None for one that is not ours."""
    found = _OURS.match(session)
    return Build(found[1], int(found[2] or 0)) if found else None


def builds(connection: Connection[Any]) -> list[Build]:
    """Return who uses this database now: sessions, and nodes that told of themselves lately."""
    sessions = [read_mark(name) for (name,) in connection.execute(_SESSIONS).fetchall()]
    found = [build for build in sessions if build is not None]
    answer = connection.execute(_HAS_NODES).fetchone()
    if answer is not None and answer[0]:
        found += [Build(f"节点 {name}", knows) for name, knows in connection.execute(_NODES)]
        found += [Build(f"节点 {name}", 0) for (name,) in connection.execute(_NAMELESS)]
    return found


def older_than(connection: Connection[Any], number: int) -> list[str]:
    """Return who was built before a migration, in words; nobody's need keeps it from running."""
    old = {build.who: build.knows for build in builds(connection) if build.knows < number}
    return [f"{who}（迁移 {knows or '未知'}）" for who, knows in sorted(old.items())]
