"""Refusals of a journal are added up once, whatever happens; an older build passes over them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from tests.rooms.intake.calls import (
    NOW,
    begin,
    end,
    ingest,
    journal_id,
    take_in,
    whole,
    write_journal,
)
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import CustomerId, uuid7_at
from yuejie.usage.journal import RefusedOne, RefusedRow, Returned, encode
from yuejie.usage.refusals.look import look_up
from yuejie.usage.refusals.reason import Party
from yuejie.usage.refusals.show import By, Question, Refusals, show_refusals

MINUTE = datetime(2026, 11, 1, 3, 20, tzinfo=UTC)
DAY = Question(MINUTE - timedelta(hours=12), MINUTE + timedelta(hours=12))


def row(reason: str, calls: int, *, minute: datetime = MINUTE, key: str = "k") -> RefusedRow:
    return (int(minute.timestamp()), "acme", "p", key, "gpt-4o", reason, 402, calls)


def noted(*rows: RefusedRow) -> Returned:
    return Returned(uuid7_at(1), 1, (), rows)


def one(request: bytes, customer: str = "acme") -> RefusedOne:
    at_us = int(MINUTE.timestamp()) * 1_000_000 + 7
    about = {"name": "测试环境", "left": "0.02 CNY"}
    return RefusedOne(request, at_us, customer, "p", "k", "gpt-4o", "cap_used_up", 402, about)


def named(*ones: RefusedOne) -> Returned:
    return Returned(uuid7_at(1), 1, (), (), (), ones)


def test_a_call_is_found_by_its_id_and_by_nobody_else(database: Database, tmp_path: Path) -> None:
    own, stranger = UUID(bytes=uuid7_at(5)), UUID(bytes=uuid7_at(6))
    records = [named(one(own.bytes)), named(one(stranger.bytes, "")), named(one(own.bytes))]
    follower = ingest(database, tmp_path)
    write_journal(tmp_path, records)
    follower.step(NOW)
    take_in(database, tmp_path)
    for customer in ("acme", None):
        found = look_up(database, customer, own).refused
        assert found is not None
        assert found.call.at == MINUTE + timedelta(microseconds=7)
        assert (found.reason.name, found.call.model) == ("额度已用完", "gpt-4o")
        assert found.facts == [("额度", "测试环境"), ("剩余", "0.02 CNY")]
    for customer, request in (("other", own), ("acme", stranger), (None, UUID(int=9))):
        with pytest.raises(NotFound, match="每分钟只有前 5 次"):
            look_up(database, customer, request)
    assert look_up(database, None, stranger).refused


def test_a_call_that_was_made_is_looked_up_as_before(database: Database, tmp_path: Path) -> None:
    call = end(begin())
    write_journal(tmp_path, whole([call]))
    take_in(database, tmp_path)
    found = look_up(database, None, UUID(bytes=call.begun.operation))
    assert (len(found.attempts), found.refused) == (1, None)


def shown(db: Database, question: Question = DAY, customer: str | None = "acme") -> list[Refusals]:
    with db.read() as tx:
        who = CustomerId(customer) if customer else None
        return show_refusals(tx, who, question, zone="Asia/Shanghai")


def test_counts_are_added_once(database: Database, tmp_path: Path) -> None:
    """The same key twice in a batch and again later; reading on from the offset adds nothing."""
    later = MINUTE + timedelta(minutes=1)
    call = end(begin())
    records = [noted(row("cap_used_up", 2), row("cap_used_up", 3)), *whole([call])]
    follower = ingest(database, tmp_path)
    name = journal_id()
    write_journal(tmp_path, [*records, noted(row("cap_used_up", 5, minute=later))], name)
    follower.step(NOW)
    follower.step(NOW)
    take_in(database, tmp_path)
    [found] = shown(database)
    assert (found.row.calls, found.row.first_at, found.row.last_at) == (10, MINUTE, later)
    assert (found.reason.party, found.row.key_id) == (Party.CUSTOMER, "k")
    assert not shown(database, customer="other")
    assert [each.row.calls for each in shown(database, customer=None)] == [10]


def test_a_batch_with_known_calls_adds_refusals_once(database: Database, tmp_path: Path) -> None:
    """The slow way of a batch begins anew; what was refused is not added twice by it."""
    call = end(begin())
    write_journal(tmp_path, whole([call]))
    take_in(database, tmp_path)
    write_journal(tmp_path, [*whole([call]), noted(row("rate_limited", 4))], journal_id())
    take_in(database, tmp_path)
    assert [each.row.calls for each in shown(database)] == [4]


def test_rows_are_told_apart_as_asked(database: Database, tmp_path: Path) -> None:
    next_hour = MINUTE + timedelta(hours=1)
    rows = (row("rate_limited", 1), row("rate_limited", 2, key="other"))
    more = (row("rate_limited", 4, minute=next_hour), row("stopping", 8))
    write_journal(tmp_path, [noted(*rows, *more)])
    take_in(database, tmp_path)
    assert [each.row.calls for each in shown(database)] == [8, 5, 2]
    by_hour = Question(DAY.since, DAY.until, (By.HOUR,), "rate_limited")
    found = [(each.row.hour, each.row.calls) for each in shown(database, by_hour)]
    assert found == [
        (datetime(2026, 11, 1, 4, tzinfo=UTC), 4),
        (datetime(2026, 11, 1, 3, tzinfo=UTC), 3),
    ]
    ours = [each.row.reason for each in shown(database) if each.reason.party is Party.OURS]
    assert ours == ["stopping"]


def test_what_cannot_be_asked_is_said(database: Database) -> None:
    with pytest.raises(Invalid, match="时段"):
        shown(database, Question(DAY.until, DAY.since))
    with pytest.raises(Invalid, match="没有“hunger”"):
        shown(database, Question(DAY.since, DAY.until, (), "hunger"))


class Older(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """`Returned` as builds before refusals knew it."""

    event: bytes
    at_us: int
    slots: tuple[tuple[int, int, str, int], ...]


def test_an_older_build_takes_it_for_nothing_given_back() -> None:
    read = msgspec.msgpack.Decoder(Older).decode(encode(noted(row("cap_used_up", 2))))
    assert (read.slots, read.at_us) == ((), 1)
    written = msgspec.msgpack.encode(Older(bytes(16), 7, ((1, 2, "", 3),)))
    assert msgspec.msgpack.Decoder(Returned).decode(written).refused == ()
