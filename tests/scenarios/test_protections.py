"""A key that runs away is slowed down or stopped by policy, once, and let go again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from tests.scenarios.books import CLERK, Books
from tests.scenarios.test_anomalies import BEGAN, LOOP, PRICES, Traffic, at, loops, watched
from yuejie.budgets.keep import Change, change_allowance, end_allowance
from yuejie.budgets.show import standings
from yuejie.customers.keys import KeyDraft, issue_key
from yuejie.gateway.publish import load
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.insights.anomaly.finding import Finding
from yuejie.insights.protection import store
from yuejie.insights.protection.policy import Action, Protection, ProtectionState, Until
from yuejie.insights.protection.protect import (
    PolicyDraft,
    end_policy,
    make_policy,
    protect,
    release,
)
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.notices.store import unhanded


class Keyed(Traffic):
    """The same traffic, by keys of this house."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ids = {
            name: issue_key(
                self.books.db,
                self.party.customer,
                KeyDraft(project="main", name=name),
                pepper=bytes(32),
                by=CLERK,
                now=BEGAN,
            ).key.key_id
            for name in ("key_shop", "key_crawler")
        }

    def _call(self, hour: int, key: str, model: str, tokens: int) -> None:
        super()._call(hour, key, model, tokens)
        last = self.records[-1]
        begun = msgspec.structs.replace(last.begun, key=self.ids[key])
        self.records[-1] = msgspec.structs.replace(last, begun=begun)


@pytest.fixture
def acme(books: Books) -> Keyed:
    books.prices(PRICES, currency="CNY")
    return Keyed(books, books.customer("acme"))


def policy(acme: Keyed, action: Action, **facts: object) -> str:
    draft = PolicyDraft(action=action, **facts)  # type: ignore[arg-type]  # its fields
    made = make_policy(acme.books.db, acme.party.customer, draft, by="ops", now=BEGAN)
    return made.policy_id


def acting(acme: Keyed) -> list[Protection]:
    with acme.books.db.read() as tx:
        found = store.protections(tx, acme.party.customer.customer_id, limit=10)
    return [each for each in found if each.state is ProtectionState.ACTING]


def caps(acme: Keyed) -> list[AllowanceRow]:
    with acme.books.db.read() as tx:
        return load(tx).allowances


def told(acme: Keyed) -> list[str]:
    with acme.books.db.begin() as tx:
        notes = unhanded(tx, limit=100)
    return sorted(note.kind for note in notes if note.kind.startswith("protection"))


def runs_away(acme: Keyed) -> Finding:
    finding = loops(acme)
    protect(acme.books.db, at(LOOP + 2))
    return finding


def test_the_key_that_runs_away_is_throttled_and_nothing_beside_it(acme: Keyed) -> None:
    """
    Acme has said: whatever runs away may go on at 30 calls a minute. The crawler loops; it alone is
    throttled, the gateways hold it to the rate, acme and the operator are told. Another round of
    the clerk does nothing more. A day later usage is as usual: the rate is gone, and that is told.
    """
    policy(acme, Action.THROTTLE, per_minute=30)
    finding = runs_away(acme)
    (protection,) = acting(acme)
    assert protection.finding_id == finding.finding_id
    (cap,) = caps(acme)
    assert (cap.key_id, cap.measure, cap.period, cap.cap) == (
        acme.ids["key_crawler"],
        "requests",
        "minute",
        "30",
    )
    assert told(acme) == ["protection_acted", "protection_acted"]
    assert protect(acme.books.db, at(LOOP + 2)) == 0
    acme.hours(LOOP + 3, LOOP + 60)
    watched(acme.books, LOOP + 59)
    assert protect(acme.books.db, at(LOOP + 59)) == 1
    assert (acting(acme), caps(acme)) == ([], [])
    assert told(acme) == ["protection_acted"] * 2 + ["protection_released"] * 2


def test_what_is_paused_waits_for_a_person_who_says_why(acme: Keyed) -> None:
    policy(acme, Action.APPROVAL, project="main")
    runs_away(acme)
    (cap,) = caps(acme)
    assert (cap.cap, cap.origin) == ("0", "protection")
    acme.hours(LOOP + 3, LOOP + 60)
    watched(acme.books, LOOP + 59)
    protect(acme.books.db, at(LOOP + 59))
    (protection,) = acting(acme)
    db, customer, now = acme.books.db, acme.party.customer, at(LOOP + 60)
    with pytest.raises(Invalid, match="事由"):
        release(db, customer, protection.protection_id, why=" ", by="ops", now=now)
    release(db, customer, protection.protection_id, why="已核实为压测", by="ops", now=now)
    assert (acting(acme), caps(acme)) == ([], [])
    with pytest.raises(Conflict, match="已经解除"):
        release(db, customer, protection.protection_id, why="再来", by="ops", now=now)
    assert protect(db, now + timedelta(minutes=1)) == 0


def test_what_is_paused_is_not_let_go_as_if_it_were_a_budget(acme: Keyed) -> None:
    """Ended as a cap it would say nowhere why, and the protection would act on nothing."""
    policy(acme, Action.PAUSE)
    runs_away(acme)
    (cap,) = caps(acme)
    db, customer, now = acme.books.db, acme.party.customer, at(LOOP + 2)
    with pytest.raises(Conflict, match="protections release"):
        end_allowance(db, customer, cap.name, by="acme", now=now)
    with pytest.raises(Conflict, match="protections release"):
        change_allowance(db, customer, cap.name, Change(cap=10**6), by="acme", now=now)
    assert caps(acme) == [cap]


def test_a_throttle_ends_with_its_finding_though_its_policy_was_ended(acme: Keyed) -> None:
    made = policy(acme, Action.THROTTLE, per_minute=30)
    runs_away(acme)
    end_policy(acme.books.db, acme.party.customer, made, by="ops", now=at(LOOP + 2))
    acme.hours(LOOP + 3, LOOP + 60)
    watched(acme.books, LOOP + 59)
    assert protect(acme.books.db, at(LOOP + 59)) == 1
    assert (acting(acme), caps(acme)) == ([], [])


def test_many_clerks_act_once(acme: Keyed) -> None:
    policy(acme, Action.PAUSE)
    loops(acme)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: protect(acme.books.db, at(LOOP + 2)), range(4)))
    assert len(acting(acme)) == 1
    assert len(caps(acme)) == 1
    own = standings(acme.books.db, acme.party.customer, now=at(LOOP + 2))
    assert len(own) == 1


def test_a_policy_for_another_key_does_nothing(acme: Keyed) -> None:
    policy(acme, Action.PAUSE, key="key_shop")
    runs_away(acme)
    assert acting(acme) == []


def test_a_policy_that_was_ended_does_nothing(acme: Keyed) -> None:
    made = policy(acme, Action.PAUSE)
    db, customer = acme.books.db, acme.party.customer
    end_policy(db, customer, made, by="ops", now=BEGAN)
    with pytest.raises(NotFound):
        end_policy(db, customer, made, by="ops", now=BEGAN)
    runs_away(acme)
    assert acting(acme) == []


def test_what_makes_no_sense_is_refused(acme: Keyed) -> None:
    with pytest.raises(Invalid, match="每分钟几次"):
        policy(acme, Action.THROTTLE)
    with pytest.raises(Invalid, match="每分钟几次"):
        policy(acme, Action.PAUSE, per_minute=3)
    with pytest.raises(Invalid, match="由人解除"):
        policy(acme, Action.APPROVAL, until=Until.FINDING)
    with pytest.raises(NotFound, match="没有项目"):
        policy(acme, Action.PAUSE, project="没有")
