"""The journal: usage on disk before anything is owed to anybody.

One process start is one journal: a folder named by a UUIDv7, a held lock, and segments
`00000001.wal`, … nobody else appends to it. A segment is the magic, the journal's id, and records:

    length u32le · CRC-32C of the payload u32le · payload (msgpack)

`Begun` is durable before the upstream is called; `Ended` is in the page cache before the client
has its last byte (it survives kill -9) and durable with the next group commit.
`Ended` is self-contained: a reader needs no `Begun` to store it.
`Returned` gives back what was leased of allowances and is not needed, and counts refusals.
The bytes are fixed by golden tests; a new field is appended with a default, never inserted, so a
build reads what its neighbours in age have written: what it lacks is the default, what it does not
know it leaves alone. What cannot be said so, a new kind of record for one, gets another format
number, which stands in the magic; a build reads its own and the one before, and refuses others.
"""

import fcntl
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from crc32c import crc32c

from yuejie.kernel.errors import DomainError
from yuejie.kernel.limits import RECORD_BYTES, SEGMENT_BYTES

FORMAT: Final = 1
FORMATS: Final = {b"yuejie-journal1\n": FORMAT}
"""Every format that this build reads, by its magic."""
MAGIC: Final = b"yuejie-journal1\n"
HEADER: Final = len(MAGIC) + 16
_FRAME: Final = struct.Struct("<II")
_LOCK: Final = "lock"


class Pace(NamedTuple):
    """How a journal deals with its disk."""

    lazy_seconds: float = 0.05
    """How long a record that nobody waits for may be in the page cache alone."""
    quick_seconds: float = 0.002
    """A longer commit says that the disk is busy: nobody then waits for it on the loop."""


class Begun(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """An attempt that is about to be sent upstream. Times are Unix microseconds, ids 16 bytes."""

    event: bytes
    operation: bytes
    attempt: int
    started_us: int
    month: str
    hour_s: int
    customer: str
    project: str
    key: str
    tags: str
    deployment: str
    api: str
    model: str
    stream: bool
    contract: str
    contract_version: int
    sale_book: str
    sale_revision: int
    cost_book: str
    cost_revision: int
    hold_pico: int = 0
    lease: str = ""


class EndedItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A quantity with the ids of the sale and the cost rate that price it (0: none)."""

    model: str
    meter: str
    quantity: int
    sale_rate: int
    cost_rate: int


class Ended(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """How an attempt ended, however it ended: exactly one per `Begun`."""

    begun: Begun
    ended_us: int
    state: str
    reason: str
    billable: bool
    items: tuple[EndedItem, ...]
    context_tokens: int = 0
    billed_model: str = ""
    service_tier: str = ""
    http_status: int = 200
    outcome: str = "ok"
    first_byte_ms: int | None = None
    response_id: str = ""
    facts: dict[str, str] = {}


RefusedRow = tuple[int, str, str, str, str, str, int, int]
"""Calls that were turned away: the minute's first second, customer, project, key, model, reason,
status, and how many. What is not known is empty."""


class RefusedOne(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One call that was turned away, as its request id finds it; what is not known is empty."""

    request: bytes
    at_us: int
    customer: str
    project: str
    key: str
    model: str
    reason: str
    status: int
    about: dict[str, str] = {}
    """Of the facts of the refusal those that are ours: nothing that a client wrote."""


FlyingRow = tuple[int, int, str, str, int]
"""What calls under way in one worker may come to in a window of a paced allowance: its number, the
window's first second, unit, the sum of their worst cases as text, and how many they are."""


class Returned(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """What the worker notes beside its calls: what it gives back of leases, whom it turned away.

    What it gives back is behind the ends of all calls that used of it, so whoever reads up to here
    has those. The other fields came later, at the end: a build that does not know them takes the
    record for one that gives nothing back, and goes on.
    """

    event: bytes
    """16 bytes of its own; no call has them."""
    at_us: int
    slots: tuple[tuple[int, int, str, int], ...]
    """Allowance, window's first second, unit, amount."""
    refused: tuple[RefusedRow, ...] = ()
    flying: tuple[FlyingRow, ...] = ()
    """As it stands; what was said of a window before holds no more."""
    ones: tuple[RefusedOne, ...] = ()
    """Of those that `refused` counts the first of each minute, one by one."""


Record = Begun | Ended | Returned

encode: Final = msgspec.msgpack.Encoder().encode
decode_begun: Final = msgspec.msgpack.Decoder(Begun).decode
_decode: Final = msgspec.msgpack.Decoder(Record).decode


class JournalBroken(DomainError):
    """The disk refused a record; the worker must die rather than serve what it cannot meter."""

    code = "journal_broken"


class JournalCorrupt(DomainError):
    """A record in the middle of a journal fails its checksum; it is parked for a person."""

    code = "journal_corrupt"


class Position(NamedTuple):
    """A place between two records. Segment numbers start at 1."""

    segment: int
    offset: int


START: Final = Position(1, HEADER)


def frame(payload: bytes) -> bytes:
    """Put length and checksum before a payload."""
    if len(payload) > RECORD_BYTES:
        raise JournalBroken(f"流水记录 {len(payload)} 字节，超过上限 {RECORD_BYTES}，已拒绝写入")
    return _FRAME.pack(len(payload), crc32c(payload)) + payload


class Journal:
    """The writing end. `append` and `flush` are for one thread; the commits run on another."""

    def __init__(
        self,
        root: Path,
        journal_id: UUID,
        on_durable: Callable[[int], None],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        pace: Pace = Pace(),  # noqa: B008 - never changed
    ) -> None:
        """Create the journal's folder and take its lock.

        `on_durable(n)` is called on the commit thread: every record up to the n-th is on disk.
        After an fsync error it is called with −1, once: the worker must die.
        """
        self.journal_id = journal_id
        self.folder = root / journal_id.hex
        self.folder.mkdir(parents=True, mode=0o750)
        self._lock = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o640)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._on_durable = on_durable
        self._segment_bytes = segment_bytes
        self._pace = pace
        self._appended = 0
        self._written = 0
        self._synced = 0
        self.sync_seconds = 0.0
        """How long the disk took for the last commit."""
        self._pending: list[bytes] = []
        self._syncing = threading.RLock()
        self._segment = 0
        self._offset = 0
        self._fd = -1
        self._roll()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._closing = False
        self.broken: Exception | None = None
        self._thread = threading.Thread(target=self._commits, name="journal", daemon=True)
        self._thread.start()

    def append(self, record: Record) -> int:
        """Queue a record for the next `flush` and return its ordinal."""
        self._pending.append(frame(encode(record)))
        self._appended += 1
        return self._appended

    def flush(self, *, commit: bool = True) -> None:
        """Hand all queued records to the kernel in one write, and ask for a group commit.

        Without `commit` they go with the next one, at most `lazy_seconds` later: an end of a call
        survives kill -9 in the page cache, and nobody waits for its disk.
        """
        if not self._pending:
            return
        if self.broken is not None:
            raise JournalBroken("流水写盘失败，进程即将退出，请检查磁盘空间") from self.broken
        batch = b"".join(self._pending)
        self._pending.clear()
        try:
            if self._offset + len(batch) > self._segment_bytes:
                self._roll()
            _write(self._fd, batch)
        except OSError as error:
            # What was queued is nowhere, or is there in part: nothing may follow it.
            self.broken = error
            raise JournalBroken(f"流水写盘失败：{error.strerror}，请检查磁盘空间") from error
        self._offset += len(batch)
        self._written = self._appended
        if commit:
            self._wake.put(None)

    def commit_here(self) -> bool:
        """Write and commit all queued records on the caller's thread; False where that may be slow.

        It saves waking the other thread and being woken by it. Nothing is done while that thread is
        at the disk, nor after a commit that was not quick, whoever made it.
        """
        if self.sync_seconds > self._pace.quick_seconds or not self._syncing.acquire(
            blocking=False
        ):
            return False
        try:
            self.flush(commit=False)
            self._sync(self._written)
        finally:
            self._syncing.release()
        return True

    def close(self) -> None:
        """Flush, commit and give the lock back; the journal is then dead and wholly readable."""
        self.flush()
        self._closing = True
        self._wake.put(None)
        self._thread.join()
        os.close(self._fd)
        os.close(self._lock)

    def _roll(self) -> None:
        path = self.folder / segment_name(self._segment + 1)
        incoming = path.with_suffix(".incoming")
        fd = os.open(incoming, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
        _write(fd, MAGIC + self.journal_id.bytes)
        os.fsync(fd)
        # A reader that follows closely never meets a segment without its header.
        incoming.rename(path)
        with self._syncing:
            if self._fd >= 0:
                self._sync(self._synced)
                os.close(self._fd)
            self._fd = fd
        self._segment += 1
        for folder in (self.folder, self.folder.parent):
            directory = os.open(folder, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
        self._offset = HEADER

    def _commits(self) -> None:
        """Group commit: one fdatasync covers all that was written before it began."""
        while True:
            self._await_wish()
            closing, covered = self._closing, self._written
            if covered == self._synced and not closing:
                continue
            try:
                with self._syncing:
                    self._sync(covered)
            except JournalBroken:
                self._on_durable(-1)
                return
            self._on_durable(covered)
            if closing:
                return

    def _sync(self, covered: int) -> None:
        """Commit, one thread at a time: the kernel tells of a lost write once, to whoever asks."""
        if self.broken is not None:
            raise JournalBroken("流水写盘失败，进程即将退出，请检查磁盘空间") from self.broken
        began = time.monotonic()
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            self.broken = error
            raise JournalBroken(f"流水写盘失败：{error.strerror}，请检查磁盘空间") from error
        self.sync_seconds = time.monotonic() - began
        self._synced = max(self._synced, covered)

    def _await_wish(self) -> None:
        """Wait until a commit is wished for or due, and take all wishes at once."""
        with suppress(Empty):
            self._wake.get(timeout=self._pace.lazy_seconds)
            while True:
                self._wake.get_nowait()


def _write(fd: int, data: bytes) -> None:
    """Hand all of it to the kernel at once; `OSError` where it takes only some."""
    if os.write(fd, data) != len(data):
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def segment_name(number: int) -> str:
    """Return the file name of a segment."""
    return f"{number:08d}.wal"


def is_alive(folder: Path) -> bool:
    """Tell whether the journal's writer still holds its lock."""
    fd = os.open(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def read_from(folder: Path, start: Position, *, alive: bool) -> Iterator[tuple[Position, Record]]:
    """Yield each record after `start` with the position behind it.

    Stops where the bytes stop making sense at the tail: of a living journal that is a write in
    progress, of a dead one the torn last write. Anywhere else it raises `JournalCorrupt`.
    Ask `is_alive` before reading, not after, or the tail of a writer that died meanwhile is missed.
    """
    segment, offset = start
    while True:
        path = folder / segment_name(segment)
        if not path.exists():
            return
        data = _segment_from(path, offset)
        used = 0
        for size, record in _records(data):
            used += size
            yield Position(segment, offset + used), record
        last = not (folder / segment_name(segment + 1)).exists()
        rest = data[used:]
        if rest and not (last and _is_tail(rest, alive=alive)):
            where = f"{path.name} 第 {offset + used} 字节"
            raise JournalCorrupt(f"流水 {folder.name} 在 {where} 校验失败，已停读，请按手册处理")
        if last:
            return
        segment, offset = segment + 1, HEADER


def _segment_from(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def _records(data: bytes) -> Iterator[tuple[int, Record]]:
    at, end = 0, len(data)
    while at + _FRAME.size <= end:
        length, checksum = _FRAME.unpack_from(data, at)
        payload = data[at + _FRAME.size : at + _FRAME.size + length]
        if len(payload) < length or length == 0 or crc32c(payload) != checksum:
            return
        yield _FRAME.size + length, _decode(payload)
        at += _FRAME.size + length


def _is_tail(rest: bytes, *, alive: bool) -> bool:
    """Tell a torn last write from damage: behind damage whole records follow."""
    if alive or len(rest) < _FRAME.size:
        return True
    length, _ = _FRAME.unpack_from(rest, 0)
    behind = rest[_FRAME.size + length :]
    return next(_records(behind), None) is None
