"""A change of prices that waits for a second person: every price it touches, and the decision."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.contracts.changes.change import STATE_NAMES, ChangeDecision, ChangeState
from yuejie.contracts.changes.compare import KINDS
from yuejie.contracts.changes.decide import decide_price_change, look_at_change
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.sheet import sheet
from yuejie.web.pages.house import words
from yuejie.web.pages.ops.revisions import COLUMNS, leaf_of, lines_of

routes: Final = APIRouter(
    include_in_schema=False, prefix="/price-changes/{change}", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

_SAID: Final = {
    ChangeDecision.APPROVE: "调价已批准，到生效时间自动执行",
    ChangeDecision.REJECT: "调价已驳回，价格不变",
    ChangeDecision.WITHDRAW: "调价已撤回，价格不变",
}


@routes.get("")
def show(
    request: Request,
    db: Db,
    now: Now,
    change: str,
    kind: str = "",
    cursor: str | None = None,
) -> Response:
    """Show every price that a change touches beside what held, the changed first."""
    window = Window.read(f"page:change:{change}:{kind}", cursor, PAGE)
    with db.read(consistent=True) as tx:
        looked = look_at_change(tx, change, now)
    shown, later, counts = leaf_of(looked.differences, kind, window)
    return draw(
        request,
        "desk/price_change.html",
        change=looked.change,
        hindrance=looked.hindrance,
        waits=looked.change.state is ChangeState.ASKED,
        changes=shown,
        counts=counts,
        kinds=KINDS,
        states=STATE_NAMES,
        grave=words.GRAVE,
        asked=kind,
        later=later,
    )


@routes.get("/export")
def export(db: Db, now: Now, change: str) -> Response:
    """Give every price that a change touches as CSV."""
    with db.read(consistent=True) as tx:
        looked = look_at_change(tx, change, now)
    return sheet(f"{change}.csv", COLUMNS, lines_of(looked.differences))


@routes.post("/{decision}", dependencies=ours)
def decide(
    request: Request,
    db: Db,
    now: Now,
    change: str,
    decision: ChangeDecision,
    why: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Approve or reject a change that somebody else asked for, or withdraw one's own."""
    done = decide_price_change(db, change, decision, why=why, by=caller_of(request).name, now=now)
    return go(request, f"/prices/{done.book_id}", _SAID[decision])
