"""One connection of a load generator: writes the same bytes, recognises the end of an answer."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final, cast

from bench.upstream import body_length

LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
"""No event holds a bare CRLF, so in a stream these bytes are its end and nothing else."""
_KEPT: Final = len(LAST_CHUNK) - 1


@dataclass(slots=True)
class Tally:
    """What all connections of a load have seen."""

    took: list[float] = field(default_factory=list)
    events: int = 0
    wrong: int = 0
    example: str = ""
    last: float = 0.0


class Caller(asyncio.Protocol):
    """A client that asks again as soon as it is answered, until its deadline.

    `done` is done when it will not ask again by itself.
    """

    def __init__(self, request: bytes, tally: Tally, deadline: float) -> None:
        self._request = request
        self._tally = tally
        self._deadline = deadline
        self._head = b""
        self._left = -1
        """Bytes of the body still to come; −1 for a chunked one."""
        self._tail = b""
        self._began = 0.0
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        """Send the request."""
        if self.done.done():
            self.done = self._loop.create_future()
        self._head, self._tail, self._left = b"", b"", 0
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for the end of the answer."""
        if self._tail or self._left:
            self._body(data)
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, body = self._head[:end], self._head[end + 4 :]
        chunked = b"chunked" in head
        self._left = -1 if chunked else body_length(head)
        if not head.startswith(b"HTTP/1.1 200"):
            self._tally.wrong += 1
            self._tally.example = self._tally.example or (head + body)[:500].decode(
                "utf-8", "replace"
            )
        # A chunk follows a line's end: then the last one is recognised even if it is the first.
        self._tail = b"\r\n" if chunked else b""
        self._body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that will not come."""
        if not self.done.done():
            self._tally.wrong += 1
            self._tally.example = self._tally.example or f"connection lost: {exc}"
            self.done.set_result(None)

    def _body(self, data: bytes) -> None:
        if self._left >= 0:
            self._left -= len(data)
            if self._left <= 0:
                self._answered()
            return
        seen = self._tail + data
        self._tally.events += seen.count(b"\ndata: ") - self._tail.count(b"\ndata: ")
        if seen.endswith(LAST_CHUNK):
            self._answered()
        else:
            self._tail = seen[-_KEPT:]

    def _answered(self) -> None:
        now = time.perf_counter()
        tally = self._tally
        tally.took.append(now - self._began)
        tally.last = now
        if now < self._deadline:
            self.ask()
        else:
            self.done.set_result(None)
