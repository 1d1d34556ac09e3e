"""The books: balances, statements, the trial balance, entries, checks. Nothing is posted here."""

from typing import Annotated, Final

from fastapi import Query, Response

from yuejie.app import ledger_checks
from yuejie.assurance.unbilled import unbilled
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger
from yuejie.ledger.handover.accrue import accrue
from yuejie.ledger.handover.carry import carry_over, write_batch
from yuejie.ledger.handover.layouts import Layout
from yuejie.ledger.handover.store import batches
from yuejie.ledger.show import (
    account_named,
    show_balances,
    show_entries,
    show_statement,
    trial_balance,
)
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.books.ledger import (
    AccruedOut,
    AccrueIn,
    BalanceOut,
    BatchOut,
    CheckOut,
    ChecksOut,
    EntryOut,
    HandoverIn,
    StatementOut,
    TrialBalanceOut,
)
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("账簿", prefix="/ledger")

First = Annotated[Month, Query(description="起月")]
Last = Annotated[Month | None, Query(description="止月；不填与起月相同")]
AccountWord = Annotated[Name, Query(description="科目代码或名称", examples=["receivable"])]


def _months(first: str, last: str | None) -> tuple[BillingMonth, BillingMonth]:
    return BillingMonth.parse(first), BillingMonth.parse(last or first)


@routes.get("/balances", summary="列出余额")
def list_balances(
    db: Db,
    party: Annotated[Name | None, Query(description="往来方")] = None,
    account: Annotated[Name | None, Query(description="科目代码或名称")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[BalanceOut]:
    """列出各科目对各往来方的余额，余额为零的不列。"""
    window = Window.read("balances", cursor, limit)
    named = account_named(account) if account else None
    rows = show_balances(db, party=party, account=named)
    shown = cut(window, rows, lambda row: f"{row.account}\t{row.party}\t{row.currency}")
    return window.page(
        shown, BalanceOut.of, lambda row: f"{row.account}\t{row.party}\t{row.currency}"
    )


@routes.get("/trial-balance", summary="试算平衡表")
def show_trial_balance(db: Db, first: First, last: Last = None) -> TrialBalanceOut:
    """各科目的期初、本期借贷发生额和期末，按北京时间的自然月。"""
    return TrialBalanceOut.of(trial_balance(db, *_months(first, last)))


@routes.get("/statement", summary="明细账")
def read_statement(
    db: Db,
    party: Annotated[Name, Query(description="往来方")],
    account: AccountWord,
    first: First,
    last: Last = None,
) -> StatementOut:
    """一个往来方在一个科目上的期初、每笔和期末。"""
    shown = show_statement(db, party, account_named(account), *_months(first, last))
    return StatementOut.of(shown)


@routes.get("/entries", summary="列出分录")
def list_entries(
    db: Db, first: First, last: Last = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[EntryOut]:
    """按入账先后列出一段时间的分录。"""
    window = Window.read("entries", cursor, limit)
    after = window.behind(_number) or 0
    rows = show_entries(db, *_months(first, last), after=after, limit=window.fetch)
    return window.page(rows, EntryOut.of, lambda row: str(row.entry_id))


@routes.get("/check", summary="检查账簿")
def check(db: Db) -> ChecksOut:
    """逐项检查账簿：借贷相等、余额等于分录之和、分录未被改动。"""
    found = check_ledger(db, ledger_checks())
    return ChecksOut(
        whole=all(each.holds for each in found), checks=[CheckOut.of(each) for each in found]
    )


@routes.post("/accruals", summary="暂估")
def accrue_month(db: Db, caller: AnyCaller, now: Now, body: AccrueIn) -> list[AccruedOut]:
    """把一个月已用未出账的收入记入月末，次月一日冲回；默认只试算，重复只记差额。"""
    month = BillingMonth.parse(body.month)
    moved = accrue(
        db,
        month,
        lambda tx: unbilled(tx, month),
        by=caller.name,
        now=now,
        commit=body.commit,
    )
    return [AccruedOut.of(each) for each in moved]


@routes.get("/handovers", summary="列出移交批次")
def list_batches(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[BatchOut]:
    """列出移交给财务系统的批次。"""
    window = Window.read("handovers", cursor, limit)
    with db.read() as tx:
        rows = cut(window, batches(tx), lambda row: row.batch_id)
    return window.page(rows, BatchOut.of, lambda row: row.batch_id)


@routes.post("/handovers", summary="移交凭证")
def hand_over(db: Db, caller: AnyCaller, now: Now, body: HandoverIn) -> BatchOut | None:
    """移交截至月末尚未移交的分录，每笔只移交一次；默认只试算；没有分录时答复为空。"""
    carried = carry_over(
        db,
        BillingMonth.parse(body.month),
        body.system,
        body.codes,
        by=caller.name,
        now=now,
        commit=body.commit,
    )
    return BatchOut.of(carried.batch) if carried else None


@routes.get("/handovers/{batch_id}/file", summary="下载凭证文件", response_class=Response)
def get_vouchers(
    db: Db,
    batch_id: Name,
    layout: Annotated[Layout | None, Query(description="文件格式；不填为该系统常用的")] = None,
) -> Response:
    """下载一个批次的凭证文件；同一批次每次字节相同。"""
    name, body = write_batch(db, batch_id, layout)
    headers = {"content-disposition": disposition(name)}
    return Response(body, headers=headers, media_type="application/octet-stream")


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 63:
        raise ValueError(text)
    return number
