"""Following a journal: chunks, segments, open calls, and what may be called a torn tail."""

import threading
from pathlib import Path

import pytest

from tests.rooms.intake.calls import (
    OCTOBER_MS,
    begin,
    calls,
    end,
    open_journal,
    whole,
    write,
    write_journal,
)
from yuejie.usage.journal import HEADER, START, Ended, Position
from yuejie.usage.tail import Tail, is_alive, journal_folders, journal_id_of, segments


def read_all(tail: Tail) -> list[Ended]:
    ended: list[Ended] = []
    while True:
        chunk = tail.read(7)
        assert not chunk.broken
        ended += chunk.ended
        if chunk.tail:
            return ended


def test_chunks_come_in_order_and_say_where_they_end(tmp_path: Path) -> None:
    made = calls(20)
    tail = Tail(write_journal(tmp_path, whole(made)), START)
    first = tail.read(8)
    assert (first.ended, first.tail, first.at) == (made[:8], False, tail.at)
    assert read_all(tail) == made[8:]
    assert tail.open == {}


def test_a_reader_never_overtakes_a_writer_that_changes_segments(tmp_path: Path) -> None:
    made = calls(1_500)
    journal = open_journal(tmp_path, segment_bytes=4_000)

    def write_all() -> None:
        for one in made:
            write(journal, whole([one]))

    writer = threading.Thread(target=write_all, daemon=True)
    writer.start()
    tail, seen = Tail(journal.folder, START), list[Ended]()
    while writer.is_alive():
        seen += read_all(tail)
    writer.join()
    seen += read_all(tail)
    journal.close()
    assert seen == made


def test_open_calls_are_found_again(tmp_path: Path) -> None:
    made = [end(begin(OCTOBER_MS + i)) for i in range(5)]
    folder = write_journal(
        tmp_path,
        [
            made[0].begun,
            made[0],
            made[1].begun,
            made[2].begun,
            made[2],
            made[3].begun,
            made[4].begun,
        ],
    )
    tail = Tail(folder, START)
    read_all(tail)
    again = Tail(folder, tail.at)
    assert again.recall(tail.open_at) == ""
    assert again.open_at == tail.open_at
    assert again.give_up() == [made[1].begun, made[3].begun, made[4].begun]
    assert again.open_at == again.at


def test_open_calls_are_found_again_across_segments(tmp_path: Path) -> None:
    waiting, made = begin(), calls(20)
    journal = open_journal(tmp_path, segment_bytes=2_000)
    write(journal, [waiting])
    for one in made:
        write(journal, whole([one]))
    tail = Tail(journal.folder, START)
    read_all(tail)
    assert tail.at.segment > 2
    again = Tail(journal.folder, tail.at)
    assert again.recall(START) == ""
    assert again.give_up() == [waiting]
    journal.close()


@pytest.mark.parametrize("cut", range(1, 40))
def test_any_cut_of_the_last_record_is_a_torn_tail(tmp_path: Path, cut: int) -> None:
    made = calls(3)
    folder = write_journal(tmp_path, whole(made))
    segment = folder / "00000001.wal"
    segment.write_bytes(segment.read_bytes()[: -7 * cut])
    tail = Tail(folder, START)
    assert len(read_all(tail)) < 3


def test_a_tail_of_zeros_is_torn(tmp_path: Path) -> None:
    made = calls(3)
    folder = write_journal(tmp_path, whole(made))
    with (folder / "00000001.wal").open("ab") as file:
        file.write(bytes(5_000))
    assert read_all(Tail(folder, START)) == made


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 7, 8, 9, 30, 140])
def test_any_byte_changed_before_whole_records_is_damage(tmp_path: Path, at: int) -> None:
    folder = write_journal(tmp_path, whole(calls(3)))
    segment = folder / "00000001.wal"
    data = bytearray(segment.read_bytes())
    data[HEADER + at] ^= 0x81
    segment.write_bytes(data)
    chunk = Tail(folder, START).read()
    assert (chunk.ended, chunk.at) == ([], START)
    assert "校验失败" in chunk.broken


def test_damage_at_the_end_of_a_segment_that_is_not_the_last_is_damage(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=2_000)
    for one in calls(10):
        write(journal, whole([one]))
    journal.close()
    first = journal.folder / "00000001.wal"
    first.write_bytes(first.read_bytes()[:-3])
    tail = Tail(journal.folder, START)
    assert "校验失败" in tail.read().broken


def test_what_a_later_release_writes_is_not_skipped(tmp_path: Path) -> None:
    folder = write_journal(tmp_path, [end(begin(), billable="maybe")])
    assert "无法识别" in Tail(folder, START).read().broken


def test_a_lock_tells_a_living_writer(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert is_alive(journal.folder)
    assert is_alive(journal.folder)
    journal.close()
    assert not is_alive(journal.folder)
    (journal.folder / "lock").unlink()
    assert not is_alive(journal.folder)


def test_only_journals_are_listed(tmp_path: Path) -> None:
    folder = write_journal(tmp_path, [])
    (tmp_path / "journals" / "lost+found").mkdir()
    assert journal_folders(tmp_path / "journals") == [folder]
    assert journal_folders(tmp_path / "nothing") == []
    assert journal_id_of(tmp_path / ("g" * 32)) is None
    assert segments(folder) == [1]


def test_a_place_behind_the_end_of_a_dead_segment_reads_nothing(tmp_path: Path) -> None:
    folder = write_journal(tmp_path, whole(calls(1)))
    chunk = Tail(folder, Position(1, 10**6)).read()
    assert (chunk.ended, chunk.tail) == ([], True)
