"""An old house under a new PostgreSQL and a new release: every row the same, every seal intact.

`old/house_0012.sql.xz` is a house as migration 0012 left it, made by the code of its day: three
customers with 720 calls in three months, billed, issued and sealed, two of them paid.
"""

import lzma
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Execute, Urls, open_folder
from yuejie.app import ledger_checks
from yuejie.assurance.prove import prove_month
from yuejie.db.backup.tools import Tools, address, environment
from yuejie.db.dump import dump
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate, pending
from yuejie.db.session import Database
from yuejie.db.upkeep.fingerprint import columns, compare, fingerprint
from yuejie.db.upkeep.majors import data_major, upgrade
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger

OLD = Path(__file__).parent / "old" / "house_0012.sql.xz"
SCHEMA = Path(__file__).parents[3] / "src" / "yuejie" / "db" / "schema.sql"
MONTHS = [BillingMonth.parse(f"2026-0{month}") for month in (6, 7, 8)]


@pytest.fixture(scope="module")
def old_home() -> Iterator[Path]:
    """A home of PostgreSQL 16 with the old house in it, as an old release left it."""
    with open_folder() as home:
        with EmbeddedPostgres(home, major=16, fast=True) as server:
            url = server.url("superuser")
            subprocess.run(
                [
                    Tools.of(16).bin / "psql",
                    "-qX1",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-o",
                    "/dev/null",
                    "-d",
                    address(url),
                ],
                input=lzma.decompress(OLD.read_bytes()),
                env=environment(url),
                check=True,
            )
        yield home


def test_a_changed_row_and_a_missing_one_are_seen(blank: Urls, execute: Execute) -> None:
    execute("CREATE TABLE a (n INT, t TEXT); INSERT INTO a VALUES (1, 'x'), (2, NULL);")
    execute("CREATE TABLE b (n BIGINT GENERATED ALWAYS AS IDENTITY)")
    before = fingerprint(blank.owner)
    execute("UPDATE a SET n = 2 WHERE n = 1; UPDATE a SET n = 1 WHERE t IS NULL")
    assert compare(before, fingerprint(blank.owner)) == ["a 的内容不同"]
    execute("UPDATE a SET n = 3 - n")
    assert compare(before, fingerprint(blank.owner)) == []
    execute("INSERT INTO b DEFAULT VALUES; DELETE FROM b; DELETE FROM a WHERE n = 1; DROP TABLE b")
    assert compare(before, fingerprint(blank.owner)) == [
        "缺少表 b",
        "缺少表 b_n_seq",
        "a 原有 2 行，现有 1 行",
    ]


def test_an_upgrade_that_makes_no_sense_is_refused(old_home: Path) -> None:
    with pytest.raises(Invalid, match="没有 PostgreSQL 15 的程序"):
        upgrade(old_home, 15, progress=lambda _: None)
    with pytest.raises(Invalid, match="已是 PostgreSQL 16"):
        upgrade(old_home, 16, progress=lambda _: None)
    (old_home / "data.16").mkdir()
    with pytest.raises(Conflict, match="上一次升级"):
        upgrade(old_home, 18, progress=lambda _: None)
    (old_home / "data.16").rmdir()
    (old_home / "nothing").mkdir()
    with pytest.raises(Invalid, match="没有数据库"):
        upgrade(old_home / "nothing", 18, progress=lambda _: None)


def test_an_old_house_moves_to_a_new_postgresql_and_a_new_release(old_home: Path) -> None:
    with EmbeddedPostgres(old_home, fast=True) as server:
        before, named = fingerprint(server.url("superuser")), columns(server.url("superuser"))
    assert sum(each.rows for each in before.values()) > 1_000

    done = upgrade(old_home, 18, progress=lambda _: None)
    assert (done.was, done.became, data_major(old_home)) == (16, 18, 18)
    assert (done.kept / "PG_VERSION").read_text().strip() == "16"

    with EmbeddedPostgres(old_home, fast=True) as server:
        owner = server.url("superuser")
        assert compare(before, fingerprint(owner)) == []
        named.pop("schema_migration")
        then = fingerprint(owner, only=named)
        migrate(server.url("owner"))
        assert pending(server.url("owner")) == []
        assert compare(then, fingerprint(owner, only=named)) == []
        assert _without_months(dump(server.url("owner"))) == SCHEMA.read_text(encoding="utf-8")
        with Database.open(server.url("app")) as db:
            _books_and_seals_hold(db)


def _without_months(schema: str) -> str:
    """Leave out what the house itself added: a partition for each month of events."""
    return re.sub(r"CREATE TABLE usage_event_\d{6} [^;]*;\n\n", "", schema)


def _books_and_seals_hold(db: Database) -> None:
    assert all(each.holds for each in check_ledger(db, ledger_checks()))
    proofs = [proof for month in MONTHS for proof in prove_month(db, month)]
    assert len(proofs) == 9
    assert sum(proof.events for proof in proofs) >= 720
    assert [each for proof in proofs for each in proof.differences] == []
