"""A minimum, where another contract takes over before the end, told as finance would."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.scenarios.books import CLERK, Books, Party
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.ending import Wish, approve_end, ask_end
from yuejie.contracts.publish import publish_fx
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contract_at, contracts_of, insert_contract
from yuejie.contracts.terms import STANDARD, CommercialTerms, Commitment, CommitmentPeriod
from yuejie.gateway.publish import load
from yuejie.gateway.rights.view import View
from yuejie.kernel.ids import BookId, ContractId
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import zone_of

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
NEW_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)
END = date(2027, 1, 1)


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def promised(yuan: int, period: CommitmentPeriod, ends_on: date | None = END) -> CommercialTerms:
    return replace(STANDARD, commitment=Commitment(yuan * 100, period), ends_on=ends_on)


def takes_over(books: Books, party: Party, day: date, currency: str = "CNY") -> Contract:
    """Sign another contract, from a day on."""
    terms = Terms(
        customer_id=party.customer.customer_id,
        sale_book=BookId("list"),
        currency=currency,
        fx_policy="none" if currency == "CNY" else "bill",
        starts_at=datetime(day.year, day.month, day.day, tzinfo=zone_of("Asia/Shanghai")),
    )
    return sign_contract(books.db, terms, by=CLERK, now=books.tick())


def closes(books: Books, party: Party, months: range) -> None:
    for month in months:
        books.close(f"2026-{month:02d}")
        if party.has_bill(f"2026-{month:02d}"):
            books.issue(party.bill(f"2026-{month:02d}"))


@pytest.mark.parametrize(
    ("terms", "made_up"),
    [
        (promised(1_200, CommitmentPeriod.YEAR), "300.00"),
        (promised(1_200, CommitmentPeriod.YEAR, None), "300.00"),
        (promised(3_650, CommitmentPeriod.TERM), "1,000.00"),
    ],
)
def test_what_was_promised_until_another_contract_holds_is_made_up(
    yuan: Books, terms: CommercialTerms, made_up: str
) -> None:
    """
    1,200 a year, or 3,650 for the 365 days of the contract. Another takes over on 11 April, and has
    April's bill: March is the last month billed under the first. Three twelfths of the year fall
    due there, or 100 of 365 days of the term; nothing fell due, ever.
    """
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    takes_over(yuan, acme, date(2026, 4, 11))
    closes(yuan, acme, range(1, 6))
    assert acme.lines("2026-03") == [f"承诺消费补足（2026-01 至 2026-03） = {made_up}"]
    assert [month for month in (1, 2, 4, 5) if acme.has_bill(f"2026-{month:02d}")] == []
    assert yuan.unproved() == []


def test_who_is_taken_over_once_the_month_before_is_closed_is_billed_with_the_next(
    yuan: Books,
) -> None:
    """The other is signed on 6 April, when March is closed: its first bill makes up for March."""
    terms = promised(1_200, CommitmentPeriod.YEAR)
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    closes(yuan, acme, range(1, 4))
    yuan.clock.at = datetime(2026, 4, 6, tzinfo=UTC)
    takes_over(yuan, acme, date(2026, 4, 11))
    closes(yuan, acme, range(4, 7))
    assert acme.lines("2026-04") == ["2026-03 late  承诺消费补足（2026-01 至 2026-03） = 300.00"]
    assert not acme.has_bill("2026-05")
    assert yuan.unproved() == []


def test_what_was_made_up_for_who_was_to_take_over_is_given_back(yuan: Books) -> None:
    """
    Another was to take over on 11 April, so that March's bill made up 300. It is left before that:
    what has been promised falls due at the year's end, and the 300 are given back with it.
    """
    terms = promised(1_200, CommitmentPeriod.YEAR)
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    other = takes_over(yuan, acme, date(2026, 4, 11))
    closes(yuan, acme, range(1, 4))
    assert acme.lines("2026-03") == ["承诺消费补足（2026-01 至 2026-03） = 300.00"]
    yuan.clock.at = datetime(2026, 4, 5, tzinfo=UTC)
    wish = Wish(contract_id=other.contract_id, wished_on=date(2026, 4, 6), why="不再需要")
    end = ask_end(yuan.db, wish, by="sales", now=yuan.clock.now())
    approve_end(yuan.db, end.end_id, by="finance", now=yuan.tick())
    closes(yuan, acme, range(4, 13))
    assert acme.lines("2026-12") == [
        "2026-03 late  承诺消费补足（更正） = -300.00",
        "承诺消费补足（2026-01 至 2026-12） = 1,200.00",
    ]
    assert yuan.unproved() == []


def test_who_was_taken_over_and_is_left_then_takes_nothing_back(yuan: Books) -> None:
    """
    Another holds since 11 April. In June finance ends the first one, in order, from 1 September:
    the other goes on, and what the first promised has fallen due in March, once.
    """
    terms = promised(3_650, CommitmentPeriod.TERM)
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    other = takes_over(yuan, acme, date(2026, 4, 11))
    closes(yuan, acme, range(1, 6))
    yuan.clock.at = datetime(2026, 6, 5, tzinfo=UTC)
    first = ContractId(acme.bill("2026-03").contract_id)
    wish = Wish(contract_id=first, wished_on=date(2026, 9, 1), why="已由新合同接替")
    end = ask_end(yuan.db, wish, by="sales", now=yuan.clock.now())
    approve_end(yuan.db, end.end_id, by="finance", now=yuan.tick())
    with yuan.db.read() as tx:
        for month in (6, 8, 9, 12):
            day = datetime(2026, month, 20, tzinfo=UTC)
            held = contract_at(tx, acme.customer.customer_id, day)
            assert held is not None
            assert held.contract_id == other.contract_id
    closes(yuan, acme, range(6, 13))
    assert acme.lines("2026-03") == ["承诺消费补足（2026-01 至 2026-03） = 1,000.00"]
    assert [month for month in range(4, 13) if acme.has_bill(f"2026-{month:02d}")] == []
    assert yuan.unproved() == []


def test_who_is_taken_over_for_a_while_owes_its_minimum_once(yuan: Books) -> None:
    """
    Another holds from 11 April; from 1 July on the first one goes on, by a version of its own.
    What was made up for March is given back: the first one promised for all of its term.
    """
    terms = promised(3_650, CommitmentPeriod.TERM)
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    takes_over(yuan, acme, date(2026, 4, 11))
    closes(yuan, acme, range(1, 6))
    first = ContractId(acme.bill("2026-03").contract_id)
    yuan.clock.at = datetime(2026, 6, 5, tzinfo=UTC)
    again = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=datetime(2026, 7, 1, tzinfo=zone_of("Asia/Shanghai")),
        commercial=replace(terms, payment_days=30),
    )
    sign_contract(yuan.db, again, by=CLERK, now=yuan.tick(), contract_id=first)
    closes(yuan, acme, range(6, 13))
    assert acme.lines("2026-12") == [
        "2026-03 late  承诺消费补足（更正） = -1,000.00",
        "承诺消费补足（2026-01 至 2026-12） = 3,650.00",
    ]
    assert [month for month in range(4, 12) if acme.has_bill(f"2026-{month:02d}")] == []
    assert yuan.unproved() == []


def test_a_minimum_in_the_old_currency_stands_on_a_bill_beside_the_month(yuan: Books) -> None:
    """
    1,200 yuan a year; on 6 April, when March is closed, a contract in dollars is signed that takes
    over on the 11th. What fell due in March, 300 yuan, stands beside April's bill, in yuan, once.
    """
    terms = promised(1_200, CommitmentPeriod.YEAR)
    acme = yuan.customer("acme", commercial=terms, starts=NEW_YEAR)
    acme.uses("2026-02-05 10:00:00", "gpt-4o", input=1_000_000)
    closes(yuan, acme, range(1, 4))
    yuan.clock.at = datetime(2026, 4, 6, tzinfo=UTC)
    rate = FxRate.parse("0.14", "CNY", "USD")
    publish_fx(yuan.db, rate, date(2026, 4, 1), source="测试", by=CLERK, now=yuan.tick())
    takes_over(yuan, acme, date(2026, 4, 11), currency="USD")
    yuan.close("2026-04")
    (beside,) = acme.bills("2026-04")
    assert (beside.part, beside.currency) == ("currency:CNY", "CNY")
    assert acme.lines("2026-04", "currency:CNY") == [
        "2026-03 late  承诺消费补足（2026-01 至 2026-03） = 290.00"
    ]
    assert yuan.unproved() == []
    yuan.issue(beside)
    closes(yuan, acme, range(5, 7))
    assert not acme.has_bill("2026-05")
    assert yuan.unproved() == []


@pytest.mark.parametrize("ids", [("con_a", "con_b"), ("con_b", "con_a")])
def test_of_two_contracts_signed_in_one_instant_everybody_finds_the_same(
    books: Books, ids: tuple[str, str]
) -> None:
    """
    Two people write two first contracts down in the same microsecond, from the same day on: fees of
    1 and of 2. Which one holds was whichever the database gave first, for the gateway another than
    for the bill. It is the one with the greater id, for all of them, and the bill is proved.
    """
    books.prices(YUAN, currency="CNY")
    party = books.customer("acme")
    who = party.customer.customer_id
    with books.db.read() as tx:
        (was,) = contracts_of(tx, who)
    later = datetime(2026, 2, 28, 16, tzinfo=UTC)
    promise = Commitment(100_00, CommitmentPeriod.TERM)
    with books.db.begin() as tx:
        for name, fee in zip(ids, (1_00, 2_00), strict=True):
            commercial = replace(
                STANDARD, management_fee_fen=fee, commitment=promise, ends_on=date(2026, 6, 1)
            )
            insert_contract(
                tx,
                replace(
                    was,
                    contract_id=ContractId(name),
                    starts_at=later,
                    signed_at=later,
                    terms=commercial,
                ),
            )
    with books.db.read(consistent=True) as tx:
        held = contract_at(tx, who, later)
        view = View(load(tx), lambda _: "sk")
        row = view.contract_at(who, int(later.timestamp()) * 1_000_000)
    assert held is not None
    assert row is not None
    assert held.contract_id == row.contract_id == "con_b"
    closes(books, party, range(3, 6))
    assert f"管理费 = {held.terms.management_fee_fen // 100}.00" in party.lines("2026-03")
    books.close("2026-06")
    assert books.unproved() == []
