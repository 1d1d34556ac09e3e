"""Answer with a table as CSV, row by row; no cell of it computes anything in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from starlette.responses import Response, StreamingResponse

from yuejie.paper.cells import harmless
from yuejie.web.api.billing.bills import disposition

AT_ONCE: Final = 200
"""Lines that are sent together: some kilobytes."""
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


def sheet(name: str, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Give rows as a CSV file of that name; they may come slowly, and none is held."""
    headers = {"content-disposition": disposition(name)}
    return StreamingResponse(
        _lines(titles, rows), media_type="text/csv; charset=utf-8", headers=headers
    )


def _lines(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    # Each piece is fetched by a thread of the pool, which costs more than a line does.
    lines = (_line([_cell(each) for each in row]) for row in rows)
    yield _BYTE_ORDER_MARK + _line(titles)
    while piece := "".join(islice(lines, AT_ONCE)):
        yield piece


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else harmless(str(value))


def _line(cells: Sequence[str]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(cells)
    return file.getvalue()
