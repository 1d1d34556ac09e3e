"""Lay a backup down as the data of an embedded server, and let it recover to an instant.

The base backup is copied, the log beside it; PostgreSQL itself replays the log and stops at the
instant, upon a new timeline. Every record of the log is checked by its CRC on the way.
"""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from yuejie.db.backup.place import Base, Place, missing
from yuejie.db.backup.take import segment_bytes
from yuejie.db.backup.tools import room_for
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import EmbeddedUnavailable
from yuejie.db.programs import Progress
from yuejie.db.session import connected
from yuejie.kernel.errors import Conflict

_LOG: Final = "restore_wal"
"""In the data folder while it recovers: where the server finds the log."""
_SETTINGS: Final = (
    "restore_command",
    "recovery_target_time",
    "recovery_target_action",
    "recovery_target_timeline",
    "recovery_init_sync_method",
    "hot_standby",
    "synchronous_standby_names",
    "archive_mode",
    "shared_preload_libraries",
)
_NOT_REACHED: Final = "before configured recovery target was reached"
_REACHED: Final = "SELECT pg_last_xact_replay_timestamp()"
_HBA: Final = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"


@dataclass(frozen=True, slots=True)
class LaidDown:
    """A database as it came back."""

    base: Base
    reached: datetime | None
    """When the newest commit in it was made."""
    cut_at: datetime
    """When the newest part of the log was copied: what came later could not come back."""
    seconds: float
    """From the first byte copied until it takes connections."""
    log_bytes: int


def lay_down(
    place: Place,
    home: Path,
    *,
    until: datetime | None,
    clock: Callable[[], datetime],
    progress: Progress,
    make: Callable[[Path, int], EmbeddedPostgres],
) -> tuple[LaidDown, EmbeddedPostgres]:
    """Make the data of a server at `home` from a backup and return the server, running.

    `make` gives the server of a home and a major version. Data that lies there is never touched:
    that is a Conflict.
    """
    base = place.base_for(until)
    began = time.monotonic()
    size = segment_bytes(place, base.life)
    segments = [each for each in place.segments(base.life) if each.number >= base.start // size]
    if gaps := missing(segments, base, size):
        raise EmbeddedUnavailable(
            f"备份 {base.name} 之后的日志缺少第 {gaps[0]} 段，恢复到此为止不完整；"
            "请找回该文件，或用更新的备份"
        )
    if (home / "data").exists() or (home / "data").is_symlink():
        raise Conflict(f"{home / 'data'} 已有数据，恢复不会覆盖它；请先移走或换一个目录")
    home.mkdir(parents=True, exist_ok=True)
    log_bytes = len(segments) * size
    room_for(home, base.bytes + log_bytes)
    server = make(home, base.major)
    progress(
        f"正在取回备份 {base.name}（{base.bytes >> 20:,} MB）与其后的日志（{len(segments)} 段）"
    )

    cut: list[datetime] = []

    def fill(data: Path) -> None:
        shutil.copytree(place.folder(base.name) / "data", data, dirs_exist_ok=True)
        cut.append(clock())
        _bring_log(place, base, data, size)
        _aim(data, until)

    server.furnish(fill)
    progress("正在重放日志")
    _recover(server, home)
    with connected(server.url("superuser"), name="yuejie restore") as connection:
        found = connection.execute(_REACHED).fetchone()
        _forget_aim(connection)
    shutil.rmtree((home / "data").resolve() / _LOG)
    reached = found[0] if found else None
    return LaidDown(base, reached, cut[0], time.monotonic() - began, log_bytes), server


def _bring_log(place: Place, base: Base, data: Path, size: int) -> None:
    """Copy what comes after the base backup; the unfinished segment counts as one."""
    target = data / _LOG
    target.mkdir()
    for each in place.segments(base.life):
        # A whole segment comes before a partial one of the same name, and stays.
        if each.number >= base.start // size and not (target / each.name).exists():
            shutil.copy(each.path, target / each.name)
    for history in place.wal(base.life).glob("*.history"):
        shutil.copy(history, target / history.name)


def _aim(data: Path, until: datetime | None) -> None:
    """Tell the server where the log is and where to stop; a foreign server's files stay away."""
    for name, text in (
        ("postgresql.conf", ""),
        ("pg_hba.conf", _HBA),
        ("pg_ident.conf", ""),
    ):
        if not (data / name).exists():
            (data / name).write_text(text)
    lines = [
        f"restore_command = 'cp {_LOG}/%f \"%p\"'",
        "recovery_target_timeline = 'latest'",
        "hot_standby = off",
        # What the original was told with ALTER SYSTEM: its standby is not ours, nor its archive.
        "synchronous_standby_names = ''",
        "archive_mode = off",
        "shared_preload_libraries = ''",
        *(["recovery_init_sync_method = 'syncfs'"] if sys.platform == "linux" else []),
    ]
    if until is not None:
        lines.append(f"recovery_target_time = '{until.isoformat()}'")
        lines.append("recovery_target_action = 'promote'")
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")
    (data / "standby.signal").unlink(missing_ok=True)
    (data / "recovery.signal").touch()


def _recover(server: EmbeddedPostgres, home: Path) -> None:
    """Start the server; an instant after the last commit is reached with the last commit."""
    try:
        server.start()
    except EmbeddedUnavailable as error:
        if _NOT_REACHED not in error.sentence:
            raise
        settings = (home / "data").resolve() / "postgresql.auto.conf"
        kept = [
            line
            for line in settings.read_text().splitlines()
            if "recovery_target_time " not in line
        ]
        settings.write_text("\n".join(kept) + "\n")
        server.start()


def _forget_aim(connection: Connection[Any]) -> None:
    for name in _SETTINGS:
        connection.execute(f"ALTER SYSTEM RESET {name}".encode())
    connection.execute("SELECT pg_reload_conf()")
