"""When a contract may change, and how (product.md D2): pure.

open         anything, from the first of the next month
one_year     by an amendment that both sides signed
three_year   the same, and upward only: no promise shrinks, no price rises while locked
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.prices import RateRow
from yuejie.contracts.terms import Commitment, ContractType, Sla, TierDiscount
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BookId
from yuejie.kernel.period import BillingMonth, zone_of

_RANK = (ContractType.OPEN, ContractType.ONE_YEAR, ContractType.THREE_YEAR)


@dataclass(frozen=True, slots=True)
class InForce:
    """A contract as it stands: the version, what was agreed about prices, its list, and rates."""

    contract: Contract
    pricing: Pricing
    rows: Iterable[RateRow]
    sale_book: BookId


def refuse_amendment(held: InForce, became: Terms, *, now: datetime, both_signed: bool) -> None:
    """Refuse a change that the contract in force does not allow, with every reason.

    `both_signed` says that a signed copy of the amendment is at hand.
    """
    reasons = list(_reasons(held, became, now, both_signed=both_signed))
    if reasons:
        raise Conflict(f"合同 {held.contract.contract_id} 不能这样变更：{'；'.join(reasons)}")


def _reasons(held: InForce, became: Terms, now: datetime, *, both_signed: bool) -> Iterator[str]:
    was = held.contract
    kind = was.terms.type
    if became.customer_id != was.customer_id:
        yield "客户不同，请为另一客户新立合同"
    if became.currency != was.currency or became.zone != was.zone:
        yield "币种和时区不能变更，请终止后另签"
    if kind is ContractType.OPEN:
        earliest = BillingMonth.of(now, zone_of(was.zone)).next.span(zone_of(was.zone)).start
        if became.starts_at < earliest:
            yield f"无期限合同的变更自次月起生效，最早 {earliest.isoformat()}"
    elif not both_signed:
        yield "定期合同的变更须双方签署，请先上传签署件或完成电子签"
    if _RANK.index(became.commercial.type) < _RANK.index(kind) and kind is ContractType.THREE_YEAR:
        yield "三年合同不能改为较短的类型"
    if kind is ContractType.THREE_YEAR:
        yield from _shrinks(held, became)


def _shrinks(held: InForce, became: Terms) -> Iterator[str]:
    """Yield what a three-year contract may not give up."""
    old, new = held.contract.terms, became.commercial
    if old.ends_on is not None and (new.ends_on is None or new.ends_on < old.ends_on):
        yield f"三年合同的止日不能早于 {old.ends_on}，提前结束请办理终止"
    if _promised(new.commitment) < _promised(old.commitment) or (
        old.commitment and new.commitment and old.commitment.period != new.commitment.period
    ):
        yield "三年合同的承诺消费只能增加，承诺周期不能改"
    if _lower(new.credit_limit_fen, old.credit_limit_fen):
        yield "三年合同的授信额度只能提高"
    if became.sale_book != held.sale_book:
        yield f"三年合同不能改用另一价目，请保持 {held.sale_book}，要让价请约定折扣或单价"
    if became.tax_mode == "exclusive" and held.contract.tax_mode == "inclusive":
        yield "三年合同的含税价不能改为不含税价"
    if old.price_lock_until and (
        new.price_lock_until is None or new.price_lock_until < old.price_lock_until
    ):
        yield f"三年合同的锁价期不能短于 {old.price_lock_until}"
    if old.sla is not None and _promises_less(old.sla, new.sla):
        yield "三年合同的 SLA 只能提高：承诺、赔付与计入范围不能减少"
    if _discounts_less(old.tier_discount, new.tier_discount) or _dearer(
        held.pricing, became.pricing, held.rows
    ):
        yield "三年合同的价格不能上涨：折扣不能减少，约定单价不能提高"


def _promised(commitment: Commitment | None) -> int:
    return commitment.amount_fen if commitment else 0


def _promises_less(old: Sla, new: Sla | None) -> bool:
    """Tell whether some month would be owed less than before; another way of counting may be."""
    if new is None or new.basis != old.basis or not set(new.exclusions) <= set(old.exclusions):
        return True
    if new.availability_ppm < old.availability_ppm or new.cap_ppm < old.cap_ppm:
        return True
    if new.operations_min > old.operations_min or (old.probed and not new.probed):
        return True
    if _answers_later(old, new):
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


def _lower(new: int | None, old: int | None) -> bool:
    """Tell whether a limit went down; None is no limit, the highest."""
    return new is not None and (old is None or new < old)


def _discounts_less(old: TierDiscount | None, new: TierDiscount | None) -> bool:
    """Tell whether some month's usage would be discounted by a lower step than before."""
    if old is None:
        return False
    if new is None or new.mode != old.mode:
        return True
    edges = {step.above_fen for step in (*old.steps, *new.steps)}
    return any(_step_at(new, edge) < _step_at(old, edge) for edge in edges)


def _step_at(tier: TierDiscount, fen: int) -> int:
    return max((step.discount_ppm for step in tier.steps if step.above_fen <= fen), default=0)


def _dearer(old: Pricing, new: Pricing, rows: Iterable[RateRow]) -> bool:
    """Tell whether some rate of the list would cost the customer more than was agreed."""
    return any(new.derive(row).pico > old.derive(row).pico for row in rows)
