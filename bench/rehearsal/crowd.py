"""Clients behind a load balancer: each call goes to a node that is ready, and is tried again.

    python -m bench.rehearsal.crowd     an order on standard input; a line a fifth of a second

A client gives up on 402, which is an answer, and after PATIENCE seconds of trying, which is a
failure. Everything else is tried again, at once on another node or when `retry-after` says.
"""

import asyncio
import random
import sys
import threading
import time
from collections import Counter
from typing import Final

import msgspec
import uvloop

from bench.rehearsal.provider import CAPPED, FREE, request_body

PATIENCE: Final = 60.0
_LOOK_SECONDS: Final = 0.2
_TELL_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 30.0
_OK, _SPENT = 200, 402


class Order(msgspec.Struct, frozen=True):
    """A load: so many calls at least, of which some are of the model that is capped."""

    hosts: list[str]
    port: int
    key: str
    calls: int
    clients: int
    capped_percent: int = 20
    rate: float = 0.0
    """Calls a second at most; 0: as fast as they are answered."""


class Seen(msgspec.Struct):
    """What the clients saw so far."""

    done: int = 0
    answered: int = 0
    spent: int = 0
    """Calls that were told that their budget is used up."""
    retried: int = 0
    failed: int = 0
    """Calls that no retry has cured."""
    seconds: float = 0.0
    why: dict[str, int] = {}
    """What was tried again, by node and reason."""


class Crowd:
    """All clients, and which nodes are ready."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._begun = 0
        self._told = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        self._ready: set[str] = set(order.hosts)
        self._began = time.monotonic()
        self._rng = random.Random(7)
        self.seen = Seen()
        self._why: Counter[str] = Counter()
        self._requests = {model: _request(order.key, model) for model in (CAPPED, FREE)}

    async def run(self) -> None:
        """Let every client call until all calls are done."""
        looking = [asyncio.create_task(self._look(host)) for host in self._order.hosts]
        telling = asyncio.create_task(self._tell())
        await asyncio.gather(*(self._client() for _ in range(self._order.clients)))
        for task in (*looking, telling):
            task.cancel()
        self._say()

    def _listen(self) -> None:
        """Go on, also beyond the calls that were ordered, until whoever ordered hangs up."""
        sys.stdin.buffer.read()
        self._told.set()

    async def _client(self) -> None:
        wires: dict[str, _Wire] = {}
        while self._begun < self._order.calls or not self._told.is_set():
            self._begun += 1
            if self._order.rate:
                due = self._began + self._begun / self._order.rate
                await asyncio.sleep(max(due - time.monotonic(), 0))
            capped = self._rng.randrange(100) < self._order.capped_percent
            await self._call(wires, self._requests[CAPPED if capped else FREE])
            self.seen.done += 1
        for wire in wires.values():
            wire.close()

    async def _call(self, wires: "dict[str, _Wire]", request: bytes) -> None:
        deadline, last = time.monotonic() + PATIENCE, ""
        while time.monotonic() < deadline:
            host = self._pick(last)
            wire = wires.setdefault(host, _Wire(host, self._order.port))
            status, wait = await wire.ask(request)
            if status == _OK:
                self.seen.answered += 1
                return
            if status == _SPENT:
                self.seen.spent += 1
                return
            self.seen.retried += 1
            self._why[f"{host} {status}"] += 1
            last = host
            await asyncio.sleep(wait)
        self.seen.failed += 1

    def _pick(self, last: str) -> str:
        ready = [host for host in self._ready if host != last] or list(self._ready)
        return self._rng.choice(ready or self._order.hosts)

    async def _look(self, host: str) -> None:
        """Ask a node again and again whether it is ready, as a load balancer does."""
        while True:
            wire = _Wire(host, self._order.port)
            status, _ = await wire.ask(b"GET /readyz HTTP/1.1\r\nhost: t\r\n\r\n", patience=2.0)
            wire.close()
            if status == _OK:
                self._ready.add(host)
            else:
                self._ready.discard(host)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            self._say()

    def _say(self) -> None:
        self.seen.seconds = time.monotonic() - self._began
        self.seen.why = dict(self._why)
        sys.stdout.buffer.write(msgspec.json.encode(self.seen) + b"\n")
        sys.stdout.buffer.flush()


class _Wire:
    """A client's connection to one node, made when it is needed."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes, patience: float = _ANSWER_SECONDS) -> tuple[int, float]:
        """Call once; a connection that broke is −1, and is made anew the next time."""
        try:
            async with asyncio.timeout(patience):
                return await self._ask(request)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.close()
            return -1, 0.05

    async def _ask(self, request: bytes) -> tuple[int, float]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        await self._reader.readexactly(int(fields.get(b"content-length", b"0")))
        if fields.get(b"connection") == b"close":
            self.close()
        return int(lines[0].split()[1]), min(float(fields.get(b"retry-after", b"0.05")), 1.0)

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def _request(key: str, model: str) -> bytes:
    body = request_body(model)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Carry out one order."""
    uvloop.run(Crowd(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)).run())


if __name__ == "__main__":
    main()
