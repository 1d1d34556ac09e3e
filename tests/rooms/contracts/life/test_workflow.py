"""Sales drafts, finance reviews, an administrator signs; later it changes, goes on, or ends."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import psycopg
import pytest

from tests.recorded import recorded
from tests.recorded import steps as deeds_of
from tests.rooms.contracts.life.parties import (
    BODY,
    DAY,
    GOOD,
    HOUR,
    NOW,
    SCAN,
    START,
    YEAR,
    amending,
    drafted,
    reviewed,
    signed,
)
from yuejie.contracts.agreed.pricing import FamilyDiscount, Pricing
from yuejie.contracts.documents.attach import PaperDraft, attach_paper
from yuejie.contracts.documents.store import paper_body, papers_of
from yuejie.contracts.life import store
from yuejie.contracts.life.approve import (
    reject_draft,
    review_draft,
    sign_draft,
    write_signature,
)
from yuejie.contracts.life.credit import DEFAULTS
from yuejie.contracts.life.draft import (
    DraftKind,
    DraftState,
    IllegalStep,
)
from yuejie.contracts.life.drafting import (
    draft_contract,
    revise_draft,
    rework_draft,
    submit_draft,
    withdraw_draft,
)
from yuejie.contracts.life.limits import (
    set_credit_rule,
)
from yuejie.contracts.store import contract_at, contracts_of
from yuejie.contracts.terms import (
    CommercialTerms,
    CreditClass,
)
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from yuejie.kernel.ids import CustomerId


def test_a_contract_is_drafted_reviewed_and_signed(database: Database, acme: CustomerId) -> None:
    """
    Sales drafts for the first of December, finance grants 50,000, the administrator signs.
    What is in force is what was drafted, with the credit that finance granted.
    """
    draft = reviewed(database, acme)
    contract = sign_draft(database, draft.draft_id, digest=draft.body.digest, by="admin", now=NOW)
    assert contract.terms == replace(YEAR, credit_limit_fen=50_000_00)
    assert contract.sale_book.startswith("list#")
    with database.read() as tx:
        assert contract_at(tx, acme, START) == contract
        kept = store.draft_by_id(tx, draft.draft_id)
        steps = store.steps_of(tx, draft.draft_id)
    assert kept is not None
    assert (kept.state, kept.contract_id, kept.version) == ("signed", contract.contract_id, 1)
    assert [(step.by, step.event, step.became) for step in steps] == [
        ("sales", "draft", "draft"),
        ("sales", "submit", "submitted"),
        ("finance", "accept", "reviewed"),
        ("admin", "sign", "signed"),
    ]
    assert steps[2].digest == steps[3].digest == draft.body.digest
    deeds = recorded(database, "contract_draft")
    assert [(each.by, each.verb, (each.became or {})["state"]) for each in deeds] == [
        (step.by, step.event, step.became) for step in steps
    ]
    granted = deeds[2]
    assert granted.became is not None
    assert (granted.name, granted.was) == (draft.draft_id, deeds[1].became)
    assert granted.became["terms"]["credit_limit_fen"] == 50_000_00
    assert granted.became["sha256"] == draft.body.digest


def test_whoever_drafted_may_not_sign(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)
    with pytest.raises(Forbidden, match="须由另一人签署"):
        sign_draft(database, draft.draft_id, by="sales", now=NOW)


def test_whoever_rewrote_a_draft_may_not_sign_it(database: Database, acme: CustomerId) -> None:
    """
    Sales drafts a tenth off. The administrator makes it half off and submits it: those are its own
    words, so another one signs them; and of a strict class it may not review them either.
    """
    draft_id = drafted(database, acme).draft_id
    half = replace(BODY, pricing=Pricing(discounts=(FamilyDiscount("gpt-*", 500_000),)))
    revise_draft(database, draft_id, half, by="admin", now=NOW)
    submit_draft(database, draft_id, by="admin", now=NOW)
    review_draft(database, draft_id, GOOD, by="finance", now=NOW)
    with pytest.raises(Forbidden, match="由 admin 改写，须由另一人签署"):
        sign_draft(database, draft_id, by="admin", now=NOW)
    assert sign_draft(database, draft_id, by="head", now=NOW).version == 1


def test_whoever_rewrote_a_draft_of_a_strict_class_may_not_review_it(
    database: Database, acme: CustomerId
) -> None:
    startup = replace(BODY, commercial=replace(YEAR, credit_class=CreditClass.STARTUP))
    draft_id = drafted(database, acme, startup).draft_id
    revise_draft(database, draft_id, startup, by="finance", now=NOW)
    submit_draft(database, draft_id, by="sales", now=NOW)
    with pytest.raises(Forbidden, match="由 finance 改写"):
        review_draft(database, draft_id, GOOD, by="finance", now=NOW)


def test_a_strict_class_needs_three_people(database: Database, acme: CustomerId) -> None:
    startup = replace(BODY, commercial=replace(YEAR, credit_class=CreditClass.STARTUP))
    draft = submit_draft(database, drafted(database, acme, startup).draft_id, by="sales", now=NOW)
    with pytest.raises(Forbidden, match="须由另一人审核"):
        review_draft(database, draft.draft_id, GOOD, by="sales", now=NOW)
    review_draft(database, draft.draft_id, GOOD, by="finance", now=NOW)
    with pytest.raises(Forbidden, match="第三人签署"):
        sign_draft(database, draft.draft_id, by="finance", now=NOW)


def test_a_deposit_below_the_rule_needs_a_reason(database: Database, acme: CustomerId) -> None:
    startup = replace(BODY, commercial=replace(YEAR, credit_class=CreditClass.STARTUP))
    draft = submit_draft(database, drafted(database, acme, startup).draft_id, by="sales", now=NOW)
    with pytest.raises(Invalid, match=r"即 20,000\.00 CNY"):
        review_draft(database, draft.draft_id, replace(GOOD, comment=""), by="finance", now=NOW)


def test_what_the_operator_sets_for_a_class_counts(database: Database, acme: CustomerId) -> None:
    rule = replace(DEFAULTS[CreditClass.MEDIUM], deposit_months_least=1)
    assert set_credit_rule(database, rule, by="cfo", now=NOW)
    assert not set_credit_rule(database, rule, by="cfo", now=NOW)
    draft = submit_draft(database, drafted(database, acme).draft_id, by="sales", now=NOW)
    with pytest.raises(Invalid, match="押金不少于 1 个月"):
        review_draft(database, draft.draft_id, replace(GOOD, comment=""), by="finance", now=NOW)


def test_a_rejected_draft_is_reworked_or_dropped(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)
    with pytest.raises(Invalid, match="退回合同草案须写明原因"):
        reject_draft(database, draft.draft_id, by="admin", now=NOW, why=" ")
    reject_draft(database, draft.draft_id, by="admin", now=NOW, why="折扣过高")
    again = rework_draft(database, draft.draft_id, by="sales", now=NOW)
    assert (again.state, again.reviewed_by, again.body.review) == (DraftState.DRAFT, None, None)
    lower = replace(BODY, pricing=Pricing(discounts=(FamilyDiscount("gpt-*", 50_000),)))
    revise_draft(database, draft.draft_id, lower, by="sales", now=NOW)
    gone = withdraw_draft(database, draft.draft_id, by="sales", now=NOW, why="客户不签")
    assert gone.state is DraftState.WITHDRAWN
    with pytest.raises(IllegalStep):
        submit_draft(database, draft.draft_id, by="sales", now=NOW)
    told = recorded(database, "contract_draft", "reject", "rework", "revise", "withdraw")
    assert deeds_of(told) == [
        ("admin", "reject", "reviewed", "rejected", "折扣过高"),
        ("sales", "rework", "rejected", "draft", ""),
        ("sales", "revise", "draft", "draft", ""),
        ("sales", "withdraw", "draft", "withdrawn", "客户不签"),
    ]
    was, became = told[2].was or {}, told[2].became or {}
    assert was["sha256"] != became["sha256"], "what it says is another"


def test_what_is_with_finance_is_frozen(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)
    with pytest.raises(IllegalStep, match="不能改写"):
        revise_draft(database, draft.draft_id, BODY, by="sales", now=NOW)
    with pytest.raises(Conflict, match="请重新阅读"):
        sign_draft(database, draft.draft_id, digest="0" * 64, by="admin", now=NOW)


def test_a_contract_that_would_end_as_it_begins_is_refused(
    database: Database, acme: CustomerId
) -> None:
    """It begins with the first of December in Shanghai, which is still November in Greenwich."""
    none = replace(BODY, commercial=replace(YEAR, ends_on=date(2026, 12, 1)))
    with pytest.raises(Invalid, match="须晚于起日 2026-12-01"):
        drafted(database, acme, none)


def test_eight_signatures_at_once_are_one_contract(database: Database, acme: CustomerId) -> None:
    draft = reviewed(database, acme)
    refused: list[DomainError] = []

    def sign() -> None:
        try:
            sign_draft(database, draft.draft_id, by="admin", now=NOW)
        except DomainError as error:
            refused.append(error)

    crowd = [threading.Thread(target=sign) for _ in range(8)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    with database.read() as tx:
        assert len(contracts_of(tx, acme)) == 1
    assert len(refused) == 7


def test_an_amendment_needs_a_signed_copy_and_writes_the_next_version(
    database: Database, acme: CustomerId
) -> None:
    contract = signed(database, acme)
    more = replace(BODY, commercial=replace(YEAR, purchase_order="PO-7"), starts_at=START + DAY)
    draft_id = amending(database, acme, contract, more)
    submit_draft(database, draft_id, by="sales", now=NOW)
    review_draft(database, draft_id, GOOD, by="finance", now=NOW)
    with pytest.raises(Conflict, match="双方签署"):
        sign_draft(database, draft_id, by="admin", now=NOW)
    paper = PaperDraft(
        customer_id=acme, kind="signed", name="扫描.pdf", body=SCAN, draft_id=draft_id
    )
    kept = attach_paper(database, paper, by="sales", now=NOW)
    assert attach_paper(database, paper, by="sales", now=NOW + DAY) == kept
    second = sign_draft(database, draft_id, by="admin", now=NOW)
    assert (second.version, second.terms.purchase_order) == (2, "PO-7")
    with database.read() as tx:
        assert papers_of(tx, acme) == [kept]
        assert paper_body(tx, acme, kept) == SCAN


def test_a_signed_copy_is_handed_in_again_for_a_draft_that_was_put_right(
    database: Database, acme: CustomerId
) -> None:
    """
    Both signed order PO-8, sales wrote PO-7 down: sent back, put right, and the same scan is handed
    in again. It was known already, so the amendment could not be signed and asked for a scan.
    """
    contract = signed(database, acme)
    wrong = replace(BODY, commercial=replace(YEAR, purchase_order="PO-7"), starts_at=START + DAY)
    draft_id = amending(database, acme, contract, wrong)
    scan = PaperDraft(customer_id=acme, kind="signed", name="扫描", body=SCAN, draft_id=draft_id)
    attach_paper(database, scan, by="sales", now=NOW)
    submit_draft(database, draft_id, by="sales", now=NOW)
    reject_draft(database, draft_id, by="finance", now=NOW + HOUR, why="与签署件不符")
    rework_draft(database, draft_id, by="sales", now=NOW + HOUR)
    right = replace(wrong, commercial=replace(YEAR, purchase_order="PO-8"))
    revise_draft(database, draft_id, right, by="sales", now=NOW + HOUR)
    submit_draft(database, draft_id, by="sales", now=NOW + HOUR)
    review_draft(database, draft_id, GOOD, by="finance", now=NOW + 2 * HOUR)
    again, once = (attach_paper(database, scan, by="sales", now=NOW + 3 * HOUR) for _ in range(2))
    assert again == once
    assert sign_draft(database, draft_id, by="admin", now=NOW + 4 * HOUR).version == 2


def test_what_was_signed_before_finance_granted_less_is_no_copy_of_it(
    database: Database, acme: CustomerId
) -> None:
    """The scan promises no limit at all; finance grants 50,000, which nobody has signed."""
    contract = signed(database, acme)
    more = replace(BODY, commercial=replace(YEAR, purchase_order="PO-7"), starts_at=START + DAY)
    draft_id = amending(database, acme, contract, more)
    submit_draft(database, draft_id, by="sales", now=NOW)
    scan = PaperDraft(customer_id=acme, kind="signed", name="扫描", body=SCAN, draft_id=draft_id)
    attach_paper(database, scan, by="sales", now=NOW)
    review_draft(database, draft_id, GOOD, by="finance", now=NOW + HOUR)
    with pytest.raises(Conflict, match="双方签署"):
        sign_draft(database, draft_id, by="admin", now=NOW + HOUR)


def two_amendments(db: Database, acme: CustomerId) -> list[str]:
    """Bring two other taxes for one contract as far as the signature; return the drafts' ids."""
    open_terms = replace(BODY, commercial=CommercialTerms())
    contract = signed(db, acme, open_terms)
    later = replace(open_terms, starts_at=datetime(2026, 12, 31, 16, tzinfo=UTC))
    drafts = [amending(db, acme, contract, replace(later, tax_ppm=tax)) for tax in (30_000, 10_000)]
    for draft_id in drafts:
        submit_draft(db, draft_id, by="sales", now=NOW)
        review_draft(db, draft_id, GOOD, by="finance", now=NOW)
    return drafts


def test_an_amendment_of_an_old_version_is_sent_back(database: Database, acme: CustomerId) -> None:
    first, second = two_amendments(database, acme)
    sign_draft(database, first, by="admin", now=NOW)
    with pytest.raises(Conflict, match="已有第 2 版"):
        sign_draft(database, second, by="admin", now=NOW)


def test_of_two_amendments_signed_at_once_one_is_sent_back(
    database: Database, acme: CustomerId
) -> None:
    """The second is signed while the first signature is not committed: it must not undo it."""
    first, second = two_amendments(database, acme)
    refused: list[DomainError] = []

    def sign() -> None:
        try:
            sign_draft(database, second, by="admin", now=NOW)
        except DomainError as error:
            refused.append(error)

    other = threading.Thread(target=sign)
    with database.begin() as tx:
        write_signature(tx, first, digest=None, by="admin", now=NOW)
        other.start()
        other.join(timeout=1)
        assert other.is_alive(), "it waits for the first"
    other.join()
    assert ["已有第 2 版" in error.sentence for error in refused] == [True]
    with database.read() as tx:
        assert [each.tax_ppm for each in contracts_of(tx, acme)][1:] == [30_000]


def test_an_amendment_of_a_strangers_contract_is_refused(
    database: Database, acme: CustomerId
) -> None:
    with pytest.raises(NotFound, match="无法变更"):
        draft_contract(database, acme, BODY, by="sales", now=NOW, kind=DraftKind.AMEND)


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("signed", b"PK\x03\x04 docx", "PDF 或扫描图片"),
        ("attachment", b"MZ", "不是 PDF、DOCX"),
        ("attachment", b"", "为空"),
        ("stamp", SCAN, "类别"),
    ],
)
def test_a_paper_that_is_none_is_refused(
    database: Database, acme: CustomerId, kind: str, body: bytes, says: str
) -> None:
    draft = drafted(database, acme)
    paper = PaperDraft(customer_id=acme, kind=kind, name="x", body=body, draft_id=draft.draft_id)
    with pytest.raises(Invalid, match=says):
        attach_paper(database, paper, by="sales", now=NOW)


def test_a_paper_belongs_to_its_customers_draft(database: Database, acme: CustomerId) -> None:
    for draft_id, contract_id in (("draft_x", None), (None, "con_x")):
        paper = PaperDraft(
            customer_id=acme,
            kind="signed",
            name="x",
            body=SCAN,
            draft_id=draft_id,
            contract_id=contract_id,  # type: ignore[arg-type]  # an id that no contract has
        )
        with pytest.raises(NotFound):
            attach_paper(database, paper, by="sales", now=NOW)


def test_the_application_may_not_rewrite_a_step(database_url: str, acme: CustomerId) -> None:
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("UPDATE contract_draft_step SET by = 'x'")
