"""A signed contract is written up with its own price list."""

from tests.scenarios.books import CLERK, FOUNDED, Books
from yuejie.contracts.agreed.pricing import FamilyDiscount, Pricing
from yuejie.contracts.contract import FxPolicy, Terms
from yuejie.contracts.documents.framework import ContractText, Signatory
from yuejie.contracts.documents.write_up import contract_text, draft_text
from yuejie.contracts.life.approve import review_draft, sign_draft
from yuejie.contracts.life.draft import DraftBody, Review
from yuejie.contracts.life.drafting import draft_contract, submit_draft
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import CommercialTerms
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.ids import BookId

TWO = """
[models."gpt-4o"]
input = "10"
output = "20"
[models."gpt-4o-mini"]
input = "1"
output = "2"
"""


def written(database: Database, pricing: Pricing) -> ContractText:
    books = Books(database)
    books.prices(TWO, currency="CNY")
    party = enrol_customer(
        database, Particulars(slug="acme", legal_name="甲公司"), by=CLERK, now=FOUNDED
    )
    terms = Terms(
        customer_id=party.customer_id,
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=books.clock.now(),
        pricing=pricing,
    )
    signed = sign_contract(database, terms, by=CLERK, now=books.clock.now())
    who = Signatory(legal_name="甲公司")
    with database.read() as tx:
        return contract_text(tx, signed, seller=who, customer=who)


def test_models_that_are_not_offered_are_not_in_the_annex(database: Database) -> None:
    """They have no rate and are refused; the annex promised them at the price of the list."""
    text = written(database, Pricing(models=("gpt-4o-mini",)))
    assert {row[0] for row in text.annex} == {"gpt-4o-mini"}
    assert any("只提供附件所列的模型" in each for each in text.sections[0].clauses)


def test_all_of_the_list_is_in_the_annex_where_nothing_else_was_agreed(database: Database) -> None:
    text = written(database, Pricing(discounts=(FamilyDiscount("*", 100_000),)))
    assert [(row[0], row[3], row[4]) for row in text.annex] == [
        ("gpt-4o", "10.00", "9.00"),
        ("gpt-4o", "20.00", "18.00"),
        ("gpt-4o-mini", "1.00", "0.90"),
        ("gpt-4o-mini", "2.00", "1.80"),
    ]
    assert any("全部模型 减 10%" in each for each in text.sections[2].clauses)
    assert not any("只提供附件所列的模型" in each for each in text.sections[0].clauses)


def test_the_first_draft_under_a_card_names_the_prices_that_are_billed(database: Database) -> None:
    """It named the dollars of the list; the yuan came to be by the signature below it."""
    books = Books(database)
    books.prices(TWO, currency="USD")
    books.fx("7.2", "2025-12-31")
    now = books.clock.now()
    acme = enrol_customer(
        database, Particulars(slug="acme", legal_name="甲公司"), by=CLERK, now=FOUNDED
    )
    body = DraftBody(
        sale_book=BookId("list"),
        currency="CNY",
        zone="Asia/Shanghai",
        fx_policy=FxPolicy.CARD,
        starts_at=now,
        commercial=CommercialTerms(),
        pricing=Pricing(discounts=(FamilyDiscount("*", 100_000),)),
    )
    draft = draft_contract(database, acme.customer_id, body, by="sales", now=now)
    who = Signatory(legal_name="甲公司")
    with database.read() as tx:
        read = draft_text(tx, draft, seller=who, customer=who)
    assert [(row[3], row[4], row[5]) for row in read.annex][:2] == [
        ("72.00", "64.80", "CNY/百万 token"),
        ("144.00", "129.60", "CNY/百万 token"),
    ]
    submit_draft(database, draft.draft_id, by="sales", now=now)
    good = Review(grade="A", limit_fen=1_000_00, deposit_fen=0, comment="")
    review_draft(database, draft.draft_id, good, by="finance", now=now)
    signed = sign_draft(database, draft.draft_id, by="admin", now=now)
    with database.read() as tx:
        said = contract_text(tx, signed, seller=who, customer=who)
    assert (said.number, said.annex) == (read.number, read.annex)
