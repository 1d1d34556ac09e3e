"""Incidents and maintenance: what goes on, announcing, saying how it goes on."""

from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.contracts.store import models
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import parse_instant
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.status import store
from yuejie.support.status.announce import IncidentDraft, UpdateDraft, announce, update
from yuejie.support.status.board import announcements
from yuejie.support.status.incident import (
    IMPACT_NAMES,
    KIND_NAMES,
    STATE_NAMES,
    Impact,
    IncidentKind,
    IncidentState,
    follow,
)
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.support.status import forget

routes: Final = APIRouter(
    include_in_schema=False, prefix="/incidents", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=10_000)]
Several = Annotated[list[str] | None, Form()]


@routes.get("")
def list_incidents(request: Request, db: Db, now: Now, cursor: str | None = None) -> Response:
    """Show what goes on and what is over, with the form for each next word."""
    window = Window.read("page:incidents", cursor, PAGE)
    with db.read() as tx:
        found = announcements(tx, before=window.after or None, limit=window.fetch)
        offered = [each.model_id for each in models(tx) if each.state == "active"]
        providers = store.providers(tx)
    rows = found[:PAGE]
    return draw(
        request,
        "support/incidents.html",
        rows=[(each, follow(each.incident.state)) for each in rows],
        kinds=KIND_NAMES,
        impacts=IMPACT_NAMES,
        states=STATE_NAMES,
        models=offered,
        providers=providers,
        at=f"{now.astimezone(HOUSE_ZONE):%Y-%m-%dT%H:%M}",
        older=window.write(rows[-1].incident.incident_id) if len(found) > PAGE else None,
    )


class _Words(NamedTuple):
    title: str
    title_en: str
    text: str
    text_en: str


def _words(title: Text = "", title_en: Text = "", text: Text = "", text_en: Text = "") -> _Words:
    return _Words(title, title_en, text, text_en)


class _Times(NamedTuple):
    starts_at: datetime | None
    ends_at: datetime | None


def _times(starts: Text = "", ends: Text = "") -> _Times:
    return _Times(_at(starts), _at(ends))


def _draft(
    words: Annotated[_Words, Depends(_words)],
    times: Annotated[_Times, Depends(_times)],
    kind: Text = IncidentKind.INCIDENT,
    impact: Text = Impact.DEGRADED,
    models: Several = None,
    providers: Several = None,
) -> IncidentDraft:
    """Return what the form asks for; of an incident nobody knows the end beforehand."""
    if kind not in KIND_NAMES or impact not in IMPACT_NAMES:
        raise Invalid("请从页面上选择种类与影响")
    return IncidentDraft(
        kind=IncidentKind(kind),
        title=words.title,
        title_en=words.title_en,
        text=words.text,
        text_en=words.text_en,
        impact=Impact(impact),
        models=models or (),
        providers=providers or (),
        starts_at=times.starts_at,
        ends_at=None if kind == IncidentKind.INCIDENT else times.ends_at,
    )


@routes.post("", dependencies=ours)
def announce_one(
    request: Request, db: Db, now: Now, draft: Annotated[IncidentDraft, Depends(_draft)]
) -> Response:
    """Announce something; whoever is affected hears of it."""
    done = announce(db, draft, by=caller_of(request).name, now=now)
    forget(request)
    return go(request, "/incidents", f"{KIND_NAMES[draft.kind]}已公告，通知 {done.told} 个客户")


@routes.post("/{incident}/updates", dependencies=ours)
def say_more(
    request: Request,
    db: Db,
    now: Now,
    incident: str,
    state: Text = "",
    text: Text = "",
    text_en: Text = "",
) -> Response:
    """Say how it goes on; whoever is affected hears of it."""
    if state not in STATE_NAMES:
        raise Invalid("请选择现在怎样")
    draft = UpdateDraft(state=IncidentState(state), text=text, text_en=text_en)
    done = update(db, incident, draft, by=caller_of(request).name, now=now)
    forget(request)
    said = STATE_NAMES[done.incident.state]
    return go(request, "/incidents", f"公告{said}，通知 {done.told} 个客户")


def _at(text: str) -> datetime | None:
    return parse_instant(text, HOUSE_ZONE) if text.strip() else None
