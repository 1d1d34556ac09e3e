"""How wide columns are, and that every word of a proposal is there in both languages."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import yuejie.presales.proposal
from yuejie.presales.proposal.layout import TEXT_MM, Grid, Run, columns_of, width
from yuejie.presales.proposal.wording.body import BODY
from yuejie.presales.proposal.wording.focus import FOCUS
from yuejie.presales.proposal.wording.terms import TERMS
from yuejie.presales.proposal.words import check_tables

TEXTS = st.text("月结大模型 gpt-4o,", min_size=1, max_size=60)
FIGURES = st.integers(0, 10**12).map(lambda fen: f"¥{fen:,}.00")
PT_PER_MM = 72 / 25.4
DIGIT = 0.555


@given(st.lists(st.tuples(TEXTS, FIGURES, FIGURES, TEXTS), min_size=1, max_size=5))
def test_columns_fill_at_most_the_page_and_no_figure_breaks(
    rows: list[tuple[str, str, str, str]],
) -> None:
    cells = tuple(tuple(Run(text, note=123) for text in row) for row in rows)
    grid = Grid(("模型", "首月", "合计", "理由"), cells, frozenset({1, 2}))
    columns = columns_of(grid)
    assert sum(columns.widths_mm) <= TEXT_MM + 0.1
    assert min(columns.widths_mm) > 0
    for at in (1, 2):
        needed = max(width(row[at]) for row in rows) * columns.size_pt * DIGIT
        assert columns.widths_mm[at] * PT_PER_MM >= needed


def test_both_languages_say_everything() -> None:
    assert check_tables() > 200


def test_every_word_that_is_asked_for_is_there() -> None:
    """Keys that are written out in the code, and no key that nobody asks for."""
    code = "".join(
        path.read_text("utf-8") for path in Path(yuejie.presales.proposal.__path__[0]).rglob("*.py")
    )
    known = {*BODY, *FOCUS, *TERMS}
    asked = set(re.findall(r'words(?:\.row|\.maybe)?\(\s*"([a-z0-9.]+)"', code))
    assert asked <= known, asked - known
