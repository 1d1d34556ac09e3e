"""Put providers' reports on file, and reconcile a month of an account with them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.assurance.reconcile import store
from yuejie.assurance.reconcile.compare import compare
from yuejie.assurance.reconcile.difference import Difference, Reconciled
from yuejie.assurance.reconcile.pages import read_pages
from yuejie.assurance.reconcile.report import (
    Filed,
    Report,
    ReportLine,
    Says,
    Source,
    plain_model,
)
from yuejie.assurance.reconcile.residue import days_between
from yuejie.assurance.reconcile.sheets import Sheet, read_sheet
from yuejie.assurance.reconcile.sides import Ours, Told, Used
from yuejie.assurance.reconcile.store import ReportRow, RunRow
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth
from yuejie.usage.meters import COUNT_METERS

_TABLES: Final = frozenset({Source.CSV, Source.GCP_BILLING})
_AROUND: Final = timedelta(days=2)
"""Usage beside the month that is looked at: another zone's days reach into it."""
_INSTANT: Final = timedelta(microseconds=1)
_OPEN: Final = frozenset({"estimated", "unmeasured"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as somebody sends it: of which account, month and source, drawn when."""

    account_id: str
    month: BillingMonth
    source: Source
    file_name: str
    body: bytes
    as_of: datetime
    sheet: Sheet = Sheet()  # noqa: RUF009 (frozen)


@dataclass(frozen=True, slots=True)
class Found:
    """A reconciliation as it was written down."""

    reconciliation_id: str
    reports: tuple[ReportRow, ...]
    reconciled: Reconciled


def import_report(db: Database, sent: Sent, *, by: str, now: datetime) -> Filed:
    """Read a report whole and put it on file; the same file, read as before, changes nothing.

    Read otherwise, or drawn earlier than was said, it takes the place of what was on file; so does
    an earlier report that the provider gives again behind another that had replaced it. Lines
    outside the month are refused: a file of two months would be counted for one.
    """
    if sent.as_of > now:
        raise Invalid(f"报告的导出时间 {sent.as_of.isoformat()} 在将来，请改正后重试")
    report = _read(sent)
    _refuse_other_months(report, sent.month)
    _refuse_foretold(report, sent)
    report = replace(report, covers=_covered(report, sent))
    filed = Filed(
        report_id=mint("rep", now),
        account_id=sent.account_id,
        month=str(sent.month),
        file_name=sent.file_name,
        sha256=sha256(sent.body).hexdigest(),
        reading=report.digest,
        as_of=sent.as_of,
        by=by,
        imported_at=now,
        report=report,
    )
    with db.begin() as tx:
        _refuse_unknown(tx, sent.account_id)
        known = _known(tx, filed)
        if known is not None:
            return known
        store.insert_report(tx, filed)
        named = f"{sent.account_id} {sent.month} {sent.source}"
        became = {"file": sent.file_name, "sha256": filed.sha256, "lines": len(report.lines)}
        record_deed(tx, Deed(by, now, "import", "provider_report", named), became=became)
    return filed


def _known(tx: Tx, filed: Filed) -> Filed | None:
    """Return the report as it is on file, if its file was read like this when it came last.

    One whose place another took is not known any more where it is drawn anew: the provider went
    back to it. Nobody else puts one of the month on file until the transaction ends.
    """
    tx.lock_exclusive(f"provider reports {filed.account_id} {filed.month}")
    rows = store.reports(tx, filed.account_id, filed.month)
    same = [r for r in rows if (r.source, r.sha256) == (filed.report.source, filed.sha256)]
    last = max(same, key=_imported, default=None)
    if last is None or last.reading != filed.reading or last.as_of > filed.as_of:
        return None
    if last not in _in_force(rows) and _row(filed) in _in_force([*rows, _row(filed)]):
        return None
    return replace(
        filed,
        report_id=last.report_id,
        file_name=last.file_name,
        as_of=last.as_of,
        by=last.by,
        imported_at=last.imported_at,
    )


def _in_force(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """Return the reports that count: the newest about quantities, and of each currency amounts."""
    newest = _newest(rows)
    of_money = defaultdict[str, list[ReportRow]](list)
    for row in newest:
        of_money[row.currency].append(row)
    best = [_best(newest, Says.USAGE), *(_best(each, Says.COST) for each in of_money.values())]
    return [row for row in best if row is not None]


def _row(filed: Filed) -> ReportRow:
    """Return how a report will stand on file."""
    report = filed.report
    return ReportRow(
        report_id=filed.report_id,
        account_id=filed.account_id,
        month=filed.month,
        source=report.source,
        says=report.says,
        zone=report.zone,
        currency=report.currency,
        meters=sorted(report.meters),
        folds=dict(report.folds),
        grain_pico=report.grain_pico,
        file_name=filed.file_name,
        sha256=filed.sha256,
        reading=filed.reading,
        as_of=filed.as_of,
        by=filed.by,
        imported_at=filed.imported_at,
        covers=sorted(report.covers),
        lines=len(report.lines),
    )


def _imported(row: ReportRow) -> tuple[datetime, str]:
    return row.imported_at, row.report_id


def reconcile_month(
    db: Database, account_id: str, month: BillingMonth, *, by: str, now: datetime
) -> list[Found]:
    """Compare the newest reports on file with our rollups, once per currency, and keep the result.

    Where quantities are told by other days than amounts, each is compared by its own, amounts last.
    The same reports and the same usage give the same result; what is found changes neither.
    """
    with db.begin() as tx:
        _refuse_unknown(tx, account_id)
        rows = _newest(store.reports(tx, account_id, str(month)))
        if not rows:
            raise NotFound(
                f"账号 {account_id} 没有 {month} 的供应商报告，请先用 reconcile import 导入",
                account=account_id,
            )
        priced = store.currencies(tx, account_id, str(month))
        return [
            # What is compared last of a currency is what it is said to have come to.
            _reconcile(
                tx, account_id, month, told, each, priced, by=by, now=now + number * _INSTANT
            )
            for each, found in _by_currency(rows, priced).items()
            for number, told in enumerate(_by_days(found))
        ]


def _by_currency(rows: Sequence[ReportRow], priced: Sequence[str]) -> dict[str, list[ReportRow]]:
    """Put reports together that are compared with each other.

    Quantities have no currency: they go with the one that amounts are told in, or else with the one
    that we are charged in, where there is one.
    """
    money = sorted({row.currency for row in rows if row.says != Says.USAGE})
    alone = money or list(priced)
    if len(alone) == 1:
        return {alone[0]: list(rows)}
    named = sorted({row.currency for row in rows})
    return {each: [row for row in rows if row.currency == each] for each in named}


def show_run(db: Database, reconciliation_id: str) -> tuple[RunRow, list[Difference]]:
    """Return a reconciliation with its differences."""
    with db.read() as tx:
        row = store.run_of(tx, reconciliation_id)
        if row is None:
            raise NotFound(f"没有编号为 {reconciliation_id} 的对账，请核对编号")
        return row, store.differences_of(tx, reconciliation_id)


def _read(sent: Sent) -> Report:
    if sent.source in _TABLES:
        report = read_sheet(sent.source, sent.body, sent.sheet)
    else:
        report = read_pages(sent.source, sent.body)
    if not report.lines:
        raise Invalid(f"报告 {sent.file_name} 里没有一行数据，请核对文件和来源")
    if any("\0" in each.model or "\0" in each.note for each in report.lines):
        raise Invalid(f"报告 {sent.file_name} 的模型或项目名里有空字符（NUL），请重新导出后重试")
    names = dict(sent.sheet.models)
    lines = tuple(
        ReportLine(
            line=e.line,
            day=e.day,
            model=plain_model(e.model, names),
            meter=e.meter,
            quantity=e.quantity,
            cost_pico=e.cost_pico,
            note=e.note,
        )
        for e in report.lines
    )
    return Report(
        source=report.source,
        says=report.says,
        zone=report.zone,
        currency=report.currency,
        meters=report.meters,
        folds=report.folds,
        grain_pico=report.grain_pico,
        lines=lines,
        covers=report.covers,
    )


def _refuse_other_months(report: Report, month: BillingMonth) -> None:
    outside = [e for e in report.lines if not month.first_day <= e.day <= month.last_day]
    if outside:
        first = outside[0]
        raise Invalid(
            f"报告第 {first.line} 行（{first.day}）不在 {month} 内，共 {len(outside)} 行；"
            f"请只导出 {month} 后重试"
        )


def _refuse_foretold(report: Report, sent: Sent) -> None:
    """Refuse a report that tells of days behind the one on which it is said to be drawn."""
    last = max(each.day for each in report.lines)
    if last > sent.as_of.astimezone(ZoneInfo(report.zone)).date():
        raise Invalid(
            f"报告的导出时间 {sent.as_of.isoformat()} 早于其中 {last} 的数据，请改正后重试"
        )


def _covered(report: Report, sent: Sent) -> frozenset[date]:
    """Return the days of the month that a report is about.

    A table has no row for a day without usage: before its first row and behind its last nobody
    knows whether there was none or it was not exported, unless its mapping says so.
    """
    month = days_between(sent.month.first_day, sent.month.last_day)
    if report.covers:
        return report.covers & set(month)
    days = [each.day for each in report.lines]
    first = min(days + [day for day in (sent.sheet.first_day,) if day])
    last = max(days + [day for day in (sent.sheet.last_day,) if day])
    return frozenset(day for day in month if first <= day <= last)


def _refuse_unknown(tx: Tx, account_id: str) -> None:
    if not store.account_exists(tx, account_id):
        raise NotFound(f"供应商账号 {account_id} 不存在，请核对名称", account=account_id)


def _by_days(rows: Sequence[ReportRow]) -> list[list[ReportRow]]:
    """Part reports whose days are not the same days: quantities from amounts."""
    usage, cost = _best(rows, Says.USAGE), _best(rows, Says.COST)
    if usage is None or cost is None or usage.zone == cost.zone:
        return [list(rows)]
    return [[usage], [cost]]


def _newest(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """Keep of each file what was read last, and of each source and currency the newest report.

    One about quantities and one about amounts stand beside each other; one about both takes the
    place of all before it.
    """
    files = {(row.source, row.sha256): row for row in sorted(rows, key=_imported)}
    found: dict[tuple[str, str], dict[str, ReportRow]] = defaultdict(dict)
    for row in sorted(files.values(), key=lambda each: (each.as_of, *_imported(each))):
        told = found[row.source, row.currency]
        if row.says == Says.BOTH:
            told.clear()
        told[row.says] = row
    return [row for told in found.values() for row in told.values()]


def _reconcile(
    tx: Tx,
    account_id: str,
    month: BillingMonth,
    rows: Sequence[ReportRow],
    currency: str,
    priced: Sequence[str],
    *,
    by: str,
    now: datetime,
) -> Found:
    rows = _compared(rows)
    told = told_by([(row, store.whole(tx, row)) for row in rows], currency)
    ours = _ours(tx, account_id, month, told)
    if priced and currency not in priced:
        ours = replace(ours, elsewhere="、".join(priced))
    reconciled = compare(account_id, month, ours, told)
    row = RunRow(
        reconciliation_id=mint("rec", now),
        account_id=account_id,
        month=str(month),
        currency=told.currency,
        report_ids=[r.report_id for r in rows],
        ours_pico=reconciled.ours_pico,
        theirs_pico=reconciled.theirs_pico,
        explained_pico=reconciled.explained_pico,
        unexplained_pico=reconciled.unexplained_pico,
        cells=reconciled.cells,
        passes=reconciled.passes,
        at=now,
        by=by,
    )
    store.insert_run(tx, row, reconciled.differences)
    return Found(row.reconciliation_id, tuple(rows), reconciled)


def told_by(reports: Iterable[tuple[ReportRow, Report]], currency: str) -> Told:
    """Join reports of one currency: quantities from the one about usage, amounts from costs."""
    whole = {row.report_id: (row, report) for row, report in reports}
    rows = [row for row, _ in whole.values()]
    used, charged = _best(rows, Says.USAGE), _best(rows, Says.COST)
    usage, cost = (whole[each.report_id] if each else None for each in (used, charged))
    given = [pair for pair in (usage, cost) if pair is not None]
    zones = {report.zone for _, report in given}
    assert len(zones) == 1, "reports of other days are compared apart"
    tells = usage is not None and bool(usage[1].meters)
    quantities = _sums((e, e.quantity) for e in usage[1].lines) if usage and tells else None
    picos = _sums((e, e.cost_pico) for e in cost[1].lines) if cost else None
    return Told(
        quantities=quantities,
        picos=picos or None,
        lines=_sums((e, 1) for e in cost[1].lines if e.cost_pico is not None) if cost else {},
        credits=_sums(_given_back(cost[1].lines)) if cost else {},
        meters=usage[1].meters if usage else frozenset(),
        folds=(usage or given[0])[1].folds,
        zone=zones.pop(),
        currency=currency,
        grain_pico=cost[1].grain_pico if cost else 1,
        as_of=min(row.as_of for row, _ in given),
        covers=_days_of(*usage) if usage else None,
        charged=_days_of(*cost) if cost else None,
    )


def _days_of(row: ReportRow, report: Report) -> frozenset[date]:
    """Return the days that a report could tell of when it was drawn: none of the future."""
    drawn = row.as_of.astimezone(ZoneInfo(report.zone)).date()
    told = {each.day for each in report.lines}
    return frozenset(told | {day for day in report.covers if day <= drawn})


def _compared(rows: Sequence[ReportRow]) -> list[ReportRow]:
    """Leave out reports whose quantities and amounts another one tells newer."""
    best = [each for each in (_best(rows, Says.USAGE), _best(rows, Says.COST)) if each]
    return [row for row in rows if row in best]


def _best(rows: Iterable[ReportRow], says: Says) -> ReportRow | None:
    """Return the newest report about that alone, else the newest about both."""
    known = sorted(rows, key=lambda row: (row.as_of, *_imported(row)))
    alone = [row for row in known if row.says == says]
    both = [row for row in known if row.says == Says.BOTH]
    found = alone or both
    return found[-1] if found else None


def _given_back(lines: Iterable[ReportLine]) -> Iterator[tuple[ReportLine, int]]:
    """Yield what a provider's lines take off what it charges."""
    for line in lines:
        if line.cost_pico is not None and line.cost_pico < 0:
            yield line, line.cost_pico


def _sums(lines: Iterable[tuple[ReportLine, int | None]]) -> dict[tuple[date, str, str], int]:
    sums: dict[tuple[date, str, str], int] = defaultdict(int)
    for line, amount in lines:
        if amount is not None:
            sums[line.day, line.model, line.meter] += int(amount)
    return dict(sums)


def _ours(tx: Tx, account_id: str, month: BillingMonth, told: Told) -> Ours:
    span = month.span(ZoneInfo(told.zone))
    since, until = span.start - _AROUND, span.end + _AROUND
    rows = store.hours(
        tx,
        account_id,
        [str(month.previous), str(month), str(month.next)],
        since=since,
        until=until,
        currency=told.currency,
        free=sorted(COUNT_METERS),
    )
    used = tuple(
        Used(
            model=plain_model(row.model),
            meter=row.meter,
            hour=row.hour,
            quantity=int(row.quantity),
            pico=int(row.pico),
            is_open=row.state in _OPEN,
            unpriced=row.unpriced,
        )
        for row in rows
    )
    waiting: dict[tuple[str, datetime], int] = defaultdict(int)
    for each in store.waiting(tx, account_id, since=since, until=until):
        waiting[plain_model(each.model), each.hour] += each.calls
    return Ours(used=used, currency=told.currency, waiting=waiting)
