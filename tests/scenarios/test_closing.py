from collections import Counter
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context

import pytest

from tests.scenarios import closing_rival
from tests.scenarios.books import Books, cny
from tests.scenarios.conftest import PRICES
from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import BillState
from yuejie.bills.closing.close import GRACE, Done, MonthNotOver, close_month, last_over
from yuejie.bills.life import IllegalTransition
from yuejie.bills.store import bills_of_month
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.ledger.check import check_ledger
from yuejie.usage.warehouse.store import months_of

OCTOBER = BillingMonth.parse("2026-10")
CHINA = zone_of("Asia/Shanghai")


@pytest.fixture
def priced(books: Books) -> Books:
    books.prices(PRICES)
    books.fx("7.2", "2026-10-30")
    return books


def test_five_thousand_dollars_in_october_are_thirty_six_thousand_yuan(priced: Books) -> None:
    """
    A fintech uses gpt-4o for exactly $5,000.00 in October; the contract bills in yuan at the
    month's rate, 7.2, with tax inside the prices.
    """
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=400_000_000, output=200_000_000)
    priced.close("2026-10")

    bill = acme.bill("2026-10")
    assert bill.gross == cny("36000.00")
    assert bill.net == cny("33962.26")
    assert bill.tax == cny("2037.74")
    assert [(line.usd_fen, line.cny_fen) for line in bill.lines] == [
        (200_000, 1_440_000),
        (300_000, 2_160_000),
    ]


def test_the_same_usage_with_tax_on_top_is_thirty_eight_thousand(priced: Books) -> None:
    """The same $5,000.00, but the contract's prices are before tax: 6 % come on top."""
    acme = priced.customer("acme", fx_policy="bill", tax_mode="exclusive")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=400_000_000, output=200_000_000)
    priced.close("2026-10")

    bill = acme.bill("2026-10")
    assert (bill.net, bill.tax, bill.gross) == (cny("36000.00"), cny("2160.00"), cny("38160.00"))


def test_a_call_in_the_last_second_belongs_to_its_month_and_the_next_second_to_the_next(
    priced: Books,
) -> None:
    """Shanghai's October ends at 16:00 UTC; one call before, one at the stroke."""
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-31 23:59:59", "gpt-4o", input=1_000_000)
    acme.uses("2026-11-01 00:00:00", "gpt-4o", input=2_000_000)
    priced.close("2026-10")
    priced.close("2026-11")

    assert acme.lines("2026-10") == ["main  gpt-4o  input  1,000,000 = 36.00"]
    assert acme.lines("2026-11") == ["main  gpt-4o  input  2,000,000 = 72.00"]


def test_a_call_that_arrives_after_the_bill_is_on_the_next_one(priced: Books) -> None:
    """
    October is issued when a call from its last minute turns up.
    October's bill does not move; November carries the call as a late line, at October's rate.
    """
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    priced.close("2026-10")
    issued = priced.issue(acme.bill("2026-10"))

    acme.uses("2026-10-31 23:59:00", "gpt-4o", input=1_000_000)
    priced.fx("7.0", "2026-11-28")
    acme.uses("2026-11-02 09:00:00", "gpt-4o", input=1_000_000)
    assert [c.done for c in priced.close("2026-10")] == [Done.ALREADY_ISSUED]
    priced.close("2026-11")

    assert acme.bill("2026-10") == issued
    assert acme.lines("2026-11") == [
        "main  gpt-4o  input  1,000,000 = 35.00",
        "2026-10 late  main  gpt-4o  input  1,000,000 = 36.00",
    ]
    assert not any(proof.differences for proof in prove_month(priced.db, OCTOBER.next))


def test_late_usage_of_a_customer_without_a_bill_is_late_usage_all_the_same(priced: Books) -> None:
    """A customer used nothing in October, as far as anyone knew when October was closed."""
    acme = priced.customer("acme", fx_policy="bill")
    other = priced.customer("other", fx_policy="bill")
    other.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    priced.close("2026-10")
    acme.uses("2026-10-20 10:00:00", "gpt-4o", input=1_000_000)
    priced.close("2026-11")

    assert not acme.has_bill("2026-10")
    assert acme.lines("2026-11") == ["2026-10 late  main  gpt-4o  input  1,000,000 = 36.00"]


def test_closing_twice_gives_one_bill_and_one_number(priced: Books) -> None:
    """The clerk presses the button twice, then issues twice."""
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    first = priced.close("2026-10")
    second = priced.close("2026-10")
    assert [c.done for c in first + second] == [Done.DRAFTED, Done.UNCHANGED]

    issued = priced.issue(acme.bill("2026-10"))
    assert issued.number == "YJ2026000001"
    assert issued.state is BillState.ISSUED
    with pytest.raises(IllegalTransition, match="账单已出账"):
        priced.issue(issued)


def test_a_draft_is_drafted_anew_when_more_usage_is_known(priced: Books) -> None:
    """Between two closings of a month that nobody has issued, a file is imported."""
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    priced.close("2026-10")
    drafted = acme.bill("2026-10")
    acme.uses("2026-10-16 10:00:00", "gpt-4o", input=1_000_000)
    assert [c.done for c in priced.close("2026-10")] == [Done.REDRAFTED]

    assert acme.bill("2026-10").bill_id == drafted.bill_id
    assert acme.lines("2026-10") == ["main  gpt-4o  input  2,000,000 = 72.00"]


def test_a_dry_run_says_the_same_and_writes_nothing(priced: Books) -> None:
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    tried = priced.close("2026-10", commit=False)

    assert [(c.done, c.bill.gross if c.bill else None) for c in tried] == [
        (Done.WOULD_DRAFT, cny("36.00"))
    ]
    assert not acme.has_bill("2026-10")


def test_what_is_not_measured_is_not_billed(priced: Books) -> None:
    """An estimate holds quantities and no money, until somebody resolves it."""
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    acme.uses("2026-10-15 10:00:01", "gpt-4o", state="estimated", input=9_000_000)
    acme.uses("2026-10-15 10:00:02", "gpt-4o", state="partial", output=1_000_000)
    priced.close("2026-10")

    assert acme.lines("2026-10") == [
        "main  gpt-4o  input  1,000,000 = 36.00",
        "main  gpt-4o  output  1,000,000 = 108.00",
    ]


def test_a_month_that_is_not_over_is_not_closed(priced: Books) -> None:
    """On the last evening of October the clerk is told to wait."""
    priced.customer("acme", fx_policy="bill")
    priced.clock.at = datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)
    with pytest.raises(MonthNotOver, match="2026-10 尚未结束"):
        close(priced, commit=False)
    priced.clock.at = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)
    with pytest.raises(MonthNotOver, match="可能仍在进行"):
        close(priced, commit=True)


@pytest.mark.parametrize("seconds", [-3600, -1, 0, 1])
def test_the_last_month_that_is_over_is_one_that_can_be_closed(priced: Books, seconds: int) -> None:
    """
    For an hour and a quarter after October, September is the last month that is over: who shows
    last month's bills on the first of a month, right after midnight, shows those.
    """
    priced.customer("acme", fx_policy="bill")
    over = OCTOBER.span(CHINA).end + GRACE
    priced.clock.at = over + timedelta(seconds=seconds)
    month = last_over(CHINA, priced.clock.now())
    assert month == (OCTOBER if seconds >= 0 else OCTOBER.previous)
    close(priced, month, commit=True)
    with pytest.raises(MonthNotOver):
        close(priced, month.next, commit=True)


def close(books: Books, month: BillingMonth = OCTOBER, *, commit: bool) -> None:
    close_month(books.db, month, customer=None, commit=commit, by="clerk", now=books.clock.now())


def test_no_usage_is_said_and_makes_no_bill(priced: Books) -> None:
    acme = priced.customer("acme", fx_policy="bill")
    closed = priced.close("2026-10", customer="acme")
    assert [(c.done, c.why) for c in closed] == [(Done.NO_USAGE, "2026-10 无用量数据")]
    assert not acme.has_bill("2026-10")
    with pytest.raises(NotFound, match="客户不存在"):
        priced.close("2026-10", customer="nobody")


def test_a_missing_exchange_rate_stops_one_customer_and_not_the_others(books: Books) -> None:
    """No rate was published for October; the dollar customer is billed, the yuan one waits."""
    books.prices(PRICES)
    yuan = books.customer("yuan", fx_policy="bill")
    dollar = books.customer("dollar", currency="USD")
    for party in (yuan, dollar):
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    closed = {c.customer: c for c in books.close("2026-10")}

    assert closed["yuan"].done is Done.FAILED
    assert "汇率" in closed["yuan"].why
    assert closed["dollar"].done is Done.DRAFTED
    books.fx("7.2", "2026-10-30")
    assert {c.customer: c.done for c in books.close("2026-10")} == {
        "yuan": Done.DRAFTED,
        "dollar": Done.UNCHANGED,
    }


def test_a_price_card_is_converted_once_when_published(books: Books) -> None:
    """With card FX the rates are yuan; the month's rate moves and the bill does not."""
    books.prices(PRICES)
    books.fx("7.2", "2025-12-31")
    acme = books.customer("acme", fx_policy="card")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    books.fx("9.9", "2026-10-30")
    books.close("2026-10")

    bill = acme.bill("2026-10")
    assert bill.gross == cny("36.00")
    assert [(line.rate_currency, line.usd_fen) for line in bill.lines] == [("CNY", 500)]


def test_every_bill_is_proved_from_raw_events_and_a_wrong_one_is_named(priced: Books) -> None:
    """The oracle agrees to the fen; then somebody with a key to the database moves a line."""
    acme = priced.customer("acme", fx_policy="bill", projects=("search", "support"))
    for day in range(1, 29):
        acme.uses(f"2026-10-{day:02d} 10:00:00", "gpt-4o", project="search", input=12_345 * day)
        acme.uses(f"2026-10-{day:02d} 11:00:00", "gpt-4o", project="support", output=777 * day)
    priced.close("2026-10")
    proofs = prove_month(priced.db, OCTOBER)
    assert [(p.customer, p.events, p.differences) for p in proofs] == [("acme", 56, ())]

    with priced.db.begin() as tx:
        tx.run("UPDATE bill_line SET quantity = quantity + 1 WHERE position = 1")
    (proof,) = prove_month(priced.db, OCTOBER)
    assert [d.what.split()[0] for d in proof.differences] == ["数量", "全部账单上的数量"]
    with priced.db.begin() as tx:
        tx.run("UPDATE bill_line SET quantity = quantity - 1 WHERE position = 1")


def test_months_are_closed_in_order(priced: Books) -> None:
    """Somebody closes November first; October's usage must not turn into late lines by that."""
    acme = priced.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    acme.uses("2026-11-15 10:00:00", "gpt-4o", input=1_000_000)
    (closed,) = priced.close("2026-11")
    assert closed.done is Done.FAILED
    assert "请先关 2026-10" in closed.why


def test_many_customers_closed_together_get_the_bills_they_would_get_alone(priced: Books) -> None:
    """
    Enough customers that their month is read at once; one of them has late usage of September,
    one used nothing. Closed again one by one, nobody's bill changes.
    """
    parties = [priced.customer(f"c{number:02d}", fx_policy="bill") for number in range(22)]
    for number, party in enumerate(parties[1:], 1):
        party.uses("2026-09-15 10:00:00", "gpt-4o", input=1_000_000 * number)
    priced.fx("7.2", "2026-09-30")
    priced.close("2026-09")
    parties[1].uses("2026-09-20 10:00:00", "gpt-4o", output=3_000_000)
    for number, party in enumerate(parties[1:], 1):
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=2_000_000 * number)
        party.uses("2026-10-16 10:00:00", "gpt-4o", output=1_000_000)
    priced.close("2026-10")

    assert not priced.unproved()
    assert [line.service_month for line in parties[1].bill("2026-10").lines].count(
        BillingMonth.parse("2026-09")
    ) == 1
    assert not parties[0].has_bill("2026-10")
    for party in parties[1:]:
        (alone,) = close_month(
            priced.db,
            OCTOBER,
            customer=party.customer.slug,
            commit=True,
            by="test",
            now=priced.tick(),
        )
        assert alone.done is Done.UNCHANGED
        assert len(party.bill("2026-10").lines) == (3 if party is parties[1] else 2)


def test_what_a_later_month_has_billed_late_waits_for_no_closing(books: Books) -> None:
    """
    A call of October becomes known after October's bill, and November's has it. Nothing of October
    is to be billed any more: its events may be moved, and deleted when their term is over.
    """
    books.prices(PRICES)
    acme = books.customer("acme", currency="USD")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    books.close("2026-10")
    acme.uses("2026-10-16 10:00:00", "gpt-4o", input=1_000_000)
    assert waits(books)
    books.close("2026-11")
    assert len(acme.lines("2026-11")) == 1
    assert not waits(books)


def waits(books: Books) -> bool:
    """Tell whether something of October's events is on no bill."""
    with books.db.read() as tx:
        (month,) = months_of(tx, date(2026, 10, 1))
    return month.closed_epoch is None or month.last_epoch > month.closed_epoch


def test_eight_processes_close_a_month_and_issue_its_bills_once(
    books: Books, database_url: str
) -> None:
    """
    Eight processes close October at once, then each issues the same two bills. Every customer has
    one bill, drafted once; every bill one number, without a gap, one debt and one notice.
    """
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    parties = [books.customer(slug) for slug in ("acme", "beta")]
    for party in parties:
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    now = datetime(2026, 11, 5, tzinfo=UTC)
    with get_context("spawn").Pool(8) as pool:
        said = pool.starmap(closing_rival.close, [(database_url, "2026-10", now)] * 8)
        done = Counter(each for one in said for each in one)
        assert done["drafted"] == 2
        assert done.total() == 16
        assert not {"failed", "no_usage"} & set(done)
        bills = [party.bill("2026-10").bill_id for party in parties]
        asked = [(database_url, bill_id, now) for bill_id in bills * 8]
        numbers = Counter(pool.starmap(closing_rival.issue, asked))
    assert numbers == {"YJ2026000001": 1, "YJ2026000002": 1, "illegal_transition": 14}
    assert [party.owes() for party in parties] == [cny("5.00")] * 2
    with books.db.read() as tx:
        assert len(bills_of_month(tx, BillingMonth.parse("2026-10"))) == 2
        told = "SELECT count(*) FROM notice WHERE kind = 'bill_issued'"
        assert int(tx.value(told)) == 2
    assert all(each.holds for each in check_ledger(books.db))
