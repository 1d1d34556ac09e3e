"""Put a large provider's report on file, and reconcile its month with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from yuejie.assurance.reconcile.difference import verdict
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month
from yuejie.assurance.reconcile.sheets import Sheet, parse_sheet
from yuejie.jobs.job import Became, JobKind, Order, Piece, Upload
from yuejie.jobs.start import digest, named
from yuejie.jobs.work import Work
from yuejie.kernel.period import BillingMonth

IMPORT: Final = "导入报告"
RECONCILE: Final = "对账"


def order_report(sent: Sent, mapping: str) -> Order:
    """Ask for a report to be put on file; `sent` is what its form was read as."""
    file = Upload(sent.file_name, sent.body)
    asked = {
        "account": sent.account_id,
        "month": str(sent.month),
        "source": str(sent.source),
        "as_of": sent.as_of.isoformat(),
        "mapping": mapping,
        "files": named((file,)),
    }
    subject = digest(sent.account_id, str(sent.month), sent.source, mapping, sent.body)
    about = f"{sent.account_id} {sent.month} {sent.file_name}"
    return Order(JobKind.REPORT, subject, about, asked, (file,))


def run(work: Work) -> Mapping[str, str]:
    """Import, then reconcile. A report that is refused ends the job with its sentence."""
    if not work.is_planned:
        work.plan([(IMPORT, ""), (RECONCILE, "")], {"steps": 2})
    path = "/reconciliations"
    for piece in work.waiting():
        work.go_on()
        became = _step(work, piece)
        work.note(piece, became)
        path = became.path
    return {"said": "", "path": path}


def _step(work: Work, piece: Piece) -> Became:
    asked, now, by = work.job.asked, work.instant(), work.job.made_by
    if piece.name == IMPORT:
        with work.files() as (path,):
            filed = import_report(work.db, _sent(asked, path.read_bytes()), by=by, now=now)
        return Became(f"已存档，{len(filed.report.lines)} 行", path="/reconciliations")
    month = BillingMonth.parse(asked["month"])
    found = reconcile_month(work.db, asked["account"], month, by=by, now=now)
    said = verdict(each.reconciled for each in found)
    return Became(said, path=f"/reconciliations/{found[0].reconciliation_id}")


def _sent(asked: Mapping[str, Any], body: bytes) -> Sent:
    return Sent(
        account_id=asked["account"],
        month=BillingMonth.parse(asked["month"]),
        source=Source(asked["source"]),
        file_name=asked["files"][0]["name"],
        body=body,
        as_of=datetime.fromisoformat(asked["as_of"]),
        sheet=parse_sheet(asked["mapping"]) if asked["mapping"].strip() else Sheet(),
    )
