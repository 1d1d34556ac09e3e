"""A proposal as PDF: `proposal.typ` lays out the tree of blocks."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from yuejie.paper.chart import draw
from yuejie.paper.printable import printed
from yuejie.paper.template import Template
from yuejie.presales.proposal.layout import (
    Block,
    Bullets,
    Facts,
    Figures,
    Grid,
    Paper,
    Para,
    Picture,
    Run,
    columns_of,
)

_PROPOSAL: Final = Template(Path(__file__).with_name("proposal.typ"))


def to_pdf(paper: Paper, dated: date) -> bytes:
    """Set a proposal on A4 pages; the same paper gives the same bytes."""
    data = {
        "title": paper.title,
        "subtitle": printed(paper.subtitle),
        "lang": paper.language,
        "seller": printed(paper.seller),
        "number": printed(paper.number),
        "cover": [[label, printed(text)] for label, text in paper.cover],
        "contents": paper.contents,
        "foot": printed(paper.foot),
        "pages": paper.pages,
        "parts": [
            {
                "title": part.title,
                "apart": part.apart,
                "blocks": [_block(block) for block in part.blocks],
            }
            for part in paper.parts
        ],
    }
    midnight = datetime(dated.year, dated.month, dated.day, tzinfo=UTC)
    return _PROPOSAL.to_pdf(data, dated=midnight)


def _block(block: Block) -> dict[str, Any]:
    """Return a block as the template knows it."""
    if isinstance(block, Para):
        return {"kind": "para", "runs": _runs(block.runs), "quiet": block.quiet}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "items": [_runs(each) for each in block.items]}
    if isinstance(block, Facts):
        rows = [[printed(label), _runs(found)] for label, found in block.rows]
        return {"kind": "facts", "rows": rows}
    if isinstance(block, Figures):
        items = [
            [printed(label.text), _runs((run,))[0], printed(remark.text)]
            for label, run, remark in block.items
        ]
        return {"kind": "figures", "items": items}
    if isinstance(block, Picture):
        return {"kind": "picture", "svg": draw(block.chart, "svg").decode()}
    assert isinstance(block, Grid), block
    return _grid(block)


def _grid(grid: Grid) -> dict[str, Any]:
    columns = columns_of(grid)
    return {
        "kind": "grid",
        "heads": list(grid.heads),
        "rows": [_runs(row) for row in grid.rows],
        "right": sorted(grid.right),
        "bold": sorted(grid.bold),
        "widths": list(columns.widths_mm),
        "size": columns.size_pt,
    }


def _runs(found: tuple[Run, ...]) -> list[dict[str, Any]]:
    return [{"text": printed(run.text), "note": run.note, "strong": run.strong} for run in found]
