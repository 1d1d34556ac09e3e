"""The reading end of a journal: follow it to its tail, and know which calls are still open.

Only ends are read; of a begun call its bytes are kept, for nearly every call ends soon.
Ask whether the writer lives before reading, not after: what it appended before it died is then
read, and the calls left open are known to be dead.
"""

import fcntl
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from crc32c import crc32c

from yuejie.kernel.limits import INGEST_BATCH
from yuejie.usage.arrival import Arrival, Reader, in_full
from yuejie.usage.journal import (
    FORMATS,
    HEADER,
    MAGIC,
    Begun,
    Ended,
    Position,
    Returned,
    segment_name,
)

READ_BYTES: Final = 512 * 1024
"""Read at once: some thousand records, and room for the longest one."""

_FRAME: Final = struct.Struct("<II")
_LOCK: Final = "lock"
_NAME: Final = 32
_ARRAY_16: Final = 0xDC
_BEGUN: Final = 1
_RETURNED: Final = 3
_ID: Final = b"\xc4\x10"
"""How msgpack opens a string of sixteen bytes; every record has its event's id near the front."""
_STARTS: Final = (2, 4, 6, 8)
"""How far before the first id a payload may begin: one or two array headers and tags."""
_decode_begun: Final = msgspec.msgpack.Decoder(Begun).decode
_decode_returned: Final = msgspec.msgpack.Decoder(Returned).decode

Open = dict[bytes, tuple[int, int, bytes]]
"""Event id → segment, offset and bytes of its begun record, oldest first."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read in one go: ended calls, where that ended, and why it did."""

    arrived: list[Arrival]
    at: Position
    open_at: Position
    tail: bool
    """Everything that was there has been read."""
    broken: str = ""
    """The sentence about the damage that stopped us."""
    returned: tuple[Returned, ...] = ()
    """What the worker gave back of its leases on the way."""

    @property
    def ended(self) -> list[Ended]:
        """The calls in full, as they were written."""
        return [in_full(arrival) for arrival in self.arrived]


@dataclass(slots=True)
class Tail:
    """A place in a journal and the calls open there."""

    folder: Path
    at: Position
    open: Open = field(default_factory=dict)
    reader: Reader = field(default_factory=Reader)
    _ahead: bytes = b""
    """What was read of the segment at once."""
    _used: int = 0
    """Where in it our place is."""
    _returned: list[Returned] = field(default_factory=list)

    @property
    def open_at(self) -> Position:
        """The place before the oldest call that is still open."""
        for segment, offset, _ in self.open.values():
            return Position(segment, offset)
        return self.at

    def read(self, limit: int = INGEST_BATCH) -> Chunk:
        """Read on until `limit` calls have ended, or the tail, or damage."""
        arrived: list[Arrival] = []
        complaint = self._take(arrived, limit)
        while not complaint and len(arrived) < limit:
            # Asked before reading: once there is a next segment, this one does not grow.
            last = not (self.folder / segment_name(self.at.segment + 1)).exists()
            data = self._load(self.at, READ_BYTES)
            if isinstance(data, str):
                return self._chunk(arrived, broken=data)
            self._ahead, self._used = data, 0
            complaint = self._take(arrived, limit)
            if complaint or len(arrived) >= limit or (self._used and len(data) == READ_BYTES):
                continue
            if self._used < len(data) and not (last and _is_torn(data[self._used :])):
                return self._chunk(arrived, broken=self._damage("校验失败"))
            if last:
                return self._chunk(arrived, tail=True)
            self.at = _next(self.at)
        return self._chunk(arrived, broken=self._damage(complaint) if complaint else "")

    def _take(self, arrived: list[Arrival], limit: int) -> str:
        """Take whole records from what was read already; return a complaint about one."""
        segment, offset = self.at
        start = offset - self._used
        stop, complaint = self._scan(self._ahead, self._used, (segment, start), limit, arrived)
        self.at, self._used = Position(segment, start + stop), stop
        return complaint

    def _scan(
        self, data: bytes, used: int, base: tuple[int, int], limit: int, arrived: list[Arrival]
    ) -> tuple[int, str]:
        """Take whole records; return where in `data` that ended, and a complaint about contents.

        This loop runs twice for each call of a customer, so it is flat.
        """
        size, (segment, start), opened = len(data), base, self.open
        unpack, header, read = _FRAME.unpack_from, _FRAME.size, self.reader.read
        while used + header <= size and len(arrived) < limit:
            length, checksum = unpack(data, used)
            stop = used + header + length
            payload = data[used + header : stop]
            if stop > size or not length or crc32c(payload) != checksum:
                break
            head = 3 if payload[0] == _ARRAY_16 else 1
            kind = payload[head]
            if kind == _BEGUN:
                opened.setdefault(payload[head + 3 : head + 19], (segment, start + used, payload))
            else:
                try:
                    if kind == _RETURNED:
                        self._returned.append(_decode_returned(payload))
                    else:
                        arrival = read(payload)
                        arrived.append(arrival)
                        opened.pop(arrival[1][0], None)
                except msgspec.DecodeError as error:
                    return used, f"有无法识别的记录（{error}）"
            used = stop
        return used, ""

    def _chunk(self, arrived: list[Arrival], *, tail: bool = False, broken: str = "") -> Chunk:
        if tail or broken or self._used == len(self._ahead):
            self._ahead, self._used = b"", 0
        returned = tuple(self._returned)
        self._returned.clear()
        return Chunk(arrived, self.at, self.open_at, tail, broken, returned)

    def recall(self, open_at: Position) -> str:
        """Find again the calls that were open at our place; return a sentence about damage."""
        at, goal = open_at, self.at
        while at < goal:
            inside = goal.offset - at.offset if at.segment == goal.segment else READ_BYTES
            data = self._load(at, min(inside, READ_BYTES))
            if isinstance(data, str):
                return data
            used, complaint = self._scan(data, 0, at, READ_BYTES, [])
            if complaint or (data and not used):
                return self._damage(complaint or "校验失败")
            at = Position(at.segment, at.offset + used) if used else _next(at)
        # What was given back before our place has been taken in with what was read then.
        self._returned.clear()
        return ""

    def give_up(self) -> list[Begun]:
        """Return the calls still open, and forget them."""
        begun = [_decode_begun(payload) for _, _, payload in self.open.values()]
        self.open.clear()
        return begun

    def size(self) -> int:
        """Return the bytes of our segment, or −1 where there is another after it."""
        if (self.folder / segment_name(self.at.segment + 1)).exists():
            return -1
        path = self.folder / segment_name(self.at.segment)
        return path.stat().st_size if path.exists() else 0

    def _load(self, at: Position, size: int) -> bytes | str:
        """Return the bytes from a place on, or a sentence about why that cannot be."""
        path = self.folder / segment_name(at.segment)
        try:
            with path.open("rb") as file:
                head = file.read(HEADER) if at.offset == HEADER else b""
                file.seek(at.offset)
                data = file.read(size)
        except FileNotFoundError:
            if any(number > at.segment for number in segments(self.folder)):
                return f"流水 {self.folder.name} 缺少第 {at.segment} 段，已停读；请从备份找回该文件"
            return b""
        if data and at.offset == HEADER and head[: len(MAGIC)] not in FORMATS:
            return (
                f"流水 {self.folder.name} 的 {path.name} 由本版本不认识的格式写成，已停读；"
                "请用写下它的版本读取，或核对该文件的来历"
            )
        if data and at.offset == HEADER and head[len(MAGIC) :] != UUID(self.folder.name).bytes:
            return (
                f"流水 {self.folder.name} 的 {path.name} 不是它的文件，已停读；请核对该文件的来历"
            )
        return data

    def _damage(self, what: str) -> str:
        where = f"{segment_name(self.at.segment)} 第 {self.at.offset} 字节"
        return f"流水 {self.folder.name} 在 {where} {what}，已停读；请按手册处理"


def _next(at: Position) -> Position:
    return Position(at.segment + 1, HEADER)


def _is_torn(rest: bytes) -> bool:
    """Tell a torn last write from damage: behind damage whole records follow."""
    hit = rest.find(_ID)
    while hit >= 0:
        for distance in _STARTS:
            start = hit - distance
            if start > _FRAME.size and _is_record(rest, start):
                return False
        hit = rest.find(_ID, hit + 1)
    return True


def _is_record(rest: bytes, start: int) -> bool:
    length, checksum = _FRAME.unpack_from(rest, start - _FRAME.size)
    payload = rest[start : start + length]
    return bool(0 < length == len(payload) and crc32c(payload) == checksum)


def is_alive(folder: Path) -> bool:
    """Tell whether the journal's writer still holds its lock; without a lock file it is dead."""
    try:
        fd = os.open(folder / _LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at once do not take each other for the writer.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def journal_folders(root: Path) -> list[Path]:
    """Return the folders of journals, the oldest first."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if journal_id_of(path) is not None)


def journal_id_of(folder: Path) -> UUID | None:
    """Read a journal's id from its folder's name; None for any other folder."""
    name = folder.name
    if len(name) != _NAME or set(name) - set("0123456789abcdef"):
        return None
    return UUID(name)


def segments(folder: Path) -> list[int]:
    """Return the numbers of the segments that are there."""
    return sorted(int(path.stem) for path in folder.glob("*.wal") if path.stem.isdecimal())
