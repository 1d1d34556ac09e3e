"""What gateways turned away, and why."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import Query

from yuejie.customers.enrol import find_customer
from yuejie.usage.refusals.show import show_refusals, total
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.watch.refusals import RefusalOut, RefusalQuestion, RefusalsOut

routes: Final = guarded("用量")
DAY: Final = timedelta(days=1)
SOON: Final = timedelta(minutes=1)
"""The minute that is running counts too."""
HOUSE_ZONE: Final = "Asia/Shanghai"


@routes.get("/usage/refusals", summary="被拒绝的调用")
def list_refusals(
    db: Db, caller: AnyCaller, now: Now, asked: Annotated[RefusalQuestion, Query()]
) -> RefusalsOut:
    """网关拒绝了哪些调用、为什么、怎么办：只有每分钟的次数，没有内容；拒绝后几秒内可见。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, asked.customer)
        zone = find_customer(tx, customer_id).zone if customer_id else HOUSE_ZONE
        question = asked.question(now - DAY, now + SOON)
        found = show_refusals(tx, customer_id, question, zone=zone)
    return RefusalsOut(calls=total(found), lines=[RefusalOut.of(each) for each in found])
