"""A contract on paper says what its terms compute, the same in every form."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import docx
import pypdf
import pytest

from yuejie.contracts.agreed.pricing import FamilyDiscount, Override, Pricing
from yuejie.contracts.contract import Terms
from yuejie.contracts.documents.framework import Agreed, AnnexRate, Signatory, framework
from yuejie.contracts.documents.pdf import to_pdf
from yuejie.contracts.documents.text import to_text
from yuejie.contracts.documents.word import to_docx
from yuejie.contracts.prices import RateRow
from yuejie.contracts.terms import (
    AvailabilityStep,
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    Confirmation,
    ContractType,
    CreditClass,
    DueBasis,
    FapiaoKind,
    LatencyStep,
    PaymentMode,
    Renewal,
    SettlementOrder,
    Sla,
    SlaBasis,
    SlaExclusion,
    Split,
    TierDiscount,
    TierMode,
    TierStep,
)
from yuejie.kernel.ids import BookId, CustomerId

GOLDEN = Path(__file__).parents[3] / "golden" / "contracts"

SELLER = Signatory(
    legal_name="月结示例科技有限公司",
    uscc="91350100M000100Y43",
    address="福建省福州市鼓楼区示例路 1 号",
    phone="0591-00000000",
    bank_name="中国工商银行福州分行",
    bank_account="1402 0000 0000 0000",
)
CUSTOMER = Signatory(legal_name="上海示例金融科技股份有限公司", uscc="91310115MA1K39423D")
RICH = CommercialTerms(
    type=ContractType.THREE_YEAR,
    credit_class=CreditClass.LISTED,
    ends_on=date(2029, 12, 1),
    notice_days=90,
    renewal=Renewal.AUTO,
    renewal_months=36,
    break_fee=BreakFee(300_000, 5_000_00),
    credit_limit_fen=500_000_00,
    deposit_fen=20_000_00,
    tier_discount=TierDiscount((TierStep(100_000_00, 20_000), TierStep(500_000_00, 50_000))),
    commitment=Commitment(100_000_00),
    management_fee_fen=200_00,
    payment_days=30,
    due_basis=DueBasis.FAPIAO_RECEIPT,
    settlement_order=SettlementOrder.FAPIAO_FIRST,
    confirmation=Confirmation.DEEMED,
    split=Split.UNIT,
    price_lock_until=date(2027, 12, 1),
    price_notice_days=30,
    purchase_order="PO-2026-0042",
    settlement_day=5,
    sla=Sla(
        availability_ppm=999_000,
        steps=(AvailabilityStep(999_000, 100_000), AvailabilityStep(990_000, 250_000)),
        first_byte_ms=3_000,
        latency_steps=(LatencyStep(3_000, 50_000),),
    ),
    extra={"驻场": "甲方每季度派工程师到乙方现场一天。"},
)
PRICING = Pricing((Override("glm-4", "output", 1_500_000),), (FamilyDiscount("gpt-*", 100_000),))


def agreed(commercial: CommercialTerms = RICH, pricing: Pricing = PRICING) -> Agreed:
    rows = [
        RateRow(1, 1, "glm-4", "input", 1_000_000, "CNY", "default", 0, "", 0),
        RateRow(2, 1, "glm-4", "output", 2_000_000, "CNY", "default", 0, "", 0),
        RateRow(3, 1, "gpt-4o", "input", 17_900_001, "CNY", "default", 0, "", 0),
        RateRow(4, 1, "gpt-4o", "input", 35_800_000, "CNY", "default", 200_000, "", 0),
        RateRow(5, 1, "gpt-4o", "output", 71_600_000, "CNY", "batch", 0, "", 0),
        RateRow(6, 1, "gpt-4o", "web_searches", 7_000_000_000, "CNY", "default", 0, "", 0),
    ]
    terms = Terms(
        customer_id=CustomerId("cus_1"),
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=datetime(2026, 11, 30, 16, tzinfo=UTC),
        commercial=commercial,
        pricing=pricing,
    )
    return Agreed(
        number="con_019aa0c1f2c0",
        version=1,
        dated=date(2026, 11, 20),
        seller=SELLER,
        customer=CUSTOMER,
        terms=terms,
        rates=[AnnexRate(pricing.derive(row), row.pico) for row in rows],
        is_draft=False,
    )


PLAIN = replace(agreed(CommercialTerms(), Pricing()), is_draft=True)
ODD = agreed(
    CommercialTerms(
        type=ContractType.ONE_YEAR,
        ends_on=date(2027, 12, 1),
        renewal=Renewal.ASKED,
        payment_mode=PaymentMode.PREPAID,
        commitment=Commitment(1_200_000_00, CommitmentPeriod.YEAR),
        tier_discount=TierDiscount((TierStep(0, 10_000),), TierMode.VOLUME),
        fapiao_kind=FapiaoKind.ORDINARY,
        confirmation=Confirmation.REQUIRED,
        sla=Sla(
            availability_ppm=995_000,
            steps=(AvailabilityStep(995_000, 50_000),),
            basis=SlaBasis.WINDOWS,
            exclusions=(SlaExclusion.PROVIDER, SlaExclusion.THROTTLED),
            operations_min=10_000,
            probed=False,
            cap_ppm=1_000_000,
        ),
    )
)


@pytest.mark.parametrize(
    ("name", "each"), [("three_years", agreed()), ("open_draft", PLAIN), ("prepaid_year", ODD)]
)
def test_contracts_read_as_they_were_approved(
    name: str, each: Agreed, request: pytest.FixtureRequest
) -> None:
    path = GOLDEN / f"{name}.txt"
    said = to_text(framework(each))
    if request.config.getoption("--golden-update"):
        path.write_text(said, "utf-8")
    assert said == path.read_text("utf-8")


def test_the_pdf_holds_every_clause_and_rate_and_is_the_same_every_time() -> None:
    text = framework(agreed())
    body = to_pdf(text)
    assert body == to_pdf(text)
    pages = pypdf.PdfReader(BytesIO(body)).pages
    shown = _squeezed("".join(page.extract_text() for page in pages))
    for section in text.sections:
        for clause in section.clauses:
            assert _squeezed(clause.split(" ", 1)[1])[:12] in shown
    for row in text.annex:
        assert all(_squeezed(cell) in shown for cell in row)


def test_the_word_file_says_the_same_and_is_the_same_every_time() -> None:
    text = framework(agreed())
    body = to_docx(text)
    assert body == to_docx(text)
    document = docx.Document(BytesIO(body))
    said = [paragraph.text for paragraph in document.paragraphs]
    assert all(clause in said for section in text.sections for clause in section.clauses)
    rows = [tuple(cell.text for cell in row.cells) for row in document.tables[1].rows]
    assert rows == [text.annex_heads, *text.annex]


def test_a_name_is_never_read_as_markup() -> None:
    name = "#panic() *甲* \u202e\U0002f999\u10a0有限公司"
    odd = replace(agreed(), customer=Signatory(legal_name=name))
    shown = _squeezed(pypdf.PdfReader(BytesIO(to_pdf(framework(odd)))).pages[0].extract_text())
    assert "#panic()*甲*〔U+202E〕〔U+2F999〕〔U+10A0〕有限公司" in shown


def _squeezed(text: str) -> str:
    return "".join(text.split())
