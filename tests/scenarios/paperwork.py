"""What a proposal's files really print: every number of their text, read from the files alone.

A number is a run of digits with its commas, decimals and percent sign. What is no figure is taken
out by name, and only that: page furniture, numbers of headings, the small numbers beside figures,
days and months, ids and hashes, and the names that people gave to models, plans and promotions.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

from docx import Document
from docx.table import Table
from pypdf import PdfReader

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")
DAY = re.compile(r"(?<!\d)\d{4}-\d{2}(?:-\d{2})?(?!\d)")
ID = re.compile(r"[a-z]+_[0-9a-f]{32}|[0-9a-f]{64}|SHA-256")
HEADING = re.compile(r"\d{1,2}(?:\u3000|\. )(?=\D)")
APPENDIX = re.compile(r"附录|Appendix")
LENGTHS = (32, 64)
"""How long ids and hashes are."""
SMALLER = 0.62
"""How much smaller the number beside a figure is set than the figure."""


@dataclass
class Prints:
    """The texts of a document, cover and contents apart, and the numbers beside its figures."""

    cover: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    appendix: list[str] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)


def numbers_in(texts: Iterable[str], names: Sequence[str]) -> Counter[str]:
    """Return every number of some texts that is neither a day, an id nor part of a name."""
    found: Counter[str] = Counter()
    for text in texts:
        left = ID.sub(" ", text)
        for name in sorted(names, key=len, reverse=True):
            left = left.replace(name, " ")
        found.update(NUMBER.findall(DAY.sub(" ", left)))
    return found


# ── PDF ─────────────────────────────────────────────────────────────────────────────────────────


class _Piece(NamedTuple):
    text: str
    x: float
    y: float
    size: float


def of_pdf(body: bytes) -> Prints:
    """Read a PDF: the text of its pages as it is set, piece by piece."""
    found = Prints()
    into = found.cover
    for number, page in enumerate(PdfReader(BytesIO(body)).pages):
        if number == 2:
            into = found.body
        last: _Piece | None = None
        for piece in _pieces(page):
            if piece.y > 795 or piece.y < 45:
                continue  # the head and the foot of the page
            text = piece.text
            if piece.size == 13 and number >= 2:
                into = found.appendix if APPENDIX.match(text) else into
                text = HEADING.sub("", text)
            if last is not None and _is_note(piece, last):
                found.notes.append(int(text))
                continue
            if into and (into[-1].rstrip().endswith("-") or _goes_on(text, into[-1])):
                into[-1] = into[-1].rstrip() + text.lstrip()
            else:
                into.append(text)
            last = piece
    return found


def _pieces(page: Any) -> list[_Piece]:
    found: list[_Piece] = []

    def note(text: str, cm: list[float], _: object, __: object, size: float) -> None:
        if text.strip():
            plain = text.replace("\u200b", "").strip("\n")
            piece = _Piece(plain, round(cm[4], 2), round(cm[5], 2), round(size, 2))
            last = found[-1] if found else None
            if last is not None and last[1:] == piece[1:]:
                piece = found.pop()._replace(text=last.text + plain)
            found.append(piece)

    page.extract_text(visitor_text=note)
    return found


def _goes_on(text: str, last: str) -> bool:
    """Tell whether a piece is the rest of an id or hash that its line broke."""
    if not re.fullmatch(r" ?[0-9a-f]+ ?", text):
        return False
    begun = re.search(r"([0-9a-f]+) ?$", last)
    if begun is None:
        return False
    # Few characters of it may stand before the break; then its length says that it is one.
    return len(begun[1]) >= 6 or len(begun[1]) + len(text.strip()) in LENGTHS


def _is_note(piece: _Piece, last: _Piece) -> bool:
    raised = 0 < piece.y - last.y < last.size
    small = abs(piece.size - last.size * SMALLER) < 0.02
    return piece.text.isdigit() and raised and small


# ── DOCX ────────────────────────────────────────────────────────────────────────────────────────


def of_docx(body: bytes) -> Prints:
    """Read a Word file: paragraphs and cells in their order."""
    found = Prints()
    into = found.cover
    document: Any = Document(BytesIO(body))
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for paragraph in _paragraphs(block):
                into.append(_text(paragraph, found.notes))
            continue
        text = _text(block, found.notes)
        if block.style.name == "Heading 1":
            into = found.appendix if APPENDIX.match(text) else found.body
            into = found.appendix or into
            text = HEADING.sub("", text)
        into.append(text)
    return found


def _paragraphs(table: Table) -> Iterator[Any]:
    for row in table.rows:
        for cell in row.cells:
            yield from cell.paragraphs


def _text(paragraph: Any, notes: list[int]) -> str:
    pieces = []
    for run in paragraph.runs:
        if run.font.superscript:
            notes.append(int(run.text))
        else:
            pieces.append(run.text)
    return "".join(pieces).replace("\u200b", "")
