"""Make a saved report now: read part by part, kept once, whoever goes on after a death."""

from collections.abc import Mapping
from datetime import datetime

from yuejie.insights.reports.keep import find_report
from yuejie.insights.reports.report import Report
from yuejie.insights.reports.run import run_by_hand
from yuejie.jobs.job import JobKind, Order
from yuejie.jobs.start import digest
from yuejie.jobs.work import Work
from yuejie.kernel.ids import CustomerId


def order_report_run(report: Report, at: datetime, asker: CustomerId | None) -> Order:
    """Ask for a report to be made as of an instant; `asker` is whose people ask."""
    asked = {"report": report.report_id, "customer": report.customer_id, "at": at.isoformat()}
    subject = digest(asker or "", report.report_id)
    return Order(JobKind.MAKE_REPORT, subject, report.name, asked, customer_id=asker)


def run(work: Work) -> Mapping[str, str]:
    """Make it; what is kept bears the job's own number, so that it is kept once."""
    asked = work.job.asked
    with work.db.read() as tx:
        report = find_report(tx, asked["customer"], asked["report"])
    run_id = run_id_of(work.job.job_id)
    made = run_by_hand(
        work.db,
        report,
        at=datetime.fromisoformat(asked["at"]),
        by=work.job.made_by,
        now=work.instant(),
        run_id=run_id,
        tell=work.tell,
    )
    path = f"/reports/{report.report_id}?run={run_id}"
    return {"said": f"报表已生成，{made.run.rows} 行", "path": path}


def run_id_of(job_id: str) -> str:
    """Return the number of what a job makes."""
    return f"rrn_{job_id.removeprefix('job_')}"
