"""The envelope of every answer: request id, security headers, bounds, and the log line.

It stands outside the routes and inside nothing of ours: what nobody foresaw ends here, as a 500
with the request id, logged with its traceback, which stays in the house.
"""

import time
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yuejie.db.deeds import VIA
from yuejie.db.upkeep.pace import working_on
from yuejie.kernel.ids import request_id, uuid7
from yuejie.web.errors import MEDIA_TYPE, body_of, unforeseen

log = structlog.get_logger()

BODY_BYTES: Final = 8 * 1024 * 1024
"""Largest request body: a thousand pushed events are some 2 MB, thrice over."""

HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
"""On every answer that does not bring its own. Nobody is told that other origins may read."""


class Envelope:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request in its envelope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_id(uuid7(scope["app"].state.desk.clock.now()).bytes)
        scope.setdefault("state", {})["request_id"] = name
        answer = _Answer(send, name)
        started = time.perf_counter()
        VIA.set("")  # whatever this task served before
        with (
            structlog.contextvars.bound_contextvars(request_id=name),
            working_on(lambda: _route(scope)),
        ):
            try:
                await self._app(scope, _bounded(scope, receive), answer.send)
            except Exception:
                log.exception("http.failed", method=scope["method"], path=scope["path"])
                await answer.fail(scope)
            seconds = time.perf_counter() - started
            _note(scope, answer.status, seconds)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = _route(scope)
    scope["app"].state.metrics.answered(scope["method"], route, status, seconds)
    log.info(
        "http.answered",
        method=scope["method"],
        route=route,
        status=status,
        ms=int(seconds * 1000),
    )


class _Answer:
    """Watches an answer go out and puts the headers on it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self._begun = False
        self.status = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._request_id
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def fail(self, scope: Scope) -> None:
        """Answer 500 unless an answer has begun; then the client sees it broken off."""
        if self._begun:
            return
        problem = unforeseen()
        kind, body = MEDIA_TYPE, b""
        if _is_a_person(scope):
            kind, body = "text/html; charset=utf-8", _page(problem.sentence, self._request_id)
        else:
            body = body_of(problem, request_id=self._request_id, path=scope["path"])
        headers = [(b"content-type", kind.encode())]
        await self.send(
            {"type": "http.response.start", "status": problem.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})


def _is_a_person(scope: Scope) -> bool:
    accepted: bytes = dict(scope["headers"]).get(b"accept", b"")
    return b"text/html" in accepted and not scope["path"].startswith("/api/")


def _page(sentence: str, request_id: str) -> bytes:
    """Say it to a person without a template, for what failed may have been the template."""
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>月结</title>'
        f'<h1>出错了</h1><p>{sentence}</p><p>{request_id}</p><p><a href="/">回到总览</a></p></html>'
    ).encode()


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Refuse a body above the bound, whether it announces its length or not."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_BYTES or (announced.isdigit() and int(announced) > BODY_BYTES):
            raise HTTPException(413, headers={"x-limit": str(BODY_BYTES)})
        return message

    return bounded
