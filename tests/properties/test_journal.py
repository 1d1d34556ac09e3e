"""Journals: what is written is read, however it is cut into writes, chunks and segments."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.kernel.ids import uuid7_at
from yuejie.usage.journal import START, Begun, Ended, EndedItem, Journal, Record
from yuejie.usage.tail import Tail

words = st.text(max_size=20)
counts = st.integers(0, 2**40)
ids = st.binary(min_size=16, max_size=16)

begun = st.builds(
    Begun,
    event=ids,
    operation=ids,
    attempt=st.integers(1, 9),
    started_us=counts,
    month=st.just("2026-10"),
    hour_s=counts,
    customer=words,
    project=words,
    key=words,
    tags=words,
    deployment=words,
    api=words,
    model=words,
    stream=st.booleans(),
    contract=words,
    contract_version=counts,
    sale_book=words,
    sale_revision=counts,
    cost_book=words,
    cost_revision=counts,
    hold_pico=counts,
    lease=words,
)
item = st.builds(
    EndedItem, model=words, meter=words, quantity=counts, sale_rate=counts, cost_rate=counts
)
ended = st.builds(
    Ended,
    begun=begun,
    ended_us=counts,
    state=words,
    reason=words,
    billable=st.booleans(),
    items=st.lists(item, max_size=4).map(tuple),
    first_byte_ms=st.none() | counts,
    facts=st.dictionaries(words, words, max_size=3),
)
records = st.lists(st.lists(begun | ended, max_size=5), max_size=6)


def read(tail: Tail, limit: int) -> list[Ended]:
    """Read to the tail in chunks."""
    found: list[Ended] = []
    chunk = tail.read(limit)
    while not chunk.tail:
        assert not chunk.broken
        found += chunk.ended
        chunk = tail.read(limit)
    return found + chunk.ended


def open_calls(written: list[Record]) -> dict[bytes, Begun]:
    """What is begun and not ended, by the rules of the format."""
    waiting: dict[bytes, Begun] = {}
    for record in written:
        if isinstance(record, Begun):
            waiting.setdefault(record.event, record)
        elif isinstance(record, Ended):
            waiting.pop(record.begun.event, None)
    return waiting


@given(batches=records, limit=st.integers(1, 4))
@settings(max_examples=25)
def test_what_is_written_is_read(batches: list[list[Record]], limit: int) -> None:
    with TemporaryDirectory() as root:
        journal = Journal(Path(root), UUID(bytes=uuid7_at(1)), lambda _: None)
        for batch in batches:
            for record in batch:
                journal.append(record)
            journal.flush()
        journal.close()
        written = [record for batch in batches for record in batch]
        tail = Tail(journal.folder, START)
        assert read(tail, limit) == [r for r in written if isinstance(r, Ended)]
        again = Tail(journal.folder, tail.at)
        assert again.recall(tail.open_at) == ""
        assert set(open_calls(written).values()) == set(tail.give_up()) == set(again.give_up())


@given(batches=records, cut=st.integers(0, 4000))
@settings(max_examples=25)
def test_a_cut_anywhere_leaves_a_readable_beginning(batches: list[list[Record]], cut: int) -> None:
    with TemporaryDirectory() as root:
        journal = Journal(Path(root), UUID(bytes=uuid7_at(1)), lambda _: None)
        for batch in batches:
            for record in batch:
                journal.append(record)
            journal.flush()
        journal.close()
        segment = journal.folder / "00000001.wal"
        data = segment.read_bytes()
        segment.write_bytes(data[: max(32, len(data) - cut)])
        found = read(Tail(journal.folder, START), 3)
        assert (
            found == [r for batch in batches for r in batch if isinstance(r, Ended)][: len(found)]
        )
