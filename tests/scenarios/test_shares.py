"""Shared costs: who at the customer bears the fee and the shared cloud, as finance tells it."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from tests.recorded import recorded
from tests.scenarios.bank import YUAN
from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.sharing.keep import RuleDraft, make_rule
from yuejie.bills.sharing.rule import Method
from yuejie.bills.sharing.sheet import write_sheet
from yuejie.bills.sharing.show import ShareBy, ShareSheet, share_sheet
from yuejie.contracts.terms import STANDARD
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.period import BillingMonth

M = 1_000_000
AUGUST = datetime(2026, 7, 31, 16, tzinfo=UTC)


@pytest.fixture
def acme(books: Books) -> Party:
    books.prices(YUAN, currency="CNY")
    terms = replace(STANDARD, management_fee_fen=100_00)
    acme = books.customer(
        "acme", projects=("main", "search"), commercial=terms, tax_mode="exclusive", starts=AUGUST
    )
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=3 * M)
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=M, project="search")
    books.close("2026-08")
    return acme


def sheet(acme: Party, month: str = "2026-08", **more: object) -> ShareSheet:
    with acme.books.db.read() as tx:
        return share_sheet(
            tx,
            acme.customer.customer_id,
            BillingMonth.parse(month),
            ShareBy.PROJECT,
            **more,  # type: ignore[arg-type]  # why: a test wants to change some of them
        )


def totals(told: ShareSheet) -> dict[str, int]:
    return {name: own.gross_fen + shared.gross_fen for name, own, shared in told.totals()}


def rule(acme: Party, method: Method, since: str, **projects: int) -> None:
    draft = RuleDraft(
        what="management_fee", method=method, since=BillingMonth.parse(since), projects=projects
    )
    make_rule(acme.books.db, "acme", draft, by=CLERK, now=acme.books.tick())


def test_a_rule_made_later_divides_an_issued_month_anew_and_moves_no_bill(acme: Party) -> None:
    """
    August: 30 and 10 of usage, 100 of fee, 6 % tax on top. By use the fee is 75 and 25. In
    September search agrees to bear all of it since August: the sheet changes, the bill does not,
    and what was shown before can be shown again.
    """
    books = acme.books
    issued = books.issue(acme.bill("2026-08"))
    before = books.clock.now()
    assert totals(sheet(acme)) == {"main": 111_30, "search": 37_10}
    books.clock.at += timedelta(days=20)
    rule(acme, Method.CUSTOM, "2026-08", search=1)
    assert totals(sheet(acme)) == {"main": 31_80, "search": 116_60}
    assert totals(sheet(acme, known=before)) == {"main": 111_30, "search": 37_10}
    assert acme.bill("2026-08").lines == issued.lines
    assert sheet(acme).gross_fen == issued.gross.fen
    assert not sheet(acme).drafts
    rule(acme, Method.EQUAL, "2026-09")
    was, became = recorded(books.db, "share_rule")
    assert (was.was, became.was) == (None, was.became)


def test_the_workbook_adds_up_to_the_bill(acme: Party) -> None:
    rule(acme, Method.EQUAL, "2026-08")
    book = load_workbook(io.BytesIO(write_sheet(sheet(acme))))
    first, rows = book["分摊汇总"], book["分摊明细"]
    assert [cell.value for cell in first[5]] == ["main", 31.8, 53, 80, 84.8]
    gross = sum(Decimal(str(row[6].value)) for row in rows.iter_rows(min_row=2))
    assert gross * 100 == acme.bill("2026-08").gross.fen == Decimal(str(first["E7"].value)) * 100


def test_what_cannot_be_divided_by_is_refused(acme: Party) -> None:
    with pytest.raises(NotFound):
        rule(acme, Method.CUSTOM, "2026-08", nobody=1)
    with pytest.raises(Invalid, match="权重"):
        rule(acme, Method.CUSTOM, "2026-08", main=0)
    with pytest.raises(NotFound, match="没有可供分摊的账单"):
        sheet(acme, drafts=False)
