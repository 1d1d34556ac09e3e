"""Tails: how much of each journal is on this disk and nowhere else, in bytes and in calls.

It is measured on the files, so it grows while the database is away; of the database it knows only
up to where the ingest last stored. Begun records are counted block by block, each block once, so a
long outage costs no more than the reading of what was written.
"""

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from prometheus_client import Gauge

from yuejie.usage.journal import HEADER, START, Position, segment_name
from yuejie.usage.tail import is_alive, journal_folders, segments

BYTES: Final = Gauge(
    "yuejie_node_tail_bytes", "Bytes of journals that only this disk holds: lost with it"
)
CALLS: Final = Gauge(
    "yuejie_node_tail_calls",
    "Calls that only this disk knows, under way or ended; -1 while unknown",
)
OPEN_MS: Final = 5_000
"""A call that is under way for longer is told to the database, so that it is known when lost."""
OPEN_MOST: Final = 1_000
"""Told at most; they are the oldest."""
_BLOCK: Final = 256 * 1024
_FRAME: Final = struct.Struct("<II")
_ARRAY_16: Final = 0xDC
_BEGUN: Final = 1


class Stored(NamedTuple):
    """Up to where a journal is stored, and how many calls are under way there."""

    at: Position
    open_calls: int
    drained: bool = False


class JournalTail(NamedTuple):
    """What of a journal is not stored; `calls` is None before the database was ever asked."""

    journal_id: UUID
    bytes: int
    calls: int | None
    alive: bool


@dataclass(slots=True)
class _Scan:
    """How many begun records lie before each block's start, as far as the file was read."""

    upto: Position = START
    begun: int = 0
    marks: deque[tuple[Position, int]] = field(default_factory=lambda: deque([(START, 0)]))

    def read_on(self, folder: Path) -> None:
        """Count what was written since the last time."""
        while True:
            at, begun = _count(folder, self.upto, _BLOCK)
            if at == self.upto:
                if not (folder / segment_name(at.segment + 1)).exists():
                    return
                at = Position(at.segment + 1, HEADER)
            self.upto, self.begun = at, self.begun + begun
            self.marks.append((at, self.begun))

    def start_at(self, stored: Position) -> None:
        """Begin anew where what is stored lies outside of what was counted.

        Another reader was faster, or the database came back older than it went.
        """
        if not self.marks[0][0] <= stored <= self.upto:
            self.upto, self.begun = stored, 0
            self.marks = deque([(stored, 0)])

    def behind(self, folder: Path, stored: Position) -> int:
        """Return how many begun records lie behind a place; what lies before it is forgotten."""
        while len(self.marks) > 1 and self.marks[1][0] <= stored:
            self.marks.popleft()
        at, before = self.marks[0]
        if at.segment == stored.segment:
            before += _count(folder, at, stored.offset - at.offset)[1]
        return self.begun - before


class Tails:
    """Every journal of a node. The ingest tells what is stored; whoever asks measures."""

    def __init__(self, home: Path) -> None:
        self._root = home / "journals"
        self._stored: dict[Path, Stored] = {}
        self._open: dict[Path, list[bytes]] = {}
        self._scans: dict[Path, _Scan] = {}

    def note(self, folder: Path, stored: Stored, under_way: Iterable[bytes], now_ms: int) -> None:
        """Take from the ingest how far a journal is stored, and its calls that are under way."""
        if folder.parent != self._root:
            return
        self._stored[folder] = stored
        self._open[folder] = list(_long(under_way, now_ms))

    def measure(self) -> list[JournalTail]:
        """Measure every journal on the disk, and tell Prometheus."""
        found = [self._measured(folder) for folder in journal_folders(self._root)]
        for gone in self._scans.keys() - {self._root / each.journal_id.hex for each in found}:
            del self._scans[gone]
            self._stored.pop(gone, None)
            self._open.pop(gone, None)
        BYTES.set(sum(each.bytes for each in found))
        calls = calls_of(found)
        CALLS.set(-1 if calls is None else calls)
        return found

    def under_way(self) -> dict[UUID, list[bytes]]:
        """Return the begun records of calls that have been under way for some seconds."""
        return {UUID(folder.name): calls for folder, calls in list(self._open.items())}

    def _measured(self, folder: Path) -> JournalTail:
        alive = is_alive(folder)
        stored = self._stored.get(folder)
        journal_id = UUID(folder.name)
        if stored is not None and stored.drained and not alive:
            self._scans[folder] = _Scan()
            return JournalTail(journal_id, 0, 0, alive)
        size = sum(_sizes(folder, stored.at if stored else START))
        if stored is None:
            return JournalTail(journal_id, size, None if size else 0, alive)
        scan = self._scans.setdefault(folder, _Scan(stored.at, 0, deque([(stored.at, 0)])))
        scan.start_at(stored.at)
        scan.read_on(folder)
        return JournalTail(
            journal_id, size, scan.behind(folder, stored.at) + stored.open_calls, alive
        )


def event_id(begun: bytes) -> UUID:
    """Read which call a begun record is of."""
    head = 3 if begun[0] == _ARRAY_16 else 1
    return UUID(bytes=begun[head + 3 : head + 19])


def calls_of(tails: Iterable[JournalTail]) -> int | None:
    """Return how many calls some tails hold; None when that of one is not known."""
    total = 0
    for each in tails:
        if each.calls is None:
            return None
        total += each.calls
    return total


def _long(under_way: Iterable[bytes], now_ms: int) -> Iterator[bytes]:
    """Yield those calls, of which the oldest come first, that have lasted."""
    for number, payload in enumerate(under_way):
        begun_ms = event_id(payload).int >> 80
        if number == OPEN_MOST or now_ms - begun_ms < OPEN_MS:
            return
        yield payload


def _sizes(folder: Path, at: Position) -> Iterator[int]:
    """Yield what each segment holds behind a place, without the segments' heads."""
    for number in segments(folder):
        if number >= at.segment:
            path = folder / segment_name(number)
            start = at.offset if number == at.segment else HEADER
            yield max(path.stat().st_size - start, 0)


def _count(folder: Path, at: Position, size: int) -> tuple[Position, int]:
    """Count the begun records in so many bytes from a place on; return where whole ones end."""
    path = folder / segment_name(at.segment)
    try:
        with path.open("rb") as file:
            file.seek(at.offset)
            data = file.read(size)
            begun, used = _begun_in(data)
            if not used and len(data) == size:
                # One record that is longer than a block.
                data += file.read(_FRAME.unpack_from(data, 0)[0] if size >= _FRAME.size else 0)
                begun, used = _begun_in(data)
    except FileNotFoundError:
        return at, 0
    return Position(at.segment, at.offset + used), begun


def _begun_in(data: bytes) -> tuple[int, int]:
    begun, used, size = 0, 0, len(data)
    unpack, header = _FRAME.unpack_from, _FRAME.size
    while used + header < size:
        length, _ = unpack(data, used)
        stop = used + header + length
        if stop > size or length < header:
            break
        head = 3 if data[used + header] == _ARRAY_16 else 1
        begun += data[used + header + head] == _BEGUN
        used = stop
    return begun, used
