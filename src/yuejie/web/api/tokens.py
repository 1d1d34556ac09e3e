"""API tokens of whoever asks. A secret is in one answer and nowhere else."""

from typing import Final

from fastapi import status

from yuejie.customers.tokens.keep import TokenDraft, make_token, revoke_token
from yuejie.customers.tokens.store import tokens_of
from yuejie.kernel.errors import NotFound
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.tokens import TokenIn, TokenMade, TokenOut
from yuejie.web.shapes.wire import Name

routes: Final = guarded("API 令牌")


@routes.get("/tokens", summary="列出自己的 API 令牌")
def list_tokens(
    db: Db, caller: AnyCaller, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[TokenOut]:
    """列出自己新建的令牌，不含令牌本身。"""
    window = Window.read("tokens", cursor, limit)
    with db.read() as tx:
        rows = tokens_of(tx, caller.myself.member_id)
    found = cut(window, rows, lambda row: row.token_id)
    return window.page(found, TokenOut.of, lambda row: row.token_id)


@routes.post("/tokens", summary="新建 API 令牌", status_code=status.HTTP_201_CREATED)
def make(db: Db, desk: DeskHere, caller: AnyCaller, now: Now, body: TokenIn) -> TokenMade:
    """新建令牌；权限不能超出自己的角色，令牌只在这次答复中出现。"""
    draft = TokenDraft(name=body.name, scopes=frozenset(body.scopes), expires_at=body.expires_at)
    made = make_token(db, caller.myself, draft, pepper=desk.pepper, by=caller.name, now=now)
    return TokenMade.of_made(made)


@routes.post("/tokens/{token}/revoke", summary="吊销 API 令牌")
def revoke(db: Db, caller: AnyCaller, now: Now, token: Name) -> TokenOut:
    """吊销自己的令牌，立即生效，不可恢复。"""
    revoke_token(db, caller.myself, token, by=caller.name, now=now)
    with db.read() as tx:
        found = {each.token_id: each for each in tokens_of(tx, caller.myself.member_id)}
    if token not in found:
        raise NotFound(f"令牌 {token} 不存在或已吊销")
    return TokenOut.of(found[token])
