"""Multipart bodies: read only until the model is known, then passed on piece by piece.

Clients may put the file in front of the model's name. What comes before the name waits
in an unnamed file on disk, never in memory. So does the whole of a form that is sent under an
`Idempotency-Key`: whether it is the same as the first is known at its end, and before that
nothing may leave.
"""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, Final

from yuejie.gateway.refusal import Code, Refused
from yuejie.kernel.limits import UPLOAD_BYTES

_BOUNDARY: Final = re.compile(
    r'multipart/form-data\s*;.*?boundary=(?:"([^"]+)"|([^;,\s]+))', re.IGNORECASE
)
_NAME: Final = re.compile(rb'\bname\s*=\s*"?([^";\r\n]*)', re.IGNORECASE)
_FILENAME: Final = re.compile(rb"filename\*?=", re.IGNORECASE)
_FIELD_MAX: Final = 64 * 1024
"""Longest text field that is looked into; prompts of transcription are shorter."""
_PIECE: Final = 256 * 1024
_KEPT: Final = frozenset({"model", "stream", "response_format"})


_TOO_LARGE: Final = Refused(Code.BODY_TOO_LARGE, {"limit": UPLOAD_BYTES})
_TWICE: Final = Refused(Code.FORM_BROKEN, {"why": "有两个 model 字段"})


class Spoilt(Exception):
    """An upload turned out on its way to be one that is refused."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code.name)
        self.refused = refused


@dataclass(slots=True)
class Upload:
    """A form whose model is known and whose rest is still on its way."""

    fields: dict[str, str]
    spool: IO[bytes]
    model_at: tuple[int, int]
    rest: AsyncIterator[bytes]
    size: int
    head: "_Head"

    async def renamed(self, model: str) -> AsyncIterator[bytes]:
        """Give the body once, with another model's name in it."""
        start, end = self.model_at
        with self.spool as spool:
            async for piece in _pieces(spool, 0, start):
                yield piece
            yield model.encode()
            async for piece in _pieces(spool, end, None):
                yield piece
        async for chunk in self.rest:
            self._look(chunk)
            yield chunk

    async def whole(self) -> bytes:
        """Wait for all of it, and return a digest of what it says.

        Clients divide a form anew each time they send it: the parts are the same, their boundary
        is another. So the digest is one of the parts.
        """
        async for chunk in self.rest:
            self._look(chunk)
            await asyncio.to_thread(self.spool.write, chunk)
        return await asyncio.to_thread(self._digest)

    def _look(self, chunk: bytes) -> None:
        """Refuse what only its rest shows to be unfit."""
        self.size += len(chunk)
        if self.size > UPLOAD_BYTES:
            raise Spoilt(_TOO_LARGE)
        self.head.feed(chunk)
        if self.head.is_twice:
            raise Spoilt(_TWICE)

    def _digest(self) -> bytes:
        boundary = self.head.boundary
        all_parts, part, tail, at = hashlib.sha256(), hashlib.sha256(), b"", 0
        while piece := _read(self.spool, at, None):
            at += len(piece)
            *before, tail = (tail + piece).split(boundary)
            for each in before:
                part.update(each)
                all_parts.update(part.digest())
                part = hashlib.sha256()
            # The beginning of a boundary may be the end of this piece.
            sure = max(0, len(tail) - len(boundary) + 1)
            part.update(tail[:sure])
            tail = tail[sure:]
        part.update(tail)
        all_parts.update(part.digest())
        return all_parts.digest()


async def receive(content_type: str, chunks: AsyncIterator[bytes]) -> Upload | Refused:
    """Read a form until its model is known."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        return Refused(Code.FORM_BROKEN, {"why": "Content-Type 没有 boundary"})
    head = _Head(b"--" + (found[1] or found[2]).encode("latin-1", "replace"))
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the body has been passed on
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > UPLOAD_BYTES:
            spool.close()
            return _TOO_LARGE
        await asyncio.to_thread(spool.write, chunk)
        head.feed(chunk)
        if head.is_twice:
            spool.close()
            return _TWICE
        if head.model_at is not None and head.settled:
            return Upload(head.fields, spool, head.model_at, chunks, size, head)
    head.close()
    if head.model_at is not None:
        return Upload(head.fields, spool, head.model_at, chunks, size, head)
    spool.close()
    return Refused(Code.FORM_BROKEN, {"why": "没有 model 字段"})


class _Head:
    """Finds the small text fields of a form as it comes in."""

    __slots__ = (
        "_at",
        "_in_file",
        "_tail",
        "boundary",
        "fields",
        "is_twice",
        "model_at",
        "settled",
    )

    def __init__(self, boundary: bytes) -> None:
        self.boundary = boundary
        self._tail = b""
        self._at = 0
        self._in_file = False
        self.fields: dict[str, str] = {}
        self.model_at: tuple[int, int] | None = None
        self.is_twice = False
        """Two models are named: one reader takes the first, another the last."""
        self.settled = False
        """A file has begun or the form has ended behind the model: no need to wait for more."""

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        self._tail += chunk
        while self._step():
            pass

    def close(self) -> None:
        """The form has ended."""
        self.settled = True

    def _step(self) -> bool:
        """Take one part off the front, if it is whole; skip through a file."""
        boundary, tail = self.boundary, self._tail
        if self._in_file:
            end = tail.find(boundary)
            if end < 0:
                self._drop(max(0, len(tail) - len(boundary)))
                return False
            self._in_file = False
            self._drop(end)
            return True
        if not tail.startswith(boundary):
            start = tail.find(boundary)
            self._drop(max(0, start))
            if start < 0:
                return False
            tail = self._tail
        head_end = tail.find(b"\r\n\r\n")
        if head_end < 0:
            return False
        head = tail[len(boundary) : head_end]
        if _FILENAME.search(head):
            self._in_file = True
            self.settled = self.model_at is not None
            self._drop(head_end)
            return True
        end = tail.find(b"\r\n" + boundary, head_end + 4)
        if end < 0:
            if len(tail) > _FIELD_MAX:
                self._in_file = True
            return False
        self._keep(head, head_end + 4, end)
        self._drop(end + 2)
        return True

    def _keep(self, head: bytes, start: int, end: int) -> None:
        names = [name.decode("utf-8", "replace") for name in _NAME.findall(head)]
        name = "model" if "model" in names else names[-1] if names else ""
        if name in _KEPT:
            self.fields[name] = self._tail[start:end].decode("utf-8", "replace")
        if name == "model":
            self.is_twice = self.model_at is not None
            self.model_at = self.model_at or (self._at + start, self._at + end)

    def _drop(self, count: int) -> None:
        self._tail = self._tail[count:]
        self._at += count


async def _pieces(spool: IO[bytes], start: int, end: int | None) -> AsyncIterator[bytes]:
    at = start
    while end is None or at < end:
        piece = await asyncio.to_thread(_read, spool, at, end)
        if not piece:
            return
        at += len(piece)
        yield piece


def _read(spool: IO[bytes], at: int, end: int | None) -> bytes:
    spool.seek(at)
    return spool.read(_PIECE if end is None else min(_PIECE, end - at))
