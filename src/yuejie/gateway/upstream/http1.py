"""The grammar of an HTTP/1.1 answer, apart from any socket: bytes in, head and body out.

Only what RFC 9112 lets a server send to a client that asked plainly. Whatever else comes is
`Malformed`, and the connection is not used again.
"""

from collections import deque
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""Longest head of an answer, and longest line between chunks."""
_UNTIL_CLOSE: Final = -1
_CHUNKED: Final = -2
_CHUNK_END: Final = -1
_SIZE_DIGITS: Final = 8
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
SIZES: Final = 4_096
"""So many spellings of a chunk's size are remembered."""
_SIZES: Final[dict[bytes, int]] = {}
LINES: Final = 1_024
"""So many headers are remembered as providers write them: most are the same in every answer."""
LINE_BYTES: Final = 200
_LINES: Final[dict[bytes, tuple[str, str]]] = {}
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})
_BODILESS: Final = frozenset({204, 304})


class Malformed(Exception):
    """These bytes are no HTTP/1.1 answer."""


Head = tuple[int, list[tuple[str, str]]]
"""Status and headers, names in lower case."""


class Parser:
    """Reads one answer after another from a connection."""

    __slots__ = ("_buffer", "_chunk", "_left", "body", "done", "head", "keeps", "size")

    def __init__(self) -> None:
        self._buffer = b""
        self.body: deque[bytes] = deque()
        self.reset()

    def reset(self) -> None:
        """Be ready for the next answer."""
        self.head: Head | None = None
        self._left = 0
        self._chunk = 0
        self.size = 0
        """Bytes of body that are here and have not been taken."""
        self.done = False
        """The answer is whole."""
        self.keeps = True
        """The connection may carry another request."""

    @property
    def is_clean(self) -> bool:
        """Nothing came that nobody asked for."""
        return not self._buffer

    def feed(self, data: bytes) -> None:
        """Take what came."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if self.head is None:
            rest = self._read_head(data)
            if rest is None:
                return
            data = rest
        if self._left == _CHUNKED:
            self._read_chunks(data)
        else:
            self._read_plain(data)

    def close(self) -> None:
        """The server closed: that ends an answer of unknown length, and breaks any other."""
        if self.head is not None and self._left == _UNTIL_CLOSE:
            self.done = True

    def take(self) -> bytes:
        """Return all of the body that is here."""
        body = self.body
        self.size = 0
        if len(body) == 1:
            return body.popleft()
        taken = b"".join(body)
        body.clear()
        return taken

    def _read_head(self, data: bytes) -> bytes | None:
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > HEAD_BYTES:
                    raise Malformed("head too long")
                self._buffer = data
                return None
            status = _status(data)
            if status < 200:
                data = data[end + 4 :]
                continue
            self._framed(status, data[:end], old=data[7:8] == b"0")
            return data[end + 4 :]

    def _framed(self, status: int, head: bytes, *, old: bool) -> None:
        """Read the headers, and from them how the body is told from what follows."""
        headers: list[tuple[str, str]] = []
        length, chunked = _UNTIL_CLOSE, False
        keeps = not old
        for line in head.split(b"\r\n")[1:]:
            pair = _LINES.get(line) or _line(line)
            headers.append(pair)
            name, text = pair
            if name not in _FRAMING:
                continue
            if name == "content-length":
                if not text.isdecimal() or length not in (_UNTIL_CLOSE, int(text)):
                    raise Malformed("content-length")
                length = int(text)
            elif name == "transfer-encoding":
                chunked = text.lower() == "chunked"
                if not chunked:
                    raise Malformed("transfer-encoding")
            else:
                keeps = "close" not in text.lower() and (keeps or "keep-alive" in text.lower())
        self.head = (status, headers)
        self._left = 0 if status in _BODILESS else _CHUNKED if chunked else length
        self.keeps = keeps and self._left != _UNTIL_CLOSE
        self.done = self._left == 0

    def _read_plain(self, data: bytes) -> None:
        if self._left == _UNTIL_CLOSE:
            self._keep(data)
            return
        if len(data) > self._left:
            self._buffer = data[self._left :]
            data = data[: self._left]
        self._left -= len(data)
        self._keep(data)
        self.done = self._left == 0

    def _read_chunks(self, data: bytes) -> None:
        """Take chunks apart; what is here of a chunk that is not whole yet is passed on as well."""
        at = 0 if self._chunk else self._read_whole_chunks(data)
        end = len(data)
        while True:
            if self._chunk > 0:
                piece = data[at : at + self._chunk]
                at += len(piece)
                self._chunk -= len(piece)
                self._keep(piece)
                if self._chunk:
                    return
                self._chunk = _CHUNK_END
            if self._chunk == _CHUNK_END:
                if end - at < 2:
                    break
                if data[at : at + 2] != b"\r\n":
                    raise Malformed("chunk end")
                at += 2
                self._chunk = 0
            line = data.find(b"\r\n", at)
            if line < 0:
                break
            self._chunk = _chunk_size(data[at:line])
            if self._chunk == 0:
                at = self._read_trailer(data, at, line)
                break
            at = line + 2
        self._buffer = data[at:]
        if len(self._buffer) > HEAD_BYTES and not self.done:
            raise Malformed("chunk size")

    def _read_whole_chunks(self, data: bytes) -> int:
        """Take the chunks that are here in one piece; return where another begins.

        Hot: providers send every event of a stream as a chunk of its own.
        """
        at = taken = 0
        find, keep, known = data.find, self.body.append, _SIZES
        while (line := find(b"\r\n", at)) > 0:
            size = known.get(data[at:line]) or _learnt(data[at:line])
            start, end = line + 2, line + 2 + size
            if not size or data[end : end + 2] != b"\r\n":
                break
            keep(data[start:end])
            taken += size
            at = end + 2
        self.size += taken
        return at

    def _read_trailer(self, data: bytes, at: int, line: int) -> int:
        """Behind the last chunk: trailers, which nobody uses, and an empty line."""
        stop = data.find(b"\r\n\r\n", line)
        if stop < 0:
            return at
        self.done = True
        return stop + 4

    def _keep(self, data: bytes) -> None:
        if data:
            self.body.append(data)
            self.size += len(data)


def _line(line: bytes) -> tuple[str, str]:
    """Read a header, and remember how it is written."""
    name, colon, text = line.decode("latin-1").partition(":")
    if not colon or not name or name[-1] == " ":
        raise Malformed("header without a name")
    pair = (name.lower(), text.strip())
    if len(line) <= LINE_BYTES:
        if len(_LINES) >= LINES:
            _LINES.clear()
        _LINES[line] = pair
    return pair


def _status(data: bytes) -> int:
    """Read `HTTP/1.1 200 …`."""
    digits = data[9:12]
    if not data.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) or not digits.isdigit():
        raise Malformed("status line")
    status = int(digits)
    if status < 100:
        raise Malformed("status")
    return status


def _learnt(line: bytes) -> int:
    """Read a chunk's size and remember how it is written: a provider's events are alike."""
    size = _chunk_size(line)
    if len(_SIZES) < SIZES and len(line) <= _SIZE_DIGITS:
        _SIZES[line] = size
    return size


def _chunk_size(line: bytes) -> int:
    """Read a chunk's size; extensions behind it mean nothing to us."""
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > _SIZE_DIGITS or not all(each in _HEX for each in digits):
        raise Malformed("chunk size")
    return int(digits, 16)
