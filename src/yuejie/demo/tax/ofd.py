"""A simulated fapiao as OFD (GB/T 33190-2016): text placed on pages, unsigned, no font inside.

The package is the smallest that the standard allows: OFD.xml names the document, Document.xml its
pages, PublicRes.xml the one font by name. Each character's advance is written down, so that it
stands where it belongs whichever font a viewer takes. Lengths are millimetres.
"""

import hashlib
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from yuejie.demo.tax.face import FEWEST_ROWS, HEADS, MARK, PAGED, UNSIGNED, Face, written
from yuejie.demo.tax.world import CHINA

_NS: Final = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_WIDTH: Final = 210.0
_SHEET: Final = 140.0
_TALL: Final = 297.0
_LEFT: Final = 8.0
_RIGHT: Final = _WIDTH - _LEFT
_MIDDLE: Final = _WIDTH / 2
_COLUMNS: Final = (46.0, 23.0, 10.0, 21.0, 25.0, 25.0, 20.0, 24.0)
_SIDES: Final = "llcrrrcr"
"""How the cells of each column stand: left, centred, right."""
_SIZE: Final = 3.0
_SMALL: Final = 2.6
_LEAD: Final = 4.2
_FONT: Final = 1
_INK: Final = "125 58 30"
_PRINT: Final = "22 25 29"
_ALARM: Final = "200 16 46"
_PALE: Final = "248 217 221"
_HEAD: Final = _LEAD + 1.5
_MARGIN: Final = 12.0
_FOOT: Final = 53.0
"""What capitals, remark and clerk need below the last row."""
_DAWN: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: the same fapiao gives the same bytes."""


@dataclass(slots=True)
class _Page:
    """Objects of one page; their ids go on from page to page."""

    first_id: int
    objects: list[str] = field(default_factory=list)

    @property
    def next_id(self) -> int:
        return self.first_id + len(self.objects)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float = _SIZE,
        ink: str = _PRINT,
        side: str = "l",
    ) -> None:
        """Place words with their top at y and their left, middle or right at x."""
        if not words:
            return
        wide = _width(words, size)
        left = x - {"l": 0.0, "c": wide / 2, "r": wide}[side]
        self._place(f"{_mm(left)} {_mm(y)} {_mm(wide)} {_mm(size * 1.2)}", words, size, ink)

    def diagonal(self, words: str, size: float, height: float) -> None:
        """Lay words across the page, rising."""
        angle = math.radians(20)
        wide, cos, sin = _width(words, size), math.cos(angle), math.sin(angle)
        shift = ((_WIDTH - wide * cos) / 2, (height + wide * sin) / 2 - size)
        turn = " ".join(_mm(each) for each in (cos, -sin, sin, cos, *shift))
        self._place(f"0 0 {_mm(_WIDTH)} {_mm(height)}", words, size, _PALE, f' CTM="{turn}"')

    def box(self, left: float, top: float, right: float, bottom: float, ink: str = _INK) -> None:
        """Draw a rectangle."""
        wide, high = _mm(right - left), _mm(bottom - top)
        self.objects.append(
            f'<ofd:PathObject ID="{self.next_id}" Boundary="{_mm(left)} {_mm(top)} {wide} {high}" '
            f'LineWidth="0.25"><ofd:StrokeColor Value="{ink}"/><ofd:AbbreviatedData>'
            f"M 0 0 L {wide} 0 L {wide} {high} L 0 {high} C</ofd:AbbreviatedData></ofd:PathObject>"
        )

    def _place(self, boundary: str, words: str, size: float, ink: str, turn: str = "") -> None:
        steps = " ".join(_mm(_advance(char) * size) for char in words[:-1])
        delta = f' DeltaX="{steps}"' if steps else ""
        self.objects.append(
            f'<ofd:TextObject ID="{self.next_id}" Boundary="{boundary}"{turn} Font="{_FONT}" '
            f'Size="{_mm(size)}"><ofd:FillColor Value="{ink}"/>'
            f'<ofd:TextCode X="0" Y="{_mm(size * 0.88)}"{delta}>{escape(words)}</ofd:TextCode>'
            "</ofd:TextObject>"
        )


def to_ofd(face: Face) -> bytes:
    """Write a fapiao as a package; the same fapiao gives the same bytes."""
    height, pages = _laid_out(face)
    files = {
        "OFD.xml": _entrance(face),
        "Doc_0/Document.xml": _document(pages, height),
        "Doc_0/PublicRes.xml": (
            f'<ofd:Res {_NS} BaseLoc="Res"><ofd:Fonts>'
            f'<ofd:Font ID="{_FONT}" FontName="宋体" FamilyName="SimSun"/></ofd:Fonts></ofd:Res>'
        ),
    }
    for at, page in enumerate(pages):
        files[f"Doc_0/Pages/Page_{at}/Content.xml"] = _content(page, height)
    sink = BytesIO()
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for name, body in files.items():
            entry = ZipInfo(name, _DAWN)
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}')
    return sink.getvalue()


# the package --------------------------------------------------------------------------------------


def _entrance(face: Face) -> str:
    name = hashlib.sha256(face.number.encode()).hexdigest()[:32]
    facts = {
        "发票号码": face.number,
        "开票日期": face.day,
        "购买方名称": face.buyer[0],
        "购买方识别号": face.buyer[1],
        "销售方识别号": face.seller[1],
        "合计金额": written(face.net),
        "合计税额": written(face.tax),
        "价税合计": written(face.gross),
        "被红冲蓝字数电票号码": face.reversed_number,
        "测试": MARK,
        "签名": UNSIGNED,
    }
    kept = "".join(
        f"<ofd:CustomData Name={quoteattr(fact)}>{escape(said)}</ofd:CustomData>"
        for fact, said in facts.items()
        if said
    )
    return (
        f'<ofd:OFD {_NS} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>{name}</ofd:DocID><ofd:Title>{face.title}（{MARK}）</ofd:Title>"
        f"<ofd:CreationDate>{face.issued_at.astimezone(CHINA):%Y-%m-%d}</ofd:CreationDate>"
        f"<ofd:Creator>yuejie</ofd:Creator><ofd:CustomDatas>{kept}</ofd:CustomDatas>"
        "</ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
    )


def _document(pages: list[_Page], height: float) -> str:
    listed = "".join(
        f'<ofd:Page ID="{page.first_id - 3}" BaseLoc="Pages/Page_{at}/Content.xml"/>'
        for at, page in enumerate(pages)
    )
    return (
        f"<ofd:Document {_NS}><ofd:CommonData><ofd:MaxUnitID>{pages[-1].next_id}</ofd:MaxUnitID>"
        f"{_area('PageArea', height)}<ofd:PublicRes>PublicRes.xml</ofd:PublicRes>"
        f"</ofd:CommonData><ofd:Pages>{listed}</ofd:Pages></ofd:Document>"
    )


def _content(page: _Page, height: float) -> str:
    return (
        f"<ofd:Page {_NS}>{_area('Area', height)}<ofd:Content>"
        f'<ofd:Layer Type="Background" ID="{page.first_id - 2}">{page.objects[0]}</ofd:Layer>'
        f'<ofd:Layer Type="Body" ID="{page.first_id - 1}">{"".join(page.objects[1:])}</ofd:Layer>'
        "</ofd:Content></ofd:Page>"
    )


def _area(name: str, height: float) -> str:
    box = f"0 0 {_mm(_WIDTH)} {_mm(height)}"
    return f"<ofd:{name}><ofd:PhysicalBox>{box}</ofd:PhysicalBox></ofd:{name}>"


# the pages ----------------------------------------------------------------------------------------


def _laid_out(face: Face) -> tuple[float, list[_Page]]:
    """Place everything and return the height of a sheet with the pages."""
    rows = [_cells(row.cells()) for row in face.rows]
    remarks = [line for each in face.remarks for line in _folded(each, _SIZE, _RIGHT - _LEFT - 12)]
    name = _folded(face.buyer[0], _SIZE, _MIDDLE - _LEFT - 20)
    top = 41.0 + _LEAD * (len(name) + 1)
    foot = _FOOT + _LEAD * max(0, len(remarks) - 4)
    spare = max(0, FEWEST_ROWS - len(rows)) * _LEAD
    high = sum(len(row) * _LEAD for row in rows)
    paged = len(rows) > PAGED
    height = _TALL if paged else max(_SHEET, top + high + spare + foot)
    pages = [_begun(face, height, 5)]
    y = _parties(pages[0], face, name)
    y = start = _heads(pages[0], y)
    for row in rows:
        if paged and y + len(row) * _LEAD > height - _MARGIN:
            start, y = _turned(pages, face, height, (start, y))
        y = _write_row(pages[-1], y, row)
    if paged and y + foot > height:
        start, y = _turned(pages, face, height, (start, y))
    _close(pages[-1], face, (start, y + spare), remarks)
    return height, pages


def _turned(
    pages: list[_Page], face: Face, height: float, edges: tuple[float, float]
) -> tuple[float, float]:
    """Frame the rows of a page that is full, begin the next, and return where its rows begin."""
    start, y = edges
    pages[-1].box(_LEFT, start - _HEAD, _RIGHT, y + 1)
    pages.append(_begun(face, height, pages[-1].next_id + 3))
    y = _heads(pages[-1], 34.0)
    return y, y


def _begun(face: Face, height: float, first_id: int) -> _Page:
    """Begin a page with its mark, title and number; of its objects the first is behind."""
    page = _Page(first_id)
    page.diagonal(MARK, 10.0, height)
    page.box(_LEFT, 5, _RIGHT, 11.5, _ALARM)
    page.text(_MIDDLE, 6.4, MARK, 3.6, _ALARM, "c")
    page.text(_MIDDLE, 15.5, face.title, 6.0, _INK, "c")
    if face.gross < 0:
        page.text(_MIDDLE, 24, "红字发票", 3.6, _ALARM, "c")
    for y, label, said in ((17.0, "发票号码：", face.number), (23.0, "开票日期：", face.day)):
        page.text(152, y, label, ink=_INK)
        page.text(152 + _width(label, _SIZE), y, said)
    page.text(_LEFT, height - 6, UNSIGNED, _SMALL, _INK)
    return page


def _parties(page: _Page, face: Face, name: list[str]) -> float:
    """Draw buyer and seller beside each other and return where they end."""
    top, bottom = 31.0, 31.0 + 10 + _LEAD * (len(name) + 1)
    sides: tuple[tuple[str, float, list[str], str], ...] = (
        ("购买方信息", _LEFT, name, face.buyer[1]),
        ("销售方信息", _MIDDLE, [face.seller[0]], face.seller[1]),
    )
    for role, left, names, number in sides:
        page.box(left, top, left + _MIDDLE - _LEFT, bottom)
        page.text(left + 2, top + 1.5, role, ink=_INK)
        page.text(left + 2, top + 7, "名称：", ink=_INK)
        for at, part in enumerate(names):
            page.text(left + 12, top + 7 + at * _LEAD, part)
        label = "统一社会信用代码/纳税人识别号："
        page.text(left + 2, bottom - 5, label, ink=_INK)
        page.text(left + 2 + _width(label, _SIZE), bottom - 5, number)
    return bottom


def _heads(page: _Page, y: float) -> float:
    for (left, right), head in zip(_columns(), HEADS, strict=True):
        page.text((left + right) / 2, y + 1.5, head, _SMALL, _INK, "c")
    return y + _HEAD


def _write_row(page: _Page, y: float, row: list[list[str]]) -> float:
    for line in row:
        for (left, right), side, words in zip(_columns(), _SIDES, line, strict=True):
            x = {"l": left, "c": (left + right) / 2, "r": right}[side]
            page.text(x, y, words, _SMALL, side=side)
        y += _LEAD
    return y


def _close(page: _Page, face: Face, edges: tuple[float, float], remarks: list[str]) -> None:
    """Write the sums, the remark and the clerk below the rows."""
    start, y = edges
    spots = _columns()
    page.text(spots[0][0] + 14, y + 1, "合　计", _SMALL, _INK)
    page.text(spots[5][1], y + 1, f"¥{written(face.net)}", _SMALL, side="r")
    page.text(spots[7][1], y + 1, f"¥{written(face.tax)}", _SMALL, side="r")
    y += 6
    page.box(_LEFT, start - _HEAD, _RIGHT, y)
    page.box(_LEFT, y, _RIGHT, y + 7.5)
    page.text(_LEFT + 4, y + 2, "价税合计（大写）", ink=_INK)
    page.text(_LEFT + 50, y + 2, f"⊗ {face.in_capitals}")
    page.text(150, y + 2, "（小写）", ink=_INK)
    page.text(150 + 4 * _SIZE, y + 2, f"¥{written(face.gross)}")
    y += 7.5
    bottom = y + 3 + _LEAD * max(4, len(remarks))
    page.box(_LEFT, y, _RIGHT, bottom)
    page.text(_LEFT + 2, y + 2, "备注", ink=_INK)
    for at, words in enumerate(remarks):
        page.text(_LEFT + 11, y + 2 + at * _LEAD, words)
    page.text(_LEFT + 16, bottom + 2, "开票人：", ink=_INK)
    page.text(_LEFT + 16 + 4 * _SIZE, bottom + 2, face.clerk)


def _columns() -> list[tuple[float, float]]:
    """Return where the columns begin and end, with a little air between them."""
    edges, left = [], _LEFT
    for wide in _COLUMNS:
        edges.append((left + 1, left + wide - 1))
        left += wide
    return edges


def _cells(cells: list[str]) -> list[list[str]]:
    """Fold a row's cells into as many lines as its longest cell takes."""
    spots = zip(cells, _COLUMNS, strict=True)
    folded = [_folded(cell, _SMALL, wide - 2) for cell, wide in spots]
    deep = max(len(each) for each in folded)
    return [[each[at] if at < len(each) else "" for each in folded] for at in range(deep)]


def _folded(words: str, size: float, wide: float) -> list[str]:
    return list(_fold(words, size, wide)) or [""]


def _fold(words: str, size: float, wide: float) -> Iterator[str]:
    line, used = "", 0.0
    for char in words:
        step = _advance(char) * size
        if line and used + step > wide + 1e-6:
            yield line
            line, used = "", 0.0
        line, used = line + char, used + step
    if line:
        yield line


def _advance(char: str) -> float:
    """Return how far a character reaches, in ems: a letter a half, signs and ideographs one."""
    return 1.0 if char >= "\u2000" or unicodedata.east_asian_width(char) in "WFA" else 0.5


def _width(words: str, size: float) -> float:
    return sum(_advance(char) for char in words) * size


def _mm(length: float) -> str:
    """Write a length, or a factor, without noise."""
    return f"{length:.4f}".rstrip("0").rstrip(".")
