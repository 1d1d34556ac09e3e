"""A contract as PDF: Typst lays out what `framework` has put into words.

Clauses travel as data and are never read as markup, as in the bills' documents. One compiler is
kept for the life of the process.
"""

from bisect import bisect_right
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec
import typst

from yuejie.contracts.documents import words
from yuejie.contracts.documents.framework import ContractText

_HERE: Final = Path(__file__).parent
_FONTS: Final = _HERE.parents[1] / "bills" / "documents" / "fonts"
"""The house has one set of fonts; they are files, not code of the room they lie in."""

_turn: Final = Lock()
"""The compiler is one object with one memory: one contract at a time."""


def to_pdf(text: ContractText) -> bytes:
    """Set a contract on A4 pages; the same contract gives the same bytes."""
    data = {
        "title": text.title,
        "number": text.number,
        "dated": words.day(text.dated),
        "draft": text.is_draft,
        "parties": [
            {"role": role, "name": name, "rows": rows} for role, name, rows in text.parties
        ],
        "sections": [{"heading": each.heading, "clauses": each.clauses} for each in text.sections],
        "note": text.annex_note,
        "heads": text.annex_heads,
        "annex": text.annex,
    }
    midnight = datetime(text.dated.year, text.dated.month, text.dated.day, tzinfo=UTC)
    with _turn:
        pages = _compiler().compile(
            format="pdf",
            sys_inputs={"contract": msgspec.json.encode(_drawn(data)).decode()},
            timestamp=int(midnight.timestamp()),
            pdf_standards="a-2u",
            pdf_tags=False,
        )
    assert isinstance(pages, bytes), "one PDF was asked for"
    return pages


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_FONTS)]
    )
    return typst.Compiler(str(_HERE / "contract.typ"), root=str(_HERE), font_paths=fonts)


@cache
def _covered() -> list[int]:
    """Return where the ranges of drawable characters begin and end, in order."""
    lines = (_FONTS / "coverage.txt").read_text("ascii").splitlines()
    ranges = (line.split("-") for line in lines)
    return list(chain.from_iterable((int(a, 16), int(b, 16) + 1) for a, b in ranges))


def _drawn(thing: Any) -> Any:  # noqa: ANN401 - JSON's own types go in and come out
    """Return the data with every character drawn, or named where no font has it."""
    if isinstance(thing, str):
        return "".join(
            char if bisect_right(_covered(), ord(char)) % 2 else f"〔U+{ord(char):04X}〕"
            for char in thing
        )
    if isinstance(thing, dict):
        return {name: _drawn(value) for name, value in thing.items()}
    return [_drawn(each) for each in thing] if isinstance(thing, list | tuple) else thing
