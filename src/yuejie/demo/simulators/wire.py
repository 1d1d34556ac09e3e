"""How an answer travels: at its pace, with its faults, its truth on file before its last byte."""

import asyncio
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from granian import rsgi

from yuejie.demo.simulators.answer import Answer, Fields
from yuejie.demo.simulators.directives import NO_FAULT
from yuejie.demo.simulators.world import Caller, World

_FLUSH_SECONDS: Final = 0.03
"""Before a cut: what was handed to the server shall have left it."""
_FILES: Final = Path("/dev/fd")
_GONE: Final = (
    rsgi.ProtocolClosed,  # type: ignore[attr-defined]  # public by its documentation
    rsgi.ProtocolError,  # type: ignore[attr-defined]  # the same
    asyncio.CancelledError,
)
Pairs = list[tuple[str, str]]


class Transport(Protocol):
    """The sending half of a streamed response."""

    async def send_bytes(self, data: bytes) -> None:
        """Send some bytes."""
        ...


class Scope(Protocol):
    """The part of RSGI's scope that is looked at."""

    method: str
    path: str
    query_string: str
    client: str
    headers: Fields


class Proto(Protocol):
    """The part of RSGI's protocol object that answers need."""

    async def __call__(self) -> bytes:
        """Return the request's body."""
        ...

    async def client_disconnect(self) -> None:
        """Return when the caller has gone."""
        ...

    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None:
        """Answer in one piece."""
        ...

    def response_stream(self, status: int, headers: Pairs) -> Transport:
        """Begin an answer in pieces."""
        ...


async def play(
    proto: Proto, world: World, answer: Answer, caller: Caller, headers: Pairs, peer: str
) -> None:
    """Send an answer as its order directs and write its truth."""
    order = answer.order
    if answer.frames is None and order.fault is NO_FAULT and not order.pace.delay_ms:
        headers.append(("content-type", answer.content_type))
        world.record(answer, caller, 1, "served")
        proto.response_bytes(200, headers, answer.body)
        return
    if order.pace.delay_ms and await _leaves_within(proto, order.pace.delay_ms):
        world.record(answer, caller, 0, "gone")
        return
    if order.fault.cut_after == 0:
        world.record(answer, caller, 0, "cut")
        await _cut(peer)
        return
    headers.append(("content-type", answer.content_type))
    if answer.frames is None:
        await _send_body(proto, world, answer, caller, headers, peer)
    else:
        transport = proto.response_stream(200, headers)
        await _Stream(world, answer, caller, transport).run(peer)


async def _send_body(
    proto: Proto, world: World, answer: Answer, caller: Caller, headers: Pairs, peer: str
) -> None:
    fault = answer.order.fault
    body = answer.body
    if fault.cut_after is not None or fault.cut_before_usage:
        world.record(answer, caller, 0, "cut")
        transport = proto.response_stream(200, [*headers, ("content-length", str(len(body)))])
        await transport.send_bytes(body[: len(body) // 2])
        await _cut(peer)
        return
    if fault.garbage:
        body = body[: len(body) // 2]
    world.record(answer, caller, 1, _outcome(answer))
    proto.response_bytes(200, headers, body)


class _Stream:
    """One stream on its way."""

    def __init__(self, world: World, answer: Answer, caller: Caller, transport: Transport) -> None:
        self.world = world
        self.answer = answer
        self.caller = caller
        self.transport = transport
        self.frames = answer.frames or []
        self.sent = 0

    async def run(self, peer: str) -> None:
        """Send everything up to the fault, if there is one, and end accordingly."""
        fault = self.answer.order.fault
        stop = fault.cut_after
        if fault.cut_before_usage:
            stop = self.answer.usage_at
        if fault.error_midstream is not None:
            stop = fault.error_midstream
        if fault.garbage:
            self.frames[self.answer.usage_at :] = [b'data: {"broken\n\n']
        whole = len(self.frames)
        try:
            if stop is None or stop >= whole:
                await self._send(whole, last=whole)
            else:
                await self._send(stop, last=whole)
                await self._fail(peer, erring=fault.error_midstream is not None)
        except _GONE:
            self.world.record(self.answer, self.caller, self.sent, "gone")

    async def _send(self, stop: int, *, last: int) -> None:
        """Send frames up to `stop`; the truth is written before the last of all goes out."""
        pace = self.answer.order.pace
        settings = self.world.settings
        pause = settings.pace_ms if pace.pace_ms is None else pace.pace_ms
        step = pace.burst or (1 if pause else settings.burst)
        send = self.transport.send_bytes
        stamp = self.answer.stamp
        while self.sent < stop:
            edge = min(self.sent + step, stop)
            chunk = b"".join(self.frames[self.sent : edge])
            if stamp:
                chunk = chunk.replace(*stamp)
            if edge == last:
                self.world.record(self.answer, self.caller, last, _outcome(self.answer))
                with suppress(*_GONE):
                    await send(chunk)
                self.sent = last
                return
            await send(chunk)
            self.sent = edge
            if pause:
                await asyncio.sleep(pause / 1000)

    async def _fail(self, peer: str, *, erring: bool) -> None:
        self.world.record(self.answer, self.caller, self.sent, "error" if erring else "cut")
        with suppress(*_GONE):
            if erring:
                await self.transport.send_bytes(self.answer.error_frame)
            else:
                await _cut(peer)


def _outcome(answer: Answer) -> str:
    fault = answer.order.fault
    for name in ("no_usage", "negative", "absurd", "garbage"):
        if getattr(fault, name):
            return name
    return "served"


async def _leaves_within(proto: Proto, delay_ms: int) -> bool:
    """Wait, and say whether the caller left meanwhile."""
    leaving = asyncio.ensure_future(proto.client_disconnect())
    done, _ = await asyncio.wait({leaving}, timeout=delay_ms / 1000)
    leaving.cancel()
    return bool(done)


async def _cut(peer: str) -> None:
    """Pull the cable: shut the caller's socket, so that the body ends in the middle.

    The server would end the body properly however the application behaved.
    """
    await asyncio.sleep(_FLUSH_SECONDS)
    host, _, port = peer.rpartition(":")
    for file in list(_FILES.iterdir()):
        with suppress(OSError, ValueError):
            number = int(file.name)
            # Only sockets are looked at: a copy of anything else would never be closed again.
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as connection:
                if connection.getpeername()[:2] == (host.strip("[]"), int(port)):
                    connection.shutdown(socket.SHUT_RDWR)
