"""The pump: bytes go to the client as they come, a tap reads a copy, and it outlives the client.

The task that reads the upstream does not die with the client: when the client has gone
it only stops sending, and reads on until the provider says what was used, or a bound is reached.
"""

import asyncio
from dataclasses import dataclass

from yuejie.gateway.call.live import Cut, Live, Running
from yuejie.gateway.server.exchange import Exchange, Gone
from yuejie.gateway.upstream.port import Answer, UpstreamError
from yuejie.kernel.limits import DRAIN_BYTES
from yuejie.usage.dialects import Reading, StreamTap, UsageFilter


@dataclass(slots=True)
class Pump:
    """One streamed answer on its way through."""

    answer: Answer
    exchange: Exchange
    tap: StreamTap
    hiding: UsageFilter | None
    live: Live
    running: Running
    gone: bool = False
    broken: bool = False
    _held: bytes = b""
    _drained: int = 0

    async def run(self, first: bytes | None) -> Reading:
        """Pass the whole answer on, but for what must not leave before the record is written."""
        complete = False
        self.exchange.left = self._left
        try:
            await self._pass_on(first)
            complete = True
        except UpstreamError:
            # Behind the provider's own end of the answer a broken line breaks nothing.
            self.broken = not self.tap.saw_terminal
        except asyncio.CancelledError:
            if self.running.cut is None:
                raise
            self.broken = True
        if self.hiding is not None and not self.gone:
            self._held += self.hiding.finish()
        return self.tap.finish(complete=complete)

    async def _pass_on(self, chunk: bytes | None) -> None:
        tap, hiding, read = self.tap, self.hiding, self.answer.read
        while chunk is not None:
            tap.feed(chunk)
            if self.gone:
                self._drained += len(chunk)
                if self._drained > DRAIN_BYTES:
                    self.running.cut = self.running.cut or Cut.DRAINED_OUT
                    raise UpstreamError(Cut.DRAINED_OUT)
            else:
                out = chunk if hiding is None else hiding.feed(chunk)
                if tap.saw_terminal:
                    self._held += out
                elif out:
                    await self._send(out)
            chunk = await read()

    def finish(self, last: bytes = b"") -> None:
        """Send what was held back until the record was written, and a last word if there is one."""
        self.exchange.left = None
        self.exchange.finish(self._held + last)

    async def _send(self, data: bytes) -> None:
        try:
            await self.exchange.send_bytes(data)
        except Gone:
            self._left()

    def _left(self) -> None:
        """The client has hung up: from now on the upstream is read for its usage alone."""
        if not self.gone:
            self.gone = True
            self.live.drain(self.running)
