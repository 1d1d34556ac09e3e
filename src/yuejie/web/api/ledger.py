"""The books: balances, statements, the trial balance, entries, checks. Nothing is posted here."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.app import LEDGER_CHECKS
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger
from yuejie.ledger.show import (
    account_named,
    show_balances,
    show_entries,
    show_statement,
    trial_balance,
)
from yuejie.web.auth import guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db
from yuejie.web.shapes.ledger import (
    BalanceOut,
    CheckOut,
    ChecksOut,
    EntryOut,
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
    found = check_ledger(db, LEDGER_CHECKS)
    return ChecksOut(
        whole=all(each.holds for each in found), checks=[CheckOut.of(each) for each in found]
    )


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 63:
        raise ValueError(text)
    return number
