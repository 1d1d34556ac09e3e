"""Finance reviews the credit; an administrator signs. Whoever wrote a draft may not sign it.

Its writers are who drafted it and everybody who has changed it since: what one person wrote,
another must have read.
"""

from dataclasses import replace
from datetime import datetime

from yuejie.contracts import store as contracts
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.documents.store import has_signed_copy
from yuejie.contracts.esign import store as esign
from yuejie.contracts.esign.life import OPEN
from yuejie.contracts.esign.port import SigningState
from yuejie.contracts.life import store
from yuejie.contracts.life.credit import CreditRule
from yuejie.contracts.life.draft import ContractDraft, DraftEvent, DraftKind, Review
from yuejie.contracts.life.drafting import found, move
from yuejie.contracts.life.held import in_force
from yuejie.contracts.life.rules import InForce, refuse_amendment, refuse_unsignable
from yuejie.contracts.numbers.number import called
from yuejie.contracts.sign import write_version
from yuejie.contracts.terms import ContractType
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.kernel.money import Money


def review_draft(
    db: Database, draft_id: str, review: Review, *, by: str, now: datetime
) -> ContractDraft:
    """Grant credit to a submitted draft: the limit and deposit of the review are what is signed.

    Raises Forbidden for whoever wrote it where the class asks for three people, Invalid for a
    deposit below the class's rule without a comment that says why.
    """
    if not review.grade.strip():
        raise Invalid("信用审核须写明评级，请补全后重试")
    with db.begin() as tx:
        was = found(tx, draft_id)
        rule = _rule(tx, was)
        if rule.needs_three(review.limit_fen):
            _refuse_reviewing_oneself(tx, was, rule, by)
        least = rule.deposit_fen(was.body.expected_monthly_fen)
        if review.deposit_fen < least and not review.comment.strip():
            raise Invalid(
                f"{rule.credit_class} 类客户的押金不少于 {rule.deposit_months_least} 个月用量，"
                f"即 {Money(least, was.body.currency)} {was.body.currency}；低于此数须写明理由"
            )
        commercial = replace(
            was.body.commercial,
            credit_limit_fen=review.limit_fen,
            deposit_fen=review.deposit_fen,
        )
        commercial.refuse_nonsense()
        body = replace(was.body, commercial=commercial, review=review)
        if was.kind is not DraftKind.NEW:
            held = in_force(tx, _versions(tx, was), now=now)
            refuse_unsignable(held, body.terms(was.customer_id), now=now)
        became = replace(was, body=body, reviewed_by=by)
        return move(tx, was, became, DraftEvent.ACCEPT, by=by, now=now, why=review.comment)


def reject_draft(db: Database, draft_id: str, *, by: str, now: datetime, why: str) -> ContractDraft:
    """Send a draft back, from finance or from whoever signs. Raises Invalid without a reason."""
    if not why.strip():
        raise Invalid("退回合同草案须写明原因，请补全后重试")
    with db.begin() as tx:
        was = found(tx, draft_id)
        return move(tx, was, was, DraftEvent.REJECT, by=by, now=now, why=why)


def sign_draft(
    db: Database, draft_id: str, *, digest: str | None = None, by: str, now: datetime
) -> Contract:
    """Sign what finance reviewed: write the contract version that it says.

    `digest` names what the signer has read; another one is refused. Raises Forbidden for whoever
    wrote it, and for the reviewer where the class asks for three people; Conflict while the
    customer signs it on a platform, or for what it has declined there.
    """
    with db.begin() as tx:
        return write_signature(tx, draft_id, digest=digest, by=by, now=now)


def write_signature(
    tx: Tx, draft_id: str, *, digest: str | None, by: str, now: datetime
) -> Contract:
    """Do what `sign_draft` promises, in the transaction of a deed that does more."""
    was = found(tx, draft_id)
    if digest is not None and digest != was.body.digest:
        raise Conflict(f"合同草案 {draft_id} 的内容已变，请重新阅读后再签")
    _refuse_same_people(tx, was, by)
    _refuse_while_they_sign(tx, was)
    _refuse_declined(tx, was)
    terms = was.body.terms(was.customer_id)
    tx.lock_exclusive(f"contract {was.customer_id}")
    if was.kind is not DraftKind.NEW:
        held = _in_force(tx, was, now)
        signed_copy = has_signed_copy(tx, was.customer_id, draft_id)
        refuse_amendment(held, terms, now=now, both_signed=signed_copy)
        _refuse_left(tx, held.contract, terms)
    _refuse_replacing(tx, was, terms)
    signed = write_version(tx, terms, was.contract_id, by=by, now=now, draft_id=draft_id)
    became = replace(was, signed_by=by, contract_id=signed.contract_id, version=signed.version)
    move(tx, was, became, DraftEvent.SIGN, by=by, now=now)
    return signed


def _in_force(tx: Tx, draft: ContractDraft, now: datetime) -> InForce:
    """Return the version that an amendment started from, if it still is the newest.

    No other version is written until the transaction ends.
    """
    tx.lock_exclusive(f"contract {draft.contract_id}")
    versions = _versions(tx, draft)
    newest = versions[-1]
    if newest.version != draft.version:
        raise Conflict(
            f"合同 {_named(tx, newest)} 已有第 {newest.version} 版，而草案依据"
            f"第 {draft.version} 版，请退回后按新版重拟"
        )
    return in_force(tx, versions, now=now)


def _versions(tx: Tx, draft: ContractDraft) -> list[Contract]:
    return contracts.contract_versions(tx, str(draft.contract_id))


def _refuse_replacing(tx: Tx, draft: ContractDraft, terms: Terms) -> None:
    """Refuse to let another contract take the place of one with a term that both have not signed.

    Nothing of that one could be changed otherwise: under another number all of it would be. The
    next version of an older one, without a term, would do so as well.
    """
    held = contracts.contract_at(tx, draft.customer_id, terms.starts_at)
    if held is None or held.terms.type is ContractType.OPEN:
        return
    if held.contract_id == draft.contract_id:
        return
    over = held.ends_at is not None and held.ends_at <= terms.starts_at
    if not over and not has_signed_copy(tx, draft.customer_id, draft.draft_id):
        which = "新合同将接替它" if draft.kind is DraftKind.NEW else "旧合同的新版将接替它"
        raise Conflict(
            f"合同 {_named(tx, held)} 届时仍在有效期内，{which}，"
            "须双方签署，请先上传签署件或完成电子签"
        )


def _named(tx: Tx, contract: Contract) -> str:
    return called(tx, contract.customer_id, contract.contract_id)


def _refuse_left(tx: Tx, contract: Contract, terms: Terms) -> None:
    """Refuse to go on with a contract beyond the day from which it was left: its fee is charged."""
    ends_on = terms.commercial.ends_on
    for end in store.ends_of(tx, contract.customer_id):
        left = end.contract_id == contract.contract_id and end.approved_by is not None
        if left and (ends_on is None or ends_on > end.ends_on):
            raise Conflict(
                f"合同 {_named(tx, contract)} 已获批准自 {end.ends_on} 起终止，"
                "变更不能延续它；继续合作请另签新合同"
            )


def _refuse_while_they_sign(tx: Tx, draft: ContractDraft) -> None:
    """Refuse what the customer may still decline. No other request is made until the end."""
    tx.lock_exclusive(f"signing {draft.draft_id}")
    for signing in esign.signings_of_draft(tx, draft.customer_id, draft.draft_id):
        if signing.state in OPEN:
            name = called(tx, draft.customer_id, draft.contract_id or draft.draft_id)
            raise Conflict(
                f"草案 {name} 正由 {signing.who.person} 在 {signing.platform} 上签署"
                f"（{signing.signing_id}），请等签完再签；改用纸质签署的，请先在平台上撤回"
            )


def _refuse_declined(tx: Tx, draft: ContractDraft) -> None:
    """Refuse a text that the customer has declined, unless a copy that it signed is at hand."""
    reviewed = max(
        step.at for step in store.steps_of(tx, draft.draft_id) if step.event == DraftEvent.ACCEPT
    )
    for signing in esign.signings_of_draft(tx, draft.customer_id, draft.draft_id):
        said_no = signing.state == SigningState.REFUSED and signing.created_at >= reviewed
        if said_no and not has_signed_copy(tx, draft.customer_id, draft.draft_id):
            name = called(tx, draft.customer_id, draft.contract_id or draft.draft_id)
            raise Conflict(
                f"草案 {name} 已被客户在 {signing.platform} 上拒签（{signing.signing_id}），"
                "请退回改写、重新请客户签署，或上传双方签署件"
            )


def _refuse_same_people(tx: Tx, draft: ContractDraft, by: str) -> None:
    if by == draft.drafted_by:
        raise Forbidden(f"草案由 {by} 起草，须由另一人签署")
    if by in store.writers_of(tx, draft.draft_id):
        raise Forbidden(f"草案由 {by} 改写，须由另一人签署")
    rule = _rule(tx, draft)
    three = rule.needs_three(draft.body.commercial.credit_limit_fen)
    if three and by == draft.reviewed_by:
        raise Forbidden(f"草案由 {by} 审核，按 {rule.credit_class} 类规定须由第三人签署")


def _refuse_reviewing_oneself(tx: Tx, draft: ContractDraft, rule: CreditRule, by: str) -> None:
    if by == draft.drafted_by:
        raise Forbidden(f"草案由 {by} 起草，按 {rule.credit_class} 类规定须由另一人审核")
    if by in store.writers_of(tx, draft.draft_id):
        raise Forbidden(f"草案由 {by} 改写，按 {rule.credit_class} 类规定须由另一人审核")


def _rule(tx: Tx, draft: ContractDraft) -> CreditRule:
    return store.credit_rules(tx)[draft.body.commercial.credit_class]
