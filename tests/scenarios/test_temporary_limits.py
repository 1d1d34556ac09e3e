"""Credit that is lifted for a while: who grants it, from when to when it counts, and for whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.recorded import recorded
from tests.scenarios.bank import Bank
from tests.scenarios.books import CLERK, Books, Party
from tests.scenarios.crowd import at_once
from tests.scenarios.test_prepaid import PREPAID, asks, enrolled, signs, stands
from yuejie.contracts.life.limits import LimitWish, ask_limit, credit_limit_at, reject_limit
from yuejie.contracts.life.store import temporary_limits
from yuejie.contracts.terms import STANDARD
from yuejie.gateway.refusal import Code
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.payments.dunning.dun import watch_credit
from yuejie.payments.dunning.lifted import Turns, approve_limit, end_limit

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
THOUSAND = replace(STANDARD, credit_limit_fen=1_000_00)
NOON = datetime(2026, 8, 20, 4, tzinfo=UTC)
UNTIL = datetime(2026, 8, 25, 16, tzinfo=UTC)
"""The first instant of the 26th in Shanghai."""


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    bank = Bank(books)
    bank.at("2026-08-05")
    return bank


def wish(**other: Any) -> LimitWish:
    said = LimitWish(
        limit_fen=3_000_00, currency="CNY", starts_at=NOON, ends_at=UNTIL, why="双十一备货"
    )
    return replace(said, **other)


@pytest.fixture
def acme(bank: Bank) -> Party:
    """A thousand of credit, of which 1,500 are used: stopped on the 20th."""
    acme = enrolled(bank)
    signs(acme, THOUSAND)
    acme.uses("2026-08-10 10:00", "gpt-4o", input=150_000_000)
    bank.books.clock.at = NOON
    watch_credit(bank.books.db, NOON)
    assert (stands(acme), asks(acme)) == (("suspended", "credit_limit"), Code.CREDIT_USED_UP)
    return acme


def granted(acme: Party, **other: Any) -> str:
    db, now = acme.books.db, acme.books.clock.now()
    name = ask_limit(db, acme.customer.customer_id, wish(**other), by="sales", now=now).limit_id
    approve_limit(db, name, by="finance", now=now)
    return name


def limit_at(acme: Party, at: datetime) -> int | None:
    with acme.books.db.read() as tx:
        return credit_limit_at(tx, acme.customer.customer_id, at)


def test_a_limit_lets_its_customer_in_again_with_its_approval(acme: Party) -> None:
    """It waited for the clerk's next minute, as nothing else that moves credit does."""
    granted(acme)
    assert (stands(acme), asks(acme)) == (("normal", ""), None)


def test_the_limit_ends_in_its_instant_and_the_gateway_refuses_within_the_second(
    acme: Party,
) -> None:
    """
    Until the 26th begins in Shanghai, not a microsecond longer: the clerk looks every second, and
    needs no minute's watch. A second clerk, and the same one again, find nothing more to do.
    """
    granted(acme)
    clerk = Turns()
    db = acme.books.db
    assert clerk.follow(db, UNTIL - timedelta(seconds=1)) == 0
    assert asks(acme, UNTIL - timedelta(seconds=1)) is None
    assert (limit_at(acme, UNTIL - INSTANT), limit_at(acme, UNTIL)) == (3_000_00, 1_000_00)
    assert [clerk.follow(db, UNTIL), clerk.follow(db, UNTIL)] == [1, 0]
    assert asks(acme, UNTIL) is Code.CREDIT_USED_UP
    assert stands(acme) == ("suspended", "credit_limit")


def test_a_limit_that_begins_later_lets_in_when_it_begins(acme: Party) -> None:
    later = NOON + DAY
    granted(acme, starts_at=later)
    assert asks(acme) is Code.CREDIT_USED_UP
    clerk = Turns()
    assert clerk.follow(acme.books.db, later - timedelta(seconds=1)) == 0
    assert clerk.follow(acme.books.db, later) == 1
    assert asks(acme, later) is None


def test_of_limits_that_overlap_the_higher_counts_and_the_agreed_one_behind_them(
    acme: Party,
) -> None:
    granted(acme)
    granted(acme, limit_fen=2_000_00, ends_at=UNTIL + DAY)
    found = [limit_at(acme, at) for at in (NOON, UNTIL - INSTANT, UNTIL, UNTIL + DAY)]
    assert found == [3_000_00, 3_000_00, 2_000_00, 1_000_00]


def test_a_limit_that_is_taken_back_counts_no_more_and_stops_at_once(acme: Party) -> None:
    """
    Three thousand by a slip, or a customer that is in trouble since: it held until its end, whoever
    saw it. Taken back with a reason it counts no more, and is on record with before and after.
    """
    name = granted(acme)
    db, now = acme.books.db, acme.books.tick()
    with pytest.raises(Invalid, match="写明原因"):
        end_limit(db, name, why=" ", by="finance", now=now)
    end_limit(db, name, why="客户被列为失信", by="finance", now=now)
    assert (limit_at(acme, now - INSTANT), limit_at(acme, now)) == (3_000_00, 1_000_00)
    assert asks(acme) is Code.CREDIT_USED_UP
    (told,) = recorded(db, "temporary_limit", "end")
    assert (told.why, (told.was or {})["ended_at"]) == ("客户被列为失信", None)
    assert (told.became or {})["ended_at"] is not None
    with pytest.raises(Conflict, match="已经失效"):
        end_limit(db, name, why="再", by="finance", now=now)


def test_what_waits_or_is_over_is_not_taken_back(acme: Party) -> None:
    db, owner = acme.books.db, acme.customer.customer_id
    name = ask_limit(db, owner, wish(), by="sales", now=NOON).limit_id
    with pytest.raises(Conflict, match="待批的请驳回"):
        end_limit(db, name, why="x", by="finance", now=NOON)
    approve_limit(db, name, by="finance", now=NOON)
    with pytest.raises(Conflict, match="已经失效"):
        end_limit(db, name, why="x", by="finance", now=UNTIL)


def test_a_limit_is_not_approved_when_it_is_over(acme: Party) -> None:
    db = acme.books.db
    name = ask_limit(db, acme.customer.customer_id, wish(), by="sales", now=NOON).limit_id
    with pytest.raises(Conflict, match="止时已过"):
        approve_limit(db, name, by="finance", now=UNTIL)
    with pytest.raises(Forbidden):
        approve_limit(db, name, by="sales", now=NOON)


def test_a_limit_that_lifts_nothing_by_now_is_not_approved(acme: Party) -> None:
    """
    While three thousand wait for approval, the contract grants five. It was approved, and the page
    said that three were in force until the 26th.
    """
    db = acme.books.db
    name = ask_limit(db, acme.customer.customer_id, wish(), by="sales", now=NOON).limit_id
    acme.books.amend(acme, replace(THOUSAND, credit_limit_fen=5_000_00), starts=NOON)
    with pytest.raises(Invalid, match=r"须高于合同的授信额度 5,000\.00 CNY"):
        approve_limit(db, name, by="finance", now=NOON)
    reject_limit(db, name, why="合同已提高", by="finance", now=NOON)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"currency": "USD"}, "币种 USD 与合同的 CNY 不符"),
        ({"limit_fen": 1_000_00}, r"须高于合同的授信额度 1,000\.00 CNY"),
        ({"ends_at": NOON + 367 * DAY}, "最长 366 天"),
        (
            {"starts_at": datetime(2026, 7, 1, tzinfo=UTC), "ends_at": NOON},
            "止时须晚于起时与现在",
        ),
    ],
)
def test_a_limit_that_would_change_nothing_is_refused(
    acme: Party, other: dict[str, Any], says: str
) -> None:
    """It was approved, shown as in force, and the customer stayed where it was."""
    with pytest.raises(Invalid, match=says):
        ask_limit(acme.books.db, acme.customer.customer_id, wish(**other), by="sales", now=NOON)


def test_who_has_no_credit_or_no_contract_gets_none_for_a_while(bank: Bank) -> None:
    acme = enrolled(bank)
    db, owner = bank.books.db, acme.customer.customer_id
    with pytest.raises(Invalid, match="没有有效的合同"):
        ask_limit(db, owner, wish(), by="sales", now=NOON)
    signs(acme, PREPAID)
    with pytest.raises(Invalid, match="没有授信额度可以提高"):
        ask_limit(db, owner, wish(), by="sales", now=NOON)


def test_of_three_that_decide_at_once_one_does(acme: Party) -> None:
    """Approved by two and turned down by another in the same moment, again and again."""
    db, owner = acme.books.db, acme.customer.customer_id
    for number in range(6):
        name = ask_limit(db, owner, wish(), by="sales", now=NOON).limit_id
        refused = at_once(
            partial(approve_limit, db, name, by="finance", now=NOON),
            partial(approve_limit, db, name, by="boss", now=NOON),
            partial(reject_limit, db, name, why="不批", by="head", now=NOON),
        )
        assert len(refused) == 2, refused
        assert all("已有审批结果" in sentence for sentence in refused)
        assert len(recorded(db, "temporary_limit", "approve", "reject")) == number + 1
        with db.read() as tx:
            held = [each for each in temporary_limits(tx, owner) if each.limit_id == name]
        assert all(each.approved_by for each in held)


def test_of_three_that_take_it_back_at_once_one_does(acme: Party) -> None:
    name = granted(acme)
    db, now = acme.books.db, acme.books.tick()
    people = ("finance", "boss", CLERK)
    refused = at_once(*(partial(end_limit, db, name, why="x", by=who, now=now) for who in people))
    assert len(refused) == 2
    assert len(recorded(db, "temporary_limit", "end")) == 1
