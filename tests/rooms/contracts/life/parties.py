"""A contract of a year as acme agrees it, and how far its draft has come."""

from datetime import UTC, date, datetime, timedelta

from yuejie.contracts.agreed.pricing import FamilyDiscount, Pricing
from yuejie.contracts.contract import Contract
from yuejie.contracts.life.approve import (
    review_draft,
    sign_draft,
)
from yuejie.contracts.life.draft import (
    ContractDraft,
    DraftBody,
    DraftKind,
    Review,
)
from yuejie.contracts.life.drafting import (
    draft_contract,
    submit_draft,
)
from yuejie.contracts.terms import (
    BreakFee,
    CommercialTerms,
    Commitment,
    ContractType,
    CreditClass,
    Renewal,
)
from yuejie.db.session import Database
from yuejie.kernel.ids import BookId, CustomerId

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 11, 30, 16, tzinfo=UTC)
YEAR = CommercialTerms(
    type=ContractType.ONE_YEAR,
    credit_class=CreditClass.MEDIUM,
    ends_on=date(2027, 12, 1),
    notice_days=30,
    commitment=Commitment(10_000_00),
    break_fee=BreakFee(300_000),
    renewal=Renewal.AUTO,
)
BODY = DraftBody(
    sale_book=BookId("list"),
    currency="CNY",
    zone="Asia/Shanghai",
    starts_at=START,
    commercial=YEAR,
    pricing=Pricing(discounts=(FamilyDiscount("gpt-*", 100_000),)),
    expected_monthly_fen=20_000_00,
)
GOOD = Review(grade="A", limit_fen=50_000_00, deposit_fen=0, comment="上市公司子公司")
SCAN = b"%PDF-1.7 signed by both"
OPEN = ContractType.OPEN


def drafted(db: Database, acme: CustomerId, body: DraftBody = BODY) -> ContractDraft:
    return draft_contract(db, acme, body, by="sales", now=NOW)


def reviewed(db: Database, acme: CustomerId, body: DraftBody = BODY) -> ContractDraft:
    draft = submit_draft(db, drafted(db, acme, body).draft_id, by="sales", now=NOW)
    return review_draft(db, draft.draft_id, GOOD, by="finance", now=NOW)


def signed(db: Database, acme: CustomerId, body: DraftBody = BODY) -> Contract:
    return sign_draft(db, reviewed(db, acme, body).draft_id, by="admin", now=NOW)


def amending(
    db: Database, acme: CustomerId, contract: Contract, body: DraftBody, *, now: datetime = NOW
) -> str:
    """Draft an amendment of a contract and return the draft's id."""
    return draft_contract(
        db,
        acme,
        body,
        by="sales",
        now=now,
        kind=DraftKind.AMEND,
        contract_id=contract.contract_id,
    ).draft_id
