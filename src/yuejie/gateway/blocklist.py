"""The node-local block list: keys refused at once, with or without a database.

`<home>/blocked_keys` holds one key per line, by its id or the hex of its digest.
Every worker of the node looks at the file several times a second.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FILE: Final = "blocked_keys"


def block(home: Path, key: str | bytes) -> bool:
    """Refuse a key on this node from now on; False when it was refused before."""
    return _change(home, _name(key), add=True)


def unblock(home: Path, key: str | bytes) -> bool:
    """Take a key off the list again; False when it was not on it."""
    return _change(home, _name(key), add=False)


def blocked(home: Path) -> frozenset[str]:
    """Return the ids and digests (hex) that this node refuses."""
    try:
        text = (home / FILE).read_text("ascii")
    except FileNotFoundError:
        return frozenset()
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def _name(key: str | bytes) -> str:
    return key.hex() if isinstance(key, bytes) else key.strip()


def _change(home: Path, name: str, *, add: bool) -> bool:
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        was = blocked(home)
        became = was | {name} if add else was - {name}
        if became == was:
            return False
        part = home / f"{FILE}.part"
        fd = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o640)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in sorted(became))
            file.flush()
            os.fsync(file.fileno())
        part.replace(home / FILE)
        return True


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two operators at once must not lose each other's line."""
    fd = os.open(home / f"{FILE}.lock", os.O_CREAT | os.O_RDWR, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
