"""A server that people may treat badly: killed, started twice, as root, in odd places."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from tests.postgres import open_folder
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import AlreadyRunning, EmbeddedUnavailable
from yuejie.db.process import STOP_SECONDS
from yuejie.db.programs import wheel_folder


@pytest.fixture
def home() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "postgres"


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(question.encode()).fetchone()
    assert found is not None
    return found[0]


def wait_until(done: Callable[[], bool], seconds: int = STOP_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def tell(url: str, order: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(order.encode())


def gone(pid: int) -> bool:
    """Nothing runs under this number; a container may keep the name of its dead for ever."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return True


# -- what it is ------------------------------------------------------------------------------------


def test_a_durable_server_is_set_up_to_keep_what_it_promised(home: Path) -> None:
    told: list[str] = []
    with EmbeddedPostgres(home, progress=told.append) as server:
        expected = {
            "server_version_num": "16",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "wal_compression": "pglz",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
        }
        shown = {name: str(ask(server.url("owner"), f"SHOW {name}")) for name in expected}
        collation = ask(server.url(), "SELECT datcollate FROM pg_database WHERE datname = 'yuejie'")
        assert shown | {"server_version_num": shown["server_version_num"][:2]} == expected
        assert collation == "C"
        assert server.alive
    assert told == ["正在创建数据库（首次启动）"]
    assert not server.alive


def test_it_never_runs_as_root_and_its_places_are_private(postgres: EmbeddedPostgres) -> None:
    socket = psycopg.conninfo.conninfo_to_dict(postgres.url())["host"]
    secrets = postgres.log.with_name("secrets.json")
    assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0
    assert Path(str(socket)).stat().st_mode & 0o777 == 0o700
    assert (postgres.log.parent / "data").stat().st_mode & 0o777 == 0o700
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert postgres.log.stat().st_mode & 0o777 == 0o600
    environment = Path(f"/proc/{postgres.pid}/environ").read_bytes().split(b"\0")
    assert {entry.partition(b"=")[0] for entry in environment} <= {
        b"PATH",
        b"LC_ALL",
        b"TZ",
        b"PG_GRANDPARENT_PID",
        b"",
    }


@pytest.mark.parametrize("role", ["postgres", "yuejie_owner", "yuejie_app"])
def test_nobody_is_trusted(postgres: EmbeddedPostgres, role: str) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(postgres.url())
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(host=str(parts["host"]), user=role, dbname="yuejie")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(parts["host"]), user=role, dbname="yuejie", password="guess")


def test_the_owner_owns_and_the_application_is_a_guest(postgres: EmbeddedPostgres) -> None:
    powers = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = user"
    assert (ask(postgres.url("owner"), powers), ask(postgres.url("app"), powers)) == (False, False)
    owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'yuejie'"
    assert ask(postgres.url("app"), owner) == "yuejie_owner"
    log = postgres.log.read_text()
    passwords = json.loads(postgres.log.with_name("secrets.json").read_text()).values()
    assert len(set(passwords)) == 3
    assert not any(password in log for password in passwords)


# -- starting and stopping -------------------------------------------------------------------------


def test_data_and_passwords_survive_a_restart(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        before = server.url("owner")
        tell(before, "CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    with server:
        assert server.url("owner") == before
        assert ask(server.url("owner"), "SELECT n FROM kept") == 7


def test_a_second_start_says_that_it_runs(home: Path) -> None:
    with EmbeddedPostgres(home, fast=True) as server:
        with pytest.raises(AlreadyRunning, match="已在运行"):
            EmbeddedPostgres(home, fast=True).start()
        assert ask(EmbeddedPostgres(home).url(), "SELECT 1") == 1
        assert server.alive


def test_an_address_of_a_stopped_server_is_refused(home: Path) -> None:
    with pytest.raises(EmbeddedUnavailable, match="没有运行"):
        EmbeddedPostgres(home).url()


def test_a_home_whose_making_was_cut_short_is_made_again(home: Path) -> None:
    (home / "data.incoming" / "base").mkdir(parents=True)
    home.chmod(0o711)
    with EmbeddedPostgres(home, fast=True) as server:
        assert ask(server.url(), "SELECT 1") == 1
    assert not (home / "data.incoming").exists()


def test_a_home_too_long_for_a_socket_gets_one_elsewhere(home: Path) -> None:
    deep = home / ("很深" * 12) / ("x" * 40)
    with EmbeddedPostgres(deep, fast=True) as server:
        socket = Path(str(psycopg.conninfo.conninfo_to_dict(server.url())["host"]))
        assert ask(server.url(), "SELECT 1") == 1
        assert deep not in socket.parents
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not socket.exists()


def test_a_slow_start_is_not_silent(home: Path) -> None:
    """Recovery may take minutes; here a slow program stands in for it."""
    slow = home.parent / "wheel" / "pginstall" / "bin"
    slow.mkdir(parents=True)
    real = wheel_folder() / "pginstall" / "bin"
    for folder in (slow, *slow.parents[:2]):
        folder.chmod(0o755)
    (slow / "initdb").symlink_to(real / "initdb")
    (slow / "postgres").write_text(
        "#!/bin/sh\n"
        'if [ "$1" = -D ]; then echo "LOG:  redo in progress"; sleep 2.5; fi\n'
        f'exec {real}/postgres "$@"\n'
    )
    (slow / "postgres").chmod(0o755)
    told: list[str] = []
    with EmbeddedPostgres(home, fast=True, wheel=slow.parents[1], progress=told.append) as server:
        assert ask(server.url(), "SELECT 1") == 1
    assert told[1:] == ["数据库正在恢复，已用 2 秒：LOG:  redo in progress"]


# -- crashes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [True, False])
def test_what_was_committed_survives_kill_9(home: Path, *, fast: bool) -> None:
    with EmbeddedPostgres(home, fast=fast) as server:
        tell(server.url("owner"), "CREATE TABLE kept (n INT)")
        with closing(psycopg.connect(server.url("owner"))) as connection:
            connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
            connection.commit()
            connection.execute("INSERT INTO kept VALUES (-1)")
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda: not server.alive)
            server.stop()
            server.start()
        assert ask(server.url("owner"), "SELECT count(*) FROM kept") == 1000
        assert "automatic recovery in progress" in server.log.read_text()


def test_a_crash_of_a_session_is_the_servers_own_business(home: Path) -> None:
    with EmbeddedPostgres(home, fast=True) as server:
        with psycopg.connect(server.url("owner")) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        wait_until(lambda: "reinitializing" in server.log.read_text())
        wait_until(lambda: server.log.read_text().count("ready to accept connections") == 2)
        assert ask(server.url("owner"), "SELECT 1") == 1


PARENT = """
import sys, time
from pathlib import Path
from yuejie.db.embedded import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]), fast=True)
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


def test_it_dies_with_its_parent_and_can_be_started_again(home: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    tell(EmbeddedPostgres(home).url("owner"), "CREATE TABLE kept AS SELECT 7 AS n")
    parent.kill()
    parent.wait()
    with EmbeddedPostgres(home, fast=True) as server:
        assert gone(pid)
        assert server.pid != pid
        assert ask(server.url("owner"), "SELECT n FROM kept") == 7
        assert "received fast shutdown request" in server.log.read_text()


def test_it_outlives_the_thread_that_started_it(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    with ExitStack() as at_the_end:
        at_the_end.callback(server.stop)
        time.sleep(0.3)
        assert server.alive
        assert ask(server.url(), "SELECT 1") == 1


def test_a_record_of_a_dead_server_whose_number_is_taken_is_forgotten(home: Path) -> None:
    """In a container the same small numbers come back after each start."""
    with EmbeddedPostgres(home, fast=True) as server:
        record = (home / "data" / "postmaster.pid").read_text()
    for pid in (os.getpid(), 2**22 + 1):
        stale = record.replace(record.split("\n")[0], str(pid), 1)
        (home / "data" / "postmaster.pid").write_text(stale)
        with server:
            assert ask(server.url(), "SELECT 1") == 1


# -- bad news, each one sentence -------------------------------------------------------------------


def test_a_broken_data_folder_says_what_the_server_said_and_lets_go(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        pass
    settings = home / "data" / "postgresql.auto.conf"
    good = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedUnavailable, match=r"启动失败.*server\.log"):
        server.start()
    settings.write_text(good)
    with server:
        assert server.alive


def test_lost_passwords_are_asked_for(home: Path) -> None:
    server = EmbeddedPostgres(home, fast=True)
    with server:
        pass
    (home / "secrets.json").unlink()
    with pytest.raises(EmbeddedUnavailable, match="缺少数据库口令文件"):
        server.start()


def test_data_that_is_elsewhere_and_gone_is_not_made_anew(home: Path) -> None:
    home.mkdir()
    (home / "data").symlink_to(home.parent / "annex" / "data")
    with pytest.raises(EmbeddedUnavailable, match=r"annex/data 不存在"):
        EmbeddedPostgres(home).start()


def test_data_of_another_version_is_left_alone(home: Path) -> None:
    with EmbeddedPostgres(home, fast=True, major=16):
        pass
    with pytest.raises(
        EmbeddedUnavailable, match=r"属于 PostgreSQL 16，本程序使用 18.*database upgrade"
    ):
        EmbeddedPostgres(home, fast=True, major=18).start()


def test_a_home_that_cannot_be_made_is_named(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(EmbeddedUnavailable, match=str(home)):
        EmbeddedPostgres(home).start()


def test_a_folder_where_no_database_can_be_made_is_named(home: Path) -> None:
    """initdb finds somebody else's file in the place of its own."""
    wheel = home.parent / "wheel"
    programs = wheel / "pginstall" / "bin"
    programs.mkdir(parents=True)
    for folder in (programs, *programs.parents[:2]):
        folder.chmod(0o755)
    for name in ("initdb", "postgres"):
        (programs / name).write_text(
            '#!/bin/sh\n[ "$1" = --version ] || { echo "initdb: error: no space" >&2; exit 1; }\n'
        )
        (programs / name).chmod(0o755)
    with pytest.raises(EmbeddedUnavailable, match=r"无法在.*initdb: error: no space"):
        EmbeddedPostgres(home, wheel=wheel).start()
