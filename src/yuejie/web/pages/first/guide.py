"""The finance guide: the same Markdown that stands in `docs/guide`, with its pictures."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Depends, Request
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import visit

routes: Final = APIRouter(include_in_schema=False, prefix="/guide", dependencies=[Depends(visit)])

GUIDE: Final = "财务指南.md"
_PICTURE: Final = re.compile(r"[a-z0-9-]{1,60}\.png")


@routes.get("")
def show_guide(request: Request) -> Response:
    """Show the guide."""
    return draw(request, "first/guide.html", text=_guide())


@cache
def _guide() -> Markup:
    """Return the guide as HTML; what is HTML in it already is shown as text."""
    source = (files("yuejie.web") / "guide" / GUIDE).read_text("utf-8")
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    html = reader.render(source).replace('href="console:///', 'href="/')
    html = html.replace('src="pictures/', 'loading="lazy" src="/guide/pictures/')
    return Markup(html)  # noqa: S704 - our own words, drawn with HTML switched off


@routes.get("/pictures/{picture}")
def show_picture(picture: str) -> Response:
    """Give a picture of the guide; a name of any other form is of no picture."""
    if not _PICTURE.fullmatch(picture):
        raise HTTPException(404)
    path = files("yuejie.web") / "guide" / "pictures" / picture
    if not path.is_file():
        raise HTTPException(404)
    headers = {"cache-control": "private, max-age=3600"}
    return Response(path.read_bytes(), media_type="image/png", headers=headers)
