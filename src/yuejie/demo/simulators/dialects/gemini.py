"""Gemini: the method is in the path, each chunk has all usage so far, thoughts stand beside."""

import re
from dataclasses import replace
from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Answer, Dialect, Free, Refusal, Request
from yuejie.demo.simulators.dialects import prose
from yuejie.demo.simulators.dialects.families import CATALOGUE, Family, Kind, family_of
from yuejie.demo.simulators.dialects.tools import arguments
from yuejie.demo.simulators.directives import Directives
from yuejie.demo.simulators.tokens import Prompt, Tokens, shown, tokens_in
from yuejie.demo.simulators.world import World, decode, json
from yuejie.usage.dialects import Api
from yuejie.usage.meters import Meter

_STATUSES: Final = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: (
        "NOT_FOUND",
        "models/{model} is not found for API version v1beta or not supported for this method.",
    ),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota. Please retry in {after}s."),
    499: ("CANCELLED", "The operation was cancelled."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
_KINDS: Final = "type.googleapis.com/google.rpc."


def credential(request: Request) -> str:
    """Return the caller's key, from the header or the query."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    given = request.headers.get("x-goog-api-key", "")
    return given or request.asked("key") or bearer


def admit(request: Request, keys: frozenset[str]) -> str:
    """Return the caller's key; none is a 403 and a wrong one a 400, as with Google."""
    given = credential(request)
    if not given:
        message = "Method doesn't allow unregistered callers. Please use API Key."
        raise Refusal(403, "unauthorized", message)
    if given not in keys:
        message = "API key not valid. Please pass a valid API key."
        raise Refusal(400, "bad_key", message)
    return given


def headers(request: Request) -> list[tuple[str, str]]:
    """Return what every answer carries; there is no request id among it."""
    del request
    return [("server-timing", "gfet4t7; dur=12"), ("vary", "Origin")]


def refuse(request: Request, refusal: Refusal) -> bytes:
    """Word a refusal; how long to wait stands in the body."""
    del request
    status, said = _STATUSES.get(refusal.status, _STATUSES[500])
    after = refusal.retry_after or 1
    message = refusal.message or said.format(model=refusal.model, after=after)
    error: dict[str, Any] = {"code": refusal.status, "message": message, "status": status}
    if refusal.reason == "bad_key":
        reason = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        error["details"] = [{"@type": f"{_KINDS}ErrorInfo", **reason}]
    if refusal.status == 429:
        violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}
        error["details"] = [
            {"@type": f"{_KINDS}QuotaFailure", "violations": [violation]},
            {"@type": f"{_KINDS}RetryInfo", "retryDelay": f"{after}s"},
        ]
    return json({"error": error})


GEMINI: Final = Dialect("gemini", admit, headers, refuse)


class Part(msgspec.Struct, rename="camel"):
    """A part of a content: text, or something else."""

    text: str = ""
    inline_data: Any = None
    function_response: Any = None


class Content(msgspec.Struct):
    """A turn of the conversation."""

    parts: list[Part] = []
    role: str = "user"


class Generation(msgspec.Struct, rename="camel"):
    """The part of the generation settings that matters here."""

    max_output_tokens: int | None = None
    candidate_count: int | None = None
    thinking_config: dict[str, Any] | None = None


class Ask(msgspec.Struct, rename="camel"):
    """A request to generate or to count."""

    contents: list[Content] | Content
    system_instruction: Content | None = None
    generation_config: Generation | None = None
    tools: list[dict[str, Any]] | None = None
    tool_config: dict[str, Any] | None = None
    cached_content: str | None = None
    service_tier: str | None = None


class CountAsk(msgspec.Struct, rename="camel"):
    """A request to count tokens, with contents or with a whole request inside."""

    contents: list[Content] = []
    generate_content_request: Ask | None = None


class EmbedAsk(msgspec.Struct):
    """A request for a vector."""

    content: Content


class BatchAsk(msgspec.Struct):
    """A request for several vectors."""

    requests: list[EmbedAsk]


_ASK: Final = msgspec.json.Decoder(Ask)
_COUNT: Final = msgspec.json.Decoder(CountAsk)
_EMBED: Final = msgspec.json.Decoder(EmbedAsk)
_BATCH: Final = msgspec.json.Decoder(BatchAsk)
_METHOD: Final = re.compile(r"/models/([^/]+):([A-Za-z]+)$")
_FINISHES: Final = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "refusal": "SAFETY"}
_IMAGE_TOKENS: Final = 258
_ERROR: Final = json(
    {
        "error": {
            "code": 503,
            "message": "The model is overloaded. Please try again later.",
            "status": "UNAVAILABLE",
        }
    }
)


def call(request: Request, world: World) -> Answer | Free:
    """Answer `POST /v1beta/models/{model}:{method}`, also under `/v1` and `/v1alpha`."""
    found = _METHOD.search(request.path)
    model, method = (found[1], found[2]) if found else ("", "")
    match method:
        case "generateContent" | "streamGenerateContent":
            return _generate(request, world, model, streamed=method.startswith("stream"))
        case "countTokens":
            return _count(request, world, model)
        case "embedContent" | "batchEmbedContents":
            return _embed(request, world, model, method)
    raise Refusal(404, "unknown_path", f"Method {method} is not found.", model)


def _prompt(ask: Ask, model: str, family: Family) -> Prompt:
    contents = ask.contents if isinstance(ask.contents, list) else [ask.contents]
    spoken = [ask.system_instruction, *contents] if ask.system_instruction else contents
    parts = [part for content in spoken for part in content.parts]
    texts = [part.text for part in parts if part.text]
    if ask.tools:
        texts.append(json(ask.tools).decode())
    settings = ask.generation_config or Generation()
    thinking = settings.thinking_config or {}
    return Prompt(
        model,
        texts,
        sum(1 for p in parts if not p.text and not p.inline_data),
        max_out=settings.max_output_tokens,
        reasons=family.reasons and thinking.get("thinkingBudget") != 0,
    )


def _pictures(ask: Ask) -> int:
    contents = ask.contents if isinstance(ask.contents, list) else [ask.contents]
    return sum(1 for content in contents for part in content.parts if part.inline_data)


def _generate(request: Request, world: World, model: str, *, streamed: bool) -> Answer:
    ask = decode(_ASK, request.body)
    family = family_of("gemini", model, Kind.CHAT)
    if not ask.contents:
        message = "* GenerateContentRequest.contents: contents is not specified\n"
        raise Refusal(400, "bad_request", message, model)
    order = world.order(request.body, model)
    tokens = world.tally(_prompt(ask, model, family), order)
    if order.counts.total_in is None and (seen := _pictures(ask) * _IMAGE_TOKENS):
        tokens = replace(tokens, total_in=tokens.total_in + seen, image_in=seen)
    made = _Generation(ask, model, order, tokens, world.settings.seed, request.request_id)
    return made.answer(streamed=streamed, sse=request.asked("alt") == "sse")


def usage_of(tokens: Tokens, tier: str) -> dict[str, Any]:
    """Return usageMetadata: zeros are left out, thoughts stand beside the answer."""
    visible = tokens.out - tokens.reasoning
    media = {"IMAGE": tokens.image_in, "AUDIO": tokens.audio_in, "VIDEO": tokens.video_in}
    drawn = {"IMAGE": tokens.image_out, "AUDIO": tokens.audio_out}
    usage = {
        "promptTokenCount": tokens.total_in,
        "cachedContentTokenCount": tokens.cached,
        "candidatesTokenCount": visible,
        "thoughtsTokenCount": tokens.reasoning,
        "toolUsePromptTokenCount": tokens.tool_in,
        "totalTokenCount": tokens.total_in + tokens.out + tokens.tool_in,
        "promptTokensDetails": _details(tokens.total_in, media),
        "cacheTokensDetails": _details(tokens.cached, {}),
        "candidatesTokensDetails": _details(visible, drawn) if any(drawn.values()) else [],
        "toolUsePromptTokensDetails": _details(tokens.tool_in, {}),
    }
    return {name: value for name, value in usage.items() if value} | {"serviceTier": tier}


def _details(total: int, media: dict[str, int]) -> list[dict[str, Any]]:
    counts = {"TEXT": total - sum(media.values()), **media}
    return [{"modality": m, "tokenCount": count} for m, count in counts.items() if count]


class _Generation:
    """One generated content in the making."""

    def __init__(
        self,
        ask: Ask,
        model: str,
        order: Directives,
        tokens: Tokens,
        seed: int,
        request_id: str,
    ) -> None:
        self.ask = ask
        self.model = model
        self.billed = order.model or model
        self.order = order
        self.tokens = tokens
        self.told = shown(tokens, order.fault)
        self.seed = seed
        self.id = request_id
        self.tier = order.tier or (ask.service_tier or "standard").lower()
        self.called = _called_function(ask)

    def answer(self, *, streamed: bool, sse: bool) -> Answer:
        frames = self._frames(sse=sse) if streamed else None
        kind = "text/event-stream" if streamed and sse else "application/json; charset=UTF-8"
        return Answer(
            api=Api.GEMINI_GENERATE,
            model=self.model,
            billed_model=self.billed,
            response_id=self.id,
            usage=self.tokens.meters(),
            body=b"" if streamed else self._body(),
            frames=frames,
            usage_at=len(frames) - 1 if frames else 0,
            error_frame=b"data: " + _ERROR + b"\r\n\r\n" if sse else b",\r\n" + _ERROR + b"]",
            content_type=kind,
            reported=not self.order.fault.misreports,
            tier=self.tier,
            tokens=self.tokens,
            order=self.order,
        )

    def _visible(self) -> int:
        return max(self.tokens.out - self.tokens.reasoning, 1)

    def _chunk(
        self, parts: list[dict[str, Any]], finish: str | None, usage: dict[str, Any] | None
    ) -> dict[str, Any]:
        done = {"finishReason": finish} if finish else {}
        candidate = {"content": {"parts": parts, "role": "model"}, **done, "index": 0}
        told = {"usageMetadata": usage} if usage else {}
        return {
            "candidates": [candidate],
            **told,
            "modelVersion": self.billed,
            "responseId": self.id,
        }

    def _finish(self) -> str:
        finish = self.order.finish or ("length" if self.tokens.cut_short else "")
        return _FINISHES.get(finish, "STOP")

    def _final_usage(self) -> dict[str, Any] | None:
        return usage_of(self.told, self.tier) if self.told else None

    def _thoughts(self) -> list[dict[str, Any]]:
        settings = self.ask.generation_config or Generation()
        wanted = (settings.thinking_config or {}).get("includeThoughts")
        if not wanted or not self.tokens.reasoning:
            return []
        return [{"text": prose.text(min(self.tokens.reasoning, 24), self.seed), "thought": True}]

    def _body(self) -> bytes:
        text = {"text": prose.text(self._visible(), self.seed)}
        parts = [*self._thoughts(), self.called or text]
        return json(self._chunk(parts, self._finish(), self._final_usage()))

    def _frames(self, *, sse: bool) -> list[bytes]:
        bodies: list[bytes] = []
        if thoughts := self._thoughts():
            bodies.append(json(self._chunk(thoughts, None, self._usage_so_far(0))))
        if self.called:
            bodies.append(json(self._chunk([self.called], None, self._usage_so_far(0))))
        else:
            bodies += self._spoken()
        bodies.append(json(self._chunk([{"text": ""}], self._finish(), self._final_usage())))
        if sse:
            return [b"data: " + body + b"\r\n\r\n" for body in bodies]
        last = len(bodies) - 1
        return [
            (b",\r\n" if i else b"[") + body + (b"]" if i == last else b"")
            for i, body in enumerate(bodies)
        ]

    def _spoken(self) -> list[bytes]:
        """Glue the chunks of the text; only the counts of the answer grow from one to the next."""
        pieces = prose.pieces(self._visible(), self.order.pace.events, self.seed)
        if self.told is None:
            before, after = json(self._chunk([{"text": "\x00"}], None, None)).split(b"\\u0000")
            return [before + piece + after for piece in pieces]
        usage = self._usage_so_far(1)
        usage |= {"candidatesTokenCount": "\x00", "totalTokenCount": "\x00"}
        shape = json(self._chunk([{"text": "\x00"}], None, usage)).replace(b"%", b"%%")
        shape = shape.replace(b'"\\u0000"', b'"%s"', 1).replace(b'"\\u0000"', b"%d")
        base = self.tokens.total_in + self.tokens.tool_in + self.tokens.reasoning
        visible = self.tokens.out - self.tokens.reasoning
        count = len(pieces)
        return [
            shape % (piece, visible * i // count, base + visible * i // count)
            for i, piece in enumerate(pieces, start=1)
        ]

    def _usage_so_far(self, spoken: int) -> dict[str, Any]:
        out = self.tokens.reasoning + spoken
        so_far = replace(self.tokens, out=out, audio_out=0, image_out=0)
        return usage_of(so_far, self.tier) if self.told else {}


def _called_function(ask: Ask) -> dict[str, Any] | None:
    """Return the call of the first function, unless forbidden or one was just answered."""
    declared = [d for tool in ask.tools or [] for d in tool.get("functionDeclarations") or []]
    contents = ask.contents if isinstance(ask.contents, list) else [ask.contents]
    answered = any(part.function_response for part in contents[-1].parts)
    mode = ((ask.tool_config or {}).get("functionCallingConfig") or {}).get("mode")
    if not declared or answered or mode == "NONE":
        return None
    first = declared[0]
    schema = first.get("parameters") or first.get("parametersJsonSchema")
    return {"functionCall": {"name": first.get("name", "tool"), "args": arguments(schema)}}


def _count(request: Request, world: World, model: str) -> Free:
    """Count tokens, which is free."""
    asked = decode(_COUNT, request.body)
    family = family_of("gemini", model, Kind.CHAT)
    ask = asked.generate_content_request or Ask(asked.contents)
    order = world.order(request.body, model)
    prompt = replace(_prompt(ask, model, family), caches=False)
    total = world.tally(prompt, order).total_in
    return Free(json({"totalTokens": total, "promptTokensDetails": _details(total, {})}))


def _embed(request: Request, world: World, model: str, method: str) -> Answer:
    """Return vectors for one content or several."""
    batched = method == "batchEmbedContents"
    asks = decode(_BATCH, request.body).requests if batched else [decode(_EMBED, request.body)]
    family_of("gemini", model, Kind.EMBEDDING)
    order = world.order(request.body, model)
    texts = [part.text for ask in asks for part in ask.content.parts]
    counted = max(sum(tokens_in(text) for text in texts), 1)
    total = order.counts.total_in
    tokens = Tokens(total_in=counted if total is None else total)
    told = shown(tokens, order.fault)
    vector = {"values": [(i % 7 - 3) / 8 for i in range(16)]}
    body: dict[str, Any] = (
        {"embeddings": [vector] * len(asks)} if batched else {"embedding": vector}
    )
    if told:
        details = _details(told.total_in, {})
        body["usageMetadata"] = {"promptTokenCount": told.total_in, "promptTokenDetails": details}
    return Answer(
        api=Api.GEMINI_EMBED,
        model=model,
        billed_model=order.model or model,
        response_id=request.request_id,
        usage={Meter.INPUT: tokens.total_in},
        body=json(body),
        reported=not order.fault.misreports,
        order=order,
    )


def models(request: Request, world: World) -> Free:
    """Answer `GET /v1beta/models` and `GET /v1beta/models/{model}`."""
    del world
    _, _, name = request.path.partition("/models/")
    if name:
        family_of("gemini", name, Kind.CHAT, Kind.EMBEDDING)
        return Free(json(_model(name)))
    return Free(json({"models": [_model(n) for n in CATALOGUE["gemini"]]}))


def _model(name: str) -> dict[str, object]:
    embeds = "embedding" in name
    methods = ["embedContent"] if embeds else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
    }
