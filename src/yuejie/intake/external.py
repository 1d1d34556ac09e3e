"""Events that come from outside: once per (source, id), for ever.

Their event ids are computed from source, id and start, so the same event lands in the same
partition under the same id, whoever sends it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final
from uuid import UUID

from yuejie.db.errors import SerializationConflict
from yuejie.db.session import Database
from yuejie.intake import store
from yuejie.intake.store import ExternalRow
from yuejie.kernel.errors import Conflict
from yuejie.usage.journal import Ended
from yuejie.usage.record import Count, Recorder
from yuejie.usage.store import enter_epoch

_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0x2 << 62
_REST: Final = ~((0xF << 76) | (0x3 << 62)) & ((1 << 80) - 1)


class Fate(Enum):
    """What became of an outside event."""

    NEW = "new"
    KNOWN = "known"
    """Stored before with the same contents."""
    CONFLICTS = "conflicts"
    """Stored before with other contents."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """An attempt, and what its source calls it."""

    external_id: str
    body_hash: bytes
    ended: Ended

    @property
    def row(self) -> ExternalRow:
        """The identity as it is written down."""
        begun = self.ended.begun
        return ExternalRow(
            self.external_id, begun.customer, self.body_hash, UUID(bytes=begun.event)
        )


class IdsConflict(Conflict):
    """Ids were used before for other contents; nothing of the batch was stored."""

    code = "id_conflict"


def event_id_of(source: str, external_id: str, started_us: int) -> bytes:
    """Return the UUIDv7-shaped id of an outside event: its start, and a hash of its name."""
    digest = sha256(f"{source}\x00{external_id}".encode()).digest()
    tail = int.from_bytes(digest[:10], "big") & _REST | _VERSION | _VARIANT
    return (started_us // 1000 << 80 | tail).to_bytes(16, "big")


def judge(known: dict[str, ExternalRow], rows: Sequence[tuple[str, bytes]]) -> list[Fate]:
    """Compare ids and contents with what is stored, and with those before them in the batch."""
    hashes = {external_id: row.body_hash for external_id, row in known.items()}
    fates = []
    for external_id, body_hash in rows:
        was = hashes.get(external_id)
        if was is None:
            hashes[external_id] = body_hash
            fates.append(Fate.NEW)
        else:
            fates.append(Fate.KNOWN if was == body_hash else Fate.CONFLICTS)
    return fates


def record_external(
    db: Database, recorder: Recorder, source: str, rows: Sequence[Sourced], *, count: Count
) -> None:
    """Store events that were new a moment ago, all in one transaction.

    Beaten by another sender of one of the ids, nothing is done and `SerializationConflict` says:
    look again what is known.
    """
    entries = recorder.prepare(db, [row.ended for row in rows])
    with db.begin() as tx:
        if store.add_externals(tx, source, [row.row for row in rows]) != len(rows):
            raise SerializationConflict("同一编号正由另一个请求写入，本批未写入；请重试")
        epoch = enter_epoch(tx)
        recorder.append(tx, entries, epoch=epoch, source=source, count=count)


def conflict(ids: Iterable[str]) -> IdsConflict:
    """Return the refusal that names ids used twice."""
    named = list(ids)
    shown = "、".join(named[:5]) + (f" 等 {len(named)} 个" if len(named) > 5 else "")
    return IdsConflict(f"事件编号 {shown} 已用于内容不同的事件，整批未写入；请换编号", ids=named)
