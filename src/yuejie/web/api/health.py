"""Health for machines: does the process live, can it work, what has it done."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from yuejie.db.errors import DatabaseUnavailable
from yuejie.web.desk import DeskHere
from yuejie.web.metrics import Metrics

routes: Final = APIRouter(include_in_schema=False)


# These three never wait for a thread: they must answer while every thread waits for the database.


@routes.get("/healthz")
async def healthz() -> Response:
    """Say that the process lives."""
    return PlainTextResponse("ok\n")


@routes.get("/readyz")
async def readyz(desk: DeskHere) -> Response:
    """Say whether requests can be served."""
    if not desk.door.is_open:
        raise DatabaseUnavailable("数据库暂时不可用")
    return PlainTextResponse("ready\n")


@routes.get("/metrics")
async def metrics(request: Request, desk: DeskHere) -> Response:
    """Tell Prometheus."""
    kept = request.app.state.metrics
    assert isinstance(kept, Metrics)
    body = kept.text(database_up=desk.door.is_open)
    return Response(body, headers={"content-type": CONTENT_TYPE_LATEST})
