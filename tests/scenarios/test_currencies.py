"""What a customer owes whose contract changed its currency, told as finance would."""

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.scenarios.books import CLERK, Books, Party, cny
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.contract import Terms
from yuejie.contracts.publish import publish_fx
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import STANDARD, TierDiscount, TierStep
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import FxRate, Money
from yuejie.kernel.period import BillingMonth, zone_of

PRICES = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
TIERS = TierDiscount((TierStep(0, 0), TierStep(1_000_00, 100_000), TierStep(2_000_00, 200_000)))
START = datetime(2026, 9, 30, 16, tzinfo=UTC)


def follow(books: Books, party: Party, month: int, currency: str, fx_policy: str) -> None:
    """Sign a contract that holds from a month of 2026 on."""
    terms = Terms(
        customer_id=party.customer.customer_id,
        sale_book=BookId("list"),
        currency=currency,
        fx_policy=fx_policy,
        starts_at=datetime(2026, month, 1, tzinfo=zone_of("Asia/Shanghai")),
    )
    sign_contract(books.db, terms, by=CLERK, now=books.clock.now())


def void(books: Books, name: str) -> None:
    now = books.tick()
    asked = request_credit(books.db, name, amounts=None, why="抬头有误", by="a", now=now)
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=now)


def test_terms_of_a_month_are_counted_in_the_currency_of_its_own_contract(books: Books) -> None:
    """
    October is billed in dollars, November in yuan, December in dollars again. A call of October
    for 600 dollars that turns up in November is billed at October's exchange rate, and October's
    steps, which are of dollars, do not move by it. One of 200 on December's bill moves them: of the
    1,100 that are billed in dollars, 100 lie above the first step.
    """
    books.prices(PRICES, currency="USD")
    stepped = replace(STANDARD, tier_discount=TIERS, management_fee_fen=20_000)
    acme = books.customer("acme", currency="USD", commercial=stepped, starts=START)
    follow(books, acme, 11, "CNY", "bill")
    follow(books, acme, 12, "USD", "none")
    books.fx("7", "2026-10-31")
    books.fx("6.5", "2026-11-30")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=90 * M)
    books.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["管理费 = 200.00"]
    books.issue(acme.bill("2026-10"))
    acme.uses("2026-10-31 23:00:00", "gpt-4o", input=60 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    assert acme.lines("2026-11") == [
        "main  gpt-4o  input  10,000,000 = 650.00",
        "2026-10 late  main  gpt-4o  input  60,000,000 = 4,200.00",
    ]
    books.issue(acme.bill("2026-11"))
    acme.uses("2026-10-31 23:30:00", "gpt-4o", input=20 * M)
    books.close("2026-12")
    assert acme.lines("2026-12") == [
        "2026-10 late  main  gpt-4o  input  20,000,000 = 200.00",
        "2026-10 late  阶梯折扣 = -10.00",
    ]


def test_what_is_carried_is_given_back_in_its_own_currency(books: Books) -> None:
    """
    October ends 50.00 CNY below zero. November stands under a contract in USD, which cannot give
    yuan back; December's is in CNY again and does.
    """
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    customer_id, now = acme.customer.customer_id, books.clock.now()
    wanted = Wanted(
        customer_id=customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-5_000,
        currency="CNY",
        item="故障赔付",
        why="十月五日故障",
    )
    proposed = propose_adjustment(books.db, wanted, by="sales", now=now)
    decide_adjustment(books.db, proposed.adjustment_id, Decision.APPROVE, by="finance", now=now)
    rate = FxRate.parse("0.14", "CNY", "USD")
    publish_fx(books.db, rate, date(2026, 11, 1), source="测试", by=CLERK, now=now)
    follow(books, acme, 11, "USD", "bill")
    follow(books, acme, 12, "CNY", "none")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=10 * M)
    for label in ("2026-10", "2026-11", "2026-12"):
        books.close(label)
        books.issue(acme.bill(label))
    assert acme.lines("2026-10") == ["故障赔付 = -50.00", "结转下期 = 50.00"]
    assert acme.lines("2026-11")[1:] == []
    assert acme.bill("2026-11").gross == Money.parse("14.00", "USD")
    assert acme.lines("2026-12")[1:] == ["上期结转 = -50.00"]
    assert acme.owes() == cny("50.00")
    assert books.unproved() == []


def test_what_was_voided_behind_a_change_of_currency_is_owed_in_its_own(books: Books) -> None:
    """
    October is billed in dollars, November in yuan, December in dollars again. October's bill is
    voided when November has begun: its usage stands on November's, in yuan, and its fee of 200
    dollars on December's, once.
    """
    books.prices(PRICES, currency="USD")
    fee = replace(STANDARD, management_fee_fen=200_00)
    acme = books.customer("acme", currency="USD", commercial=fee, starts=START)
    books.fx("7", "2026-10-31")
    follow(books, acme, 11, "CNY", "bill")
    follow(books, acme, 12, "USD", "none")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=90 * M)
    books.close("2026-10")
    void(books, books.issue(acme.bill("2026-10")).bill_id)
    books.tick(2 * 86_400)
    books.close("2026-11")
    late = ["2026-10 late  main  gpt-4o  input  90,000,000 = 6,300.00"]
    assert acme.lines("2026-11") == late
    books.issue(acme.bill("2026-11"))
    books.close("2026-12")
    assert acme.lines("2026-12") == ["2026-10 late  管理费 = 200.00"]
    books.issue(acme.bill("2026-12"))
    books.close("2027-01")
    assert acme.bills("2027-01") == []
    assert books.unproved() == []
