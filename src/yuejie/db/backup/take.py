"""Base backups: take one, verify it, forget old ones."""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

import msgspec
import psycopg

from yuejie import __version__
from yuejie.db.backup.place import INCOMING, Base, Place, stamp
from yuejie.db.backup.tools import Tools, address, room_for
from yuejie.db.errors import DatabaseUnavailable, EmbeddedUnavailable, brief
from yuejie.db.session import connected

_FACTS: Final = """
    SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database)::bigint,
           (SELECT max(name) FROM schema_migration)
"""
_WHOSE: Final = """
    SELECT (SELECT system_identifier FROM pg_control_system()) || '-'
           || coalesce((SELECT max(restoration_id) FROM restoration), 0)
"""
_ROOM: Final = 64 << 20
"""What a base backup needs beside the data: its log and manifest."""


def take_base(place: Place, url: str, clock: Callable[[], datetime]) -> Base:
    """Copy the whole database while it works, and hold every file against its checksum.

    The address needs the right to replicate. What is not whole or fails its check never appears
    among the backups.
    """
    place.make()
    began = clock()
    tools = Tools.for_server(url)
    found = _asked(url, _FACTS)
    whose = whose_log(url)
    room_for(place.root, int(found[0]) + _ROOM)
    sweep(place)
    fresh = place.folder(INCOMING + stamp(began))
    fresh.mkdir(mode=0o700)
    tools.run(
        "pg_basebackup",
        f"--pgdata={fresh / 'data'}",
        f"--dbname={address(url)}",
        "--format=plain",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        "--no-password",
        url=url,
        why="备份没有做成",
    )
    ended = clock()
    _verify(tools, fresh / "data")
    timeline, start, end = _range(fresh / "data")
    base = Base(
        name=stamp(began),
        began_at=began,
        ended_at=ended,
        major=tools.major,
        timeline=timeline,
        start=start,
        end=end,
        bytes=_bytes(fresh),
        schema=str(found[1] or ""),
        version=__version__,
        life=place.life_of(whose),
        checked_at=clock(),
    )
    fresh.rename(place.folder(base.name))
    place.note(base)
    return base


def whose_log(url: str) -> str:
    """Name the database whose log is written: another after a restore or an upgrade.

    A promotion goes on in the same log, upon another timeline.
    """
    return str(_asked(url, _WHOSE)[0])


def _asked(url: str, question: LiteralString) -> tuple[Any, ...]:
    """Ask one question; a role that may not read the house is told what it lacks."""
    with connected(url, name="yuejie backup") as connection:
        try:
            found = connection.execute(question).fetchone()
        except psycopg.Error as error:
            raise DatabaseUnavailable(
                f"备份用的账号读不了数据库（{brief(error)}）；"
                "它需要 REPLICATION 与 yuejie_owner 的权限，且数据库已由 yuejie serve 建好"
            ) from error
    assert found is not None
    return tuple(found)


def verify_base(place: Place, base: Base, *, now: datetime) -> Base:
    """Hold every file of a base backup against its checksum again, and note when."""
    _verify(Tools.of(base.major), place.folder(base.name) / "data")
    checked = msgspec.structs.replace(base, checked_at=now)
    place.note(checked)
    return checked


def retire(place: Place, *, keep: timedelta, now: datetime) -> list[str]:
    """Forget what no restore within the keep time needs; the newest base backup always stays.

    To reach the oldest kept instant the base backup before it is needed, so that one stays too.
    """
    bases = place.bases()
    needed = [base for base in bases if base.ended_at > now - keep]
    before = [base for base in bases if base.ended_at <= now - keep]
    kept = [*before[-1:], *needed]
    gone = [base for base in bases if base not in kept]
    for base in gone:
        shutil.rmtree(place.folder(base.name))
    if kept:
        _retire_log(place, kept)
        _retire_journals(place, kept[0].began_at)
    return [base.name for base in gone]


def sweep(place: Place) -> None:
    """Remove what a backup that was broken off left behind."""
    for folder in (place.root / "base").glob(f"{INCOMING}*"):
        shutil.rmtree(folder)


def segment_bytes(place: Place, life: str) -> int:
    """Return the size of a file of the log; 16 MB unless the server was made otherwise."""
    return max((each.path.stat().st_size for each in place.segments(life)), default=0) or 16 << 20


def _retire_log(place: Place, kept: Sequence[Base]) -> None:
    """Forget the log before the oldest backup of each life, and lives without any."""
    oldest = {base.life: base for base in reversed(kept)}
    for folder in (place.root / "wal").iterdir():
        base = oldest.get(folder.name)
        if base is None:
            if folder.name != place.life:
                shutil.rmtree(folder)
            continue
        first = base.start // segment_bytes(place, base.life)
        for each in place.segments(base.life):
            if each.number < first:
                each.path.unlink()


def _retire_journals(place: Place, before: datetime) -> None:
    """Forget copies of journals that the oldest base backup has stored already."""
    for path in place.journals.glob("*/*/*.wal"):
        if path.stat().st_mtime < before.timestamp() - _STORED_SECONDS:
            path.unlink()
    for folder in place.journals.glob("*/*"):
        if not any(folder.iterdir()):
            folder.rmdir()


_STORED_SECONDS: Final = 14 * 86_400
"""As long as a journal is kept after its last record, so that intake has surely stored it."""


def _verify(tools: Tools, data: Path) -> None:
    tools.run("pg_verifybackup", "--quiet", str(data), why=f"备份 {data.parent.name} 校验不符")


def _range(data: Path) -> tuple[int, int, int]:
    """Read from the manifest which part of the log makes the copy whole: timeline, start, end."""
    manifest: dict[str, Any] = msgspec.json.decode((data / "backup_manifest").read_bytes())
    ranges = manifest.get("WAL-Ranges") or []
    if not ranges:
        raise EmbeddedUnavailable(f"备份 {data} 的清单没有写明日志范围，请重新备份")
    last = ranges[-1]
    return int(last["Timeline"]), lsn(ranges[0]["Start-LSN"]), lsn(last["End-LSN"])


def lsn(text: str) -> int:
    """Read a position in the log as PostgreSQL writes it: `16/B374D848`."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
