"""Sales: write a contract down, change it, hand it to finance, or drop it."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.contract import Contract, Terms, refuse_idle
from yuejie.contracts.life import store
from yuejie.contracts.life.draft import (
    ContractDraft,
    DraftBody,
    DraftEvent,
    DraftKind,
    DraftState,
    DraftStep,
    advance,
)
from yuejie.contracts.life.held import in_force
from yuejie.contracts.life.rules import refuse_unsignable
from yuejie.contracts.numbers.number import number_draft
from yuejie.contracts.sign import priced_by
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import ContractId, CustomerId, mint

DRAFTED: Final = "draft"
"""A draft begins with this; all that follows is an event of its table."""


def draft_contract(
    db: Database,
    customer_id: CustomerId,
    body: DraftBody,
    *,
    by: str,
    now: datetime,
    kind: DraftKind = DraftKind.NEW,
    contract_id: ContractId | None = None,
) -> ContractDraft:
    """Write a contract down that is to be agreed, or the next version of one that is.

    Raises NotFound for an amendment of a contract that is not the customer's.
    """
    with db.begin() as tx:
        return draft_in(tx, customer_id, body, by=by, now=now, kind=kind, contract_id=contract_id)


def draft_in(
    tx: Tx,
    customer_id: CustomerId,
    body: DraftBody,
    *,
    by: str,
    now: datetime,
    kind: DraftKind = DraftKind.NEW,
    contract_id: ContractId | None = None,
) -> ContractDraft:
    """Do so in somebody's transaction."""
    _refuse_nonsense(tx, customer_id, body, kind, now)
    version = None
    if kind is not DraftKind.NEW:
        versions = _versions(tx, customer_id, contract_id)
        version = max(each.version for each in versions)
        _refuse_unsignable(tx, versions, body.terms(customer_id), now)
    draft = ContractDraft(
        draft_id=mint("draft", now),
        customer_id=customer_id,
        kind=kind,
        contract_id=contract_id if kind is not DraftKind.NEW else None,
        version=version,
        state=DraftState.DRAFT,
        body=replace(body, review=None),
        drafted_by=by,
        created_at=now,
    )
    store.insert_draft(tx, draft)
    if kind is DraftKind.NEW:
        number_draft(tx, draft.draft_id, customer_id, body.zone, now)
    _note(tx, None, draft, DraftStep(now, by, DRAFTED, "", draft.state, ""))
    return draft


def revise_draft(
    db: Database, draft_id: str, body: DraftBody, *, by: str, now: datetime, why: str = ""
) -> ContractDraft:
    """Change what a draft says, while it is with sales; a review that was made is void."""
    with db.begin() as tx:
        was = found(tx, draft_id)
        _refuse_nonsense(tx, was.customer_id, body, was.kind, now)
        if was.kind is not DraftKind.NEW:
            versions = _versions(tx, was.customer_id, was.contract_id)
            _refuse_unsignable(tx, versions, body.terms(was.customer_id), now)
        became = replace(was, body=replace(body, review=None))
        return move(tx, was, became, DraftEvent.REVISE, by=by, now=now, why=why)


def submit_draft(db: Database, draft_id: str, *, by: str, now: datetime) -> ContractDraft:
    """Hand a draft to finance; what it says is frozen until it comes back."""
    with db.begin() as tx:
        was = found(tx, draft_id)
        return move(tx, was, was, DraftEvent.SUBMIT, by=by, now=now)


def rework_draft(db: Database, draft_id: str, *, by: str, now: datetime) -> ContractDraft:
    """Take a rejected draft up again."""
    with db.begin() as tx:
        was = found(tx, draft_id)
        fresh = replace(was, body=replace(was.body, review=None), reviewed_by=None)
        return move(tx, was, fresh, DraftEvent.REWORK, by=by, now=now)


def withdraw_draft(
    db: Database, draft_id: str, *, by: str, now: datetime, why: str
) -> ContractDraft:
    """Drop a draft for good. Raises Invalid without a reason."""
    if not why.strip():
        raise Invalid("撤回合同草案须写明原因，请补全后重试")
    with db.begin() as tx:
        was = found(tx, draft_id)
        return move(tx, was, was, DraftEvent.WITHDRAW, by=by, now=now, why=why)


def found(tx: Tx, draft_id: str) -> ContractDraft:
    """Return a draft, or say that there is none."""
    draft = store.draft_by_id(tx, draft_id)
    if draft is None:
        raise NotFound(f"合同草案 {draft_id} 不存在，请核对编号", draft=draft_id)
    return draft


def move(
    tx: Tx,
    was: ContractDraft,
    became: ContractDraft,
    event: DraftEvent,
    *,
    by: str,
    now: datetime,
    why: str = "",
) -> ContractDraft:
    """Take a draft through one event of its life, once; whoever comes second is refused."""
    moved = replace(became, state=advance(was.state, event))
    if not store.move_draft(tx, was, moved):
        raise Conflict(f"合同草案 {was.draft_id} 刚被另一操作改动，请刷新后重试")
    _note(tx, was, moved, DraftStep(now, by, event, was.state, moved.state, why))
    return moved


def _note(tx: Tx, was: ContractDraft | None, became: ContractDraft, step: DraftStep) -> None:
    """Write a step down in the draft's own life, and in the record of all deeds."""
    store.insert_step(tx, became, step)
    deed = Deed(step.by, step.at, str(step.event), "contract_draft", became.draft_id, step.why)
    record_deed(tx, deed, was=_told(was) if was else None, became=_told(became))


def _told(draft: ContractDraft) -> dict[str, object]:
    """Return what a deed says of a draft: whose it is, what is agreed, and the digest of it all."""
    return {
        "state": draft.state,
        "kind": draft.kind,
        "customer_id": draft.customer_id,
        "contract_id": draft.contract_id,
        "version": draft.version,
        "sale_book": draft.body.sale_book,
        "currency": draft.body.currency,
        "starts_at": draft.body.starts_at,
        "terms": draft.body.commercial,
        "sha256": draft.body.digest,
    }


def _refuse_nonsense(
    tx: Tx, customer_id: CustomerId, body: DraftBody, kind: DraftKind, now: datetime
) -> None:
    """Refuse what could not be signed, in the words of the signature.

    A card that would be the first of its list is written now: what the customer reads and signs
    names the converted prices that are billed, not those that they are converted from.
    """
    body.refuse_nonsense()
    priced_by(tx, body.terms(customer_id), now)
    if kind is DraftKind.NEW:
        refuse_idle(body.commercial, body.starts_at, body.zone)


def _refuse_unsignable(tx: Tx, versions: list[Contract], said: Terms, now: datetime) -> None:
    """Refuse what no signature could make an amendment; limit and deposit are finance's to say."""
    free = replace(said.commercial, credit_limit_fen=None, deposit_fen=0)
    refuse_unsignable(in_force(tx, versions, now=now), replace(said, commercial=free), now=now)


def _versions(tx: Tx, customer_id: CustomerId, contract_id: ContractId | None) -> list[Contract]:
    found = [
        each for each in contracts.contracts_of(tx, customer_id) if each.contract_id == contract_id
    ]
    if not found:
        raise NotFound(f"客户没有合同 {contract_id}，无法变更，请核对合同编号")
    return found
