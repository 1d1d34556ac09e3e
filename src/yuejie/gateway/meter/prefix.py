"""How much of a prompt was sent before, within minutes: two numbers, and nothing of the prompt.

Only for calls whose customer asked for it. The prompt (tools, system, messages, in the order in
which providers cache them) is cut into blocks, and each block hashed together with all before it,
under a salt of that customer's own. What stays are eight bytes of each hash and a second, in a
table of fixed size that all workers of a node share and in which every entry is stale after five
minutes. The call's event gets the prompt's bytes and how many of its first were there already.

Workers write into the table without waiting for each other. An entry that two write at once is
lost or, once in 2⁶⁴, another's; so what is counted is a lower bound. So it is where a customer's
calls go to several nodes, each of which knows its own.
"""

import mmap
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from yuejie.usage.dialects.document import BrokenJson, read_document

log = structlog.get_logger()

FILE: Final = "prefixes.sketch"
TTL_S: Final = 300
"""What providers promise of a cached prefix that is used again (Anthropic 5, OpenAI 5–10 min)."""
BLOCK: Final = 512
"""Bytes of a block at the beginning: providers count in some hundred tokens."""
FINE: Final = 16 * 1024
"""Behind so many bytes blocks are eight times as long: what is lost at a prompt's end is then
less than a tenth of it."""
COARSE: Final = 8 * BLOCK
BLOCKS_MAX: Final = 4_096
"""Of a longer prompt the rest counts as not sent before."""
BUCKETS: Final = 1 << 19
WAYS: Final = 4
"""Two million entries, 24 megabytes at most; a bucket's oldest entry gives way."""

_ENTRY: Final = 12
_HASH: Final = 8
_BUCKET: Final = WAYS * _ENTRY
_PARTS: Final = (
    "tools",
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    "messages",
    "contents",
    "input",
    "prompt",
)
"""Members of a request that make its prompt, in the order in which providers cache them."""


class Prefix(NamedTuple):
    """A prompt's size, and how much of its beginning was sent before."""

    size: int
    repeated: int

    @property
    def facts(self) -> dict[str, str]:
        """What is kept with the event: two numbers."""
        return {"prefix_bytes": str(self.size), "prefix_repeated": str(self.repeated)}


class Sketch:
    """The node's table of recent hashes; made when first needed, shared by its workers."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._table: mmap.mmap | None = None
        self._refused = False

    def ready(self) -> bool:
        """Open the table if it is not open; False where the disk has no room for it.

        It is asked once: a call is served all the same, and is told nothing of its prefix.
        """
        if self._table is None and not self._refused:
            try:
                self._table = self._open()
            except OSError as error:
                self._refused = True
                log.warning("prefix.no_table", why=str(error))
        return self._table is not None

    def seen(self, mark: bytes, now_s: int) -> bool:
        """Say whether a hash is there and fresh, and note that it is used now."""
        table = self._table
        assert table is not None, "the table is ready"
        at = int.from_bytes(mark, "little") % BUCKETS * _BUCKET
        bucket = table[at : at + _BUCKET]
        second = (now_s & 0xFFFFFFFF).to_bytes(4, "little")
        found = bucket.find(mark)
        if found >= 0 and found % _ENTRY == 0:
            was = int.from_bytes(bucket[found + _HASH : found + _ENTRY], "little")
            table[at + found + _HASH : at + found + _ENTRY] = second
            return now_s - was <= TTL_S
        ages = [int.from_bytes(bucket[i + _HASH : i + _ENTRY], "little") for i in _PLACES]
        oldest = at + _PLACES[ages.index(min(ages))]
        table[oldest : oldest + _ENTRY] = mark + second
        return False

    def close(self) -> None:
        """Let go of the table; the file stays for the other workers."""
        if self._table is not None:
            self._table.close()
            self._table = None

    def _open(self) -> mmap.mmap:
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            size = BUCKETS * _BUCKET
            # All of it at once: a hole that the disk cannot fill would kill who writes into it.
            os.posix_fallocate(fd, 0, size)
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)


_PLACES: Final = tuple(range(0, _BUCKET, _ENTRY))


def look(sketch: Sketch, salt: bytes, model: str, body: bytes, now_s: int) -> Prefix | None:
    """Count how much of a request's prompt was sent before, and remember all of it.

    Caches belong to a model, so the model is part of every hash. None where there is no prompt.
    """
    try:
        parts = _prompt(body)
    except BrokenJson:
        return None
    size = sum(map(len, parts))
    if not size or not sketch.ready():
        return None
    prompt = parts[0] if len(parts) == 1 else b"".join(parts)
    mark = blake2b(model.encode(), key=salt, digest_size=_HASH).digest()
    repeated, still = 0, True
    for start, end in _blocks(size):
        mark = blake2b(mark + prompt[start:end], key=salt, digest_size=_HASH).digest()
        # Everything is noted as used, also behind the first block that is new.
        still = sketch.seen(mark, now_s) and still
        if still:
            repeated = end
    return Prefix(size, repeated)


def _prompt(body: bytes) -> list[bytes]:
    raw = read_document(body).raw
    return [bytes(raw[name]) for name in _PARTS if name in raw]


def _blocks(size: int) -> Iterator[tuple[int, int]]:
    start = 0
    for _ in range(BLOCKS_MAX):
        if start >= size:
            return
        end = min(size, start + (BLOCK if start < FINE else COARSE))
        yield start, end
        start = end
