"""A trial becomes a contract: the same customer, project and keys, other prices from an instant on.

Any contract of the customer that starts while the trial runs does this; what was admitted before
that instant stays the trial's, whenever it ends. The deed here only sees to it that the instant
lies ahead of every gateway's knowledge.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from yuejie.contracts import store as contracts
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.approve import write_signature
from yuejie.contracts.life.drafting import found
from yuejie.contracts.numbers.number import called
from yuejie.contracts.sign import write_version
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.payments.dunning.standing import review_standing
from yuejie.presales.trial import store
from yuejie.presales.trial.trial import NOTICE, Standing, Trial, standing


def convert_trial(db: Database, customer: str, terms: Terms, *, by: str, now: datetime) -> Contract:
    """Sign a contract that follows a trial, from its own start on or as soon as may be.

    Raises Conflict where another contract follows already.
    """
    with db.begin() as tx:
        trial = _running(tx, customer, now)
        soon = soonest(now)
        starts_at = max(terms.starts_at, soon)
        fitted = replace(terms, customer_id=trial.customer_id, starts_at=starts_at)
        signed = write_version(tx, fitted, None, by=by, now=now)
        review_standing(tx, signed.customer_id, by=by, now=now)
        return signed


def convert_by_draft(
    db: Database, customer: str, draft_id: str, *, by: str, now: datetime
) -> Contract:
    """Sign a reviewed draft that follows a trial; it begins when the draft says.

    Raises Conflict for a draft that would begin before every gateway knows of it.
    """
    with db.begin() as tx:
        trial = _running(tx, customer, now)
        draft = found(tx, draft_id)
        if draft.customer_id != trial.customer_id:
            raise Conflict(f"合同草案 {draft_id} 不是客户 {customer} 的，请核对编号")
        if draft.body.starts_at < now + NOTICE:
            raise Conflict(
                f"合同草案 {draft_id} 的起始时间 {draft.body.starts_at.isoformat()} 已过或太近，"
                "试用期间的用量不会补计；请退回草案，把起始时间改到一分钟之后再签"
            )
        signed = write_signature(tx, draft_id, digest=None, by=by, now=now)
        review_standing(tx, signed.customer_id, by=by, now=now)
        return signed


def soonest(now: datetime) -> datetime:
    """Return the first whole second at which a contract signed now may follow a trial."""
    return now.replace(microsecond=0) + NOTICE + timedelta(seconds=1)


def standing_of(tx: Tx, trial: Trial, now: datetime) -> Standing:
    """Return where a trial stands."""
    return standing(trial, contracts.contracts_of(tx, trial.customer_id), now)


def _running(tx: Tx, customer: str, now: datetime) -> Trial:
    """Return the trial of a customer that nothing follows yet; one that is over may be followed."""
    who = find_customer(tx, customer)
    trial = store.trial_of(tx, who.customer_id)
    if trial is None:
        raise NotFound(f"客户 {customer} 没有试用，请直接签订合同")
    follows = standing_of(tx, trial, now).contract_id
    if follows is not None:
        number = called(tx, who.customer_id, follows)
        raise Conflict(f"客户 {customer} 的试用已由合同 {number} 接续，变更请办理合同变更")
    return trial
