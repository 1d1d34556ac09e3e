"""Sell a package or give a voucher; a second person approves either."""

from dataclasses import replace
from datetime import datetime

from yuejie.contracts.grants import store
from yuejie.contracts.grants.grant import Grant, GrantDraft
from yuejie.contracts.store import contracts_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.two_people import refuse_same


def ask_grant(db: Database, draft: GrantDraft, *, why: str, by: str, now: datetime) -> Grant:
    """Write a package or voucher down for a second person to approve, who reads why.

    Raises Invalid without a reason, and for one that no bill could sell or draw: its contracts bill
    in another currency.
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
        _refuse_currency(tx, draft)
        store.insert_grant(tx, grant)
        record_deed(tx, Deed(by, now, "ask", "grant", grant.grant_id, grant.why), became=grant)
        return grant


def _refuse_currency(tx: Tx, draft: GrantDraft) -> None:
    known = sorted({version.currency for version in contracts_of(tx, draft.customer_id)})
    if known and draft.currency not in known:
        raise Invalid(
            f"套餐或代金券的币种 {draft.currency} 与客户合同的 {'、'.join(known)} 不符，"
            "账单不会收取也不会抵扣；请按合同币种填写"
        )


def approve_grant(db: Database, grant_id: str, *, by: str, now: datetime) -> Grant:
    """Let a package or voucher hold. Raises Forbidden for whoever asked for it."""
    with db.begin() as tx:
        was = store.grant_by_id(tx, grant_id)
        if was is None:
            raise NotFound(f"套餐或代金券 {grant_id} 不存在，请核对编号")
        refuse_same(was.asked_by, by, "套餐或代金券")
        if not store.approve_grant(tx, grant_id, by=by):
            raise Conflict(f"套餐或代金券 {grant_id} 已有审批结果，不能再批准；请刷新后查看")
        became = replace(was, approved_by=by)
        record_deed(tx, Deed(by, now, "approve", "grant", grant_id), was=was, became=became)
        return became


def reject_grant(db: Database, grant_id: str, *, why: str, by: str, now: datetime) -> Grant:
    """Turn a package or voucher down that waits, one's own as well. Raises Invalid without why."""
    if not why.strip():
        raise Invalid("驳回套餐或代金券须写明原因，请补全后重试")
    with db.begin() as tx:
        was = store.grant_by_id(tx, grant_id)
        if was is None:
            raise NotFound(f"套餐或代金券 {grant_id} 不存在，请核对编号")
        if not store.reject_grant(tx, grant_id, by=by, at=now, why=why):
            raise Conflict(f"套餐或代金券 {grant_id} 已有审批结果，不能再驳回；请刷新后查看")
        deed = Deed(by, now, "reject", "grant", grant_id, why)
        record_deed(tx, deed, was={"state": "asked"}, became={"state": "rejected"})
        return was
