from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier
from types import SimpleNamespace
from typing import Any, LiteralString, cast

import psycopg
import pytest

from tests.postgres import Execute, Urls, open_folder
from yuejie.db import session
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import (
    CommitUncertain,
    DatabaseBusy,
    DatabaseUnavailable,
    OutOfRange,
    SerializationConflict,
    translate,
)
from yuejie.db.session import Database, Tx, retrying
from yuejie.db.upkeep.pace import pace_of


@pytest.fixture(autouse=True)
def table(execute: Execute) -> None:
    execute("CREATE TABLE tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL)")
    execute("INSERT INTO tally VALUES ('a', 0), ('b', 0)")


def do(db: Database, *statements: LiteralString) -> None:
    with db.begin() as tx:
        for statement in statements:
            tx.run(statement)


def total(db: Database) -> int:
    with db.read() as tx:
        found: int = tx.value("SELECT sum(n) FROM tally")
    return found


def test_what_a_deed_did_is_there_after_it(owner: Database) -> None:
    with owner.begin() as tx:
        tx.run("UPDATE tally SET n = 1")
    assert total(owner) == 2


def test_a_deed_that_raises_leaves_nothing(owner: Database) -> None:
    def deed() -> None:
        with owner.begin() as tx:
            tx.run("UPDATE tally SET n = 1")
            raise KeyError

    with pytest.raises(KeyError):
        deed()
    assert total(owner) == 0


def test_a_bug_in_sql_stays_what_it_is(owner: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        do(owner, "UPDATE tally SET n = 1", "DELETE FROM nowhere")
    assert total(owner) == 0


def test_reading_cannot_write_and_the_next_deed_can(blank: Urls) -> None:
    with Database.open(blank.owner, size=1) as db:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), db.read(consistent=True) as tx:
            tx.run("UPDATE tally SET n = 1")
        with db.begin() as tx:
            tx.run("UPDATE tally SET n = 1")
            assert tx.value("SHOW transaction_isolation") == "read committed"


def test_what_is_read_again_and_again_is_planned_for_its_own_values(blank: Urls) -> None:
    """A plan for any customer and any month is a bad one for the largest."""
    with Database.open(blank.app, size=1, name="test") as db:
        for _ in range(10):
            with db.read(consistent=True) as tx:
                tx.value("SELECT 7 + %(more)s::bigint", more=1)
        with db.read() as tx:
            asked = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 7 %%'"
            assert tx.value(asked) == 0


def test_a_read_that_fails_leaves_the_connection_to_the_next(blank: Urls) -> None:
    with Database.open(blank.app, size=1, name="test") as db:
        with pytest.raises(psycopg.errors.DivisionByZero), db.read() as tx:
            tx.value("SELECT 1 / 0")
        with db.begin() as tx:
            assert tx.value("SELECT 1") == 1


def test_a_consistent_read_sees_one_moment(owner: Database) -> None:
    with owner.read(consistent=True) as steady, owner.read() as fleeting:
        assert (steady.value("SELECT sum(n) FROM tally"), fleeting.value("SELECT 0")) == (0, 0)
        with owner.begin() as tx:
            tx.run("UPDATE tally SET n = 1")
        assert steady.value("SELECT sum(n) FROM tally") == 0
        assert fleeting.value("SELECT sum(n) FROM tally") == 2


def test_every_session_has_limits_and_utc(blank: Urls) -> None:
    with Database.open(blank.owner, name="clerk", statement_seconds=7) as db, db.read() as tx:
        assert tx.value("SHOW statement_timeout") == "7s"
        assert tx.value("SHOW lock_timeout") == "30s"
        assert tx.value("SHOW idle_in_transaction_session_timeout") == "5min"
        assert tx.value("SHOW TimeZone") == "UTC"
        assert tx.value("SHOW application_name") == "clerk"


def test_a_statement_that_takes_too_long_is_stopped(blank: Urls) -> None:
    with (
        Database.open(blank.owner, statement_seconds=1) as db,
        pytest.raises(DatabaseBusy, match="超时"),
        db.begin() as tx,
    ):
        tx.run("SELECT pg_sleep(60)")


def test_waiting_for_a_lock_ends(owner: Database, blank: Urls) -> None:
    with Database.open(blank.owner, size=1) as hasty:
        do(hasty, "SET lock_timeout = '20ms'")
        with owner.begin() as holder:
            holder.lock_exclusive("epoch")
            with pytest.raises(DatabaseBusy, match="锁"), hasty.begin() as tx:
                tx.lock_shared("epoch")


def test_what_a_node_held_when_its_wire_was_cut_is_free_before_others_give_up(
    owner: Database, blank: Urls
) -> None:
    """
    A node is cut off in the middle of a deed. Its session lives on at the server, silent and with
    its locks; who waits for them gets them, and what was half done is not there.
    """

    def held_too_long(deed: LiteralString | None) -> None:
        with cut_off.begin() as silent:
            silent.run("UPDATE tally SET n = 7")
            do(owner, "UPDATE tally SET n = n + 1")
            if deed is not None:
                silent.run(deed)

    with Database.open(blank.owner, size=1, idle_seconds=1) as cut_off:
        with pytest.raises(DatabaseUnavailable, match="本次未生效"):
            held_too_long("SELECT 1")
        with pytest.raises(DatabaseUnavailable, match="本次未生效"):
            held_too_long(None)  # it is certain that the commit did nothing
    assert total(owner) == 4


def test_nodes_are_given_up_sooner_than_anybody_waits_for_a_lock() -> None:
    for process in ("gateway", "intake"):
        assert pace_of(process).idle_seconds < session.LOCK_SECONDS


def test_a_pool_at_work_says_busy_and_not_gone(blank: Urls) -> None:
    with (
        Database.open(blank.owner, size=1) as db,
        db.begin(),
        pytest.raises(DatabaseBusy, match="使用中"),
        db.begin(),
    ):
        pytest.fail("a pool whose every connection is at work lent one")


def test_a_closed_pool_says_so(blank: Urls) -> None:
    db = Database.open(blank.owner)
    db.close()
    with pytest.raises(DatabaseUnavailable, match="已关闭"), db.begin():
        pytest.fail("a closed pool lent a connection")


def test_a_connection_lost_in_the_middle_leaves_nothing(owner: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="未生效"):
        do(owner, "UPDATE tally SET n = 1", "SELECT pg_terminate_backend(pg_backend_pid())")
    assert total(owner) == 0


def test_a_connection_lost_in_reading_is_replaced(owner: Database) -> None:
    with pytest.raises(DatabaseUnavailable), owner.read() as tx:
        tx.run("SELECT pg_terminate_backend(pg_backend_pid())")
    assert total(owner) == 0


def test_a_connection_lost_while_committing_is_uncertain(owner: Database, execute: Execute) -> None:
    execute("""
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER dies AFTER UPDATE ON tally DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION die();
    """)
    with pytest.raises(CommitUncertain, match="无法确定"), owner.begin() as tx:
        tx.run("UPDATE tally SET n = 1 WHERE name = 'a'")


def test_a_commit_that_is_refused_is_a_rollback(owner: Database, execute: Execute) -> None:
    execute("""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.n = 1 THEN RAISE SQLSTATE '40001'; END IF;
            RAISE SQLSTATE '23514';
        END $$;
        CREATE CONSTRAINT TRIGGER refuses AFTER UPDATE ON tally DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse();
    """)
    with pytest.raises(SerializationConflict), owner.begin() as tx:
        tx.run("UPDATE tally SET n = 1")
    with pytest.raises(psycopg.errors.CheckViolation), owner.begin() as tx:
        tx.run("UPDATE tally SET n = 2")
    assert total(owner) == 0


def test_two_deeds_that_block_each_other_both_get_done(owner: Database) -> None:
    both_hold_one = Barrier(2, timeout=30)
    waits = {"ab": True, "ba": True}

    def add(order: str) -> None:
        def deed(tx: Tx) -> None:
            tx.run("UPDATE tally SET n = n + 1 WHERE name = %(name)s", name=order[0])
            if waits.pop(order, False):
                both_hold_one.wait()
            tx.run("UPDATE tally SET n = n + 1 WHERE name = %(name)s", name=order[1])

        retrying(owner, deed)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(add, ["ab", "ba"]))
    assert total(owner) == 4


def test_retrying_gives_up_in_the_end(owner: Database) -> None:
    tries = []

    def deed(tx: Tx) -> None:
        tries.append(1)
        tx.run("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(SerializationConflict, match="重试"):
        retrying(owner, deed, attempts=3)
    assert len(tries) == 3


def test_retrying_returns_what_the_deed_returns(owner: Database) -> None:
    assert retrying(owner, lambda tx: tx.value("SELECT 7")) == 7


@pytest.mark.parametrize(("text", "said"), [("a\0b", "空字符"), ("long", "太长")])
def test_a_text_that_no_column_holds_is_refused_in_a_sentence(
    owner: Database, text: str, said: str
) -> None:
    """The one was an error of ours, the other a lost connection."""
    with owner.begin() as tx:
        tx.run("CREATE TABLE named (name text PRIMARY KEY)")
    if text == "long":
        text = "".join(sha256(bytes([each])).hexdigest() for each in range(256))
    with pytest.raises(OutOfRange, match=said), owner.begin() as tx:
        tx.run("INSERT INTO named VALUES (%(name)s)", name=text)


def test_a_full_disk_says_what_to_do() -> None:
    error = translate(psycopg.errors.DiskFull("could not extend file"))
    assert isinstance(error, DatabaseUnavailable)
    assert "清理磁盘" in str(error)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(DatabaseUnavailable, match="地址格式不对"):
        Database.open("postgres at home")


def test_an_old_server_is_refused() -> None:
    old = SimpleNamespace(
        info=SimpleNamespace(server_version=150_004, parameter_status=lambda _: "15.4")
    )
    with pytest.raises(DatabaseUnavailable, match=r"15\.4.*16 或更高"):
        session._check_version(cast("psycopg.Connection[Any]", old), "books @ db")  # noqa: SLF001


def test_a_server_that_goes_away_and_comes_back() -> None:
    """One sentence says that it is gone, without the password; the pool recovers by itself."""
    with open_folder() as home:
        server = EmbeddedPostgres(home, fast=True)
        server.start()
        url = server.url("owner")
        password = url.split(":")[2].split("@")[0]
        with Database.open(url) as db:
            assert retrying(db, lambda tx: tx.value("SELECT 1")) == 1
            server.stop()
            with pytest.raises(DatabaseUnavailable, match="请确认 PostgreSQL 正在运行") as caught:
                retrying(db, lambda tx: tx.value("SELECT 1"))
            assert password not in str(caught.value)
            with pytest.raises(DatabaseUnavailable) as caught:
                Database.open(url)
            assert password not in str(caught.value)
            server.start()
            assert retrying(db, lambda tx: tx.value("SELECT 2")) == 2
        server.stop()
