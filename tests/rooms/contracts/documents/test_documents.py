"""A contract on paper says what its terms compute, the same in every form."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import docx
import msgspec
import pypdf
import pytest

from yuejie.contracts.agreed.cloud import CloudTerms
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
    HeadShare,
    LatencyStep,
    PaymentMode,
    Renewal,
    SettlementOrder,
    Sla,
    SlaBasis,
    SlaExclusion,
    Split,
    TaxGrouping,
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
SLA = Sla(
    availability_ppm=999_000,
    steps=(AvailabilityStep(999_000, 100_000), AvailabilityStep(990_000, 250_000)),
    first_byte_ms=3_000,
    latency_steps=(LatencyStep(3_000, 50_000),),
)
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
    sla=SLA,
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


OTHERS: dict[str, tuple[dict[str, object], str]] = {
    "payment_mode": ({"payment_mode": PaymentMode.PREPAID_MONTHLY}, "先用余额，余额用尽后按月结算"),
    "ends_on": ({"ends_on": date(2030, 1, 1)}, "至2030年1月1日零时止"),
    "notice_days": ({"notice_days": 45}, "提前 45 天通知"),
    "renewal": ({"renewal": Renewal.NONE}, "合同期满即终止"),
    "renewal_months": ({"renewal_months": 7}, "自动续约 7 个月"),
    "break_fee": ({"break_fee": BreakFee(0, 7_00)}, "按固定费用人民币7.00元支付解约费"),
    "credit_limit_fen": ({"credit_limit_fen": 7_00}, "授信额度人民币7.00元"),
    "deposit_fen": ({"deposit_fen": 7_00}, "押金人民币7.00元"),
    "tier_discount": (
        {"tier_discount": TierDiscount((TierStep(7_00, 30_000),), TierMode.VOLUME)},
        "达到人民币7.00元减 3%",
    ),
    "commitment": (
        {"commitment": Commitment(7_00, CommitmentPeriod.TERM)},
        "整个合同期消费不低于人民币7.00元",
    ),
    "management_fee_fen": ({"management_fee_fen": 7_00}, "管理费每月人民币7.00元"),
    "settlement_day": ({"settlement_day": 0}, "甲方于次月出具上月账单"),
    "review_days": ({"review_days": 6}, "之日起 6 天"),
    "payment_days": ({"payment_days": 77}, "之日起 77 天内"),
    "due_basis": ({"due_basis": DueBasis.BILL_DATE}, "自账单之日起 30 天内"),
    "late_fee_ppm_per_day": ({"late_fee_ppm_per_day": 0}, "不收取违约金"),
    "late_fee_cap_ppm": ({"late_fee_cap_ppm": 70_000}, "累计不超过该金额的 7%"),
    "settlement_order": ({"settlement_order": SettlementOrder.PAY_FIRST}, "以账单已付清为前提"),
    "fapiao_kind": ({"fapiao_kind": FapiaoKind.ORDINARY}, "普通发票"),
    "fapiao_days": ({"fapiao_days": 13}, "自账单日起 13 天内交付"),
    "confirmation": ({"confirmation": Confirmation.REQUIRED}, "须经乙方书面或在线确认"),
    "split": ({"split": Split.PROJECT}, "按项目分别出账"),
    "head_share": ({"head_share": HeadShare.APPORTIONED}, "按各份账单的净用量分摊"),
    "tax_grouping": ({"tax_grouping": TaxGrouping.MODEL}, "按模型分行"),
    "price_lock_until": ({"price_lock_until": date(2028, 7, 7)}, "2028年7月7日之前"),
    "price_notice_days": ({"price_notice_days": 37}, "提前 37 天通知"),
    "purchase_order": ({"purchase_order": "PO-7"}, "采购订单号 PO-7"),
    "grace_days": ({"grace_days": 0}, "逾期仍未付清"),
    "sla": ({"sla": replace(SLA, availability_ppm=999_500)}, "可用率不低于 99.95%"),
    "clouds": ({"clouds": (CloudTerms(source="aws-main", markup_ppm=70_000),)}, "加价 7%"),
    "extra": ({"extra": {"培训": "每年一次。"}}, "培训：每年一次。"),
    "type": ({"type": ContractType.ONE_YEAR}, "一年期合同"),
}
INTERNAL = {"credit_class"}
"""How far we trust a customer, we do not write to it; what follows from it stands in the terms."""


def test_every_term_is_among_those_that_are_looked_for() -> None:
    assert {each.name for each in fields(CommercialTerms)} == OTHERS.keys() | INTERNAL


@pytest.mark.parametrize("field", sorted(OTHERS))
def test_every_term_stands_in_the_text(field: str) -> None:
    """What a contract holds and does not say, nobody has agreed to."""
    changed, said = OTHERS[field]
    text = to_text(framework(agreed(replace(RICH, **changed))))  # type: ignore[arg-type]  # why: one of any field
    assert said in text
    assert said not in to_text(framework(agreed()))


@pytest.mark.parametrize(
    ("changed", "said", "never"),
    [
        ({"renewal": Renewal.AUTO, "notice_days": 30}, "未在期满 30 天前提出终止", "天内双方"),
        ({"renewal": Renewal.AUTO, "notice_days": 0}, "未在期满 1 天前提出终止", "期满前 0"),
        ({"break_fee": BreakFee()}, "不收取解约费", "支付解约费"),
        ({"break_fee": BreakFee(0, 1)}, "甲方提出终止的，不收取解约费", "剩余合同期"),
        ({"payment_mode": PaymentMode.PREPAID}, "余额无息退还", "以银行转账付清"),
        (
            {"settlement_order": SettlementOrder.PAY_FIRST},
            "自账单之日起 30 天内",
            "收到发票之日",
        ),
        (
            {"tier_discount": TierDiscount((TierStep(0, 0), TierStep(1_00, 10_000)))},
            "超过人民币1.00元减 1%",
            "0.00元减",
        ),
    ],
)
def test_what_is_said_is_what_is_computed(
    changed: dict[str, object], said: str, never: str
) -> None:
    text = to_text(framework(agreed(replace(RICH, **changed))))  # type: ignore[arg-type]  # why: as above
    assert said in text
    assert never not in text


def test_bills_in_dollars_bring_no_fapiao() -> None:
    """A fapiao is in yuan; a contract in dollars promised one, and payment from its arrival."""
    text = to_text(framework(in_currency("USD", "USD")))
    assert "本合同以美元结算，账单不开具增值税发票。" in text
    assert "自账单之日起 30 天内" in text
    assert "专用发票" not in text


def test_prices_in_another_currency_than_the_bill_are_told_apart() -> None:
    """The list is in dollars and converted with the bill; the annex said it was in yuan."""
    text = to_text(framework(in_currency("CNY", "USD")))
    assert text.count("单价币种 USD，账单币种 CNY") == 2
    assert "币种 CNY，含" in text


def in_currency(billed: str, listed: str) -> Agreed:
    each = agreed()
    rates = [
        AnnexRate(msgspec.structs.replace(row.rate, currency=listed), row.list_pico)
        for row in each.rates
    ]
    fx = "none" if billed == listed else "bill"
    return replace(each, rates=rates, terms=replace(each.terms, currency=billed, fx_policy=fx))


def test_hours_of_a_price_are_told_in_words() -> None:
    """The annex said them as price files spell them, and they ran into the price beside."""
    each = agreed()
    window = "Asia/Shanghai 1-5 00:00-09:00,12:00-14:00 cn-workdays; 6-7 00:00-24:00 cn-holidays"
    first, *others = each.rates
    first = AnnexRate(msgspec.structs.replace(first.rate, time_window=window), first.list_pico)
    text = framework(replace(each, rates=[first, *others]))
    assert text.annex[0][2] == (
        "时段：Asia/Shanghai 时间 周一至周五 00:00–09:00、12:00–14:00"
        "（法定节假日除外，含调休上班日）；周六、周日 00:00–24:00（含法定节假日，调休上班日除外）"
    )
    pages = pypdf.PdfReader(BytesIO(to_pdf(text))).pages
    assert _squeezed(text.annex[0][2]) in _squeezed("".join(page.extract_text() for page in pages))


def test_a_later_version_says_that_it_takes_the_place_of_the_former() -> None:
    second = to_text(framework(replace(agreed(), version=2)))
    assert "第 2 版，自下述生效之日起取代此前各版" in second
    assert "取代此前各版" not in to_text(framework(agreed()))


def test_prices_that_follow_the_list_say_so() -> None:
    """The list moves, and with it what is charged: only what was agreed apart does not."""
    assert "3.2 单价随甲方公布的目录价调整，只适用" in to_text(framework(PLAIN))
    assert "其余单价随甲方公布的目录价调整，折扣不变" in to_text(framework(agreed()))


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
