"""Make a rule about shared costs, also for months that are billed: no bill moves by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from yuejie.bills.sharing import store
from yuejie.bills.sharing.rule import PROJECT, Method, ShareRule
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import project_by_name
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.period import BillingMonth


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """A rule as people say it: projects by their names, weights where the method is custom."""

    what: str
    method: Method
    since: BillingMonth
    projects: Mapping[str, int] = field(default_factory=dict)


def make_rule(
    db: Database, customer: str, draft: RuleDraft, *, by: str, now: datetime
) -> ShareRule:
    """Write a rule down; it holds from its month on, until the next about the same.

    Raises NotFound for an unknown customer or project, Invalid for what cannot be divided by.
    """
    with db.begin() as tx:
        who = find_customer(tx, customer)
        what = draft.what
        if what.startswith(PROJECT):
            what = PROJECT + _project(tx, who.customer_id, what.removeprefix(PROJECT))
        made = ShareRule(
            rule_id=mint("share", now),
            customer_id=who.customer_id,
            what=what,
            method=draft.method,
            weights={
                _project(tx, who.customer_id, name): weight
                for name, weight in draft.projects.items()
            },
            since=str(draft.since),
            made_by=by,
            made_at=now,
        )
        made.refuse_nonsense()
        known = [rule for rule in store.rules_of(tx, who.customer_id) if rule.what == what]
        was = next((rule for rule in reversed(known) if rule.since <= made.since), None)
        store.insert_rule(tx, made)
        record_deed(tx, Deed(by, now, "make", "share_rule", made.rule_id), was=was, became=made)
    return made


def _project(tx: Tx, customer_id: CustomerId, name: str) -> str:
    found = project_by_name(tx, customer_id, name)
    if found is None:
        raise NotFound(f"没有项目 {name}，请核对名称")
    return str(found.project_id)
