"""Sell a package or give a voucher; a second person approves either."""

from dataclasses import replace
from datetime import datetime

from yuejie.contracts.contract import held_within, midnight
from yuejie.contracts.grants import store
from yuejie.contracts.grants.grant import Grant, GrantDraft
from yuejie.contracts.store import contracts_of, rates
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.two_people import refuse_same


def ask_grant(db: Database, draft: GrantDraft, *, why: str, by: str, now: datetime) -> Grant:
    """Write a package or voucher down for a second person to approve, who reads why.

    Raises Invalid without a reason, and for one that no bill could sell or draw: the customer's
    contracts are over by then, bill in another currency, or know none of its models.
    """
    draft.refuse_nonsense()
    if not why.strip():
        raise Invalid("提出套餐或代金券须写明原因，供审批的人判断；请补全后重试")
    grant = Grant(
        grant_id=mint("grant", now),
        customer_id=draft.customer_id,
        kind=draft.kind,
        name=draft.name,
        amount_fen=draft.amount_fen,
        paid_fen=draft.paid_fen,
        currency=draft.currency,
        models=draft.models,
        starts_on=draft.starts_on,
        ends_on=draft.ends_on,
        created_at=now,
        asked_by=by,
        why=why.strip(),
    )
    with db.begin() as tx:
        _refuse_useless(tx, draft)
        store.insert_grant(tx, grant)
        record_deed(tx, Deed(by, now, "ask", "grant", grant.grant_id, grant.why), became=grant)
        return grant


def _refuse_useless(tx: Tx, draft: GrantDraft | Grant) -> None:
    """Refuse what no bill of the customer's contracts would ever draw; without one, wait for it."""
    known = contracts_of(tx, draft.customer_id)
    if not known:
        return
    zone = known[-1].zone
    held = held_within(known, midnight(draft.starts_on, zone), midnight(draft.ends_on, zone))
    if not held:
        raise Invalid(
            "客户的合同在套餐或代金券的期限内都不生效，账单收取了也无从抵扣；请核对起止日"
        )
    same = [each for each in held if each.currency == draft.currency]
    if not same:
        currencies = sorted({each.currency for each in held})
        raise Invalid(
            f"套餐或代金券的币种 {draft.currency} 与客户合同的 {'、'.join(currencies)} 不符，"
            "账单不会收取也不会抵扣；请按合同币种填写"
        )
    books = {each.sale_book for each in same}
    priced = {row.model for book in books for row in rates(tx, book)}
    strange = sorted(set(draft.models) - priced)
    if strange:
        raise Invalid(
            f"套餐或代金券限定的模型 {'、'.join(strange)} 不在合同的价目里，永远抵扣不到；"
            "请核对模型名"
        )


def approve_in(tx: Tx, grant_id: str, *, by: str, now: datetime) -> Grant:
    """Let a package or voucher hold, within a deed that looks at the bills it would cover.

    Raises Forbidden for whoever asked for it, Invalid for what nobody could draw any more.
    """
    was = found_grant(tx, grant_id)
    refuse_same(was.asked_by, by, "套餐或代金券")
    _refuse_useless(tx, was)
    if not store.approve_grant(tx, grant_id, by=by):
        raise Conflict(f"套餐或代金券 {grant_id} 已有审批结果，不能再批准；请刷新后查看")
    became = replace(was, approved_by=by)
    record_deed(tx, Deed(by, now, "approve", "grant", grant_id), was=was, became=became)
    return became


def found_grant(tx: Tx, grant_id: str) -> Grant:
    """Return a package or voucher, or say that there is none."""
    found = store.grant_by_id(tx, grant_id)
    if found is None:
        raise NotFound(f"套餐或代金券 {grant_id} 不存在，请核对编号")
    return found


def reject_grant(db: Database, grant_id: str, *, why: str, by: str, now: datetime) -> Grant:
    """Turn a package or voucher down that waits, one's own as well. Raises Invalid without why."""
    if not why.strip():
        raise Invalid("驳回套餐或代金券须写明原因，请补全后重试")
    with db.begin() as tx:
        was = found_grant(tx, grant_id)
        if not store.reject_grant(tx, grant_id, by=by, at=now, why=why):
            raise Conflict(f"套餐或代金券 {grant_id} 已有审批结果，不能再驳回；请刷新后查看")
        deed = Deed(by, now, "reject", "grant", grant_id, why)
        record_deed(tx, deed, was={"state": "asked"}, became={"state": "rejected"})
        return was
