"""The application: a path finds its endpoint, an endpoint answers, the wire carries it."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from yuejie.demo.simulators import admin, wire
from yuejie.demo.simulators.answer import Answer, Dialect, Free, Refusal, Request
from yuejie.demo.simulators.dialects import (
    anthropic,
    gemini,
    openai_audio,
    openai_chat,
    openai_media,
    openai_responses,
)
from yuejie.demo.simulators.dialects.openai_words import OPENAI
from yuejie.demo.simulators.directives import NO_FAULT, find
from yuejie.demo.simulators.world import Caller, World


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who answers a path."""

    dialect: Dialect
    answer: Callable[[Request, World], Answer | Free]


_POSTS: Final = {
    "/chat/completions": Endpoint(OPENAI, openai_chat.chat),
    "/completions": Endpoint(OPENAI, openai_chat.complete),
    "/responses": Endpoint(OPENAI, openai_responses.respond),
    "/embeddings": Endpoint(OPENAI, openai_media.embed),
    "/images/generations": Endpoint(OPENAI, openai_media.draw),
    "/audio/transcriptions": Endpoint(OPENAI, openai_audio.transcribe),
    "/audio/translations": Endpoint(OPENAI, openai_audio.transcribe),
    "/audio/speech": Endpoint(OPENAI, openai_audio.speak),
    "/messages": Endpoint(anthropic.ANTHROPIC, anthropic.message),
    "/messages/count_tokens": Endpoint(anthropic.ANTHROPIC, anthropic.count_tokens),
}
_EXACT: Final = {f"/v1{path}": endpoint for path, endpoint in _POSTS.items()}
_GEMINI: Final = Endpoint(gemini.GEMINI, gemini.call)
_GEMINI_MODELS: Final = Endpoint(gemini.GEMINI, gemini.models)
_GEMINI_PATH: Final = re.compile(r"/models/[^/]+:[A-Za-z]+$")
_MODELS_PATH: Final = re.compile(r"/models(/[^/:]+)?$")


def endpoint_of(request: Request) -> Endpoint | None:
    """Return who answers, whatever prefix stands before the provider's own path."""
    method, path = request.method, request.path
    if method == "POST":
        if found := _EXACT.get(path):
            return found
        if _GEMINI_PATH.search(path):
            return _GEMINI
        fitting = [suffix for suffix in _POSTS if path.endswith(suffix)]
        return _POSTS[max(fitting, key=len)] if fitting else None
    if method == "GET" and _MODELS_PATH.search(path):
        if "/v1beta/" in path or "/v1alpha/" in path:
            return _GEMINI_MODELS
        if request.headers.get("anthropic-version", ""):
            return Endpoint(anthropic.ANTHROPIC, anthropic.models)
        return Endpoint(OPENAI, openai_media.models)
    return None


class Simulators:
    """The RSGI application."""

    def __init__(self, world: World) -> None:
        """Serve a world."""
        self.world = world

    async def __rsgi__(self, scope: wire.Scope, proto: wire.Proto) -> None:
        """Answer one request."""
        request = Request(
            method=scope.method,
            path=scope.path,
            query_string=scope.query_string,
            headers=scope.headers,
            body=await proto() if scope.method == "POST" else b"",
            request_id=self.world.request_id(),
        )
        if request.path.startswith("/_sim/"):
            status, kind, body = await asyncio.to_thread(admin.answer, request, self.world)
            proto.response_bytes(status, [("content-type", kind)], body)
            return
        await self._serve(request, proto, scope.client)

    async def _serve(self, request: Request, proto: wire.Proto, peer: str) -> None:
        endpoint = endpoint_of(request)
        dialect = endpoint.dialect if endpoint else OPENAI
        try:
            if endpoint is None:
                message = f"Invalid URL ({request.method} {request.path})"
                raise Refusal(404, "unknown_path", message)  # noqa: TRY301 — one place words it
            credential = dialect.admit(request, self.world.settings.keys)
            answer = self._answer(request, endpoint)
        except Refusal as refusal:
            self._refuse(request, dialect, refusal, proto)
            return
        headers = dialect.headers(request)
        if isinstance(answer, Free):
            headers.append(("content-type", "application/json"))
            proto.response_bytes(200, headers, answer.body)
            return
        caller = Caller(dialect.name, credential, _client_request_id(request))
        await wire.play(proto, self.world, answer, caller, headers, peer)

    def _answer(self, request: Request, endpoint: Endpoint) -> Answer | Free:
        """Return the answer, the remembered one if it would be the same."""
        world = self.world
        if world.faults.rules:
            return endpoint.answer(request, world)
        if found := world.repeats.find(request, world.created()):
            return found
        answer = endpoint.answer(request, world)
        if isinstance(answer, Answer) and find(request.body).fault is NO_FAULT:
            world.repeats.keep(request, answer)
        return answer

    def _refuse(
        self, request: Request, dialect: Dialect, refusal: Refusal, proto: wire.Proto
    ) -> None:
        self.world.refused[refusal.status] += 1
        headers = [*dialect.headers(request), ("content-type", "application/json")]
        if refusal.retry_after is not None and dialect is not gemini.GEMINI:
            headers.append(("retry-after", str(refusal.retry_after)))
        proto.response_bytes(refusal.status, headers, dialect.refuse(request, refusal))


def _client_request_id(request: Request) -> str:
    headers = request.headers
    return headers.get("x-client-request-id", "") or headers.get("x-yuejie-attempt", "")
