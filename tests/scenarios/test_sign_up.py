"""What was accepted is drafted as quoted, once; what is no longer true is refused by name."""

from datetime import date, timedelta

import pytest

from tests.scenarios.prospecting import BOSS, SALES, Sales
from tests.scenarios.test_presales import FINTECH, SALE, step
from tests.scenarios.test_presales import sales as sales  # noqa: PLC0414 - the fixture
from yuejie.contracts.life.drafting import withdraw_draft
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.presales.life.sign_up import SignUp, draft_from_quote
from yuejie.presales.quote import Quote, QuoteEvent

PLAN = {
    "name": "一年期七折",
    "type": "one_year",
    "management_fee": "200.00",
    "discount": [{"models": "gpt-4o", "discount": "30%"}],
}


def accepted(sales: Sales) -> Quote:
    sales.prospect("jinke", FINTECH)
    quote = sales.quotes("jinke", {"book": "sale", "plan": [{"name": "不定期"}, PLAN]})
    step(sales, quote, QuoteEvent.OFFER)
    return step(sales, quote, QuoteEvent.ACCEPT)


def wish(quote: Quote, **said: object) -> SignUp:
    return SignUp(quote_id=quote.quote_id, **said)  # type: ignore[arg-type] # why: a test's words


def test_a_draft_says_what_the_quote_said_and_there_is_one(sales: Sales) -> None:
    quote = accepted(sales)
    draft = draft_from_quote(sales.db, wish(quote), by=SALES, now=sales.now)
    plan = next(each for each in quote.body.plans if each.name == "一年期七折")
    assert draft.body.pricing == plan.pricing
    assert draft.body.commercial.management_fee_fen == 200_00
    assert draft.body.commercial.ends_on == date(2027, 12, 1)
    assert (draft.body.sale_book, draft.body.currency) == ("sale", "USD")
    with sales.db.read() as tx:
        who = find_customer(tx, "jinke")
    assert (who.customer_id, who.legal_name) == (draft.customer_id, "深圳金客科技有限公司")
    with pytest.raises(Conflict, match="已有合同草案 HT20"):
        draft_from_quote(sales.db, wish(quote), by=SALES, now=sales.now)
    withdraw_draft(sales.db, draft.draft_id, by=SALES, now=sales.now, why="改期")
    later = wish(quote, starts_on=date(2028, 2, 29))
    again = draft_from_quote(sales.db, later, by=SALES, now=sales.now)
    assert again.body.commercial.ends_on == date(2029, 3, 1)


def test_what_is_not_there_or_has_passed_is_refused_and_nothing_is_written(sales: Sales) -> None:
    quote = accepted(sales)
    for said, error, match in (
        (wish(quote, plan="三折"), NotFound, "可选：不定期、一年期七折"),
        (wish(quote, starts_on=date(2026, 11, 19)), Invalid, "2026-11-19 已过"),
        (wish(quote, customer="nobody"), NotFound, "客户不存在"),
    ):
        with pytest.raises(error, match=match):
            draft_from_quote(sales.db, said, by=SALES, now=sales.now)
    with sales.db.read() as tx, pytest.raises(NotFound):
        find_customer(tx, "jinke")


def test_a_list_that_rose_since_is_not_what_was_quoted(sales: Sales) -> None:
    """A rise of a model that was quoted is named; one of a model that was not, says nothing."""
    quote = accepted(sales)
    sales.reprices("sale", SALE.replace('"0.72"', '"0.80"'), starts=sales.now)
    sales.now += timedelta(hours=1)
    draft = draft_from_quote(sales.db, wish(quote), by=SALES, now=sales.now)
    withdraw_draft(sales.db, draft.draft_id, by=SALES, now=sales.now, why="改价")
    sales.reprices("sale", SALE.replace('"2.50"', '"3.00"'), starts=sales.now)
    with pytest.raises(Conflict, match=r"gpt-4o 的单价自报价后已变"):
        draft_from_quote(sales.db, wish(quote), by=BOSS, now=sales.now)
