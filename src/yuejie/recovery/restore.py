"""Bring a house back: secrets, database, journals; then shut lending and read what is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from yuejie.app import Say
from yuejie.db.backup.lay_down import LaidDown, lay_down
from yuejie.db.backup.place import Place
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.db.upkeep.sequences import leave_gap
from yuejie.intake.ingest import Ingest
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import Unavailable
from yuejie.recovery import shut, store
from yuejie.recovery.follow import copies_of
from yuejie.recovery.journals import put_back
from yuejie.recovery.vault import PASSWORDS, bring_secrets
from yuejie.settings import Settings

_ROUNDS = 10_000
"""Turns of the ingest, each of some hundred thousand calls: an end to what never ends."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored, and under whose name."""

    place: Place
    until: datetime | None
    passphrase: str
    is_alone: bool
    by: str


@dataclass(frozen=True, slots=True)
class Restored:
    """A house as it came back."""

    laid_down: LaidDown
    secrets: tuple[str, ...]
    journals: tuple[str, ...]
    """Those that had to be put back from their copies."""
    events: int
    """In the database as it came back."""
    read: int
    """More that the journals held."""
    asked_about: int
    """Calls to the tax platform that may have left, and are asked about first."""
    seconds: float


def restore_house(
    settings: Settings, wanted: Wanted, *, clock: Clock, say: Say
) -> tuple[Restored, EmbeddedPostgres]:
    """Restore into a home that has no data, and return its server, running.

    Journals that the home still has are read from where the database's offsets are; those it
    lacks are put back from their copies. Raises Conflict where there is data already, NotFound
    for an instant that no backup reaches.
    """
    began = time.monotonic()
    secrets: list[str] = []
    if wanted.place.sealed.exists() or not (settings.home / PASSWORDS).exists():
        secrets = bring_secrets(wanted.place, settings.home, wanted.passphrase)
    laid_down, server = lay_down(
        wanted.place,
        settings.postgres,
        until=wanted.until,
        clock=clock.now,
        progress=say,
        make=maker(say),
    )
    try:
        for name in migrate(server.url("owner")):
            say(f"数据库结构已更新：{name}")
        leave_gap(server.url("owner"))
        journals = put_back(copies_of(wanted.place, settings.node), settings.home)
        with Database.open(server.url("app"), size=2, name="restore") as db:
            asked = shut.shut(
                db,
                backup=laid_down.base.name,
                reached=laid_down.reached,
                is_alone=wanted.is_alone,
                by=wanted.by,
                now=clock.now(),
            )
            with db.read() as tx:
                events = store.events(tx)
            say("正在读入数据库没有的流水")
            read = _read(db, settings, clock)
    except BaseException:
        server.stop()
        raise
    restored = Restored(
        laid_down,
        tuple(secrets),
        tuple(journals),
        events,
        read,
        asked,
        time.monotonic() - began,
    )
    return restored, server


def maker(say: Say) -> Callable[[Path, int], EmbeddedPostgres]:
    """Return what makes a server of a home and a major version."""
    return lambda home, major: EmbeddedPostgres(home, major=major, progress=say)


def scratch(settings: Settings, home: Path) -> Settings:
    """Return the settings of a house beside ours, for a drill."""
    return replace(settings, home=home, database_url=None)


def _read(db: Database, settings: Settings, clock: Clock) -> int:
    """Read every journal to its present end; a gateway that runs goes on writing behind it."""
    ingest = Ingest(db, settings.home, settings.node, clock)
    read = ingest.step(clock.now())
    for _ in range(_ROUNDS):
        if not ingest.behind:
            return read
        read += ingest.step(clock.now())
    raise Unavailable("流水没有尽头；请执行 yuejie serve，由采集进程继续读")
