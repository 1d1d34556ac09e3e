"""A ZIP that has the same bytes for the same content: fixed dates, fixed order, UTF-8 names.

Text is deflated, what is compressed already is stored. Hashes are taken while writing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Final, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from yuejie.kernel.period import BillingMonth

_UNIX: Final = 3
_READABLE: Final = 0o100644 << 16
_LEVEL: Final = 6
_STORED: Final = ("pdf", "xlsx", "ofd")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the pack: its path, how long it is, and its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


class Archive:
    """A ZIP that is being written; `entries` are the files so far."""

    def __init__(self, sink: IO[bytes], month: BillingMonth) -> None:
        self._zip = ZipFile(sink, "w", compresslevel=_LEVEL)
        after = month.next
        self._date = (after.year, after.month, 1, 0, 0, 0)
        self.entries: list[Entry] = []

    def add(self, name: str, chunks: Iterable[bytes]) -> Entry:
        """Write a file piece by piece; never more than a piece of it is held."""
        info = ZipInfo(name, self._date)
        info.create_system = _UNIX
        info.external_attr = _READABLE
        ends = name.rsplit(".", 1)[-1]
        info.compress_type = ZIP_STORED if ends in _STORED else ZIP_DEFLATED
        digest, size = sha256(), 0
        with self._zip.open(info, "w") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        entry = Entry(name, size, digest.hexdigest())
        self.entries.append(entry)
        return entry

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the directory, without which it is no ZIP; whoever raised throws the file away."""
        self._zip.close()
