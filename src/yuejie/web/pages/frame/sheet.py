"""Answer with a table as CSV, row by row; no cell of it computes anything in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Final

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from yuejie.paper.cells import harmless
from yuejie.web.api.billing.bills import disposition

AT_ONCE: Final = 200
"""Lines that are sent together: some kilobytes."""
_PIECE: Final = 16 * 1024
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


def sheet(name: str, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Give rows as a CSV file of that name; they may come slowly, and none is held.

    They come as fast as they are taken: what is read in one transaction is for `whole_sheet`.
    """
    headers = {"content-disposition": disposition(name)}
    return StreamingResponse(
        _lines(titles, rows), media_type="text/csv; charset=utf-8", headers=headers
    )


def whole_sheet(name: str, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Give rows that are read in one transaction, the same way.

    They lie on the disk before a byte of them leaves: however slowly somebody reads, no connection
    waits for it, and what fails is an error, never half a file.
    """
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        for piece in _lines(titles, rows):
            file.write(piece.encode())
        headers = {"content-disposition": disposition(name), "content-length": str(file.tell())}
        file.seek(0)
        return _FromDisk(file, stack.pop_all(), headers)


class _FromDisk(StreamingResponse):
    """Sends a file that is nobody else's, and lets go of it however the sending ends."""

    def __init__(self, file: IO[bytes], held: ExitStack, headers: Mapping[str, str]) -> None:
        pieces = iter(lambda: file.read(_PIECE), b"")
        super().__init__(pieces, media_type="text/csv; charset=utf-8", headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._held:
            await super().__call__(scope, receive, send)


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
