"""Capacity: the busiest minute of a provider account, its ceiling, and who is told in time."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.scenarios.books import FOUNDED, Books, Party
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
)
from yuejie.insights.capacity import store
from yuejie.insights.capacity.lane import Ceiling, Gauge, Level, Outlook
from yuejie.insights.capacity.take import rebuild_hours, take_hours
from yuejie.insights.capacity.watch import outlooks, put_ceiling, sentence, watch_capacity
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import local_hour
from yuejie.usage.journal import Ended
from yuejie.usage.record import unix_us

PRICES: Final = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
"""
ZONE: Final = ZoneInfo("Asia/Shanghai")
BEGAN: Final = date(2026, 9, 1)
TOLD: Final = "SELECT facts FROM notice WHERE kind = 'capacity_near' ORDER BY key"


@dataclass(frozen=True, slots=True)
class Told:
    facts: dict[str, str]


@dataclass
class Line:
    """One customer's calls over one deployment of one account."""

    books: Books
    party: Party
    records: list[Ended] = field(default_factory=list)
    like: Ended | None = None

    def minute(self, at: datetime, calls: int, tokens: int, status: int = 200) -> None:
        """Begin so many calls within a minute, each of so many tokens."""
        for number in range(calls):
            self._call(at + timedelta(seconds=60 * number / calls), tokens, status)

    def _call(self, at: datetime, tokens: int, status: int) -> None:
        meters = {"input": 1, "cache_read": 1, "requests": 1}
        if self.like is None:
            self.like = self.books.ended(self.party, at, "gpt-4o", "main", "measured", meters)
        us = unix_us(at)
        begun = msgspec.structs.replace(
            self.like.begun,
            event=uuid7_at(us // 1000),
            operation=uuid7_at(us // 1000),
            started_us=us,
            month=f"{at.astimezone(ZONE):%Y-%m}",
            hour_s=int(local_hour(at, ZONE).timestamp()),
        )
        items = tuple(
            msgspec.structs.replace(item, quantity=tokens - 1) if item.meter == "input" else item
            for item in self.like.items
        )
        ended = msgspec.structs.replace(self.like, begun=begun, items=items, http_status=status)
        self.records.append(ended)

    def arrive(self) -> None:
        self.books.ingest(self.records)
        self.records = []

    def days(self, count: int, first: int = 10, more: int = 1) -> datetime:
        """Use the account for so many days, a few calls a minute more each day; return the end."""
        for number in range(count):
            day = BEGAN + timedelta(days=number)
            at = datetime(day.year, day.month, day.day, 14, 20, tzinfo=ZONE)
            self.minute(at, first + more * number, 1_000)
            self.minute(at + timedelta(hours=1), 2, 5_000)
        self.arrive()
        last = BEGAN + timedelta(days=count)
        return datetime(last.year, last.month, last.day, 0, 10, tzinfo=ZONE)

    def taken(self, now: datetime) -> None:
        while True:
            found = take_hours(self.books.db, now)
            if not found.hours and not found.settled:
                return

    def outlook(self, now: datetime, gauge: Gauge = Gauge.RPM) -> Outlook:
        found = outlooks(self.books.db, now=now)
        return next(e for e in found if (e.upstream_model, e.gauge) == ("gpt-4o-2026", gauge))

    def told(self) -> list[dict[str, str]]:
        with self.books.db.read() as tx:
            return [row.facts for row in tx.rows(Told, TOLD)]


@pytest.fixture
def line(books: Books) -> Line:
    books.prices(PRICES, currency="CNY")
    account = AccountDraft(
        account_id="openai-main",
        provider="openai",
        platform="openai",
        base_url="http://127.0.0.1:1",
        region="us",
        credential=b"sealed",
    )
    put_account(books.db, account, by="op", now=FOUNDED)
    put_model(books.db, ModelDraft(model_id="gpt-4o", owner="openai"), by="op", now=FOUNDED)
    place = DeploymentDraft(
        model_id="gpt-4o",
        account_id="openai-main",
        upstream_model="gpt-4o-2026",
        cost_model="openai/gpt-4o",
        name="sim",
    )
    put_deployment(books.db, place, by="op", now=FOUNDED)
    return Line(books, books.customer("acme"))


def ceiling(
    line: Line, rpm: int | None, tpm: int | None = None, model: str = "gpt-4o-2026"
) -> bool:
    made = Ceiling("openai-main", model, rpm, tpm)
    return put_ceiling(line.books.db, made, by="op", now=line.books.clock.now())


def test_the_busiest_minute_of_an_hour_is_kept(line: Line) -> None:
    """Seven calls at 14:20 and three at 14:40 with more tokens: two minutes, each the busiest."""
    at = datetime(2026, 9, 1, 6, 20, tzinfo=UTC)
    line.minute(at, 7, 1_000)
    line.minute(at + timedelta(minutes=20), 3, 9_000)
    line.arrive()
    line.taken(datetime(2026, 9, 1, 8, 0, tzinfo=UTC))
    with line.books.db.read() as tx:
        whole, model = store.stored_hour(tx, at.replace(minute=0))
    assert (whole.upstream_model, model.upstream_model) == ("", "gpt-4o-2026")
    for row in (whole, model):
        assert (row.requests, row.tokens, row.throttled) == (10, 34_000, 0)
        assert (row.requests_peak, row.requests_minute) == (7, at)
        assert (row.tokens_peak, row.tokens_minute) == (27_000, at + timedelta(minutes=20))


def test_an_hour_is_taken_once_and_again_a_day_later(line: Line) -> None:
    """A node was away; its journal comes in the evening. The next day the hour knows of it."""
    at = datetime(2026, 9, 1, 6, 20, tzinfo=UTC)
    line.minute(at, 7, 1_000)
    line.arrive()
    line.taken(datetime(2026, 9, 1, 12, 0, tzinfo=UTC))
    line.minute(at, 5, 1_000)
    line.arrive()
    line.taken(datetime(2026, 9, 1, 13, 0, tzinfo=UTC))
    hour = at.replace(minute=0)

    def peak() -> int:
        with line.books.db.read() as tx:
            return store.stored_hour(tx, hour)[1].requests_peak

    assert peak() == 7
    later = datetime(2026, 9, 2, 13, 0, tzinfo=UTC)
    line.taken(later)
    assert peak() == 12
    assert take_hours(line.books.db, later).hours == 0


def test_a_rebuild_gives_the_same_and_finds_what_came_too_late(line: Line) -> None:
    now = line.days(3)
    with pytest.raises(Invalid, match="capacity take"):
        rebuild_hours(line.books.db, now - timedelta(days=3), now, check=True)
    line.taken(now)
    since = datetime(2026, 9, 1, tzinfo=ZONE)
    assert rebuild_hours(line.books.db, since, now, check=True) == []
    late = datetime(2026, 9, 1, 14, 20, tzinfo=ZONE)
    line.minute(late, 3, 1_000)
    line.arrive()
    found = rebuild_hours(line.books.db, since, now, check=True)
    assert found == [late.astimezone(UTC).replace(minute=0)]
    assert rebuild_hours(line.books.db, since, now, check=False) == found
    assert rebuild_hours(line.books.db, since, now, check=True) == []


def test_a_ceiling_that_growth_will_reach_is_told_before(line: Line) -> None:
    """
    Ten calls in the busiest minute, one more each day: after three weeks it is thirty.
    A ceiling of 40 is not passed, and may be in the second week: the operator hears of it once.
    """
    now = line.days(21)
    line.taken(now)
    ceiling(line, 40)
    seen = line.outlook(now)
    assert (seen.peak, seen.percent) == (30, 75)
    assert seen.level in (Level.AHEAD, Level.MAYBE)
    assert seen.weekly_percent is not None
    assert 25 < seen.weekly_percent < 45
    assert seen.maybe_on is not None
    assert date(2026, 9, 22) <= seen.maybe_on <= date(2026, 10, 2)
    assert seen.ahead is not None
    assert seen.ahead.middle >= 29
    assert "到达" in sentence(seen)
    assert watch_capacity(line.books.db, now) == 1
    assert watch_capacity(line.books.db, now + timedelta(hours=1)) == 0
    assert [(t["account"], t["gauge"], t["ceiling"]) for t in line.told()] == [
        ("openai-main", "RPM", "40")
    ]
    assert watch_capacity(line.books.db, now + timedelta(days=7)) <= 1


def test_a_ceiling_with_room_wakes_nobody(line: Line) -> None:
    now = line.days(21, more=0)
    line.taken(now)
    ceiling(line, 1_000, 10_000_000)
    for gauge in Gauge:
        seen = line.outlook(now, gauge)
        assert (seen.level, seen.likely_on) == (None, None)
    assert watch_capacity(line.books.db, now) == 0


def test_what_the_provider_refuses_is_told_with_or_without_a_ceiling(line: Line) -> None:
    now = line.days(10, more=0)
    line.minute(now - timedelta(days=1), 4, 1_000, status=429)
    line.arrive()
    line.taken(now)
    seen = line.outlook(now)
    assert (seen.throttled, seen.ceiling, seen.level) == (4, None, Level.PASSED)
    assert "以 429 拒绝了 4 次" in sentence(seen)
    assert watch_capacity(line.books.db, now) == 1


def test_an_account_as_a_whole_has_a_ceiling_of_its_own(line: Line) -> None:
    now = line.days(10, more=0)
    line.taken(now)
    assert ceiling(line, 11, model="")
    found = {(e.upstream_model, e.gauge): e for e in outlooks(line.books.db, now=now)}
    assert found["", Gauge.RPM].level is Level.NEAR
    assert found["gpt-4o-2026", Gauge.RPM].level is None
    # Two calls of 5,000 tokens are as many as ten of 1,000.
    assert found["", Gauge.TPM].peak == 10_000


def test_a_ceiling_is_kept_in_versions_and_refused_where_nothing_serves(line: Line) -> None:
    assert ceiling(line, 500, 30_000)
    assert not ceiling(line, 500, 30_000)
    assert ceiling(line, 800, 30_000)
    with line.books.db.read() as tx:
        assert [(q.rpm, q.tpm) for q in store.ceilings(tx)] == [(800, 30_000)]
    assert ceiling(line, None)
    assert not ceiling(line, None)
    with line.books.db.read() as tx:
        assert store.ceilings(tx) == []
    with pytest.raises(NotFound, match="没有上游模型“gpt-9”的部署"):
        ceiling(line, 5, model="gpt-9")
    with pytest.raises(NotFound, match="openai-none"):
        put_ceiling(line.books.db, Ceiling("openai-none", "", 5, None), by="op", now=FOUNDED)
    with pytest.raises(Invalid, match="配额 0 超出范围"):
        ceiling(line, 0)
