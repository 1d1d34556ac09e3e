"""Logging in by single sign-on: to the provider of one's organisation, and back."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.logins.open import Guess
from yuejie.customers.sso.enter import GOOD_FOR, Return, Ways, begin, finish
from yuejie.kernel.errors import DomainError, Forbidden
from yuejie.web.desk import Db, Desk, DeskHere, Now, address_of
from yuejie.web.pages.frame.cookies import SSO
from yuejie.web.pages.frame.draw import draw, go
from yuejie.web.pages.frame.entry import (
    VisitorHere,
    inside,
    put_session,
    refuse_strangers,
)
from yuejie.web.pages.identity.wire import asking

routes: Final = APIRouter(include_in_schema=False, prefix="/sso")
ours: Final = [Depends(refuse_strangers)]

CALLBACK: Final = "/sso/callback"
Text = Annotated[str, Form(max_length=500)]


class Brought(BaseModel):
    """What the provider sends back in the address; whatever else it sends is not looked at."""

    state: str = Field("", max_length=200)
    code: str = Field("", max_length=4_000)
    iss: str = Field("", max_length=500)
    error: str = Field("", max_length=500)


@routes.post("/begin", dependencies=ours)
def leave(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    email: Text,
    next: Text = "/",  # noqa: A002 - the form says next
) -> Response:
    """Send whoever wants in to its provider, by a page: a form may lead nowhere else."""
    try:
        leaving = begin(
            db,
            email,
            _guess(request),
            back=inside(next),
            ways=_ways(desk),
            now=now,
        )
    except DomainError as error:
        return draw(
            request,
            "login.html",
            status=403 if isinstance(error, Forbidden) else 422,
            next=inside(next),
            name="",
            email=email,
            refusal=error.sentence,
            code=False,
            sso=True,
        )
    label = leaving.provider.label
    response = draw(request, "identity/leaving.html", url=leaving.url, label=label)
    response.set_cookie(
        SSO,
        leaving.cookie,
        max_age=int(GOOD_FOR.total_seconds()),
        httponly=True,
        secure=_is_secure(desk),
        samesite="lax",
        path="/sso",
    )
    return response


@routes.get("/callback")
def arrive(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    visitor: VisitorHere,
    brought: Annotated[Brought, Query()],
) -> Response:
    """Let in whoever comes back, or say why not; the way of coming back is used up either way."""
    del visitor
    try:
        opened, back = finish(
            db,
            Return(brought.state, brought.code, brought.iss, brought.error),
            request.cookies.get(SSO, ""),
            _guess(request),
            ways=_ways(desk),
            now=now,
        )
    except DomainError as refusal:
        response = draw(
            request,
            "login.html",
            status=403,
            next="/",
            name="",
            email="",
            refusal=refusal.sentence,
            code=False,
            sso=True,
        )
    else:
        response = go(request, inside(back))
        put_session(response, desk, opened)
    response.delete_cookie(SSO, path="/sso")
    return response


def _guess(request: Request) -> Guess:
    return Guess(
        name="",
        password="",
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
    )


def _ways(desk: Desk) -> Ways:
    return Ways(
        ask=asking(desk.sso_hosts),
        callback=desk.console_url + CALLBACK,
        pepper=desk.pepper,
        key=desk.credential_key,
    )


def _is_secure(desk: Desk) -> bool:
    return desk.console_url.startswith("https://")
