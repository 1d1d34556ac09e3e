"""One connection of a client: llhttp reads its requests, which are answered one after another."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any, Final, Protocol, cast

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from yuejie.gateway.server.bounds import (
    HEAD_BYTES,
    HEADERS,
    PIPELINED,
    TARGET_BYTES,
    Patience,
)
from yuejie.gateway.server.exchange import Exchange
from yuejie.gateway.server.fault import Fault, answer_to
from yuejie.gateway.server.head import TRIES, Head, Known, known_of
from yuejie.gateway.server.soundness import FRAMING, VERSIONS, Refused, Rest, path_of, unsound

Application = Callable[[Exchange], Coroutine[Any, Any, object]]


class Listener(Protocol):
    """What a connection wants of its server."""

    loop: asyncio.AbstractEventLoop
    patience: Patience
    date: str
    stopping: bool
    connections: "set[Connection]"

    def admits(self) -> bool:
        """Say whether one more connection may stand."""
        ...

    def start(self, exchange: Exchange) -> None:
        """Have a request answered."""
        ...

    def forget(self, connection: "Connection") -> None:
        """A connection is gone."""
        ...


_NAMES: Final[dict[bytes, str]] = {}
"""How headers are called, by how clients have written that: all write the same few."""
NAMES: Final = 1_000


def _learnt(name: bytes) -> str:
    called = name.lower().decode()
    if len(_NAMES) < NAMES:
        _NAMES[name] = called
    return called


class Connection(asyncio.Protocol):
    """A client's connection; the server's sweep looks at `deadline`, of the loop's clock."""

    __slots__ = (
        "_between",
        "_buffered",
        "_current",
        "_drained",
        "_dry",
        "_hidden",
        "_known",
        "_last",
        "_left",
        "_lingering",
        "_pairs",
        "_parser",
        "_patience",
        "_paused",
        "_receiving",
        "_server",
        "_size",
        "_staying",
        "_target",
        "_transport",
        "_tries",
        "_waiting",
        "deadline",
    )

    def __init__(self, server: Listener) -> None:
        self._server = server
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._current: Exchange | None = None
        """The request at work; those behind it wait."""
        self._waiting: deque[Exchange] = deque()
        self._receiving: Exchange | None = None
        """The request whose body is on its way."""
        self._target = b""
        self._pairs: list[tuple[str, str]] = []
        self._hidden: set[str] = set()
        self._size = 0
        self._dry = 0
        """Bytes since the last that belonged to a body, or since the head began."""
        self._between = True
        """llhttp has read all of a message and nothing of the next."""
        self._known: Known | None = None
        """The head that this client wrote last."""
        self._tries = 0
        """How often another one was remembered."""
        self._left = 0
        """Bytes still to come of a body whose head was known."""
        self._staying = False
        self._paused = False
        self._drained: asyncio.Future[None] | None = None
        self._buffered = 0
        self._last = False
        """Nothing that comes from here on will be heard."""
        self._lingering = False
        self._patience = server.patience
        self.deadline = server.loop.time() + self._patience.head

    # What the loop says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        # uvloop's transports keep asyncio's promises without being its children.
        self._transport = cast("asyncio.Transport", transport)
        if not self._server.admits():
            self._last = True
            self._transport.write(answer_to(Fault.FULL, self.date))
            self._transport.close()
            return
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        parser = self._parser
        if self._last or parser is None:
            return
        if self._left:
            data = self._more(data)
            if not data:
                return
        begins = self._between and self._current is None
        if begins and self._known is not None and self._again(self._known, data):
            return
        fresh = not self._dry
        self._dry += len(data)
        self._feed(parser, data)
        if self._dry > HEAD_BYTES and not self._last:
            self._fail(Fault.HEAD)
        self._watch(fresh=fresh)
        if begins and self._tries < TRIES:
            self._learn(data)

    def eof_received(self) -> bool:
        """The client has hung up: what it asked is carried on, what it is told is not sent."""
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection is gone."""
        self._server.forget(self)
        self._transport = None
        # The parser holds on to the connection that holds it.
        self._parser = None
        self._last = True
        self.resume_writing()
        if self._current is not None:
            self._current.lose()
        self._waiting.clear()
        self._receiving = None

    def pause_writing(self) -> None:
        """The client takes no more for now."""
        self._drained = self._server.loop.create_future()
        self._buffered = 0
        self.deadline = self._server.loop.time() + self._patience.write

    def resume_writing(self) -> None:
        """The client takes more."""
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.set_result(None)
            self._watch(fresh=True)

    # What llhttp finds.

    def on_message_begin(self) -> None:
        """Something of a request came."""
        self._between = False

    def on_url(self, part: bytes) -> None:
        """Some of the target."""
        self._target += part
        if len(self._target) > TARGET_BYTES:
            raise Refused(Fault.TARGET)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; behind a body it is a trailer, which nobody reads."""
        if self._receiving is not None:
            return
        self._size += len(name) + len(value)
        if self._size > HEAD_BYTES or len(self._pairs) >= HEADERS:
            raise Refused(Fault.HEAD)
        called = _NAMES.get(name) or _learnt(name)
        try:
            self._pairs.append((called, value.decode("ascii").rstrip(" \t")))
        except UnicodeDecodeError:
            self._hidden.add(called)

    def on_headers_complete(self) -> None:
        """A request, but for its body."""
        parser = self._parser
        assert parser is not None, "a connection that is gone reads nothing"
        version = parser.get_http_version()
        if version not in VERSIONS:
            raise Refused(Fault.VERSION)
        method = parser.get_method().decode()
        if method == "CONNECT":
            raise Refused(Fault.METHOD)
        hidden = frozenset(self._hidden)
        head = Head(
            method,
            path_of(self._target.decode()),
            self._pairs,
            hidden,
            keeps=parser.should_keep_alive(),
            old=version == "1.0",
        )
        if hidden:
            self._hidden = set()
        if (fault := unsound(head)) is not None:
            raise Refused(fault)
        if len(self._waiting) >= PIPELINED:
            raise Refused(Fault.PIPELINE)
        self._target, self._pairs, self._size, self._dry = b"", [], 0, 0
        exchange = self._receiving = Exchange(self, self._server.loop, head)
        self._staying = "upgrade" in head.headers and parser.should_upgrade()
        if self._current is None:
            self._current = exchange
            self._server.start(exchange)
        else:
            self._waiting.append(exchange)
            self.slow()

    def on_body(self, piece: bytes) -> None:
        """Some of a body."""
        self._dry = 0
        if self._receiving is not None:
            self._receiving.take(piece)

    def on_message_complete(self) -> None:
        """A body is here to its end."""
        if self._staying:
            return  # llhttp takes the rest for another protocol
        self._dry = 0
        self._between = True
        if self._receiving is not None:
            self._receiving.whole = True
            self._receiving.wake()
            self._receiving = None

    # What the exchange wants.

    @property
    def date(self) -> str:
        """The line that says when."""
        return self._server.date

    def write(self, data: bytes) -> None:
        """Send bytes; what the kernel does not take now waits in memory."""
        if self._transport is not None:
            self._transport.write(data)

    def drained(self) -> "asyncio.Future[None] | None":
        """Return what is done when the client has taken enough to be sent more; None: now."""
        return self._drained

    def slow(self) -> None:
        """Take no more from the client for now."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Take more from the client, unless other requests already wait."""
        if self._paused and not self._waiting and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
            self._watch(fresh=True)

    def ends(self) -> bool:
        """Say whether this answer is the connection's last."""
        current = self._current
        return (
            current is None
            or not current.keeps
            or not current.whole
            or self._server.stopping
            or (self._last and not self._waiting)
        )

    def answered(self) -> None:
        """The answer is whole: go on to the next request, or hang up."""
        current = self._current
        assert current is not None, "only the request at work is answered"
        if self.ends():
            self._current = None
            self._hang_up(linger=not current.whole or self._last)
            return
        self._current = None
        if self._waiting:
            self._current = self._waiting.popleft()
            self._server.start(self._current)
        self.resume()
        self._watch(fresh=True)

    def abort(self) -> None:
        """Hang up at once."""
        self._last = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_slowed(self) -> bool:
        """Nothing more is taken from the client for now."""
        return self._paused

    # What the server's sweep wants.

    @property
    def is_idle(self) -> bool:
        """Nothing is asked, and nothing is left to send."""
        return self._current is None and self._drained is None

    def close(self) -> None:
        """Hang up when nothing is under way; else with the answer that is."""
        if self.is_idle and not self._lingering:
            self._hang_up(linger=False)

    def expire(self) -> None:
        """The deadline has passed."""
        transport = self._transport
        if transport is None:
            return
        if self._drained is not None:
            left = transport.get_write_buffer_size()
            if not self._buffered or left < self._buffered:
                self._buffered = left
                self.deadline = self._server.loop.time() + self._patience.write
                return
        elif self._current is None and not self._last:
            if self._dry:
                self._fail(Fault.SLOW)
            else:
                transport.close()
            return
        self.abort()

    def _again(self, known: Known, data: bytes) -> bool:
        """Take a request whose head says what the last one said; False: it does not."""
        found = known.again(data)
        if found is None:
            return False
        head, start, length = found
        here = len(data) - start
        if here > length:
            return False  # Another request follows at once.
        exchange = self._current = self._receiving = Exchange(self, self._server.loop, head)
        self._server.start(exchange)
        self._left = length - here
        if here:
            exchange.take(data[start:])
        if not self._left:
            self.on_message_complete()
        self._watch(fresh=True)
        return True

    def _more(self, data: bytes) -> bytes:
        """Take of a body whose head was known; return what is behind it."""
        piece = data[: self._left]
        self._left -= len(piece)
        self.on_body(piece)
        if not self._left:
            self.on_message_complete()
        self._watch(fresh=False)
        return data[len(piece) :]

    def _learn(self, data: bytes) -> None:
        """Remember how a head was written that began and ended in these bytes."""
        current = self._current
        if current is not None and not self._waiting:
            self._known = known_of(data, current.head)
            self._tries += 1

    def _feed(self, parser: HttpRequestParser, data: bytes) -> None:
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except HttpParserCallbackError as error:
            fault = error.__context__
            self._fail(fault.fault if isinstance(fault, Refused) else Fault.MALFORMED)
        except HttpParserInvalidMethodError:
            self._fail(Fault.METHOD)
        except HttpParserError:
            self._fail(Fault.MALFORMED)

    def _watch(self, *, fresh: bool) -> None:
        """Set the deadline by what is waited for: a head that has begun keeps the one it has."""
        if self._drained is not None or self._lingering:
            return
        now, patience = self._server.loop.time(), self._patience
        receiving = self._receiving
        if receiving is not None and not self._paused:
            self.deadline = min(now + patience.piece, receiving.began + patience.body)
        elif self._current is not None:
            self.deadline = inf
        elif fresh:
            self.deadline = now + (patience.head if self._dry else patience.idle)

    def _stay(self, rest: bytes) -> None:
        """Ignore a wish for another protocol, as a server may: the request is like any other.

        llhttp has read its head and would now read nothing more. What follows is framed by the
        same headers, which it has found sound, so a second parser is told those and goes on.
        """
        exchange = self._receiving
        assert exchange is not None, "the wish stands in a head"
        exchange.keeps = False
        self._staying = False
        self._parser = parser = HttpRequestParser(Rest(self.on_body, self.on_message_complete))
        framing = "".join(f"{n}: {text}\r\n" for n, text in exchange.head.pairs if n in FRAMING)
        self._feed(parser, f"POST / HTTP/1.1\r\n{framing}\r\n".encode())
        if rest and self._receiving is not None:
            self._feed(parser, rest)

    def _fail(self, fault: Fault) -> None:
        """Say what is wrong and hang up, after the answers that are due."""
        self._last = True
        receiving, self._receiving = self._receiving, None
        current = self._current
        if current is not None and current is receiving:
            if current.begun:
                self.abort()
                return
            # Its body will never be whole.
            self._current = None
            current.lose()
        elif current is not None:
            if receiving is not None:
                self._waiting.remove(receiving)
            return
        self.write(answer_to(fault, self.date))
        self._hang_up(linger=True)

    def _hang_up(self, *, linger: bool) -> None:
        """Close. A client that may still be sending first gets to read what it was told."""
        transport = self._transport
        self._last = True
        if transport is None:
            return
        if not linger:
            transport.close()
            return
        # Closed with bytes unread, the kernel would break the connection and lose the answer.
        self._lingering = True
        self._waiting.clear()
        transport.write_eof()
        self.resume()
        self.deadline = self._server.loop.time() + self._patience.linger
