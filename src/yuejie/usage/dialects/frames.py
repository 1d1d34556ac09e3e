"""Cutting streams into frames, whatever the boundaries of the chunks they came in.

A cutter takes chunks and gives back a *region*: the bytes of all frames that are complete by now.
Regions are only taken apart when somebody found in them what he was looking for.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import msgspec

from yuejie.kernel.limits import ANSWER_BYTES
from yuejie.usage.dialects.words import Framing

_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n" + _BOM


class Frame(NamedTuple):
    """One event of a stream: its name, if it has one, and its data."""

    name: str
    data: bytes
    exception: bool = False


class Cutter(Protocol):
    """One way of cutting."""

    def cut(self, chunk: bytes) -> bytes:
        """Take a chunk; give the complete frames, or nothing yet."""

    def rest(self) -> bytes:
        """What is left when the stream has ended."""

    def frames(self, region: bytes) -> Iterator[Frame]:
        """Take a region apart."""


class SseCutter:
    r"""Server-sent events: frames end at an empty line, lines at \n or \r\n.

    A stream of lone \r is understood when it has ended. A frame longer than ANSWER_BYTES is
    dropped: no usage is that long, and memory is not the provider's to spend.
    """

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending = bytearray()
        """Bytes of a frame that is not complete yet. Always the same object."""

    def cut(self, chunk: bytes) -> bytes:
        """Take a chunk; give the complete frames, or nothing yet."""
        tail = self.pending
        if not tail:
            if chunk.endswith(b"\n\n"):
                return chunk
            end = _last_empty_line(chunk, 0)
            tail += chunk[end:]
            return chunk[:end]
        searched = max(0, len(tail) - 3)
        tail += chunk
        end = _last_empty_line(tail, searched)
        if not end:
            if len(tail) > ANSWER_BYTES:
                tail.clear()
            return b""
        region = bytes(tail[:end])
        del tail[:end]
        return region

    def rest(self) -> bytes:
        """What is left when the stream has ended."""
        region = bytes(self.pending)
        self.pending.clear()
        return region

    def frames(self, region: bytes) -> Iterator[Frame]:
        """Take a region apart; comments and unknown fields are left out."""
        name, data = "", list[bytes]()
        for line in region.splitlines():
            if not line:
                if data:
                    yield Frame(name, b"\n".join(data))
                name, data = "", []
                continue
            field, _, value = line.removeprefix(_BOM).partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.strip().decode("utf-8", "replace")
        if data:
            yield Frame(name, b"\n".join(data))


def _last_empty_line(text: bytes | bytearray, start: int) -> int:
    r"""Where the last complete frame ends: behind \n\n or \n\r\n; 0 if none does."""
    plain = text.rfind(b"\n\n", start) + 2
    windows = text.rfind(b"\n\r\n", start) + 3
    return max(plain if plain > 1 else 0, windows if windows > 2 else 0)


class ArrayCutter:
    """A JSON array that grows: Gemini without `alt=sse`. Its elements are the frames."""

    __slots__ = ("_at", "_depth", "_in_string", "_start", "_tail")

    _OUTSIDE = re.compile(rb'["{}\[\]]')
    _INSIDE = re.compile(rb'["\\]')

    def __init__(self) -> None:
        self._tail = bytearray()
        self._at = 0
        self._start = 0
        self._depth = 0
        self._in_string = False

    def cut(self, chunk: bytes) -> bytes:
        """Take a chunk; give the complete elements, one per line, or nothing yet."""
        self._tail += chunk
        done: list[bytes] = []
        while mark := (self._INSIDE if self._in_string else self._OUTSIDE).search(
            self._tail, self._at
        ):
            found = mark[0]
            if found == b"\\":
                if mark.end() == len(self._tail):
                    self._at = mark.start()
                    break
                self._at = mark.end() + 1
                continue
            self._at = mark.end()
            self._step(found, done)
        else:
            self._at = len(self._tail)
        self._forget()
        return b"\n".join(done)

    def _step(self, found: bytes, done: list[bytes]) -> None:
        if found == b'"':
            self._in_string = not self._in_string
        elif found in b"{[":
            self._depth += 1
            if self._depth == 2:
                self._start = self._at - 1
        else:
            self._depth -= 1
            if self._depth == 1:
                done.append(bytes(self._tail[self._start : self._at]).replace(b"\n", b" "))
                self._start = self._at

    def _forget(self) -> None:
        """Keep only the element that is not complete."""
        gone = self._start if self._depth > 1 else self._at
        if self._at - gone > ANSWER_BYTES:
            gone = self._at
        del self._tail[:gone]
        self._at -= gone
        self._start = 0

    def rest(self) -> bytes:
        """An element that was cut off cannot be read."""
        return b""

    def frames(self, region: bytes) -> Iterator[Frame]:
        """Take a region apart."""
        for line in region.split(b"\n"):
            yield Frame("", line)


class WholeCutter:
    """One JSON document, though a stream was asked for; read when it has ended."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = bytearray()

    def cut(self, chunk: bytes) -> bytes:
        """Keep the chunk."""
        if len(self._tail) <= ANSWER_BYTES:
            self._tail += chunk
        return b""

    def rest(self) -> bytes:
        """The document."""
        return bytes(self._tail)

    def frames(self, region: bytes) -> Iterator[Frame]:
        """Take a region apart: it is one frame."""
        yield Frame("", region)


class MessageCutter:
    """Every chunk is one whole message."""

    __slots__ = ()

    def cut(self, chunk: bytes) -> bytes:
        """Give the message."""
        return chunk

    def rest(self) -> bytes:
        """Nothing is ever left over."""
        return b""

    def frames(self, region: bytes) -> Iterator[Frame]:
        """Take a region apart: it is one frame."""
        yield Frame("", region)


class EventstreamCutter:
    """AWS binary frames: lengths, CRC, headers, payload, CRC."""

    __slots__ = ("_broken", "_tail")

    _PRELUDE = 12
    _SMALLEST = 16
    _STRING = 7
    _SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}

    def __init__(self) -> None:
        self._tail = bytearray()
        self._broken = False

    def cut(self, chunk: bytes) -> bytes:
        """Take a chunk; give the complete frames. After a broken length nothing can be found."""
        if self._broken:
            return b""
        self._tail += chunk
        end = 0
        while len(self._tail) - end >= self._PRELUDE:
            size = int.from_bytes(self._tail[end : end + 4])
            if not self._SMALLEST <= size <= ANSWER_BYTES:
                self._broken = True
                break
            if len(self._tail) - end < size:
                break
            end += size
        region = bytes(self._tail[:end])
        del self._tail[:end]
        return region

    def rest(self) -> bytes:
        """Half a frame cannot be read."""
        return b""

    def frames(self, region: bytes) -> Iterator[Frame]:
        """Take a region apart; frames whose checksum is wrong are left out."""
        at = 0
        while at < len(region):
            size = int.from_bytes(region[at : at + 4])
            frame = region[at : at + size]
            at += size
            if zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:]):
                yield self._frame(frame)

    def _frame(self, frame: bytes) -> Frame:
        behind = self._PRELUDE + int.from_bytes(frame[4:8])
        headers = self._headers(frame[self._PRELUDE : behind])
        data = frame[behind:-4]
        if b'"bytes"' in data:
            data = _unwrapped(data)
        if headers.get(":message-type") == "exception":
            return Frame(headers.get(":exception-type", ""), data, exception=True)
        return Frame(headers.get(":event-type", ""), data)

    def _headers(self, packed: bytes) -> dict[str, str]:
        headers: dict[str, str] = {}
        at = 0
        while at < len(packed):
            behind = at + 1 + packed[at]
            name = packed[at + 1 : behind].decode("utf-8", "replace")
            kind = packed[behind] if behind < len(packed) else -1
            at = behind + 1
            if kind in self._SIZES:
                at += self._SIZES[kind]
                continue
            size = int.from_bytes(packed[at : at + 2])
            at += 2
            if kind == self._STRING:
                headers[name] = packed[at : at + size].decode("utf-8", "replace")
            at += size
        return headers


def _unwrapped(data: bytes) -> bytes:
    """InvokeModel wraps the model's own events as `{"bytes": base64}`."""
    try:
        wrapped = msgspec.json.decode(data)
        inner = wrapped.get("bytes") if isinstance(wrapped, dict) else None
        return base64.b64decode(inner, validate=True) if isinstance(inner, str) else data
    except (msgspec.DecodeError, binascii.Error, RecursionError):
        return data


def cutter_for(framing: Framing, opening: bytes) -> Cutter | None:
    """Choose by the stream's first significant byte; None while there is none."""
    if framing is Framing.MESSAGES:
        return MessageCutter()
    if framing is Framing.EVENTSTREAM:
        return EventstreamCutter()
    significant = opening.lstrip(_SPACE)
    if not significant:
        return None
    if significant.startswith(b"["):
        return ArrayCutter()
    return WholeCutter() if significant.startswith(b"{") else SseCutter()
