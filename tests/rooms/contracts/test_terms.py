from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from yuejie.contracts.terms import (
    STANDARD,
    AvailabilityStep,
    BreakFee,
    CommercialTerms,
    Commitment,
    DueBasis,
    LatencyStep,
    Renewal,
    ResponseStep,
    SettlementOrder,
    Sla,
    SlaExclusion,
    TierDiscount,
    TierStep,
    decode_terms,
    encode_terms,
)
from yuejie.kernel.errors import Invalid

SLA = Sla(
    availability_ppm=999_000,
    steps=(AvailabilityStep(999_000, 100_000), AvailabilityStep(990_000, 250_000)),
    exclusions=(SlaExclusion.THROTTLED,),
    first_byte_ms=2_000,
    latency_steps=(LatencyStep(2_000, 50_000),),
    response_minutes=(15, 60, 240, 1_440),
    response_steps=(ResponseStep(1, 50_000),),
)
RICH = CommercialTerms(
    ends_on=date(2027, 11, 1),
    credit_limit_fen=5_000_000_00,
    tier_discount=TierDiscount((TierStep(0, 0), TierStep(100_000_00, 50_000))),
    commitment=Commitment(10_000_00),
    sla=SLA,
    purchase_order="PO-2026-0042",
)


def test_terms_are_read_as_they_were_written() -> None:
    assert decode_terms(encode_terms(RICH)) == RICH


def test_a_field_that_did_not_exist_has_its_default() -> None:
    assert decode_terms("{}") == STANDARD


def test_what_is_no_term_is_refused_in_a_sentence() -> None:
    with pytest.raises(Invalid, match="合同条款读不懂"):
        decode_terms('{"review_days": "soon"}')


def sla(**changes: Any) -> CommercialTerms:
    return replace(RICH, sla=replace(SLA, **changes))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(RICH, management_fee_fen=-1), "管理费"),
        (replace(RICH, commitment=Commitment(0)), "承诺消费"),
        (replace(RICH, payment_days=3_651), "付款天数”不能超过 3650 天"),
        (replace(RICH, notice_days=10**9), "通知天数”不能超过 3650 天"),
        (replace(RICH, renewal=Renewal.AUTO, renewal_months=121), "续约月数”不能超过 120"),
        (replace(RICH, break_fee=BreakFee(1_000_001)), "中途解约的比例"),
        (replace(RICH, late_fee_ppm_per_day=1_000_001), "违约金日费率"),
        (replace(RICH, tier_discount=TierDiscount(())), "阶梯折扣"),
        (replace(RICH, tier_discount=TierDiscount((TierStep(5, 0), TierStep(5, 1)))), "阶梯折扣"),
        (replace(RICH, tier_discount=TierDiscount((TierStep(0, 1_000_001),))), "阶梯折扣"),
        (replace(RICH, extra={" ": "甲"}), "每条须有名称"),
        (replace(RICH, extra={str(n): "甲" for n in range(51)}), "不能超过 50 条（现为 51 条）"),
        (sla(availability_ppm=0), "可用率须大于"),
        (sla(availability_ppm=1_000_001), "可用率须大于"),
        (sla(steps=()), "至少一档"),
        (sla(steps=SLA.steps[::-1]), "从高到低"),
        (sla(steps=(AvailabilityStep(0, 1),)), "大于 0%"),
        (sla(availability_ppm=998_999), "第一档"),
        (sla(steps=(AvailabilityStep(999_000, 1_000_001),)), "赔付比例"),
        (sla(steps=(AvailabilityStep(999_000, 2), AvailabilityStep(990_000, 1))), "赔付比例"),
        (sla(cap_ppm=-1), "赔付上限"),
        (sla(operations_min=0), "最少调用次数"),
        (sla(exclusions=(SlaExclusion.PROVIDER, SlaExclusion.PROVIDER)), "重复"),
        (sla(first_byte_ms=None), "一起填写"),
        (sla(latency_steps=()), "一起填写"),
        (sla(first_byte_ms=0), "大于零"),
        (sla(first_byte_ms=2_001), "不低于首字节时间"),
        (sla(latency_steps=(LatencyStep(2_000, 1), LatencyStep(2_000, 2))), "从低到高"),
        (sla(response_minutes=None), "须写明 S1 至 S4"),
        (sla(response_minutes=(0, 1, 2, 3)), "不少于 1"),
        (sla(response_minutes=(60, 15, 240, 1_440)), "不减少"),
        (sla(response_steps=(ResponseStep(0, 1),)), "从 1 次起"),
        (sla(response_steps=(ResponseStep(2, 2), ResponseStep(1, 3))), "从低到高"),
        (sla(response_steps=(ResponseStep(1, 1_000_001),)), "赔付比例"),
    ],
)
def test_nonsense_is_refused_naming_the_field(terms: CommercialTerms, field: str) -> None:
    with pytest.raises(Invalid, match=field):
        terms.refuse_nonsense()


def test_what_was_agreed_before_it_was_refused_goes_on() -> None:
    """No renewal stumbles over words or steps that nobody would sign any more."""
    falling = TierDiscount((TierStep(0, 100_000), TierStep(5, 50_000)))
    old = replace(RICH, purchase_order="PO-1\nPO-2", tier_discount=falling)
    replace(old, ends_on=date(2028, 11, 1)).refuse_nonsense(old)
    for said in ("采购订单号", "阶梯折扣"):
        with pytest.raises(Invalid, match=said):
            (old if said == "采购订单号" else replace(old, purchase_order="")).refuse_nonsense()


def test_payment_and_fapiao_do_not_wait_for_each_other() -> None:
    """
    Pay first, and the days to pay count from the fapiao: nothing would ever be due. A contract that
    says so already goes on as it is, so that the clerk can renew it.
    """
    circle = replace(RICH, due_basis=DueBasis.FAPIAO_RECEIPT)
    with pytest.raises(Invalid, match="永无到期之日"):
        circle.refuse_nonsense()
    with pytest.raises(Invalid, match="永无到期之日"):
        circle.refuse_nonsense(RICH)
    circle.refuse_nonsense(replace(circle, management_fee_fen=1))
    replace(circle, settlement_order=SettlementOrder.FAPIAO_FIRST).refuse_nonsense()
