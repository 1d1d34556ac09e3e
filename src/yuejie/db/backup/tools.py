"""PostgreSQL's own programs for backups, of the major version that the server is of.

The wheel brings those of 16 and 18; for others, those that the machine has installed are used.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from yuejie.db.errors import DatabaseUnavailable, EmbeddedUnavailable
from yuejie.db.process import last_words
from yuejie.db.programs import ENVIRONMENT, FOLDERS, wheel_folder
from yuejie.db.session import connected

_DEBIAN: Final = "/usr/lib/postgresql"
_HUNDRED: Final = 10_000
"""`server_version` counts majors in ten thousands."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs in one folder."""

    bin: Path
    major: int

    @classmethod
    def of(cls, major: int) -> Self:
        """Find the programs of a major version, in the wheel or on the machine."""
        folders = [Path(f"{_DEBIAN}/{major}/bin")]
        if major in FOLDERS:
            folders.insert(0, wheel_folder() / FOLDERS[major] / "bin")
        for folder in folders:
            if (folder / "pg_basebackup").exists():
                return cls(folder, major)
        raise EmbeddedUnavailable(
            f"本机没有 PostgreSQL {major} 的备份程序（pg_basebackup、pg_receivewal）；"
            f"请安装 postgresql-{major}，或在有它们的机器上备份"
        )

    @classmethod
    def for_server(cls, url: str) -> Self:
        """Find the programs that fit the server at an address."""
        with connected(url, name="yuejie backup") as connection:
            return cls.of(connection.info.server_version // _HUNDRED)

    def run(self, program: str, *arguments: str, url: str = "", why: str) -> str:
        """Run a program to its end and return what it said; its failure is one sentence."""
        done = subprocess.run(
            [self.bin / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment(url),
        )
        if done.returncode != 0:
            raise DatabaseUnavailable(f"{why}：{last_words(done.stderr or done.stdout)}")
        return done.stdout

    def start(self, program: str, *arguments: str, url: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a program that goes on; what it says goes to a file."""
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            return subprocess.Popen(
                [self.bin / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment(url),
            )


def address(url: str) -> str:
    """Return an address without its password, fit for a command line that others can read."""
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    parts.pop("password", None)
    return make_conninfo("", **parts)


def environment(url: str) -> dict[str, str]:
    """Return what a program is told: the password goes this way."""
    known = {"PGCONNECT_TIMEOUT": "10", **ENVIRONMENT}
    if url and (password := conninfo_to_dict(url).get("password")):
        known["PGPASSWORD"] = str(password)
    return known


def room_for(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EmbeddedUnavailable(
            f"{folder} 所在磁盘只剩 {free >> 20:,} MB，需要约 {needed >> 20:,} MB；"
            "请腾出空间或换一处"
        )
