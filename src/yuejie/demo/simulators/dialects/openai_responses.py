"""OpenAI Responses: typed events with sequence numbers, usage in the terminal event alone."""

from typing import Any, Final

import msgspec

from yuejie.demo.simulators.answer import Answer, Request
from yuejie.demo.simulators.dialects import prose
from yuejie.demo.simulators.dialects.families import Family, Kind, family_of
from yuejie.demo.simulators.dialects.openai_words import tier_of
from yuejie.demo.simulators.dialects.tools import arguments
from yuejie.demo.simulators.directives import Directives
from yuejie.demo.simulators.tokens import Prompt, Tokens, shown
from yuejie.demo.simulators.world import World, decode, json
from yuejie.usage.dialects import Api


class Part(msgspec.Struct):
    """A part of an input item."""

    type: str = "input_text"
    text: str = ""


class Item(msgspec.Struct):
    """An input item: a message, or what a tool answered."""

    type: str = "message"
    role: str = "user"
    content: str | list[Part] | None = None
    output: Any = None


class Ask(msgspec.Struct):
    """A request, as far as the simulator looks."""

    model: str
    input: str | list[Item]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    service_tier: str | None = None


_ASK: Final = msgspec.json.Decoder(Ask)
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def respond(request: Request, world: World) -> Answer:
    """Answer `POST /v1/responses`."""
    ask = decode(_ASK, request.body)
    family = family_of("openai", ask.model, Kind.CHAT)
    order = world.order(request.body, ask.model)
    tokens = world.tally(_prompt(ask, family), order)
    return _Response(ask, family, order, tokens, world, request.request_id).answer()


def _prompt(ask: Ask, family: Family) -> Prompt:
    texts = [ask.instructions] if ask.instructions else []
    others = 0
    for item in [ask.input] if isinstance(ask.input, str) else ask.input:
        content = item if isinstance(item, str) else item.content
        if isinstance(content, str):
            texts.append(content)
        elif content:
            texts += [part.text for part in content if part.text]
            others += sum(1 for part in content if not part.text)
    if ask.tools:
        texts.append(json(ask.tools).decode())
    return Prompt(
        ask.model,
        texts,
        others,
        max_out=ask.max_output_tokens,
        reasons=family.reasons,
        cache_write="write_30m" if family.writes else "",
    )


def usage_of(tokens: Tokens, *, writes: bool) -> dict[str, object]:
    """Return the usage object of a response."""
    details: dict[str, object] = {"cached_tokens": tokens.cached}
    if writes or tokens.written:
        details["cache_write_tokens"] = tokens.written
        details["cache_write_tokens_details"] = {
            "ttl_30m_tokens": tokens.write_30m,
            "ttl_12h_tokens": tokens.write_12h,
        }
    return {
        "input_tokens": tokens.total_in,
        "input_tokens_details": details,
        "output_tokens": tokens.out,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total_in + tokens.out,
    }


class _Response:
    """One response in the making."""

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
        self.order = order
        self.tokens = tokens
        self.seed = world.settings.seed
        self.id = f"resp_{request_id}"
        self.item_id = f"msg_{request_id}"
        self.model = order.model or ask.model
        self.tier = tier_of(ask.service_tier, order.tier)
        self.created = world.created()
        told = shown(tokens, order.fault)
        self.usage = usage_of(told, writes=family.writes) if told else None
        self.reason = _INCOMPLETE.get(order.finish or ("length" if tokens.cut_short else ""))
        self.called = _called_function(ask)
        self.frames: list[bytes] = []

    def answer(self) -> Answer:
        streamed = bool(self.ask.stream)
        status = "incomplete" if self.reason else "completed"
        whole = self._whole(status, self._output(), self.usage)
        if streamed:
            self._stream(whole, status)
        return Answer(
            api=Api.OPENAI_RESPONSES,
            model=self.ask.model,
            billed_model=self.model,
            response_id=self.id,
            usage=self.tokens.meters(),
            body=b"" if streamed else json(whole),
            frames=self.frames if streamed else None,
            usage_at=max(len(self.frames) - 1, 0),
            error_frame=self._failed() if streamed else b"",
            content_type="text/event-stream" if streamed else "application/json",
            reported=not self.order.fault.misreports,
            tier=self.tier,
            tokens=self.tokens,
            order=self.order,
        )

    def _whole(
        self, status: str, output: list[dict[str, Any]], usage: dict[str, object] | None
    ) -> dict[str, Any]:
        searches = self.tokens.searches
        extra = {"tool_usage": {"web_search": {"num_requests": searches}}} if searches else {}
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": self.reason} if status == "incomplete" else None,
            "instructions": self.ask.instructions,
            "max_output_tokens": self.ask.max_output_tokens,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "service_tier": self.tier,
            "store": False,
            "temperature": 1,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": self.ask.tools or [],
            "top_p": 1,
            "truncation": "disabled",
            "usage": usage,
            "metadata": {},
            **extra,
        }

    def _output(self) -> list[dict[str, Any]]:
        thoughts = []
        if self.tokens.reasoning:
            thoughts = [{"id": f"rs_{self.id[5:]}", "type": "reasoning", "summary": []}]
        return [*thoughts, self.called or self._message(prose.text(self._visible(), self.seed))]

    def _visible(self) -> int:
        return max(self.tokens.out - self.tokens.reasoning, 1)

    def _message(self, text: str | None) -> dict[str, Any]:
        part: dict[str, Any] = {
            "type": "output_text",
            "annotations": [],
            "logprobs": [],
            "text": text,
        }
        return {
            "id": self.item_id,
            "type": "message",
            "status": "in_progress" if text is None else "completed",
            "content": [] if text is None else [part],
            "role": "assistant",
        }

    def _stream(self, whole: dict[str, Any], status: str) -> None:
        begun = self._whole("in_progress", [], None)
        self._emit("response.created", {"response": begun})
        self._emit("response.in_progress", {"response": begun})
        output = whole["output"]
        for index, item in enumerate(output):
            place = {"output_index": index}
            empty = self._message(None) if item["type"] == "message" else item
            self._emit("response.output_item.added", {**place, "item": empty})
            if item["type"] == "message":
                self._speak(place, item)
            elif item["type"] == "function_call":
                self._call(place, item)
            self._emit("response.output_item.done", {**place, "item": item})
        self._emit(f"response.{status}", {"response": whole})

    def _speak(self, place: dict[str, int], item: dict[str, Any]) -> None:
        place = {**place, "content_index": 0}
        named: dict[str, Any] = {"item_id": item["id"], **place}
        part = item["content"][0]
        self._emit("response.content_part.added", {**named, "part": {**part, "text": ""}})
        for piece in prose.pieces(self._visible(), self.order.pace.events, self.seed):
            self._delta(named, piece)
        self._emit("response.output_text.done", {**named, "logprobs": [], "text": part["text"]})
        self._emit("response.content_part.done", {**named, "part": part})

    def _delta(self, named: dict[str, Any], piece: bytes) -> None:
        self.frames.append(
            b"event: response.output_text.delta\n"
            b'data: {"type":"response.output_text.delta","sequence_number":%d,"item_id":"%s",'
            b'"output_index":%d,"content_index":0,"delta":"%s","logprobs":[]}\n\n'
            % (len(self.frames), named["item_id"].encode(), named["output_index"], piece)
        )

    def _call(self, place: dict[str, int], item: dict[str, Any]) -> None:
        named: dict[str, Any] = {"item_id": item["id"], **place}
        said = item["arguments"]
        self._emit("response.function_call_arguments.delta", {**named, "delta": said})
        done = {**named, "name": item["name"], "arguments": said}
        self._emit("response.function_call_arguments.done", done)

    def _emit(self, kind: str, fields: dict[str, Any]) -> None:
        event = {"type": kind, "sequence_number": len(self.frames), **fields}
        self.frames.append(b"event: " + kind.encode() + b"\ndata: " + json(event) + b"\n\n")

    def _failed(self) -> bytes:
        whole = self._whole("failed", [], None)
        whole["error"] = {
            "code": "server_error",
            "message": "The model failed to generate a response.",
        }
        event = {"type": "response.failed", "sequence_number": len(self.frames), "response": whole}
        return b"event: response.failed\ndata: " + json(event) + b"\n\n"


def _called_function(ask: Ask) -> dict[str, Any] | None:
    """Return the call of the first function offered, unless one was just answered."""
    functions = [t for t in ask.tools or [] if t.get("type") == "function"]
    answered = not isinstance(ask.input, str) and ask.input[-1].type == "function_call_output"
    if not functions or answered or ask.tool_choice == "none":
        return None
    name = str(functions[0].get("name", "tool"))
    return {
        "id": f"fc_{name}_0",
        "call_id": f"call_{name}_0",
        "type": "function_call",
        "status": "completed",
        "name": name,
        "arguments": json(arguments(functions[0].get("parameters"))).decode(),
    }
