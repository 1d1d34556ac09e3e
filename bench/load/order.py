"""What a load generator is asked to do, and what it saw; it runs in a process of its own."""

import subprocess
import sys
from typing import Final

import msgspec

from bench.figures import Unfair

PATIENCE_SECONDS: Final = 180


class Target(msgspec.Struct, frozen=True):
    """Where requests go, and the bytes of each."""

    port: int
    request: bytes


class Order(msgspec.Struct, frozen=True):
    """A load. With `beside`, every request to the target is paired with one to the other.

    Unpaced, each connection asks again as soon as it is answered; paced, `rate` times a second.
    """

    target: Target
    connections: int
    seconds: float
    rate: float = 0.0
    beside: Target | None = None


class Report(msgspec.Struct, frozen=True):
    """What came back. `events` counts the lines of streams that begin with `data:`."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float
    events: int = 0
    wrong: int = 0
    example: str = ""
    took_ms: list[float] = []
    beside_ms: list[float] = []

    @property
    def per_second(self) -> float:
        """Answers per second of wall time."""
        return self.answers / self.seconds


def chat(port: int, key: str, *, model: str = "gpt-4o", stream: bool = False) -> Target:
    """Return a chat request of ordinary size."""
    body = msgspec.json.encode(
        {
            "model": model,
            "messages": [
                {"role": "system", "content": "你是一名耐心的客服，回答简短而准确。"},
                {"role": "user", "content": "请问上个月的账单什么时候出？" * 8},
            ],
            "temperature": 0.2,
            "max_tokens": 256,
            "stream": stream,
        }
    )
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        f"host: 127.0.0.1:{port}\r\n"
        f"authorization: Bearer {key}\r\n"
        "content-type: application/json\r\n"
        "accept: */*\r\n"
        "user-agent: bench\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return Target(port, head.encode() + body)


def run(order: Order) -> Report:
    """Let a generator carry out the order; one answer that is not 200 spoils the run."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=msgspec.json.encode(order),
        stdout=subprocess.PIPE,
        timeout=order.seconds + PATIENCE_SECONDS,
        check=True,
    )
    report = msgspec.json.decode(done.stdout, type=Report)
    if report.wrong or not report.answers:
        raise Unfair(f"{report.wrong} 个应答不是 200，例如：{report.example or '（无应答）'}")
    return report
