"""Logging in and out, the first administrator, invitations, language and theme."""

import hmac
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from yuejie.customers.logins.keep import accept, found_house, invited
from yuejie.customers.logins.open import CodeWanted, Guess, Opened, log_in, log_out
from yuejie.customers.logins.store import has_logins
from yuejie.customers.sso.store import providers
from yuejie.kernel.errors import DomainError, Forbidden
from yuejie.web.desk import Db, Desk, DeskHere, Now, address_of
from yuejie.web.pages.frame.cookies import LANGUAGE, SESSION, THEME
from yuejie.web.pages.frame.draw import draw, go
from yuejie.web.pages.frame.entry import (
    THEMES,
    VisitorHere,
    inside,
    put_session,
    refuse_strangers,
)
from yuejie.web.pages.frame.words import LANGUAGES

routes: Final = APIRouter(include_in_schema=False)
ours: Final = [Depends(refuse_strangers)]

_YEAR_SECONDS: Final = 365 * 86_400
Text = Annotated[str, Form(max_length=500)]


@routes.get("/login")
def login(request: Request, db: Db, visitor: VisitorHere, next: str = "/") -> Response:  # noqa: A002 - the address says next
    """Ask who is there; a house without an administrator is set up first."""
    if visitor.caller is not None:
        return RedirectResponse(inside(next), status_code=303)
    with db.read() as tx:
        if not has_logins(tx):
            return RedirectResponse("/setup", status_code=303)
        sso = bool(providers(tx))
    return draw(
        request,
        "login.html",
        next=inside(next),
        name="",
        email="",
        refusal="",
        code=False,
        sso=sso,
    )


@routes.post("/login", dependencies=ours)
def enter(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    name: Text,
    password: Text,
    code: Text = "",
    next: Text = "/",  # noqa: A002 - the form says next
) -> Response:
    """Let a member in, or say why not; what it typed but the password stays."""
    guess = _guess(request, name, password, code)
    try:
        opened = log_in(db, guess, pepper=desk.pepper, key=desk.credential_key, now=now)
    except DomainError as error:
        wanted = isinstance(error, CodeWanted)
        with db.read() as tx:
            sso = bool(providers(tx))
        return draw(
            request,
            "login.html",
            status=403 if isinstance(error, Forbidden) else 422,
            next=inside(next),
            name=name,
            email="",
            refusal=error.sentence,
            code=wanted or bool(code),
            sso=sso,
        )
    return _let_in(request, desk, opened, inside(next))


@routes.get("/setup")
def setup(request: Request, db: Db, visitor: VisitorHere) -> Response:
    """Ask for the first administrator, while there is none."""
    del visitor
    with db.read() as tx:
        if has_logins(tx):
            return RedirectResponse("/login", status_code=303)
    return draw(request, "setup.html", name="", refusal="")


@routes.post("/setup", dependencies=ours)
def found(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    token: Text,
    name: Text,
    password: Text,
) -> Response:
    """Enrol the first administrator for whoever holds the operator's token."""
    try:
        if not hmac.compare_digest(token.strip().encode(), desk.operator_token.encode()):
            raise Forbidden("运营令牌不对，请在服务器上用 yuejie token 查看后重试")
        guess = _guess(request, name.strip(), password)
        opened = found_house(db, guess, pepper=desk.pepper, by="api:operator", now=now)
    except DomainError as error:
        return draw(request, "setup.html", status=422, name=name, refusal=error.sentence)
    return _let_in(request, desk, opened, "/")


@routes.get("/invitation/{secret}")
def invitation(
    request: Request, db: Db, desk: DeskHere, now: Now, visitor: VisitorHere, secret: str
) -> Response:
    """Ask whoever was invited for a password."""
    del visitor
    member = invited(db, secret, pepper=desk.pepper, now=now)
    return draw(request, "invitation.html", name=member.name, refusal="")


@routes.post("/invitation/{secret}", dependencies=ours)
def take_up(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    secret: str,
    password: Text,
) -> Response:
    """Set a password by invitation, and let the member in."""
    member = invited(db, secret, pepper=desk.pepper, now=now)
    try:
        guess = _guess(request, member.name, password)
        opened = accept(db, secret, guess, pepper=desk.pepper, now=now)
    except DomainError as error:
        return draw(
            request, "invitation.html", status=422, name=member.name, refusal=error.sentence
        )
    return _let_in(request, desk, opened, "/")


@routes.post("/logout", dependencies=ours)
def leave(request: Request, db: Db, now: Now, visitor: VisitorHere) -> Response:
    """End this session."""
    assert visitor.session is not None, "a guarded page has a session"
    log_out(db, visitor.session, by=visitor.known.name, now=now)
    response = go(request, "/login")
    response.delete_cookie(SESSION, path="/")
    return response


@routes.post("/look", dependencies=ours)
def look(
    request: Request,
    visitor: VisitorHere,
    language: Text = "",
    theme: Text = "",
    next: Text = "/",  # noqa: A002 - the form says next
) -> Response:
    """Keep which language and which theme this browser wants."""
    del visitor
    response = go(request, inside(next))
    for name, chosen, known in (
        (LANGUAGE, language, tuple(LANGUAGES)),
        (THEME, theme, THEMES),
    ):
        if chosen in known:
            response.set_cookie(
                name, chosen, max_age=_YEAR_SECONDS, httponly=True, samesite="lax", path="/"
            )
    return response


def _let_in(request: Request, desk: Desk, opened: Opened, path: str) -> Response:
    response = go(request, path)
    put_session(response, desk, opened)
    return response


def _guess(request: Request, name: str, password: str, code: str = "") -> Guess:
    return Guess(
        name.strip(),
        password,
        code,
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
    )
