"""Draw a page: a template, facts, and what every page is given. Every value is escaped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from yuejie.kernel.period import zone_of
from yuejie.usage.meters import meter_name
from yuejie.web.auth import Caller, may
from yuejie.web.pages.frame import words
from yuejie.web.pages.frame.access import PAGES
from yuejie.web.pages.frame.assets import version
from yuejie.web.pages.frame.cookies import SAID
from yuejie.web.pages.frame.entry import Visitor, say
from yuejie.web.pages.frame.menu import MENU, Entry
from yuejie.web.record.who import who
from yuejie.web.refusals.english import in_language

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing in place: what a customer writes can be no script of ours."""
HEADERS: Final = {
    "content-security-policy": POLICY,
    # `no-referrer` would have browsers send our own forms with an origin of null.
    "referrer-policy": "same-origin",
}
HOUSE_ZONE: Final = zone_of("Asia/Shanghai")
"""The operator's clock."""


@cache
def _environment(language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("yuejie.web.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    known = words.translations(language)
    environment.install_gettext_translations(known, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.filters |= {
        "grouped": words.grouped,
        "amount": words.amount,
        "money": words.money,
        "day": words.day,
        "fen": words.fen_of,
        "percent": words.percent,
        "said": partial(in_language, language=language),
        "listed": partial(words.listed, language=language),
        "told": partial(_told, language=language),
        "who": partial(who, language=language),
        # A meter's code is English already.
        "line_said": words.line_said if language == words.ZH else str,
        "meter_name": meter_name if language == words.ZH else str,
    }
    environment.globals["static"] = _static
    return environment


def _told(sentences: Iterable[str], language: str) -> str:
    """Write sentences of ours in a row; whole ones have their full stops."""
    said = [in_language(each, language) for each in sentences]
    whole = all(each.endswith(("。", ".")) for each in said)
    between = words.SPACE[language] if whole else words.SEMICOLON[language]
    return between.join(said)


def _static(name: str) -> str:
    return f"/static/{version()}/{name}"


@dataclass(frozen=True, slots=True)
class Frame:
    """What every template is given as `page`."""

    visitor: Visitor
    path: str
    zone: ZoneInfo
    is_practice: bool = False

    @property
    def groups(self) -> list[tuple[str, list[Entry]]]:
        """Return where the visitor may go, group by group."""
        caller = self.visitor.caller
        if caller is None:
            return []
        served = [each for each in MENU if each.serves(caller)]
        return [(name, list(each)) for name, each in groupby(served, lambda entry: entry.group)]

    @property
    def place(self) -> str:
        """Return the line of the menu under which this page stands: the longest that fits."""
        line = max(MENU, key=lambda entry: entry.holds(self.path))
        return line.path if line.holds(self.path) else ""

    @property
    def said(self) -> str:
        """Return what the last deed has to say."""
        return in_language(unquote(self.visitor.said), self.visitor.language)

    @property
    def languages(self) -> Mapping[str, str]:
        """Return the languages there are."""
        return words.LANGUAGES

    @property
    def tag(self) -> str:
        """Return the language as HTML names it."""
        return words.TAGS[self.visitor.language]

    def may(self, method: str, path: str) -> bool:
        """Tell whether the visitor may do what a route does; other buttons are not drawn."""
        caller = self.visitor.caller
        return caller is not None and may(caller, PAGES[method, path])

    def moment(self, at: Any) -> str:  # noqa: ANN401 - a template passes what it has
        """Write a moment by the clock of whoever looks."""
        return words.moment(at, self.zone)


def draw(
    request: Request,
    template: str,
    /,
    *,
    status: int = 200,
    zone: ZoneInfo = HOUSE_ZONE,
    **facts: Any,  # noqa: ANN401 - facts are the template's business
) -> Response:
    """Answer with a page."""
    visitor: Visitor = request.state.visitor
    frame = Frame(visitor, request.url.path, zone, request.app.state.desk.practice)
    text = _environment(visitor.language).get_template(template).render(page=frame, **facts)
    response = HTMLResponse(text, status_code=status, headers=HEADERS)
    if visitor.said:
        response.delete_cookie(SAID, path="/")
    return response


def go(request: Request, path: str, sentence: str = "") -> Response:
    """Send the browser to a page after a deed, which says the sentence."""
    response: Response
    if request.headers.get("hx-request"):
        response = Response(headers={"hx-redirect": path})
    else:
        response = RedirectResponse(path, status_code=303)
    if sentence:
        say(response, sentence)
    return response


def redraw(request: Request, template: str, /, **facts: Any) -> Response:  # noqa: ANN401 - as above
    """Answer a form with a whole page, for what a deed came to and what stands nowhere else.

    A form that was sent without leaving its page has the main part put in the place of the old one.
    """
    response = draw(request, template, **facts)
    if request.headers.get("hx-request"):
        response.headers["hx-retarget"] = "#main"
        response.headers["hx-reselect"] = "#main"
        response.headers["hx-reswap"] = "outerHTML show:window:top"
    return response


def caller_of(request: Request) -> Caller:
    """Return who is at a guarded page."""
    visitor: Visitor = request.state.visitor
    return visitor.known
