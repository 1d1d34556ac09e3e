"""Import a file: every line becomes an event once, or a line of the reject file with its reason.

A run that was stopped is simply run again: what is stored already is found by its id (the file's
hash and the row's number, or the row's own id) and skipped, what was rejected gets another chance.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from yuejie.budgets.lending.count import Spending
from yuejie.db.errors import SerializationConflict
from yuejie.db.session import RETRIES, Database
from yuejie.intake import store
from yuejie.intake.external import Fate, Sourced, event_id_of, judge, record_external
from yuejie.intake.imports.drafts import Reader, reader_of
from yuejie.intake.imports.mapping import Mapping
from yuejie.intake.imports.reading import Opened, Row, form_of, open_rows
from yuejie.intake.pricing import Draft, Tariffs
from yuejie.intake.resolve import Measured, ReportRow
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import IMPORT_BATCH
from yuejie.usage.record import Recorder, rarely_collecting, unix_us

_EXPORTS = ("openai", "anthropic")
_LOGS = ("newapi", "litellm")
"""Logs have ids of their own; without another name, the program's is whose they are."""


@dataclass(slots=True)
class ImportReport:
    """What an import came to."""

    path: Path
    sha256: str
    rows: int = 0
    stored: int = 0
    known: int = 0
    rejected: int = 0
    reject_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is, and what it has come to by then."""

    done_bytes: int
    size_bytes: int
    rows: int
    stored: int = 0
    known: int = 0
    rejected: int = 0


class Refusals(Protocol):
    """Who keeps the lines that were refused."""

    count: int

    def add(self, row: Row, why: str) -> None:
        """Take a line and the reason."""

    def flush(self) -> None:
        """Keep what came together in a batch."""


@dataclass(slots=True)
class _Line:
    row: Row
    source: str
    external_id: str
    draft: Draft


@dataclass(slots=True)
class _Rejects:
    """The reject file, made with the first bad line."""

    path: Path
    count: int = 0
    _lines: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, row: Row, why: str) -> None:
        self.count += 1
        self._lines.append((row.line, why, ",".join(row.fields.values())))

    def flush(self) -> None:
        """Write what came together, in the order of the file."""
        fresh = self.count == len(self._lines)
        if not self._lines:
            return
        with self.path.open(
            "w" if fresh else "a", encoding="utf-8-sig" if fresh else "utf-8", newline=""
        ) as file:
            out = csv.writer(file)
            if fresh:
                out.writerow(("行号", "原因", "内容"))
            self._lines.sort(key=lambda line: line[0])
            out.writerows(self._lines)
        self._lines.clear()


def import_usage(
    db: Database,
    path: Path,
    mapping: Mapping,
    *,
    rejects: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> ImportReport:
    """Import a file and report what was stored, known already, and rejected."""
    refused = _Rejects(rejects or path.with_name(path.name + ".rejects.csv"))
    refused.path.unlink(missing_ok=True)
    report = load_rows(db, path, mapping, refused, progress=progress)
    report.reject_file = refused.path if refused.count else None
    return report


def load_rows(
    db: Database,
    path: Path,
    mapping: Mapping,
    refused: Refusals,
    *,
    since: Progress | None = None,
    progress: Callable[[Progress], None],
) -> ImportReport:
    """Import a file from behind the rows of `since` on, adding to what it had come to by then.

    `progress` is called after each batch, when what it tells of is stored; it may raise to stop.
    """
    form = mapping.form or form_of(path)
    if form in _LOGS and not mapping.source:
        mapping = replace(mapping, source=form)
    with rarely_collecting(), closing(open_rows(path, form)) as file:
        run = _Run(db, mapping, reader_of(mapping, aggregated=form in _EXPORTS), file, refused)
        report = ImportReport(path, file.sha256)
        if since is not None:
            report.rows, report.stored, report.known = since.rows, since.stored, since.known
            refused.count = since.rejected
        for batch in run.batches(report.rows):
            run.store(batch, report)
            report.rejected = refused.count
            progress(
                Progress(
                    *(file.done, file.size, report.rows),
                    *(report.stored, report.known, report.rejected),
                )
            )
    report.rejected = refused.count
    return report


@dataclass(slots=True)
class _Run:
    """One import under way."""

    db: Database
    mapping: Mapping
    read: Reader
    file: Opened
    refused: Refusals
    recorder: Recorder = field(default_factory=Recorder)
    spending: Spending = field(default_factory=Spending)
    tariffs: Tariffs | None = None

    def batches(self, behind: int) -> Iterator[list[Row]]:
        """Yield rows in batches, one transaction each, from behind so many rows on."""
        batch: list[Row] = []
        for row in islice(self.file.rows, behind, None):
            batch.append(row)
            if len(batch) == IMPORT_BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def store(self, batch: Sequence[Row], report: ImportReport) -> None:
        """Store a batch: what is new of it, priced; the rest known or refused."""
        report.rows += len(batch)
        lines = [line for row in batch if (line := self._line(row)) is not None]
        by_source: dict[str, list[_Line]] = {}
        for line in lines:
            by_source.setdefault(line.source, []).append(line)
        for source, own in by_source.items():
            fates = self._store(source, own)
            report.stored += fates.count(Fate.NEW)
            report.known += fates.count(Fate.KNOWN)
        self.refused.flush()

    def _line(self, row: Row) -> _Line | None:
        if row.fault:
            self.refused.add(row, row.fault)
            return None
        try:
            own_id, draft = self.read(row.fields)
        except Invalid as error:
            self.refused.add(row, error.sentence)
            return None
        if own_id and self.mapping.source:
            return _Line(row, f"import:{self.mapping.source}", own_id, draft)
        return _Line(row, f"file:{self.file.sha256}", f"{row.number:010d}", draft)

    def _store(self, source: str, lines: Sequence[_Line]) -> list[Fate]:
        """Store what is not known, and return every fate; another sender may come between."""
        for _ in range(RETRIES - 1):
            try:
                return self._store_new(source, lines)
            except SerializationConflict:
                continue
        return self._store_new(source, lines)

    def _store_new(self, source: str, lines: Sequence[_Line]) -> list[Fate]:
        tariffs = self._tariffs({line.draft.customer for line in lines})
        with self.db.read() as tx:
            known = store.known_externals(tx, source, [line.external_id for line in lines])
        fates = judge(known, [(line.external_id, line.row.digest) for line in lines])
        fresh: list[Sourced] = []
        refused: list[tuple[Row, str]] = []
        for line, fate in zip(lines, fates, strict=True):
            if fate is Fate.CONFLICTS:
                refused.append((line.row, f"编号 {line.external_id} 已用于内容不同的事件"))
            elif fate is Fate.NEW:
                try:
                    fresh.append(_priced(tariffs, source, line))
                except Invalid as error:
                    refused.append((line.row, error.sentence))
        if fresh:
            record_external(self.db, self.recorder, source, fresh, count=self.spending.count)
        for row, why in refused:
            self.refused.add(row, why)
        return [Fate.NEW] * len(fresh) + [fate for fate in fates if fate is Fate.KNOWN]

    def _tariffs(self, customers: set[str]) -> Tariffs:
        """Return the tariffs, read once, with the customers of this batch."""
        if self.tariffs is None or not all(map(self.tariffs.knows, customers)):
            with self.db.read(consistent=True) as tx:
                self.tariffs = self.tariffs or Tariffs(tx)
                self.tariffs.learn(tx, customers)
        return self.tariffs


def _priced(tariffs: Tariffs, source: str, line: _Line) -> Sourced:
    name = event_id_of(source, line.external_id, unix_us(line.draft.started_at))
    return Sourced(line.external_id, line.row.digest, tariffs.ended(line.draft, name))


def read_report(path: Path, form: str) -> Iterator[ReportRow]:
    """Read a provider's usage report by call, for `resolve_by_report`."""
    read = reader_of(Mapping(constant={"customer": "-", "project": "-"}), aggregated=False)
    with closing(open_rows(path, form)) as file:
        for row in file.rows:
            if row.fault:
                raise Invalid(f"用量报告第 {row.line} 行不合格：{row.fault}")
            fields = {"started_at": row.fields.get("at", ""), **row.fields}
            _, draft = read(fields)
            measured = Measured(
                quantities={item.meter: item.quantity for item in draft.items},
                model=draft.model,
                service_tier=draft.service_tier,
                response_id=draft.response_id,
            )
            yield ReportRow.named(
                fields.get("client_request_id", ""), fields.get("response_id", ""), measured
            )
