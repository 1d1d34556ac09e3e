"""The house to practise in: started and removed by a button, and how one gets in."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.beside import (
    LOGINS,
    PRACTICE,
    PROGRESS,
    REMOVE,
    Beside,
    supervised,
    unwish,
    wish,
    wished,
)
from yuejie.kernel.errors import Conflict
from yuejie.web.desk import Desk, DeskHere
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(
    include_in_schema=False, prefix="/practice", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

PORTS: Final = 3
"""Of its console, its gateway, its tax office."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the practice house is: not there, being made, being removed, or open."""

    is_wished: bool
    is_leaving: bool
    progress: str
    url: str
    logins: tuple[dict[str, str], ...]


@routes.get("")
def show(request: Request, desk: DeskHere) -> Response:
    """Show whether there is a practice house, and how one logs in there."""
    return draw(
        request,
        "first/practice.html",
        standing=_standing(desk),
        may_start=desk.home is not None and not desk.practice,
    )


@routes.post("/start", dependencies=ours)
def start(request: Request, desk: DeskHere) -> Response:
    """Have the supervisor make and run it."""
    home = _home(desk)
    if (home / PRACTICE / REMOVE).exists():
        raise Conflict("上一个练习环境还在清除，请一分钟后再试")
    wish(home, Beside.PRACTICE, ports=PORTS, by=caller_of(request).name)
    return go(request, "/practice", "练习环境正在建立，约需一分钟")


@routes.post("/remove", dependencies=ours)
def remove(request: Request, desk: DeskHere) -> Response:
    """Have it stopped and everything in it removed."""
    home = _home(desk)
    if (home / PRACTICE).exists():
        (home / PRACTICE / REMOVE).touch()
    unwish(home, Beside.PRACTICE)
    return go(request, "/practice", "练习环境正在停止并清除")


def _home(desk: Desk) -> Path:
    if desk.practice:
        raise Conflict("这里就是练习环境，请回到正式的控制台再办")
    return supervised(desk.home)


def _standing(desk: Desk) -> Standing:
    if desk.home is None or desk.practice:
        return Standing(False, False, "", "", ())  # noqa: FBT003 - a table of what there is
    folder = desk.home / PRACTICE
    wanted = wished(desk.home).get(Beside.PRACTICE)
    said = _read(folder / LOGINS) or "[]"
    return Standing(
        is_wished=wanted is not None,
        is_leaving=(folder / REMOVE).exists(),
        progress=_read(folder / PROGRESS) or "",
        url=f"http://{urlsplit(desk.console_url).hostname}:{wanted.ports[0]}" if wanted else "",
        logins=tuple(json.loads(said)) if wanted and (folder / ".filled").exists() else (),
    )


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None
