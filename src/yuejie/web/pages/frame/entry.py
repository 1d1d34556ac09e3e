"""Who is at a page: the session in its cookie, and the forms that only its own pages can send."""

import hmac
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from yuejie.customers.logins.open import Opened, recognise
from yuejie.customers.logins.session import WHOLE, Session, form_token
from yuejie.kernel.errors import Forbidden
from yuejie.web.auth import Caller, Unauthenticated, Who, permit
from yuejie.web.desk import Desk, DeskHere
from yuejie.web.pages.frame.access import PAGES
from yuejie.web.pages.frame.cookies import LANGUAGE, SAID, SESSION, THEME
from yuejie.web.pages.frame.words import language_of

THEMES: Final = ("auto", "light", "dark")
_SAID_SECONDS: Final = 30


class LoginWanted(Unauthenticated):
    """Nobody we know is at the page: it is sent to the door, and comes back."""

    code: ClassVar[str] = "login_wanted"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at a page: perhaps a caller with a session, always a language and a theme."""

    caller: Caller | None
    session: Session | None
    form_token: str
    language: str
    theme: str
    said: str

    @property
    def known(self) -> Caller:
        """Return the caller of a page that has one: PAGES let nobody else through."""
        assert self.caller is not None, "a guarded page has a caller"
        return self.caller


def visit(request: Request, desk: DeskHere) -> Visitor:
    """Find out who is at a page, and let it through to a page that serves it.

    Raises LoginWanted where nobody is logged in, Forbidden where the page serves others.
    """
    secret = request.cookies.get(SESSION, "")
    found = None
    if secret:
        found = recognise(desk.door.database(), secret, pepper=desk.pepper, now=desk.clock.now())
    caller = Caller(found[1].signs_as, member=found[1]) if found else None
    visitor = Visitor(
        caller=caller,
        session=found[0] if found else None,
        form_token=form_token(secret, desk.pepper) if found else "",
        language=language_of(
            request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", "")
        ),
        theme=_one_of(request.cookies.get(THEME, ""), THEMES),
        said=request.cookies.get(SAID, ""),
    )
    request.state.visitor = visitor
    who = PAGES[request.method, request.scope["route"].path]
    if who is not Who.OPEN:
        if caller is None:
            raise LoginWanted("请先登录")
        permit(caller, who)
    return visitor


VisitorHere = Annotated[Visitor, Depends(visit)]


async def refuse_strangers(request: Request, visitor: VisitorHere) -> None:
    """Take a form only from a page of this session's. Raises Forbidden.

    The origin is what the browser says of itself; the token is what only our pages know.
    """
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Forbidden("这个表单不是从本站页面发出的，未作改动；请从本站页面重新提交")
    if visitor.session is None:
        return
    told = request.headers.get("x-form-token", "")
    if not told:
        told = str((await request.form()).get("form_token", ""))
    if not hmac.compare_digest(told.encode(), visitor.form_token.encode()):
        raise Forbidden("页面已失效（登录已变化），未作改动；请刷新页面后重新提交")


def put_session(response: Response, desk: Desk, opened: Opened) -> None:
    """Give a fresh session to the browser: no script reads it, no other site sends it."""
    response.set_cookie(
        SESSION,
        opened.secret,
        max_age=int(WHOLE.total_seconds()),
        httponly=True,
        secure=desk.console_url.startswith("https://"),
        samesite="lax",
        path="/",
    )


def say(response: Response, sentence: str) -> None:
    """Have the next page say a sentence, once."""
    response.set_cookie(
        SAID, quote(sentence), max_age=_SAID_SECONDS, httponly=True, samesite="lax", path="/"
    )


def inside(path: str) -> str:
    """Return a path of this console, the front page for anything that leads elsewhere."""
    parts = urlsplit(path)
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    if not plain or parts.scheme or parts.netloc or "\\" in path or any(ord(c) < 32 for c in path):
        return "/"
    return path


def _one_of(chosen: str, known: tuple[str, ...]) -> str:
    return chosen if chosen in known else known[0]
