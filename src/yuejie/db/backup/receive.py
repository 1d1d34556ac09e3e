"""The log as it is written: PostgreSQL's own receiver, kept running, and a pulse to measure it by.

The pulse is a commit without any row (a logical message): two of them a second make the newest
commit in a backup at most half a second older than the backup, however idle the house is.
"""

import subprocess
import time
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import Connection

from yuejie.db.backup.place import Place
from yuejie.db.backup.take import whose_log
from yuejie.db.backup.tools import Tools, address
from yuejie.db.errors import DatabaseUnavailable, brief
from yuejie.db.process import last_words
from yuejie.db.session import routed

SLOT: Final = "yuejie_backup"
"""The server keeps what this slot has not got; see max_slot_wal_keep_size."""
STOP_SECONDS: Final = 10
_SAYS: Final = "receiver.log"
_GAPS: Final = (
    "has already been removed",
    "invalidated",
    "can no longer get changes",
    "not in this server's history",
    "ahead of the WAL flush position",
)
_PULSE: Final = "SELECT pg_logical_emit_message(true, 'yuejie.pulse', '')"
_FLUSHED: Final = """
    SELECT flush_lsn::text, flush_lsn >= %(at)s::pg_lsn
      FROM pg_stat_replication WHERE application_name = 'pg_receivewal' AND flush_lsn IS NOT NULL
     ORDER BY flush_lsn DESC LIMIT 1
"""
_WRITTEN: Final = "SELECT pg_current_wal_flush_lsn()::text"
_DROP: Final = """
    SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
     WHERE slot_name = %s AND NOT active
"""


class Receiver:
    """The receiver of one place. `tend` keeps it running; a gap is a sentence, not a silence."""

    def __init__(self, place: Place, url: str) -> None:
        self._place = place
        self._url = routed(url)
        self._process: subprocess.Popen[bytes] | None = None
        self._pulse: Connection[Any] | None = None

    def tend(self) -> None:
        """Start the receiver where it does not run. Raises DatabaseUnavailable when it cannot."""
        if self._process is not None and self._process.poll() is None:
            return
        tools = Tools.for_server(self._url)
        folder = self._place.wal(self._place.life_of(whose_log(self._url)))
        common = (f"--dbname={address(self._url)}", f"--slot={SLOT}", "--no-password")
        tools.run(
            "pg_receivewal",
            *common,
            "--create-slot",
            "--if-not-exists",
            url=self._url,
            why="数据库不让接收日志",
        )
        self._process = tools.start(
            "pg_receivewal",
            *common,
            f"--directory={folder}",
            "--synchronous",
            "--no-loop",
            "--status-interval=1",
            url=self._url,
            log=folder / _SAYS,
        )

    @property
    def has_gap(self) -> bool:
        """Whether the server does not have what comes next: only a new base backup heals that."""
        log = self._place.wal(self._place.life) / _SAYS
        said = last_words(log.read_text(errors="replace")[-2000:]) if log.exists() else ""
        return any(words in said for words in _GAPS)

    def pulse(self) -> tuple[str, bool]:
        """Commit nothing, and tell how far the log is on disk here and whether that is in it.

        Raises DatabaseUnavailable while the database is away.
        """
        try:
            connection = self._connection()
            connection.execute(_PULSE)
            written = connection.execute(_WRITTEN).fetchone()
            assert written is not None
            deadline = time.monotonic() + 1
            flushed = ("", False)
            while time.monotonic() < deadline and not flushed[1]:
                found = connection.execute(_FLUSHED, {"at": written[0]}).fetchone()
                flushed = (found[0], found[1]) if found else ("", False)
                if not flushed[1]:
                    time.sleep(0.01)
        except psycopg.Error as error:
            self._let_go()
            raise DatabaseUnavailable(f"数据库连接中断，备份稍后继续（{brief(error)}）") from error
        return flushed

    def stop(self) -> None:
        """Stop in good order: what was received is on disk."""
        self._let_go()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _connection(self) -> Connection[Any]:
        if self._pulse is None or self._pulse.closed:
            self._pulse = psycopg.connect(
                self._url, autocommit=True, application_name="yuejie pulse", connect_timeout=5
            )
        return self._pulse

    def _let_go(self) -> None:
        if self._pulse is not None:
            with suppress(psycopg.Error):
                self._pulse.close()
            self._pulse = None
