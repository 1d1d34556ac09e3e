"""Billing units: which projects are billed apart (E3); the newest assignment that began holds."""

from datetime import datetime

from yuejie.bills.closing.store import units
from yuejie.bills.closing.units import store
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import project_by_name
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth


def assign_unit(
    db: Database,
    customer: str,
    *,
    project: str,
    unit: str,
    since: BillingMonth,
    by: str,
    now: datetime,
) -> str:
    """Bill a project, and those below it, in a unit of its own from a month on; return its id.

    The unit is made when its name is new. Raises NotFound for an unknown customer or project,
    Conflict where somebody did so at the same instant.
    """
    with db.begin() as tx:
        who = find_customer(tx, customer)
        place = project_by_name(tx, who.customer_id, project)
        if place is None:
            raise NotFound(f"客户 {who.slug} 没有项目 {project}，请核对名称")
        unit_id = store.unit_by_name(tx, who.customer_id, unit)
        if unit_id is None:
            unit_id = mint("unit", now)
            store.insert_unit(tx, who.customer_id, unit_id, name=unit, at=now)
        was, _ = units(tx, who.customer_id, since).get(place.project_id, (None, ""))
        if not store.assign_project(
            tx, who.customer_id, place.project_id, unit_id=unit_id, since=since, at=now
        ):
            raise Conflict(f"项目 {project} 刚刚被归入出账单位，请核对后重试")
        record_deed(
            tx,
            Deed(by, now, "assign", "billing_unit", unit),
            was={"project": project, "unit_id": was},
            became={"project": project, "since": str(since), "unit_id": unit_id},
        )
        return unit_id
