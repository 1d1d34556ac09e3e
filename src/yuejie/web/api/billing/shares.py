"""Shared costs: a customer's rules, and a month's bills as its projects bear them."""

from typing import Annotated, Final

from fastapi import Query, Response, status
from pydantic import AwareDatetime

from yuejie.bills.sharing import store
from yuejie.bills.sharing.keep import make_rule
from yuejie.bills.sharing.sheet import write_sheet
from yuejie.bills.sharing.show import ShareBy, ShareSheet, share_sheet
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.period import BillingMonth
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.billing.shares import ShareRuleIn, ShareRuleOut, ShareSheetOut
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("成本分摊", prefix="/customers/{customer}")

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
By = Annotated[ShareBy, Query(description="按项目或部门")]
AsOf = Annotated[AwareDatetime | None, Query(description="按那一刻已有的规则；不填为现在的规则")]


def _own(tx: Tx, caller: Caller, customer: str) -> Customer:
    """Return the customer whose costs these are; a stranger hears that there is none."""
    return find_customer(tx, str(whose(tx, caller, customer)))


@routes.get("/share-rules", summary="列出分摊规则")
def list_rules(
    db: Db, caller: AnyCaller, customer: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ShareRuleOut]:
    """列出一个客户的分摊规则。"""
    window = Window.read("share-rules", cursor, limit)
    with db.read() as tx:
        who = _own(tx, caller, customer)
        rows = cut(window, store.rules_of(tx, who.customer_id), lambda rule: rule.rule_id)
    return window.page(rows, ShareRuleOut.of, lambda rule: rule.rule_id)


@routes.post("/share-rules", summary="设分摊规则", status_code=status.HTTP_201_CREATED)
def post_rule(
    db: Db, caller: AnyCaller, now: Now, customer: Name, body: ShareRuleIn
) -> ShareRuleOut:
    """设一条分摊规则，从某个账期起有效，可早于已出账的月份；账单不变。"""
    with db.read() as tx:
        slug = _own(tx, caller, customer).slug
    return ShareRuleOut.of(make_rule(db, slug, body.draft(), by=caller.name, now=now))


@routes.get("/shares/{month}", summary="成本分摊")
def get_shares(
    db: Db,
    caller: AnyCaller,
    customer: Name,
    month: Month,
    by: By = ShareBy.PROJECT,
    as_of: AsOf = None,
) -> ShareSheetOut:
    """一个账期的账单由哪些项目或部门承担；客户只见已提交的账单。"""
    return ShareSheetOut.of(_sheet(db, caller, customer, month, by, as_of))


@routes.get(
    "/shares/{month}/table",
    summary="下载成本分摊表",
    response_class=Response,
    responses={200: {"content": {_XLSX: {}}}},
)
def get_table(
    db: Db,
    caller: AnyCaller,
    customer: Name,
    month: Month,
    by: By = ShareBy.PROJECT,
    as_of: AsOf = None,
) -> Response:
    """下载 XLSX：汇总与明细。"""
    sheet = _sheet(db, caller, customer, month, by, as_of)
    headers = {
        "content-disposition": disposition(f"shares-{customer}-{month}.xlsx"),
        "content-type": _XLSX,
    }
    return Response(write_sheet(sheet), headers=headers)


def _sheet(
    db: Db, caller: Caller, customer: str, month: str, by: ShareBy, as_of: AwareDatetime | None
) -> ShareSheet:
    label = BillingMonth.parse(month)
    with db.read() as tx:
        who = _own(tx, caller, customer)
        return share_sheet(tx, who.customer_id, label, by, known=as_of, drafts=caller.is_operator)
