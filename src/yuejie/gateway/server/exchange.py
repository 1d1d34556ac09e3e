"""One request and its answer, as the code behind the server sees them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from yuejie.gateway.server.bounds import HIGH
from yuejie.gateway.server.head import Head

Pairs = Sequence[tuple[str, str]]

_BODILESS: Final = frozenset({204, 205, 304})
_LINES: Final = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n" for each in HTTPStatus}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Gone(Exception):
    """The client has hung up, or was hung up on."""


class TooLong(Exception):
    """A body is longer than was allowed."""


class Wire(Protocol):
    """What an exchange wants of its connection."""

    @property
    def date(self) -> str:
        """The line that says when."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes; what the kernel does not take now waits in memory."""
        ...

    def drained(self) -> "asyncio.Future[None] | None":
        """Return what is done when the client has taken enough to be sent more; None: now."""
        ...

    def slow(self) -> None:
        """Take no more from the client for now."""
        ...

    def resume(self) -> None:
        """Take more from the client."""
        ...

    def ends(self) -> bool:
        """Say whether this answer is the connection's last."""
        ...

    def answered(self) -> None:
        """The answer is whole: go on to the next request, or hang up."""
        ...

    def abort(self) -> None:
        """Hang up at once."""
        ...


class Exchange:
    """One request and its answer; what the request says is its head's."""

    __slots__ = (
        "_chunked",
        "_continue",
        "_first",
        "_loop",
        "_mute",
        "_pieces",
        "_ready",
        "_size",
        "_wire",
        "began",
        "begun",
        "done",
        "gone",
        "head",
        "headers",
        "keeps",
        "left",
        "method",
        "path",
        "query",
        "task",
        "whole",
    )

    def __init__(self, wire: Wire, loop: asyncio.AbstractEventLoop, head: Head) -> None:
        self._wire = wire
        self._loop = loop
        self.head = head
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.headers = head.headers
        self.keeps = head.keeps
        """The client would send another request on this connection."""
        self.began = loop.time()
        self.whole = False
        """The request's body is here to its end."""
        self.begun = False
        """Some of the answer has been given."""
        self.done = False
        """The answer is whole."""
        self.gone = False
        self.task: asyncio.Task[Any] | None = None
        """In which it is being answered."""
        self.left: Callable[[], None] | None = None
        """Called at once when the client hangs up before the answer is whole."""
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ready: asyncio.Future[None] | None = None
        self._continue = "expect" in self.headers and not head.old
        self._first = b""
        self._chunked = False
        self._mute = False

    def here(self, limit: int) -> bytes | None:
        """Return the whole body if it came in one piece, with its head, as most do."""
        if self.whole and len(self._pieces) == 1 and self._size <= limit:
            return self._pieces.popleft()
        return None

    async def body(self, limit: int) -> bytes:
        """Return the whole body; `TooLong` as soon as it is longer than `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        while (piece := await self.read()) is not None:
            size += len(piece)
            if size > limit:
                raise TooLong
            parts.append(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes."""
        while (piece := await self.read()) is not None:
            yield piece

    async def read(self) -> bytes | None:
        """Return the next of the body, as much as has come; None at its end."""
        while not self._pieces:
            if self.whole:
                return None
            if self.gone:
                raise Gone
            if self._continue and not self.begun:
                self._continue = False
                self._wire.write(_CONTINUE)
            self._wire.resume()
            self._ready = self._loop.create_future()
            try:
                await self._ready
            finally:
                self._ready = None
        pieces = self._pieces
        self._size = 0
        if len(pieces) == 1:
            return pieces.popleft()
        taken = b"".join(pieces)
        pieces.clear()
        return taken

    def take(self, piece: bytes) -> None:
        """Some of the body came."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > HIGH:
            self._wire.slow()
        self.wake()

    def wake(self) -> None:
        """Let whoever waits for the body look again."""
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def lose(self) -> None:
        """The connection is gone."""
        self.gone = True
        self.wake()
        if self.left is not None and not self.done:
            self.left()

    def response_bytes(self, status: int, pairs: Pairs, body: bytes) -> None:
        """Answer in one piece, in one write."""
        if self.gone or self.done:
            return
        assert not self.begun, "a request has one answer"
        self.begun = self.done = True
        length = "" if status in _BODILESS else f"content-length: {len(body)}\r\n"
        head = self._lines(status, pairs, length)
        if self.method == "HEAD" or not length:
            body = b""
        self._wire.write(head + body)
        self._wire.answered()

    def response_stream(self, status: int, pairs: Pairs) -> None:
        """Begin an answer in pieces; its head leaves with the first of them."""
        assert not self.begun, "a request has one answer"
        self.begun = True
        self._mute = self.method == "HEAD" or status in _BODILESS
        self._chunked = not self.head.old and not self._mute
        if self.head.old:
            self.keeps = False  # what has neither length nor chunks ends where the connection does
        framing = "transfer-encoding: chunked\r\n" if self._chunked else ""
        self._first = self._lines(status, pairs, framing)

    async def send_bytes(self, data: bytes) -> None:
        """Send a piece, no faster than the client takes it; `Gone` when it takes no more."""
        if self.gone or self.done:
            raise Gone
        self._wire.write(self._framed(data))
        drained = self._wire.drained()
        if drained is not None:
            await drained
            if self.gone:
                raise Gone

    def finish(self, data: bytes) -> None:
        """Send the last piece, and the end of the answer with it."""
        if self.gone or self.done:
            return
        self.done = True
        out = self._framed(data)
        if self._chunked:
            out += _LAST_CHUNK
        self._wire.write(out)
        self._wire.answered()

    def end(self) -> None:
        """Nobody will answer any more: what is not whole by now is broken off."""
        if not self.done and not self.gone:
            self._wire.abort()

    def _framed(self, data: bytes) -> bytes:
        head, self._first = self._first, b""
        if not data or self._mute:
            return head
        if self._chunked:
            return b"%b%x\r\n%b\r\n" % (head, len(data), data)
        return head + data

    def _lines(self, status: int, pairs: Pairs, framing: str) -> bytes:
        wire = self._wire
        text = "".join([f"{name}: {value}\r\n" for name, value in pairs])
        if text.count("\n") != len(pairs) or text.count("\r") != len(pairs) or "\0" in text:
            # A line's end inside a value would let a provider write answers of its own.
            return self._lines(status, [pair for pair in pairs if not _breaks(pair)], framing)
        start = _LINES.get(status) or f"HTTP/1.1 {status} \r\n"
        ending = "\r\n"
        if wire.ends():
            ending = "connection: close\r\n\r\n"
        elif self.head.old:
            ending = "connection: keep-alive\r\n\r\n"
        return f"{start}{text}{framing}{wire.date}{ending}".encode("latin-1", "replace")


def _breaks(pair: tuple[str, str]) -> bool:
    return any(mark in text for text in pair for mark in "\r\n\0")
