from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from yuejie.contracts.agreed.pricing import FamilyDiscount, Override, Pricing
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.credit import (
    DEFAULTS,
    CreditRule,
    TemporaryLimit,
    effective_limit,
    usual_terms,
)
from yuejie.contracts.life.draft import (
    NEXT,
    DraftEvent,
    DraftState,
    IllegalStep,
    advance,
    decode_body,
    encode_body,
)
from yuejie.contracts.life.leave import TermLeft, later, leave, remaining_promise
from yuejie.contracts.life.rules import InForce, refuse_amendment
from yuejie.contracts.prices import RateRow
from yuejie.contracts.terms import (
    AvailabilityStep,
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    ContractType,
    CreditClass,
    LatencyStep,
    PaymentMode,
    ResponseStep,
    Sla,
    SlaExclusion,
    TierDiscount,
    TierStep,
)
from yuejie.kernel.errors import Conflict, Invalid
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


def amend(
    was: CommercialTerms,
    became: CommercialTerms,
    *,
    starts_at: datetime = NOW,
    signed: bool = True,
    priced: Pricing | None = None,
    prices: Pricing | None = None,
) -> None:
    held = InForce(contract(was), priced or Pricing(), ROWS, BookId("list"))
    refuse_amendment(held, terms(became, starts_at, prices), now=NOW, both_signed=signed)


# ── credit classes ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "deposit_months", "days", "mode"),
    [
        (CreditClass.LISTED, (0, 0), 30, PaymentMode.POSTPAID),
        (CreditClass.MEDIUM, (0, 1), 15, PaymentMode.POSTPAID),
        (CreditClass.STARTUP, (1, 2), 7, PaymentMode.PREPAID_MONTHLY),
        (CreditClass.HIGH_RISK, (3, 3), 0, PaymentMode.PREPAID),
    ],
)
def test_the_classes_are_those_of_the_product(
    kind: CreditClass, deposit_months: tuple[int, int], days: int, mode: PaymentMode
) -> None:
    rule = DEFAULTS[kind]
    assert (rule.deposit_months_least, rule.deposit_months_most) == deposit_months
    assert (rule.payment_days, rule.payment_mode) == (days, mode)


def test_what_sales_starts_from_follows_class_and_type() -> None:
    found = usual_terms(ContractType.ONE_YEAR, DEFAULTS[CreditClass.HIGH_RISK], 8_000_00)
    assert (found.deposit_fen, found.notice_days, found.payment_mode) == (24_000_00, 30, "prepaid")


def test_strict_classes_and_high_limits_need_three_people() -> None:
    assert DEFAULTS[CreditClass.STARTUP].needs_three(1)
    assert not DEFAULTS[CreditClass.LISTED].needs_three(499_999_99)
    assert DEFAULTS[CreditClass.LISTED].needs_three(500_000_00)
    assert DEFAULTS[CreditClass.LISTED].needs_three(None)


def test_a_rule_that_nobody_could_follow_is_refused() -> None:
    odd: CreditRule = replace(DEFAULTS[CreditClass.MEDIUM], deposit_months_least=2)
    with pytest.raises(Invalid, match="押金月数"):
        odd.refuse_nonsense()


def test_a_temporary_limit_counts_while_it_holds_and_never_lowers() -> None:
    given = TemporaryLimit(
        "l", 200, "CNY", NOW, NOW + timedelta(days=1), "618", "a", NOW, approved_by="b"
    )
    asked = replace(given, limit_fen=900, approved_by=None)
    lower = replace(given, limit_fen=50)
    seen = [
        effective_limit(100, [given, asked, lower], at) for at in (NOW, NOW + timedelta(days=1))
    ]
    assert seen == [200, 100]
    assert effective_limit(None, [given], NOW) is None


# ── the life of a draft ─────────────────────────────────────────────────────────────────────────


def test_every_pair_is_in_the_table_or_refused() -> None:
    for state in DraftState:
        for event in DraftEvent:
            if (state, event) in NEXT:
                assert advance(state, event) is NEXT[state, event]
            else:
                with pytest.raises(IllegalStep):
                    advance(state, event)


def test_nothing_leads_out_of_signed_or_withdrawn() -> None:
    over = {DraftState.SIGNED, DraftState.WITHDRAWN}
    assert not any(state in over for state, _ in NEXT)


# ── amendments ──────────────────────────────────────────────────────────────────────────────────


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
    [({"sale_book": BookId("dear")}, "另一价目"), ({"tax_mode": "exclusive"}, "含税价")],
)
def test_three_years_keep_their_list_and_their_tax(became: dict[str, Any], reason: str) -> None:
    """Both would make every call dearer without a rate or discount that says so."""
    held = InForce(contract(THREE), Pricing(), ROWS, BookId("list"))
    with pytest.raises(Conflict, match=reason):
        refuse_amendment(held, replace(terms(THREE, NOW), **became), now=NOW, both_signed=True)


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
        (Pricing((Override("gpt-4o", "input", 2_000_000),)), False),
        (Pricing((Override("gpt-4o", "input", 2_000_001),)), True),
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


# ── leaving ─────────────────────────────────────────────────────────────────────────────────────


def whole(terms: CommercialTerms, since: date) -> list[TermLeft]:
    """The one term of a contract that was never renewed."""
    assert terms.ends_on is not None
    return [TermLeft(since, terms.ends_on, terms.commitment)]


def test_an_open_contract_is_left_free_of_charge() -> None:
    left = leave(
        CommercialTerms(),
        left=[],
        asked_on=date(2026, 11, 20),
        wished_on=date(2026, 12, 1),
        currency="CNY",
    )
    assert (left.ends_on, left.fee_fen) == (date(2026, 12, 1), 0)


def test_notice_moves_the_day() -> None:
    year = CommercialTerms(type=ContractType.ONE_YEAR, ends_on=date(2027, 6, 1), notice_days=30)
    left = leave(
        year,
        left=whole(year, date(2026, 6, 1)),
        asked_on=date(2026, 11, 20),
        wished_on=date(2026, 12, 1),
        currency="CNY",
    )
    assert (left.ends_on, left.fee_fen) == (date(2026, 12, 20), 0)
    assert "通知期 30 天，最早自 2026-12-20 起终止" in left.reasons[0]


def test_the_break_fee_is_a_share_of_what_was_still_promised() -> None:
    """
    10,000.00 a month until 2029-01-01, left on 2028-11-16 (30 % of the rest and 5,000.00):
    half of November and December are left, 1.5 months, 15,000.00; 30 % are 4,500.00.
    """
    left = leave(
        THREE,
        left=whole(THREE, date(2026, 1, 1)),
        asked_on=date(2028, 11, 1),
        wished_on=date(2028, 11, 16),
        currency="CNY",
    )
    assert left.fee_fen == 9_500_00
    assert left.reasons[-1] == (
        "解约费 = 剩余承诺 15,000.00 CNY × 30% + 固定 5,000.00 CNY = 9,500.00 CNY。"
    )
    assert "15/30 + 1 期" in left.reasons[1]


@pytest.mark.parametrize(
    ("period", "fen"),
    [
        (CommitmentPeriod.YEAR, 10_000_00 * 184 // 366),
        (CommitmentPeriod.TERM, 10_000_00 * 184 // 1096),
    ],
)
def test_years_and_whole_terms_count_by_their_days(period: CommitmentPeriod, fen: int) -> None:
    promised = replace(THREE, commitment=Commitment(10_000_00, period))
    rest, _ = remaining_promise(whole(promised, date(2026, 1, 1)), start=date(2028, 7, 1))
    assert int(rest) == fen


def test_whoever_leaves_after_the_end_need_not_leave() -> None:
    with pytest.raises(Conflict, match="已自然到期"):
        leave(
            replace(THREE, notice_days=90),
            left=whole(THREE, date(2026, 1, 1)),
            asked_on=date(2028, 12, 1),
            wished_on=date(2028, 12, 2),
            currency="CNY",
        )


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 11, 1), 14, date(2028, 1, 1)),
    ],
)
def test_the_same_day_months_later(day: date, months: int, expected: date) -> None:
    assert later(day, months) == expected


def test_a_body_is_read_as_it_was_written() -> None:
    from tests.rooms.contracts.life.parties import BODY  # noqa: PLC0415 - one example

    assert decode_body(encode_body(BODY)) == BODY
