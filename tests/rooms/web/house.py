"""What the house's pages show: a draft that waits, a quote, a trial that somebody asks for."""

from datetime import UTC, datetime

from tests.scenarios.books import Books
from yuejie.contracts.formats.agreed import DraftWords
from yuejie.contracts.life.draft import ContractDraft
from yuejie.contracts.life.drafting import draft_contract
from yuejie.contracts.life.store import credit_rules
from yuejie.customers.enrol import find_customer
from yuejie.kernel.ids import BookId
from yuejie.presales.ask import ask_of
from yuejie.presales.life.decide import step_quote
from yuejie.presales.make import make_quote
from yuejie.presales.proposal.make import Wish, make_proposal
from yuejie.presales.proposal.store import proposals_of
from yuejie.presales.prospects import find_prospect, grade_model
from yuejie.presales.quote import Quote, QuoteEvent
from yuejie.presales.requirement import Quality, TaskType
from yuejie.presales.trial.ask import ask_trial, set_policy
from yuejie.presales.trial.trial import Asked, TrialPolicy

BY = "operator:sales"
NOW = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
"""The console's own time, as in conftest."""


def drafted(books: Books, customer: str) -> ContractDraft:
    """Draft a contract for a customer, from tomorrow on."""
    words = DraftWords(book="list", starts_at="2026-12-01T00:00:00", expected_monthly="8000.00")
    with books.db.read() as tx:
        who = find_customer(tx, customer)
        body = words.body(credit_rules(tx), zone=who.zone, book_currency="CNY")
    return draft_contract(books.db, who.customer_id, body, by=BY, now=NOW)


def quoted(books: Books) -> Quote:
    """Quote the prospect of the tests."""
    tasks = (TaskType.SUPPORT,)
    grade_model(books.db, "gpt-4o", Quality.STANDARD, tasks, source="内部评测", by=BY, now=NOW)
    return make_quote(books.db, "jinke", ask_of({"book": "list"}), by=BY, now=NOW)


def proposed(books: Books) -> str:
    """Return the prospect's proposal: made once, however often it is asked for."""
    with books.db.read() as tx:
        known = proposals_of(tx, find_prospect(tx, "jinke").prospect_id)
    if known:
        return known[0].proposal_id
    quote = quoted(books).quote_id
    step_quote(books.db, quote, QuoteEvent.APPROVE, why="key account", by="operator:boss", now=NOW)
    wish = Wish(quote_id=quote)
    return make_proposal(books.db, wish, seller="月结", by=BY, now=NOW).proposal_id


def asked(books: Books) -> str:
    """Let somebody ask for a trial, and return the request's number."""
    policy = TrialPolicy(
        revision=0,
        sale_book=BookId("list"),
        fx_policy="none",
        models=("gpt-4o",),
        days_most=14,
        tokens_most=1_000_000,
        by_rule=False,
        made_by="",
        made_at=NOW,
    )
    set_policy(books.db, policy, by=BY, now=NOW)
    wish = Asked(company="上海试用有限公司", contact="陆", email="lu@example.com", purpose="客服")
    return ask_trial(books.db, wish, peer="10.0.0.1", pepper=b"p" * 32, now=NOW).request.request_id
