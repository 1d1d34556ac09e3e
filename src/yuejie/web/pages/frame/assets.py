"""Files that pages need: style sheets and scripts, under a path that changes with their bytes."""

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

routes: Final = APIRouter(include_in_schema=False)

_SERVED: Final = frozenset({".css", ".js", ".svg"})
_HEADERS: Final = {"cache-control": "public, max-age=31536000, immutable"}


@cache
def version() -> str:
    """Return what stands for the bytes of every file: a new one is never taken for an old one."""
    digest = hashlib.sha256()
    for name in sorted(_names()):
        digest.update(name.encode() + b"\0" + _body(name))
    return digest.hexdigest()[:12]


@cache
def _names() -> frozenset[str]:
    found: set[str] = set()
    waiting = [(files("yuejie.web") / "static", "")]
    while waiting:
        folder, path = waiting.pop()
        for each in folder.iterdir():
            name = f"{path}{each.name}"
            if each.is_dir():
                waiting.append((each, f"{name}/"))
            elif PurePosixPath(name).suffix in _SERVED and not name.startswith("swagger-ui/"):
                found.add(name)
    return frozenset(found)


@cache
def _body(name: str) -> bytes:
    return (files("yuejie.web") / "static").joinpath(*name.split("/")).read_bytes()


@routes.get("/static/{version}/{name:path}")
async def asset(version: str, name: str) -> Response:  # noqa: ARG001 - the version is for caches
    """Give a file; only the known ones, so no path leads outside."""
    if name not in _names():
        raise HTTPException(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(_body(name), media_type=f"{kind}; charset=utf-8", headers=_HEADERS)
