"""Several servers of one house: a primary, its synchronous standby, and who takes over.

Built with PostgreSQL's own tools, as an operator does: pg_basebackup, a slot, standby.signal.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.postgres import open_folder
from yuejie.db.backup.tools import Tools, address, environment
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.process import COMMON, DURABLE, PidFile
from yuejie.db.programs import Identity
from yuejie.db.roles import NAMES, Role, read_passwords

MAJOR = 16
NAME = "standby"
KEPT = "2GB"


@dataclass
class Server:
    """One server of the house, which a test starts and kills itself."""

    home: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def socket(self) -> Path:
        return self.home / "run"

    def start(self) -> None:
        identity = Identity.choose("nobody", self.data)
        self.socket.mkdir(exist_ok=True)
        identity.own(self.socket)
        settings = COMMON | DURABLE | {"unix_socket_directories": str(self.socket)}
        pairs = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [Tools.of(MAJOR).bin / "postgres", "-D", str(self.data), *pairs],
                stdout=log,
                stderr=log,
                **identity.options,
            )
        deadline = time.monotonic() + 30
        while PidFile.read(self.data).status not in {"ready", "standby"}:
            assert self.process.poll() is None, (self.home / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def url(self, role: Role = "app", *, database: str = "yuejie") -> str:
        return url_of([self], role, database=database)

    def tell(self, statement: str) -> None:
        with psycopg.connect(self.url("superuser"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def kill(self) -> None:
        """Kill -9, with every session; fenced: nobody starts it again."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def standby(self, home: Path) -> "Server":
        """Make a synchronous standby of this server, and wait until it is one."""
        home.mkdir(mode=0o711)
        shutil.copy(self.home / "secrets.json", home / "secrets.json")
        # pg_rewind reads the log back to the last checkpoint that both servers have, and first
        # starts a server of its own, which knows the settings that are in the data folder only.
        self.tell(f"ALTER SYSTEM SET wal_keep_size = '{KEPT}'")
        self.tell("SELECT pg_reload_conf()")
        self.keep_log_for(home.name)
        url = self.url("superuser")
        subprocess.run(
            [
                Tools.of(MAJOR).bin / "pg_basebackup",
                f"--dbname={address(url)} application_name={NAME}",
                f"--pgdata={home / 'data'}",
                "--checkpoint=fast",
                "--write-recovery-conf",
                f"--slot={home.name}",
            ],
            env=environment(url),
            check=True,
        )
        other = Server(home)
        other._follow(self)
        return other

    def rejoin(self, other: "Server") -> None:
        """Become the standby of who was promoted instead, from where the two parted."""
        other.tell("CHECKPOINT")  # from now on its control file knows its new timeline
        other.keep_log_for(self.home.name)
        identity, url = Identity.choose("nobody", self.data), other.url("superuser")
        command = [
            str(Tools.of(MAJOR).bin / "pg_rewind"),
            f"--target-pgdata={self.data}",
            f"--source-server={address(url)}",
        ]
        deadline = time.monotonic() + 30
        while True:
            told = {**identity.options, "env": environment(url)}
            done = subprocess.run(command, capture_output=True, text=True, check=False, **told)
            if done.returncode == 0:
                break
            # Sessions of a killed server keep its memory for a moment.
            assert time.monotonic() < deadline, done.stderr[-2000:]
            time.sleep(0.5)
        (self.data / "standby.signal").touch()
        self._follow(other)

    def keep_log_for(self, standby: str) -> None:
        """Keep what a standby has not heard yet; a slot of its name may be there already."""
        with psycopg.connect(self.url("superuser"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_create_physical_replication_slot(%(name)s) WHERE NOT EXISTS"
                " (SELECT FROM pg_replication_slots WHERE slot_name = %(name)s)",
                {"name": standby},
            )

    def _follow(self, primary: "Server") -> None:
        """Start as the standby of a primary, which from then on waits for it."""
        password = environment(primary.url("superuser"))["PGPASSWORD"]
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write(
                f"primary_conninfo = 'host={primary.socket} user=postgres password={password}"
                f" application_name={NAME}'\nprimary_slot_name = '{self.home.name}'\n"
                f"synchronous_standby_names = ''\n"
            )
        identity = Identity.choose("nobody", primary.data)
        for path in (self.data, *self.data.rglob("*")):
            identity.own(path)
        self.start()
        primary.tell(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")
        primary.tell("SELECT pg_reload_conf()")
        primary.await_sync()

    def promote(self) -> None:
        self.tell("SELECT pg_promote(wait := true)")

    def await_sync(self) -> None:
        deadline = time.monotonic() + 30
        asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        with psycopg.connect(self.url("superuser"), autocommit=True) as connection:
            while connection.execute(asked).fetchone() != (1,):
                assert time.monotonic() < deadline, "the standby does not become synchronous"
                time.sleep(0.02)


def url_of(servers: list[Server], role: Role = "app", *, database: str = "yuejie") -> str:
    """The address of a house of several servers, as an operator writes it."""
    password = read_passwords(servers[0].home / "secrets.json")[role]
    hosts = quote(",".join(str(server.socket) for server in servers), safe="")
    ports = ",".join("5432" for _ in servers)
    return f"postgresql://{NAMES[role]}:{password}@/{database}?host={hosts}&port={ports}"


@contextmanager
def primary() -> Iterator[Server]:
    """A primary without a standby, and a folder beside it for standbys."""
    with open_folder() as root:
        home = root / "one"
        with EmbeddedPostgres(home, major=MAJOR):
            pass
        shutil.rmtree(home / "run", ignore_errors=True)
        server = Server(home)
        server.start()
        try:
            yield server
        finally:
            server.kill()
