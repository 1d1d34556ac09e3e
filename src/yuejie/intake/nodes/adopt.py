"""Adopt: any node takes in the journals of one that is gone, each record once, whoever else does.

Only journals of a node that has left, or was given up, are adopted: one that is merely silent may
still serve from what it was lent, and would be taken for over.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from yuejie.db.session import Database
from yuejie.intake.ingest import DRAINED, PARKED, Ingest
from yuejie.intake.keep import release
from yuejie.intake.nodes import store
from yuejie.intake.nodes.node import ACTIVE
from yuejie.intake.nodes.store import Owner
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.usage.tail import is_alive, journal_folders, journal_id_of, segments


@dataclass(frozen=True, slots=True)
class Adopted:
    """A journal that was taken in: how many records that added, and how it stands now."""

    journal_id: UUID
    events: int
    state: str
    note: str = ""


def rescued(place: Path) -> list[Path]:
    """Return the journals in a folder: one journal, a folder of them, or a whole home.

    Raises Invalid where there is none.
    """
    if journal_id_of(place) is not None:
        found = [place]
    else:
        found = journal_folders(place / "journals") or journal_folders(place)
    found = [folder for folder in found if segments(folder)]
    if not found:
        raise Invalid(
            f"{place} 中没有流水；请指向以流水编号命名、内有 .wal 文件的目录，或它们的上级目录"
        )
    return found


def adopt(db: Database, home: Path, node: str, place: Path, *, clock: Clock) -> list[Adopted]:
    """Take in every rescued journal of a place; doing it again, or twice at once, adds nothing.

    All are looked at before the first is read. Raises Conflict for a journal that is written to,
    or whose node has neither left nor been given up.
    """
    folders = rescued(place)
    for folder in folders:
        if is_alive(folder):
            raise Conflict(f"流水 {folder.name} 还有进程在写；请先停止该进程再接管")
        refuse_foreign(db, UUID(folder.name))
    ingest = Ingest(db, home, node, clock)
    return [_taken_in(db, ingest, folder, now=clock.now()) for folder in folders]


def refuse_foreign(db: Database, journal_id: UUID) -> None:
    """Refuse a journal whose node may still write it somewhere."""
    with db.read() as tx:
        owner = store.owner_of(tx, journal_id)
    if owner is None or owner.state == DRAINED or owner.node_state not in ACTIVE:
        return
    raise Conflict(
        f"流水 {journal_id.hex} 属于节点 {owner.name}，它没有退出，也没有宣告丢失；"
        f"确认它不会再写之后执行 yuejie nodes lost {owner.name}，再收养"
    )


def _taken_in(db: Database, ingest: Ingest, folder: Path, *, now: datetime) -> Adopted:
    journal_id = UUID(folder.name)
    was = _owner(db, journal_id)
    if was is not None and was.state == PARKED and was.lost_at is None:
        # Parked for damage, or by a person: whoever adopts it has decided to read on.
        release(db, folder, was.at)
    events = ingest.adopt(folder, now)
    became = _owner(db, journal_id)
    assert became is not None, "an adopted journal is known"
    return Adopted(journal_id, events, became.state, became.note)


def _owner(db: Database, journal_id: UUID) -> Owner | None:
    with db.read() as tx:
        return store.owner_of(tx, journal_id)
