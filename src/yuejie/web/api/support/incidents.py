"""Incidents and maintenance: announced, updated, read."""

from typing import Final

from fastapi import status

from yuejie.support.status.announce import announce, update
from yuejie.support.status.board import announcements
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.support.incidents import AnnouncedOut, IncidentIn, IncidentOut, UpdateIn
from yuejie.web.shapes.wire import Name

routes: Final = guarded("公告", prefix="/incidents")


@routes.get("", summary="列出公告")
def list_incidents(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[IncidentOut]:
    """事故与维护，新的在前；与公开的状态页（/status）相同。"""
    window = Window.read("incidents", cursor, limit)
    with db.read() as tx:
        found = announcements(tx, before=window.after or None, limit=window.fetch)
    return window.page(found, IncidentOut.of, lambda each: each.incident.incident_id)


@routes.post("", summary="发布公告", status_code=status.HTTP_201_CREATED)
def post_incident(db: Db, caller: AnyCaller, now: Now, body: IncidentIn) -> AnnouncedOut:
    """发布事故或计划维护；近 30 天用过所列模型或供应商的客户收到通知。"""
    done = announce(db, body.draft(), by=caller.name, now=now)
    found = done.incident
    return AnnouncedOut(incident_id=found.incident_id, state=found.state, told=done.told)


@routes.post("/{incident}/updates", summary="更新公告")
def post_update(
    db: Db, caller: AnyCaller, now: Now, incident: Name, body: UpdateIn
) -> AnnouncedOut:
    """说明进展；受影响的客户每次更新收到一次通知。"""
    done = update(db, incident, body.draft(), by=caller.name, now=now)
    found = done.incident
    return AnnouncedOut(incident_id=found.incident_id, state=found.state, told=done.told)
