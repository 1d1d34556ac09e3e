"""Three years go upward only; another bargain is another contract, which both have signed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rooms.contracts.shelf import lists_of
from tests.scenarios.books import CLERK, FOUNDED, Books
from yuejie.contracts.agreed.pricing import FamilyDiscount, Override, Pricing
from yuejie.contracts.contract import Contract, FxPolicy
from yuejie.contracts.documents.attach import PaperDraft, attach_paper
from yuejie.contracts.life.approve import review_draft, sign_draft
from yuejie.contracts.life.draft import DraftBody, DraftKind, Review
from yuejie.contracts.life.drafting import draft_contract, revise_draft, submit_draft
from yuejie.contracts.life.ending import renew_contract
from yuejie.contracts.publish import Publication, publish_revision
from yuejie.contracts.store import contract_at
from yuejie.contracts.terms import (
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    ContractType,
)
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BookId, CustomerId

TWO = """
[models."gpt-4o"]
input = "10"
output = "20"
"""
STARTS = datetime(2026, 1, 31, 16, tzinfo=UTC)
LATER = datetime(2026, 12, 31, 16, tzinfo=UTC)
DAY = timedelta(days=1)
THREE = CommercialTerms(
    type=ContractType.THREE_YEAR,
    ends_on=date(2029, 2, 1),
    commitment=Commitment(10_000_00),
    break_fee=BreakFee(300_000),
    management_fee_fen=200_00,
    payment_days=30,
    price_lock_until=date(2028, 2, 1),
)
BODY = DraftBody(
    sale_book=BookId("list"),
    currency="CNY",
    zone="Asia/Shanghai",
    starts_at=STARTS,
    commercial=THREE,
    pricing=Pricing(discounts=(FamilyDiscount("*", 100_000),)),
)
GOOD = Review(grade="A", limit_fen=50_000_00, deposit_fen=10_000_00, comment="上市公司")


class Deal:
    """Acme's contract, and the people who draft, review and sign."""

    def __init__(self, books: Books) -> None:
        self.db = books.db
        who = Particulars(slug="acme", legal_name="示例科技")
        self.acme: CustomerId = enrol_customer(books.db, who, by=CLERK, now=FOUNDED).customer_id
        self.now = STARTS - 10 * DAY

    def drafts(self, body: DraftBody, contract: Contract | None = None) -> str:
        kind = DraftKind.AMEND if contract else DraftKind.NEW
        name = contract.contract_id if contract else None
        return draft_contract(
            self.db, self.acme, body, by="sales", now=self.now, kind=kind, contract_id=name
        ).draft_id

    def reviewed(self, draft: str, found: Review = GOOD) -> str:
        submit_draft(self.db, draft, by="sales", now=self.now)
        review_draft(self.db, draft, found, by="finance", now=self.now)
        return draft

    def both_sign(self, draft: str) -> None:
        paper = PaperDraft(
            customer_id=self.acme,
            kind="signed",
            name="扫描.pdf",
            body=b"%PDF-1.7 signed by both",
            draft_id=draft,
        )
        attach_paper(self.db, paper, by="sales", now=self.now)

    def signs(self, draft: str) -> Contract:
        return sign_draft(self.db, draft, by="admin", now=self.now)

    def agrees(self, body: DraftBody, contract: Contract | None = None) -> Contract:
        draft = self.reviewed(self.drafts(body, contract))
        if contract is not None:
            self.both_sign(draft)
        return self.signs(draft)


@pytest.fixture
def deal(books: Books) -> Deal:
    books.prices(TWO, currency="CNY", starts=datetime(2026, 1, 1, tzinfo=UTC))
    return Deal(books)


def test_what_would_be_worse_is_refused_when_it_is_drafted(deal: Deal) -> None:
    """
    Sales writes a supplement: the management fee from 200 to 300, 15 days to pay instead of 30.
    It was signed by both and taken. It is refused before anybody reads it, naming both.
    """
    contract = deal.agrees(BODY)
    deal.now = LATER - 10 * DAY
    worse = replace(THREE, management_fee_fen=300_00, payment_days=15)
    said = replace(BODY, starts_at=LATER, commercial=worse)
    with pytest.raises(Conflict, match="管理费不能提高；三年合同的付款天数不能少于 30；双方仍要"):
        deal.drafts(said, contract)
    draft = deal.drafts(replace(said, commercial=replace(THREE, payment_days=45)), contract)
    with pytest.raises(Conflict, match="管理费不能提高"):
        revise_draft(deal.db, draft, said, by="sales", now=deal.now)


def test_finance_takes_no_credit_back_and_asks_for_no_more_security(deal: Deal) -> None:
    """Its review writes both, so its review is where they are refused."""
    contract = deal.agrees(BODY)
    deal.now = LATER - 10 * DAY
    draft = deal.drafts(replace(BODY, starts_at=LATER), contract)
    submit_draft(deal.db, draft, by="sales", now=deal.now)
    for found, said in (
        (replace(GOOD, limit_fen=49_999_99), "授信额度只能提高"),
        (replace(GOOD, deposit_fen=10_000_01), "押金不能提高"),
    ):
        with pytest.raises(Conflict, match=said):
            review_draft(deal.db, draft, found, by="finance", now=deal.now)
    better = replace(GOOD, limit_fen=60_000_00, deposit_fen=0)
    review_draft(deal.db, draft, better, by="finance", now=deal.now)
    deal.both_sign(draft)
    assert deal.signs(draft).terms.credit_limit_fen == 60_000_00


def test_another_bargain_is_another_contract_that_both_sign(deal: Deal) -> None:
    """
    Both want less promised and a dearer fee. No amendment says so; a new contract does, which takes
    the first one's place from its own start on. Under its number all could be changed without the
    customer: it takes a copy that both signed.
    """
    first = deal.agrees(BODY)
    deal.now = LATER - 10 * DAY
    other = replace(
        BODY,
        starts_at=LATER,
        commercial=replace(
            THREE,
            commitment=Commitment(5_000_00),
            management_fee_fen=300_00,
            ends_on=date(2030, 1, 1),
        ),
    )
    draft = deal.reviewed(deal.drafts(other))
    with pytest.raises(Conflict, match=r"合同 HT\d+ 届时仍在有效期内，新合同将接替它，须双方签署"):
        deal.signs(draft)
    deal.both_sign(draft)
    second = deal.signs(draft)
    with deal.db.read() as tx:
        assert contract_at(tx, deal.acme, LATER - timedelta(seconds=1)) == first
        assert contract_at(tx, deal.acme, LATER) == second


def test_a_contract_that_follows_when_the_first_is_over_replaces_nothing(deal: Deal) -> None:
    deal.agrees(BODY)
    deal.now = datetime(2029, 1, 20, tzinfo=UTC)
    behind = datetime(2029, 1, 31, 16, tzinfo=UTC)
    follows = replace(THREE, ends_on=date(2032, 2, 1), commitment=None, price_lock_until=None)
    assert deal.agrees(replace(BODY, starts_at=behind, commercial=follows)).version == 1


def test_an_older_contract_takes_no_place_back_by_an_amendment(deal: Deal) -> None:
    """
    Acme began without a term, and three years took that contract's place. Its next version, from
    July, needs nobody's signature but ours, and would hold instead of the three years: it takes a
    copy that both signed, as a new contract would.
    """
    without = CommercialTerms(management_fee_fen=500_00)
    before = deal.agrees(replace(BODY, commercial=without, starts_at=STARTS - 2 * DAY))
    three = deal.agrees(BODY)
    deal.now, july = LATER - 10 * DAY, datetime(2027, 6, 30, 16, tzinfo=UTC)
    draft = deal.reviewed(
        deal.drafts(replace(BODY, commercial=without, starts_at=july, pricing=Pricing()), before)
    )
    with pytest.raises(
        Conflict, match=r"合同 HT\d+ 届时仍在有效期内，旧合同的新版将接替它，须双方签署"
    ):
        deal.signs(draft)
    with deal.db.read() as tx:
        assert contract_at(tx, deal.acme, july) == three
    deal.both_sign(draft)
    again = deal.signs(draft)
    with deal.db.read() as tx:
        assert contract_at(tx, deal.acme, july) == again


def test_a_renewed_term_is_changed_before_it_begins(deal: Deal) -> None:
    """
    Renewed ahead until 2032, with 3,600,000 promised for each term. A supplement of the third year
    names the end of this term or of the next: both change both terms, and nothing gets shorter.
    The first was an error of ours where it is drafted, for a term that has no day.
    """
    whole = replace(THREE, commitment=Commitment(3_600_000_00, CommitmentPeriod.TERM))
    contract = deal.agrees(replace(BODY, commercial=whole))
    deal.now = datetime(2028, 11, 1, tzinfo=UTC)
    renew_contract(deal.db, contract.contract_id, by="admin", now=deal.now, months=36)
    starts = datetime(2028, 11, 30, 16, tzinfo=UTC)
    for ends_on in (date(2029, 2, 1), date(2032, 2, 1)):
        longer = replace(whole, ends_on=ends_on, payment_days=45)
        deal.drafts(replace(BODY, starts_at=starts, commercial=longer), contract)
    for ends_on, fen in ((date(2029, 1, 31), 3_600_000_00), (date(2029, 2, 1), 3_599_999_99)):
        less = replace(whole, ends_on=ends_on, commitment=Commitment(fen, CommitmentPeriod.TERM))
        with pytest.raises(Conflict, match="不能这样变更"):
            deal.drafts(replace(BODY, starts_at=starts, commercial=less), contract)
    name = deal.reviewed(
        deal.drafts(
            replace(BODY, starts_at=starts, commercial=replace(whole, payment_days=45)), contract
        )
    )
    deal.both_sign(name)
    changed = deal.signs(name)
    with deal.db.read() as tx:
        renewed = contract_at(tx, deal.acme, datetime(2029, 6, 1, tzinfo=UTC))
    assert (changed.terms.ends_on, changed.terms.payment_days) == (date(2029, 2, 1), 45)
    assert renewed is not None
    assert (renewed.terms.ends_on, renewed.terms.payment_days) == (date(2032, 2, 1), 45)


def test_a_new_term_is_bargained_for_anew(deal: Deal) -> None:
    """Signed as the next version, behind the third year, for less and at the list's prices."""
    contract = deal.agrees(BODY)
    deal.now = datetime(2029, 1, 20, tzinfo=UTC)
    behind = datetime(2029, 1, 31, 16, tzinfo=UTC)
    less = replace(
        THREE,
        ends_on=date(2032, 2, 1),
        commitment=Commitment(1_000_00),
        price_lock_until=None,
    )
    body = replace(BODY, starts_at=behind, commercial=less, pricing=Pricing())
    assert deal.agrees(body, contract).version == 2


def test_prices_under_a_card_are_compared_in_its_currency(books: Books) -> None:
    """
    The list says 10 dollars, the card 72 yuan; 60 yuan are agreed. Left out it was compared with 10
    dollars and passed for a fall; 59 passed for a rise from 10.
    """
    books.prices(TWO, currency="USD", starts=datetime(2026, 1, 1, tzinfo=UTC))
    books.fx("7.2", "2025-12-31")
    deal = Deal(books)
    sixty = Pricing((Override.parse("gpt-4o", "input", "60", "CNY"),))
    body = replace(BODY, fx_policy=FxPolicy.CARD, pricing=sixty)
    contract = deal.agrees(body)
    deal.now = LATER - 10 * DAY
    for prices, dearer in (
        (Pricing(), True),
        (Pricing((Override.parse("gpt-4o", "input", "61", "CNY"),)), True),
        (Pricing((Override.parse("gpt-4o", "input", "59", "CNY"),)), False),
    ):
        said = replace(body, starts_at=LATER, pricing=prices)
        if dearer:
            with pytest.raises(Conflict, match="价格不能上涨"):
                deal.drafts(said, contract)
        else:
            deal.drafts(said, contract)


def test_a_price_that_is_agreed_under_a_lock_is_not_above_it(deal: Deal) -> None:
    """The list rises from 10 to 15 and waits: 9 are charged, and 12 less a tenth is no gift."""
    contract = deal.agrees(BODY)
    wanted = Publication(
        book_id="list",
        lists=lists_of('[models."gpt-4o"]\ninput = "15"\noutput = "20"', "CNY"),
        starts_at=datetime(2026, 5, 31, 16, tzinfo=UTC),
        source="调价函",
        approve=True,
    )
    publish_revision(deal.db, wanted, by="op", now=datetime(2026, 5, 1, tzinfo=UTC))
    deal.now = LATER - 10 * DAY
    for rate, refused in (("12", True), ("9", False)):
        prices = replace(BODY.pricing, overrides=(Override.parse("gpt-4o", "input", rate, "CNY"),))
        said = replace(BODY, starts_at=LATER, pricing=prices)
        if refused:
            with pytest.raises(Conflict, match="价格不能上涨"):
                deal.drafts(said, contract)
        else:
            deal.agrees(said, contract)
