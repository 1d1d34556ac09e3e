"""Two servers: one that writes, and a streaming replica of it that can be promoted."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from yuejie.db.embedded import ANNEX, EmbeddedPostgres
from yuejie.db.process import PidFile
from yuejie.db.programs import Identity, programs_for, wheel_folder
from yuejie.db.roles import DATABASE, NAMES, Role, read_passwords

QUIET = ("listen_addresses=", "fsync=off", "shared_buffers=32MB", "max_connections=60")


@dataclass
class Pair:
    """A primary, its replica, and the address that finds whichever writes."""

    primary: EmbeddedPostgres
    home: Path
    process: "subprocess.Popen[bytes]"
    socket: Path

    def url(self, role: Role = "app") -> str:
        """Return an address with both hosts."""
        first = PidFile.read(self.home / "one" / "data").socket or str(self.home / "one" / "run")
        hosts = quote(f"{first},{self.socket}", safe="")
        return (
            f"postgresql://{NAMES[role]}:{self._password(role)}@/{DATABASE}"
            f"?host={hosts}&target_session_attrs=read-write"
        )

    def fall_behind(self) -> None:
        """Let the replica hear nothing more of what the primary writes."""
        with self._replica() as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
            _until(connection, "SELECT count(*) = 0 FROM pg_stat_wal_receiver")

    def catch_up(self) -> None:
        """Wait until the replica has replayed what the primary has written."""
        with psycopg.connect(self.primary.url("superuser"), autocommit=True) as connection:
            _until(
                connection,
                "SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication",
            )

    def promote(self) -> None:
        """Let the replica write from now on."""
        with self._replica() as connection:
            connection.execute("SELECT pg_promote()")
            _until(connection, "SELECT NOT pg_is_in_recovery()")

    def _replica(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self.socket),
            user=NAMES["superuser"],
            password=self._password("superuser"),
            dbname="postgres",
            autocommit=True,
        )

    def _password(self, role: Role) -> str:
        return read_passwords(self.home / "one" / "secrets.json")[role]


def _until(connection: "psycopg.Connection[tuple[object, ...]]", question: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = connection.execute(question.encode()).fetchone()
        if found is not None and found[0]:
            return
        time.sleep(0.02)
    raise AssertionError(question)


@contextmanager
def replicated(home: Path) -> Iterator[Pair]:
    """Run both for the length of a block."""
    with EmbeddedPostgres(home / "one") as primary:
        data = home / "two" / "data"
        identity = Identity.choose("nobody", data)
        programs = programs_for(identity, wheel_folder(), ANNEX)
        socket = home / "two" / "run"
        for folder in (home / "two", socket):
            folder.mkdir(mode=0o711)
            identity.own(folder)
        source = primary.url("superuser", "postgres")
        basebackup = [str(programs.root / "bin" / "pg_basebackup"), "-D", str(data), "-d", source]
        subprocess.run([*basebackup, "-R", "-c", "fast"], check=True, **identity.options)
        settings = [part for each in QUIET for part in ("-c", each)]
        command = [str(programs.postgres), "-D", str(data), *settings]
        process = subprocess.Popen(
            [*command, "-c", f"unix_socket_directories={socket}"],
            stderr=subprocess.DEVNULL,
            **identity.options,
        )
        pair = Pair(primary, home, process, socket)
        try:
            _await_replica(pair)
            yield pair
        finally:
            process.terminate()
            process.wait(30)


def _await_replica(pair: Pair) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with pair._replica():  # noqa: SLF001 - of this file
                return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("the replica does not start")
