"""Both ways to a provider keep the same promises."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from tests.rooms.gateway.world import free_port
from yuejie.gateway.upstream.port import Answer, Lost, NotSent, Said
from yuejie.gateway.upstream.reqwest import ReqwestUpstream
from yuejie.gateway.upstream.wire import WireUpstream

SAID = Said.of([("x-one", "1"), ("x-one", "2")])


Client = WireUpstream | ReqwestUpstream
Fetched = tuple[int, bytes]
T = TypeVar("T")


def open_one(kind: str) -> Client:
    return WireUpstream(asyncio.get_running_loop()) if kind == "wire" else ReqwestUpstream.open()


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Give one answer per request; an empty one hangs up. Connections are kept."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    left = list(answers)

    def talk(wire: socket.socket) -> None:
        with wire:
            while left:
                request = b""
                while not complete(request):
                    piece = wire.recv(65536)
                    if not piece:
                        return
                    request += piece
                heard.append(request)
                answer = left.pop(0)
                if not answer:
                    return
                wire.sendall(answer)
                if b"content-length" not in answer and b"chunked" not in answer:
                    return

    def serve() -> None:
        while True:
            try:
                wire, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(wire,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def complete(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    if b"chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return len(body) >= length


def run(kind: str, deed: Callable[[Client], Awaitable[T]]) -> T:
    async def whole() -> T:
        upstream = open_one(kind)
        try:
            return await deed(upstream)
        finally:
            await upstream.close()

    return asyncio.run(whole())


async def closed(answer: Answer) -> None:
    closing = answer.close()
    if closing is not None:
        await closing


async def fetch(upstream: Client, url: str, body: bytes | AsyncIterable[bytes] = b"{}") -> Fetched:
    answer = await upstream.send(url, SAID, [], body)
    try:
        parts = []
        while (piece := await answer.read()) is not None:
            parts.append(piece)
        return answer.status, b"".join(parts)
    finally:
        await closed(answer)


WHOLE = b"HTTP/1.1 201 Made\r\ncontent-length: 5\r\nx-y: z\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\n\r\nhello"

both = pytest.mark.parametrize("kind", ["wire", "reqwest"])


@both
def test_answers_of_every_framing_over_one_connection(kind: str) -> None:
    with server(WHOLE, CHUNKED, CLOSED) as (url, heard):

        async def deed(upstream: Client) -> list[Fetched]:
            return [await fetch(upstream, f"{url}/v1/x?a=1%202&b=") for _ in range(3)]

        assert run(kind, deed) == [(201, b"hello"), (200, b"hello"), (200, b"hello")]
    assert heard[0].startswith(b"POST /v1/x?a=1%202&b= HTTP/1.1\r\n")
    assert heard[0].count(b"x-one: ") == 2
    assert b"accept-encoding: gzip" not in heard[0].lower()
    assert heard[0].endswith(b"\r\n\r\n{}")


@both
def test_a_body_is_streamed_up(kind: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        yield b""
        yield b"two"

    with server(WHOLE) as (url, heard):
        assert run(kind, lambda upstream: fetch(upstream, url, body())) == (201, b"hello")
    assert b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" in heard[0]


@both
def test_nobody_there_is_not_sent(kind: str) -> None:
    with pytest.raises(NotSent):
        run(kind, lambda upstream: fetch(upstream, f"http://127.0.0.1:{free_port()}/"))


@both
def test_a_name_that_does_not_exist_is_not_sent(kind: str) -> None:
    with pytest.raises(NotSent):
        run(kind, lambda upstream: fetch(upstream, "http://no-such-host.invalid/"))


@both
def test_hanging_up_before_the_answer_is_lost(kind: str) -> None:
    with server(b"") as (url, _), pytest.raises(Lost):
        run(kind, lambda upstream: fetch(upstream, url))


@both
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length : 99\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_lost(kind: str, answer: bytes) -> None:
    with server(answer) as (url, _), pytest.raises(Lost):
        run(kind, lambda upstream: fetch(upstream, url))


def test_an_answer_given_up_is_broken_off_and_its_connection_not_used_again() -> None:
    with server(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\nhel", WHOLE) as (url, heard):

        async def deed(upstream: Client) -> Fetched:
            answer = await upstream.send(url, SAID, [], b"{}")
            assert await answer.read() == b"hel"
            await closed(answer)
            return await fetch(upstream, url)

        assert run("wire", deed) == (201, b"hello")
    assert len(heard) == 2


def test_an_early_answer_ends_the_upload() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    listening = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        wire, _ = listening.accept()
        wire.recv(100)
        wire.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        threading.Event().wait(0.5)
        wire.close()

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    assert run("wire", lambda upstream: fetch(upstream, url, endless())) == (413, b"no")
    thread.join()
    listening.close()


def test_what_the_client_does_not_read_stays_in_the_kernel() -> None:
    size = 32 * 1024 * 1024

    async def deed(upstream: Client) -> int:
        answer = await upstream.send(url, SAID, [], b"{}")
        await asyncio.sleep(0.5)
        first = await answer.read() or b""
        total = len(first)
        while (piece := await answer.read()) is not None:
            total += len(piece)
        await closed(answer)
        assert len(first) < 2 * 1024 * 1024
        return total

    with server(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size)) as (url, _):
        assert run("wire", deed) == size
