"""Changing a member of a JSON object without touching any other byte.

What customers and providers send is passed on as they wrote it; only what must be different is cut
out. Nothing is parsed and written again, so numbers, order, spacing and unknown members stay.

On the way up: the model's name, and usage asked for. A request is valid JSON by then
(`request_hint` has refused anything else). On the way down: the usage that the client did not ask
for. With `include_usage` a provider adds an extra chunk at the end and `"usage":null` to all
others; both are hidden.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from yuejie.usage.dialects.document import read_document
from yuejie.usage.dialects.frames import SseCutter

_KEY: Final = re.compile(rb'[\s,]*+("(?:[^"\\]++|\\.)*+")\s*+:\s*+', re.DOTALL)
_SCALAR: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^\s,{}\[\]"]++', re.DOTALL)
_TEXT: Final = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
"""Everything up to the next bracket."""
_SPELT: Final = re.compile(rb"\\u00[4-7]")
"""A letter or underscore written as an escape: a key may be hidden behind it."""


class Member(NamedTuple):
    """Where one member of an object stands: its key from `start`, its value up to `end`."""

    key: str
    start: int
    value: int
    end: int


def members(body: bytes) -> Iterator[Member]:
    """Walk the members of the outermost object, in order, duplicates included."""
    known = read_document(body).raw
    at = body.find(b"{") + 1
    while at and (key := _KEY.match(body, at)):
        value = key.end()
        quoted = key[1]
        name = json.loads(quoted) if b"\\" in quoted else quoted[1:-1].decode()
        # Texts and brackets end themselves, so if the value we know begins here it is this one;
        # of a key that is there twice we know the last.
        written = bytes(known[name])
        if written[:1] in (b"{", b"[", b'"') and body.startswith(written, value):
            at = value + len(written)
        else:
            at = _end_of_value(body, value)
        yield Member(name, key.start(1), value, at)


def _end_of_value(body: bytes, start: int) -> int:
    if body[start : start + 1] not in (b"{", b"["):
        scalar = _SCALAR.match(body, start)
        return scalar.end() if scalar else len(body)
    depth = 1
    at = start + 1
    while depth and (text := _TEXT.match(body, at)) and text.end() < len(body):
        depth += 1 if body[text.end()] in b"{[" else -1
        at = text.end() + 1
    return at


def replace_member(body: bytes, name: str, edit: Callable[[bytes | None], bytes]) -> bytes:
    """Give every member of this name a new value; add one in front if there is none.

    `edit` gets the old value's bytes, or None for a member that was not there.
    """
    quoted = b'"' + name.encode() + b'"'
    found = body.find(quoted)
    if body.find(b"\\u00") < 0 or not _SPELT.search(body):
        # Nothing is spelt with escapes: a key that is there is there literally.
        if found < 0:
            return _in_front(body, quoted, edit(None))
        if body.find(quoted, found + 1) < 0:
            known = read_document(body).raw.get(name)
            if known is None:
                return _in_front(body, quoted, edit(None))
            old = bytes(known)
            at = body.index(old, found + len(quoted))
            return body[:at] + edit(old) + body[at + len(old) :]
    pieces: list[bytes] = []
    kept = 0
    for member in members(body):
        if member.key == name:
            pieces += (body[kept : member.value], edit(body[member.value : member.end]))
            kept = member.end
    if not pieces:
        return _in_front(body, quoted, edit(None))
    return b"".join((*pieces, body[kept:]))


def _in_front(body: bytes, quoted: bytes, value: bytes) -> bytes:
    front = body.index(b"{") + 1
    empty = body[front : front + 64].lstrip().startswith(b"}") or body[front:].strip() == b"}"
    return body[:front] + quoted + b":" + value + (b"" if empty else b",") + body[front:]


def remove_member(body: bytes, name: str) -> bytes:
    """Cut every member of this name out, each with one comma."""
    for member in reversed([m for m in members(body) if m.key == name]):
        before = body[: member.start].rstrip()
        behind = body[member.end :]
        if before.endswith(b","):
            body = before[:-1] + behind
        else:
            body = body[: member.start] + behind.lstrip().removeprefix(b",")
    return body


def replace_model(body: bytes, new: str) -> bytes:
    """Name another model; nested members of that name are somebody else's."""
    quoted = json.dumps(new, ensure_ascii=False).encode()
    return replace_member(body, "model", lambda _: quoted)


def force_include_usage(body: bytes) -> bytes:
    """Ask for usage at the end of the stream, whatever the client asked."""
    return replace_member(body, "stream_options", _with_usage)


def _with_usage(options: bytes | None) -> bytes:
    if options is None or not options.startswith(b"{"):
        return b'{"include_usage":true}'
    return replace_member(options, "include_usage", lambda _: b"true")


_USAGE: Final = b'"usage"'
_MEMBER: Final = b',"usage":null'
_NOTHING: Final = re.compile(rb"\[\s*\]")
_EMPTY_LINE: Final = re.compile(rb"(?<=\n)\r?\n")


class _Chunk(msgspec.Struct, gc=False):
    """The two members that tell an extra chunk from an ordinary one."""

    usage: msgspec.Raw = msgspec.Raw()
    choices: msgspec.Raw = msgspec.Raw()


_CHUNK: Final = msgspec.json.Decoder(_Chunk).decode


class UsageFilter:
    """Passes a stream on without the usage nobody asked for. One per streamed attempt."""

    __slots__ = ("_cutter",)

    def __init__(self) -> None:
        self._cutter = SseCutter()

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes cut anywhere; give what may be passed on: whole events only."""
        single = chunk.startswith(b"data: ") and chunk.find(b"\n\n") == len(chunk) - 2
        if single and not self._cutter.pending:
            try:
                seen = _CHUNK(chunk[6:-2])
            except (msgspec.DecodeError, RecursionError):
                pass
            else:
                # The ordinary case: one event, one line.
                usage = bytes(seen.usage)
                if not usage:
                    return chunk
                at = chunk.rfind(_MEMBER)
                if usage == b"null" and at >= 0 and chunk.find(_USAGE) == at + 1:
                    return chunk[:at] + chunk[at + len(_MEMBER) :]
        region = self._cutter.cut(chunk)
        return region if region.find(_USAGE) < 0 else _filtered(region)

    def finish(self) -> bytes:
        """Give what was held back: an event that the upstream did not end."""
        rest = self._cutter.rest()
        return rest if rest.find(_USAGE) < 0 else _filtered(rest)


def _filtered(region: bytes) -> bytes:
    """Take the events of a region one by one."""
    end = region.find(b"\n\n")
    if end == len(region) - 2:
        return _event(region)
    # What ends before usage is first spoken of passes as it is.
    at = region.rfind(b"\n\n", 0, region.find(_USAGE)) + 2
    at = at if at > 1 else 0
    passed = [region[:at]]
    for empty in _EMPTY_LINE.finditer(region, at):
        passed.append(_event(region[at : empty.end()]))
        at = empty.end()
    passed.append(_event(region[at:]))
    return b"".join(passed)


def _event(event: bytes) -> bytes:
    """One event without its usage; nothing if it is the extra chunk."""
    times = event.count(_USAGE)
    if not times:
        return event
    chunk = _chunk_of(event)
    if chunk is None:
        return event
    usage = bytes(chunk.usage)
    if usage == b"null":
        if times == 1 and event.find(_MEMBER) >= 0:
            return event.replace(_MEMBER, b"", 1)
        return _without_null(event)
    if usage.startswith(b"{") and _NOTHING.fullmatch(bytes(chunk.choices)):
        # Comments beside the extra chunk are the provider's sign of life: they pass.
        comments = [line for line in event.splitlines(keepends=True) if line.startswith(b":")]
        return b"".join((*comments, b"\n")) if comments else b""
    return event


def _chunk_of(event: bytes) -> _Chunk | None:
    """Read the data of an event; None if it is no JSON."""
    lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
    try:
        return _CHUNK(b"\n".join(lines))
    except (msgspec.DecodeError, RecursionError):
        return None


def _without_null(event: bytes) -> bytes:
    """The unusual spellings: spaces, a member in front, a second one inside."""
    start = event.find(b"{")
    end = event.rfind(b"}") + 1
    if event.count(b"\ndata:", 0, end) > event.count(b"\ndata:", 0, start):
        # An object spread over several lines keeps its null: a client reads it as "none".
        return event
    return event[:start] + remove_member(event[start:end], "usage") + event[end:]
