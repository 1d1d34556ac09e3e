"""The port on the loop itself: HTTP/1.1 connections as protocols of uvloop, without another thread.

A client library with threads of its own spends more on waking the loop than on the call (measured:
two and a half times the CPU of a whole gateway request). Bytes pass as they are; nothing is
decompressed, redirected, retried or remembered.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import quote, urlsplit

from yuejie.gateway.upstream.http1 import Malformed, Parser
from yuejie.gateway.upstream.port import Headers, Lost, NotSent, Said, Slow, UpstreamError
from yuejie.kernel.limits import CONNECT_SECONDS, FIRST_BYTE_SECONDS

IDLE_SECONDS: Final = 30
"""An idle connection older than this is not trusted: providers close theirs after a minute."""
IDLE_CONNECTIONS: Final = 1_024
"""Idle connections kept per provider."""
URLS: Final = 10_000
HIGH: Final = 256 * 1024
"""More of a body than this waits in the kernel, not in our memory."""
_SWEEP_SECONDS: Final = 1
_LAST_CHUNK: Final = b"0\r\n\r\n"


@dataclass(slots=True, eq=False)
class Origin:
    """A server, and the idle connections to it, the freshest last."""

    host: str
    port: int
    tls: bool
    host_header: str
    idle: "deque[Connection]" = field(default_factory=deque)


class Connection(asyncio.Protocol):
    """One connection, one exchange at a time; between `send` and `close` it is the answer."""

    __slots__ = (
        "_error",
        "_loop",
        "_paused",
        "_pool",
        "_ready",
        "_writable",
        "headers",
        "origin",
        "parser",
        "seen",
        "status",
        "transport",
    )

    def __init__(
        self, pool: "WireUpstream", origin: Origin, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.origin = origin
        self._pool = pool
        self.parser = Parser()
        self.transport: asyncio.Transport | None = None
        self.seen = loop.time()
        self._loop = loop
        self._ready: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        # uvloop's transports keep asyncio's promises without being its children.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Some of an answer came."""
        self.seen = self._loop.time()
        parser = self.parser
        try:
            parser.feed(data)
        except Malformed as error:
            self.fail(Lost(str(error)))
            return
        if parser.size > HIGH and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The server will send no more."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self.transport = None
        self.parser.close()
        if self._error is None:
            self._error = Lost(str(error) if error else "connection closed")
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        """The server takes no more for now."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """The server takes more."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    @property
    def is_usable(self) -> bool:
        """It stands, and nothing is left over from the last exchange."""
        return self.transport is not None and self.parser.keeps and self.parser.is_clean

    def fail(self, error: UpstreamError) -> None:
        """Give the exchange up."""
        if self._error is None:
            self._error = error
        if self.transport is not None:
            self.transport.abort()
        self._wake()

    def begin(self, head: bytes, body: bytes) -> None:
        """Send a request."""
        self.parser.reset()
        self.seen = self._loop.time()
        assert self.transport is not None, "only a standing connection is begun on"
        self.transport.write(head + body if len(body) < HIGH else head)
        if len(body) >= HIGH:
            self.transport.write(body)

    async def stream(self, body: AsyncIterable[bytes]) -> None:
        """Send a body as it comes, no faster than the server takes it."""
        async for piece in body:
            if self.parser.head is not None:
                # It has answered without hearing us out; the connection ends with that answer.
                self.parser.keeps = False
                return
            if piece:
                await self._put(b"%x\r\n%b\r\n" % (len(piece), piece))
        await self._put(_LAST_CHUNK)

    def rest(self) -> bytes | None:
        """Return all that is left of the body, if all of it is here."""
        parser = self.parser
        if not parser.done or self._paused:
            return None
        return parser.take() if parser.size else b""

    async def read(self) -> bytes | None:
        """Return what has come of the body; None at its end."""
        parser = self.parser
        while not parser.size:
            if parser.done:
                return None
            await self.more()
        taken = parser.take()
        if self._paused and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return taken

    def close(self) -> None:
        """Give the connection back, or break it off when the answer was not read to its end."""
        self._pool.give_back(self)

    def _failure(self) -> UpstreamError:
        """Return what went wrong, anew each time: a raised error holds on to all that it passed."""
        error = self._error or Lost("connection closed")
        return type(error)(*error.args)

    async def _put(self, data: bytes) -> None:
        if self._writable is not None:
            await self._writable
        if self.parser.head is not None:
            return
        if self.transport is None or self._error is not None:
            raise self._failure()
        self.transport.write(data)
        self.seen = self._loop.time()

    def more(self) -> asyncio.Future[None]:
        """Return what is done when more of the answer has come, or will never come."""
        if self._error is not None:
            raise self._failure()
        ready = self._ready = self._loop.create_future()
        return ready

    def _wake(self) -> None:
        ready, self._ready = self._ready, None
        if ready is not None and not ready.done():
            ready.set_result(None)


class WireUpstream:
    """A pool of connections; one per worker."""

    __slots__ = ("_busy", "_loop", "_origins", "_sweeper", "_tls", "_urls")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._origins: dict[tuple[str, str], Origin] = {}
        self._urls: dict[str, tuple[Origin, str]] = {}
        self._busy: set[Connection] = set()
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    async def send(
        self, url: str, said: Said, ours: Headers, body: bytes | AsyncIterable[bytes]
    ) -> Connection:
        """Post what a client said, with headers of ours; wait for the head of the answer."""
        origin, target = self._urls.get(url) or self._located(url)
        lines = [f"POST {target} HTTP/1.1\r\nhost: {origin.host_header}\r\n", said.lines]
        lines += [f"{name}: {text}\r\n" for name, text in ours]
        if isinstance(body, bytes):
            whole, rest = body, None
            lines.append(f"content-length: {len(body)}\r\n\r\n")
        else:
            whole, rest = b"", body
            lines.append("transfer-encoding: chunked\r\n\r\n")
        connection = self._idle(origin) or await self._connect(origin)
        self._busy.add(connection)
        try:
            connection.begin("".join(lines).encode(), whole)
            if rest is not None:
                await connection.stream(rest)
            while (head := connection.parser.head) is None:
                await connection.more()
        except BaseException:
            self.give_back(connection)
            raise
        connection.status, connection.headers = head
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose exchange is over, or break it off."""
        self._busy.discard(connection)
        idle = connection.origin.idle
        parser = connection.parser
        whole = parser.done and not parser.size
        if whole and connection.is_usable and len(idle) < IDLE_CONNECTIONS:
            idle.append(connection)
        else:
            connection.fail(Lost("given up"))

    async def close(self) -> None:
        """Close every connection."""
        self._sweeper.cancel()
        idle = [connection for origin in self._origins.values() for connection in origin.idle]
        for connection in [*self._busy, *idle]:
            connection.fail(Lost("closed"))

    def _located(self, url: str) -> tuple[Origin, str]:
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc)
        origin = self._origins.get(key)
        if origin is None:
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise NotSent(f"not an address: {parts.scheme}://{parts.netloc}")
            tls = parts.scheme == "https"
            host = parts.netloc.rpartition("@")[2]
            origin = Origin(parts.hostname, parts.port or (443 if tls else 80), tls, host)
            self._origins[key] = origin
        target = quote(parts.path or "/", safe="/:%!$&'()*+,;=@~-._")
        if parts.query:
            target += "?" + quote(parts.query, safe="/:%!$&'()*+,;=@~-._?[]")
        if len(self._urls) >= URLS:
            self._urls.clear()
        self._urls[url] = (origin, target)
        return origin, target

    def _idle(self, origin: Origin) -> Connection | None:
        oldest = self._loop.time() - IDLE_SECONDS
        while origin.idle:
            connection = origin.idle.pop()
            if connection.is_usable and connection.seen > oldest:
                return connection
            connection.fail(Lost("idle too long"))
        return None

    async def _connect(self, origin: Origin) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, origin, self._loop),
                    origin.host,
                    origin.port,
                    ssl=self._tls if origin.tls else None,
                )
        except (OSError, TimeoutError) as error:
            raise NotSent(f"{origin.host_header}: {error}") from error
        return connection

    def _sweep(self) -> None:
        """Give up what has been silent for too long, without a timer per read."""
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        oldest = self._loop.time() - FIRST_BYTE_SECONDS
        for connection in [each for each in self._busy if each.seen < oldest]:
            connection.fail(Slow("silent for too long"))
        oldest = self._loop.time() - IDLE_SECONDS
        for origin in self._origins.values():
            while origin.idle and origin.idle[0].seen < oldest:
                origin.idle.popleft().fail(Lost("idle too long"))
