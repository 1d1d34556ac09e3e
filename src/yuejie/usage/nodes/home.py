"""A node's home as its processes share it: who the node is, whether it leaves, who writes what.

<home>/node_id            the node, for as long as its disk lives
<home>/draining           while it is there, gateways take no calls and begin no journals
<home>/writers/<journal>  which build writes a journal
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from yuejie import __version__
from yuejie.db.migrate import newest
from yuejie.kernel.errors import Invalid
from yuejie.usage.journal import FORMAT

NODE: Final = "node_id"
LATCH: Final = "draining"
WRITERS: Final = "writers"


class Writer(msgspec.Struct, frozen=True):
    """The build of a process that writes a journal."""

    version: str
    knows: int
    """The newest migration that it was shipped with."""
    format: int
    """The journal format that it writes."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Writer).decode


def this_build() -> Writer:
    """Return what this process writes."""
    return Writer(__version__, newest(), FORMAT)


def node_of(home: Path, fresh: UUID) -> UUID:
    """Return the node that a home is; a new home becomes `fresh`.

    Of two processes that ask at once, one wins and both read it. Raises Invalid for a file that
    holds something else.
    """
    path = home / NODE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        scratch = home / f"{NODE}.{os.getpid()}"
        scratch.write_text(f"{fresh}\n")
        with suppress(FileExistsError):
            os.link(scratch, path)
        scratch.unlink()
    try:
        return UUID(path.read_text().strip())
    except ValueError:
        raise Invalid(f"{path} 应为节点编号；请恢复原文件，或删去它作为新节点加入") from None


def is_leaving(home: Path) -> bool:
    """Tell whether the node takes no more calls."""
    return (home / LATCH).exists()


def set_leaving(home: Path, *, leaving: bool) -> None:
    """Let the node's gateways finish and stay away, or come back."""
    if leaving:
        (home / LATCH).touch()
    else:
        (home / LATCH).unlink(missing_ok=True)


def sign_writer(home: Path, journal_id: UUID) -> None:
    """Note which build writes a journal."""
    folder = home / WRITERS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / journal_id.hex).write_bytes(_encode(this_build()))


def writer_of(home: Path, journal_id: UUID) -> Writer | None:
    """Return which build writes a journal; None for one from before builds said so."""
    try:
        return _decode((home / WRITERS / journal_id.hex).read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def forget_writers(home: Path, living: set[UUID]) -> None:
    """Remove the notes about journals that nobody writes any more."""
    folder = home / WRITERS
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in {each.hex for each in living}:
            path.unlink(missing_ok=True)
