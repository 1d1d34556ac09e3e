"""A member's own login: password, one-time codes, the places where it is logged in."""

from typing import Annotated, Final

import segno
from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.logins.keep import (
    begin_codes,
    change_password,
    confirm_codes,
    end_codes,
)
from yuejie.customers.logins.open import end_others
from yuejie.customers.logins.session import WHOLE
from yuejie.customers.logins.store import login_of, sessions_of
from yuejie.customers.members.member import Member, Role
from yuejie.customers.members.power import CALLED
from yuejie.customers.members.store import members_of
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import draw, go
from yuejie.web.pages.frame.entry import Visitor, VisitorHere, refuse_strangers

routes: Final = APIRouter(include_in_schema=False, prefix="/account")
ours: Final = [Depends(refuse_strangers)]

Secret = Annotated[str, Form(max_length=500)]


@routes.get("")
def account(request: Request, db: Db, now: Now, visitor: VisitorHere) -> Response:
    """Show how this member logs in, and where it is logged in."""
    member = _member(visitor)
    with db.read() as tx:
        login = login_of(tx, member.member_id)
        sessions = sessions_of(tx, member.member_id, now - WHOLE)
        colleagues = members_of(tx, member.customer_id) if member.customer_id else []
    return draw(
        request,
        "account.html",
        member=member,
        role=CALLED[member.role],
        coded=login is not None and login.seed_confirmed_at is not None,
        sessions=[each for each in sessions if each.is_open(now)],
        here=visitor.session,
        leaders=[each.name for each in colleagues if each.role is Role.ADMIN],
    )


@routes.post("/password", dependencies=ours)
def password(
    request: Request, db: Db, now: Now, visitor: VisitorHere, old: Secret, new: Secret
) -> Response:
    """Change the password; sessions elsewhere end."""
    assert visitor.session is not None, "a guarded page has a session"
    session_id = visitor.session.session_id
    change_password(db, _member(visitor), old, new, session_id=session_id, now=now)
    return go(request, "/account", "密码已更改，其他地方的登录已全部退出")


@routes.post("/codes/begin", dependencies=ours)
def begin(request: Request, db: Db, desk: DeskHere, now: Now, visitor: VisitorHere) -> Response:
    """Show a seed as a QR code, and ask for the first code."""
    seeding = begin_codes(db, _member(visitor), key=desk.credential_key, now=now)
    picture = segno.make(seeding.uri, micro=False).svg_data_uri(scale=5, dark="#000", light="#fff")
    return draw(request, "codes.html", seed=seeding.seed, picture=picture)


@routes.post("/codes/confirm", dependencies=ours)
def confirm(
    request: Request, db: Db, desk: DeskHere, now: Now, visitor: VisitorHere, code: Secret
) -> Response:
    """Ask for one-time codes from now on."""
    confirm_codes(db, _member(visitor), code, key=desk.credential_key, now=now)
    return go(request, "/account", "动态口令已启用，下次登录时需要输入")


@routes.post("/codes/end", dependencies=ours)
def end(request: Request, db: Db, now: Now, visitor: VisitorHere, password: Secret) -> Response:
    """Ask for no one-time codes any more."""
    end_codes(db, _member(visitor), password, now=now)
    return go(request, "/account", "动态口令已停用")


@routes.post("/sessions/end", dependencies=ours)
def end_elsewhere(request: Request, db: Db, now: Now, visitor: VisitorHere) -> Response:
    """End every session but this one."""
    assert visitor.session is not None, "a guarded page has a session"
    ended = end_others(
        db,
        _member(visitor),
        keep=visitor.session.session_id,
        by=visitor.known.name,
        now=now,
    )
    return go(request, "/account", f"其他地方的 {ended} 个登录已退出")


def _member(visitor: Visitor) -> Member:
    member = visitor.known.member
    assert member is not None, "a session is a member's"
    return member
