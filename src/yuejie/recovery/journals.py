"""Journals beside the database: copied as they grow, and put back where they are missing.

A segment only ever grows, so its copy is the same file, shorter by what came since.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from yuejie.usage.journal import segment_name
from yuejie.usage.tail import journal_folders, segments

_PIECE: Final = 1 << 20


class Mirror:
    """Copies of a node's journals. One thread; remembers what is copied already."""

    def __init__(self, home: Path, target: Path) -> None:
        self._root = home / "journals"
        self._target = target
        self._done: dict[Path, int] = {}

    def copy(self) -> int:
        """Copy what the journals have gained, onto the disk there; return how many bytes."""
        return sum(self._grow(path) for path in _paths(self._root))

    def finished(self) -> list[Path]:
        """Return the copies that will not grow any more: those with a later segment."""
        found = []
        for folder in journal_folders(self._root):
            numbers = segments(folder)
            copies = (self._target / folder.name / segment_name(each) for each in numbers[:-1])
            found += [copy for copy in copies if copy.exists()]
        return found

    def _grow(self, path: Path) -> int:
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return 0
        copy = self._target / path.parent.name / path.name
        if path not in self._done:
            copy.parent.mkdir(exist_ok=True, mode=0o700)
            self._done[path] = copy.stat().st_size if copy.exists() else 0
        had = self._done[path]
        if size <= had:
            return 0
        with path.open("rb") as source, open(copy, "ab", opener=_private) as sink:
            source.seek(had)
            left = size - had
            while left and (piece := source.read(min(left, _PIECE))):
                sink.write(piece)
                left -= len(piece)
            sink.flush()
            os.fsync(sink.fileno())
        self._done[path] = size - left
        return size - left - had


def put_back(copies: Path, home: Path) -> list[str]:
    """Put journals back where a node lacks them or has less; return which gained something.

    What a node still has is at least as long as its copy and stays as it is.
    """
    gained: list[str] = []
    for path in _paths(copies):
        own = home / "journals" / path.parent.name / path.name
        if own.exists() and own.stat().st_size >= path.stat().st_size:
            continue
        own.parent.mkdir(parents=True, exist_ok=True)
        fresh = own.with_suffix(".incoming")
        shutil.copy(path, fresh)
        fresh.replace(own)
        if path.parent.name not in gained:
            gained.append(path.parent.name)
    return gained


def _paths(root: Path) -> list[Path]:
    return [
        folder / segment_name(number)
        for folder in journal_folders(root)
        for number in segments(folder)
    ]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
