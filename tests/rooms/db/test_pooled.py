"""Behind PgBouncer in transaction mode: what a session would keep goes with each transaction."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.house import free_port
from tests.postgres import Urls, open_folder
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import DatabaseBusy, MigrationRefused
from yuejie.db.migrate import migrate
from yuejie.db.programs import Identity
from yuejie.db.session import Database, is_pooled

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
# `make test` installs it first: only a bare pytest on a machine without Debian goes without.
pytestmark = pytest.mark.skipif(
    PGBOUNCER is None,
    reason="No pgbouncer here (tools/pgbouncer.sh installs Debian's): the pooler is not tried.",
)


@pytest.fixture(scope="module")
def pooler(postgres: EmbeddedPostgres) -> Iterator[tuple[int, Path]]:
    """A PgBouncer with two servers for everybody, by transaction."""
    with open_folder() as home:
        port = free_port()
        parts = conninfo_to_dict(postgres.url("app"))
        logins = [conninfo_to_dict(postgres.url(role)) for role in ("app", "owner")]
        users = home / "users.txt"
        users.write_text("".join(f'"{each["user"]}" "{each["password"]}"\n' for each in logins))
        config = home / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={parts['host']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = plain\nauth_file = {users}\n"
            f"pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 100\n"
            f"unix_socket_dir =\nlogfile = {home / 'log'}\n"
        )
        identity = Identity.choose("nobody", home / "nothing")
        for path in (home, users, config):
            identity.own(path)
        with subprocess.Popen(
            [str(PGBOUNCER), str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **identity.options,
        ) as process:
            yield port, home
            process.terminate()


@pytest.fixture
def pooled_urls(pooler: tuple[int, Path], database_urls: Urls) -> Urls:
    owner, app = (_through(url, pooler[0]) for url in (database_urls.owner, database_urls.app))
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(app).close()
            break
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, (pooler[1] / "log").read_text()[-2000:]
            time.sleep(0.05)
    return Urls(owner, app)


def _through(url: str, port: int) -> str:
    parts = conninfo_to_dict(url)
    return f"postgresql://{parts['user']}:{parts['password']}@127.0.0.1:{port}/{parts['dbname']}"


def test_a_pooler_is_known_by_itself(pooled_urls: Urls, database_urls: Urls) -> None:
    with psycopg.connect(pooled_urls.app, autocommit=True) as through:
        assert is_pooled(through)
    with psycopg.connect(database_urls.app, autocommit=True) as straight:
        assert not is_pooled(straight)


def test_settings_go_with_each_transaction_and_stay_with_nobody(pooled_urls: Urls) -> None:
    asked = "SELECT current_setting('statement_timeout') || ' ' || current_setting('TimeZone')"
    with Database.open(pooled_urls.app, statement_seconds=7) as db:
        for _ in range(3):
            with db.begin() as tx:
                assert tx.value(asked) == "7s UTC"
            with db.read(consistent=True) as tx:
                assert tx.value(asked) == "7s UTC"
                assert tx.value("SHOW transaction_isolation") == "repeatable read"
                assert tx.value("SHOW transaction_read_only") == "on"
    with psycopg.connect(pooled_urls.app, autocommit=True) as stranger:
        assert stranger.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_a_slow_statement_still_meets_its_wall(pooled_urls: Urls) -> None:
    with (
        Database.open(pooled_urls.app, statement_seconds=1) as db,
        pytest.raises(DatabaseBusy),
        db.begin() as tx,
    ):
        tx.value("SELECT pg_sleep(5)")


def test_the_same_statement_many_times_over_few_servers(pooled_urls: Urls) -> None:
    """A prepared statement would be looked for on a server that never heard of it."""
    with Database.open(pooled_urls.app, size=8) as db:

        def work(number: int) -> int:
            for _ in range(20):
                with db.begin() as tx:
                    tx.lock_exclusive("test")
                    assert tx.value("SELECT %(n)s::int + 1", n=number) == number + 1
            return number

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(work, range(8))) == list(range(8))


def test_migrations_refuse_a_pooler_unless_nothing_is_pending(
    pooled_urls: Urls, tmp_path: Path
) -> None:
    assert migrate(pooled_urls.owner) == []
    (tmp_path / "9999_pre_create_nothing.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationRefused, match="YUEJIE_DATABASE_DIRECT_URL"):
        migrate(pooled_urls.owner, folder=tmp_path)
