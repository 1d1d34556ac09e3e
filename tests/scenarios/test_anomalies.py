"""Anomalies, as finance and the customer hear of them."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest

from tests.scenarios.books import Books, Party
from yuejie.insights.anomaly import store
from yuejie.insights.anomaly.answer import acknowledge, give_feedback, mute
from yuejie.insights.anomaly.finding import (
    Feedback,
    Finding,
    FindingIllegal,
    FindingState,
    Scope,
)
from yuejie.insights.anomaly.scan import watch_customer, watch_usage
from yuejie.insights.anomaly.show import open_findings, show_finding, show_findings
from yuejie.insights.anomaly.watch import FALSE_ALARM
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import PICO
from yuejie.usage.journal import Ended

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"

[models."gpt-4o-mini"]
input = "1"
output = "4"
"""
TOLD: Final = "SELECT audience, facts FROM notice WHERE kind = 'anomaly' ORDER BY audience"
ZONE: Final = timedelta(hours=8)
BEGAN: Final = datetime(2026, 9, 1, tzinfo=UTC) - ZONE
WEEKS: Final = 2


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as it waits for its channels."""

    audience: str
    facts: dict[str, str]


@dataclass
class Traffic:
    """A customer's hours: a shop on one model, a crawler on another, a quiet night."""

    books: Books
    party: Party
    seed: int = 1
    records: list[Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rnd = random.Random(self.seed)

    def hours(self, first: int, last: int, *, crawler: float = 1.0, shop: float = 1.0) -> None:
        """Use the API from hour to hour; `crawler` and `shop` are by how much a key does more."""
        for hour in range(first, last):
            day = 2.0 if 9 <= hour % 24 < 18 else 1.0
            for key, model, tokens, times in (
                ("key_shop", "gpt-4o", 40_000, shop),
                ("key_crawler", "gpt-4o-mini", 60_000, crawler),
            ):
                quantity = round(tokens * day * times * self._rnd.uniform(0.8, 1.2))
                self._call(hour, key, model, quantity)
        self.books.ingest(self.records)
        self.records = []

    def _call(self, hour: int, key: str, model: str, tokens: int) -> None:
        started = BEGAN + timedelta(hours=hour, minutes=7)
        meters = {"input": tokens, "requests": max(1, tokens // 1_000)}
        ended = self.books.ended(self.party, started, model, "main", "measured", meters)
        begun = msgspec.structs.replace(ended.begun, key=key)
        self.records.append(msgspec.structs.replace(ended, begun=begun))


def at(hour: int) -> datetime:
    """Return ten minutes after the end of an hour."""
    return BEGAN + timedelta(hours=hour + 1, minutes=10)


def watched(books: Books, hour: int) -> None:
    """Let the clerk come round until it has nothing left to do, ten minutes after an hour."""
    while watch_usage(books.db, at(hour)).hours:
        pass


def found(books: Books, party: Party) -> list[Finding]:
    shown = show_findings(books.db, party.customer.customer_id)
    return [each.finding for each in reversed(shown)]


@pytest.fixture
def acme(books: Books) -> Traffic:
    books.prices(PRICES, currency="CNY")
    return Traffic(books, books.customer("acme"))


HOURS: Final = WEEKS * 7 * 24
LOOP: Final = HOURS + 10


def loops(traffic: Traffic, *, until: int = LOOP + 3) -> Finding:
    """Two weeks as always, then the crawler loops for three hours at ten times what it uses."""
    traffic.hours(0, LOOP)
    watched(traffic.books, LOOP - 1)
    assert found(traffic.books, traffic.party) == []
    traffic.hours(LOOP, until, crawler=10)
    for hour in range(LOOP, until):
        watched(traffic.books, hour)
    (finding,) = found(traffic.books, traffic.party)
    return finding


def test_a_looping_key_is_found_within_its_hour_and_told_once(books: Books, acme: Traffic) -> None:
    """
    On the fifteenth at ten the crawler's key loops: ten times what it uses. Ten minutes past eleven
    acme and the operator are told, once: what, since when, which key and model, and what it costs.
    The loop lasts three hours; it is one finding, and its cost has grown with it.
    """
    finding = loops(acme)
    assert (finding.state, finding.key_id, finding.model) == (
        FindingState.OPEN,
        "key_crawler",
        "gpt-4o-mini",
    )
    assert finding.since == BEGAN + timedelta(hours=LOOP)
    assert finding.found_at == at(LOOP)
    extra = finding.extra_pico / PICO
    assert finding.currency == "CNY"
    # nine times 120,000 tokens an hour at 1 yuan a million, for three hours
    assert 0.7 * 3.24 < extra < 1.3 * 3.24
    with books.db.read() as tx:
        told = tx.rows(Told, TOLD)
    assert [each.audience for each in told] == ["customer", "operator"]
    assert told[0].facts["key"] == "key_crawler"


def test_what_doubles_and_stays_is_told_since_when_and_whose(books: Books, acme: Traffic) -> None:
    """
    The crawler bursts once a day, so that no hour of three times its use is rare. On the fifteenth
    at ten it begins to use three times as much and stays. Within six hours acme is told, with the
    hour in which it began, the key and what it costs so far.
    """
    for day in range(WEEKS * 7):
        burst = 24 * day + 7 * day % 24
        acme.hours(24 * day, burst)
        acme.hours(burst, burst + 1, crawler=3.5)
        acme.hours(burst + 1, 24 * day + 24)
    watched(books, HOURS - 1)
    before = found(books, acme.party)
    acme.hours(HOURS, LOOP)
    acme.hours(LOOP, LOOP + 6, crawler=3)
    watched(books, LOOP + 5)
    told = found(books, acme.party)[len(before) :]
    assert [each.key_id for each in told] == ["key_crawler"]
    assert told[0].since == BEGAN + timedelta(hours=LOOP)
    assert told[0].found_at > at(LOOP)
    assert told[0].extra_pico > 0


def test_what_it_costs_is_told_in_the_contracts_currency(books: Books) -> None:
    """Prices are in dollars, the contract in yuan at the month's rate: so are the finding's."""
    books.prices(PRICES.replace("CNY", "USD"))
    books.fx("7", "2026-08-31")
    party = books.customer("dora", currency="CNY", fx_policy="bill")
    finding = loops(Traffic(books, party))
    assert finding.currency == "CNY"
    assert 0.7 * 7 * 3.24 < finding.extra_pico / PICO < 1.3 * 7 * 3.24


def test_it_ends_by_itself(books: Books, acme: Traffic) -> None:
    finding = loops(acme)
    acme.hours(LOOP + 3, LOOP + 12)
    watched(books, LOOP + 11)
    (ended,) = found(books, acme.party)
    assert (ended.finding_id, ended.state) == (finding.finding_id, FindingState.CLOSED)
    assert ended.last_at == BEGAN + timedelta(hours=LOOP + 3)
    shown = show_finding(books.db, None, finding.finding_id)
    assert [(step.event, step.by) for step in shown.steps] == [("end", "clerk")]
    with pytest.raises(FindingIllegal):
        acknowledge(books.db, None, finding.finding_id, by="li", now=at(LOOP + 12))


def test_clerks_side_by_side_and_again_find_once(books: Books, acme: Traffic) -> None:
    acme.hours(0, LOOP)
    watched(books, LOOP - 1)
    acme.hours(LOOP, LOOP + 1, crawler=10)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: watch_usage(books.db, at(LOOP)), range(4)))
    assert watch_usage(books.db, at(LOOP)).hours == 0
    (finding,) = found(books, acme.party)
    with books.db.begin() as tx:
        customer_id = acme.party.customer.customer_id
        cursor = store.cursor(tx, customer_id)
        assert cursor is not None
        back = store.Cursor(cursor.hours_through - timedelta(hours=1), cursor.days_through)
        store.move_cursor(tx, customer_id, back)
    watched(books, LOOP)
    assert [each.finding_id for each in found(books, acme.party)] == [finding.finding_id]


def test_usage_that_comes_late_finds_nothing_twice(books: Books, acme: Traffic) -> None:
    """The hour was taken; what comes after it counts in its day, and the day joins the finding."""
    finding = loops(acme)
    acme.hours(LOOP, LOOP + 1, crawler=10)
    acme.hours(LOOP + 3, HOURS + 26)
    watched(books, HOURS + 25)
    assert [each.finding_id for each in found(books, acme.party)] == [finding.finding_id]


def test_what_explains_it_adds_up(books: Books, acme: Traffic) -> None:
    finding = loops(acme, until=LOOP + 1)
    shares = finding.shares
    assert shares.periods == 7
    assert sum(map(shares.part, shares.by_key)) == shares.difference
    assert sum(map(shares.part, shares.by_model)) == shares.difference
    assert {share.name for share in shares.by_key} == {"key_shop", "key_crawler"}
    assert shares.part(shares.by_key[0]) > 0.9 * shares.difference


def test_people_acknowledge_mute_and_say_whether_it_was_one(books: Books, acme: Traffic) -> None:
    """
    Li knows of it. Wang says it was none: the bar of what was found is raised, and falls again when
    he thinks better of it. Then it is muted for a day, in which nothing of it is found.
    """
    finding = loops(acme, until=LOOP + 1)
    db, now = books.db, at(LOOP)
    party = acme.party.customer.customer_id
    known = acknowledge(db, party, finding.finding_id, why="在查", by="li", now=now)
    assert known.state is FindingState.ACKNOWLEDGED
    with pytest.raises(FindingIllegal):
        acknowledge(db, party, finding.finding_id, by="li", now=now)

    for feedback, count in ((Feedback.FALSE, 1), (Feedback.FALSE, 1), (Feedback.TRUE, 0)):
        give_feedback(db, party, finding.finding_id, feedback, by="wang", now=now)
        with db.read() as tx:
            (word,) = store.words(tx, party)
        assert (word.scope, word.false_alarms) == ("customer", count)
    assert FALSE_ALARM > 0

    with pytest.raises(Invalid):
        mute(db, party, finding.finding_id, until=now, by="li", now=now)
    until = now + timedelta(days=1)
    muted = mute(db, party, finding.finding_id, until=until, by="li", now=now)
    assert muted.state is FindingState.MUTED
    with db.read() as tx:
        (going,) = open_findings(tx, party)
    assert going.state is FindingState.MUTED
    steps = [step.event for step in show_finding(db, party, finding.finding_id).steps]
    assert steps == ["acknowledge", "feedback_false", "feedback_true", "mute"]


def test_what_is_muted_is_not_found_and_its_neighbour_is(books: Books, acme: Traffic) -> None:
    """The crawler is muted for a week of load tests; that the shop's key loops is told."""
    finding = loops(acme, until=LOOP + 1)
    party = acme.party.customer.customer_id
    until = at(LOOP) + timedelta(days=7)
    mute(books.db, party, finding.finding_id, until=until, by="li", now=at(LOOP))
    acme.hours(LOOP + 1, LOOP + 72)
    watched(books, LOOP + 71)
    acme.hours(LOOP + 72, LOOP + 74, crawler=30)
    watched(books, LOOP + 73)
    assert [each.state for each in found(books, acme.party)] == [FindingState.CLOSED]
    acme.hours(LOOP + 74, LOOP + 100)
    watched(books, LOOP + 99)
    acme.hours(LOOP + 100, LOOP + 102, shop=30)
    watched(books, LOOP + 101)
    assert [each.key_id for each in found(books, acme.party)] == ["key_crawler", "key_shop"]


def test_a_customer_sees_and_touches_its_own_only(books: Books, acme: Traffic) -> None:
    finding = loops(acme, until=LOOP + 1)
    other = books.customer("other").customer.customer_id
    assert show_findings(books.db, other) == []
    with pytest.raises(NotFound):
        show_finding(books.db, other, finding.finding_id)
    asked = (books.db, other, finding.finding_id)
    with pytest.raises(NotFound):
        acknowledge(*asked, by="x", now=at(LOOP))
    with pytest.raises(NotFound):
        give_feedback(*asked, Feedback.FALSE, by="x", now=at(LOOP))
    with pytest.raises(NotFound):
        mute(*asked, until=at(LOOP + 5), by="x", now=at(LOOP))


def test_lasting_growth_is_told_once(books: Books, acme: Traffic) -> None:
    """September is as always; October uses 60 % more in all it does: one finding, not one a day."""
    acme.hours(0, 30 * 24)
    watched(books, 30 * 24 - 1)
    early = {each.finding_id for each in found(books, acme.party)}
    traffic = Traffic(books, acme.party, seed=2)
    for hour in range(30 * 24, 38 * 24):
        for key, model, tokens in (
            ("key_shop", "gpt-4o", 64_000),
            ("key_crawler", "gpt-4o-mini", 96_000),
        ):
            traffic._call(hour, key, model, tokens * (2 if 9 <= hour % 24 < 18 else 1))  # noqa: SLF001
    books.ingest(traffic.records)
    for day in range(31, 39):
        watched(books, day * 24)
    new = [each for each in found(books, acme.party) if each.finding_id not in early]
    (grown,) = new
    assert (grown.scope, grown.since) == (Scope.CUSTOMER, BEGAN + timedelta(hours=30 * 24))
    assert grown.extra_pico > 0


def test_what_is_long_past_is_learnt_and_not_told(books: Books, acme: Traffic) -> None:
    acme.hours(0, LOOP)
    acme.hours(LOOP, LOOP + 3, crawler=10)
    acme.hours(LOOP + 3, LOOP + 72)
    watched(books, LOOP + 71)
    assert found(books, acme.party) == []


def test_whoever_has_nothing_to_take_keeps_nobody_waiting(books: Books, acme: Traffic) -> None:
    """Half-hour zones, customers that stopped: the clerk looks once an hour, not a minute."""
    party = Traffic(books, books.customer("mumbai", zone="Asia/Kolkata"))
    party.hours(0, 30)
    acme.hours(0, 30)
    watched(books, 29)
    assert watch_usage(books.db, at(29)).customers == 0
    assert watch_usage(books.db, at(29) + timedelta(minutes=30)).hours == 1
    assert watch_usage(books.db, at(29) + timedelta(minutes=31)).customers == 0
    idle = books.customer("idle").customer.customer_id
    taken = watch_customer(books.db, idle, now=at(LOOP))
    assert (taken.hours, taken.days, taken.found) == (0, 0, 0)


def test_one_customers_mishap_is_no_others(books: Books, acme: Traffic) -> None:
    """A zone that nobody knows keeps one customer from being watched; the others go on."""
    broken = Traffic(books, books.customer("broken"))
    broken.hours(0, 30)
    acme.hours(0, 30)
    with books.db.begin() as tx:
        tx.run("UPDATE customer SET zone = 'Moon/Sea' WHERE slug = 'broken'")
    assert watch_usage(books.db, at(29)).customers == 1
