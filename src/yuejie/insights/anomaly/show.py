"""Show findings, and give other rooms those that go on."""

from dataclasses import dataclass

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.names import names_of
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.insights.anomaly import store
from yuejie.insights.anomaly.finding import Finding, FindingState
from yuejie.insights.anomaly.tell import Names
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import PAGE, PAGE_MAX


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with its customer and what people call the projects and keys it names."""

    finding: Finding
    customer: Customer
    names: Names
    steps: tuple[Transition, ...] = ()


def open_findings(tx: Tx, customer_id: CustomerId) -> list[Finding]:
    """Return a customer's findings that have not ended, the oldest first: for whoever acts on them.

    What is acknowledged or muted goes on as well; `Finding.state` tells.
    """
    return store.going_on(tx, customer_id)


def show_findings(
    db: Database,
    customer_id: CustomerId | None,
    *,
    state: FindingState | None = None,
    before: str | None = None,
    limit: int = PAGE,
) -> list[Shown]:
    """Return findings, the newest first, of one customer or, for the operator, of all."""
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"每页条数 {limit} 超出范围，请写 1 到 {PAGE_MAX}")
    with db.read() as tx:
        found = store.findings(tx, customer_id, state=state, before=before, limit=limit)
        parties = {each.customer_id: _party(tx, each.customer_id) for each in found}
        return [Shown(each, *parties[each.customer_id]) for each in found]


def show_finding(db: Database, customer_id: CustomerId | None, finding_id: str) -> Shown:
    """Return one finding with its steps."""
    with db.read() as tx:
        found = store.finding(tx, customer_id, finding_id)
        if found is None:
            raise NotFound(f"异常发现 {finding_id} 不存在，请核对编号")
        steps = store.steps(tx, found.customer_id, finding_id)
        return Shown(found, *_party(tx, found.customer_id), tuple(steps))


def _party(tx: Tx, customer_id: CustomerId) -> tuple[Customer, Names]:
    customer = find_customer(tx, customer_id)
    return customer, names_of(tx, customer)
