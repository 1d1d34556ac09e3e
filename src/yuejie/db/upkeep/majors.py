"""Take the embedded database to another major version of PostgreSQL, and prove that it is the same.

Everything is dumped by the new version's own program straight into a new data folder; then every
table is held against the old one, row for row. The old folder stays beside it under its version's
name, so that the way back is a rename.
"""

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yuejie.db.backup.tools import Tools, address, environment, room_for
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import DatabaseUnavailable
from yuejie.db.process import last_words
from yuejie.db.programs import FOLDERS, Progress
from yuejie.db.upkeep.fingerprint import compare, fingerprint
from yuejie.kernel.errors import Conflict, Invalid

_INCOMING: Final = "upgrading"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A database under another major version."""

    was: int
    became: int
    tables: int
    rows: int
    kept: Path
    """The old data, which is no longer used."""
    seconds: float


def upgrade(home: Path, to: int, *, progress: Progress) -> Upgraded:
    """Move the data at `home` to another major version; nobody may use it meanwhile.

    What fails, or does not compare equal, leaves the old data in its place. Raises Invalid for a
    version that is not here, or is not newer.
    """
    was = data_major(home)
    if to not in FOLDERS:
        offered = "、".join(str(each) for each in FOLDERS)
        raise Invalid(f"没有 PostgreSQL {to} 的程序，可选 {offered}")
    if was is None:
        raise Invalid(f"{home} 中没有数据库，不必升级")
    if to <= was:
        raise Invalid(f"数据已是 PostgreSQL {was}，不能改为 {to}")
    kept = home / f"data.{was}"
    if kept.exists():
        raise Conflict(f"{kept} 是上一次升级留下的旧数据，请确认不再需要并移走后重试")
    began = time.monotonic()
    fresh = home / _INCOMING
    _forget(fresh)
    room_for(home, 2 * _size((home / "data").resolve()))
    fresh.mkdir(mode=0o711)
    shutil.copy(home / "secrets.json", fresh / "secrets.json")
    (fresh / "secrets.json").chmod(0o600)
    try:
        tables, rows = _copied(home, fresh, was, to, progress)
        (home / "data").rename(kept)
        (fresh / "data").rename(home / "data")
    finally:
        _forget(fresh)
    return Upgraded(was, to, tables, rows, kept, time.monotonic() - began)


def data_major(home: Path) -> int | None:
    """Return which major version the data at `home` is of; None where there is none."""
    try:
        return int((home / "data" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _copied(home: Path, fresh: Path, was: int, to: int, progress: Progress) -> tuple[int, int]:
    with (
        EmbeddedPostgres(home, major=was, progress=progress) as old,
        EmbeddedPostgres(fresh, major=to, progress=progress) as new,
    ):
        progress(f"正在把数据从 PostgreSQL {was} 抄到 {to}")
        _pour(Tools.of(to), old.url("superuser"), new.url("superuser"))
        progress("正在逐表核对")
        before, after = fingerprint(old.url("superuser")), fingerprint(new.url("superuser"))
    if wrong := compare(before, after):
        raise Conflict(f"升级后的数据与原数据不同（{wrong[0]}），已放弃；原数据未动")
    return len(after), sum(each.rows for each in after.values())


def _pour(tools: Tools, source: str, target: str) -> None:
    """Dump one database into another, as one transaction; the roles are there already."""
    with (
        subprocess.Popen(
            [tools.bin / "pg_dump", "--format=plain", f"--dbname={address(source)}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(source),
        ) as dump,
        subprocess.Popen(
            [
                tools.bin / "psql",
                "--no-psqlrc",
                "--quiet",
                "--single-transaction",
                "--set=ON_ERROR_STOP=1",
                "--output=/dev/null",
                f"--dbname={address(target)}",
            ],
            stdin=dump.stdout,
            stderr=subprocess.PIPE,
            env=environment(target),
        ) as load,
    ):
        if dump.stdout is not None:
            dump.stdout.close()
        said = load.communicate()[1] or b""
        told = dump.communicate()[1] or b""
    if load.returncode or dump.returncode:
        words = last_words((said or told).decode(errors="replace"))
        raise DatabaseUnavailable(f"数据没有抄成，原数据未动：{words}")


def _size(data: Path) -> int:
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file())


def _forget(folder: Path) -> None:
    data = folder / "data"
    if data.is_symlink():
        shutil.rmtree(data.resolve().parent, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
