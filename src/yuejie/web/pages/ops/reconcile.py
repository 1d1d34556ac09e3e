"""Reconciliation with providers: their reports beside our figures, and every difference's cause."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.assurance.reconcile.difference import (
    CHINESE,
    TO_DO,
    Cause,
    Difference,
    incomplete,
    verdict,
)
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month, show_run
from yuejie.assurance.reconcile.sheets import Sheet, parse_sheet
from yuejie.assurance.reconcile.store import latest_runs, reports
from yuejie.contracts.store import accounts
from yuejie.jobs.kinds.report import order_report
from yuejie.jobs.start import AT_ONCE_BYTES
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth, parse_instant
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.ops.jobs import begin

routes: Final = APIRouter(
    include_in_schema=False, prefix="/reconciliations", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=200)]
Typed = Annotated[str, Field(max_length=200)]

SOURCES: Final = {
    Source.OPENAI_USAGE: "OpenAI 用量",
    Source.OPENAI_COSTS: "OpenAI 费用",
    Source.ANTHROPIC_USAGE: "Anthropic 用量",
    Source.ANTHROPIC_COST: "Anthropic 费用",
    Source.GCP_BILLING: "Google Cloud 账单",
    Source.CSV: "其他表格（须写映射）",
}


@dataclass(frozen=True, slots=True)
class CauseSum:
    """What one cause comes to: how many differences, more and less, by size."""

    cause: Cause
    count: int
    charge: Charge
    size: Charge


@routes.get("")
def list_runs(
    request: Request, db: Db, account: str = "", month: str = "", cursor: str | None = None
) -> Response:
    """Show the newest reconciliation of each account and month, and the reports on file."""
    window = Window.read("page:reconciliations", cursor, PAGE)
    with db.read() as tx:
        known = sorted(each.account_id for each in accounts(tx))
        rows = latest_runs(tx, account or None, month or None)
        filed = reports(tx, account or None, month or None)
    found = cut(window, rows, lambda row: row.reconciliation_id)
    shown = found[:PAGE]
    more = len(found) > PAGE
    return draw(
        request,
        "ops/reconciliations.html",
        runs=[(each, *_sides(each)) for each in shown],
        reports=filed[::-1][:PAGE],
        accounts=known,
        sources=SOURCES,
        asked={"account": account, "month": month},
        later=window.write(shown[-1].reconciliation_id) if more else None,
    )


def _sides(row: object) -> tuple[Charge, Charge, Charge, Charge]:
    names = ("ours_pico", "theirs_pico", "explained_pico", "unexplained_pico")
    currency = str(getattr(row, "currency", ""))
    ours, theirs, told, untold = (Charge(int(getattr(row, n)), currency) for n in names)
    return ours, theirs, told, untold


class Handed(BaseModel):
    """The form of a provider's report, as it was filled in."""

    account: Typed = ""
    month: Typed = ""
    source: Typed = ""
    as_of: Typed = ""
    mapping: Annotated[str, Field(max_length=100_000)] = ""
    file: UploadFile | None = None

    def sent(self, now: datetime) -> Sent:
        """Return what the verb takes. Raises Invalid for what is missing or not offered."""
        if self.file is None or not self.file.filename:
            raise Invalid("没有选择报告文件，请选择供应商导出的文件后重试")
        if self.source not in set(Source):
            raise Invalid("没有这种报告，请在页面上选择")
        return Sent(
            account_id=self.account,
            month=BillingMonth.parse(self.month),
            source=Source(self.source),
            file_name=self.file.filename,
            body=self.file.file.read(),
            as_of=_as_of(self.as_of, now),
            sheet=parse_sheet(self.mapping) if self.mapping.strip() else Sheet(),
        )


@routes.post("/reports", dependencies=ours)
def take_in(request: Request, db: Db, now: Now, form: Annotated[Handed, Form()]) -> Response:
    """Put a provider's report on file, and reconcile the month with it."""
    sent = form.sent(now)
    if len(sent.body) > AT_ONCE_BYTES:
        return begin(request, db, order_report(sent, form.mapping), now)
    import_report(db, sent, by=caller_of(request).name, now=now)
    return _reconciled(request, db, sent.account_id, sent.month, now)


def _as_of(text: str, now: datetime) -> datetime:
    return parse_instant(text, HOUSE_ZONE, "报告导出时间") if text else now


@routes.post("/run", dependencies=ours)
def run(request: Request, db: Db, now: Now, account: Text, month: Text) -> Response:
    """Compare the newest reports on file with our usage."""
    return _reconciled(request, db, account, BillingMonth.parse(month), now)


def _reconciled(
    request: Request, db: Db, account: str, month: BillingMonth, now: datetime
) -> Response:
    found = reconcile_month(db, account, month, by=caller_of(request).name, now=now)
    said = verdict(each.reconciled for each in found)
    return go(request, f"/reconciliations/{found[0].reconciliation_id}", said)


@routes.get("/{reconciliation}")
def show(
    request: Request,
    db: Db,
    reconciliation: str,
    cause: str = "",
    model: str = "",
    cursor: str | None = None,
) -> Response:
    """Show one reconciliation: sums by cause, and the differences by day and model."""
    window = Window.read(f"page:reconciliation:{reconciliation}", cursor, PAGE)
    row, differences = show_run(db, reconciliation)
    wanted = [
        (f"{at:08d}", each)
        for at, each in enumerate(differences)
        if (not cause or each.cause == cause) and (not model or each.model == model)
    ]
    found = cut(window, wanted, lambda pair: pair[0])
    shown = found[:PAGE]
    return draw(
        request,
        "ops/reconciliation.html",
        run=row,
        sides=_sides(row),
        causes=by_cause(differences, row.currency),
        names=CHINESE,
        to_do=TO_DO,
        incomplete=incomplete(differences),
        models=sorted({each.model for each in differences}),
        differences=[(each, Charge(each.pico, row.currency)) for _, each in shown],
        asked={"cause": cause, "model": model},
        later=window.write(shown[-1][0]) if len(found) > PAGE else None,
    )


def by_cause(differences: Iterable[Difference], currency: str) -> list[CauseSum]:
    """Add differences up by their cause, the largest first; plus and minus hide nothing."""
    sums: dict[Cause, list[int]] = {}
    for each in differences:
        cell = sums.setdefault(each.cause, [0, 0, 0])
        cell[0] += 1
        cell[1] += each.pico
        cell[2] += abs(each.pico)
    found = [
        CauseSum(cause, count, Charge(pico, currency), Charge(size, currency))
        for cause, (count, pico, size) in sums.items()
    ]
    return sorted(found, key=lambda each: -each.size.pico)
