"""Builds live beside each other: what one writes, its neighbours in age read."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.rooms.intake.calls import begin, end, journal_id, open_journal, whole, write
from yuejie.gateway.snapshot import (
    FILE,
    Snapshot,
    SnapshotBroken,
    pack,
    read_snapshot,
    write_snapshot,
)
from yuejie.usage.journal import FORMATS, HEADER, MAGIC, Begun, Ended, Position, encode, frame
from yuejie.usage.tail import Tail

FIRST_BEGUN = 20
"""Fields that a begun call had in the first build that wrote journals: no hold, no lease."""
FIRST_ENDED = 6


def older(record: Begun | Ended, begun_fields: int, ended_fields: int) -> bytes:
    """What an older build would have written: the same without the fields that came later."""
    whole: list[Any] = msgspec.msgpack.decode(encode(record))
    if isinstance(record, Begun):
        return encode(whole[: begun_fields + 1])
    whole[1] = whole[1][: begun_fields + 1]
    return encode(whole[: ended_fields + 1])


def newer(record: Begun | Ended) -> bytes:
    """What a newer build might write: fields that this one does not know, at the end."""
    whole: list[Any] = msgspec.msgpack.decode(encode(record))
    if isinstance(record, Ended):
        whole[1] = [*whole[1], "later", 7]
    return encode([*whole, {"later": [1, 2]}, None])


def read(folder: Path, payloads: list[bytes]) -> tuple[list[Ended], str]:
    name = journal_id()
    path = folder / name.hex
    path.mkdir()
    (path / "00000001.wal").write_bytes(MAGIC + name.bytes + b"".join(map(frame, payloads)))
    chunk = Tail(path, Position(1, HEADER)).read()
    return chunk.ended, chunk.broken


def test_records_of_the_first_build_are_read(tmp_path: Path) -> None:
    call = end(begin(hold_pico=0, lease=""))
    payloads = [older(each, FIRST_BEGUN, FIRST_ENDED) for each in (call.begun, call)]
    (found,), broken = read(tmp_path, payloads)
    assert not broken
    assert (found.begun, found.items, found.state) == (call.begun, call.items, call.state)
    assert (found.outcome, found.facts) == ("ok", {})


def test_what_a_newer_build_appends_is_left_alone(tmp_path: Path) -> None:
    call = end(begin())
    (found,), broken = read(tmp_path, [newer(call.begun), newer(call)])
    assert (found, broken) == (call, "")


def test_another_format_is_refused_by_name_and_nothing_of_it_is_guessed(tmp_path: Path) -> None:
    assert set(FORMATS.values()) == {1}, "a new format is read beside the one before it"
    journal = open_journal(tmp_path)
    write(journal, whole([end(begin())]))
    journal.close()
    segment = journal.folder / "00000001.wal"
    segment.write_bytes(segment.read_bytes().replace(b"journal1", b"journal9", 1))
    chunk = Tail(journal.folder, Position(1, HEADER)).read()
    assert not chunk.arrived
    assert "不认识的格式" in chunk.broken


def test_snapshots_are_read_across_builds(tmp_path: Path) -> None:
    """A worker outlives the intake that wrote its file, and the other way round."""
    body: list[Any] = msgspec.msgpack.decode(pack(Snapshot(7, [], [], [], [], [], [], [], [])))
    for fields in (body[:-5], [*body, "later", {"x": 1}]):
        write_snapshot(tmp_path, msgspec.msgpack.encode(fields), 5)
        head, snapshot = read_snapshot(tmp_path / FILE)
        assert (head.published_us, snapshot.revision) == (5, 7)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes().replace(b"snapshot1", b"snapshot9", 1))
    with pytest.raises(SnapshotBroken):
        read_snapshot(path)
