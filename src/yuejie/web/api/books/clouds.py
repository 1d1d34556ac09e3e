"""Cloud bills: sources, whose they are, deliveries; and the rows behind a customer's line."""

from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Annotated, Final

from fastapi import Query, Response, status

from yuejie.bills.closing.clouds.behind import behind_line, cloud_line
from yuejie.clouds import store
from yuejie.clouds.deliver import deliver
from yuejie.clouds.keep import add_rule, add_source, find_source
from yuejie.clouds.remap import remap
from yuejie.jobs.job import Upload
from yuejie.jobs.kinds.cloud import order_delivery
from yuejie.kernel.period import BillingMonth
from yuejie.web.api.billing.bills import visible_bill
from yuejie.web.api.watch.jobs import ACCEPTED, Prefer, accepted, wants_async
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.books.clouds import (
    CloudCostOut,
    CloudDeliveredOut,
    CloudDeliveryIn,
    CloudRemapIn,
    CloudRemappedOut,
    CloudRowOut,
    CloudRuleIn,
    CloudRuleOut,
    CloudSourceIn,
    CloudSourceOut,
)
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("云账单")


@routes.get("/cloud-sources", summary="列出云账单来源")
def list_sources(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[CloudSourceOut]:
    """列出登记的来源。"""
    window = Window.read("cloud-sources", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.sources(tx), lambda row: row.source)
    return window.page(rows, CloudSourceOut.of, lambda row: row.source)


@routes.post("/cloud-sources", summary="登记云账单来源", status_code=status.HTTP_201_CREATED)
def make_source(db: Db, caller: AnyCaller, now: Now, body: CloudSourceIn) -> CloudSourceOut:
    """登记我方在某朵云的一个账单账号。"""
    made = add_source(
        db,
        body.source,
        name=body.name,
        billing_account=body.billing_account,
        tag_keys=body.tag_keys,
        by=caller.name,
        now=now,
    )
    return CloudSourceOut.of(made)


@routes.get("/cloud-sources/{source}/rules", summary="列出归属")
def list_rules(
    db: Db, source: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[CloudRuleOut]:
    """一个来源的账号、标签归谁。"""
    window = Window.read("cloud-rules", cursor, limit)
    with db.read() as tx:
        find_source(tx, source)
        rows = cut(window, store.rules(tx, source), lambda row: row.rule_id)
    return window.page(rows, CloudRuleOut.of, lambda row: row.rule_id)


@routes.post(
    "/cloud-sources/{source}/rules", summary="说明归属", status_code=status.HTTP_201_CREATED
)
def make_rule(db: Db, caller: AnyCaller, now: Now, source: Name, body: CloudRuleIn) -> CloudRuleOut:
    """说明一个账号、标签或其余全部从哪个计费周期起归谁；已导入的周期另行 remap。"""
    made = add_rule(
        db,
        source,
        body.match,
        customer=body.customer,
        project=body.project,
        since=BillingMonth.parse(body.since),
        by=caller.name,
        now=now,
    )
    return CloudRuleOut.of(made)


@routes.post(
    "/cloud-sources/{source}/deliveries",
    summary="导入云账单",
    response_model=CloudDeliveredOut,
    responses=ACCEPTED,
)
def make_delivery(
    db: Db, caller: AnyCaller, now: Now, source: Name, body: CloudDeliveryIn, prefer: Prefer = ""
) -> CloudDeliveredOut | Response:
    """导入一个或几个计费周期的全部文件；默认只试算。有一格读不懂则整次不导入，并指明行与列。"""
    if wants_async(prefer):
        files = tuple(Upload(file.name, file.body()) for file in body.files)
        order = order_delivery(db, source, body.metric, files, commit=body.commit)
        return accepted(db, order, caller, now)
    with TemporaryDirectory() as folder:
        paths = []
        for number, file in enumerate(body.files, 1):
            path = FilePath(folder) / str(number) / FilePath(file.name).name
            path.parent.mkdir()
            path.write_bytes(file.body())
            paths.append(path)
        told = deliver(
            db, source, paths, metric=body.metric, commit=body.commit, by=caller.name, now=now
        )
    return CloudDeliveredOut.of(told)


@routes.post("/cloud-sources/{source}/remap", summary="重算归属")
def remap_source(
    db: Db, caller: AnyCaller, now: Now, source: Name, body: CloudRemapIn
) -> list[CloudRemappedOut]:
    """按现在的归属重算已导入的周期；差额列入下一份账单，已出账单不动。"""
    month = BillingMonth.parse(body.month) if body.month else None
    changed = remap(db, source, month, by=caller.name, now=now)
    return [CloudRemappedOut.model_validate(each) for each in changed]


@routes.get("/cloud-costs", summary="云费用")
def list_costs(
    db: Db,
    month: Annotated[Month, Query(description="计费周期")],
    source: Annotated[Name | None, Query(description="来源；不填则全部")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[CloudCostOut]:
    """一个计费周期云厂商要多少、归谁；未归属的没有客户。"""

    def key(row: store.OwnedRow) -> str:
        who = (row.source, row.customer, str(row.ours), row.project)
        return "\x1f".join((*who, row.service, row.category, row.currency))

    window = Window.read("cloud-costs", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.owned(tx, source=source, period=month), key)
    return window.page(rows, CloudCostOut.of, key)


@routes.get("/bills/{bill}/lines/{position}/cloud-rows", summary="云费用明细")
def list_rows(
    db: Db,
    caller: AnyCaller,
    bill: Name,
    position: int,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[CloudRowOut]:
    """账单的一行云费用背后，云厂商账单里的每一行。客户只见自己的。"""
    window = Window.read("cloud-rows", cursor, limit)
    with db.read() as tx:
        found = visible_bill(tx, caller, bill)
        line = cloud_line(found, position)
        after = window.behind(int) or 0
        rows = behind_line(tx, found, line, after=after, limit=window.fetch)
    return window.page(
        rows,
        lambda row: CloudRowOut.of(row, whole=caller.is_operator),
        lambda row: str(row.row_number),
    )
