"""The tap on a stream: reads a copy of what passes and says at the end what was used.

Hot. An ordinary chunk is one event, and a *glance* at its outermost members tells that nothing in
it matters (half a microsecond; texts are skipped, not built). Several events in one chunk are
searched for the bytes of what matters. Only what matters is decoded.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

from yuejie.usage.dialects.answer import Ending, open_envelope, read_answer
from yuejie.usage.dialects.document import (
    BrokenJson,
    Document,
    Literal,
    first,
    look,
    merge,
    read_document,
    text,
)
from yuejie.usage.dialects.failures import in_answer, of_exception
from yuejie.usage.dialects.frames import Cutter, Frame, SseCutter, WholeCutter, cutter_for
from yuejie.usage.dialects.reading import Api, Failure, Reading, Reason, RequestHint
from yuejie.usage.dialects.table import RULES
from yuejie.usage.dialects.words import Framing
from yuejie.usage.meters import Meter

INTRODUCTIONS: Final = 3
"""So many frames are read for a model's name (Azure's first has none); not every API gives one."""

_PLAIN: Final = frozenset({int, str, list})
"""Members that need no merging: a later one simply replaces an earlier one."""

_NAME_BYTES: Final = 80
"""An event's name stands in front of its data, and is short."""


class _Choice(msgspec.Struct, gc=False):
    usage: Any = None
    finish_reason: Any = None


class _ChatGlance(msgspec.Struct, gc=False):
    usage: Any = None
    error: Any = None
    code: Any = None
    choices: list[_Choice] = []


class _MessagesGlance(msgspec.Struct, gc=False):
    usage: Any = None
    message: msgspec.Raw = msgspec.Raw()
    error: Any = None


class _ResponsesGlance(msgspec.Struct, gc=False):
    usage: Any = None
    response: msgspec.Raw = msgspec.Raw()
    error: Any = None
    code: Any = None


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    finish_reason: Any = None


class _GeminiGlance(
    msgspec.Struct, gc=False, rename={"usage": "usageMetadata", "blocked": "promptFeedback"}
):
    usage: Any = None
    blocked: Any = None
    error: Any = None
    candidates: list[_Candidate] = []


_Glance: TypeAlias = _ChatGlance | _MessagesGlance | _ResponsesGlance | _GeminiGlance

_CHAT_GLANCE: Final = _ChatGlance(choices=[_Choice()])
ORDINARY: Final[dict[Api, _Glance]] = {
    Api.OPENAI_CHAT: _CHAT_GLANCE,
    Api.OPENAI_COMPLETIONS: _CHAT_GLANCE,
    Api.OPENAI_RESPONSES: _ResponsesGlance(),
    Api.ANTHROPIC_MESSAGES: _MessagesGlance(),
    Api.GEMINI_GENERATE: _GeminiGlance(candidates=[_Candidate()]),
}
"""What a glance at an ordinary chunk sees: nothing."""

_GROWING: Final = (_ChatGlance, _GeminiGlance)
"""Where usage may grow with every event; Anthropic's says that the answer ends."""

_GLANCE: Final[dict[type, Callable[[bytes], _Glance]]] = {
    _ChatGlance: msgspec.json.Decoder(_ChatGlance, float_hook=Literal).decode,
    _MessagesGlance: msgspec.json.Decoder(_MessagesGlance).decode,
    _ResponsesGlance: msgspec.json.Decoder(_ResponsesGlance).decode,
    _GeminiGlance: msgspec.json.Decoder(_GeminiGlance, float_hook=Literal).decode,
}


class StreamTap:
    """Listens to one streamed attempt (on a socket: to one turn)."""

    __slots__ = (
        "_answer",
        "_broken",
        "_cut",
        "_cutter",
        "_delta",
        "_failure",
        "_glance",
        "_images",
        "_introductions",
        "_keep",
        "_last",
        "_marks",
        "_null_usage",
        "_offset",
        "_opaque",
        "_opening",
        "_ordinary",
        "_pending",
        "_request",
        "_rules",
        "_said_again",
        "_sound",
        "_usage_mark",
        "_usages",
        "deltas",
        "saw_terminal",
    )

    def __init__(self, api: Api, request: RequestHint) -> None:
        rules = RULES[api]
        self._rules = rules
        self._request = request
        self._keep = _kept(api)
        self._marks = (*rules.marks, rules.done) if rules.done else rules.marks
        self._usage_mark = rules.usage_mark
        self._null_usage = (rules.usage_mark + b":null", rules.usage_mark + b": null")
        self._delta = rules.delta
        # Bedrock wraps what models say in base64: nothing can be found before it is unwrapped.
        self._opaque = rules.framing is Framing.EVENTSTREAM
        # Speech that was not asked for as events is sound: there is nothing to read in it.
        self._sound = rules.without_usage is Meter.CHARACTERS and not request.stream
        self._ordinary = ORDINARY.get(api)
        self._glance: Callable[[bytes], _Glance] | None = None
        self._offset = len(b"data: ")
        self._pending = bytearray()
        self._cut: Callable[[bytes], bytes] = _nothing if self._sound else self._open
        self._cutter: Cutter | None = None
        self._opening = b""
        self._introductions = INTRODUCTIONS
        self._last = b""
        self._answer: dict[str, object] = {}
        self._failure: Failure | None = None
        self._images = 0
        self._usages = 0
        self._broken = False
        self._said_again = not rules.said_again
        self.deltas = 0
        """Pieces of output seen; for a flagged estimate, never for a bill."""
        self.saw_terminal = False
        """The provider said that the answer is complete."""

    def feed(self, chunk: bytes) -> None:
        """Listen to some bytes, cut anywhere."""
        if self._glance is not None and not self._pending and _is_single(chunk):
            try:
                # Most events begin like the one before: there its data began.
                seen = self._glance(chunk[self._offset : -2])
            except (msgspec.DecodeError, RecursionError):
                pass
            else:
                if seen == self._ordinary or self._is_only_usage(seen):
                    self.deltas += 1
                    self._last = chunk
                    return
        region = self._cut(chunk)
        if not region:
            return
        self._offset = region.find(b"data: ", 0, _NAME_BYTES) + 6
        if not self._opaque:
            self.deltas += region.count(self._delta)
        if self._introductions or self._opaque or self._interesting(region):
            self._listen(region)
        else:
            self._last = region

    def finish(self, *, complete: bool) -> Reading:
        """Say what was used. `complete`: the upstream closed the stream in good order."""
        if self._cutter is not None:
            rest = self._cutter.rest()
            self.deltas += rest.count(self._delta)
            if not self.saw_terminal:
                # Flat errors carry no mark, and a last frame may lack its empty line.
                self._last = rest or self._last
                self._listen(self._last)
        ending = Ending(
            whole=self.saw_terminal or ((self._sound or self._images > 0) and complete),
            failure=self._failure,
            images=self._images or None,
            lack=self._lack(complete=complete),
            untouched=self.deltas == 0,
            said_again=self._said_again,
            usages=self._usages,
        )
        return read_answer(self._rules, self._answer, self._request, ending)

    def _lack(self, *, complete: bool) -> Reason:
        if self._broken:
            return Reason.BROKEN_JSON
        return Reason.NO_USAGE if complete or self.saw_terminal else Reason.STREAM_CUT

    def _open(self, chunk: bytes) -> bytes:
        """Wait for the first significant byte, which tells how this stream is cut."""
        self._opening += chunk
        cutter = cutter_for(self._rules.framing, self._opening)
        if cutter is None:
            return b""
        self._cutter, self._cut = cutter, cutter.cut
        opening, self._opening = self._opening, b""
        return cutter.cut(opening)

    def _is_only_usage(self, seen: _Glance) -> bool:
        """Take usage along that grows with every event (Gemini, Perplexity, Doubao)."""
        usage = seen.usage
        if type(usage) is not dict or type(seen) not in _GROWING:
            return False
        seen.usage = None
        if seen != self._ordinary:
            return False
        member = self._rules.sources[0].at
        before = self._answer.get(member)
        plain = _PLAIN.issuperset(map(type, usage.values()))
        if plain and type(before) is dict and before.keys() <= usage.keys():
            self._answer[member] = usage
        else:
            self._answer[member] = merge(before, usage)
        return True

    def _interesting(self, data: bytes) -> bool:
        usage = self._usage_mark
        if data.find(usage) >= 0:
            tight, spaced = self._null_usage
            if data.count(usage) != data.count(tight) + data.count(spaced):
                return True
        for mark in self._marks:  # noqa: SIM110 - twice as fast as any() over a generator
            if data.find(mark) >= 0:
                return True
        return False

    def _listen(self, region: bytes) -> None:
        if self._cutter is None:
            return
        last = region is self._last
        plain = isinstance(self._cutter, SseCutter) and not last
        for piece in self._pieces(region) if plain else (region,):
            for frame in self._cutter.frames(piece):
                self._hear(frame, last=last)

    def _hear(self, frame: Frame, *, last: bool) -> None:
        rules = self._rules
        if self._opaque:
            self.deltas += frame.data.count(self._delta)
        if rules.done and frame.data == rules.done:
            self.saw_terminal = True
        elif (
            self._introductions
            or frame.exception
            or last
            or frame.name in rules.ends
            or self._interesting(frame.data)
        ):
            self._read(frame, cut_off=last)

    def _pieces(self, region: bytes) -> Iterator[bytes]:
        """Cut out the events that introduce the answer or hold a mark; most do neither."""
        names = (name.encode() for name in self._rules.ends)
        marks = (self._usage_mark, *self._marks, *names)
        places = [-2] * len(marks)
        at, end = 0, len(region)
        while at < end:
            start = found = at
            if not self._introductions:
                for number, place in enumerate(places):
                    if -1 != place < at:
                        places[number] = region.find(marks[number], at)
                found = min((place for place in places if place >= 0), default=end)
                if found == end:
                    return
                before = region.rfind(b"\n\n", at, found)
                start = before + 2 if before >= 0 else at
            behind = region.find(b"\n\n", found)
            at = behind + 2 if behind >= 0 else end
            yield region[start:at]

    def _read(self, frame: Frame, *, cut_off: bool) -> None:
        if frame.exception:
            self._failure = of_exception(frame.name)
            return
        try:
            document = read_document(frame.data)
        except BrokenJson:
            self._broken = self._broken or not cut_off
            return
        kind = text(document, ("type", "event_type")) or frame.name
        if kind in self._rules.aside:
            name = self._rules.aside[kind]
            self._answer[name] = merge(self._answer.get(name), document.get("usage"))
            return
        answer = open_envelope(self._rules, document) or document
        failure = in_answer(document)
        if answer is not document:
            failure = failure or in_answer(answer)
        elif not self._said_again:
            self._said_again = look(document, self._rules.said_again) is not None
        self._failure = failure or self._failure
        self._keep_of(answer, document)
        named = text(self._answer, self._rules.model)
        self._introductions = 0 if named else max(0, self._introductions - 1)
        if not self._introductions and isinstance(self._cutter, SseCutter) and self._ordinary:
            self._glance, self._pending = _GLANCE[type(self._ordinary)], self._cutter.pending
        self._end(kind, answer, document)

    def _keep_of(self, answer: Document, document: Document) -> None:
        """Lay what this frame says over what earlier ones said."""
        for key in self._keep:
            value = answer.get(key)
            if value is None:
                value = document.get(key)
            if value is not None:
                self._answer[key] = merge(self._answer.get(key), value)

    def _end(self, kind: str, answer: Document, document: Document) -> None:
        """Notice whether this frame ends the answer."""
        rules = self._rules
        if isinstance(self._cutter, WholeCutter):
            self.saw_terminal = True
            self._images = document.length("data") or 0
        elif kind in rules.ends and rules.without_usage is Meter.IMAGES:
            # Each picture ends with an event of its own; a provider may send one for all of them.
            self._images += 1
            self._usages += isinstance(look(answer, rules.sources[0].at), dict)
            self.saw_terminal = self._images >= (self._request.images or 1)
        elif kind in rules.ends:
            self.saw_terminal = True
        elif rules.ends_at:
            has_usage = any(isinstance(look(answer, s.at), dict) for s in rules.sources)
            if has_usage or not rules.ends_with_usage:
                # OpenAI's extra chunk has no choices and everybody's usage.
                extra = rules.done and answer.get("choices") == []
                if extra or first(document, rules.ends_at):
                    self.saw_terminal = True


def _is_single(chunk: bytes) -> bool:
    """Tell an event that came alone; a glance at several would fail, and that costs most."""
    end = chunk.find(b"\n\n")
    return end == len(chunk) - 2 or (end < 0 and chunk.endswith(b"\n"))


def _nothing(_chunk: bytes) -> bytes:
    return b""


@cache
def _kept(api: Api) -> tuple[str, ...]:
    """The members of a frame that have anything to do with what was used."""
    rules = RULES[api]
    paths = [source.at for source in rules.sources if source.at]
    for source in rules.sources:
        if not source.at:
            paths += [path for at in source.words.parts.values() for path in at]
            paths += source.words.input
    for beside in rules.beside:
        paths += [beside.at, *beside.model]
    for at in (rules.model, rules.response_id, rules.tier, *rules.facts.values()):
        paths += at
    if rules.without_usage is Meter.IMAGES:
        paths += ["size", "quality"]
    return tuple(dict.fromkeys(path.split(".")[0] for path in paths))
