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
        self.tell(f"SELECT pg_create_physical_replication_slot('{home.name}')")
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
        password = environment(url)["PGPASSWORD"]
        with (home / "data" / "postgresql.auto.conf").open("a") as file:
            file.write(
                f"primary_conninfo = 'host={self.socket} user=postgres password={password}"
                f" application_name={NAME}'\nsynchronous_standby_names = ''\n"
            )
        identity = Identity.choose("nobody", self.data)
        for path in (home / "data", *(home / "data").rglob("*")):
            identity.own(path)
        other = Server(home)
        other.start()
        self.tell(f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")
        self.tell("SELECT pg_reload_conf()")
        self._await_sync()
        return other

    def promote(self) -> None:
        self.tell("SELECT pg_promote(wait := true)")

    def _await_sync(self) -> None:
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
