"""Anthropic Messages: usage at the start and again, cumulative, at the end; cache outside input."""

import re
from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Answer, Dialect, Free, Refusal, Request
from yuejie.demo.simulators.dialects import prose
from yuejie.demo.simulators.dialects.families import CATALOGUE, Kind, family_of
from yuejie.demo.simulators.dialects.tools import arguments
from yuejie.demo.simulators.directives import Directives
from yuejie.demo.simulators.tokens import Prompt, Tokens, shown
from yuejie.demo.simulators.world import World, decode, json
from yuejie.usage.dialects import Api

_TYPES: Final = {
    400: ("invalid_request_error", "invalid request"),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use this resource."),
    404: ("not_found_error", "model: {model}"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}
_LIMITS: Final = (
    ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-ratelimit-requests-reset", "2099-01-01T00:00:00Z"),
    ("anthropic-ratelimit-input-tokens-limit", "2000000"),
    ("anthropic-ratelimit-input-tokens-remaining", "1999000"),
    ("anthropic-ratelimit-output-tokens-limit", "400000"),
    ("anthropic-ratelimit-output-tokens-remaining", "399000"),
)


def credential(request: Request) -> str:
    """Return the caller's key."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.headers.get("x-api-key", "") or bearer


def admit(request: Request, keys: frozenset[str]) -> str:
    """Return the caller's key; refuse one not accepted, then a caller who names no version."""
    given = credential(request)
    if given not in keys:
        raise Refusal(401, "unauthorized", "")
    if not request.headers.get("anthropic-version", ""):
        raise Refusal(400, "bad_request", "anthropic-version: header is required")
    return given


def headers(request: Request) -> list[tuple[str, str]]:
    """Return what every answer carries."""
    return [("request-id", f"req_{request.request_id}"), *_LIMITS]


def _error(kind: str, message: str, request_id: str) -> bytes:
    error = {"type": kind, "message": message}
    return json({"type": "error", "error": error, "request_id": f"req_{request_id}"})


def refuse(request: Request, refusal: Refusal) -> bytes:
    """Word a refusal."""
    kind, said = _TYPES.get(refusal.status, _TYPES[500])
    if refusal.reason == "quota":
        said = "You have reached your specified API usage limits."
    message = refusal.message or said.format(model=refusal.model)
    return _error(kind, message, request.request_id)


ANTHROPIC: Final = Dialect("anthropic", admit, headers, refuse)


class Block(msgspec.Struct):
    """A block of content."""

    type: str = "text"
    text: str = ""


class Message(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str | list[Block]


class Ask(msgspec.Struct):
    """A request, as far as the simulator looks."""

    model: str
    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[Block] | None = None
    stream: bool | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None


_ASK: Final = msgspec.json.Decoder(Ask)
_CACHES: Final = b'"cache_control"'
_ONE_HOUR: Final = re.compile(rb'"ttl"\s*:\s*"1h"')
_STOPS: Final = {"length": "max_tokens", "content_filter": "refusal"}


def _prompt(ask: Ask, body: bytes) -> Prompt:
    texts: list[str] = []
    others = 0
    for content in (ask.system, *(message.content for message in ask.messages)):
        if isinstance(content, str):
            texts.append(content)
        elif content:
            texts += [block.text for block in content if block.text]
            others += sum(1 for block in content if not block.text)
    if ask.tools:
        texts.append(json(ask.tools).decode())
    return Prompt(
        ask.model,
        texts,
        others,
        max_out=ask.max_tokens,
        reasons=bool(ask.thinking) and (ask.thinking or {}).get("type") != "disabled",
        cache_write="write_1h" if _ONE_HOUR.search(body) else "write_5m",
        caches=_CACHES in body,
    )


def message(request: Request, world: World) -> Answer:
    """Answer `POST /v1/messages`."""
    ask = decode(_ASK, request.body)
    family_of("anthropic", ask.model, Kind.CHAT)
    if not ask.messages:
        problem = "messages: at least one message is required"
        raise Refusal(400, "bad_request", problem, ask.model)
    if ask.max_tokens is None:
        raise Refusal(400, "bad_request", "max_tokens: Field required", ask.model)
    order = world.order(request.body, ask.model)
    tokens = world.tally(_prompt(ask, request.body), order)
    return _Message(ask, order, tokens, world.settings.seed, request.request_id).answer()


def count_tokens(request: Request, world: World) -> Free:
    """Answer `POST /v1/messages/count_tokens`, which is free."""
    ask = decode(_ASK, request.body)
    family_of("anthropic", ask.model, Kind.CHAT)
    order = world.order(request.body, ask.model)
    tokens = world.tally(_prompt(ask, b""), order)
    return Free(json({"input_tokens": tokens.total_in}))


def usage_of(tokens: Tokens, tier: str) -> dict[str, Any]:
    """Return the whole usage object; only it has the lives of cache writes."""
    return {
        "input_tokens": tokens.uncached,
        "cache_creation_input_tokens": tokens.write_5m + tokens.write_1h,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.write_5m,
            "ephemeral_1h_input_tokens": tokens.write_1h,
        },
        "output_tokens": tokens.out,
        **_beside(tokens),
        "service_tier": tier,
        "inference_geo": "not_available",
    }


def _beside(tokens: Tokens) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if tokens.reasoning:
        extra["output_tokens_details"] = {"thinking_tokens": tokens.reasoning}
    if tokens.searches:
        searches = {"web_search_requests": tokens.searches, "web_fetch_requests": 0}
        extra["server_tool_use"] = searches
    return extra


class _Message:
    """One message in the making."""

    def __init__(
        self, ask: Ask, order: Directives, tokens: Tokens, seed: int, request_id: str
    ) -> None:
        self.ask = ask
        self.order = order
        self.tokens = tokens
        self.told = shown(tokens, order.fault)
        self.seed = seed
        self.request_id = request_id
        self.id = f"msg_{request_id}"
        self.model = order.model or ask.model
        self.tier = order.tier or "standard"
        self.called = _called_tool(ask)

    def answer(self) -> Answer:
        streamed = bool(self.ask.stream)
        frames = self._frames() if streamed else None
        error = _error("overloaded_error", "Overloaded", self.request_id)
        return Answer(
            api=Api.ANTHROPIC_MESSAGES,
            model=self.ask.model,
            billed_model=self.model,
            response_id=self.id,
            usage=self.tokens.meters(),
            body=b"" if streamed else self._body(),
            frames=frames,
            usage_at=len(frames) - 2 if frames else 0,
            error_frame=b"event: error\ndata: " + error + b"\n\n",
            content_type="text/event-stream; charset=utf-8" if streamed else "application/json",
            reported=not self.order.fault.misreports,
            tier=self.tier,
            tokens=self.tokens,
            order=self.order,
        )

    def _visible(self) -> int:
        return max(self.tokens.out - self.tokens.reasoning, 1)

    def _stop(self) -> str:
        finish = self.order.finish
        if finish:
            return _STOPS.get(finish, finish)
        if self.tokens.cut_short:
            return "max_tokens"
        return "tool_use" if self.called else "end_turn"

    def _head(self, content: list[dict[str, Any]], stop: str | None) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
        }

    def _body(self) -> bytes:
        content: list[dict[str, Any]] = []
        if self.tokens.reasoning:
            thought = prose.text(min(self.tokens.reasoning, 24), self.seed)
            content.append({"type": "thinking", "thinking": thought, "signature": "c2lt"})
        text = {"type": "text", "text": prose.text(self._visible(), self.seed)}
        content.append(self.called or text)
        usage = {"usage": usage_of(self.told, self.tier)} if self.told else {}
        return json(self._head(content, self._stop()) | usage)

    def _frames(self) -> list[bytes]:
        frames = [self._start()]
        index = 0
        if self.tokens.reasoning:
            frames += self._thinking()
            index = 1
        frames += self._tool(index) if self.called else self._text(index)
        delta = {"stop_reason": self._stop(), "stop_sequence": None}
        end: dict[str, Any] = {"delta": delta}
        if self.told:
            end["usage"] = self._last_usage(self.told)
        return [*frames, _frame("message_delta", end), _frame("message_stop", {})]

    def _start(self) -> bytes:
        """The start knows the prompt; of the answer it has a placeholder."""
        head = self._head([], None)
        if self.told:
            usage = usage_of(self.tokens, self.tier)
            usage.pop("output_tokens_details", None)
            usage.pop("server_tool_use", None)
            head["usage"] = usage | {"output_tokens": 1}
        return _frame("message_start", {"message": head})

    def _last_usage(self, told: Tokens) -> dict[str, Any]:
        return {
            "input_tokens": told.uncached,
            "cache_creation_input_tokens": told.write_5m + told.write_1h,
            "cache_read_input_tokens": told.cached,
            "output_tokens": told.out,
            **_beside(told),
        }

    def _thinking(self) -> list[bytes]:
        pieces = prose.pieces(min(self.tokens.reasoning, 24), None, self.seed)
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        signature = {"type": "signature_delta", "signature": "c2lt"}
        return [
            _frame("content_block_start", {"index": 0, "content_block": empty}),
            *(_delta(0, "thinking_delta", "thinking", piece) for piece in pieces),
            _frame("content_block_delta", {"index": 0, "delta": signature}),
            _frame("content_block_stop", {"index": 0}),
        ]

    def _text(self, index: int) -> list[bytes]:
        pieces = prose.pieces(self._visible(), self.order.pace.events, self.seed)
        empty = {"type": "text", "text": ""}
        before, after = _delta(index, "text_delta", "text", b"\x00").split(b"\x00")
        return [
            _frame("content_block_start", {"index": index, "content_block": empty}),
            _frame("ping", {}),
            *(before + piece + after for piece in pieces),
            _frame("content_block_stop", {"index": index}),
        ]

    def _tool(self, index: int) -> list[bytes]:
        called = self.called or {}
        said = json(called["input"]).decode()
        delta = {"type": "input_json_delta", "partial_json": said}
        block = {**called, "input": {}}
        return [
            _frame("content_block_start", {"index": index, "content_block": block}),
            _frame("ping", {}),
            _frame("content_block_delta", {"index": index, "delta": delta}),
            _frame("content_block_stop", {"index": index}),
        ]


def _frame(kind: str, fields: dict[str, Any]) -> bytes:
    event = {"type": kind, **fields}
    return b"event: " + kind.encode() + b"\ndata: " + json(event) + b"\n\n"


def _delta(index: int, kind: str, name: str, piece: bytes) -> bytes:
    return (
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":"%s"}}\n\n'
        % (index, kind.encode(), name.encode(), piece)
    )


def _called_tool(ask: Ask) -> dict[str, Any] | None:
    """Return the call of the first tool, unless tools are forbidden or were just answered."""
    last = ask.messages[-1].content
    answered = not isinstance(last, str) and any(b.type == "tool_result" for b in last)
    if not ask.tools or answered or (ask.tool_choice or {}).get("type") == "none":
        return None
    name = str(ask.tools[0].get("name", "tool"))
    given = arguments(ask.tools[0].get("input_schema"))
    return {"type": "tool_use", "id": f"toolu_{name}_0", "name": name, "input": given}


def models(request: Request, world: World) -> Free:
    """Answer `GET /v1/models` and `GET /v1/models/{id}`."""
    _, _, name = request.path.partition("/models/")
    if name:
        family_of("anthropic", name, Kind.CHAT)
        return Free(json(_model(name, world)))
    data = [_model(n, world) for n in CATALOGUE["anthropic"]]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return Free(json({"data": data, "has_more": False, **ends}))


def _model(name: str, world: World) -> dict[str, str]:
    created = world.clock.now().date().isoformat() + "T00:00:00Z"
    return {"type": "model", "id": name, "display_name": name, "created_at": created}
