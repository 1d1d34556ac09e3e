"""From a line down: days add up to it, calls to their day, whatever became known when."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.rooms.web.conftest import catalogue
from tests.scenarios.books import Books, Party
from yuejie.bills.bill import BillState
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.store import whole_bills
from yuejie.bills.trail.follow import every_call, follow_day, follow_line
from yuejie.bills.trail.trail import LineTrail
from yuejie.db.session import Database
from yuejie.intake.resolve import Measured, resolve_by_hand
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of
from yuejie.usage.calls.look import Sought, look_for_calls
from yuejie.usage.correct import Verdict
from yuejie.usage.meters import Meter

PRICES = """
currency = "CNY"
[models."gpt-4o"]
input = "5"
output = "15"
[models."gpt-4o-mini"]
input = "1.234567"
output = "3"
"""
NOVEMBER = datetime(2026, 11, 3, 2, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 3, 2, tzinfo=UTC)


@pytest.fixture
def acme(database: Database) -> Party:
    """A customer with calls of October around midnight, in two projects and two models."""
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    catalogue(database)
    acme = books.customer("acme", projects=("main", "lab"))
    for when, model, project in (
        ("2026-10-01 00:00:00", "gpt-4o", "main"),
        ("2026-10-14 23:59:59", "gpt-4o", "main"),
        ("2026-10-15 00:00:00", "gpt-4o", "main"),
        ("2026-10-15 09:00:00", "gpt-4o-mini", "lab"),
        ("2026-10-31 23:59:59", "gpt-4o", "lab"),
    ):
        acme.uses(when, model, project=project, input=1_000_007, output=211)
    books.clock.at = NOVEMBER
    return acme


def main_input(found: list[LineTrail]) -> LineTrail:
    return next(t for t in found if (t.line.project_name, t.line.meter) == ("main", "input"))


def trails(acme: Party) -> list[LineTrail]:
    """Follow every line of usage of every bill, and hold that all of it adds up."""
    db, zone = acme.books.db, zone_of(acme.customer.zone)
    found = []
    with db.read() as tx:
        bills = whole_bills(tx, acme.customer.customer_id)
    for bill in bills:
        for line in bill.lines:
            if line.metered:
                with db.read() as tx:
                    found.append(follow_line(tx, bill, line.position, zone))
    for trail in found:
        assert trail.adds_up
        by_day = {day.day: int(day.quantity) for day in trail.days}
        calls = list(every_call(db, trail, zone))
        assert sum(call.adds for call in calls) == trail.used
        for day, quantity in by_day.items():
            of_day = [c for c in calls if c.started_at.astimezone(zone).date() == day]
            assert sum(call.adds for call in of_day) == quantity
        assert trail.charge(trail.used - trail.before).pico == int(trail.line.charge_pico)
    return found


def test_days_are_the_customers_and_calls_add_up_to_the_pico(acme: Party) -> None:
    acme.books.close("2026-10")
    found = trails(acme)
    main = main_input(found)
    assert [str(day.day) for day in main.days] == ["2026-10-01", "2026-10-14", "2026-10-15"]
    assert main.rate.book_id == "list"
    mini = next(t for t in found if (t.line.model, t.line.meter) == ("gpt-4o-mini", "input"))
    assert str(mini.charge(mini.line.quantity)) == "1.234575641969"


def test_the_calls_of_a_day_come_in_pages(acme: Party) -> None:
    for minute in range(5):
        acme.uses(f"2026-10-15 10:0{minute}:00", "gpt-4o", input=10)
    acme.books.close("2026-10")
    zone = zone_of(acme.customer.zone)
    trail = main_input(trails(acme))
    seen: list[UUID] = []
    after = None
    with acme.books.db.read() as tx:
        while True:
            page = follow_day(tx, trail, trail.days[-1].day, zone, after=after, limit=2)
            seen += [call.event_id for call in page.calls]
            after = page.after
            if after is None:
                break
    assert len(seen) == len(set(seen)) == 6


def test_what_became_known_later_is_followed_from_the_later_bill(acme: Party) -> None:
    """A call that nobody had measured is closed without; found out in November, it is billed then.

    The October line speaks of what was known then, the late line of what was added.
    """
    call = acme.uses("2026-10-20 10:00:00", "gpt-4o", state="estimated", input=500)
    acme.books.close("2026-10")
    acme.books.issue(acme.bill("2026-10"))
    event = UUID(bytes=call.begun.event)
    found = Measured(quantities={Meter.INPUT: 750})
    assert resolve_by_hand(acme.books.db, event, found, by="op") is Verdict.CORRECTED
    acme.uses("2026-10-21 10:00:00", "gpt-4o", input=33)
    acme.uses("2026-11-02 10:00:00", "gpt-4o", input=44)
    acme.books.clock.at = DECEMBER
    acme.books.close("2026-11")
    late = [t for t in trails(acme) if t.line.service_month != t.bill.month]
    assert [[int(d.quantity) for d in t.days] for t in late] == [[750, 33]]
    zone = zone_of(acme.customer.zone)
    versions = [c.version for c in every_call(acme.books.db, late[0], zone)]
    assert versions == [2, 1]


def test_a_line_after_a_voided_bill_names_what_was_billed_before(acme: Party) -> None:
    """October is billed, then some of it late in November's bill; October is voided and drawn anew.

    The new line is the whole month less what November has: no stretch of time gives it.
    """
    books, db = acme.books, acme.books.db
    books.close("2026-10")
    first = books.issue(acme.bill("2026-10"))
    acme.uses("2026-10-21 10:00:00", "gpt-4o", input=33)
    books.clock.at = DECEMBER
    books.close("2026-11")
    books.issue(acme.bill("2026-11"))
    asked = request_credit(db, str(first.number), amounts=None, why="重开", by="a", now=DECEMBER)
    decide_credit(db, asked.credit_note_id, approve=True, by="b", now=DECEMBER)
    books.clock.at = DECEMBER + timedelta(days=31)
    books.close("2026-12")
    found = trails(acme)
    again = [t for t in found if t.billed]
    assert {t.bill.state for t in again} == {BillState.DRAFT}
    assert [t.before for t in again] == [33]


def test_what_is_no_usage_has_no_days(acme: Party) -> None:
    acme.books.close("2026-10")
    bill = acme.bill("2026-10")
    with acme.books.db.read() as tx, pytest.raises(NotFound, match="没有第 99 行"):
        follow_line(tx, bill, 99, zone_of(acme.customer.zone))


def test_calls_are_found_by_what_they_were(acme: Party) -> None:
    """By project with its subtree, model, time; in pages, the newest first; never another's."""
    db, who = acme.books.db, acme.customer.customer_id
    acme.books.customer("zeta").uses("2026-10-15 09:30:00", "gpt-4o", input=1)
    zone = zone_of(acme.customer.zone)
    day = Sought(
        since=datetime(2026, 10, 15, tzinfo=zone), until=datetime(2026, 10, 16, tzinfo=zone)
    )
    assert [a.event.model for a in look_for_calls(db, who, day).attempts] == [
        "gpt-4o-mini",
        "gpt-4o",
    ]
    assert len(look_for_calls(db, who, Sought(project="lab")).attempts) == 2
    assert look_for_calls(db, who, Sought(failed=True)).attempts == ()
    first = look_for_calls(db, who, Sought(model="gpt-4o"), limit=3)
    rest = look_for_calls(db, who, Sought(model="gpt-4o"), before=first.before, limit=3)
    assert (len(first.attempts), len(rest.attempts), rest.before) == (3, 1, None)
