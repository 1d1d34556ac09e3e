"""Show advice, with its steps and what it really saved, and what all of it saves together."""

from dataclasses import dataclass
from datetime import datetime

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.db.transition import Transition
from yuejie.insights.advice import store
from yuejie.insights.advice.advice import Advice, AdviceState, Measure
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Shown:
    """An advice with its customer; steps and measures where one is shown alone."""

    advice: Advice
    customer: Customer
    steps: tuple[Transition, ...] = ()
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a customer's newest round said: the joint saving, and what there is no data for."""

    customer: Customer
    month: str
    at: datetime
    joint: Money
    parts: tuple[dict[str, str], ...]
    gaps: tuple[str, ...]


def show_advice(
    db: Database,
    customer_id: CustomerId | None,
    *,
    state: AdviceState | None = None,
    before: str | None = None,
    limit: int = PAGE,
) -> list[Shown]:
    """Return advice, the newest first, of one customer or, for the operator, of all."""
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"每页条数 {limit} 超出范围，请写 1 到 {PAGE_MAX}")
    states = None if state is None else (state,)
    with db.read() as tx:
        found = store.advice_of(tx, customer_id, states=states, before=before, limit=limit)
        parties = {each.customer_id: find_customer(tx, each.customer_id) for each in found}
        return [Shown(each, parties[each.customer_id]) for each in found]


def show_one(db: Database, customer_id: CustomerId | None, advice_id: str) -> Shown:
    """Return one advice with its steps and measures."""
    with db.read() as tx:
        found = store.one(tx, customer_id, advice_id)
        if found is None:
            raise NotFound(f"建议 {advice_id} 不存在，请核对编号")
        own = found.customer_id
        return Shown(
            found,
            find_customer(tx, own),
            tuple(store.steps(tx, own, advice_id)),
            tuple(store.measures(tx, own, advice_id)),
        )


def summary_of(db: Database, customer_id: CustomerId) -> Summary | None:
    """Return what a customer's newest round said; None before the first."""
    with db.read() as tx:
        row = store.last_round(tx, customer_id)
        if row is None:
            return None
        return Summary(
            customer=find_customer(tx, customer_id),
            month=row.month,
            at=row.at,
            joint=Money(row.joint_fen, row.currency),
            parts=tuple(row.body["parts"] + row.body["agreed"]),
            gaps=tuple(row.body["gaps"]),
        )
