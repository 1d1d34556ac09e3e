"""The only SQL of reconciliation: our hours of an account, reports on file, what was found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from yuejie.assurance.reconcile.difference import Cause, Difference
from yuejie.assurance.reconcile.report import Filed, Report, ReportLine, Says, Source
from yuejie.db.session import Json, Tx

OPERATOR_READS: Final = {
    "hours": "an account serves many customers; the provider charges the operator",
    "currencies": "the same",
    "waiting": "the same",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class HourRow:
    """What we counted of a model and meter in an hour, summed over customers."""

    model: str
    meter: str
    hour: datetime
    state: str
    quantity: int
    pico: int
    unpriced: bool


# The provider's name of a model is the one its rate was found by, else the deployment's.
HOURS: Final = """
    SELECT coalesce(cost.model, dep.cost_model) AS model, r.meter, r.hour, r.state,
           sum(r.quantity)::numeric(38,0) AS quantity,
           sum(r.quantity * coalesce(cost.pico, 0))::numeric(38,0) AS pico,
           cost.rate_id IS NULL AND r.meter <> ALL(%(free)s) AS unpriced
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    JOIN deployment dep ON dep.deployment_id = d.deployment_id
    LEFT JOIN rate cost ON cost.rate_id = r.cost_rate
    WHERE dep.account_id = %(account_id)s AND r.month = ANY(%(months)s)
      AND r.hour >= %(since)s AND r.hour < %(until)s
      AND (cost.currency IS NULL OR cost.currency = %(currency)s)
    GROUP BY 1, 2, 3, 4, 7
    HAVING sum(r.quantity) <> 0
    ORDER BY 1, 2, 3, 4, 7
"""


def hours(
    tx: Tx,
    account_id: str,
    months: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    currency: str,
    free: Sequence[str],
) -> list[HourRow]:
    """Return our usage of a provider account by the hour; `free` meters need no rate."""
    return tx.rows(
        HourRow,
        HOURS,
        account_id=account_id,
        months=list(months),
        since=since,
        until=until,
        currency=currency,
        free=list(free),
    )


@dataclass(frozen=True, slots=True)
class _Priced:
    currency: str


CURRENCIES: Final = """
    SELECT DISTINCT cost.currency
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    JOIN deployment dep ON dep.deployment_id = d.deployment_id
    JOIN rate cost ON cost.rate_id = r.cost_rate
    WHERE dep.account_id = %(account_id)s AND r.month = %(month)s
    ORDER BY 1
"""


def currencies(tx: Tx, account_id: str, month: str) -> list[str]:
    """Return the currencies that our cost book has priced an account's month in."""
    rows = tx.rows(_Priced, CURRENCIES, account_id=account_id, month=month)
    return [row.currency for row in rows]


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Calls of a model in an hour whose quantities are not known yet."""

    model: str
    hour: datetime
    calls: int


WAITING: Final = """
    SELECT dep.cost_model AS model, e.hour, count(*) AS calls
    FROM usage_event e
    JOIN usage_dimension d USING (dimension_id)
    JOIN deployment dep ON dep.deployment_id = d.deployment_id
    WHERE dep.account_id = %(account_id)s AND e.state IN ('estimated', 'unmeasured')
      AND e.hour >= %(since)s AND e.hour < %(until)s
      AND NOT EXISTS (SELECT FROM usage_event n
                      WHERE n.event_id = e.event_id AND n.version > e.version)
    GROUP BY 1, 2
    ORDER BY 1, 2
"""


def waiting(tx: Tx, account_id: str, *, since: datetime, until: datetime) -> list[WaitingRow]:
    """Return how many calls of an account wait on the worklist, by model and hour."""
    return tx.rows(WaitingRow, WAITING, account_id=account_id, since=since, until=until)


@dataclass(frozen=True, slots=True)
class _Known:
    account_id: str


ACCOUNT: Final = "SELECT account_id FROM provider_account WHERE account_id = %(account_id)s"


def account_exists(tx: Tx, account_id: str) -> bool:
    """Say whether there is such a provider account."""
    return tx.maybe(_Known, ACCOUNT, account_id=account_id) is not None


ACCOUNTS: Final = "SELECT account_id FROM provider_account ORDER BY account_id"


def accounts(tx: Tx) -> list[str]:
    """Return every provider account."""
    return [row.account_id for row in tx.rows(_Known, ACCOUNTS)]


INSERT_REPORT: Final = """
    INSERT INTO provider_report (report_id, account_id, month, source, says, zone, currency, meters,
                                 folds, grain_pico, file_name, sha256, reading, as_of, by,
                                 imported_at, covers)
    VALUES (%(report_id)s, %(account_id)s, %(month)s, %(source)s, %(says)s, %(zone)s, %(currency)s,
            %(meters)s, %(folds)s, %(grain_pico)s, %(file_name)s, %(sha256)s, %(reading)s,
            %(as_of)s, %(by)s, %(imported_at)s, %(covers)s)
"""
COPY_LINES: Final = (
    "COPY provider_report_line (report_id, position, line, day, model, meter, quantity, cost_pico,"
    " note) FROM STDIN"
)


def insert_report(tx: Tx, filed: Filed) -> None:
    """Put a report on file."""
    report = filed.report
    tx.run(
        INSERT_REPORT,
        report_id=filed.report_id,
        account_id=filed.account_id,
        month=filed.month,
        source=report.source,
        says=report.says,
        zone=report.zone,
        currency=report.currency,
        meters=sorted(report.meters),
        folds=Json(dict(report.folds)),
        grain_pico=report.grain_pico,
        file_name=filed.file_name,
        sha256=filed.sha256,
        reading=filed.reading,
        as_of=filed.as_of,
        by=filed.by,
        imported_at=filed.imported_at,
        covers=sorted(report.covers),
    )
    tx.copy(
        COPY_LINES,
        (
            (
                *(filed.report_id, n, e.line, e.day, e.model, e.meter),
                *(e.quantity, e.cost_pico, e.note),
            )
            for n, e in enumerate(report.lines)
        ),
    )


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report on file, without its lines."""

    report_id: str
    account_id: str
    month: str
    source: str
    says: str
    zone: str
    currency: str
    meters: list[str]
    folds: dict[str, Any]
    grain_pico: int
    file_name: str
    sha256: str
    reading: str
    as_of: datetime
    by: str
    imported_at: datetime
    covers: list[date]
    lines: int


REPORTS: Final = """
    SELECT r.report_id, r.account_id, r.month, r.source, r.says, r.zone, r.currency, r.meters,
           r.folds, r.grain_pico, r.file_name, r.sha256, r.reading, r.as_of, r.by, r.imported_at,
           coalesce(r.covers,
                    (SELECT array_agg(d::date ORDER BY d)
                     FROM (SELECT min(l.day) AS first, max(l.day) AS last
                           FROM provider_report_line l WHERE l.report_id = r.report_id) e,
                          generate_series(e.first, e.last, interval '1 day') d)) AS covers,
           (SELECT count(*) FROM provider_report_line l WHERE l.report_id = r.report_id) AS lines
    FROM provider_report r
    WHERE (%(account_id)s::text IS NULL OR r.account_id = %(account_id)s)
      AND (%(month)s::text IS NULL OR r.month = %(month)s)
    ORDER BY r.account_id, r.month, r.source, r.as_of, r.imported_at, r.report_id
"""


def reports(tx: Tx, account_id: str | None, month: str | None) -> list[ReportRow]:
    """Return the reports on file, of an account and month where named, the newest last."""
    return tx.rows(ReportRow, REPORTS, account_id=account_id, month=month)


LINES: Final = """
    SELECT line, day, model, meter, quantity, cost_pico, note
    FROM provider_report_line
    WHERE report_id = %(report_id)s
    ORDER BY position
"""


def whole(tx: Tx, row: ReportRow) -> Report:
    """Return a report on file with its lines."""
    return Report(
        source=Source(row.source),
        says=Says(row.says),
        zone=row.zone,
        currency=row.currency,
        meters=frozenset(row.meters),
        folds=row.folds,
        grain_pico=row.grain_pico,
        lines=tuple(tx.rows(ReportLine, LINES, report_id=row.report_id)),
        covers=frozenset(row.covers),
    )


@dataclass(frozen=True, slots=True)
class RunRow:
    """What somebody found when reconciling a month of an account, in picos."""

    reconciliation_id: str
    account_id: str
    month: str
    currency: str
    report_ids: list[str]
    ours_pico: int
    theirs_pico: int
    explained_pico: int
    unexplained_pico: int
    cells: int
    passes: bool
    at: datetime
    by: str


INSERT_RUN: Final = """
    INSERT INTO reconciliation (reconciliation_id, account_id, month, currency, report_ids,
                                ours_pico, theirs_pico, explained_pico, unexplained_pico, cells,
                                passes, at, by)
    VALUES (%(reconciliation_id)s, %(account_id)s, %(month)s, %(currency)s, %(report_ids)s,
            %(ours_pico)s, %(theirs_pico)s, %(explained_pico)s, %(unexplained_pico)s, %(cells)s,
            %(passes)s, %(at)s, %(by)s)
"""
COPY_DIFFERENCES: Final = (
    "COPY reconciliation_difference (reconciliation_id, position, day, model, meter, cause,"
    " quantity, pico, why) FROM STDIN"
)


def insert_run(tx: Tx, row: RunRow, differences: Iterable[Difference]) -> None:
    """Write down what was found."""
    tx.run(INSERT_RUN, **{name: getattr(row, name) for name in RunRow.__slots__})
    tx.copy(
        COPY_DIFFERENCES,
        (
            (
                row.reconciliation_id,
                n,
                d.day,
                d.model,
                d.meter,
                d.cause.value,
                d.quantity,
                d.pico,
                d.why,
            )
            for n, d in enumerate(differences)
        ),
    )


RUNS: Final = """
    SELECT DISTINCT ON (account_id, month, currency)
           reconciliation_id, account_id, month, currency, report_ids, ours_pico, theirs_pico,
           explained_pico, unexplained_pico, cells, passes, at, by
    FROM reconciliation
    WHERE (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
      AND (%(month)s::text IS NULL OR month = %(month)s)
    ORDER BY account_id, month, currency, at DESC, reconciliation_id DESC
"""


def latest_runs(tx: Tx, account_id: str | None, month: str | None) -> list[RunRow]:
    """Return the newest reconciliation of each account, month and currency."""
    return tx.rows(RunRow, RUNS, account_id=account_id, month=month)


RUN: Final = """
    SELECT reconciliation_id, account_id, month, currency, report_ids, ours_pico, theirs_pico,
           explained_pico, unexplained_pico, cells, passes, at, by
    FROM reconciliation
    WHERE reconciliation_id = %(reconciliation_id)s
"""


def run_of(tx: Tx, reconciliation_id: str) -> RunRow | None:
    """Return a reconciliation by its id."""
    return tx.maybe(RunRow, RUN, reconciliation_id=reconciliation_id)


@dataclass(frozen=True, slots=True)
class _DifferenceRow:
    day: date
    model: str
    meter: str
    cause: str
    quantity: int
    pico: int
    why: str


DIFFERENCES: Final = """
    SELECT day, model, meter, cause, quantity, pico, why
    FROM reconciliation_difference
    WHERE reconciliation_id = %(reconciliation_id)s
    ORDER BY position
"""


def differences_of(tx: Tx, reconciliation_id: str) -> list[Difference]:
    """Return the differences that a reconciliation found."""
    rows = tx.rows(_DifferenceRow, DIFFERENCES, reconciliation_id=reconciliation_id)
    return [
        Difference(r.day, r.model, r.meter, Cause(r.cause), int(r.quantity), int(r.pico), r.why)
        for r in rows
    ]
