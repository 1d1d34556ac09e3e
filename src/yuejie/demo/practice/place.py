"""Where a practice house is: its folder, its settings, its logins, and how it goes away again."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Final

from yuejie.beside import (
    LOGINS,
    PRACTICE,
    PROGRESS,
    REMOVE,
    Beside,
    unwish,
)
from yuejie.demo.tax import nuonuo
from yuejie.kernel.errors import Conflict, Unavailable
from yuejie.settings import Settings

SELLER: Final = "练习·月结示例科技有限公司"
DRAWER: Final = "张练习"
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
_MARK: Final = ".yuejie-practice"
_FILLED: Final = ".filled"
_END_SECONDS: Final = 90
_LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a practice house listens."""

    console: int
    gateway: int
    tax: int


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody to practise as."""

    who: str
    name: str
    password: str


def folder_of(home: Path) -> Path:
    """Return where a home's practice house lies."""
    return home / PRACTICE


def environ_of(home: Path, host: str, ports: Ports, given: Mapping[str, str]) -> dict[str, str]:
    """Return everything a practice house is told; nothing of the real one reaches it."""
    tax = f"http://127.0.0.1:{ports.tax}"
    return {name: given[name] for name in _KEPT if name in given} | {
        "YUEJIE_HOME": str(folder_of(home)),
        "YUEJIE_HOST": host,
        "YUEJIE_API_PORT": str(ports.console),
        "YUEJIE_GATEWAY_PORT": str(ports.gateway),
        "YUEJIE_WORKERS": "1",
        "YUEJIE_PRACTICE": "1",
        "YUEJIE_SELLER_NAME": SELLER,
        "YUEJIE_FAPIAO_PROVIDER": "nuonuo",
        "YUEJIE_FAPIAO_URL": f"{tax}{nuonuo.PATH}",
        "YUEJIE_FAPIAO_TOKEN_URL": f"{tax}{nuonuo.TOKEN_PATH}",
        "YUEJIE_FAPIAO_APP_KEY": nuonuo.APP_KEY,
        "YUEJIE_FAPIAO_APP_SECRET": nuonuo.APP_SECRET,
        "YUEJIE_FAPIAO_DRAWER": DRAWER,
    }


def prepare(settings: Settings, ports: Ports) -> Settings:
    """Make this process the practice house's: its environment, its empty or finished folder."""
    environ = environ_of(settings.home, settings.host, ports, os.environ)
    folder = folder_of(settings.home)
    if folder.exists() and not (folder / _MARK).exists():
        raise Conflict(f"{folder} 不是练习环境的目录，不会改动它；请移走后重试")
    if folder.exists() and not (folder / _FILLED).exists():
        rmtree(folder)  # a start that did not come to its end
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    (folder / _MARK).touch()
    os.environ.clear()
    os.environ.update(environ)
    return Settings.load(environ)


def is_filled(folder: Path) -> bool:
    """Tell whether the months of a practice house are all there."""
    return (folder / _FILLED).exists()


def note_filled(folder: Path, logins: list[Login]) -> None:
    """Write down that the months are there, and who may log in."""
    path = folder / LOGINS
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(each) for each in logins], ensure_ascii=False), "utf-8")
    (folder / _FILLED).touch()


def tell(folder: Path, sentence: str) -> None:
    """Say how far the practice house is; the console shows it while it waits."""
    (folder / PROGRESS).write_text(sentence, "utf-8")


def logins_of(home: Path) -> list[Login]:
    """Return who may log in to a home's practice house; nobody where there is none."""
    folder = folder_of(home)
    return logins(folder) if is_filled(folder) else []


def logins(folder: Path) -> list[Login]:
    """Return who may log in."""
    return [Login(**each) for each in json.loads((folder / LOGINS).read_text("utf-8"))]


def end(home: Path) -> bool:
    """Remove a practice house, letting one that runs end itself; say whether there was one."""
    folder = folder_of(home)
    unwish(home, Beside.PRACTICE)
    if not folder.exists():
        return False
    if not (folder / _MARK).exists():
        raise Conflict(f"{folder} 不是练习环境的目录，不会删除它")
    (folder / REMOVE).touch()
    deadline = time.monotonic() + _END_SECONDS
    while _runs(folder):
        if time.monotonic() > deadline:
            raise Unavailable(f"练习环境还没有停下，请稍后重试，或先停止运行它的程序（{folder}）")
        time.sleep(_LOOK_SECONDS)
    rmtree(folder, ignore_errors=True)
    return True


def _runs(folder: Path) -> bool:
    """Tell whether somebody serves or makes the house: the lock of its database is held."""
    lock = folder / "postgres" / "lock"
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def is_to_go(folder: Path) -> bool:
    """Tell whether somebody asked that this house be removed when it stops."""
    return (folder / REMOVE).exists()
