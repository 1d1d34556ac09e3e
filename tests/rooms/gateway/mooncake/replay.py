"""Replay of recorded conversations: exactly, by their block hashes, and through the gateway's tap.

The trace holds no text, only a number for each block of 512 tokens. Each number stands for the
same 2,048 bytes here, so that requests share text where the real ones did.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from yuejie.gateway.meter.prefix import TTL_S, Sketch, look

BLOCK_TOKENS: Final = 512
BYTES_PER_TOKEN: Final = 4


@dataclass(frozen=True)
class Call:
    """One request of the trace: seconds since its start, tokens in, the blocks of its prompt."""

    second: int
    tokens: int
    blocks: tuple[int, ...]

    @property
    def body(self) -> bytes:
        """A request in OpenAI's dialect whose prompt has these blocks."""
        text = "".join(map(_text, self.blocks))[: self.tokens * BYTES_PER_TOKEN]
        messages = [{"role": "user", "content": text}]
        return json.dumps({"model": "m", "stream": True, "messages": messages}).encode()


def read(path: Path) -> Iterator[Call]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield Call(row["timestamp"] // 1000, row["input_length"], tuple(row["hash_ids"]))


def exact(calls: Iterable[Call]) -> int:
    """Return the tokens that a prefix cache without bounds serves, five minutes long."""
    used: dict[int, int] = {}
    tokens = 0
    for call in calls:
        hit = 0
        still = True
        for block in call.blocks:
            still = still and call.second - used.get(block, -TTL_S - 1) <= TTL_S
            hit += still
            used[block] = call.second
        tokens += min(hit * BLOCK_TOKENS, call.tokens)
    return tokens


def tapped(calls: Iterable[Call], home: Path, workers: int) -> int:
    """Return the tokens that the gateway's tap counts, its workers taking turns."""
    sketches = [Sketch(home) for _ in range(workers)]
    tokens = 0
    for number, call in enumerate(calls):
        found = look(sketches[number % workers], b"s" * 32, "m", call.body, call.second)
        assert found is not None
        tokens += call.tokens * found.repeated // found.size
    for sketch in sketches:
        sketch.close()
    return tokens


_TEXTS: dict[int, str] = {}


def _text(block: int) -> str:
    if block not in _TEXTS:
        _TEXTS[block] = Random(block).randbytes(BLOCK_TOKENS * BYTES_PER_TOKEN // 2).hex()
    return _TEXTS[block]
