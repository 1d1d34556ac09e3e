"""A provider with a truth log: which attempt it served, and of which model.

    python -m bench.rehearsal.provider --host 127.0.0.1 --port 9000 --truth FILE --delay-ms 5

An attempt is named by the id that the gateway sends with it: 16 bytes and one for the model.
"""

import argparse
import asyncio
import gc
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import uvloop

from bench.upstream import body_length

INPUT: Final = 40
OUTPUT: Final = 60
CAPPED: Final = "gpt-4o"
FREE: Final = "gpt-3.5-turbo"
MODELS: Final = (CAPPED, FREE)
_ID: Final = re.compile(rb"\r\nx-client-request-id: ([0-9a-f]{32})\r\n", re.IGNORECASE)
_LINE: Final = 17


class Provider(asyncio.Protocol):
    """One connection of a gateway's."""

    def __init__(self, answers: list[bytes], truth: IO[bytes], delay_s: float) -> None:
        self._answers = answers
        self._truth = truth
        self._delay_s = delay_s
        self._held = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole, after a while."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + body_length(self._held[:end])
            if len(self._held) < whole:
                return
            head, body = self._held[: end + 4], self._held[end + 4 : whole]
            self._held = self._held[whole:]
            self._loop.call_later(self._delay_s, self._answer, head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        """What is served is written down, whether or not anybody is there to hear it."""
        found = _ID.search(head)
        assert found is not None  # noqa: S101 - the gateway names every attempt
        model = 0 if b'"gpt-4o"' in body else 1
        self._truth.write(bytes.fromhex(found[1].decode()) + bytes([model]))
        if not self._transport.is_closing():
            self._transport.write(self._answers[model])


def answers() -> list[bytes]:
    """Return the answer of each model."""
    usage = {
        "prompt_tokens": INPUT,
        "completion_tokens": OUTPUT,
        "total_tokens": INPUT + OUTPUT,
    }
    written = []
    for model in MODELS:
        choice = {"index": 0, "message": {"role": "assistant", "content": "好"}}
        body = json.dumps(
            {
                "id": "chatcmpl-rehearsal",
                "object": "chat.completion",
                "created": 1_767_225_600,
                "model": model,
                "choices": [{**choice, "finish_reason": "stop"}],
                "usage": usage,
            }
        ).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        written.append(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
    return written


def request_body(model: str) -> bytes:
    """Return what a client asks: little, and no more words back than the provider gives."""
    message = {"role": "user", "content": "请问上个月的账单什么时候出？"}
    return json.dumps({"model": model, "max_tokens": OUTPUT, "messages": [message]}).encode()


def read_truth(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield each attempt that was served, and the place of its model in `MODELS`."""
    with path.open("rb") as file:
        while block := file.read(_LINE * 10_000):
            for at in range(0, len(block), _LINE):
                yield block[at : at + 16], block[at + 16]


async def _serve(host: str, port: int, truth: IO[bytes], delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    written = answers()
    await loop.create_server(lambda: Provider(written, truth, delay_s), host, port, backlog=4_096)
    print("ready", flush=True)
    await told.wait()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser("bench.rehearsal.provider")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--delay-ms", type=int, required=True)
    told = parser.parse_args()
    gc.freeze()
    with told.truth.open("wb") as truth:
        uvloop.run(_serve(told.host, told.port, truth, told.delay_ms / 1000))


if __name__ == "__main__":
    main()
