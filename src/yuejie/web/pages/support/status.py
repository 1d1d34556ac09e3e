"""The public page of the service's state, and its feed: no login, both languages, cacheable.

It is the same for everybody: whoever is logged in gets nothing of theirs into it. What was looked
at is remembered for a minute, so that anybody may ask often; while the database is away, what was
seen last is shown, and says when that was.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from yuejie.kernel.errors import Unavailable
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.status.board import LIGHT_NAMES, Board, look
from yuejie.support.status.incident import IMPACT_NAMES, KIND_NAMES, STATE_NAMES
from yuejie.web.desk import Desk, DeskHere, Now
from yuejie.web.pages.frame.cookies import LANGUAGE, THEME
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import THEMES, Visitor
from yuejie.web.pages.frame.words import LANGUAGES, ZH, language_of
from yuejie.web.pages.support.feed import atom_of, json_of

routes: Final = APIRouter(include_in_schema=False, prefix="/status")
MINUTE: Final = timedelta(minutes=1)
RETRIED: Final = timedelta(seconds=10)
"""After a failure: whoever waits for a database that is away keeps a thread."""
CACHED: Final = {"cache-control": "public, max-age=60"}
JSON: Final = frozenset({"application/feed+json", "application/json"})
Language = Annotated[str, Query(max_length=10)]


@dataclass
class Remembered:
    """What was seen last; one request at a time looks again, and after a failure not at once."""

    board: Board | None = None
    _failed_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def at(self, desk: Desk, now: datetime) -> Board:
        """Return what was seen within a minute, else what is seen now.

        While the database is away it is what was seen last, or a board that knows nothing.
        """
        with self._lock:
            known = self.board
            if known is not None and timedelta(0) <= now - known.at < MINUTE:
                return known
            if self._failed_at is None or not timedelta(0) <= now - self._failed_at < RETRIED:
                try:
                    self.board = look(desk.door.database(), now)
                    self._failed_at = None
                except Unavailable:
                    self._failed_at = now
                else:
                    return self.board
            return known or Board(now)


def forget(request: Request) -> None:
    """Have the next look see what was just announced."""
    request.app.state.status.board = None


def _anybody(request: Request, language: Language = "") -> None:
    """Look at the page as nobody in particular: a cached page is everybody's."""
    wanted = language if language in LANGUAGES else request.cookies.get(LANGUAGE, "")
    spoken = language_of(wanted, request.headers.get("accept-language", ""))
    theme = request.cookies.get(THEME, "")
    request.state.visitor = Visitor(
        None, None, "", spoken, theme if theme in THEMES else THEMES[0], ""
    )


@routes.get("", dependencies=[Depends(_anybody)])
def show_status(request: Request, desk: DeskHere, now: Now) -> Response:
    """Show how the service is and was, and what is announced."""
    board = request.app.state.status.at(desk, now)
    visitor: Visitor = request.state.visitor
    response = draw(
        request,
        "support/status.html",
        zone=HOUSE_ZONE,
        board=board,
        lights=LIGHT_NAMES,
        kinds=KIND_NAMES,
        impacts=IMPACT_NAMES,
        states=STATE_NAMES,
        in_chinese=visitor.language == ZH,
        seller=desk.seller.legal_name,
    )
    response.headers.update(CACHED | {"vary": "accept-language, cookie"})
    return response


@routes.get("/feed", dependencies=[Depends(_anybody)])
def feed(request: Request, desk: DeskHere, now: Now, format: str = "") -> Response:  # noqa: A002 - the query says format
    """Give every update as Atom, or as JSON Feed where that is asked for."""
    board = request.app.state.status.at(desk, now)
    accepted = request.headers.get("accept", "")
    in_chinese = request.state.visitor.language == ZH
    if format == "json" or any(kind in accepted for kind in JSON):
        body, kind = json_of(board, desk, in_chinese=in_chinese), "application/feed+json"
    else:
        body, kind = atom_of(board, desk, in_chinese=in_chinese), "application/atom+xml"
    headers = CACHED | {"vary": "accept, accept-language, cookie"}
    return Response(body, media_type=f"{kind}; charset=utf-8", headers=headers)
