"""When a contract may change, and what upward means for each term of three years."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from yuejie.contracts.agreed.cloud import CloudBasis, CloudCategory, CloudTerms, ServiceMarkup
from yuejie.contracts.agreed.pricing import LIST, FamilyDiscount, Override, Pricing
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.documents.framework import Agreed, Signatory, framework
from yuejie.contracts.life.rules import InForce, Place, place_of, refuse_amendment
from yuejie.contracts.life.upward import COMPARED, FREE, RULES
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
    ResponseStep,
    SettlementOrder,
    Sla,
    SlaExclusion,
    Split,
    TaxGrouping,
    TierDiscount,
    TierStep,
)
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BookId, ContractId, CustomerId

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
START = datetime(2025, 12, 31, 16, tzinfo=UTC)
SLA = Sla(
    availability_ppm=999_000,
    steps=(AvailabilityStep(999_000, 100_000),),
    first_byte_ms=2_000,
    latency_steps=(LatencyStep(2_000, 50_000),),
    response_minutes=(15, 60, 240, 1_440),
    response_steps=(ResponseStep(1, 50_000),),
)
THREE = CommercialTerms(
    type=ContractType.THREE_YEAR,
    ends_on=date(2029, 1, 1),
    commitment=Commitment(10_000_00),
    credit_limit_fen=100_000_00,
    price_lock_until=date(2028, 1, 1),
    tier_discount=TierDiscount((TierStep(0, 0), TierStep(100_00, 50_000))),
    sla=SLA,
    break_fee=BreakFee(300_000, 5_000_00),
)
ROWS = (
    RateRow(1, 1, "gpt-4o", "input", 2_500_000, "CNY", "default", 0, "", 0),
    RateRow(2, 1, "glm-4", "input", 1_000_000, "CNY", "default", 0, "", 0),
)


def contract(terms: CommercialTerms) -> Contract:
    return Contract(
        contract_id=ContractId("con_1"),
        version=1,
        customer_id=CustomerId("cus_1"),
        sale_book=BookId("list"),
        currency="CNY",
        zone="Asia/Shanghai",
        fx_policy="none",
        tax_mode="inclusive",
        tax_ppm=60_000,
        starts_at=START,
        signed_at=START,
        terms=terms,
    )


def terms(
    commercial: CommercialTerms, starts_at: datetime, pricing: Pricing | None = None
) -> Terms:
    return Terms(
        customer_id=CustomerId("cus_1"),
        sale_book=BookId("list"),
        currency="CNY",
        starts_at=starts_at,
        commercial=commercial,
        pricing=pricing or Pricing(),
    )


def standing(
    was: CommercialTerms, priced: Pricing = LIST, charged: dict[Place, int] | None = None
) -> InForce:
    return InForce(
        contract=contract(was),
        number="HT2026000042",
        since=date(2026, 1, 1),
        pricing=priced,
        rows=ROWS,
        charged=charged or {},
        sale_book=BookId("list"),
    )


def amend(
    was: CommercialTerms,
    became: CommercialTerms,
    *,
    starts_at: datetime = NOW,
    signed: bool = True,
    priced: Pricing | None = None,
    prices: Pricing | None = None,
) -> None:
    held = standing(was, priced or Pricing())
    refuse_amendment(held, terms(became, starts_at, prices), now=NOW, both_signed=signed)


def test_an_open_contract_changes_from_the_next_month() -> None:
    december = datetime(2026, 11, 30, 16, tzinfo=UTC)
    amend(CommercialTerms(), CommercialTerms(payment_days=30), starts_at=december, signed=False)
    with pytest.raises(Conflict, match="自次月起生效"):
        amend(CommercialTerms(), CommercialTerms(), starts_at=december - timedelta(seconds=1))


def test_a_contract_of_a_year_changes_when_both_have_signed() -> None:
    year = CommercialTerms(type=ContractType.ONE_YEAR, ends_on=date(2027, 1, 1))
    amend(year, replace(year, commitment=None, credit_limit_fen=1))
    with pytest.raises(Conflict, match="双方签署"):
        amend(year, year, signed=False)


@pytest.mark.parametrize(
    ("became", "reason"),
    [
        (replace(THREE, commitment=Commitment(9_999_99)), "承诺消费只能增加"),
        (replace(THREE, commitment=None), "承诺消费只能增加"),
        (replace(THREE, commitment=Commitment(10_000_00, CommitmentPeriod.YEAR)), "承诺周期"),
        (replace(THREE, credit_limit_fen=1), "授信额度只能提高"),
        (replace(THREE, ends_on=date(2028, 12, 31)), "止日不能早于"),
        (replace(THREE, price_lock_until=None), "锁价期"),
        (replace(THREE, tier_discount=None), "价格不能上涨"),
        (replace(THREE, tier_discount=TierDiscount((TierStep(100_01, 50_000),))), "价格不能上涨"),
        (replace(THREE, type=ContractType.ONE_YEAR), "较短的类型"),
        (replace(THREE, sla=None), "SLA 只能提高"),
        (replace(THREE, sla=replace(SLA, availability_ppm=998_999)), "SLA 只能提高"),
        (replace(THREE, sla=replace(SLA, probed=False)), "SLA 只能提高"),
        (
            replace(THREE, sla=replace(SLA, first_byte_ms=None, latency_steps=())),
            "SLA 只能提高",
        ),
        (replace(THREE, sla=replace(SLA, exclusions=(SlaExclusion.THROTTLED,))), "SLA 只能提高"),
        (replace(THREE, sla=replace(SLA, steps=(AvailabilityStep(998_000, 100_000),))), "SLA"),
        (replace(THREE, sla=replace(SLA, latency_steps=(LatencyStep(3_000, 60_000),))), "SLA"),
        (replace(THREE, sla=replace(SLA, response_minutes=(16, 60, 240, 1_440))), "SLA"),
        (replace(THREE, sla=replace(SLA, response_steps=(ResponseStep(2, 60_000),))), "SLA"),
    ],
)
def test_three_years_go_upward_only(became: CommercialTerms, reason: str) -> None:
    with pytest.raises(Conflict, match=reason):
        amend(THREE, became)


@pytest.mark.parametrize(
    ("became", "reason"),
    [
        ({"sale_book": BookId("dear")}, "价目不能更换"),
        ({"fx_policy": "card"}, "汇率方式不能更换"),
        ({"tax_mode": "exclusive"}, "含税价"),
    ],
)
def test_three_years_keep_their_list_and_their_tax(became: dict[str, Any], reason: str) -> None:
    """Both would make every call dearer without a rate or discount that says so."""
    held = standing(THREE)
    with pytest.raises(Conflict, match=reason):
        refuse_amendment(held, replace(terms(THREE, NOW), **became), now=NOW, both_signed=True)


FIRM = replace(
    THREE,
    notice_days=90,
    renewal=Renewal.AUTO,
    renewal_months=12,
    deposit_fen=10_000_00,
    management_fee_fen=200_00,
    payment_mode=PaymentMode.PREPAID_MONTHLY,
    review_days=10,
    payment_days=30,
    due_basis=DueBasis.FAPIAO_RECEIPT,
    settlement_order=SettlementOrder.FAPIAO_FIRST,
    late_fee_cap_ppm=100_000,
    price_notice_days=60,
    clouds=(
        CloudTerms(
            source="aws-main", markup_ppm=50_000, services=(ServiceMarkup("AmazonS3", 20_000),)
        ),
    ),
    extra={"驻场": "每季度一天"},
)
CLOUD = FIRM.clouds[0]


def term_of(**became: Any) -> CommercialTerms:
    return replace(FIRM, **became)


@pytest.mark.parametrize(
    ("became", "reason"),
    [
        (term_of(notice_days=30), "终止通知天数须保持 90 天"),
        (term_of(notice_days=180), "终止通知天数须保持 90 天"),
        (term_of(renewal_months=36), "自动续约的月数不能增加"),
        (term_of(break_fee=BreakFee(300_001, 5_000_00)), "解约费的比例与固定费用不能改"),
        (term_of(break_fee=BreakFee(300_000, 6_000_00)), "解约费的比例与固定费用不能改"),
        (term_of(break_fee=BreakFee()), "解约费的比例与固定费用不能改"),
        (term_of(deposit_fen=10_000_01), "押金不能提高"),
        (term_of(management_fee_fen=200_01), "管理费不能提高"),
        (term_of(payment_mode=PaymentMode.PREPAID), "付款方式不能改为更早付款"),
        (term_of(review_days=9), "对账天数不能少于 10"),
        (term_of(payment_days=29), "付款天数不能少于 30"),
        (term_of(due_basis=DueBasis.BILL_DATE), "付款起算不能由收到发票改为账单日"),
        (term_of(late_fee_ppm_per_day=501), "违约金的日费率与上限不能新增或提高"),
        (term_of(late_fee_cap_ppm=100_001), "违约金的日费率与上限不能新增或提高"),
        (term_of(grace_days=2), "宽限天数不能少于 3"),
        (term_of(fapiao_kind=FapiaoKind.ORDINARY), "发票种类不能由专票改为普票"),
        (term_of(fapiao_days=11), "开票天数不能多于 10"),
        (term_of(confirmation=Confirmation.DEEMED), "账单确认方式只能改为须经确认"),
        (term_of(price_notice_days=59), "涨价通知天数不能少于 60"),
        (term_of(clouds=(replace(CLOUD, markup_ppm=50_001),)), "云账单的加价不能提高"),
        (term_of(clouds=(replace(CLOUD, services=()),)), "云账单的加价不能提高"),
        (term_of(clouds=(replace(CLOUD, basis=CloudBasis.EFFECTIVE),)), "转付口径"),
        (term_of(clouds=(replace(CLOUD, leave_out=(CloudCategory.CREDIT,)),)), "不转付的类别"),
        (term_of(extra={}), "其他约定不能删改"),
        (term_of(extra={"驻场": "每年一天"}), "其他约定不能删改"),
    ],
)
def test_no_term_of_three_years_turns_against_the_customer(
    became: CommercialTerms, reason: str
) -> None:
    """
    A supplement raised the management fee, added a late fee, shortened the days to pay and doubled
    the break fee: both may sign that, but not as an amendment of a contract that goes upward only.
    """
    with pytest.raises(Conflict, match=reason) as refused:
        amend(FIRM, became)
    said = refused.value.sentence
    assert said.startswith("合同 HT2026000042 不能这样变更：三年合同的")
    assert said.endswith("双方仍要如此约定的，请另签新合同接替本合同")
    assert said.count("三年合同的") == 1, "and only what is worse is named"
    amend(replace(FIRM, type=ContractType.ONE_YEAR), replace(became, type=ContractType.ONE_YEAR))


@pytest.mark.parametrize(
    "became",
    [
        term_of(renewal=Renewal.ASKED),
        term_of(renewal_months=6),
        term_of(deposit_fen=0, management_fee_fen=0, late_fee_ppm_per_day=0),
        term_of(late_fee_ppm_per_day=900, late_fee_cap_ppm=0),
        term_of(payment_mode=PaymentMode.POSTPAID, payment_days=60, review_days=15),
        term_of(fapiao_days=5, grace_days=10, price_notice_days=90),
        term_of(confirmation=Confirmation.REQUIRED),
        term_of(clouds=()),
        term_of(clouds=(replace(CLOUD, markup_ppm=0, services=()), CloudTerms(source="gcp"))),
        term_of(extra={"驻场": "每季度一天", "培训": "每年一次"}),
        term_of(split=Split.PROJECT, purchase_order="PO-9", settlement_day=5),
        term_of(tax_grouping=TaxGrouping.MODEL, credit_class=CreditClass.LISTED),
    ],
)
def test_what_serves_the_customer_or_only_orders_things_is_amended(
    became: CommercialTerms,
) -> None:
    amend(FIRM, became)


def test_the_fapiao_stays_first() -> None:
    was = term_of(due_basis=DueBasis.BILL_DATE)
    with pytest.raises(Conflict, match="结算顺序不能由先票后款改为先款后票"):
        amend(was, replace(was, settlement_order=SettlementOrder.PAY_FIRST))


def test_a_circle_that_never_waited_for_the_fapiao_may_be_put_right() -> None:
    """Pay first, and payment from the fapiao's arrival: its bills were due by their own date."""
    circle = term_of(settlement_order=SettlementOrder.PAY_FIRST)
    amend(circle, replace(circle, due_basis=DueBasis.BILL_DATE))


def test_every_term_has_its_rule() -> None:
    """Who adds a term says what upward means for it, or that it is nobody's gain or loss."""
    judged = {name for rule in RULES for name in rule.fields}
    assert not judged & FREE
    assert judged | FREE | COMPARED == {each.name for each in fields(CommercialTerms)}


WRITTEN = {
    "ends_on": "合同期不得缩短",
    "notice_days": "终止通知",
    "renewal": "自动续约",
    "break_fee": "解约费",
    "credit_limit_fen": "授信额度",
    "deposit_fen": "押金",
    "management_fee_fen": "管理费",
    "payment_mode": "付款方式",
    "review_days": "对账",
    "payment_days": "付款、",
    "due_basis": "付款起算",
    "settlement_order": "结算顺序",
    "late_fee_ppm_per_day": "违约金",
    "grace_days": "宽限",
    "fapiao_kind": "发票种类",
    "fapiao_days": "开票天数",
    "confirmation": "账单确认方式",
    "price_notice_days": "涨价通知",
    "sla": "SLA 承诺",
    "clouds": "云资源加价",
    "extra": "其他约定",
    "commitment": "承诺消费",
    "price_lock_until": "锁价期",
    "tier_discount": "折扣",
}


def test_the_contract_says_what_is_kept() -> None:
    """Each term that an amendment may not worsen stands in the contract's own words, and the way
    to another bargain."""
    assert set(WRITTEN) == {rule.fields[0] for rule in RULES} | COMPARED
    sections = {each.heading: each for each in framework(written(THREE)).sections}
    clause = sections["九、变更、续约与终止"].clauses[0]
    assert {word for word in WRITTEN.values() if word not in clause} == set()
    assert clause.endswith("双方仍要另行约定的，另签合同接替本合同。")
    year = replace(THREE, type=ContractType.ONE_YEAR)
    assert "变更须由双方签署补充协议。" in str(framework(written(year)).sections[8])


def written(commercial: CommercialTerms) -> Agreed:
    who = Signatory(legal_name="甲公司")
    return Agreed(
        number="HT2026000042",
        version=1,
        dated=date(2026, 1, 1),
        seller=who,
        customer=who,
        terms=terms(commercial, START),
        rates=(),
        is_draft=False,
    )


def test_a_lock_that_is_over_need_not_be_agreed_again() -> None:
    """Locked until 2028: in 2028 an amendment may leave the lock out, before not."""
    begins = datetime(2027, 12, 31, 16, tzinfo=UTC)
    amend(THREE, replace(THREE, price_lock_until=None), starts_at=begins)
    with pytest.raises(Conflict, match="锁价期不能短于 2028-01-01"):
        amend(THREE, replace(THREE, price_lock_until=None), starts_at=begins - timedelta(seconds=1))


def test_a_promise_for_the_whole_term_grows_with_the_term() -> None:
    """
    3,600,000 in three years. Ten years for the same sum would be less than a third of it: until
    2036 it takes the same sum for each day, 3,652 of them instead of 1,096.
    """
    was = replace(THREE, commitment=Commitment(3_600_000_00, CommitmentPeriod.TERM))
    longer = replace(was, ends_on=date(2036, 1, 1))
    enough = -(-3_600_000_00 * 3_652 // 1_096)
    amend(was, replace(longer, commitment=Commitment(enough, CommitmentPeriod.TERM)))
    for fen in (3_600_000_00, enough - 1):
        with pytest.raises(Conflict, match="合同期延长则整期承诺按天增加"):
            amend(was, replace(longer, commitment=Commitment(fen, CommitmentPeriod.TERM)))


def test_what_begins_behind_the_term_is_a_bargain_of_its_own() -> None:
    """Three years until 2029 are over: both may sign a year for less, at other prices."""
    year = replace(
        THREE,
        type=ContractType.ONE_YEAR,
        ends_on=date(2030, 1, 1),
        commitment=None,
        sla=None,
        management_fee_fen=500_00,
    )
    behind = datetime(2028, 12, 31, 16, tzinfo=UTC)
    amend(THREE, year, starts_at=behind)
    with pytest.raises(Conflict, match="较短的类型"):
        amend(THREE, year, starts_at=behind - timedelta(seconds=1))
    with pytest.raises(Conflict, match="双方签署"):
        amend(THREE, year, starts_at=behind, signed=False)


def test_three_years_may_grow() -> None:
    amend(
        THREE,
        replace(
            THREE,
            commitment=Commitment(20_000_00),
            credit_limit_fen=None,
            ends_on=date(2030, 1, 1),
            tier_discount=TierDiscount((TierStep(0, 10_000), TierStep(50_00, 60_000))),
        ),
    )


@pytest.mark.parametrize(
    ("prices", "dearer"),
    [
        (Pricing(discounts=(FamilyDiscount("gpt-*", 200_000),)), False),
        (Pricing(discounts=(FamilyDiscount("gpt-*", 300_000),)), False),
        (Pricing(discounts=(FamilyDiscount("gpt-*", 199_999),)), True),
        (Pricing(discounts=(FamilyDiscount("gpt-4*", 1), FamilyDiscount("*", 200_000))), True),
        (Pricing(), True),
        (
            Pricing((Override("gpt-4o", "input", 2_000_000),), (FamilyDiscount("*", 200_000),)),
            False,
        ),
        (Pricing((Override("gpt-4o", "input", 2_000_001),), (FamilyDiscount("*", 200_000),)), True),
    ],
)
def test_three_years_never_get_dearer(prices: Pricing, *, dearer: bool) -> None:
    """Judged rate by rate of the list, so that no clever order of families slips through."""
    priced = Pricing(discounts=(FamilyDiscount("gpt-*", 200_000),))
    if not dearer:
        amend(THREE, THREE, priced=priced, prices=prices)
        return
    with pytest.raises(Conflict, match="价格不能上涨"):
        amend(THREE, THREE, priced=priced, prices=prices)


@pytest.mark.parametrize(
    ("was", "became", "less"),
    [
        ("gpt-*", (FamilyDiscount("gpt-4o", 200_000),), True),
        ("gpt-*", (FamilyDiscount("gpt-?o", 900_000), FamilyDiscount("gpt-4o", 200_000)), True),
        ("gpt-*", (FamilyDiscount("gpt-4o", 200_000), FamilyDiscount("g*", 200_000)), False),
        ("gpt-??", (FamilyDiscount("gpt-4o", 200_000),), True),
        ("gpt-*", (FamilyDiscount("gpt-?", 200_000), FamilyDiscount("gpt-??", 200_000)), True),
        ("gpt-*", (FamilyDiscount("gpt-??*", 200_000),), False),
        ("gpt-4o", (FamilyDiscount("*", 200_000),), False),
        ("gpt-3", (), False),
    ],
)
def test_a_discount_is_promised_for_models_to_come(
    was: str, became: tuple[FamilyDiscount, ...], *, less: bool
) -> None:
    """
    A fifth off all of GPT. Written model by model as the list has them today, the next one would
    cost what the list says; and so would the next meter of one for which only rates are agreed.
    """
    priced = Pricing(discounts=(FamilyDiscount(was, 200_000),))
    if not less:
        amend(THREE, THREE, priced=priced, prices=Pricing(discounts=became))
        return
    with pytest.raises(Conflict, match="折扣不能减少"):
        amend(THREE, THREE, priced=priced, prices=Pricing(discounts=became))


def test_families_that_overlap_keep_their_order_for_models_to_come() -> None:
    """The first that fits wins: a gpt-5-mini to come has a fifth off, and would have a tenth."""
    gpt, mini = FamilyDiscount("gpt-*", 200_000), FamilyDiscount("*-mini", 100_000)
    amend(
        THREE, THREE, priced=Pricing(discounts=(mini, gpt)), prices=Pricing(discounts=(gpt, mini))
    )
    with pytest.raises(Conflict, match="折扣不能减少"):
        amend(
            THREE,
            THREE,
            priced=Pricing(discounts=(gpt, mini)),
            prices=Pricing(discounts=(mini, gpt)),
        )


def test_a_discount_is_promised_for_a_model_that_is_offered_before_its_list_has_it() -> None:
    offered = ("gpt-4o", "gpt-5")
    priced = Pricing(discounts=(FamilyDiscount("gpt-*", 200_000),), models=offered)
    fewer = Pricing(discounts=(FamilyDiscount("gpt-4o", 200_000),), models=offered)
    with pytest.raises(Conflict, match="折扣不能减少"):
        amend(THREE, THREE, priced=priced, prices=fewer)


def test_agreed_rates_take_no_discount_away() -> None:
    priced = Pricing(discounts=(FamilyDiscount("gpt-4o", 200_000),))
    rates = Pricing((Override("gpt-4o", "input", 1_000_000),))
    with pytest.raises(Conflict, match="折扣不能减少"):
        amend(THREE, THREE, priced=priced, prices=rates)


def test_an_agreed_price_stays_one() -> None:
    """It follows no list: without it, the next list decides, however cheap today's is."""
    agreed = Pricing((Override("gpt-4o", "input", 2_400_000),))
    with pytest.raises(Conflict, match="约定单价不能提高或取消"):
        amend(THREE, THREE, priced=agreed, prices=Pricing())
    with pytest.raises(Conflict, match="约定单价不能提高或取消"):
        amend(
            THREE,
            THREE,
            priced=agreed,
            prices=Pricing(discounts=(FamilyDiscount("gpt-*", 100_000),)),
        )


def test_a_price_is_not_agreed_above_what_a_lock_keeps() -> None:
    """The list rose from 2.0 to 2.5 and waits; 2.2 is below the list, and above what is charged."""
    place = place_of(ROWS[0])
    held = standing(THREE, charged={place: 2_000_000})
    cheap, dear = (Pricing((Override("gpt-4o", "input", pico),)) for pico in (2_000_000, 2_200_000))
    refuse_amendment(held, terms(THREE, NOW, cheap), now=NOW, both_signed=True)
    with pytest.raises(Conflict, match="价格不能上涨"):
        refuse_amendment(held, terms(THREE, NOW, dear), now=NOW, both_signed=True)


@pytest.mark.parametrize(
    ("was", "became", "less"),
    [
        ((), ("gpt-4o",), True),
        ((), ("gpt-4o", "glm-4"), True),
        (("gpt-4o", "glm-4"), ("gpt-4o",), True),
        (("gpt-4o",), ("gpt-4o", "glm-4"), False),
        (("gpt-4o",), (), False),
    ],
)
def test_models_stay_available(
    was: tuple[str, ...], became: tuple[str, ...], *, less: bool
) -> None:
    """All models of the list, those to come as well, are more than any that are named."""
    if not less:
        amend(THREE, THREE, priced=Pricing(models=was), prices=Pricing(models=became))
        return
    with pytest.raises(Conflict, match="可用模型不能减少"):
        amend(THREE, THREE, priced=Pricing(models=was), prices=Pricing(models=became))


def test_a_model_that_is_added_costs_what_both_agree() -> None:
    """It was not offered: no price of it rises."""
    amend(
        THREE,
        THREE,
        priced=Pricing(models=("gpt-4o",)),
        prices=Pricing((Override("glm-4", "input", 3_000_000),), models=("gpt-4o", "glm-4")),
    )
