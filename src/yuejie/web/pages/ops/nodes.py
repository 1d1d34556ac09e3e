"""Gateway nodes: how each is, and what is lost with one; a person lets it leave or come back."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.intake.nodes.keep import all_lost_tails, all_nodes, drain, resume
from yuejie.intake.nodes.node import Node
from yuejie.kernel.errors import Invalid
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(include_in_schema=False, prefix="/nodes", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=500)]

SILENT: Final = "silent"
STATES: Final = {
    SILENT: "失联",
    "draining": "退出中",
    "serving": "服务中",
    "left": "已退出",
    "lost": "已丢失",
}
"""What a node is called, in the order in which somebody should look."""
SPANS: Final = {
    86_400: "%(count)s 天",
    3_600: "%(count)s 小时",
    60: "%(count)s 分钟",
    1: "%(count)s 秒",
}


@routes.get("")
def show(request: Request, db: Db) -> Response:
    """Show every node that ever joined, the silent first, and what is lost with nodes."""
    states = list(STATES)
    rows = sorted(
        ((state_of(node), node) for node in all_nodes(db)),
        key=lambda row: (states.index(row[0]), row[1].name),
    )
    return draw(
        request,
        "ops/nodes.html",
        rows=[(state, node, span(node.age), span(node.snapshot_age)) for state, node in rows],
        counts={name: sum(state == name for state, _ in rows) for name in states},
        tails=all_lost_tails(db),
        states=STATES,
    )


def state_of(node: Node) -> str:
    """Return what a node is: silent where it should be heard of, else what was decided."""
    return SILENT if node.is_silent else str(node.state)


def span(length: timedelta | None) -> tuple[int, str] | None:
    """Return how long something is in whole units, and what the unit is called."""
    if length is None:
        return None
    seconds = max(int(length.total_seconds()), 0)
    size = next((each for each in SPANS if seconds >= each), 1)
    return seconds // size, SPANS[size]


@routes.post("/{node}/drain", dependencies=ours)
def let_leave(request: Request, db: Db, now: Now, node: str, why: Text = "") -> Response:
    """Let a node take no new calls, finish, and leave."""
    found = drain(db, node, by=caller_of(request).name, why=_reason(why), now=now)
    said = f"节点 {found.name} 正在退出；办完在途的请求、读完流水后自动变为“已退出”"
    return go(request, "/nodes", said)


@routes.post("/{node}/resume", dependencies=ours)
def let_return(request: Request, db: Db, now: Now, node: str, why: Text = "") -> Response:
    """Let a node take calls again."""
    found = resume(db, node, by=caller_of(request).name, why=_reason(why), now=now)
    return go(request, "/nodes", f"节点 {found.name} 重新接请求")


def _reason(why: str) -> str:
    if not why.strip():
        raise Invalid("请写明原因，例如 升级")
    return why.strip()
