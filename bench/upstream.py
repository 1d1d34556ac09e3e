"""An upstream with one answer: as cheap as a provider can be, so that it is not what is measured.

    python -m bench.upstream --port 9000 [--burst 10] [--pace-ms 0]

It speaks just enough HTTP/1.1: requests with `content-length`, one at a time per connection.
A request that says `"stream":true` gets a hundred events, `burst` of them in each write.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, cast

import uvloop

from yuejie.demo.simulators.launch import free_port

MODEL: Final = "gpt-4o-2024-08-06"
EVENTS: Final = 100
INPUT: Final = 1_200
CACHED: Final = 200
OUTPUT: Final = 100
USAGE: Final = {
    "prompt_tokens": INPUT,
    "completion_tokens": OUTPUT,
    "total_tokens": INPUT + OUTPUT,
    "prompt_tokens_details": {"cached_tokens": CACHED, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
_ENVELOPE: Final = {
    "id": "chatcmpl-00000000000000000000000000000",
    "created": 1_767_225_600,
    "model": MODEL,
    "service_tier": "default",
    "system_fingerprint": "fp_bench",
}


class Provider(asyncio.Protocol):
    """One connection of a gateway's."""

    def __init__(self, whole: bytes, parts: list[bytes], pace_s: float) -> None:
        self._whole = whole
        self._parts = parts
        self._pace_s = pace_s
        self._held = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + body_length(self._held[:end])
            if len(self._held) < whole:
                return
            body, self._held = self._held[end + 4 : whole], self._held[whole:]
            if b'"stream":true' in body or b'"stream": true' in body:
                self._next(0)
            else:
                self._transport.write(self._whole)

    def _next(self, part: int) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(self._parts[part])
        if part + 1 == len(self._parts):
            return
        if self._pace_s:
            self._loop.call_later(self._pace_s, self._next, part + 1)
        else:
            self._loop.call_soon(self._next, part + 1)


def body_length(head: bytes) -> int:
    """Return what a head says of its body's length; none means none."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def whole_answer() -> bytes:
    """Return the answer that is not streamed."""
    message = {"role": "assistant", "content": "月结 " * OUTPUT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = json.dumps(
        {**_ENVELOPE, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    ).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    return head + b"content-length: %d\r\n\r\n%b" % (len(body), body)


def stream_parts(burst: int) -> list[bytes]:
    """Return the writes of a stream: head and events, each event a chunk of its own."""
    chunk = {**_ENVELOPE, "object": "chat.completion.chunk"}
    events: list[dict[str, object]] = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": "月结 "}, "finish_reason": None}]}
        for _ in range(EVENTS - 1)
    ]
    events.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    frames = [_frame(json.dumps(event).encode()) for event in events]
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    parts = [b"".join(frames[at : at + burst]) for at in range(0, EVENTS, burst)]
    usage = json.dumps({**chunk, "choices": [], "usage": USAGE}).encode()
    last = _frame(usage) + _frame(b"[DONE]") + b"0\r\n\r\n"
    return [head + parts[0], *parts[1:-1], parts[-1] + last]


def _frame(event: bytes) -> bytes:
    data = b"data: %b\n\n" % event
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextmanager
def running(*, burst: int = 10, pace_ms: int = 0) -> Iterator[int]:
    """Have an upstream for the length of a block, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.upstream", "--port", str(port)]
    command += ["--burst", str(burst), "--pace-ms", str(pace_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        cast("IO[bytes]", process.stdout).readline()  # it says when it listens
        try:
            yield port
        finally:
            process.terminate()


async def _serve(port: int, burst: int, pace_ms: int) -> None:
    whole, parts, pace_s = whole_answer(), stream_parts(burst), pace_ms / 1000
    server = await asyncio.get_running_loop().create_server(
        lambda: Provider(whole, parts, pace_s), "127.0.0.1", port, backlog=4_096
    )
    print("ready", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser("bench.upstream")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--burst", type=int, default=10)
    parser.add_argument("--pace-ms", type=int, default=0)
    told = parser.parse_args()
    gc.disable()
    uvloop.run(_serve(told.port, told.burst, told.pace_ms))


if __name__ == "__main__":
    main()
