"""Import a file of usage: batch by batch, from behind the rows that are stored on.

What is planned is nothing but the size; the pieces are the lines that were refused, each with its
reason. A batch that was stored and not written down is read again after a death: its rows are
known then, and counted as such.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Final

from yuejie.intake.imports.load import Progress, load_rows
from yuejie.intake.imports.mapping import parse_mapping
from yuejie.intake.imports.reading import Row, form_of
from yuejie.jobs.job import JobKind, Order, Piece, PieceState, Upload
from yuejie.jobs.start import digest, named
from yuejie.jobs.work import Work

MOST_TOLD: Final = 10_000
"""Lines told of with their reason; a file in which more is wrong is wrong as a whole, and the
number of the others is told."""


def order_usage(file: Upload, mapping: str) -> Order:
    """Ask for a file to be imported; raises Invalid for a mapping or a form that says nothing."""
    read = parse_mapping(mapping)
    if not read.form:
        form_of(_path(file.name))
    asked = {"mapping": mapping, "files": named((file,))}
    subject = digest(mapping, file.name, file.body)
    return Order(JobKind.USAGE, subject, file.name, asked, (file,))


@dataclass(slots=True)
class _Told:
    """The lines that were refused and are not written down yet."""

    count: int = 0
    fresh: list[Piece] = field(default_factory=list)

    def add(self, row: Row, why: str) -> None:
        """Take a line and the reason."""
        self.count += 1
        if self.count <= MOST_TOLD:
            self.fresh.append(Piece(self.count, f"第 {row.line} 行", "", PieceState.FAILED, why))

    def flush(self) -> None:
        """Keep them until progress is written down."""


def run(work: Work) -> Mapping[str, str]:
    """Import what is not imported yet."""
    stood = work.job.stood
    since = Progress(**stood) if stood else None
    told = _Told()
    mapping = parse_mapping(work.job.asked["mapping"])
    last = since

    def tell(far: Progress, *, at_once: bool) -> None:
        if work.far(far.done_bytes, far.size_bytes, asdict(far), told.fresh, at_once=at_once):
            told.fresh.clear()

    def moved(far: Progress) -> None:
        nonlocal last
        last = far
        tell(far, at_once=False)
        work.go_on()

    with work.files() as (path,):
        try:
            report = load_rows(work.db, path, mapping, told, since=since, progress=moved)
        finally:
            if last is not None:
                tell(last, at_once=True)
    said = f"共 {report.rows:,} 行：新入库 {report.stored:,}，已有 {report.known:,}"
    if report.rejected:
        said += f"，拒绝 {report.rejected:,}"
    return {"said": said, "path": "/usage"}


def _path(name: str) -> PurePath:
    return PurePath(PurePath(name).name)
