"""A proposal as DOCX, for those who negotiate in Word: the same tree of blocks as the PDF.

Our fonts travel inside the file (embed.py), so that it looks the same where they are not installed.
"""

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any, Final

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from yuejie.paper.chart import draw
from yuejie.paper.printable import printed
from yuejie.presales.proposal.layout import (
    TEXT_MM,
    Block,
    Bullets,
    Facts,
    Figures,
    Grid,
    Paper,
    Para,
    Part,
    Picture,
    Run,
    columns_of,
)
from yuejie.presales.proposal.proposal import Language
from yuejie.presales.proposal.setting.embed import FAMILY, embed_fonts

_ACCENT: Final = RGBColor(0x1C, 0x4A, 0x7D)
_QUIET: Final = RGBColor(0x66, 0x71, 0x80)
_HAIR: Final = "D9DEE5"
_WASH: Final = "F4F6F9"
_LABEL_MM: Final = 40
_NOTE_SIZE: Final = 6.5


def to_docx(paper: Paper, dated: date) -> bytes:
    """Write a proposal as a Word file; the same paper gives the same bytes."""
    document: Any = Document()  # the library's types stop half-way
    _set_up(document, paper, dated)
    _cover(document, paper)
    for part in paper.parts:
        _part(document, part)
    raw = BytesIO()
    document.save(raw)
    return embed_fonts(raw.getvalue(), _characters(paper))


def _set_up(document: Any, paper: Paper, dated: date) -> None:  # noqa: ANN401 - see above
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin, section.bottom_margin = Mm(21), Mm(20)
    section.different_first_page_header_footer = True
    for name, size, bold in (("Normal", 9.5, False), ("Title", 26, True), ("Heading 1", 13, True)):
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold = FAMILY, Pt(size), bold
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for slot in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
            fonts.set(qn(slot), FAMILY)
        for slot in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(slot), None)
        if bold:
            style.font.color.rgb = _ACCENT
    document.styles["Normal"].paragraph_format.space_after = Pt(5)
    head = document.styles["Heading 1"].paragraph_format
    head.space_before, head.space_after, head.keep_with_next = Pt(16), Pt(6), True
    facts = document.core_properties
    facts.title, facts.author, facts.comments = paper.title, paper.seller, ""
    facts.created = facts.modified = datetime(dated.year, dated.month, dated.day, tzinfo=UTC)
    gap = "\u3000" if paper.language is Language.ZH else " · "
    _foot(section.header.paragraphs[0], f"{paper.title}{gap}{paper.number}")
    foot = section.footer.paragraphs[0]
    _foot(foot, paper.foot + gap)
    _page_number(foot, paper.pages)


def _foot(paragraph: Any, text: str) -> None:  # noqa: ANN401 - see above
    run = paragraph.add_run(printed(text))
    run.font.size, run.font.color.rgb = Pt(7.5), _QUIET


def _page_number(paragraph: Any, pages: str) -> None:  # noqa: ANN401 - see above
    """Write `Page 3 of 9` with fields that the reader's program fills in."""
    before, _, rest = pages.partition("{page}")
    between, _, after = rest.partition("{pages}")
    for piece in (before, "PAGE", between, "NUMPAGES", after):
        if piece not in {"PAGE", "NUMPAGES"}:
            _foot(paragraph, piece)
            continue
        for kind, text in (
            ("begin", ""),
            ("", f" {piece} "),
            ("separate", ""),
            ("t", "1"),
            ("end", ""),
        ):
            run = paragraph.add_run()
            run.font.size, run.font.color.rgb = Pt(7.5), _QUIET
            run._r.append(_field(kind, text))  # noqa: SLF001 - the library has no word for fields


def _field(kind: str, text: str) -> Any:  # noqa: ANN401 - see above
    if kind in {"", "t"}:
        element = OxmlElement("w:instrText" if not kind else "w:t")
        element.text = text
        element.set(qn("xml:space"), "preserve")
        return element
    element = OxmlElement("w:fldChar")
    element.set(qn("w:fldCharType"), kind)
    return element


def _cover(document: Any, paper: Paper) -> None:  # noqa: ANN401 - see above
    for _ in range(7):
        document.add_paragraph()
    document.add_heading(paper.title, level=0)
    name = document.add_paragraph().add_run(printed(paper.subtitle))
    name.font.size = Pt(15)
    document.add_paragraph()
    _facts(document, Facts(tuple((label, (Run(text),)) for label, text in paper.cover)))
    document.add_page_break()


def _part(document: Any, part: Part) -> None:  # noqa: ANN401 - see above
    heading = document.add_heading(part.title, level=1)
    heading.paragraph_format.page_break_before = part.apart
    for block in part.blocks:
        _block(document, block)


def _block(document: Any, block: Block) -> None:  # noqa: ANN401 - see above
    if isinstance(block, Para):
        paragraph = document.add_paragraph()
        _write(paragraph, block.runs, size=8 if block.quiet else None, quiet=block.quiet)
        paragraph.paragraph_format.keep_with_next = len(block.runs) == 1 and block.runs[0].strong
    elif isinstance(block, Bullets):
        for item in block.items:
            paragraph = document.add_paragraph(style="List Bullet")
            _write(paragraph, item)
    elif isinstance(block, Facts):
        _facts(document, block)
    elif isinstance(block, Figures):
        _figures(document, block)
    elif isinstance(block, Picture):
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.add_run().add_picture(BytesIO(draw(block.chart, "png")), width=Mm(160))
    else:
        _grid(document, block)


def _write(
    paragraph: Any,  # noqa: ANN401 - see above
    found: tuple[Run, ...],
    *,
    size: float | None = None,
    quiet: bool = False,
    strong: bool = False,
) -> None:
    for each in found:
        run = paragraph.add_run(printed(each.text))
        run.bold = each.strong or strong or None
        if size is not None:
            run.font.size = Pt(size)
        if quiet:
            run.font.color.rgb = _QUIET
        if each.note:
            note = paragraph.add_run(str(each.note))
            note.font.superscript, note.font.color.rgb = True, _ACCENT
            note.font.size = Pt(min(size or 9.5, _NOTE_SIZE + 2))


def _facts(document: Any, facts: Facts) -> None:  # noqa: ANN401 - see above
    table = _table(document, [_LABEL_MM, TEXT_MM - _LABEL_MM])
    for label, found in facts.rows:
        cells = table.add_row().cells
        _write(_first(cells[0]), (Run(label),), size=8, quiet=True)
        _write(_first(cells[1]), found)
    _spaced(document)


def _figures(document: Any, figures: Figures) -> None:  # noqa: ANN401 - see above
    count = len(figures.items)
    table = _table(document, [TEXT_MM / count] * count)
    cells = table.add_row().cells
    for cell, (label, run, remark) in zip(cells, figures.items, strict=True):
        _shade(cell, _WASH)
        _write(_first(cell), (label,), size=8, quiet=True)
        size = 14 if count < 4 else 11.5
        _write(_first(cell, fresh=True), (run,), size=size, strong=True)
        _write(_first(cell, fresh=True), (remark,), size=8, quiet=True)
    _spaced(document)


def _grid(document: Any, grid: Grid) -> None:  # noqa: ANN401 - see above
    columns = columns_of(grid)
    table = _table(document, list(columns.widths_mm), lines=True)
    head = table.add_row()
    _repeats(head)
    for at, (cell, text) in enumerate(zip(head.cells, grid.heads, strict=True)):
        paragraph = _first(cell)
        _write(paragraph, (Run(text),), size=columns.size_pt, quiet=True)
        if at in grid.right:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for number, row in enumerate(grid.rows):
        added = table.add_row()
        _whole(added)
        for at, (cell, run) in enumerate(zip(added.cells, row, strict=True)):
            paragraph = _first(cell)
            _write(paragraph, (run,), size=columns.size_pt, strong=number in grid.bold)
            if at in grid.right:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _spaced(document)


def _table(document: Any, widths_mm: list[float], *, lines: bool = False) -> Any:  # noqa: ANN401
    """Return an empty table of fixed widths, so that no reader lays it out anew."""
    table = document.add_table(rows=0, cols=len(widths_mm))
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.LEFT
    for column, each in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(each)
    facts = table._tbl.tblPr  # noqa: SLF001 - the library has no word for margins of cells
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "80")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    if lines:
        borders = OxmlElement("w:tblBorders")
        for side in ("top", "bottom", "insideH"):
            border = OxmlElement(f"w:{side}")
            for name, value in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", _HAIR)):
                border.set(qn(f"w:{name}"), value)
            borders.append(border)
        facts.append(borders)
    facts.append(margins)
    return table


def _first(cell: Any, *, fresh: bool = False) -> Any:  # noqa: ANN401 - see above
    """Return a cell's first paragraph, or a further one, set close."""
    paragraph = cell.add_paragraph() if fresh else cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(2)
    paragraph.paragraph_format.space_before = Pt(2)
    return paragraph


def _shade(cell: Any, colour: str) -> None:  # noqa: ANN401 - see above
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shade.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001 - the library has no word for it


def _repeats(row: Any) -> None:  # noqa: ANN401 - see above
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 - as above
    _whole(row)


def _whole(row: Any) -> None:  # noqa: ANN401 - see above
    """Keep a row on one page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - as above


def _spaced(document: Any) -> None:  # noqa: ANN401 - see above
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(2)


def _characters(paper: Paper) -> str:
    """Return every character that the file shows."""
    found = [paper.title, paper.subtitle, paper.seller, paper.number, paper.foot, paper.pages]
    found += [text for pair in paper.cover for text in pair]
    for part in paper.parts:
        found.append(part.title)
        for block in part.blocks:
            found += _texts(block)
    return "".join(map(printed, found))


def _texts(block: Block) -> list[str]:
    if isinstance(block, Para):
        return [run.text for run in block.runs]
    if isinstance(block, Bullets):
        return [run.text for item in block.items for run in item]
    if isinstance(block, Facts):
        return [text for label, found in block.rows for text in (label, *(r.text for r in found))]
    if isinstance(block, Figures):
        return [text for item in block.items for text in (each.text for each in item)]
    if isinstance(block, Grid):
        return [*block.heads, *(run.text for row in block.rows for run in row)]
    return []
