"""The end of a contract: asked for by one, approved by another; and its going on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from yuejie.contracts import store as contracts
from yuejie.contracts.contract import Contract, at, by_term, midnight, term_of
from yuejie.contracts.forewarn.endings import begun, days_left, followed, follower
from yuejie.contracts.forewarn.saying import goes_on, renews_itself, say_until
from yuejie.contracts.life import store
from yuejie.contracts.life.held import pricing_of, terms_of
from yuejie.contracts.life.leave import Leaving, TermLeft, leave, promised_until
from yuejie.contracts.life.store import ContractEnd
from yuejie.contracts.numbers.number import called
from yuejie.contracts.sign import write_version
from yuejie.contracts.terms import RENEWAL_MONTHS_MAX, YEARS, CommercialTerms, Renewal
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound
from yuejie.kernel.ids import ContractId, mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import months_after, zone_of
from yuejie.kernel.two_people import refuse_same

log = structlog.get_logger()

PARTIES = ("customer", "operator")
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants to leave which contract, from which day (the first without it), and why."""

    contract_id: ContractId
    wished_on: date
    party: str = "customer"
    why: str
    waived_fen: int = 0


def ask_end(db: Database, wish: Wish, *, by: str, now: datetime) -> ContractEnd:
    """Write down that a contract is to end, with its day and fee computed, for approval.

    One that renews itself is told so not to go on: by the day that it names, for its last day.
    Raises Conflict where it ends by itself before, or where a termination waits already.
    """
    if wish.party not in PARTIES or not wish.why.strip():
        raise Invalid("终止合同须写明由谁提出（customer 或 operator）与原因，请补全后重试")
    if wish.wished_on.year not in YEARS:
        raise Invalid(
            f"合同条款“止日”{wish.wished_on} 有误：日期须在 {YEARS[0]} 年至 {YEARS[-1]} 年之间"
        )
    with db.begin() as tx:
        tx.lock_exclusive(f"contract {wish.contract_id}")
        contract = _newest(tx, wish.contract_id)
        _refuse_waiting(tx, contract)
        asked_on = _today(contract, now)
        leaving = _leaving(tx, contract, wish.party, asked_on=asked_on, wished_on=wish.wished_on)
        if not 0 <= wish.waived_fen <= leaving.fee_fen:
            raise Invalid(f"减免额须在 0 与解约费 {leaving.fee_fen} 分之间，请改正后重试")
        end = ContractEnd(
            end_id=mint("end", now),
            contract_id=wish.contract_id,
            customer_id=contract.customer_id,
            party=wish.party,
            asked_on=asked_on,
            ends_on=leaving.ends_on,
            currency=contract.currency,
            fee_fen=leaving.fee_fen,
            waived_fen=wish.waived_fen,
            reasons=list(leaving.reasons),
            why=wish.why,
            asked_by=by,
            created_at=now,
        )
        store.insert_end(tx, end)
        record_deed(tx, Deed(by, now, "ask", "contract_end", end.end_id, wish.why), became=end)
        return end


def approve_end(db: Database, end_id: str, *, by: str, now: datetime) -> ContractEnd:
    """Let a contract end: write the version that holds until its last day, and none behind it.

    Raises Forbidden for whoever asked for it, Conflict where its day or fee would be another since.
    """
    with db.begin() as tx:
        return write_approval(tx, end_id, by=by, now=now)


def write_approval(tx: Tx, end_id: str, *, by: str, now: datetime) -> ContractEnd:
    """Do what `approve_end` promises, in the transaction of a deed that does more."""
    was = store.end_by_id(tx, end_id)
    if was is None:
        raise NotFound(f"终止申请 {end_id} 不存在，请核对编号")
    refuse_same(was.asked_by, by, "终止申请")
    tx.lock_exclusive(f"contract {was.contract_id}")
    if not store.open_ends(tx, end_id=end_id):
        raise Conflict(f"终止申请 {end_id} 已有审批结果，不能再批准；请刷新后查看")
    _refuse_changed(tx, was)
    signed = _end(tx, was, by=by, now=now)
    if not store.approve_end(tx, end_id, by=by, at=now, version=signed.version):
        raise Conflict(f"终止申请 {end_id} 已有审批结果，不能再批准；请刷新后查看")
    became = replace(was, approved_by=by, approved_at=now, version=signed.version)
    record_deed(tx, Deed(by, now, "approve", "contract_end", end_id), was=was, became=became)
    return became


def _refuse_changed(tx: Tx, end: ContractEnd) -> None:
    """Refuse an end whose contract says something else of day or fee than when it was asked for."""
    contract = _newest(tx, end.contract_id)
    now = _leaving(tx, contract, end.party, asked_on=end.asked_on, wished_on=end.ends_on)
    if (now.ends_on, now.fee_fen) != (end.ends_on, end.fee_fen):
        raise Conflict(
            f"合同 {_named(tx, contract)} 在提出终止后已变更，自 {now.ends_on} 起终止，"
            f"解约费现为 {Money(now.fee_fen, end.currency)}；请驳回后重新提出"
        )


def _leaving(tx: Tx, contract: Contract, party: str, *, asked_on: date, wished_on: date) -> Leaving:
    """Return from when on a contract is left, and what that costs who asks for it.

    The fee is the customer's, as its contract says: nobody pays for being left by us.
    """
    versions = contracts.contract_versions(tx, contract.contract_id)
    versions = _in_time(versions, asked_on, wished_on)
    terms = versions[-1].terms
    auto = terms.renewal is Renewal.AUTO and terms.ends_on is not None
    leaving = leave(
        terms,
        left=_terms(versions),
        asked_on=asked_on,
        wished_on=wished_on,
        currency=contract.currency,
        say_until=say_until(versions) if auto else None,
    )
    if party != "operator" or not leaving.fee_fen:
        return leaving
    return replace(
        leaving, fee_fen=0, reasons=(*leaving.reasons[:-1], "甲方提出终止，没有解约费。")
    )


def _in_time(versions: list[Contract], asked_on: date, wished_on: date) -> list[Contract]:
    """Return the versions that somebody leaves: without a renewal that could still be said no to.

    The clerk renews at the beginning of the day before the end, which where notice takes no longer
    is the last day for it.
    """
    *before, newest = versions
    if not before or newest.starts_at != before[-1].ends_at:
        return versions
    by_itself = goes_on(before, newest.signed_at)
    over = newest.starts_at.astimezone(zone_of(newest.zone)).date()
    in_time = by_itself and asked_on <= say_until(before) and wished_on <= over
    return before if in_time else versions


def reject_end(db: Database, end_id: str, *, why: str, by: str, now: datetime) -> ContractEnd:
    """Turn down an end that waits, one's own as well; the contract goes on as if nobody had asked.

    Raises Invalid without a reason, Conflict for one that is decided already.
    """
    if not why.strip():
        raise Invalid("驳回终止申请须写明原因，请补全后重试")
    with db.begin() as tx:
        was = store.end_by_id(tx, end_id)
        if was is None:
            raise NotFound(f"终止申请 {end_id} 不存在，请核对编号")
        tx.lock_exclusive(f"contract {was.contract_id}")
        if not store.reject_end(tx, end_id, by=by, at=now, why=why):
            raise Conflict(f"终止申请 {end_id} 已有审批结果，不能再驳回；请刷新后查看")
        became = replace(was, rejected_by=by, rejected_at=now, rejected_why=why)
        record_deed(
            tx, Deed(by, now, "reject", "contract_end", end_id, why), was=was, became=became
        )
        return became


def _end(tx: Tx, end: ContractEnd, *, by: str, now: datetime) -> Contract:
    """Write the versions that let a contract end, each at its own prices; return the newest.

    The version in force before the end holds until then, also where that is approved behind it.
    Those that would begin on that day or later, as a renewal or a change that was signed ahead, are
    over before they begin.
    """
    versions = contracts.contract_versions(tx, end.contract_id)
    newest = versions[-1]
    over = midnight(end.ends_on, newest.zone)
    last = at(versions, over - _INSTANT)
    ending: list[tuple[Contract, datetime]] = []
    if last is not None and (last == newest or last.ends_at is None or last.ends_at > over):
        ending.append((last, _from(tx, last, min(now, over - _INSTANT))))
    ahead = sorted({each.starts_at for each in versions if each.starts_at >= over})
    found = [(at(versions, starts), starts) for starts in ahead]
    ending += [(each, starts) for each, starts in found if each is not None]
    for was, starts in ending:
        promise, term = was.terms.commitment, _term(term_of(versions, was))
        if term is not None:
            promise = promised_until(replace(term, commitment=promise), end.ends_on)
        became = replace(
            was,
            version=newest.version + 1,
            starts_at=starts,
            signed_at=now,
            terms=replace(was.terms, ends_on=end.ends_on, renewal=Renewal.NONE, commitment=promise),
        )
        contracts.insert_contract(tx, became)
        deed = Deed(by, now, "sign", "contract", str(end.contract_id))
        record_deed(tx, deed, was=was, became=became)
        newest = became
    return newest


def _from(tx: Tx, last: Contract, when: datetime) -> datetime:
    """Return from when on the version holds that says when its contract ends.

    From the moment of approval on; where another contract has taken over by then, from where the
    last version does: it would take over from the other again.
    """
    starts = max(last.starts_at, when)
    held = contracts.contract_at(tx, last.customer_id, starts)
    taken = held is not None and held.contract_id != last.contract_id
    return last.starts_at if taken else starts


def renew_contract(
    db: Database,
    contract_id: ContractId,
    *,
    by: str,
    now: datetime,
    months: int | None = None,
    version: int | None = None,
    alone: bool = False,
) -> Contract:
    """Let a contract go on under the same terms from its last day on.

    `months` is how long, by default what the contract says; with `version` only that version is
    renewed. Raises Conflict for a contract without an end, or one that was terminated; and where
    one person says so `alone`, for what the contract itself does not say of going on.
    """
    with db.begin() as tx:
        tx.lock_exclusive(f"contract {_newest(tx, contract_id).customer_id}")
        tx.lock_exclusive(f"contract {contract_id}")
        contract = _newest(tx, contract_id)
        if version is not None and version != contract.version:
            raise Conflict(
                f"合同 {_named(tx, contract)} 已有第 {contract.version} 版，请刷新后重试"
            )
        ends_on = contract.terms.ends_on
        if ends_on is None:
            raise Conflict(f"合同 {_named(tx, contract)} 没有止日，无需续约")
        if any(end.contract_id == contract_id for end in store.ends_of(tx, contract.customer_id)):
            raise Conflict(f"合同 {_named(tx, contract)} 已提出终止，不能续约，请另签新合同")
        if pricing_of(tx, contract).is_free:
            raise Conflict(f"合同 {_named(tx, contract)} 是不计费的试用，不能续约，请签订正式合同")
        length = contract.terms.renewal_months if months is None else months
        if length < 1:
            raise Invalid("续约月数须不少于 1，请改正后重试")
        if length > RENEWAL_MONTHS_MAX:
            raise Invalid(f"续约月数不能超过 {RENEWAL_MONTHS_MAX} 个月，请改正后重试")
        if alone:
            _refuse_alone(tx, contract, length, now)
        terms = replace(contract.terms, ends_on=_renewed_until(tx, contract, length))
        starts_at = max(contract.starts_at, midnight(ends_on, contract.zone))
        return _next(tx, contract, terms, starts_at, by=by, now=now)


def _refuse_alone(tx: Tx, contract: Contract, months: int, now: datetime) -> None:
    """Refuse to bind the customer for another term by one person's word.

    What both agreed to goes on by itself, once nobody can say no any more, or nobody could. What
    another contract follows does not: the renewal, signed later, would take that one's place.
    """
    terms, named = contract.terms, _named(tx, contract)
    way = (
        "请起草自止日起的变更草案（“合同草案”页面，或 yuejie contracts amend），"
        "双方签署后由另一人签署"
    )
    if terms.renewal is not Renewal.AUTO:
        raise Conflict(f"合同 {named} 没有约定到期自动续约，一人不能续约；{way}")
    if months != terms.renewal_months:
        raise Conflict(
            f"合同 {named} 约定续约 {terms.renewal_months} 个月，一人不能改为 {months} 个月；{way}"
        )
    then = follower(contract, contracts.contracts_of(tx, contract.customer_id), now)
    if then is not None:
        raise Conflict(f"合同 {named} 届时由合同 {_named(tx, then)} 接替，一人不能续约；{way}")
    own = contracts.contract_versions(tx, contract.contract_id)
    if renews_itself(own) and not goes_on(own, now):
        raise Conflict(
            f"合同 {named} 在 {say_until(own)} 及以前仍可提出不续约，一人不能提前续约；{way}"
        )


def renew_due(db: Database, *, by: str, now: datetime) -> list[Contract]:
    """Renew every contract that goes on by itself and whose time for notice has passed.

    A clerk that was away renews late, from the last day on. What another contract follows does
    not go on, nor does what was written down too late for anybody to say no: a person renews it. A
    contract that cannot be renewed is logged and left for the next round.
    """
    with db.read() as tx:
        due = [
            contract
            for contract in _unleft(tx, now)
            if goes_on(contracts.contract_versions(tx, contract.contract_id), now)
            and not followed(contract, contracts.contracts_of(tx, contract.customer_id), now)
        ]
    renewed = []
    for each in due:
        try:
            became = renew_contract(
                db, each.contract_id, by=by, now=now, version=each.version, alone=True
            )
        except DomainError as error:
            log.warning("contracts.not_renewed", contract=each.contract_id, why=error.sentence)
            continue
        renewed.append(became)
    return renewed


def ending_soon(tx: Tx, *, now: datetime, within_days: int) -> list[tuple[Contract, int]]:
    """Return the contracts that will end soon, with the days they still hold; for reminders."""
    return [
        (contract, days_left(contract, now))
        for contract in _unleft(tx, now)
        if contract.ends_at is not None
        and contract.ends_at > now
        and days_left(contract, now) <= within_days
    ]


def _unleft(tx: Tx, now: datetime) -> Iterator[Contract]:
    """Yield the newest version of each contract whose term has begun, that has an end, unleft."""
    known: dict[ContractId, list[Contract]] = {}
    for each in contracts.contracts(tx):
        known.setdefault(each.contract_id, []).append(each)
    for own in known.values():
        contract = own[-1]
        if contract.ends_at is None or not begun(own, now):
            continue
        ends = store.ends_of(tx, contract.customer_id)
        if not any(end.contract_id == contract.contract_id for end in ends):
            yield contract


def _renewed_until(tx: Tx, contract: Contract, months: int) -> date:
    """Return the end of a term that is renewed, counted from the first end that each came of.

    So one that ends with a month goes on ending so, also behind a shorter month.
    """
    last = contract.terms.ends_on
    assert last is not None, "only a contract with an end is renewed"
    terms = by_term(contracts.contract_versions(tx, contract.contract_id))
    found = [max(term, key=_version).terms.ends_on for term in terms]
    ends = [*(end for end in found if end is not None and end < last), last]
    for number, first in enumerate(ends):
        counted = [_months_between(first, each) for each in ends[number:]]
        if counted[-1] is not None and None not in counted:
            return months_after(first, counted[-1] + months)
    return months_after(last, months)


def _months_between(first: date, last: date) -> int | None:
    """Return how many whole months lead from one end to another, None where none do."""
    about = (last.year - first.year) * 12 + last.month - first.month
    return next((n for n in (about, about - 1) if months_after(first, n) == last), None)


def _version(contract: Contract) -> int:
    return contract.version


def _newest(tx: Tx, contract_id: ContractId) -> Contract:
    versions = contracts.contract_versions(tx, contract_id)
    if not versions:
        raise NotFound(f"合同 {contract_id} 不存在，请核对编号", contract=contract_id)
    return versions[-1]


def _named(tx: Tx, contract: Contract) -> str:
    return called(tx, contract.customer_id, contract.contract_id)


def _terms(versions: Sequence[Contract]) -> list[TermLeft]:
    """Return the terms of a contract, by its versions, that have an end.

    A renewal begins one, also where it was signed ahead.
    """
    return [found for term in by_term(versions) if (found := _term(term)) is not None]


def _term(versions: Sequence[Contract]) -> TermLeft | None:
    """Return a term by its versions, the earliest first: what it promised, its newest says."""
    newest = max(versions, key=lambda each: each.version)
    if newest.terms.ends_on is None:
        return None
    since = versions[0].starts_at.astimezone(zone_of(newest.zone)).date()
    return TermLeft(since, newest.terms.ends_on, newest.terms.commitment)


def _today(contract: Contract, now: datetime) -> date:
    return now.astimezone(zone_of(contract.zone)).date()


def _refuse_waiting(tx: Tx, contract: Contract) -> None:
    for end in store.ends_of(tx, contract.customer_id):
        if end.contract_id == contract.contract_id:
            said = "已获批准" if end.approved_by else "正在等待审批"
            raise Conflict(f"合同 {_named(tx, contract)} 的终止申请 {end.end_id} {said}")


def _next(
    tx: Tx,
    contract: Contract,
    commercial: CommercialTerms,
    starts_at: datetime,
    *,
    by: str,
    now: datetime,
) -> Contract:
    """Write the next version of a contract with other terms and the same prices."""
    terms = replace(terms_of(tx, contract), starts_at=starts_at, commercial=commercial)
    return write_version(tx, terms, contract.contract_id, by=by, now=now)
