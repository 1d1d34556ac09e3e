"""API tokens: what a member lets its programs do; made, shown once, revoked."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.members.power import Power
from yuejie.customers.tokens.keep import MadeToken, TokenDraft, make_token, revoke_token
from yuejie.customers.tokens.store import tokens_of
from yuejie.customers.tokens.token import READ, scopes_of
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(include_in_schema=False, prefix="/tokens", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

CALLED: Final[dict[str, str]] = {
    READ: "读取",
    Power.SET_UP: "成员与发送账号",
    Power.RUN_HOUSE: "模型、部署与用量推送",
    Power.KEEP_CUSTOMERS: "客户、项目与密钥",
    Power.SET_NOTICES: "通知联系人与渠道",
    Power.DRAFT_CONTRACTS: "合同草案与售前",
    Power.REVIEW_CREDIT: "信用审核",
    Power.SIGN_CONTRACTS: "签署合同",
    Power.SET_PRICES: "价目与汇率",
    Power.BILL: "关账、出账与更正",
    Power.SPEAK: "代表客户确认、申请发票、认领付款",
    Power.ISSUE_FAPIAO: "开票",
    Power.COLLECT: "收款与核对",
    Power.KEEP_BOOKS: "账簿与供应商",
    Power.ANSWER: "答复工单与通告",
}
"""What each scope lets a program do, for people."""
DAYS: Final = {30: "30 天", 90: "90 天", 180: "180 天", 365: "一年"}


@routes.get("")
def list_tokens(request: Request, db: Db, now: Now) -> Response:
    """Show the tokens of whoever looks, and a form for the next."""
    return draw(request, "identity/tokens.html", **_facts(request, db, now))


@routes.post("", dependencies=ours)
def make(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    name: Annotated[str, Form(max_length=200)],
    days: Annotated[int, Form(ge=1, le=366)],
    scope: Annotated[list[str] | None, Form(max_length=20)] = None,
) -> Response:
    """Make a token, and show it this once."""
    draft = TokenDraft(
        name=name, scopes=frozenset(scope or []), expires_at=now + timedelta(days=days)
    )
    caller = caller_of(request)
    made = make_token(db, caller.myself, draft, pepper=desk.pepper, by=caller.name, now=now)
    return redraw(request, "identity/tokens.html", **_facts(request, db, now, made))


@routes.post("/{token}/revoke", dependencies=ours)
def revoke(request: Request, db: Db, now: Now, token: str) -> Response:
    """End a token: whoever uses it is refused from now on."""
    caller = caller_of(request)
    revoke_token(db, caller.myself, token, by=caller.name, now=now)
    return go(request, "/tokens", "令牌已吊销，立即失效")


def _facts(request: Request, db: Db, now: Now, made: MadeToken | None = None) -> dict[str, Any]:
    member = caller_of(request).myself
    with db.read() as tx:
        found = tokens_of(tx, member.member_id)
    return {
        "tokens": [(each, sorted(each.scopes)) for each in found],
        "now": now,
        "scopes": scopes_of(member),
        "called": CALLED,
        "days": DAYS,
        "made": made,
    }
