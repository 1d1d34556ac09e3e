from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.rooms.contracts.life.test_upward import NOW, THREE
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
from yuejie.contracts.life.leave import TermLeft, leave, remaining_promise
from yuejie.contracts.terms import (
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    ContractType,
    CreditClass,
    PaymentMode,
)
from yuejie.kernel.errors import Conflict, Invalid

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


def test_a_contract_year_from_the_29th_of_february_is_whole() -> None:
    """
    From 2028-02-29 for two years: the first ends with 2029-02-28, the second is from 2029-03-01 to
    2030-02-28. Left half a year before that, 184 of its 365 days.
    """
    promised = replace(
        THREE, commitment=Commitment(10_000_00, CommitmentPeriod.YEAR), ends_on=date(2030, 3, 1)
    )
    rest, said = remaining_promise(whole(promised, date(2028, 2, 29)), start=date(2029, 8, 29))
    assert (int(rest), "184/365" in said[0]) == (10_000_00 * 184 // 365, True)


def test_whoever_leaves_after_the_end_need_not_leave() -> None:
    with pytest.raises(Conflict, match="已自然到期"):
        leave(
            replace(THREE, notice_days=90),
            left=whole(THREE, date(2026, 1, 1)),
            asked_on=date(2028, 12, 1),
            wished_on=date(2028, 12, 2),
            currency="CNY",
        )


def test_a_body_is_read_as_it_was_written() -> None:
    from tests.rooms.contracts.life.parties import BODY  # noqa: PLC0415 - one example

    assert decode_body(encode_body(BODY)) == BODY
