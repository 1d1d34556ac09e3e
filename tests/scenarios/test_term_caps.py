"""Caps for the contract's term: each term is a period of its own, told as finance would."""

from datetime import UTC, date, datetime

import pytest

from tests.scenarios.books import CLERK, Books, Party
from tests.scenarios.test_renewed_terms import NEW_YEAR, YUAN, M, promised, renew
from yuejie.budgets.allowance import Measure, Mode, Period
from yuejie.budgets.check import check_budgets
from yuejie.budgets.keep import AllowanceDraft, Change, add_allowance, change_allowance
from yuejie.budgets.lending.terms import follow_terms
from yuejie.budgets.show import Standing, history, standings
from yuejie.budgets.watch.report import budget_report
from yuejie.budgets.watch.tell import watch_budgets
from yuejie.contracts.contract import Terms
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import CommitmentPeriod
from yuejie.gateway.publish import load
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import PICO as YUAN_PICO
from yuejie.kernel.period import BillingMonth
from yuejie.notices.store import unhanded

JULY = datetime(2026, 6, 30, 16, tzinfo=UTC)
"""The first instant of July in Shanghai."""
MID_JUNE = datetime(2026, 6, 14, 16, tzinfo=UTC)


@pytest.fixture
def acme(books: Books) -> Party:
    """A half year to June, and a cap of 100 yuan for the term."""
    books.prices(YUAN, currency="CNY")
    party = books.customer(
        "acme", commercial=promised(6, CommitmentPeriod.TERM, date(2026, 7, 1)), starts=NEW_YEAR
    )
    books.clock.at = datetime(2026, 1, 5, tzinfo=UTC)
    draft = AllowanceDraft(
        name="合同期",
        measure=Measure.MONEY,
        currency="CNY",
        cap=100 * YUAN_PICO,
        period=Period.TERM,
        mode=Mode.SOFT,
    )
    add_allowance(books.db, party.customer, draft, by=CLERK, now=books.clock.at)
    return party


def stands(acme: Party, now: datetime) -> Standing:
    (found,) = standings(acme.books.db, acme.customer, now=now)
    return found


def spent(acme: Party, now: datetime) -> int:
    """What the present term has used, in yuan."""
    return stands(acme, now).spent // YUAN_PICO


def told(acme: Party) -> list[str]:
    with acme.books.db.begin() as tx:
        notes = unhanded(tx, limit=1000)
    return [note.kind for note in notes if note.kind.startswith("budget")]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_renewed_term_begins_anew(books: Books, acme: Party) -> None:
    """
    60 of 100 are used in March, told at 50 %. The contract is renewed in April. Until June's last
    instant the first term counts; from July's first on nothing is used, a call of June that comes
    late counts to the first term, and 70 in August are told at 50 % once more.
    """
    acme.uses("2026-03-20 10:00:00", "gpt-4o", input=6 * M)
    assert watch_budgets(books.db, at("2026-03-20 03:00")) == 1
    books.clock.at = at("2026-04-01 00:00")
    renew(books, acme, months=6)
    assert follow_terms(books.db, books.clock.at) == 1
    assert follow_terms(books.db, books.clock.at) == 0
    assert (stands(acme, at("2026-06-30 15:59:59")).ends_at, spent(acme, JULY)) == (JULY, 0)
    assert stands(acme, JULY).starts_at == JULY
    acme.uses("2026-06-30 23:59:00", "gpt-4o", input=1 * M)
    acme.uses("2026-08-01 10:00:00", "gpt-4o", input=7 * M)
    august = at("2026-08-01 03:00")
    watch_budgets(books.db, august)
    assert spent(acme, august) == 70
    past = history(books.db, acme.customer, "合同期", limit=9, now=august)
    assert [each.spent // YUAN_PICO for each in past] == [70, 70]
    assert told(acme) == ["budget_reached", "budget_reached"]
    assert watch_budgets(books.db, august) == 0
    assert check_budgets(books.db, [acme.customer]) == []


def test_a_renewal_that_is_signed_late_moves_what_the_new_term_used(
    books: Books, acme: Party
) -> None:
    """
    60 in March and 30 on 2 July stand in one window, until the renewal of 1 July is signed on the
    3rd. Before the clerk comes by, the new term is shown as it is known; then each has its own.
    """
    acme.uses("2026-03-20 10:00:00", "gpt-4o", input=6 * M)
    acme.uses("2026-07-02 10:00:00", "gpt-4o", input=3 * M)
    books.clock.at = at("2026-07-03 00:00")
    assert spent(acme, books.clock.at) == 90
    follow_on(books, acme, JULY)
    assert stands(acme, books.clock.at).starts_at == JULY
    assert follow_terms(books.db, books.clock.at) == 1
    assert spent(acme, books.clock.at) == 30
    assert spent(acme, at("2026-06-30 15:00")) == 60
    change_allowance(
        books.db, acme.customer, "合同期", Change(cap=50 * YUAN_PICO), by=CLERK, now=JULY
    )
    assert stands(acme, books.clock.at).cap == 50 * YUAN_PICO
    assert check_budgets(books.db, [acme.customer]) == []


def follow_on(books: Books, acme: Party, starts: datetime) -> None:
    """Sign another contract that follows."""
    terms = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=starts,
        commercial=promised(6, CommitmentPeriod.TERM, date(2027, 7, 1)),
    )
    sign_contract(books.db, terms, by=CLERK, now=books.clock.now())


@pytest.mark.parametrize("starts", [JULY, MID_JUNE])
def test_a_contract_that_follows_begins_a_term(books: Books, acme: Party, starts: datetime) -> None:
    """Another contract takes over, on the last one's day or before: gateways know it ahead."""
    follow_on(books, acme, starts)
    follow_terms(books.db, books.clock.at)
    acme.uses("2026-06-14 23:00:00", "gpt-4o", input=6 * M)
    assert spent(acme, starts) == 0
    assert stands(acme, starts).starts_at == starts
    change_allowance(
        books.db, acme.customer, "合同期", Change(mode=Mode.HARD), by=CLERK, now=books.clock.at
    )
    with books.db.read() as tx:
        (row,) = load(tx).allowances
    assert row.terms[-2:] == (int(NEW_YEAR.timestamp()), int(starts.timestamp()))


def test_a_change_within_the_term_begins_none(books: Books, acme: Party) -> None:
    acme.uses("2026-03-20 10:00:00", "gpt-4o", input=6 * M)
    books.amend(
        acme, promised(9, CommitmentPeriod.TERM, date(2026, 9, 1)), starts=at("2026-04-30 16:00")
    )
    follow_terms(books.db, books.clock.at)
    assert spent(acme, at("2026-05-02 00:00")) == 60


def test_the_report_of_a_month_shows_a_term_without_an_end(books: Books, acme: Party) -> None:
    acme.uses("2026-03-20 10:00:00", "gpt-4o", input=6 * M)
    march = BillingMonth.parse("2026-03")
    (line,) = budget_report(books.db, acme.customer, march, now=at("2026-03-21 00:00"))
    assert (line.spent, line.ends_at) == (60 * YUAN_PICO, at("2026-03-31 16:00"))
