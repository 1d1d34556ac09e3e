"""What runs beside a node when somebody wishes it: simulated providers, a house to practise in.

A wish is a small file, `<home>/beside/<name>.json`: the console writes and removes it, the
supervisor of the same machine follows it within a second, also after a restart. Whoever runs the
processes one by one, without a supervisor, starts these by hand and is offered no button.
"""

import json
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from yuejie.kernel.errors import Conflict, Unavailable

PRACTICE: Final = "practice"
"""The folder of the practice house in a home, and what it keeps there for the console to read."""
LOGINS: Final = "logins.json"
PROGRESS: Final = "progress"
REMOVE: Final = ".remove"
_LOOPBACK: Final = "127.0.0.1"


class Beside(StrEnum):
    """What may run beside a node."""

    SIMULATORS = "simulators"
    PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that is wished, with the ports it shall have, and by whom."""

    what: Beside
    ports: tuple[int, ...]
    by: str

    @property
    def url(self) -> str:
        """Return where its first port answers."""
        return f"http://{_LOOPBACK}:{self.ports[0]}"


def wish(home: Path, what: Beside, *, ports: int, by: str) -> Wish:
    """Wish for something, on free ports that it keeps; what is wished already stays as it is."""
    known = wished(home).get(what)
    if known is not None:
        return known
    made = Wish(what, free_ports(ports), by)
    folder = home / "beside"
    fresh = folder / f"{what}.new"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        fresh.write_text(json.dumps({"ports": made.ports, "by": by}), "utf-8")
        fresh.rename(folder / f"{what}.json")
    except OSError as error:
        raise Unavailable(
            f"写不了 {folder}（{error.strerror}），请检查磁盘空间与目录权限后重试"
        ) from None
    return made


def unwish(home: Path, what: Beside) -> None:
    """Take a wish back; what was not wished is nothing to take back."""
    (home / "beside" / f"{what}.json").unlink(missing_ok=True)


def wished(home: Path) -> dict[Beside, Wish]:
    """Return what is wished; a file nobody can read is no wish."""
    found = {}
    for what in Beside:
        path = home / "beside" / f"{what}.json"
        try:
            said = json.loads(path.read_text("utf-8"))
            found[what] = Wish(what, tuple(int(port) for port in said["ports"]), str(said["by"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def supervised(home: Path | None) -> Path:
    """Return the home whose supervisor follows wishes. Raises Conflict where there is none."""
    if home is None:
        raise Conflict(
            "这个控制台不由 yuejie serve 看护，不能替您启动程序；"
            "请在运行 yuejie serve 的机器上打开控制台，或按运行手册自行启动"
        )
    return home


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of this machine that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((_LOOPBACK, 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)
    finally:
        for probe in probes:
            probe.close()
