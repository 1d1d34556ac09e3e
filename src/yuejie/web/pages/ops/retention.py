"""保留期限: how long records are kept, what is past it, what is preserved, what was deleted."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.store import customers
from yuejie.keeping.apply import apply_terms
from yuejie.keeping.kinds import RULES, Kind
from yuejie.keeping.preserve import lift, preserve, show_preservations
from yuejie.keeping.terms import show_deletions, show_terms
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(
    include_in_schema=False, prefix="/retention", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=500)]

KINDS: Final = {
    Kind.FAPIAO: "发票",
    Kind.VOUCHER: "凭证",
    Kind.BILL: "账单",
    Kind.AUDIT: "变更记录",
    Kind.LOG: "日志",
    Kind.EVENT: "原始用量",
    "person": "个人信息",
}
TEXTS: Final = {text: text for rule in RULES.values() for text in (rule.what, rule.law)}
"""What the rules say of themselves; a customer's own term has a ground in somebody's words."""
_LOG_ROWS: Final = 50


@routes.get("")
def show(request: Request, db: Db, now: Now, due: str = "") -> Response:
    """Show terms, preservations and the last deletions; with `due`, what a round would delete.

    The rehearsal counts rows of partitions and is made only when it is asked for.
    """
    with db.read() as tx:
        names = {str(each.customer_id): each.slug for each in customers(tx)}
    return draw(
        request,
        "ops/retention.html",
        terms=show_terms(db, now=now),
        due=apply_terms(db, now=now, dry_run=True) if due else None,
        preservations=sorted(
            show_preservations(db, None), key=lambda each: (bool(each.lifted_at), each.made_at)
        ),
        deletions=show_deletions(db, limit=_LOG_ROWS),
        kinds=KINDS,
        texts=TEXTS,
        names=names,
    )


@routes.post("/preservations", dependencies=ours)
def hold(
    request: Request,
    db: Db,
    now: Now,
    customer: Text = "",
    first: Text = "",
    last: Text = "",
    why: Text = "",
) -> Response:
    """Let nothing of a customer's months be deleted, until somebody lifts it."""
    made = preserve(
        db,
        customer,
        BillingMonth.parse(first),
        BillingMonth.parse(last) if last else None,
        why=_ground(why),
        by=caller_of(request).name,
        now=now,
    )
    until = f"至 {made.last_month}" if made.last_month else "起，直到解除"
    return go(request, "/retention", f"已保全：{customer} {made.first_month} {until}，不再删除")


@routes.post("/preservations/{preservation}/lift", dependencies=ours)
def let_go(request: Request, db: Db, now: Now, preservation: str, why: Text = "") -> Response:
    """End a preservation; what is past its term goes with the next round."""
    lift(db, preservation, why=_ground(why), by=caller_of(request).name, now=now)
    return go(request, "/retention", "保全已解除；到期的记录将在下一次执行时删除")


def _ground(why: str) -> str:
    if not why.strip():
        raise Invalid("请写明依据，例如案号、争议编号或决议编号")
    return why.strip()
