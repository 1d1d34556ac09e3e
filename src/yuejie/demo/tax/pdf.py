"""A simulated fapiao as PDF: `fapiao.typ` lays out what `face` has put into words."""

import re
from pathlib import Path
from typing import Final

from yuejie.demo.tax.face import FEWEST_ROWS, HEADS, MARK, PAGED, UNSIGNED, Face, written
from yuejie.paper.printable import printed
from yuejie.paper.template import Template

_FAPIAO: Final = Template(Path(__file__).with_name("fapiao.typ"))
_LETTERS: Final = re.compile(r"[!-~]{10}(?=[!-~])")
_DIGITS: Final = re.compile(r"[!-~]{16}(?=[!-~])")
"""The columns are narrow: names of Latin letters, and figures, may break after so many."""
_BREAK: Final = "\N{ZERO WIDTH SPACE}"


def to_pdf(face: Face) -> bytes:
    """Set a fapiao on its sheet; the same fapiao gives the same bytes."""
    data = {
        "title": face.title,
        "mark": MARK,
        "unsigned": UNSIGNED,
        "number": face.number,
        "day": face.day,
        "parties": [
            [role, printed(name), number]
            for role, (name, number) in (("购买方信息", face.buyer), ("销售方信息", face.seller))
        ],
        "heads": HEADS,
        "rows": [_breakable(row.cells()) for row in face.rows],
        "spare": max(0, FEWEST_ROWS - len(face.rows)),
        "paged": len(face.rows) > PAGED,
        "net": f"¥{written(face.net)}",
        "tax": f"¥{written(face.tax)}",
        "gross": f"¥{written(face.gross)}",
        "capitals": face.in_capitals,
        "remarks": [printed(each) for each in face.remarks],
        "clerk": face.clerk,
        "red": face.gross < 0,
    }
    return _FAPIAO.to_pdf(data, dated=face.issued_at)


def _breakable(cells: list[str]) -> list[str]:
    """Let item and model break after a few letters, figures where their column ends."""
    runs = [_LETTERS] * 2 + [_DIGITS] * (len(cells) - 2)
    return [run.sub(rf"\g<0>{_BREAK}", each) for run, each in zip(runs, cells, strict=True)]
