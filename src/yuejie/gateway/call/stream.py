"""The pump: bytes go to the client as they come, a tap reads a copy, and it outlives the client.

The task that reads the upstream does not die with the client: when the client has gone
it only stops sending, and reads on until the provider says what was used, or a bound is reached.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from granian._granian import RSGIProtocolClosed, RSGIProtocolError

from yuejie.gateway.call.asked import Transport
from yuejie.gateway.call.live import Cut, Live, Running
from yuejie.gateway.upstream.port import Answer, UpstreamError
from yuejie.kernel.limits import DRAIN_BYTES
from yuejie.usage.dialects import Reading, StreamTap, UsageFilter

GONE: Final = (RSGIProtocolClosed, RSGIProtocolError)


@dataclass(slots=True)
class Pump:
    """One streamed answer on its way through."""

    answer: Answer
    transport: Transport
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

    async def finish(self, last: bytes = b"") -> None:
        """Send what was held back until the record was written, and a last word if there is one."""
        out = self._held + last
        if out and not self.gone:
            await self._send(out)
        # Granian ends the answer when nobody holds its transport, and a traceback might.
        del self.transport

    async def _send(self, data: bytes) -> None:
        try:
            await self.transport.send_bytes(data)
        except GONE:
            self.gone = True
            self.live.drain(self.running)
