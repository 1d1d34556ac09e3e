"""Pictures of a seal, good and bad: a red ring and a star-like spot, without any library."""

import struct
import zlib
from collections.abc import Callable
from math import atan2, cos, hypot, pi

RED = bytes((200, 30, 30, 210))
CLEAR = bytes((255, 255, 255, 0))
WHITE = bytes((255, 255, 255, 255))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int = 400,
    height: int = 400,
    *,
    ground: bytes = CLEAR,
    colour: int = 6,
    depth: int = 8,
    shape: Callable[[float, float], bool] | None = None,
) -> bytes:
    """Return a PNG of that size; other colours and depths are said, and only the header's word."""
    inside = shape or seal_shape
    rows = b"".join(
        b"\0"
        + b"".join(
            RED if inside(2 * x / width - 1, 2 * y / height - 1) else ground for x in range(width)
        )
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(rows)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", body), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def seal_shape(x: float, y: float) -> bool:
    """A ring, and a star of five points in its middle."""
    far = hypot(x, y)
    turn = atan2(x, -y) % (2 * pi / 5) - pi / 5
    return 0.88 < far < 0.97 or far < 0.34 * cos(2 * pi / 5) / cos(pi / 5 - abs(turn))
