"""What "upward only" means of a contract of three years: term by term, pure.

Nothing that the customer was promised gets worse, and nothing that the customer promised gets less.
What is no one's gain or loss by itself is arranged anew as both like (`FREE`). Whoever wants
another change nevertheless signs another contract, which takes the place of this one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from yuejie.contracts.agreed.cloud import CloudTerms, agreed_of
from yuejie.contracts.terms import (
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    Confirmation,
    DueBasis,
    FapiaoKind,
    PaymentMode,
    Renewal,
    SettlementOrder,
    Sla,
    TierDiscount,
)

_Worse = Callable[[CommercialTerms, CommercialTerms], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """Which fields it is about, what is said of them, and whether a change is for the worse.

    `{}` in what is said is what the first field was.
    """

    fields: tuple[str, ...]
    says: str
    worse: _Worse


FREE: Final = frozenset(
    {
        "type",
        "credit_class",
        "settlement_day",
        "split",
        "head_share",
        "tax_grouping",
        "purchase_order",
    }
)
"""How things are arranged, and what has a rule of its own (the type)."""


def _never_less(name: str, says: str) -> Rule:
    return Rule((name,), says, lambda old, new: getattr(new, name) < getattr(old, name))


def _never_more(name: str, says: str) -> Rule:
    return Rule((name,), says, lambda old, new: getattr(new, name) > getattr(old, name))


def _renews_more(old: CommercialTerms, new: CommercialTerms) -> bool:
    if new.renewal is not Renewal.AUTO:
        return False
    return old.renewal is not Renewal.AUTO or new.renewal_months > old.renewal_months


def _lower(old: int | None, new: int | None) -> bool:
    """Tell whether a limit went down; None is no limit, the highest."""
    return new is not None and (old is None or new < old)


def _late_fee(terms: CommercialTerms) -> tuple[int, int]:
    both = terms.late_fee_ppm_per_day, terms.late_fee_cap_ppm
    return both if all(both) else (0, 0)


def _late_costs_more(old: CommercialTerms, new: CommercialTerms) -> bool:
    return any(b > a for a, b in zip(_late_fee(old), _late_fee(new), strict=True))


def _by_fapiao(terms: CommercialTerms) -> bool:
    """Tell whether payment waits for the fapiao; in a circle it never did."""
    return terms.due_basis is DueBasis.FAPIAO_RECEIPT and not terms.waits_in_a_circle


_ASKED_FIRST: Final = (PaymentMode.PREPAID, PaymentMode.PREPAID_MONTHLY, PaymentMode.POSTPAID)
"""From the mode that asks for money first to the one that asks last."""


def _ends_sooner(old: CommercialTerms, new: CommercialTerms) -> bool:
    return old.ends_on is not None and (new.ends_on is None or new.ends_on < old.ends_on)


def _asks_sooner(old: CommercialTerms, new: CommercialTerms) -> bool:
    return _ASKED_FIRST.index(new.payment_mode) < _ASKED_FIRST.index(old.payment_mode)


def _asks_less_for_a_word(old: CommercialTerms, new: CommercialTerms) -> bool:
    """Silence that counts, and bills that nobody is asked about: neither is better."""
    return new.confirmation not in {old.confirmation, Confirmation.REQUIRED}


RULES: Final = (
    Rule(("ends_on",), "止日不能早于 {}，提前结束请办理终止", _ends_sooner),
    Rule(
        ("notice_days",),
        "终止通知天数须保持 {} 天",
        lambda old, new: new.notice_days != old.notice_days,
    ),
    Rule(
        ("renewal", "renewal_months"),
        "自动续约不能新增，自动续约的月数不能增加",
        _renews_more,
    ),
    Rule(
        ("break_fee",),
        "解约费的比例与固定费用不能改",
        lambda old, new: new.break_fee != old.break_fee,
    ),
    Rule(
        ("credit_limit_fen",),
        "授信额度只能提高",
        lambda old, new: _lower(old.credit_limit_fen, new.credit_limit_fen),
    ),
    _never_more("deposit_fen", "押金不能提高"),
    _never_more("management_fee_fen", "管理费不能提高"),
    Rule(("payment_mode",), "付款方式不能改为更早付款", _asks_sooner),
    _never_less("review_days", "对账天数不能少于 {}"),
    _never_less("payment_days", "付款天数不能少于 {}"),
    Rule(
        ("due_basis",),
        "付款起算不能由收到发票改为账单日",
        lambda old, new: _by_fapiao(old) and not _by_fapiao(new),
    ),
    Rule(
        ("settlement_order",),
        "结算顺序不能由先票后款改为先款后票",
        lambda old, new: (
            old.settlement_order is SettlementOrder.FAPIAO_FIRST
            and new.settlement_order is not SettlementOrder.FAPIAO_FIRST
        ),
    ),
    Rule(
        ("late_fee_ppm_per_day", "late_fee_cap_ppm"),
        "违约金的日费率与上限不能新增或提高",
        _late_costs_more,
    ),
    _never_less("grace_days", "宽限天数不能少于 {}"),
    Rule(
        ("fapiao_kind",),
        "发票种类不能由专票改为普票",
        lambda old, new: (
            old.fapiao_kind is FapiaoKind.SPECIAL and new.fapiao_kind is not FapiaoKind.SPECIAL
        ),
    ),
    _never_more("fapiao_days", "开票天数不能多于 {}"),
    Rule(("confirmation",), "账单确认方式只能改为须经确认", _asks_less_for_a_word),
    _never_less("price_notice_days", "涨价通知天数不能少于 {}"),
    Rule(
        ("sla",),
        "SLA 只能提高，承诺与赔付及计入范围不能减少",
        lambda old, new: old.sla is not None and promises_less(old.sla, new.sla),
    ),
    Rule(
        ("clouds",),
        "云账单的加价不能提高，转付口径与不转付的类别不能改",
        lambda old, new: any(_passes_on_more(each, new.clouds) for each in old.clouds),
    ),
    Rule(
        ("extra",),
        "其他约定不能删改，只能增加",
        lambda old, new: not old.extra.items() <= new.extra.items(),
    ),
)
"""Each a term by itself; `COMPARED` are those that need more than the terms to be judged."""
COMPARED: Final = frozenset({"commitment", "price_lock_until", "tier_discount"})


def worsened(old: CommercialTerms, new: CommercialTerms) -> Iterator[str]:
    """Yield what an amendment would make worse, a sentence's part for each term."""
    for rule in RULES:
        if rule.worse(old, new):
            yield rule.says.format(getattr(old, rule.fields[0]))


def promises_shrink(old: CommercialTerms, new: CommercialTerms, *, since: date) -> bool:
    """Tell whether the customer would promise less, or by other periods.

    What is promised for a whole term grows with the term, which began on `since`: spread over more
    days the same sum is less.
    """
    was, will = old.commitment, new.commitment
    if was is None:
        return False
    if will is None or will.period is not was.period:
        return True
    if was.period is not CommitmentPeriod.TERM or old.ends_on is None or new.ends_on is None:
        return will.amount_fen < was.amount_fen
    return _per_day(will, new.ends_on, since) < _per_day(was, old.ends_on, since)


def _per_day(promise: Commitment, ends_on: date, since: date) -> Fraction:
    return Fraction(promise.amount_fen, (ends_on - since).days)


def lock_shrinks(old: CommercialTerms, new: CommercialTerms, *, begins: date) -> bool:
    """Tell whether prices would be locked for less; a lock that is over by then locks nothing."""
    if old.price_lock_until is None or old.price_lock_until <= begins:
        return False
    return new.price_lock_until is None or new.price_lock_until < old.price_lock_until


def _passes_on_more(old: CloudTerms, clouds: tuple[CloudTerms, ...]) -> bool:
    """Tell whether a cloud's bill would cost more; one that is passed on no more costs nothing."""
    new = agreed_of(clouds, old.source)
    if new is None:
        return False
    if new.basis is not old.basis or set(new.leave_out) != set(old.leave_out):
        return True
    services = {each.service for each in (*old.services, *new.services)}
    return new.markup_ppm > old.markup_ppm or any(
        new.markup(each) > old.markup(each) for each in services
    )


# ── SLA ─────────────────────────────────────────────────────────────────────────────────────────


def promises_less(old: Sla, new: Sla | None) -> bool:
    """Tell whether some month would be owed less than before; another way of counting may be."""
    if new is None or new.basis != old.basis or not set(new.exclusions) <= set(old.exclusions):
        return True
    if new.availability_ppm < old.availability_ppm or new.cap_ppm < old.cap_ppm:
        return True
    if new.operations_min > old.operations_min or (old.probed and not new.probed):
        return True
    if _begins_later(old, new) or _answers_later(old, new):
        return True
    below = {step.below_ppm for step in (*old.steps, *new.steps)}
    above = {step.above_ms for step in (*old.latency_steps, *new.latency_steps)}
    return any(_credit_at(new, ppm - 1) < _credit_at(old, ppm - 1) for ppm in below) or any(
        _late_credit_at(new, ms + 1) < _late_credit_at(old, ms + 1) for ms in above
    )


def _credit_at(sla: Sla, ppm: int) -> int:
    return max((step.credit_ppm for step in sla.steps if ppm < step.below_ppm), default=0)


def _late_credit_at(sla: Sla, ms: int) -> int:
    return max((step.credit_ppm for step in sla.latency_steps if ms > step.above_ms), default=0)


def _begins_later(old: Sla, new: Sla) -> bool:
    if old.first_byte_ms is None:
        return False
    return new.first_byte_ms is None or new.first_byte_ms > old.first_byte_ms


def _answers_later(old: Sla, new: Sla) -> bool:
    """Tell whether some ticket may be answered later, or costs us less when it is."""
    if old.response_minutes is not None and (
        new.response_minutes is None
        or any(a < b for a, b in zip(old.response_minutes, new.response_minutes, strict=True))
    ):
        return True
    missed = {step.missed for step in (*old.response_steps, *new.response_steps)}
    return any(_missed_credit_at(new, each) < _missed_credit_at(old, each) for each in missed)


def _missed_credit_at(sla: Sla, missed: int) -> int:
    return max((step.credit_ppm for step in sla.response_steps if missed >= step.missed), default=0)


# ── discounts by volume ─────────────────────────────────────────────────────────────────────────


def discounts_less(old: TierDiscount | None, new: TierDiscount | None) -> bool:
    """Tell whether some month's usage would be discounted by a lower step than before."""
    if old is None:
        return False
    if new is None or new.mode != old.mode:
        return True
    edges = {step.above_fen for step in (*old.steps, *new.steps)}
    return any(_step_at(new, edge) < _step_at(old, edge) for edge in edges)


def _step_at(tier: TierDiscount, fen: int) -> int:
    return max((step.discount_ppm for step in tier.steps if step.above_fen <= fen), default=0)
