"""Adjustments and credit notes that a second person turns down, at the keyboard."""

from datetime import UTC, datetime

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books, Party
from yuejie.bills.correct.adjust import propose_adjustment
from yuejie.bills.correct.adjustment import Wanted
from yuejie.bills.correct.take_back import request_credit
from yuejie.bills.review.ask import propose_bill
from yuejie.bills.review.disputes import Objection, raise_dispute
from yuejie.cli.billing.corrections import adjustments, credits_
from yuejie.cli.billing.review import disputes
from yuejie.cli.money.receivables import receivables
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import request_waiver

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def customer(database: Database) -> Party:
    books = Books(database)
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    books.issue(acme.bill("2026-10"))
    return acme


def test_an_adjustment_is_rejected_with_a_reason(database: Database, database_url: str) -> None:
    acme = customer(database)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth(2026, 10),
        amount_fen=-100,
        currency="CNY",
        item="补偿",
        why="故障",
    )
    asked = propose_adjustment(database, wanted, by="a", now=NOW).adjustment_id
    words = ("decide", asked, "reject")
    with pytest.raises(Invalid, match="须写明原因"):
        run(adjustments, database_url, NOW, *words)
    assert "已驳回" in run(adjustments, database_url, NOW, *words, "--why", "已另行补偿")
    with pytest.raises(Conflict, match="调整已是“已驳回”状态，不能再驳回"):
        run(adjustments, database_url, NOW, *words, "--why", "再驳")
    assert run_json(adjustments, database_url, NOW, "list") == []
    (row,) = run_json(adjustments, database_url, NOW, "list", "--rejected")
    assert (row["adjustment_id"], row["decided_why"]) == (asked, "已另行补偿")
    assert "已另行补偿" in run(adjustments, database_url, NOW, "list", "--rejected")


def test_a_credit_note_is_rejected_with_a_reason(database: Database, database_url: str) -> None:
    bill = customer(database).bill("2026-10")
    asked = request_credit(
        database, bill.bill_id, amounts={1: 100}, why="故障", by="a", now=NOW
    ).credit_note_id
    listed = run(credits_, database_url, NOW, "list")
    assert (asked in listed, bill.name in listed, bill.bill_id in listed) == (True, True, False)
    assert "--why" in run(credits_, database_url, NOW, "reject", asked, code=2)
    assert "已驳回" in run(credits_, database_url, NOW, "reject", asked, "--why", "不在我方")
    assert run_json(credits_, database_url, NOW, "list") == []
    (row,) = run_json(credits_, database_url, NOW, "list", "--rejected")
    assert (row["credit_note_id"], row["decided_why"]) == (asked, "不在我方")


def test_lists_name_bills_by_number_and_people_by_name(
    database: Database, database_url: str
) -> None:
    """A bill without a number goes by its customer and month; a meter by its name."""
    acme = customer(database)
    number = str(acme.bill("2026-10").number)
    kind = WaiverKind.WRITE_OFF
    request_waiver(database, number, kind, why="破产", by="operator:王财务", now=NOW)
    shown = run(receivables, database_url, NOW, "waivers", "list")
    assert (number in shown, "bill_" in shown, "operator:" in shown) == (True, False, False)

    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=M)
    acme.books.clock.at = NOW.replace(month=12)
    acme.books.close("2026-11")
    drafted = acme.bill("2026-11").bill_id
    propose_bill(database, drafted, by="a", now=NOW)
    doubt = Objection(1, "多了")
    raise_dispute(database, drafted, doubt, by="customer:李财务", now=NOW)
    shown = run(disputes, database_url, NOW, "list")
    assert "gpt-4o 输入" in shown
    assert f"{acme.customer.legal_name} 2026-11" in shown
    assert "李财务（客户）" in shown
    assert "bill_" not in shown
