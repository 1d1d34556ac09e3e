"""The folder of backups: what lies where, and what each base backup says about itself.

<place>/lock                held while somebody follows or restores
<place>/base/<instant>/     data/ (a whole data folder with its manifest) and about.json
<place>/wal/<life>/         PostgreSQL's log by segments of 16 MB, the newest `.partial`; another
                            life begins after a restore, an upgrade, and wherever a gap is
<place>/journals/<node>/    copies of the gateways' journals, segment by segment
<place>/secrets.sealed      the house's secrets under a passphrase
<place>/following.json      what was on disk here when, rewritten every second
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from yuejie.kernel.errors import NotFound, Unavailable

INCOMING: Final = "incoming-"
_ABOUT: Final = "about.json"
_FIRST: Final = "0001"
_WHOSE: Final = "whose"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_SEGMENT_NAME: Final = 24
_HEX: Final = frozenset("0123456789ABCDEF")


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """One base backup, taken and verified. LSNs are positions in PostgreSQL's log."""

    name: str
    began_at: datetime
    ended_at: datetime
    """From this instant on a restore from it is whole."""
    major: int
    timeline: int
    start: int
    end: int
    bytes: int
    schema: str
    """The last migration that the database had."""
    version: str
    """Of yuejie."""
    life: str
    """In which folder the log goes on from here."""
    checked_at: datetime
    """When every file was last held against its checksum."""


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log is on disk here: everything committed before `through` can be restored."""

    at: datetime
    through: datetime | None
    flushed: str
    journal_bytes: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the log. `number` counts segments from the beginning of the cluster."""

    path: Path
    timeline: int
    number: int
    partial: bool

    @property
    def name(self) -> str:
        """What PostgreSQL asks for."""
        return self.path.name.removesuffix(".partial")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of backups."""

    root: Path

    @property
    def life(self) -> str:
        """The newest life of the log."""
        return max((path.name for path in (self.root / "wal").iterdir()), default=_FIRST)

    def wal(self, life: str) -> Path:
        """Return where the log of a life lies."""
        return self.root / "wal" / life

    def begin_life(self) -> str:
        """Let the log go on in another folder: what comes does not continue what is there."""
        life = f"{int(self.life) + 1:04}"
        self.wal(life).mkdir(mode=0o700)
        return life

    def life_of(self, database: str) -> str:
        """Return the newest life, another one when it is of another database than this."""
        mark = self.wal(self.life) / _WHOSE
        if mark.exists() and mark.read_text() != database:
            mark = self.wal(self.begin_life()) / _WHOSE
        if not mark.exists():
            mark.write_text(database)
        return self.life

    @property
    def journals(self) -> Path:
        """Where copies of journals lie."""
        return self.root / "journals"

    @property
    def sealed(self) -> Path:
        """The secrets under a passphrase."""
        return self.root / "secrets.sealed"

    def folder(self, base: str) -> Path:
        """Return where a base backup lies."""
        return self.root / "base" / base

    def make(self) -> None:
        """Make the folders; nobody else may read what lies here."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.root / "base", self.root / "wal", self.journals):
                folder.mkdir(exist_ok=True, mode=0o700)
            self.wal(self.life).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unavailable(
                f"备份目录 {self.root} 无法写入（{error.strerror}），请检查 YUEJIE_BACKUP"
            ) from error

    def bases(self) -> list[Base]:
        """Return the base backups, the oldest first."""
        notes = sorted((self.root / "base").glob(f"*/{_ABOUT}"))
        return [
            msgspec.json.decode(about.read_bytes(), type=Base)
            for about in notes
            if not about.parent.name.startswith(INCOMING)
        ]

    def base_for(self, until: datetime | None) -> Base:
        """Return the newest base backup from which an instant can be reached."""
        bases = self.bases()
        if not bases:
            raise NotFound(f"备份目录 {self.root} 中没有备份；请先执行 yuejie backup take")
        fit = [base for base in bases if until is None or base.ended_at <= until]
        if not fit:
            raise NotFound(
                f"最早能恢复到 {bases[0].ended_at.isoformat(timespec='seconds')}"
                f"（备份 {bases[0].name}），{until} 早于它；请改用更晚的时刻"
            )
        return fit[-1]

    def note(self, base: Base) -> None:
        """Write down what a base backup says about itself."""
        replace(self.folder(base.name) / _ABOUT, msgspec.json.encode(base))

    def segments(self, life: str) -> list[Segment]:
        """Return the files of a life's log, in the order in which they were written."""
        found = [each for path in self.wal(life).iterdir() if (each := _segment(path)) is not None]
        return sorted(found, key=lambda each: (each.number, each.timeline, not each.partial))

    def following(self) -> Following | None:
        """Return how far the log was when last somebody followed it."""
        path = self.root / "following.json"
        if not path.exists():
            return None
        return msgspec.json.decode(path.read_bytes(), type=Following)

    def note_following(self, following: Following) -> None:
        """Write down how far the log is."""
        replace(self.root / "following.json", msgspec.json.encode(following), durable=False)


def stamp(at: datetime) -> str:
    """Name a base backup by the instant it began."""
    return at.astimezone(UTC).strftime(_STAMP)


def replace(path: Path, body: bytes, *, durable: bool = True) -> None:
    """Write a file whole or not at all, for its owner alone."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def _segment(path: Path) -> Segment | None:
    name = path.name.removesuffix(".partial")
    if len(name) != _SEGMENT_NAME or set(name) - _HEX:
        return None
    number = int(name[8:16], 16) * 0x100 + int(name[16:], 16)
    return Segment(path, int(name[:8], 16), number, path.name.endswith(".partial"))


def missing(segments: list[Segment], base: Base, size: int) -> list[int]:
    """Return the numbers that lack between a base backup and the newest segment.

    What makes the base backup whole lies in it; a log that ends before it is no use and no harm.
    """
    first, own = base.start // size, base.end // size
    there = {each.number for each in segments} | set(range(first, own + 1))
    return [number for number in range(first, max(there) + 1) if number not in there]
