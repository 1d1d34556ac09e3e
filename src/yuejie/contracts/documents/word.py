"""A contract as DOCX, for those who negotiate in Word: the same words as the PDF."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from yuejie.contracts.documents import words
from yuejie.contracts.documents.framework import ContractText

_FONT: Final = "SimSun"
_HEADING: Final = "SimHei"
_MADE: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every part inside the file: the same contract gives the same bytes."""


def to_docx(text: ContractText) -> bytes:
    """Write a contract as a Word file; the same contract gives the same bytes."""
    document: Any = Document()  # the library's types stop half-way
    _set_up(document, text)
    draft = "（草案）" if text.is_draft else ""
    heading = document.add_heading(f"{text.title}{draft}", level=0)
    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
    about = document.add_paragraph(f"合同编号：{text.number}　　日期：{words.day(text.dated)}")
    about.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for role, name, rows in text.parties:
        document.add_paragraph(f"{role}：{name}").runs[0].bold = True
        for label, value in rows:
            document.add_paragraph(f"{label}：{value}")
    for section in text.sections:
        document.add_heading(section.heading, level=1)
        for clause in section.clauses:
            document.add_paragraph(clause)
    _signatures(document, text)
    document.add_page_break()
    document.add_heading("附件　价目", level=1)
    document.add_paragraph(text.annex_note)
    _annex(document, text)
    raw = BytesIO()
    document.save(raw)
    return _still(raw.getvalue())


def _set_up(document: Any, text: ContractText) -> None:  # noqa: ANN401 - the library names no type
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(26)
    for name, font, size in (
        ("Normal", _FONT, 10.5),
        ("Title", _HEADING, 20),
        ("Heading 1", _HEADING, 12),
    ):
        style = document.styles[name]
        style.font.name, style.font.size = font, Pt(size)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    facts = document.core_properties
    facts.title, facts.author, facts.comments = text.title, text.parties[0][1], ""
    made = datetime(text.dated.year, text.dated.month, text.dated.day, tzinfo=UTC)
    facts.created = facts.modified = made


def _signatures(document: Any, text: ContractText) -> None:  # noqa: ANN401 - see above
    table = document.add_table(rows=1, cols=len(text.parties))
    for cell, (role, name, _) in zip(table.rows[0].cells, text.parties, strict=True):
        cell.text = f"{role}：{name}\n\n盖章（或电子签章）：\n\n授权代表：\n\n日期："


def _annex(document: Any, text: ContractText) -> None:  # noqa: ANN401 - see above
    table = document.add_table(rows=1, cols=len(text.annex_heads), style="Table Grid")
    for row, values in ((table.rows[0], text.annex_heads), *((None, each) for each in text.annex)):
        cells = (row or table.add_row()).cells
        for cell, value in zip(cells, values, strict=True):
            cell.text = value


def _still(body: bytes) -> bytes:
    """Write the archive anew with one date for every part."""
    still = BytesIO()
    with ZipFile(BytesIO(body)) as was, ZipFile(still, "w", ZIP_DEFLATED) as became:
        for name in was.namelist():
            became.writestr(ZipInfo(name, _MADE), was.read(name), ZIP_DEFLATED)
    return still.getvalue()
