"""The way to the database: open when it can be, and honest when it cannot.

A watcher looks every second. While the database is away requests are refused at once instead of
waiting one after the other for a connection that will not come; when it is back they are served.
"""

import threading
from collections.abc import Callable
from typing import Final, Self

import structlog

from yuejie.db.errors import DatabaseUnavailable
from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError
from yuejie.web.store import is_fit

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
"""How often the watcher looks: a database that is back is noticed within this."""
_NOT_YET: Final = "控制台刚刚启动，还没有连上数据库"
_UNFIT: Final = "数据库还没有建表，请先运行 yuejie serve 或升级数据库结构"


class Door:
    """Gives the database to whoever asks, or says why not."""

    def __init__(self, open_database: Callable[[], Database]) -> None:
        self._open = open_database
        self._db: Database | None = None
        self._why: str | None = _NOT_YET
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="door", daemon=True)

    @classmethod
    def opened(cls, db: Database) -> Self:
        """Return a door to a database that is open already; nobody watches it."""
        door = cls(lambda: db)
        door.look()
        return door

    def start(self) -> None:
        """Look for the database now and from now on."""
        self._watcher.start()

    def stop(self) -> None:
        """Stop looking, and close what was opened."""
        self._stop.set()
        self._watcher.join()
        if self._db is not None:
            self._db.close()

    def database(self) -> Database:
        """Return the database; away, say so at once."""
        if self._why is not None:
            raise DatabaseUnavailable(self._why)
        assert self._db is not None, "an open door leads to a database"
        return self._db

    @property
    def is_open(self) -> bool:
        """Whether the database answered when last looked at."""
        return self._why is None

    def look(self) -> None:
        """See whether the database answers and has its tables."""
        why = self._ask()
        if why != self._why:
            log.warning("database.away", why=why) if why else log.info("database.there")
        self._why = why

    def _ask(self) -> str | None:
        try:
            if self._db is None:
                self._db = self._open()
            with self._db.read() as tx:
                return None if is_fit(tx) else _UNFIT
        except DomainError as error:
            return error.sentence

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_SECONDS)
