"""The server on the wire: what clients send, however they cut it, and what they get away with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rooms.gateway.world import free_port
from yuejie.gateway.server.bounds import HEAD_BYTES, HEADERS, HIGH, PIPELINED, Patience
from yuejie.gateway.server.exchange import Exchange, Gone, TooLong
from yuejie.gateway.server.listen import Server
from yuejie.kernel.clock import SystemClock

LIMIT: Final = 1_000_000
SOON: Final = 5.0
CALM: Final = Patience()
HASTY: Final = Patience(
    head=0.1, idle=0.1, piece=0.1, body=0.3, write=0.15, linger=0.1, flush=0.2, tick=0.02
)


class World:
    """A server with an application that says what it heard."""

    def __init__(self, *, patience: Patience = CALM, connections: int = 100) -> None:
        self.port = free_port()
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.left = asyncio.Event()
        self.ended = asyncio.Event()
        self.released = asyncio.Event()
        self.pace = 0
        self.server = Server(
            self.answer,
            asyncio.get_running_loop(),
            SystemClock(),
            patience=patience,
            connections=connections,
        )

    async def answer(self, exchange: Exchange) -> None:
        match exchange.path:
            case "/stream":
                await self.stream(exchange)
                return
            case "/refuse":
                exchange.response_bytes(403, [], b"no")
                return
            case "/silent":
                return
        if exchange.path == "/wait":
            await self.released.wait()
        try:
            body = await exchange.body(LIMIT)
        except TooLong:
            exchange.response_bytes(413, [], b"too long")
            return
        self.seen.append((exchange.method, exchange.path, exchange.query, body))
        exchange.response_bytes(200, [("x-a", "1"), ("x-bad", "a\r\nb: c")], b"got " + body)

    async def stream(self, exchange: Exchange) -> None:
        exchange.left = self.left.set
        exchange.response_stream(200, [])
        try:
            for _ in range(2):
                await exchange.send_bytes(b"piece")
            await self.released.wait()
            while self.pace:
                await exchange.send_bytes(b"x" * self.pace)
        except Gone:
            self.ended.set()
            raise
        exchange.finish(b"last")


class Client:
    """A connection that is written to and read from byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), SOON)

    async def answer(self) -> tuple[int, bytes, bytes]:
        """The next answer: status, head, body."""
        head = await self.head()
        status = int(head[9:12])
        if b"content-length: " in head:
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return status, head, await asyncio.wait_for(self.reader.readexactly(length), SOON)
        body = b""
        while (size := int(await self.reader.readuntil(b"\r\n"), 16)) > 0:
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return status, head, body

    async def rest(self) -> bytes:
        """Everything until the server hangs up."""
        return await asyncio.wait_for(self.reader.read(), SOON)


def play(
    story: Callable[[World, Callable[[], Awaitable[Client]]], Awaitable[None]],
    *,
    patience: Patience = CALM,
    connections: int = 100,
) -> None:
    """Tell a story on a running server."""

    async def run() -> None:
        world = World(patience=patience, connections=connections)
        await world.server.open("127.0.0.1", world.port)
        clients: list[Client] = []

        async def connect() -> Client:
            clients.append(Client(*await asyncio.open_connection("127.0.0.1", world.port)))
            return clients[-1]

        try:
            await story(world, connect)
        finally:
            for client in clients:
                client.writer.close()
            world.pace = 0
            world.released.set()
            world.server.stop()
            await world.server.close()

    uvloop.run(run())


def ask(
    target: str, body: bytes = b"", *headers: str, method: str = "POST", version: str = "1.1"
) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", "Host: a", *headers]
    if not any("ncoding" in each for each in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;ext=1\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\nx-t: 1\r\n\r\n"


CHUNKED: Final = "Transfer-Encoding: chunked"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 250), max_size=8), st.integers(1, 50))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int], size: int) -> None:
    body = b"0123456789" * 5
    data = ask("/a?b=c", body) + ask("/d", b"", "X-Empty:", CHUNKED) + chunked(body, size)

    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client, at = await connect(), 0
        for cut in [*sorted(cuts), len(data)]:
            client.send(data[at:cut])
            await asyncio.sleep(0)
            at = cut
        for _ in range(2):
            status, head, answer = await client.answer()
            assert (status, answer) == (200, b"got " + body)
            assert b"x-a: 1\r\n" in head
            assert b"x-bad" not in head
        assert world.seen == [("POST", "/a", "b=c", body), ("POST", "/d", "", body)]

    play(story)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("/wait", b"0") + b"".join(ask("/x", b"%d" % n) for n in range(1, 9)))
        await asyncio.sleep(0.05)
        assert world.seen == []
        world.released.set()
        assert [(await client.answer())[2] for _ in range(9)] == [b"got %d" % n for n in range(9)]

    play(story)


def test_too_many_pipelined_requests_end_the_connection() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("/wait") + ask("/x") * (PIPELINED + 5))
        await asyncio.sleep(0.02)
        world.released.set()
        assert (await client.rest()).count(b"HTTP/1.1 200") == PIPELINED + 1

    play(story)


SMUGGLED: Final = {
    "both lengths": ask("/x", b"0\r\n\r\n", "Content-Length: 5", CHUNKED),
    "two lengths": ask("/x", b"abc", "Content-Length: 5"),
    "another coding": ask("/x", b"abc", "Transfer-Encoding: gzip, chunked"),
    "coding twice": ask("/x", b"0\r\n\r\n", CHUNKED, CHUNKED),
    "chunks in 1.0": ask("/x", b"0\r\n\r\n", CHUNKED, version="1.0"),
    "signed length": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "blank before the colon": b"POST /x HTTP/1.1\r\nHost : a\r\n\r\n",
    "folded line": b"POST /x HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "bare line ends": b"POST /x HTTP/1.1\nHost: a\n\n",
    "bare CR": b"POST /x HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "zero byte": b"POST /x HTTP/1.1\r\nHost: a\0\r\n\r\n",
    "no host": b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two hosts": ask("/x", b"", "Host: b"),
    "bad chunk size": ask("/x", b"-1\r\n", CHUNKED),
    "bad chunk end": ask("/x", b"1\r\nabc\r\n", CHUNKED),
}


@pytest.mark.parametrize("data", SMUGGLED.values(), ids=list(SMUGGLED))
def test_what_two_readers_might_read_differently_is_refused(data: bytes) -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(data + ask("/smuggled"))
        status, head, body = await client.answer()
        assert status == 400
        assert b"connection: close\r\n" in head
        assert "请".encode() in body
        assert await client.rest() == b""
        assert world.seen == []

    play(story)


BOUNDED: Final = {
    "a header": (431, ask("/x", b"", "X-A: " + "a" * HEAD_BYTES)),
    "a header without an end": (431, ask("/x")[:-2] + b"X-A: " + b"a" * (HEAD_BYTES + 1)),
    "headers": (431, ask("/x", b"", *(f"x{n}: 1" for n in range(HEADERS)))),
    "target": (414, ask("/" + "a" * 20_000)),
    "chunk extension": (431, ask("/x", b"1;" + b"a" * 9 * HEAD_BYTES, CHUNKED)),
    "trailers": (431, ask("/x", b"0\r\nx: " + b"a" * 9 * HEAD_BYTES, CHUNKED)),
    "TLS where none is spoken": (405, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "method": (405, b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "tunnel": (405, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "expectation": (417, ask("/x", b"", "Expect: gold")),
    "version": (505, ask("/x", version="2.0")),
    "body": (413, ask("/x", b"a" * (LIMIT + 1))),
}


@pytest.mark.parametrize(("status", "data"), BOUNDED.values(), ids=list(BOUNDED))
def test_bounds(status: int, data: bytes) -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(data)
        answered, head, _ = await client.answer()
        assert answered == status
        assert b"connection: close\r\n" in head or status == 413
        assert world.seen == []

    play(story)


def test_a_client_reads_why_it_is_hung_up_on_while_it_still_sends() -> None:
    async def story(_: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(b"POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
        for piece in [b"a" * 50_000] * 20:
            client.send(piece)
        status, head, body = await client.answer()
        assert (status, body) == (403, b"no")
        assert b"connection: close\r\n" in head
        assert await client.rest() == b""

    play(story)


def test_a_body_is_asked_for_only_by_who_wants_it() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        request = ask("/x", b"abc", "Expect: 100-Continue")
        client.send(request[:-3])
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"abc")
        assert (await client.answer())[2] == b"got abc"
        client.send(ask("/refuse", b"abc", "Expect: 100-continue")[:-3])
        assert (await client.answer())[0] == 403
        assert len(world.seen) == 1

    play(story)


def test_head_gets_no_body_and_absolute_targets_are_understood() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("http://a/x?y#z", method="HEAD") + ask("http://a"))
        assert b"content-length: 4\r\n" in await client.head()
        assert (await client.answer())[2] == b"got "
        assert [each[:3] for each in world.seen] == [("HEAD", "/x", "y"), ("POST", "/", "")]

    play(story)


def test_a_wish_for_another_protocol_is_ignored() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        for framing, body in (
            (["Content-Length: 3"], b"abc"),
            ([CHUNKED], b"3\r\nabc\r\n0\r\n\r\n"),
        ):
            client = await connect()
            wish = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"]
            head = "\r\n".join(["POST /x HTTP/1.1", "Host: a", *wish, *framing, "", ""]).encode()
            client.send(head + body[:2])
            await asyncio.sleep(0.01)
            client.send(body[2:])
            status, head, answer = await client.answer()
            assert (status, answer) == (200, b"got abc")
            assert b"connection: close\r\n" in head
        assert len(world.seen) == 2

    play(story)


def test_http_1_0_gets_its_stream_without_chunks() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        world.released.set()
        client.send(ask("/stream", version="1.0"))
        head = await client.head()
        assert b"chunked" not in head
        assert b"connection: close\r\n" in head
        assert await client.rest() == b"piecepiecelast"

    play(story)


def test_streams_come_piece_by_piece_and_the_connection_goes_on() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("/stream"))
        assert b"transfer-encoding: chunked\r\n" in await client.head()
        assert await client.reader.readexactly(20) == b"5\r\npiece\r\n5\r\npiece\r\n"
        world.released.set()
        assert await client.reader.readexactly(14) == b"4\r\nlast\r\n0\r\n\r\n"
        client.send(ask("/x", b"again"))
        assert (await client.answer())[2] == b"got again"

    play(story)


def test_a_client_that_hangs_up_in_a_stream_is_noticed_at_once() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("/stream"))
        await client.head()
        client.writer.close()
        await asyncio.wait_for(world.left.wait(), SOON)
        world.pace = 1
        world.released.set()
        await asyncio.wait_for(world.ended.wait(), SOON)

    play(story)


def test_a_client_that_takes_nothing_of_its_answer_is_given_up() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        world.pace = HIGH
        world.released.set()
        client.send(ask("/stream"))
        await asyncio.wait_for(world.ended.wait(), SOON)

    play(story, patience=HASTY)


def test_an_answer_that_nobody_gives_breaks_the_connection_off() -> None:
    async def story(_: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("/silent"))
        assert await client.rest() == b""

    play(story)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"POST /x HTTP/1.1\r\n", b"HTTP/1.1 408 "),
        (b"", b""),
        (ask("/x", b"abc") + b"POST /x HTTP/1.1\r\nX: ", b"HTTP/1.1 408 "),
    ],
)
def test_a_head_that_trickles_and_a_connection_that_idles_are_given_up(
    data: bytes, told: bytes
) -> None:
    async def story(_: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(data)
        if b"abc" in data:
            await client.answer()
        trickle = asyncio.create_task(_trickle(client, b"x") if data else asyncio.sleep(0))
        try:
            assert (await client.rest()).startswith(told)
        finally:
            trickle.cancel()

    play(story, patience=HASTY)


async def _trickle(client: Client, data: bytes) -> None:
    while not client.writer.transport.is_closing():
        client.send(data)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("pace", [b"", b"a"])
def test_a_body_that_trickles_is_given_up(pace: bytes) -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        client.send(ask("/x", b"a" * 900)[:-890])
        trickle = asyncio.create_task(_trickle(client, pace) if pace else asyncio.sleep(0))
        assert await client.rest() == b""
        trickle.cancel()
        assert world.seen == []

    play(story, patience=HASTY)


def test_one_connection_too_many_is_told_so() -> None:
    async def story(_: World, connect: Callable[[], Awaitable[Client]]) -> None:
        first = await connect()
        first.send(ask("/x"))
        await first.answer()
        second = await connect()
        status, head, _body = await second.answer()
        assert status == 503
        assert b"retry-after: 1\r\n" in head
        assert await second.rest() == b""
        first.send(ask("/x"))
        assert (await first.answer())[0] == 200

    play(story, connections=1)


def test_a_server_that_stops_finishes_what_it_began_and_hangs_up_on_the_idle() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        idle, busy = await connect(), await connect()
        idle.send(ask("/x"))
        await idle.answer()
        busy.send(ask("/wait", b"abc"))
        await asyncio.sleep(0.02)
        world.server.stop()
        assert await idle.rest() == b""
        with pytest.raises(OSError, match="refused"):
            await connect()
        world.released.set()
        status, head, body = await busy.answer()
        assert (status, body) == (200, b"got abc")
        assert b"connection: close\r\n" in head
        assert await busy.rest() == b""

    play(story)


def test_a_body_waits_in_the_kernel_while_nobody_reads_it() -> None:
    async def story(world: World, connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        body = b"a" * 900_000
        client.send(ask("/wait", body))
        await asyncio.sleep(0.1)
        (connection,) = world.server.connections
        assert connection.is_slowed
        world.released.set()
        assert (await client.answer())[2] == b"got " + body

    play(story)
