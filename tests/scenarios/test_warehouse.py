"""A month that is over, closed and proved moves to ClickHouse, and nobody notices."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace as replace_terms
from datetime import UTC, date, datetime
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from tests.scenarios.books import Books, Party
from tests.scenarios.callers import SLA, calls, fails, promised
from tests.scenarios.test_sla import rescue
from yuejie.assurance.prove import prove_month
from yuejie.assurance.sla.report import report_month
from yuejie.assurance.store import attempts, touched_months
from yuejie.bills.closing.close import Done
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.sla.verdict import FirstByte
from yuejie.bills.trail.follow import every_call, follow_day, follow_line
from yuejie.bills.trail.trail import CallRow, LineTrail
from yuejie.budgets.lending.count import Spending
from yuejie.contracts.terms import LatencyStep
from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse, WarehouseUnavailable
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.packs.store import used_items
from yuejie.support.tickets.open import TicketDraft, open_ticket
from yuejie.support.tickets.ticket import Severity, TicketKind
from yuejie.usage.calls.look import Sought, look_for_calls
from yuejie.usage.correct import Decide, correct
from yuejie.usage.event import Outcome
from yuejie.usage.journal import Ended
from yuejie.usage.rebuild import rebuild
from yuejie.usage.record import ended_of
from yuejie.usage.show import Attempt, show_request, show_requests
from yuejie.usage.store import EventRow
from yuejie.usage.warehouse.batch import EventsElsewhere, NotAsCounted
from yuejie.usage.warehouse.check import check_batches, show_partitions
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.move import move_partition
from yuejie.usage.warehouse.restore import restore_partition

PRICES = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
MARCH = BillingMonth(2026, 3)
APRIL = BillingMonth(2026, 4)
DAY = date(2026, 3, 1)
FEBRUARY = date(2026, 2, 1)
NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
def house(warehouse: Warehouse, books: Books) -> Books:
    """A house with a warehouse, two customers, and what they used in March and April."""
    books.db.warehouse = warehouse
    books.prices(PRICES, currency="CNY")
    return books


@pytest.fixture
def acme(house: Books) -> Party:
    acme = house.customer("acme")
    for day in range(1, 29):
        acme.uses(f"2026-03-{day:02}T10:00", "gpt-4o", input=1000 + day, output=7 * day)
    acme.uses("2026-03-31T23:59:59", "gpt-4o", input=5, output=1)
    acme.uses("2026-04-02T09:00", "gpt-4o", input=17, output=3)
    return acme


@pytest.fixture
def other(house: Books) -> Party:
    other = house.customer("other")
    other.uses("2026-03-09T12:00", "gpt-4o", input=123, output=45)
    return other


def more(factor: int) -> Decide:
    """Say that a call used so many times what was written down."""

    def decide(row: EventRow) -> Ended:
        was = ended_of(row)
        items = tuple(replace(item, quantity=item.quantity * factor) for item in was.items)
        return replace(was, items=items)

    return decide


def fix(books: Books, event_id: UUID, factor: int) -> None:
    """Correct an event by a person's word."""
    correct(books.db, {event_id: more(factor)}, source="hand", count=Spending().count, forced=True)


def pages(db: Database, party: Party, size: int) -> list[Attempt]:
    """Read all requests of a customer page by page."""
    found: list[Attempt] = []
    before = None
    while True:
        page = show_requests(db, party.customer.customer_id, before=before, limit=size)
        found += page.attempts
        before = page.before
        if before is None:
            return found


def others(db: Database, party: Party) -> list[object]:
    """Ask what else is read from raw events: a pack's rows, service, months that were touched."""
    who = party.customer.customer_id
    with db.read() as tx:
        return [
            list(used_items(tx, who, [MARCH, APRIL], after=0, upto=9)),
            list(attempts(tx, who, "2026-03", 9)),
            touched_months(tx, who, "2026-04", after=0, upto=9),
        ]


def closed(house: Books) -> None:
    for month in ("2026-03", "2026-04"):
        house.close(month)


def proofs(db: Database) -> list[object]:
    found = [*prove_month(db, MARCH), *prove_month(db, APRIL)]
    assert all(not proof.differences for proof in found)
    return list(found)


def test_a_moved_month_reads_as_before(house: Books, acme: Party, other: Party) -> None:
    event = pages(house.db, acme, 100)[5].event.event_id
    fix(house, event, 3)
    closed(house)
    seen = {each: (pages(house.db, each, 7), pages(house.db, each, 100)) for each in (acme, other)}
    asked = others(house.db, acme)
    request = show_request(house.db, None, seen[acme][0][5].event.operation_id)
    assert len(request[0].superseded) == 1
    proved, rebuilt = proofs(house.db), rebuild(house.db, MARCH)
    assert rebuilt.agrees

    warehouse = house.db.warehouse
    assert warehouse is not None
    moved = move_partition(house.db, warehouse, DAY, now=NOW, size=10)

    assert moved.rows == 31
    assert moved.batches == moved.sent == 4
    with house.db.read() as tx, tx.cursor as cursor:
        left = cursor.execute("SELECT count(*) FROM usage_event").fetchall()
    # Midnight in Shanghai is still March in UTC; only April's own call is left.
    assert left == [(1,)]
    for each, (small, large) in seen.items():
        assert pages(house.db, each, 7) == small
        assert pages(house.db, each, 100) == large
    assert others(house.db, acme) == asked
    operation = request[0].event.operation_id
    assert show_request(house.db, None, operation) == request
    assert show_request(house.db, acme.customer.customer_id, operation) == request
    assert proofs(house.db) == proved
    assert rebuild(house.db, MARCH) == rebuilt
    assert check_batches(house.db, warehouse) == (4, [])
    [march, *_] = [p for p in show_partitions(house.db) if p.month == MARCH]
    assert (march.place, march.rows, march.verified) == ("moved", 31, 4)


def test_what_moved_is_corrected_only_after_it_is_back(house: Books, acme: Party) -> None:
    closed(house)
    warehouse = house.db.warehouse
    assert warehouse is not None
    move_partition(house.db, warehouse, DAY, now=NOW, size=10)
    old = pages(house.db, acme, 100)
    event = old[10].event

    with pytest.raises(EventsElsewhere, match="restore 2026-03"):
        fix(house, event.event_id, 2)
    with pytest.raises(EventsElsewhere, match="usage warehouse restore"):
        acme.uses("2026-03-15T08:00", "gpt-4o", input=1)

    assert restore_partition(house.db, warehouse, MARCH, now=NOW) == 29
    assert pages(house.db, acme, 100) == old
    with pytest.raises(Conflict, match="无需取回"):
        restore_partition(house.db, warehouse, MARCH, now=NOW)
    fix(house, event.event_id, 2)
    acme.uses("2026-03-15T08:00", "gpt-4o", input=1)
    # Behind the closing there is usage that no bill knows: it may not go.
    with pytest.raises(NotAsCounted, match="late"):
        move_partition(house.db, warehouse, DAY, now=NOW, size=10)
    house.close("2026-05")
    seen = pages(house.db, acme, 100)

    moved = move_partition(house.db, warehouse, DAY, now=NOW, size=10)

    assert moved.rows == 31
    assert moved.sent == 1, "only what was added since is sent"
    assert pages(house.db, acme, 100) == seen
    assert rebuild(house.db, MARCH).agrees
    proofs(house.db)


class Killed(Exception):
    """What a killed process does not live to say."""


class Mortal(Warehouse):
    """A warehouse whose caller is killed right after its n-th word there has taken effect."""

    def __init__(self, real: Warehouse, lives: int) -> None:
        self.real, self.lives, self.cluster = real, lives, ""

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Killed

    def rows(self, sql: LiteralString, /, **params: object) -> list[Sequence[Any]]:
        found = self.real.rows(sql, **params)
        self._live()
        return found

    def run(self, sql: LiteralString, /, **params: object) -> None:
        self.real.run(sql, **params)
        self._live()

    def insert(
        self, table: str, columns: Sequence[str], lines: Iterable[bytes], *, token: str
    ) -> None:
        self.real.insert(table, columns, lines, token=token)
        self._live()


def test_a_mover_killed_anywhere_never_doubles(house: Books, acme: Party) -> None:
    closed(house)
    warehouse = house.db.warehouse
    assert warehouse is not None
    seen = pages(house.db, acme, 100)
    lives, deaths = 0, 0
    while True:
        try:
            moved = move_partition(house.db, Mortal(warehouse, lives), DAY, now=NOW, size=10)
            break
        except Killed:
            deaths += 1
            lives += 1
            assert pages(house.db, acme, 100) == seen
    assert deaths >= 5, "behind the table, the first question, the sending, both answers"
    assert moved.rows == 29
    assert warehouse.rows("SELECT count() FROM usage_event") == [(29,)]
    assert pages(house.db, acme, 100) == seen


@pytest.mark.parametrize("harm", ["lost", "half", "doubled", "altered"])
def test_what_clickhouse_spoils_is_found_before_anything_is_dropped(
    house: Books, acme: Party, harm: str
) -> None:
    closed(house)
    warehouse = house.db.warehouse
    assert warehouse is not None
    seen = pages(house.db, acme, 100)
    harms = {
        "lost": "ALTER TABLE usage_event DELETE WHERE 1 SETTINGS mutations_sync = 2",
        "half": "ALTER TABLE usage_event DELETE WHERE cityHash64(event_id) % 2 = 0"
        " SETTINGS mutations_sync = 2",
        "doubled": "INSERT INTO usage_event SELECT * FROM usage_event",
        "altered": "ALTER TABLE usage_event UPDATE items = replaceOne(items, '1', '2') WHERE 1"
        " SETTINGS mutations_sync = 2",
    }
    with pytest.raises(Killed):  # the batch is there, and nobody has noted that it is verified
        move_partition(house.db, Mortal(warehouse, 2), DAY, now=NOW)
    assert warehouse.rows("SELECT count() FROM usage_event") == [(29,)]
    warehouse.run(harms[harm])
    assert pages(house.db, acme, 100) == seen

    moved = move_partition(house.db, warehouse, DAY, now=NOW)

    assert moved.sent == 1
    assert warehouse.rows("SELECT count() FROM usage_event") == [(29,)]
    assert pages(house.db, acme, 100) == seen
    warehouse.run("CREATE TABLE kept AS usage_event")
    warehouse.run("INSERT INTO kept SELECT * FROM usage_event")
    warehouse.run(harms["half"])
    number, wrong = check_batches(house.db, warehouse)
    assert (number, len(wrong)) == (1, 1)
    assert any(proof.differences for proof in prove_month(house.db, MARCH)), (
        "the oracle sees it too"
    )
    warehouse.run("TRUNCATE TABLE usage_event")
    warehouse.run("INSERT INTO usage_event SELECT * FROM kept")
    warehouse.run("DROP TABLE kept SYNC")
    assert check_batches(house.db, warehouse) == (1, [])


def test_without_its_address_what_moved_is_named_as_missing(house: Books, acme: Party) -> None:
    closed(house)
    warehouse = house.db.warehouse
    assert warehouse is not None
    move_partition(house.db, warehouse, DAY, now=NOW)
    house.db.warehouse = None
    with pytest.raises(WarehouseUnavailable, match="YUEJIE_CLICKHOUSE_URL"):
        pages(house.db, acme, 100)
    with pytest.raises(WarehouseUnavailable, match="YUEJIE_CLICKHOUSE_URL"):
        prove_month(house.db, MARCH)
    house.db.warehouse = warehouse
    assert far.sizes(warehouse)[0].rows == 29


def test_calls_are_looked_for_wherever_they_lie(house: Books) -> None:
    """
    February stayed here, March was moved, April is open: pages of any size go through all three,
    by project with what is below it, tag, key, model, state and failure, also of a corrected call.
    """
    acme = house.customer("acme", projects=("main", "lab"))
    for when in ("02-10T10:00", "02-11T10:00", "03-05T10:00", "04-02T09:00"):
        acme.uses(f"2026-{when}", "gpt-4o", input=5)
        acme.uses(f"2026-{when}", "gpt-4o", project="lab", input=7)
    fails(acme, "2026-03-06 10:00:00", 2)
    march = acme.uses("2026-03-07T10:00", "gpt-4o", input=9)
    fix(house, UUID(bytes=march.begun.event), 3)
    for month in ("2026-02", "2026-03", "2026-04"):
        house.close(month)
    everything = [
        Sought(),
        Sought(project="lab"),
        Sought(project="nobody"),
        Sought(failed=True),
        Sought(failed=False, model="gpt-4o"),
        Sought(model="gpt-5"),
        Sought(state="measured", tag="team=none"),
        Sought(key=pages(house.db, acme, 1)[0].event.key_id),
        Sought(since=datetime(2026, 3, 5, tzinfo=UTC), until=datetime(2026, 3, 7, tzinfo=UTC)),
    ]
    before = [looked(house, acme, each, size) for each in everything for size in (1, 2, 100)]
    assert [len(found) for found in before[::3]] == [11, 4, 0, 2, 9, 0, 0, 11, 4]
    assert house.db.warehouse is not None
    move_partition(house.db, house.db.warehouse, DAY, now=NOW)
    after = [looked(house, acme, each, size) for each in everything for size in (1, 2, 100)]
    assert after == before


def looked(house: Books, party: Party, sought: Sought, size: int) -> list[Attempt]:
    found: list[Attempt] = []
    cursor = None
    while True:
        page = look_for_calls(
            house.db, party.customer.customer_id, sought, before=cursor, limit=size
        )
        found += page.attempts
        cursor = page.before
        if cursor is None:
            return found


def test_a_ticket_may_ask_about_a_call_that_was_moved(house: Books, acme: Party) -> None:
    event = pages(house.db, acme, 100)[5].event
    closed(house)
    assert house.db.warehouse is not None
    move_partition(house.db, house.db.warehouse, DAY, now=NOW)
    draft = TicketDraft(
        kind=TicketKind.BILLING,
        severity=Severity.S3,
        subject="这次调用",
        text="为什么这么贵？",
        request=str(event.operation_id),
    )
    ticket = open_ticket(house.db, acme.customer, draft, by="customer:赵", now=NOW)
    assert ticket.request_id == event.operation_id


def test_a_bill_voided_long_ago_keeps_no_month_from_closing(house: Books) -> None:
    """
    March is promised 99.9 %, voided, and billed again with April. When its calls have moved,
    nothing of March is open: June closes without asking for them.
    """
    acme = house.customer("acme", commercial=promised())
    acme.uses("2026-03-05T10:00", "gpt-4o", input=10_000_000)
    house.close("2026-03")
    number = str(house.issue(acme.bill("2026-03")).number)
    note = request_credit(house.db, number, amounts=None, why="抬头", by="a", now=house.tick())
    decide_credit(house.db, note.credit_note_id, approve=True, by="b", now=house.tick())
    for month in ("2026-04", "2026-05"):
        acme.uses(f"{month}-05T10:00", "gpt-4o", input=10_000_000)
        house.close(month)
        house.issue(acme.bill(month))
    billed = {str(line.service_month) for line in acme.bill("2026-04").lines}
    assert billed == {"2026-03", "2026-04"}
    assert house.db.warehouse is not None
    move_partition(house.db, house.db.warehouse, DAY, now=NOW)
    acme.uses("2026-06-05T10:00", "gpt-4o", input=1000)
    [closed] = house.close("2026-06")
    assert (closed.done, closed.why) == (Done.DRAFTED, "")
    assert house.unproved() == []


def test_the_service_of_a_month_is_told_the_same_wherever_its_calls_lie(house: Books) -> None:
    """
    March in Shanghai lies in two months of UTC. Streams are answered, some calls fail, two are
    given up with their worker, of which one is found again and one is measured by hand; one fails
    just before midnight in UTC and is answered just behind it. The report is the same with
    everything here, the first part moved, both parts moved, and the first part back again while
    the second is still away.
    """
    steps = (LatencyStep(above_ms=200, credit_ppm=50_000),)
    sla = replace_terms(SLA, operations_min=50, first_byte_ms=200, latency_steps=steps)
    acme = house.customer("acme", commercial=promised(sla))
    acme.uses("2026-03-05 10:00:00", "gpt-4o", input=10_000_000)
    calls(acme, "2026-03-01 03:00:00", 30, first_byte_ms=100)
    calls(acme, "2026-03-06 03:00:00", 40, first_byte_ms=300)
    fails(acme, "2026-03-01 04:00:00", 2)
    fails(acme, "2026-03-07 04:00:00", 3, status=429)
    calls(acme, "2026-03-08 04:00:00", 1, reason="stream_cut", first_byte_ms=7)
    died = calls(
        acme,
        "2026-03-09 11:00:00",
        2,
        outcome=Outcome.WORKER_DIED,
        status=0,
        reason="worker_died",
        state="unmeasured",
    )
    answered = {"outcome": "ok", "http_status": 200, "reason": "", "state": "measured"}
    rescue(house, [replace(died[0], billable=True, **answered)])
    measured_by_hand(house, UUID(bytes=died[1].begun.event))
    again_at_midnight(house, acme)
    house.close("2026-03")
    [told] = report_month(house.db, MARCH)
    assert told.counted == (81, 7)
    assert told.first_byte == FirstByte(300, 70)
    assert told.given is not None
    assert told.given.credit_fen == told.given.billed_fen > 0

    warehouse = house.db.warehouse
    assert warehouse is not None
    assert move_partition(house.db, warehouse, FEBRUARY, now=NOW).rows == 33
    assert report_month(house.db, MARCH) == [told]
    move_partition(house.db, warehouse, DAY, now=NOW)
    assert report_month(house.db, MARCH) == [told]
    assert [p for p in prove_month(house.db, MARCH) if p.differences] == []
    restore_partition(house.db, warehouse, BillingMonth(2026, 2), now=NOW)
    assert report_month(house.db, MARCH) == [told]


def test_a_line_is_followed_to_its_calls_wherever_they_lie(house: Books, acme: Party) -> None:
    """
    A day of Shanghai lies in two months of UTC; one of its calls was corrected twice, another says
    nothing new. Days, calls in pages of any size and what they add are the same once both months
    have moved, and once one of them is back.
    """
    early = [acme.uses(f"2026-03-01T0{hour}:00", "gpt-4o", input=10 + hour) for hour in range(9)]
    acme.uses("2026-03-01T05:30", "gpt-4o", output=3)
    for factor in (3, 5):
        fix(house, UUID(bytes=early[2].begun.event), factor)
    closed(house)
    whole = trails(acme)
    [day] = [calls for trail, calls in whole if trail.line.meter == "input" and len(calls) > 30]
    assert sum(call.version > 1 for call in day) == 2

    warehouse = house.db.warehouse
    assert warehouse is not None
    move_partition(house.db, warehouse, FEBRUARY, now=NOW)
    assert trails(acme) == whole
    move_partition(house.db, warehouse, DAY, now=NOW)
    assert trails(acme) == whole
    restore_partition(house.db, warehouse, BillingMonth(2026, 2), now=NOW)
    assert trails(acme) == whole


def trails(party: Party) -> list[tuple[LineTrail, list[CallRow]]]:
    """Follow every line of March to its calls, in one page a day and in pages of two."""
    db, zone, found = party.books.db, zone_of(party.customer.zone), []
    for line in party.bill("2026-03").lines:
        with db.read() as tx:
            trail = follow_line(tx, party.bill("2026-03"), line.position, zone)
        calls = list(every_call(db, trail, zone))
        assert calls == [call for day in trail.days for call in paged(db, trail, day.day, zone)]
        assert sum(call.adds for call in calls) == trail.used
        found.append((trail, calls))
    return found


def paged(db: Database, trail: LineTrail, day: date, zone: ZoneInfo) -> Iterator[CallRow]:
    """Follow a day in pages of two."""
    after = None
    while True:
        with db.read() as tx:
            page = follow_day(tx, trail, day, zone, after=after, limit=2)
        yield from page.calls
        after = page.after
        if after is None:
            return


def measured_by_hand(house: Books, event_id: UUID) -> None:
    """Take a call off the worklist; what its client saw was a failure all the same."""

    def decide(row: EventRow) -> Ended:
        return replace(ended_of(row), state="measured")

    correct(house.db, {event_id: decide}, source="hand", count=Spending().count, forced=True)


def again_at_midnight(house: Books, acme: Party) -> None:
    """Let a call fail as the last of February in UTC, and be answered as the first of March."""
    [first] = fails(acme, "2026-03-01 07:59:59", 1)
    [later] = calls(acme, "2026-03-01 08:00:01", 1)
    event = uuid7_at(later.begun.started_us // 1000 + 500)
    begun = replace(later.begun, event=event, operation=first.begun.operation, attempt=2)
    house.ingest([replace(later, begun=begun)])
