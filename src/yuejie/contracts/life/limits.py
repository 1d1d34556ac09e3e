"""Credit: rules of the classes, temporary limits, and what a customer may owe at an instant."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.contract import held_within
from yuejie.contracts.life import store
from yuejie.contracts.life.credit import CreditRule, TemporaryLimit, effective_limit
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.money import CURRENCIES, Money
from yuejie.kernel.two_people import refuse_same

LIMIT_SPAN: Final = timedelta(days=366)
"""A temporary limit that is longer is credit, which a contract grants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitWish:
    """A higher credit limit that somebody asks for, whole fen, and why."""

    limit_fen: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    why: str


def set_credit_rule(db: Database, rule: CreditRule, *, by: str, now: datetime) -> bool:
    """Set what holds for a class from now on; False where it held already."""
    rule.refuse_nonsense()
    with db.begin() as tx:
        tx.lock_exclusive("credit rules")
        was = store.credit_rules(tx)[rule.credit_class]
        if was == rule:
            return False
        store.insert_rule(tx, rule, by=by, at=now)
        deed = Deed(by, now, "set", "credit_rule", str(rule.credit_class))
        record_deed(tx, deed, was=was, became=rule)
        return True


def ask_limit(
    db: Database, customer_id: CustomerId, wish: LimitWish, *, by: str, now: datetime
) -> TemporaryLimit:
    """Write a temporary credit limit down for a second person to approve.

    Raises Invalid for one that would change nothing, and for one that is for ever.
    """
    if wish.limit_fen <= 0 or wish.currency not in CURRENCIES:
        raise Invalid("临时额度须大于零，币种写 CNY 或 USD，请改正后重试")
    if wish.ends_at <= max(now, wish.starts_at):
        raise Invalid("临时额度的止时须晚于起时与现在，请改正后重试")
    if wish.ends_at - wish.starts_at > LIMIT_SPAN:
        raise Invalid(f"临时额度最长 {LIMIT_SPAN.days} 天；长期提高额度请变更合同")
    if not wish.why.strip():
        raise Invalid("临时额度须写明原因，请补全后重试")
    limit = TemporaryLimit(
        limit_id=mint("limit", now),
        limit_fen=wish.limit_fen,
        currency=wish.currency,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        why=wish.why,
        asked_by=by,
        created_at=now,
    )
    with db.begin() as tx:
        _refuse_idle(tx, customer_id, wish, now)
        store.insert_limit(tx, customer_id, limit)
        deed = Deed(by, now, "ask", "temporary_limit", limit.limit_id, wish.why)
        record_deed(tx, deed, became=limit)
        return limit


def _refuse_idle(
    tx: Tx, customer_id: CustomerId, wish: LimitWish | TemporaryLimit, now: datetime
) -> None:
    """Refuse a limit under which nobody could use more: no contract, or none that it lifts."""
    versions = contracts.contracts_of(tx, customer_id)
    held = held_within(versions, max(now, wish.starts_at), wish.ends_at)
    if not held:
        raise Invalid("客户在这段时间里没有有效的合同，临时额度不起作用；请核对起止时间")
    same = [each for each in held if each.currency == wish.currency]
    if not same:
        raise Invalid(
            f"临时额度的币种 {wish.currency} 与合同的 {held[0].currency} 不符，请按合同币种填写"
        )
    limits = [v.terms.credit_limit_fen for v in same if v.terms.credit_limit_fen is not None]
    if not limits:
        raise Invalid("合同没有授信额度可以提高，临时额度不起作用；先付款的客户请充值")
    if wish.limit_fen <= min(limits):
        raise Invalid(
            f"临时额度须高于合同的授信额度 {Money(min(limits), wish.currency)} {wish.currency}，"
            "它不降低额度"
        )


def approve_in(tx: Tx, limit_id: str, *, by: str, now: datetime) -> store.CustomersLimit:
    """Let a temporary limit hold, within a deed that lets its customer go on.

    Raises Forbidden for whoever asked for it, Conflict for one that is over, Invalid for one under
    which nobody could use more by now.
    """
    was = _found(tx, limit_id)
    refuse_same(was.asked_by, by, "临时额度")
    if was.ends_at <= now:
        raise Conflict(f"临时额度 {limit_id} 的止时已过，批准也不起作用；请另提一个")
    if not store.approve_limit(tx, limit_id, by=by):
        raise Conflict(f"临时额度 {limit_id} 已有审批结果，不能再批准；请刷新后查看")
    _refuse_idle(tx, was.customer_id, was, now)
    became = replace(was, approved_by=by)
    record_deed(tx, Deed(by, now, "approve", "temporary_limit", limit_id), was=was, became=became)
    return became


def end_in(tx: Tx, limit_id: str, *, why: str, by: str, now: datetime) -> store.CustomersLimit:
    """Take an approved limit back before its end. Raises Invalid without a reason."""
    if not why.strip():
        raise Invalid("提前收回临时额度须写明原因，请补全后重试")
    was = _found(tx, limit_id)
    if not store.end_limit(tx, limit_id, by=by, at=now, why=why.strip()):
        raise Conflict(f"临时额度 {limit_id} 尚未批准或已经失效，不能收回；待批的请驳回")
    became = replace(was, ended_at=now)
    deed = Deed(by, now, "end", "temporary_limit", limit_id, why.strip())
    record_deed(tx, deed, was=was, became=became)
    return became


def _found(tx: Tx, limit_id: str) -> store.CustomersLimit:
    found = store.limit_by_id(tx, limit_id)
    if found is None:
        raise NotFound(f"临时额度 {limit_id} 不存在，请核对编号")
    return found


def reject_limit(
    db: Database, limit_id: str, *, why: str, by: str, now: datetime
) -> TemporaryLimit:
    """Turn a temporary limit down that waits, one's own as well. Raises Invalid without why."""
    if not why.strip():
        raise Invalid("驳回临时额度须写明原因，请补全后重试")
    with db.begin() as tx:
        was = _found(tx, limit_id)
        if not store.reject_limit(tx, limit_id, by=by, at=now, why=why):
            raise Conflict(f"临时额度 {limit_id} 已有审批结果，不能再驳回；请刷新后查看")
        deed = Deed(by, now, "reject", "temporary_limit", limit_id, why)
        record_deed(tx, deed, was={"state": "asked"}, became={"state": "rejected"})
        return was


def credit_limit_at(tx: Tx, customer_id: CustomerId, at: datetime) -> int | None:
    """Return what a customer may owe at an instant, fen of its contract's currency.

    None: its contract watches no limit, or it has none in force.
    """
    contract = contracts.contract_at(tx, customer_id, at)
    if contract is None:
        return None
    temporary = [
        each
        for each in store.temporary_limits(tx, customer_id)
        if each.currency == contract.currency
    ]
    return effective_limit(contract.terms.credit_limit_fen, temporary, at)
