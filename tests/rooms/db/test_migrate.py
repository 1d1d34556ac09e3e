from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Execute, Urls
from yuejie.db.errors import DatabaseUnavailable, MigrationRefused
from yuejie.db.migrate import FOLDER, migrate, pending, read_all
from yuejie.db.session import Database

A = "0001_pre_create_a"
B = "0002_post_drop_b"
C = "0003_pre_create_c"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three migrations; the second holds a function body, a literal per cent and a comment."""
    (tmp_path / f"{A}.sql").write_text("-- Why: 月结\nCREATE TABLE a (n INT);", encoding="utf-8")
    (tmp_path / f"{B}.sql").write_text(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n  RETURN NULL; -- ; 'not an end\nEND $$;\n"
        "INSERT INTO a VALUES (10 % 4);\nSELECT * FROM a;\n"
    )
    (tmp_path / f"{C}.sql").write_text("CREATE TABLE c (n INT);")
    return tmp_path


def relations(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname <> 'schema_migration'"
        )
        return {name for (name,) in found}


def test_everything_pending_is_applied_once_and_in_order(blank: Urls, folder: Path) -> None:
    assert pending(blank.owner, folder=folder) == [A, B, C]
    assert migrate(blank.owner, folder=folder) == [A, B, C]
    assert pending(blank.owner, folder=folder) == []
    assert migrate(blank.owner, folder=folder) == []
    assert relations(blank.owner) == {"a", "c"}


def test_it_stops_where_it_is_told(blank: Urls, folder: Path) -> None:
    assert migrate(blank.owner, folder=folder, before_code_only=True) == [A]
    assert migrate(blank.owner, folder=folder, until=B) == [B]
    assert pending(blank.owner, folder=folder) == [C]


def test_many_at_once_apply_each_once(blank: Urls, folder: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(migrate, blank.owner, folder=folder) for _ in range(4)]
        applied = sorted((run.result() for run in runs), key=len)
    assert applied == [[], [], [], [A, B, C]]


def test_a_failing_migration_leaves_nothing_and_names_the_line(blank: Urls, folder: Path) -> None:
    story = "CREATE TABLE c (n INT);\n\nDROP TABLE nowhere_at_all, a;\nSELECT 1 FROM"
    (folder / f"{C}.sql").write_text(story)
    with pytest.raises(MigrationRefused, match=rf"{C}第 4 行失败，没有留下任何改动"):
        migrate(blank.owner, folder=folder)
    assert relations(blank.owner) == {"a"}
    (folder / f"{C}.sql").write_text("CREATE TABLE c (n INT); DROP TABLE nowhere;")
    with pytest.raises(MigrationRefused, match=rf"{C}失败，没有留下任何改动"):
        migrate(blank.owner, folder=folder)
    assert relations(blank.owner) == {"a"}
    assert pending(blank.owner, folder=folder) == [C]


def test_waiting_too_long_for_a_table_is_a_refusal(
    blank: Urls, folder: Path, execute: Execute
) -> None:
    migrate(blank.owner, folder=folder, until=A)
    (folder / f"{B}.sql").write_text("SET LOCAL lock_timeout = '20ms'; DROP TABLE a;")
    execute("BEGIN; LOCK TABLE a")
    with pytest.raises(MigrationRefused, match="lock timeout"):
        migrate(blank.owner, folder=folder)
    execute("ROLLBACK")


def test_a_connection_lost_in_the_middle_leaves_nothing(blank: Urls, folder: Path) -> None:
    story = "CREATE TABLE c (n INT); SELECT pg_terminate_backend(pg_backend_pid());"
    (folder / f"{C}.sql").write_text(story)
    with pytest.raises(DatabaseUnavailable, match="请重新执行"):
        migrate(blank.owner, folder=folder)
    assert relations(blank.owner) == {"a"}
    assert pending(blank.owner, folder=folder) == [C]


def test_a_migration_that_commits_by_itself_is_refused(blank: Urls, folder: Path) -> None:
    (folder / f"{C}.sql").write_text("CREATE TABLE c (n INT); COMMIT;")
    with pytest.raises(MigrationRefused, match="自己提交了事务"):
        migrate(blank.owner, folder=folder)


def test_an_applied_file_is_never_edited(blank: Urls, folder: Path) -> None:
    migrate(blank.owner, folder=folder)
    (folder / f"{B}.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationRefused, match=f"{B} 应用之后文件被改过"):
        migrate(blank.owner, folder=folder)


def test_a_number_is_never_used_behind_a_later_one(blank: Urls, folder: Path) -> None:
    migrate(blank.owner, folder=folder)
    (folder / "0004_pre_create_e.sql").write_text("CREATE TABLE e (n INT);")
    migrate(blank.owner, folder=folder)
    (folder / f"{C}.sql").unlink()
    (folder / "0003_pre_create_d.sql").write_text("CREATE TABLE d (n INT);")
    with pytest.raises(MigrationRefused, match="0003_pre_create_d 的编号早于"):
        migrate(blank.owner, folder=folder)


def test_a_newer_database_is_no_news(blank: Urls, folder: Path) -> None:
    migrate(blank.owner, folder=folder)
    (folder / f"{C}.sql").unlink()
    assert migrate(blank.owner, folder=folder) == []


def test_two_files_never_share_a_number(folder: Path) -> None:
    (folder / "0003_post_create_d.sql").touch()
    with pytest.raises(MigrationRefused, match="编号相同"):
        read_all(folder)


@pytest.mark.parametrize(
    "name", ["4_pre_create_d", "0004_create_d", "0004_pre_d", "0004_pre_Make_d"]
)
def test_a_name_tells_number_phase_verb_and_object(folder: Path, name: str) -> None:
    (folder / f"{name}.sql").touch()
    with pytest.raises(MigrationRefused, match="不合规"):
        read_all(folder)


def rehearse(urls: Urls, folder: Path) -> Iterator[str]:
    """Apply each migration between its two assertions, and yield its name."""
    for migration in read_all(folder):
        with psycopg.connect(urls.owner, autocommit=True) as connection:
            for moment in ("before", "after"):
                story = folder / f"{migration.name}.{moment}.sql"
                if story.exists():
                    connection.execute(story.read_bytes())
                if moment == "before":
                    migrate(urls.owner, folder=folder, until=migration.name)
        yield migration.name


def test_assertions_beside_a_migration_hold_around_it(blank: Urls, folder: Path) -> None:
    (folder / f"{B}.before.sql").write_text("INSERT INTO a VALUES (7);")
    (folder / f"{B}.after.sql").write_text(
        "DO $$ BEGIN ASSERT (SELECT sum(n) FROM a) = 9, 'seven and two'; END $$;"
    )
    (folder / f"{C}.after.sql").write_text(
        "DO $$ BEGIN ASSERT (SELECT count(*) FROM c) = 1, 'c has a row'; END $$;"
    )
    story = rehearse(blank, folder)
    assert [next(story), next(story)] == [A, B]
    with pytest.raises(psycopg.errors.AssertFailure, match="c has a row"):
        next(story)


def test_our_own_migrations_keep_their_word(blank: Urls) -> None:
    names = list(rehearse(blank, FOLDER))
    assert names == [migration.name for migration in read_all(FOLDER)]
    assert pending(blank.owner) == []


def test_the_application_reads_what_is_pending_and_changes_no_table(database_url: str) -> None:
    assert pending(database_url) == []
    with (
        Database.open(database_url) as db,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        db.begin() as tx,
    ):
        tx.run("CREATE TABLE mine (n INT)")


def test_an_account_that_may_change_no_table_is_told(database_url: str) -> None:
    with pytest.raises(MigrationRefused, match="没有改表结构的权限，迁移没有执行"):
        migrate(database_url)
