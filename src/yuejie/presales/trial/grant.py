"""Grant a trial: a customer, its project, a contract at nothing, a hard allowance; and its key."""

import hmac
from contextlib import suppress
from datetime import datetime
from typing import Final

from yuejie.budgets.allowance import Measure, Mode, Origin, Period
from yuejie.budgets.keep import AllowanceDraft, add_in
from yuejie.contracts import store as contracts
from yuejie.contracts.contract import Terms, midnight
from yuejie.contracts.sign import write_version
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import (
    Particulars,
    ProjectDraft,
    add_project_in,
    enrol_in,
    find_customer,
)
from yuejie.customers.keys import IssuedKey, KeyDraft, issue_in
from yuejie.customers.store import customer_by_slug
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.ids import BookId, mint
from yuejie.notices.notice import Kind
from yuejie.presales.trial import store
from yuejie.presales.trial.convert import standing_of
from yuejie.presales.trial.tell import facts_of, hear, tell
from yuejie.presales.trial.trial import (
    ALLOWANCE,
    PROJECT,
    ZONE,
    RequestState,
    Trial,
    TrialPolicy,
    TrialRequest,
    last_day,
    trial_pricing,
    trial_terms,
)

_SLUG: Final = 8


def grant_trial(
    db: Database,
    request_id: str,
    *,
    slug: str = "",
    credential_key: bytes | None = None,
    by: str,
    now: datetime,
) -> Trial:
    """Grant what was asked for; `slug` names the customer, by default after the request.

    With the key that seals addresses, whoever asked becomes a contact and hears of each stage.

    Raises Conflict for a slug that is taken: a customer that has a contract needs no trial.
    """
    with db.begin() as tx:
        request = store.hold_request(tx, request_id)
        if request is None:
            raise NotFound(f"试用申请 {request_id} 不存在，请核对编号")
        policy = store.policy(tx)
        if policy is None:
            raise Conflict("尚未设试用规则，请先用 yuejie trial policy 设定")
        return write_grant(
            tx, request, policy, slug=slug, credential_key=credential_key, by=by, now=now
        )


def write_grant(
    tx: Tx,
    request: TrialRequest,
    policy: TrialPolicy,
    *,
    slug: str,
    credential_key: bytes | None,
    by: str,
    now: datetime,
) -> Trial:
    """Do so in somebody's transaction."""
    if not store.decide(tx, request.request_id, RequestState.GRANTED, by=by, at=now, why=""):
        raise Conflict(f"试用申请 {request.request_id} 已处理，无需再次处理")
    slug = slug or f"trial-{request.request_id[-_SLUG:]}"
    if customer_by_slug(tx, slug) is not None:
        raise Conflict(f"客户 {slug} 已存在，试用只给新客户；请换一个简称")
    book = contracts.book(tx, policy.sale_book)
    assert book is not None, "a policy names a book that is there"
    currency = book.currency if policy.fx_policy == "none" else "CNY"
    customer = enrol_in(
        tx,
        Particulars(slug=slug, legal_name=request.company, zone=ZONE, currency=currency),
        by=by,
        now=now,
    )
    add_project_in(tx, customer.customer_id, ProjectDraft(name=PROJECT), by=by, now=now)
    trial = _write_contract(tx, customer, request, policy, by=by, now=now)
    add_in(tx, customer, _allowance(request), by=by, now=now)
    store.insert_trial(tx, trial)
    record_deed(tx, Deed(by, now, "grant", "trial", trial.trial_id), became=trial)
    if credential_key is not None:
        # An address that no contact may have is no reason not to grant: sales tells of it then.
        with suppress(Invalid):
            hear(tx, customer, request, credential_key=credential_key, by=by, now=now)
    facts = facts_of(trial, customer, standing_of(tx, trial, now))
    tell(tx, trial, Kind.TRIAL_GRANTED, facts, now)
    return trial


def _write_contract(
    tx: Tx,
    customer: Customer,
    request: TrialRequest,
    policy: TrialPolicy,
    *,
    by: str,
    now: datetime,
) -> Trial:
    ends_on = last_day(now, request.days)
    terms = Terms(
        customer_id=customer.customer_id,
        sale_book=BookId(policy.sale_book),
        currency=customer.currency,
        zone=ZONE,
        fx_policy=policy.fx_policy,
        starts_at=now,
        commercial=trial_terms(ends_on),
        pricing=trial_pricing(request.models),
    )
    contract = write_version(tx, terms, None, by=by, now=now)
    return Trial(
        trial_id=mint("trl", now),
        request_id=request.request_id,
        customer_id=customer.customer_id,
        contract_id=contract.contract_id,
        book_id=contract.sale_book,
        project=PROJECT,
        models=request.models,
        days=request.days,
        tokens=request.tokens,
        starts_at=now,
        ends_at=midnight(ends_on, ZONE),
        granted_by=by,
    )


def _allowance(request: TrialRequest) -> AllowanceDraft:
    return AllowanceDraft(
        name=ALLOWANCE,
        measure=Measure.TOKENS,
        cap=request.tokens,
        period=Period.TERM,
        mode=Mode.HARD,
        thresholds=(),
        forecasts=(),
        why=f"试用申请 {request.request_id}",
        origin=Origin.TRIAL,
    )


def claim_key(
    db: Database, request_id: str, claim_digest: bytes, *, pepper: bytes, now: datetime
) -> tuple[Trial, IssuedKey]:
    """Give whoever holds the claim the trial's key, once.

    Raises Forbidden for another claim, Conflict while nobody has decided, where the answer was no,
    and where the key was given already.
    """
    with db.begin() as tx:
        request = store.hold_request(tx, request_id)
        if request is None or not hmac.compare_digest(request.claim_hash, claim_digest):
            raise Forbidden("试用申请编号或领取码不对，请核对后重试")
        if request.state is RequestState.DECLINED:
            raise Conflict(f"试用申请未获批准：{request.why}；如有疑问请联系客户经理")
        trial = store.trial_of_request(tx, request_id)
        if trial is None:
            raise Conflict("试用申请仍在审核，通常一个工作日内答复，请稍后再领取")
        if trial.ends_at <= now:
            raise Conflict("试用已期满，密钥不再发放，请联系客户经理")
        customer = find_customer(tx, trial.customer_id)
        draft = KeyDraft(project=trial.project, name="试用密钥")
        issued = issue_in(tx, customer, draft, pepper=pepper, by=f"trial:{request.email}", now=now)
        if not store.claim(tx, trial.trial_id, issued.key.key_id):
            raise Conflict("试用密钥已领取过，只显示一次；遗失请联系客户经理轮换")
        return trial, issued
