"""Keep journals: let a parked one go on, and remove what has long been stored."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from yuejie.db.session import Database
from yuejie.intake import store
from yuejie.intake.ingest import DRAINED, LIVE, PARKED
from yuejie.intake.store import JournalRow, Move
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.limits import SEGMENT_KEEP
from yuejie.usage.journal import Position, segment_name
from yuejie.usage.tail import journal_folders, journal_id_of, segments


def journals(db: Database) -> list[JournalRow]:
    """Return every journal that was ever seen, and how far it is."""
    with db.read() as tx:
        return store.journals(tx)


def release(db: Database, folder: Path, at: Position) -> None:
    """Let a parked journal go on from a place that a person has chosen.

    Every ingest has to be started again after it, for each remembers that the journal is parked.
    """
    journal_id = journal_id_of(folder)
    if journal_id is None:
        raise Invalid(f"{folder} 不是流水目录；请指向以流水编号命名的目录")
    with db.begin() as tx:
        row = store.hold_journal(tx, journal_id)
        if row.state != PARKED:
            raise Conflict(f"流水 {folder.name} 没有停读，无需放行")
        store.move_journal(tx, Move(journal_id, LIVE, at, min(at, row.open_offset)))


def prune(
    db: Database, home: Path, *, now: datetime, backed_up: datetime | None = None
) -> list[Path]:
    """Remove segments that are wholly stored, past every open call, and older than the keep time.

    Where backups are made, they are kept past the last verified one as well, which began at
    `backed_up`: a restore from it reads the rest from here.

    A drained journal that has lost its last segment loses its folder as well.
    """
    rows = {row.journal_id: row for row in journals(db)}
    removed: list[Path] = []
    for folder in journal_folders(home / "journals"):
        row = rows.get(UUID(folder.name))
        if row is None or row.state == PARKED:
            continue
        done = row.segment + 1 if row.state == DRAINED else row.open_segment
        paths = (folder / segment_name(number) for number in segments(folder) if number < done)
        old = [path for path in paths if _is_old(path, now, backed_up)]
        for path in old:
            path.unlink()
        removed += old
        if row.state == DRAINED and not segments(folder):
            (folder / "lock").unlink(missing_ok=True)
            folder.rmdir()
    return removed


def _is_old(path: Path, now: datetime, backed_up: datetime | None) -> bool:
    written = path.stat().st_mtime
    if backed_up is not None and written >= backed_up.timestamp():
        return False
    return now.timestamp() - written > SEGMENT_KEEP.total_seconds()
