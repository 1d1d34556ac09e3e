"""Follow a house into its place of backups, for as long as it runs.

Every half second: a pulse through the database's log and what journals have gained. By the clock:
a base backup, verified; forgetting what the keep time does not need; the secrets when they change.
What is finished is handed to a command of the operator's, who may carry it to an object store.
"""

import fcntl
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from yuejie.db.backup.place import Following, Place
from yuejie.db.backup.receive import Receiver
from yuejie.db.backup.take import retire, take_base
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import Conflict, DomainError
from yuejie.recovery.journals import Mirror
from yuejie.recovery.vault import keep_secrets

log = structlog.get_logger()

BEAT_SECONDS: Final = 0.5
TIDY_SECONDS: Final = 60.0
HOOK_SECONDS: Final = 600
_SHIPPED: Final = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is kept, how often and how long."""

    place: Place
    home: Path
    node: str
    passphrase: str
    hook: str
    every: timedelta
    keep: timedelta

    @property
    def copies(self) -> Path:
        """Where copies of this node's journals lie."""
        return copies_of(self.place, self.node)


def copies_of(place: Place, node: str) -> Path:
    """Return where copies of a node's journals lie."""
    return place.journals / quote(node, safe="")


class Follower:
    """One node's way into the place; `url` gives the database's address, "" while there is none."""

    def __init__(self, plan: Plan, url: Callable[[], str], clock: Clock) -> None:
        self._plan = plan
        self._url = url
        self._clock = clock
        plan.place.make()
        plan.copies.mkdir(exist_ok=True, mode=0o700)
        self._mirror = Mirror(plan.home, plan.copies)
        self._receiver: Receiver | None = None
        self._through: datetime | None = None
        self._tidied = 0.0
        self._bytes = 0

    def run(self, stop: threading.Event) -> None:
        """Follow until told to stop; what is away or full is told in the log and waited for."""
        try:
            while not stop.is_set():
                self.beat()
                stop.wait(BEAT_SECONDS)
        finally:
            self.close()

    def beat(self) -> None:
        """Take what is new, once."""
        try:
            self._bytes += self._mirror.copy()
            if time.monotonic() - self._tidied > TIDY_SECONDS or not self._tidied:
                self._tidy()
                self._tidied = time.monotonic()
            self._follow_log()
        except OSError as error:
            log.error("backup.cannot_write", path=str(error.filename), why=error.strerror)  # noqa: TRY400 - a full disk is no bug
        except DomainError as error:
            log.warning("backup.waits", why=error.sentence)

    def close(self) -> None:
        """Stop receiving; what was received is on disk."""
        if self._receiver is not None:
            self._receiver.stop()

    def _follow_log(self) -> None:
        url = self._url()
        if not url:
            return
        if self._receiver is None:
            self._receiver = Receiver(self._plan.place, url)
        self._receiver.tend()
        self._heal()
        before = self._clock.now()
        flushed, whole = self._receiver.pulse()
        if whole:
            self._through = before
        self._plan.place.note_following(
            Following(
                at=self._clock.now(),
                through=self._through,
                flushed=flushed,
                journal_bytes=self._bytes,
            )
        )

    def _heal(self) -> None:
        """Begin another life of the log where the server cannot continue the one that is here."""
        if self._receiver is None or not self._receiver.has_gap:
            return
        log.error("backup.gap", why="服务器没有接续的日志，另起一段并重新完整备份")
        self._receiver.stop()
        self._plan.place.begin_life()
        self._receiver.tend()
        self._tidied = 0.0

    def _tidy(self) -> None:
        """Do what the clock asks for, and ship what is finished."""
        plan, now = self._plan, self._clock.now()
        url = self._url()
        if url:
            if self._receiver is None:
                self._receiver = Receiver(plan.place, url)
            self._receiver.tend()
            bases = plan.place.bases()
            due = not bases or now - bases[-1].began_at >= plan.every
            if due or bases[-1].life != plan.place.life:
                base = take_base(plan.place, url, self._clock.now)
                log.info("backup.taken", name=base.name, bytes=base.bytes)
            for name in retire(plan.place, keep=plan.keep, now=now):
                log.info("backup.retired", name=name)
        if plan.passphrase:
            keep_secrets(plan.place, plan.home, plan.passphrase)
        if plan.hook:
            self._ship()

    def _ship(self) -> None:
        """Hand each finished file to the operator's command, once it has said that it took it."""
        place = self._plan.place
        noted = place.root / _SHIPPED
        shipped = set(noted.read_text().splitlines()) if noted.exists() else set()
        for path in _finished(place, self._mirror.finished()):
            name = str(path.relative_to(place.root))
            if name in shipped:
                continue
            done = subprocess.run(
                [*shlex.split(self._plan.hook), str(path), name],
                capture_output=True,
                check=False,
                timeout=HOOK_SECONDS,
            )
            if done.returncode != 0:
                said = done.stderr.decode(errors="replace").strip()[-200:]
                log.error("backup.hook_failed", name=name, code=done.returncode, said=said)
                return
            with noted.open("a") as file:
                file.write(name + "\n")


def _finished(place: Place, journals: list[Path]) -> list[Path]:
    bases = [place.folder(base.name) for base in place.bases()]
    lives = [folder.name for folder in sorted((place.root / "wal").iterdir())]
    log_files = [each.path for life in lives for each in place.segments(life) if not each.partial]
    sealed = [place.sealed] if place.sealed.exists() else []
    return [
        *bases,
        *log_files,
        *sorted((place.root / "wal").glob("*/*.history")),
        *journals,
        *sealed,
    ]


@contextmanager
def alone(place: Place, node: str) -> Iterator[None]:
    """Be the only one of this node who follows into a place; raises Conflict for the second."""
    place.make()
    with (place.root / f"lock-{quote(node, safe='')}").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"已有进程在向 {place.root} 跟随备份；请先停止它，或换一个备份目录"
            ) from None
        os.set_inheritable(lock.fileno(), False)  # noqa: FBT003 - the receiver must not keep it
        yield
