"""A head that is known again means what llhttp would have read, whatever comes around it."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final, NamedTuple

import pytest
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from yuejie.gateway.server.bounds import Patience
from yuejie.gateway.server.connection import Connection
from yuejie.gateway.server.exchange import Exchange
from yuejie.gateway.server.head import KNOWN_BYTES, Known, known_of
from yuejie.gateway.server.soundness import path_of

PLENTY: Final = 1 << 30


class Heard(NamedTuple):
    """A request as somebody understood it."""

    method: str
    path: str
    query: str
    pairs: tuple[tuple[str, str], ...]
    body: bytes
    keeps: bool


class Reader:
    """The oracle: llhttp alone, given everything at once."""

    def __init__(self, data: bytes) -> None:
        self.heard: list[Heard] = []
        self._over = False
        self._fresh()
        self._parser = HttpRequestParser(self)
        with suppress(HttpParserError, HttpParserUpgrade):
            self._parser.feed_data(data)

    def _fresh(self) -> None:
        self._target, self._body = b"", b""
        self._pairs: list[tuple[str, str]] = []

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if value.isascii():
            self._pairs.append((name.lower().decode(), value.decode().rstrip(" \t")))

    def on_headers_complete(self) -> None:
        self._keeps = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        if not self._over:
            path, _, query = path_of(self._target.decode()).partition("?")
            told = (method, path, query, tuple(self._pairs), self._body, self._keeps)
            self.heard.append(Heard(*told))
        self._over = self._over or not self._keeps
        self._fresh()


class Line(asyncio.Transport):
    """A client's end: what it was told, and whether it was hung up on."""

    def __init__(self) -> None:
        super().__init__()
        self.told = b""
        self.over = False

    def write(self, data: Any) -> None:
        self.told += bytes(data)

    def write_eof(self) -> None:
        self.over = True

    def close(self) -> None:
        self.over = True

    def abort(self) -> None:
        self.over = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Desk:
    """Answers each request as soon as it is whole, and remembers what it heard."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.patience = Patience()
        self.date = "date: today\r\n"
        self.stopping = False
        self.connections: set[Connection] = set()
        self.heard: list[Heard] = []
        self.line = Line()
        self.current: tuple[Exchange, Coroutine[Any, Any, bytes]] | None = None
        self._waits: Any = None
        self.connection = Connection(self)
        self.connection.connection_made(self.line)

    def admits(self) -> bool:
        return True

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def start(self, exchange: Exchange) -> None:
        self.current = (exchange, exchange.body(PLENTY))

    def hear(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            if not self.line.over:
                self.connection.data_received(piece)
                while self.current is not None and self._goes_on(*self.current):
                    pass
        if self.current is not None:
            self.current[1].close()
        self.loop.close()

    def _goes_on(self, exchange: Exchange, reading: Coroutine[Any, Any, bytes]) -> bool:
        if exchange.gone or (self._waits is not None and not self._waits.done()):
            return False
        try:
            self._waits = reading.send(None)
        except StopIteration as end:
            head, self._waits, self.current = exchange.head, None, None
            told = (head.method, head.path, head.query, tuple(head.pairs))
            self.heard.append(Heard(*told, end.value, exchange.keeps))
            assert head.headers == dict(head.pairs)
            exchange.response_bytes(200, [], b"ok")
            return True
        self._waits._asyncio_future_blocking = False  # noqa: SLF001 - as whoever drives does
        return True


def ask(length: int, *headers: str, path: str = "/v1/chat?a=1", body: bytes | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: a", *headers, f"Content-Length: {length}", "X-Last: 1"]
    return "\r\n".join([*lines, "", ""]).encode() + (b"b" * length if body is None else body)


SAME: Final = st.integers(0, 300).map(ask)
HEADERS: Final = st.sampled_from(
    ["X-A: 1", "Connection: close", "Connection: keep-alive", "Expect: 100-continue", "X-B: é"]
)
OTHER: Final = st.builds(ask, st.integers(0, 20), HEADERS)
CHUNKED: Final = st.just(
    b"POST /v1/chat?a=1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n0\r\n\r\n"
)
NESTED: Final = SAME.map(lambda inner: ask(len(inner), body=inner))
"""A body that looks like a request."""
TORN: Final = st.sampled_from(
    [b"\r\n", b"\r\n\r\n", b"POST ", b"POST /x HTTP/1.1\r\nX: ", b"\0", b"G"]
)
STREAM: Final = st.lists(
    st.one_of(SAME, SAME, SAME, SAME, NESTED, OTHER, CHUNKED, TORN), min_size=2, max_size=7
)


def cut(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    at = sorted({0, len(data), *(each % (len(data) + 1) for each in cuts)})
    return [data[start:stop] for start, stop in pairwise(at)]


def compare(pieces: Sequence[bytes]) -> Desk:
    desk, oracle = Desk(), Reader(b"".join(pieces))
    desk.hear(pieces)
    assert desk.heard == oracle.heard[: len(desk.heard)]
    if not desk.line.over:
        assert len(desk.heard) == len(oracle.heard)
    return desk


@settings(max_examples=1_000, deadline=None)
@given(STREAM, st.none() | st.lists(st.integers(0, 4_000), max_size=6))
@example([ask(3), b"POST /x HTTP/1.1\r\nX: ", ask(3)], None)
@example([ask(3), ask(4) + b"POST /x HTTP/1.1\r\nX: ", ask(5)], None)
def test_requests_mean_the_same_whether_their_heads_are_known_or_read(
    messages: list[bytes], cuts: list[int] | None
) -> None:
    compare(messages if cuts is None else cut(b"".join(messages), cuts))


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=3), st.integers(0, 9))
@example(6, b"#", 0)
@example(6, b"?", 0)
def test_a_head_with_any_other_byte_is_read(at: int, other: bytes, length: int) -> None:
    again = ask(length)
    at %= len(again)
    compare([ask(3), again[:at] + other + again[at + len(other) :], ask(5)])


@pytest.mark.parametrize("digits", [b"", b"+3", b"3 ", b" 3", b"0x3", b"3,3", b"\xd9\xa3", b"-3"])
def test_a_length_that_is_no_number_is_left_to_llhttp(digits: bytes) -> None:
    compare([ask(3), ask(3).replace(b": 3\r\n", b": " + digits + b"\r\n"), ask(3)])


def head_of(data: bytes) -> Known | None:
    desk = Desk()
    desk.connection.data_received(data)
    assert desk.current is not None
    exchange, reading = desk.current
    reading.close()
    desk.loop.close()
    return known_of(data, exchange.head)


def test_only_a_plain_short_head_is_known_again() -> None:
    known = head_of(ask(3, "Authorization: Bearer sk-yj-1"))
    assert known is not None
    assert (known.digits, known.before[-16:]) == (b"3", b"Content-Length: ")
    found = known.again(ask(17, "Authorization: Bearer sk-yj-1"))
    assert found is not None
    head, start, length = found
    assert (head.headers["content-length"], length) == ("17", 17)
    assert head.memo is known.head.memo
    assert start == len(ask(17, "Authorization: Bearer sk-yj-1")) - 17
    assert known.again(ask(17, "Authorization: Bearer sk-yj-2")) is None
    for each in (
        "Connection: close",
        "Expect: 100-continue",
        "Upgrade: h2c",
        "X-B: \u00e9",
        "X-Long: " + "x" * KNOWN_BYTES,
    ):
        assert head_of(ask(3, each)) is None
