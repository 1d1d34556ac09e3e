"""The server: a port shared with its siblings, and one look a second at every connection."""

import asyncio
import resource
from contextlib import suppress
from email.utils import format_datetime
from typing import Final

from yuejie.gateway.server.bounds import BACKLOG, CONNECTIONS, Patience
from yuejie.gateway.server.connection import Application, Connection
from yuejie.gateway.server.exchange import Exchange, Gone
from yuejie.kernel.clock import Clock

_PATIENCE: Final = Patience()
HANDS: Final = 256
"""Tasks that wait for the next request: making one anew costs as much as admitting a call."""


class Server:
    """Serves an application until it is stopped."""

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        *,
        connections: int = CONNECTIONS,
        patience: Patience = _PATIENCE,
    ) -> None:
        self.loop = loop
        self.stopping = False
        self.connections: set[Connection] = set()
        self.patience = patience
        self.date = ""
        self._clock = clock
        self._application = application
        self._most = min(connections, _files())
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[Exchange]] = []
        """What the tasks wait for that have nothing to do, the busiest last."""
        self._empty = asyncio.Event()
        self._listening: asyncio.Server | None = None
        self._ticker: asyncio.TimerHandle | None = None

    async def open(self, host: str, port: int) -> None:
        """Listen; the kernel spreads connections over all who listen on this port."""
        self._listening = await self.loop.create_server(
            lambda: Connection(self), host, port, reuse_port=True, backlog=BACKLOG
        )
        self._tick()

    def admits(self) -> bool:
        """Say whether one more connection may stand."""
        return len(self.connections) < self._most

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if self.stopping and not self.connections:
            self._empty.set()

    def start(self, exchange: Exchange) -> None:
        """Have a request answered."""
        if self._idle:
            self._idle.pop().set_result(exchange)
        else:
            self._tasks.add(self.loop.create_task(self._serve(exchange)))

    def stop(self) -> None:
        """Take no new connection; those at work end with their answer."""
        self.stopping = True
        if self._listening is not None:
            self._listening.close()
        for connection in tuple(self.connections):
            connection.close()

    async def close(self) -> None:
        """Let clients take what they have been answered, for so long; then hang up."""
        if self.connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), self.patience.flush)
        for connection in tuple(self.connections):
            connection.abort()
        while self._idle:
            self._idle.pop().cancel()
        if self._ticker is not None:
            self._ticker.cancel()

    async def _serve(self, exchange: Exchange) -> None:
        """Answer one request after another, as long as none fails or is cut short."""
        task = asyncio.current_task()
        assert task is not None, "only tasks run coroutines"
        try:
            while True:
                exchange.task = task
                try:
                    await self._application(exchange)
                except Gone:
                    pass
                finally:
                    exchange.end()
                    exchange.task = None
                if task.cancelling() or len(self._idle) >= HANDS:
                    return
                waiting: asyncio.Future[Exchange] = self.loop.create_future()
                self._idle.append(waiting)
                exchange = await waiting
        finally:
            self._tasks.discard(task)

    def _tick(self) -> None:
        """Give up what has taken too long, without a timer per connection."""
        self._ticker = self.loop.call_later(self.patience.tick, self._tick)
        self.date = f"date: {format_datetime(self._clock.now(), usegmt=True)}\r\n"
        now = self.loop.time()
        for connection in [each for each in self.connections if each.deadline < now]:
            connection.expire()


def _files() -> int:
    """Have as many open files as the system lets us, and return how many clients that serves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return CONNECTIONS
    # Every client may need a connection to a provider; journals and the rest need few.
    return max(hard // 2 - 64, 64)
