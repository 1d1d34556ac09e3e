"""How long records are kept: by the house's word, by a customer's contract, never below the law."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.keeping import store
from yuejie.keeping.kinds import RULES, Kind, Rule, check_term, rule_of
from yuejie.keeping.store import Count, Deletion, Term
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth, zone_of


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind with the term in force, for all or for one customer, and what is past it."""

    kind: str
    customer: str | None
    what: str
    months: int
    floor: int
    law: str
    automatic: bool
    past: tuple[Count, ...]


class Terms:
    """The terms in force."""

    def __init__(self, rows: Sequence[Term]) -> None:
        self._months = {(row.kind, row.customer_id): row.months for row in rows}

    def months(self, rule: Rule, customer_id: str | None = None) -> int:
        """Return for how many months a kind is kept: the customer's word, the house's, the rule."""
        house = self._months.get((rule.kind, None), rule.months)
        return self._months.get((rule.kind, customer_id), house)


def terms_of(tx: Tx) -> Terms:
    """Read the terms in force."""
    return Terms(store.terms(tx))


def before(now: datetime, months: int) -> datetime:
    """Return the instant that lies so many whole months before this month's first instant, UTC."""
    month = BillingMonth.of(now, zone_of("UTC"))
    for _ in range(months):
        month = month.previous
    return month.span(zone_of("UTC")).start


def set_term(
    db: Database,
    kind: str,
    months: int,
    *,
    customer: str | None,
    why: str,
    by: str,
    now: datetime,
) -> Term:
    """Say how long a kind is kept from now on; Invalid below what the law asks for."""
    rule = rule_of(kind)
    check_term(rule, months, customer=customer)
    if not why.strip():
        raise Invalid("请用 --why 写明依据，例如合同条款或决议编号")
    with db.begin() as tx:
        who = find_customer(tx, customer).customer_id if customer else None
        term = Term(rule.kind, who, months, why, by, now)
        store.insert_term(tx, term)
        deed = Deed(by, now, "set", "retention", f"{rule.kind}{f' {customer}' if customer else ''}")
        record_deed(tx, deed, became={"months": months, "why": why})
    return term


def show_terms(db: Database, *, now: datetime) -> list[Kept]:
    """Return every kind with its term and what is past it, then customers' own terms."""
    with db.read() as tx:
        rows = store.terms(tx)
        known = Terms(rows)
        found = [
            Kept(
                rule.kind,
                None,
                rule.what,
                months := known.months(rule),
                rule.floor,
                rule.law,
                rule.automatic,
                _past(tx, rule, before(now, months), now),
            )
            for rule in RULES.values()
        ]
        own = [row for row in rows if row.customer_id is not None]
        for row in own:
            rule = RULES[Kind(row.kind)]
            slug = find_customer(tx, str(row.customer_id)).slug
            found.append(
                Kept(
                    rule.kind, slug, rule.what, row.months, rule.floor, row.why, rule.automatic, ()
                )
            )
    return found


def _past(tx: Tx, rule: Rule, until: datetime, now: datetime) -> tuple[Count, ...]:
    if rule.kind is Kind.LOG:
        return tuple(row for row in store.log_counts(tx, until, now) if row.gone)
    return tuple(store.archives(tx, rule.kind, until))


def show_deletions(db: Database, *, limit: int) -> list[Deletion]:
    """Return the last deletions, newest first."""
    with db.read() as tx:
        return store.deletions(tx, limit=limit)
