"""Two servers of PostgreSQL: one writes, the other is its synchronous standby, and they swap."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.standbys import MAJOR, Server, url_of
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.roles import Role


@dataclass
class Servers:
    """Both servers; which of them writes, whoever asks finds by an address of both."""

    writer: Server
    standby: Server

    def __post_init__(self) -> None:
        """Remember them in an order that no promotion changes."""
        self.places = (self.writer, self.standby)

    def url(self, role: Role = "app") -> str:
        """Return the address of both, for a process of this machine."""
        return url_of(list(self.places), role)

    @property
    def sockets(self) -> tuple[str, ...]:
        """Return where each listens."""
        return tuple(f"{server.socket}/.s.PGSQL.5432" for server in self.places)

    def fail_over(self) -> None:
        """Kill -9 the one that writes, with every session, and promote the other."""
        self.writer.kill()
        self.standby.promote()
        self.writer, self.standby = self.standby, self.writer

    def rejoin(self) -> None:
        """Rewind the one that was killed, and let it follow the one that was promoted."""
        self.standby.rejoin(self.writer)


@contextmanager
def two_servers(folder: Path) -> Iterator[Servers]:
    """Have a primary and its synchronous standby for the length of a block."""
    home = folder / "one"
    with EmbeddedPostgres(home, major=MAJOR):
        pass  # made with its roles and its database; from here on servers are started plainly
    shutil.rmtree(home / "run", ignore_errors=True)
    first = Server(home)
    first.start()
    try:
        second = first.standby(folder / "two")
    except BaseException:
        first.kill()
        raise
    try:
        yield Servers(first, second)
    finally:
        first.kill()
        second.kill()
