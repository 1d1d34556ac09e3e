"""Ask for a trial, without being a customer yet; and keep the rules by which trials are granted.

Whoever asks gets a claim, shown once, and with it fetches the key once the trial is granted: so a
key is never sent anywhere, and who does not hold the claim cannot have it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.presales.trial import store
from yuejie.presales.trial.grant import write_grant
from yuejie.presales.trial.trial import (
    REQUESTS_SAID,
    Asked,
    RequestState,
    TrialPolicy,
    TrialRequest,
)

WAITING_MOST: Final = 200
"""So many requests wait for sales at most; more than that nobody reads."""
HOURLY_MOST: Final = 60
FROM_HERE_MOST: Final = 3
"""Requests a day from one address."""
_BY_RULE: Final = "rule:trial"
_CLAIM: Final = "tc-"
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=30)


class Throttled(Conflict):
    """Too many requests; somebody may ask again later."""

    code = "trial_throttled"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What whoever asks is told: the number, and the claim, which is shown this once."""

    request: TrialRequest
    claim: str = field(repr=False)


def set_policy(db: Database, policy: TrialPolicy, *, by: str, now: datetime) -> TrialPolicy:
    """Write down what trials are made of from now on; those that run stay as they were granted."""
    policy.refuse_nonsense()
    with db.begin() as tx:
        book = contracts.book(tx, policy.sale_book)
        if book is None or book.kind != "sale":
            raise NotFound(f"没有名为 {policy.sale_book} 的销售价目，请先建立再设试用规则")
        priced = {row.model for row in contracts.rates(tx, policy.sale_book)}
        strange = sorted(set(policy.models) - priced)
        if strange:
            raise Invalid(f"价目 {policy.sale_book} 没有 {'、'.join(strange)} 的单价，不能试用")
        was = store.policy(tx)
        became = replace(policy, made_by=by, made_at=now)
        became = replace(became, revision=store.insert_policy(tx, became))
        deed = Deed(by, now, "set", "trial_policy", str(became.revision))
        record_deed(tx, deed, was=was, became=became)
        return became


def ask_trial(
    db: Database,
    asked: Asked,
    *,
    peer: str,
    pepper: bytes,
    credential_key: bytes | None = None,
    now: datetime,
) -> Receipt:
    """Write a request down; within the policy's rule it is granted at once.

    Raises Throttled for too many requests, Conflict where a mail address has had its trial,
    Invalid for what the policy does not give.
    """
    asked.refuse_nonsense()
    claim = _CLAIM + secrets.token_urlsafe(24)
    with db.begin() as tx:
        tx.lock_exclusive(store.ASKING)
        policy = policy_of(tx)
        fitted = policy.fits(asked)
        from_hash = hmac.digest(pepper, f"trial:{peer}".encode(), hashlib.sha256)
        _refuse_crowd(tx, fitted.email, from_hash, now)
        request = TrialRequest(
            request_id=mint("trq", now),
            company=fitted.company,
            contact=fitted.contact,
            email=fitted.email,
            phone=fitted.phone,
            purpose=fitted.purpose,
            models=fitted.models,
            days=fitted.days,
            tokens=fitted.tokens or policy.tokens_most,
            from_hash=from_hash,
            claim_hash=claim_hash(claim),
            asked_at=now,
            state=RequestState.ASKED,
        )
        store.insert_request(tx, request)
        if policy.by_rule:
            write_grant(
                tx,
                request,
                policy,
                slug="",
                credential_key=credential_key,
                by=_BY_RULE,
                now=now,
            )
            request = replace(request, state=RequestState.GRANTED, decided_by=_BY_RULE)
    return Receipt(request, claim)


def decline_trial(
    db: Database, request_id: str, *, why: str, by: str, now: datetime
) -> TrialRequest:
    """Say no, with the reason that whoever asked will read."""
    if not why.strip():
        raise Invalid("婉拒试用须写明原因，申请人会看到，请补全")
    with db.begin() as tx:
        was = waiting(tx, request_id)
        store.decide(tx, request_id, RequestState.DECLINED, by=by, at=now, why=why)
        became = replace(was, state=RequestState.DECLINED, decided_by=by, decided_at=now, why=why)
        deed = Deed(by, now, "decline", "trial_request", request_id, why)
        record_deed(tx, deed, was=public(was), became=public(became))
        return became


def policy_of(tx: Tx) -> TrialPolicy:
    """Return the present policy, or say that there are no trials."""
    policy = store.policy(tx)
    if policy is None:
        raise Conflict(
            "目前没有开放试用，请联系客户经理（运营方用 yuejie trial policy --book … 设规则后开放）"
        )
    return policy


def waiting(tx: Tx, request_id: str) -> TrialRequest:
    """Return a request that waits for a decision, held, or refuse."""
    request = store.hold_request(tx, request_id)
    if request is None:
        raise NotFound(f"试用申请 {request_id} 不存在，请核对编号")
    if request.state is not RequestState.ASKED:
        raise Conflict(
            f"试用申请 {request_id} 已处理（{REQUESTS_SAID[request.state]}），无需再次处理"
        )
    return request


def claim_hash(claim: str) -> bytes:
    """Return what is kept of a claim."""
    return hashlib.sha256(claim.encode()).digest()


def public(request: TrialRequest) -> TrialRequest:
    """Return a request without what only its own party and the throttle know."""
    return replace(request, from_hash=b"", claim_hash=b"")


def _refuse_crowd(tx: Tx, email: str, from_hash: bytes, now: datetime) -> None:
    crowd = store.crowd(
        tx,
        email=email,
        from_hash=from_hash,
        hour_ago=now - timedelta(hours=1),
        day_ago=now - _DAY,
        month_ago=now - _MONTH,
    )
    if crowd.same_mail:
        raise Conflict("这个邮箱已申请过试用，请联系客户经理")
    if crowd.from_here >= FROM_HERE_MOST:
        raise Throttled("今天从这里提交的试用申请已达上限，请明天再试或联系客户经理")
    if crowd.waiting >= WAITING_MOST or crowd.lately >= HOURLY_MOST:
        raise Throttled("试用申请较多，请一小时后再试或联系客户经理")
