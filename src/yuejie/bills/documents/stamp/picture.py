"""A picture of the company's seal (印章图样): what it must be so that it can lie over a name.

It is a picture and nothing more: 《电子签名法》 art. 13 asks of a reliable electronic signature
that only its signer controls it and that a later change is noticed; a picture is copied off a page.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import STAMP_BYTES

_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_LEAST: Final = 200
_MOST: Final = 2_400
_LONGEST: Final = 2
"""A seal is round, or an oval that is no longer than twice its height."""
_PALETTE, _GREY_ALPHA, _ALPHA = 3, 4, 6
_EIGHT: Final = 8
_BYTES: Final = {_PALETTE: 1, _GREY_ALPHA: 2, _ALPHA: 4}


@dataclass(frozen=True, slots=True)
class Stamp:
    """A picture that was found fit, as PNG."""

    png: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Which picture it is."""
        return sha256(self.png).hexdigest()


def read_stamp(path: Path | None) -> Stamp:
    """Read the picture from its file; Invalid where there is none, or it is not fit."""
    if path is None:
        raise Invalid("未设置印章图样，请把 YUEJIE_SELLER_STAMP 设为 PNG 文件的路径后重启")
    try:
        with path.open("rb") as file:
            png = file.read(STAMP_BYTES + 1)
    except OSError as error:
        raise Invalid(f"印章图样 {path} 读不出来（{error.strerror}），请检查文件") from None
    return fit_stamp(png, str(path))


def fit_stamp(png: bytes, name: str) -> Stamp:
    """Return the picture, or refuse it: what, why, and what to do instead."""
    if len(png) > STAMP_BYTES:
        raise Invalid(f"印章图样 {name} 超过 {STAMP_BYTES // 1024} KB，请缩小后再用")
    why = _unfit(png)
    if why:
        raise Invalid(f"印章图样 {name} {why}，请导出为 8 位、背景透明的 PNG 再用")
    return Stamp(png)


def _unfit(png: bytes) -> str:
    """Say why a picture is not fit, or nothing."""
    if not png.startswith(_MAGIC):
        return "不是 PNG 文件"
    chunks = list(_chunks(png))
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        return "已损坏"
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if not (_LEAST <= width <= _MOST and _LEAST <= height <= _MOST):
        return f"为 {width}×{height} 像素，每边应为 {_LEAST} 至 {_MOST} 像素"
    if max(width, height) > _LONGEST * min(width, height):
        return f"为 {width}×{height} 像素，长边超过短边的 {_LONGEST} 倍"
    if colour not in _BYTES or depth != _EIGHT or interlaced:
        return "没有透明通道，或不是 8 位逐行图片"
    body = b"".join(data for kind, data in chunks if kind == b"IDAT")
    clear = next((data for kind, data in chunks if kind == b"tRNS"), b"")
    return _covers(body, colour, clear, width=width, height=height)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of each chunk, up to the first that is cut short or has a wrong CRC."""
    at = len(_MAGIC)
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, end = png[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(png):
            return
        if struct.unpack_from(">I", png, end) != (zlib.crc32(png[at + 4 : end]),):
            return
        yield kind, png[at + 8 : end]
        at = end + 4
        if kind == b"IEND":
            return


def _covers(body: bytes, colour: int, clear: bytes, *, width: int, height: int) -> str:
    """Say that the picture would hide what stands under it: its first corner is not transparent.

    The first pixel has no neighbour, so no filter of PNG changes it.
    """
    size = _BYTES[colour]
    expected = height * (1 + width * size)
    inflating = zlib.decompressobj()
    try:
        pixels = inflating.decompress(body, expected + 1)
    except zlib.error:
        return "已损坏"
    if len(pixels) != expected:
        return "已损坏"
    if colour == _PALETTE:
        alpha = clear[pixels[1]] if pixels[1] < len(clear) else 255
    else:
        alpha = pixels[size]
    return "背景不透明，会盖住文字" if alpha else ""
