"""A beginning is on disk before anybody is told of it, whoever commits it; an end is handed on."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from tests.rooms.intake.calls import OCTOBER_MS, begin, end
from yuejie.gateway.meter.ink import Ink
from yuejie.kernel.ids import uuid7_at
from yuejie.usage.journal import START, Journal, JournalBroken, Pace, Record, read_from

DEAD = "the worker dies"
PACE = Pace(lazy_seconds=3600, quick_seconds=60)
"""Every disk is quick, and no record goes by itself: no clock decides here who commits."""


class Disk:
    """Stands before fdatasync: who asked, what the journal held then, and whether it fails."""

    def __init__(self) -> None:
        self.journal: Path | None = None
        self.commits: list[tuple[str, list[Record]]] = []
        self.fails = False
        self.free = threading.Event()
        self.free.set()
        self.asked = threading.Event()

    def sync(self, _fd: int) -> None:
        held = list(records(self.journal)) if self.journal else []
        self.asked.set()
        self.free.wait(60)
        if self.fails:
            raise OSError(5, "EIO")
        self.commits.append((threading.current_thread().name, held))


def records(folder: Path) -> Iterator[Record]:
    return (record for _, record in read_from(folder, START, alive=True))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that answers as the test says."""
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk.sync)
    return disk


def play(root: Path, disk: Disk, deed: Callable[[Ink], Awaitable[None]]) -> None:
    def die() -> None:
        raise SystemExit(DEAD)

    async def whole() -> None:
        ink = Ink(
            root, UUID(bytes=uuid7_at(OCTOBER_MS)), asyncio.get_running_loop(), die, pace=PACE
        )
        disk.journal = ink.journal.folder
        with closing(ink, disk):
            await deed(ink)

    asyncio.run(whole())


@contextmanager
def closing(ink: Ink, disk: Disk) -> Iterator[None]:
    try:
        yield
    finally:
        disk.free.set()
        if not disk.fails:
            ink.close()


def own(disk: Disk) -> list[list[Record]]:
    """What was committed on the loop's own thread."""
    return [held for name, held in disk.commits if name == "MainThread"]


def test_a_call_that_is_alone_is_on_disk_at_once(tmp_path: Path, disk: Disk) -> None:
    async def deed(ink: Ink) -> None:
        for number in range(3):
            call = begin(number)
            assert ink.written(call) is None
            assert own(disk)[-1][-1] == call
            assert ink.signed(end(call)) is None
            assert list(records(ink.journal.folder))[-1] == end(call)

    play(tmp_path, disk, deed)
    assert len(own(disk)) == 3


def test_two_at_once_are_committed_together_and_hold_nobody_up(tmp_path: Path, disk: Disk) -> None:
    async def deed(ink: Ink) -> None:
        alone, one, two = begin(1), begin(2), begin(3)
        assert ink.written(alone) is None
        waiting = [ink.written(one), ink.written(two)]
        disk.free.clear()
        disk.asked.clear()
        await asyncio.to_thread(disk.asked.wait, 60)
        assert not any(each is None or each.done() for each in waiting)
        disk.free.set()
        for each in waiting:
            assert each is not None
            await each
        assert all(call in disk.commits[-1][1] for call in (one, two))
        ends = [ink.signed(end(call)) for call in (alone, one, two)]
        for late in ends:
            if late is not None:
                await late
        held = list(records(ink.journal.folder))
        assert all(end(call) in held for call in (alone, one, two))

    play(tmp_path, disk, deed)
    assert len(own(disk)) == 1


def test_a_slow_disk_is_waited_for_by_the_other_thread(tmp_path: Path, disk: Disk) -> None:
    async def deed(ink: Ink) -> None:
        ink.journal.sync_seconds = 2 * PACE.quick_seconds
        late = ink.written(begin(1))
        assert late is not None
        await late
        assert not own(disk)

    play(tmp_path, disk, deed)


def test_while_the_other_thread_is_at_the_disk_nobody_waits_behind_it(
    tmp_path: Path, disk: Disk
) -> None:
    async def deed(ink: Ink) -> None:
        disk.free.clear()
        ink.journal.append(begin(1))
        ink.journal.flush()
        await asyncio.to_thread(disk.asked.wait, 60)
        second = begin(2)
        late = ink.written(second)
        assert late is not None
        assert not late.done()
        disk.free.set()
        await late
        assert second in disk.commits[-1][1]
        assert not own(disk)

    play(tmp_path, disk, deed)


def test_a_call_given_up_while_it_waits_spoils_nothing(tmp_path: Path, disk: Disk) -> None:
    async def deed(ink: Ink) -> None:
        ink.journal.sync_seconds = 2 * PACE.quick_seconds
        first, second = begin(1), begin(2)
        gone = ink.written(first)
        assert gone is not None
        gone.cancel()
        ink.signed(end(first))
        late = ink.written(second)
        if late is not None:
            await late
        assert second in disk.commits[-1][1]

    play(tmp_path, disk, deed)


def test_a_disk_that_refuses_ends_the_worker(tmp_path: Path, disk: Disk) -> None:
    async def deed(ink: Ink) -> None:
        disk.fails = True
        ink.written(begin(1))

    with pytest.raises(SystemExit, match=DEAD):
        play(tmp_path, disk, deed)


def test_a_write_that_was_lost_is_never_taken_for_kept(tmp_path: Path, disk: Disk) -> None:
    told, heard = list[int](), threading.Event()

    def tell(covered: int) -> None:
        told.append(covered)
        heard.set()

    writer = Journal(tmp_path, UUID(bytes=uuid7_at(OCTOBER_MS)), tell)
    disk.fails = True
    writer.append(begin(1))
    writer.flush()
    assert heard.wait(60)
    assert told == [-1]
    # The kernel tells of a lost write once; asked again, it says that all is well.
    disk.fails = False
    with pytest.raises(JournalBroken):
        writer.commit_here()


def test_a_write_that_was_lost_while_a_segment_ended_is_never_taken_for_kept(
    tmp_path: Path, disk: Disk
) -> None:
    told, heard = list[int](), threading.Event()

    def tell(covered: int) -> None:
        told.append(covered)
        heard.set()

    writer = Journal(tmp_path, UUID(bytes=uuid7_at(OCTOBER_MS)), tell, segment_bytes=1, pace=PACE)
    writer.append(begin(1))
    writer.flush(commit=False)
    disk.fails = True
    writer.append(begin(2))
    with pytest.raises(JournalBroken):
        writer.flush()
    # The kernel tells of a lost write once; asked again, it says that all is well.
    disk.fails = False
    with pytest.raises(JournalBroken):
        writer.commit_here()
    writer.append(begin(3))
    with pytest.raises(JournalBroken):
        writer.flush()
    assert not told
    assert not disk.commits[1:]


def test_a_segment_that_cannot_be_begun_ends_the_worker(tmp_path: Path) -> None:
    """No file is left to open, or no room: what was queued is nowhere, and nobody may go on."""
    writer = Journal(
        tmp_path, UUID(bytes=uuid7_at(OCTOBER_MS)), lambda _: None, segment_bytes=1, pace=PACE
    )
    writer.append(begin(1))
    (writer.folder / "00000003.incoming").mkdir()
    writer.flush(commit=False)
    writer.append(begin(2))
    with pytest.raises(JournalBroken):
        writer.flush(commit=False)
    with pytest.raises(JournalBroken):
        writer.commit_here()
