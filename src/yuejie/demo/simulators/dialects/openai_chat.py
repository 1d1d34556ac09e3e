"""OpenAI Chat Completions and Completions, with the variants of DeepSeek, Moonshot, Qwen, GLM."""

from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Answer, Refusal, Request
from yuejie.demo.simulators.dialects import prose
from yuejie.demo.simulators.dialects.families import Family, Kind, UsageAt, family_of
from yuejie.demo.simulators.dialects.openai_words import ERROR_MIDSTREAM, tier_of, usage_of
from yuejie.demo.simulators.dialects.tools import arguments
from yuejie.demo.simulators.directives import Directives
from yuejie.demo.simulators.tokens import Prompt, Tokens, shown
from yuejie.demo.simulators.world import World, decode, json
from yuejie.usage.dialects import Api


class Part(msgspec.Struct):
    """A part of a message."""

    type: str = "text"
    text: str = ""


class Message(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str | list[Part] | None = None


class StreamOptions(msgspec.Struct):
    """How a stream is wanted."""

    include_usage: bool | None = None


class Ask(msgspec.Struct):
    """A chat request, as far as the simulator looks."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    service_tier: str | None = None


class PlainAsk(msgspec.Struct):
    """A completions request."""

    model: str
    prompt: str | list[str] = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None


_ASK: Final = msgspec.json.Decoder(Ask)
_PLAIN_ASK: Final = msgspec.json.Decoder(PlainAsk)
_DONE: Final = b"data: [DONE]\n\n"
_ERROR: Final = b"data: " + ERROR_MIDSTREAM + b"\n\n"
_THOUGHTS_SHOWN: Final = 24
"""Tokens of reasoning shown as text; the rest of the thinking is only counted."""


def chat(request: Request, world: World) -> Answer:
    """Answer `POST /v1/chat/completions`."""
    ask = decode(_ASK, request.body)
    family = family_of("openai", ask.model, Kind.CHAT)
    if not ask.messages:
        message = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise Refusal(400, "bad_request", message, ask.model, "messages")
    order = world.order(request.body, ask.model)
    tokens = world.tally(_prompt(ask, family), order)
    return _Chat(ask, family, order, tokens, world, request.request_id).answer()


def _prompt(ask: Ask, family: Family) -> Prompt:
    texts: list[str] = []
    others = 0
    for message in ask.messages:
        content = message.content
        if isinstance(content, str):
            texts.append(content)
        elif content:
            texts += [part.text for part in content if part.text]
            others += sum(1 for part in content if not part.text)
    if ask.tools:
        texts.append(json(ask.tools).decode())
    bound = ask.max_completion_tokens or ask.max_tokens
    return Prompt(
        ask.model,
        texts,
        others,
        max_out=bound * (ask.n or 1) if bound else None,
        reasons=family.reasons,
        cache_write="write_30m" if family.writes else "",
    )


class _Chat:
    """One chat answer in the making."""

    def __init__(
        self,
        ask: Ask,
        family: Family,
        order: Directives,
        tokens: Tokens,
        world: World,
        request_id: str,
    ) -> None:
        self.ask = ask
        self.family = family
        self.order = order
        self.tokens = tokens
        self.seed = world.settings.seed
        self.id = f"chatcmpl-{request_id}"
        self.model = order.model or ask.model
        self.tier = tier_of(ask.service_tier, order.tier) if family.maker == "openai" else ""
        self.created = world.created()
        told = shown(tokens, order.fault)
        self.usage = usage_of(told, family.maker, writes=family.writes) if told else None
        self.choices = max(ask.n or 1, 1)
        self.called = _called_tool(ask)

    def answer(self) -> Answer:
        streamed = bool(self.ask.stream)
        frames, usage_at, told = self._frames() if streamed else (None, 0, True)
        return Answer(
            api=Api.OPENAI_CHAT,
            model=self.ask.model,
            billed_model=self.model,
            response_id=self.id,
            usage=self.tokens.meters(),
            body=b"" if streamed else self._body(),
            frames=frames,
            usage_at=usage_at,
            error_frame=_ERROR,
            content_type="text/event-stream" if streamed else "application/json",
            reported=told and not self.order.fault.misreports,
            tier=self.tier,
            tokens=self.tokens,
            order=self.order,
        )

    def _body(self) -> bytes:
        message = {"role": "assistant", "content": None, "refusal": None}
        if self.called:
            message["tool_calls"] = [self.called]  # type: ignore[assignment]  # JSON of any shape
        else:
            message["content"] = prose.text(self._visible(), self.seed)
        finish = self._finish()
        choices = [
            {"index": i, "message": message, "logprobs": None, "finish_reason": finish}
            for i in range(self.choices)
        ]
        return json(self._envelope("chat.completion", choices) | self._usage_part())

    def _usage_part(self) -> dict[str, object]:
        return {"usage": self.usage} if self.usage else {}

    def _envelope(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, object]:
        tier = {"service_tier": self.tier} if self.tier else {}
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            **tier,
            "system_fingerprint": "fp_simulator",
            "choices": choices,
        }

    def _visible(self) -> int:
        return max((self.tokens.out - self.tokens.reasoning) // self.choices, 1)

    def _finish(self) -> str:
        if self.order.finish:
            return self.order.finish
        if self.tokens.cut_short:
            return "length"
        return "tool_calls" if self.called else "stop"

    def _frames(self) -> tuple[list[bytes], int, bool]:
        """Return the events, which of them carries the usage, and whether one does."""
        options = self.ask.stream_options
        asked = bool(options and options.include_usage)
        place = self.family.usage_at
        frames = [b": keep-alive\n\n"] if self.family.maker == "deepseek" else []
        for index in range(self.choices):
            frames += self._choice_frames(index, asked=asked)
        usage_at = len(frames) - 1
        if asked and place is not UsageAt.FINISH and self.usage:
            frames.append(self._chunk([], asked=False, usage=self.usage))
            usage_at = len(frames) - 1 if place is UsageAt.ASKED else usage_at
        told = bool(self.usage) and (asked or place is not UsageAt.ASKED)
        frames.append(_DONE)
        return frames, usage_at if told else len(frames) - 1, told

    def _choice_frames(self, index: int, *, asked: bool) -> list[bytes]:
        first = {"role": "assistant", "content": None if self.called else ""}
        frames = [self._delta(index, first, asked=asked)]
        if self.tokens.reasoning and self.family.maker in {"deepseek", "zhipu"}:
            thoughts = min(self.tokens.reasoning, _THOUGHTS_SHOWN)
            frames += self._text_frames(index, thoughts, None, "reasoning_content", asked=asked)
        if self.called:
            call = {"index": 0, **self.called}
            frames.append(self._delta(index, {"tool_calls": [call]}, asked=asked))
        else:
            events = self.order.pace.events
            frames += self._text_frames(index, self._visible(), events, "content", asked=asked)
        return [*frames, self._last(index, asked=asked)]

    def _text_frames(
        self, index: int, tokens: int, events: int | None, name: str, *, asked: bool
    ) -> list[bytes]:
        """Glue the frames of a text from two constant halves: this is where streams are fast."""
        before, after = self._delta(index, {name: "\x00"}, asked=asked).split(b"\\u0000")
        return [before + piece + after for piece in prose.pieces(tokens, events, self.seed)]

    def _last(self, index: int, *, asked: bool) -> bytes:
        choice: dict[str, Any] = {"index": index, "delta": {}, "finish_reason": self._finish()}
        final = index == self.choices - 1 and self.usage is not None
        if final and self.family.usage_at is UsageAt.CHOICE:
            choice["usage"] = self.usage
        on_chunk = self.usage if final and self.family.usage_at is UsageAt.FINISH else None
        return self._chunk([choice], asked=asked, usage=on_chunk)

    def _delta(self, index: int, delta: dict[str, Any], *, asked: bool) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._chunk([choice], asked=asked)

    def _chunk(
        self,
        choices: list[dict[str, Any]],
        *,
        asked: bool,
        usage: dict[str, object] | None = None,
    ) -> bytes:
        chunk = self._envelope("chat.completion.chunk", choices)
        if usage or asked:
            chunk["usage"] = usage
        return b"data: " + json(chunk) + b"\n\n"


def _called_tool(ask: Ask) -> dict[str, Any] | None:
    """Return the call of the first tool, unless tools are forbidden or were just answered."""
    if not ask.tools or ask.tool_choice == "none" or ask.messages[-1].role == "tool":
        return None
    function = ask.tools[0].get("function") or {}
    called = json(arguments(function.get("parameters"))).decode()
    name = str(function.get("name", "tool"))
    return {
        "id": f"call_{name}_0",
        "type": "function",
        "function": {"name": name, "arguments": called},
    }


def complete(request: Request, world: World) -> Answer:
    """Answer `POST /v1/completions`."""
    ask = decode(_PLAIN_ASK, request.body)
    family_of("openai", ask.model, Kind.CHAT)
    order = world.order(request.body, ask.model)
    texts = [ask.prompt] if isinstance(ask.prompt, str) else ask.prompt
    tokens = world.tally(Prompt(ask.model, texts, max_out=ask.max_tokens, caches=False), order)
    told = shown(tokens, order.fault)
    counts = (
        {
            "prompt_tokens": told.total_in,
            "completion_tokens": told.out,
            "total_tokens": told.total_in + told.out,
        }
        if told
        else None
    )
    head = {
        "id": f"cmpl-{request.request_id}",
        "object": "text_completion",
        "created": world.created(),
        "model": order.model or ask.model,
    }
    finish = order.finish or ("length" if tokens.cut_short else "stop")
    answer = Answer(
        api=Api.OPENAI_COMPLETIONS,
        model=ask.model,
        billed_model=order.model or ask.model,
        response_id=str(head["id"]),
        usage=tokens.meters(),
        error_frame=_ERROR,
        reported=not order.fault.misreports,
        tokens=tokens,
        order=order,
    )
    if ask.stream:
        return _stream_plain(answer, ask, head, counts, finish, world.settings.seed)
    choice = _plain_choice(prose.text(tokens.out, world.settings.seed), finish)
    answer.body = json({**head, "choices": [choice], **({"usage": counts} if counts else {})})
    return answer


def _plain_choice(text: str, finish: str | None) -> dict[str, object]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}


def _stream_plain(
    answer: Answer,
    ask: PlainAsk,
    head: dict[str, object],
    counts: dict[str, int] | None,
    finish: str,
    seed: int,
) -> Answer:
    asked = bool(ask.stream_options and ask.stream_options.include_usage)
    empty: dict[str, object] = {"usage": None} if asked else {}

    def frame(choices: list[dict[str, object]], extra: dict[str, object]) -> bytes:
        return b"data: " + json({**head, "choices": choices, **extra}) + b"\n\n"

    before, after = frame([_plain_choice("\x00", None)], empty).split(b"\\u0000")
    out = answer.tokens.out if answer.tokens else 0
    words = prose.pieces(out, answer.order.pace.events, seed)
    frames = [before + word + after for word in words]
    frames.append(frame([_plain_choice("", finish)], empty))
    told = asked and counts is not None
    if told:
        frames.append(frame([], {"usage": counts}))
    answer.usage_at = len(frames) - 1 if told else len(frames)
    answer.frames = [*frames, _DONE]
    answer.reported = told and answer.reported
    answer.content_type = "text/event-stream"
    return answer
