"""A relay before PostgreSQL's private sockets. Cut, nothing passes and nothing is closed."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

_BLOCK: Final = 256 * 1024


class Relay:
    """Listens on TCP for each node, on a thread of its own."""

    def __init__(self, sockets: Sequence[str]) -> None:
        self._sockets = sockets
        self._cut: set[str] = set()
        self._servers: list[asyncio.Server] = []
        self._sinks: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def open(self, name: str, host: str, ports: Sequence[int]) -> None:
        """Listen for a node, by a port for each socket."""
        for port, socket in zip(ports, self._sockets, strict=True):
            opening = self._open(name, host, port, socket)
            asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)

    def cut(self, name: str, *, off: bool) -> None:
        """Let nothing pass for a node any more, or again."""
        if off:
            self._cut.add(name)
        else:
            self._cut.discard(name)

    def stop(self) -> None:
        """Listen no more, and let go of all connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for sink in tuple(self._sinks):
            sink.transport.abort()
        await asyncio.sleep(0)

    async def _open(self, name: str, host: str, port: int, socket: str) -> None:
        server = await asyncio.start_server(
            lambda reader, writer: self._carry(name, socket, reader, writer), host, port
        )
        self._servers.append(server)

    async def _carry(
        self, name: str, socket: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._while_cut(name)
        try:
            there, back = await asyncio.open_unix_connection(socket)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass(name, reader, back), self._pass(name, there, writer))

    async def _pass(
        self, name: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        self._sinks.add(sink)
        with suppress(OSError):
            while block := await source.read(_BLOCK):
                await self._while_cut(name)
                sink.write(block)
                await sink.drain()
        self._sinks.discard(sink)
        sink.close()

    async def _while_cut(self, name: str) -> None:
        while name in self._cut:  # noqa: ASYNC110 - another thread cuts
            await asyncio.sleep(0.05)
