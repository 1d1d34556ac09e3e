"""Capacity: how near provider accounts come to their ceilings. The operator's alone."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.insights.capacity import store
from yuejie.insights.capacity.watch import outlooks, put_ceiling
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.capacity import CeilingIn, CeilingOut, OutlookOut
from yuejie.web.shapes.wire import Name

routes: Final = guarded("容量", prefix="/capacity")

Account = Annotated[Name | None, Query(description="供应商账号；不填则全部")]


@routes.get("", summary="列出容量")
def list_outlooks(db: Db, now: Now, account: Account = None) -> list[OutlookOut]:
    """各账号、各上游模型最忙的一分钟、走势、与配额的距离、预计何时到达。"""
    return [OutlookOut.of(each) for each in outlooks(db, account=account, now=now)]


@routes.get("/ceilings", summary="列出配额")
def list_ceilings(db: Db) -> list[CeilingOut]:
    """登记的供应商配额。"""
    with db.read() as tx:
        return [CeilingOut.model_validate(each) for each in store.ceilings(tx)]


@routes.put("/ceilings/{account_id}", summary="登记配额")
def write_ceiling(db: Db, caller: AnyCaller, now: Now, account_id: Name, body: CeilingIn) -> bool:
    """登记一个账号与上游模型的配额，改动即为下一版；答复说明是否有改动。"""
    return put_ceiling(db, body.ceiling(account_id), by=caller.name, now=now)
