"""A document as a tree of blocks, the same for PDF and DOCX; and how wide its columns are. Pure.

Widths and sizes are decided here, from the texts, so that no column overflows in either form.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from yuejie.paper.chart import Chart

TEXT_MM: Final = 174
"""Width of the text on A4 with margins of 18 mm."""
_PT_PER_MM: Final = 72 / 25.4
_SIZES: Final = (9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
_HALF_EM: Final = 0.6
"""A bold digit of our font is 0.59 em wide; an ideograph is one em, less than two of these."""
_ROOMY: Final = 0.7
"""A table that needs less than this share of the page is not stretched over it."""
_LOOSE: Final = 1.3
_PADDING_PT: Final = 9.0
_WORDS_LEAST: Final = 8
"""A column of words is as narrow as four ideographs at most; it breaks its lines."""
_PIECE_MOST: Final = 24
"""Longer pieces are divided when printed (paper/printable)."""
_WHOLE: Final = re.compile(r"[!-,.-~]+-?")


@dataclass(frozen=True, slots=True)
class Cite:
    """A number that is printed, and where it comes from.

    `name` is that of a figure of the quote's trace, or, with a `source`, of what is merely quoted
    from there: a field of the form, a term, a certificate. `printed` is how it stands in the text.
    """

    name: str
    printed: str
    source: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text; `note` is the number under which the appendix traces it, 0: none.

    `cites` say where each number in the text comes from.
    """

    text: str
    note: int = 0
    strong: bool = False
    cites: tuple[Cite, ...] = ()


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph; `quiet` is for remarks."""

    runs: Runs
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """Points of a list."""

    items: tuple[Runs, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with what stands beside them."""

    rows: tuple[tuple[str, Runs], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; columns in `right` hold figures, which never break; the row `bold` is set strong."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Run, ...], ...]
    right: frozenset[int] = frozenset()
    bold: frozenset[int] = frozenset()
    cites: tuple[Cite, ...] = ()
    """Of numbers in the heads."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, across the text; `cites` name what its values are, series by series."""

    chart: Chart
    cites: tuple[Cite, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """A few large figures side by side: label, figure, remark."""

    items: tuple[tuple[Run, Run, Run], ...]


Block = Para | Bullets | Facts | Grid | Picture | Figures


@dataclass(frozen=True, slots=True)
class Part:
    """A numbered part of the document; `apart` begins a page."""

    title: str
    blocks: tuple[Block, ...]
    apart: bool = False
    explains: bool = False
    """Whether it is an appendix that explains the numbers of the other parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The whole document."""

    title: str
    subtitle: str
    language: str
    seller: str
    number: str
    cover: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    foot: str
    pages: str
    """How pages are numbered: `{page}` and `{pages}` stand for the numbers."""
    contents: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """How a table is set: width of each column in millimetres, size of its text in points."""

    widths_mm: tuple[float, ...] = field(default=())
    size_pt: float = _SIZES[0]


def columns_of(grid: Grid) -> Columns:
    """Return widths at which no figure breaks, at the largest size at which they fit.

    What is left of the page goes to the columns of words, by how much stands in them.
    """
    texts = [
        [grid.heads[at], *(row[at].text for row in grid.rows)] for at in range(len(grid.heads))
    ]
    whole = [
        max(width(grid.heads[at]), *(_width_of(row[at]) for row in grid.rows), 1)
        for at in range(len(grid.heads))
    ]
    least = [
        need if at in grid.right else min(need, max(_longest_word(texts[at]), _WORDS_LEAST))
        for at, need in enumerate(whole)
    ]
    room_pt = TEXT_MM * _PT_PER_MM
    natural = [each * _SIZES[0] * _HALF_EM * _LOOSE + _PADDING_PT for each in whole]
    if sum(natural) <= _ROOMY * room_pt:
        return Columns(tuple(round(each / _PT_PER_MM, 2) for each in natural))
    for size in _SIZES:
        half, pad = size * _HALF_EM, _PADDING_PT * len(whole)
        if sum(whole) * half + pad <= room_pt:
            return _spread(whole, whole, half, room_pt, size)
        if sum(least) * half + pad <= room_pt and _few_lines(whole, least, half, room_pt - pad):
            return _spread(least, whole, half, room_pt, size)
    half = _SIZES[-1] * _HALF_EM
    return _spread(least, whole, half, room_pt, _SIZES[-1])


def _few_lines(whole: Sequence[int], least: Sequence[int], half: float, room: float) -> bool:
    """Tell whether words break into at most some lines; else a smaller size is tried first."""
    free = room / half - sum(need for need, most in zip(least, whole, strict=True) if need == most)
    wordy = sum(most for need, most in zip(least, whole, strict=True) if need != most)
    return wordy <= 4 * free


def _spread(
    least: Sequence[int], whole: Sequence[int], half: float, room_pt: float, size: float
) -> Columns:
    """Give each column what it needs, and the rest to those whose text is longer than that."""
    needed = [each * half + _PADDING_PT for each in least]
    rest = max(room_pt - sum(needed), 0.0)
    wants = [max(most - need, 0) for need, most in zip(least, whole, strict=True)]
    weights = wants if any(wants) else list(least)
    total = sum(weights) or 1
    widths = [need + rest * weight / total for need, weight in zip(needed, weights, strict=True)]
    scale = room_pt / sum(widths)
    return Columns(tuple(round(each * scale / _PT_PER_MM, 2) for each in widths), size)


def _width_of(run: Run) -> int:
    """Measure a piece with the number beside it."""
    return width(run.text) + (len(str(run.note)) if run.note else 0)


def width(text: str) -> int:
    """Measure a text in halves of an ideograph."""
    return sum(1 if char < "\u1100" else 2 for char in text)


def _longest_word(texts: Iterable[str]) -> int:
    """Measure the longest piece that no line break divides: ideographs are pieces by themselves."""
    pieces = (len(piece) for text in texts for piece in _WHOLE.findall(text))
    return min(max(pieces, default=0), _PIECE_MOST)


def runs(*pieces: str | Run) -> Runs:
    """Put texts and figures side by side."""
    return tuple(Run(each) if isinstance(each, str) else each for each in pieces)


def charted(chart: Chart, names: Iterable[str]) -> tuple[Cite, ...]:
    """Name what the values of a chart are, series by series, each as it would be written."""
    values = (value for series in chart.series for value in series.values)
    return tuple(Cite(n, chart.written(v)) for n, v in zip(names, values, strict=True))
