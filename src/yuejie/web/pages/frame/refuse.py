"""Refusals as people meet them: a sentence beside the form, a page, or the door."""

from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import escape
from starlette.responses import Response

from yuejie.web.pages.frame.cookies import LANGUAGE, SESSION
from yuejie.web.pages.frame.draw import HEADERS, draw
from yuejie.web.pages.frame.entry import LoginWanted, Visitor
from yuejie.web.pages.frame.words import EN, language_of, translations
from yuejie.web.refusals.english import in_language
from yuejie.web.refusals.problem import Problem

_PROGRAMS: Final = ("/api/", "/fapiao/callbacks/", "/signing/callbacks/", "/healthz", "/readyz")


def wants_page(request: Request) -> bool:
    """Tell whether a person asks: by a browser, for a page."""
    path = request.url.path
    if path.startswith(_PROGRAMS) or path == "/metrics":
        return False
    return "text/html" in request.headers.get("accept", "") or is_form(request)


def is_form(request: Request) -> bool:
    """Tell whether a form of a page was sent without leaving it."""
    return request.headers.get("hx-request") == "true"


def refuse(problem: Problem, request: Request) -> Response:
    """Answer a person: beside the form it sent, at the door, or on a page of its own."""
    if problem.code == LoginWanted.code:
        return _to_the_door(request)
    if not hasattr(request.state, "visitor"):
        language = language_of(
            request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", "")
        )
        request.state.visitor = Visitor(None, None, "", language, "auto", "")
    sentence = _sentence(problem, request.state.visitor.language)
    if is_form(request):
        return HTMLResponse(str(escape(sentence)), problem.status, headers=HEADERS)
    return draw(
        request,
        "error.html",
        status=problem.status,
        title=problem.title,
        sentence=sentence,
        request_id=request.state.request_id,
    )


def _sentence(problem: Problem, language: str) -> str:
    """Say to a person in their language what is wrong; of programs' paths they know nothing."""
    if problem.code == "path_unknown":
        return translations(language).gettext("没有这个页面，请从菜单进入")
    if language == EN and problem.english:
        return problem.english
    return in_language(problem.sentence, language)


def _to_the_door(request: Request) -> Response:
    response: Response
    if is_form(request):
        response = Response(headers={"hx-redirect": "/login"})
    else:
        back = request.url.path if request.method == "GET" else "/"
        if request.method == "GET" and request.url.query:
            back += f"?{request.url.query}"
        response = RedirectResponse(f"/login?next={quote(back, safe='')}", status_code=303)
    response.delete_cookie(SESSION, path="/")
    return response
