"""Keep a provider account's terms and balances, and say what must be warned of."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from yuejie.assurance.providers import store
from yuejie.assurance.providers.standing import (
    BURN_DAYS,
    Observation,
    ProviderTerms,
    Spend,
    Standing,
    Warned,
    WarningKind,
    warnings_of,
)
from yuejie.assurance.reconcile.store import account_exists
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

_ZONE: Final = "Asia/Shanghai"
"""Providers' months and days are read as the house's: a warning may come hours early, not late."""

_KINDS: Final = {
    WarningKind.BALANCE: Kind.PROVIDER_ACCOUNT_LOW,
    WarningKind.BURN_DOWN: Kind.PROVIDER_ACCOUNT_LOW,
    WarningKind.CEILING: Kind.PROVIDER_CEILING_NEAR,
    WarningKind.CREDENTIAL: Kind.PROVIDER_CREDENTIAL_ENDING,
}
"""What is told. A balance that nobody reads is on the list of warnings and wakes nobody."""


def put_terms(db: Database, terms: ProviderTerms, *, by: str, now: datetime) -> bool:
    """Write an account's terms and say whether anything changed."""
    terms.refuse_nonsense()
    with db.begin() as tx:
        refuse_unknown(tx, terms.account_id)
        tx.lock_exclusive(f"provider terms {terms.account_id}")
        was = next(iter(store.terms(tx, terms.account_id)), None)
        if was == terms:
            return False
        store.insert_terms(tx, terms, at=now, by=by)
        deed = Deed(by, now, "put", "provider_terms", terms.account_id)
        record_deed(tx, deed, was=was, became=terms)
        return True


def see_balance(db: Database, seen: Observation, *, now: datetime) -> None:
    """Write down a balance that somebody read off the provider's console."""
    if seen.at > now:
        raise Invalid(f"余额的时间 {seen.at.isoformat()} 在将来，请改正后重试")
    with db.begin() as tx:
        refuse_unknown(tx, seen.account_id)
        terms = next(iter(store.terms(tx, seen.account_id)), None)
        if terms is not None and terms.currency != seen.currency:
            raise Invalid(f"账号 {seen.account_id} 以 {terms.currency} 结算，余额请按该币种登记")
        if store.insert_balance(tx, seen):
            became = msgspec.to_builtins({"balance_fen": seen.balance_fen, "at": seen.at})
            deed = Deed(seen.by, now, "see", "provider_balance", seen.account_id)
            record_deed(tx, deed, became=became)
            return
        known = store.balance_seen(tx, seen.account_id, seen.at)
        if known is None or known.balance_fen != seen.balance_fen:
            raise Conflict(f"账号 {seen.account_id} 在该时刻已登记过另一个余额，请用新的时间登记")


def standings(db: Database, now: datetime) -> list[Standing]:
    """Return how every account stands that has terms."""
    with db.read(consistent=True) as tx:
        return [_standing(tx, terms, now) for terms in store.terms(tx)]


def due_warnings(db: Database, now: datetime) -> list[Warned]:
    """Return every warning that is due now; its key tells whether it has been sent before."""
    today = now.astimezone(zone_of(_ZONE)).date()
    return [each for standing in standings(db, now) for each in warnings_of(standing, now, today)]


def tell_warnings(db: Database, now: datetime) -> int:
    """Tell the operator's people what is due, each once; return how many notices are new."""
    due = [each for each in due_warnings(db, now) if each.kind in _KINDS]
    with db.begin() as tx:
        return sum(enqueue(tx, _notice(each), at=now) for each in due)


def _notice(each: Warned) -> Notice:
    return Notice(
        kind=_KINDS[each.kind],
        audience=Audience.OPERATOR,
        facts={"account": each.account_id, **each.facts, "why": each.sentence},
        key=each.key,
        customer_id=None,
    )


def refuse_unknown(tx: Tx, account_id: str) -> None:
    """Refuse an account that is not in the catalogue."""
    if not account_exists(tx, account_id):
        raise NotFound(f"供应商账号 {account_id} 不存在，请核对名称", account=account_id)


def _standing(tx: Tx, terms: ProviderTerms, now: datetime) -> Standing:
    name, currency = terms.account_id, terms.currency
    seen = store.balance_seen(tx, name, now)
    if seen is not None and seen.currency != currency:
        seen = None  # Read before the account changed its currency: no amount to count down from.
    month = BillingMonth.of(now, zone_of(_ZONE)).span(zone_of(_ZONE))
    burn_since = now - timedelta(days=BURN_DAYS)
    return Standing(
        terms=terms,
        seen=seen,
        spend=Spend(
            since_seen_pico=store.spend(tx, name, currency, seen.at, now) if seen else 0,
            burn_pico=store.spend(tx, name, currency, burn_since, now),
            month_pico=store.spend(tx, name, currency, month.start, now),
        ),
    )
