"""What a customer is told of its account, in the currency in which it is billed."""

import re
from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.scenarios.bank import Bank, name, owing
from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.documents.document import Seller
from yuejie.payments.apportion.draw import draw_down, return_excess
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.store import of_receipt
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.letters.letter import Asked, LetterKind
from yuejie.payments.letters.render import account_letter
from yuejie.payments.receivables.show import statement_of_account

M = 1_000_000
SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "6222 0000 0001")
SINCE, UNTIL = date(2026, 10, 1), date(2026, 12, 1)
DOLLARS = """
[models."gpt-4o"]
input = "5"
output = "15"
"""


@pytest.fixture
def acme(books: Books) -> Party:
    """A customer that is billed 1,060 dollars for October, and has paid 500 of them."""
    books.prices(DOLLARS)
    acme = books.customer("acme", currency="USD")
    bank = Bank(books, number="110912345610802", currency="USD")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=200 * M, output=4 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    bank.pays("2026-11-05", "500.00", name(acme), memo=str(bill.number))
    return acme


def test_who_is_billed_in_dollars_reads_its_statement_in_dollars(acme: Party) -> None:
    """Nobody names a currency: it is the customer's own, in which 560 are owed."""
    found = statement_of_account(acme.books.db, "acme", SINCE, UNTIL)
    assert found.currency == "USD"
    assert [row.fen for row in found.rows] == [1_060_00, -500_00]
    assert found.closing_fen == 560_00
    assert [each.open_fen for each in found.open] == [560_00]
    in_yuan = statement_of_account(acme.books.db, "acme", SINCE, UNTIL, currency="CNY")
    assert (in_yuan.rows, in_yuan.closing_fen, in_yuan.open) == ((), 0, ())


def give_up(bank: Bank, number: str, kind: WaiverKind, why: str) -> None:
    """Give up what is open of a bill, by the word of two."""
    db, now = bank.books.db, bank.books.clock.now()
    asked = request_waiver(db, number, kind, why=why, by="a", now=now)
    decide_waiver(db, asked.waiver_id, approve=True, by="boss", now=now)


def words(books: Books) -> list[tuple[str, str, int]]:
    """Return what a statement says of October, without the bills."""
    found = statement_of_account(books.db, "acme", date(2026, 10, 1), date(2026, 11, 1))
    return [(row.what, row.memo, row.fen) for row in found.rows if row.what != "账单出账"]


def test_what_closed_a_bill_is_named_by_where_it_came_from(books: Books) -> None:
    """
    No points of the matcher and no reasons of ours: a payment names its payer and the bank's day; a
    bank's fee, a lost debt, a prepayment and a deposit have their own words, and so has the taking
    back of each.
    """
    books.prices(DOLLARS.replace('"5"', '"10"'), currency="CNY")
    bank, now = Bank(books), books.clock.now
    acme = owing(bank, "acme", {"2026-07": 1000, "2026-08": 500, "2026-09": 300})
    july, august, september = (str(acme.bill(f"2026-0{month}").number) for month in (7, 8, 9))
    bank.pays("2026-10-10", "999.00", name(acme), memo=july)
    give_up(bank, july, WaiverKind.SHORT_PAY, "客户的银行收了 1 元")
    give_up(bank, august, WaiverKind.WRITE_OFF, "内部判断收不回")
    receipt = bank.pays("2026-10-12", "600.00", name(acme), number="")
    placing = Placing(customer="acme", bills={august: 200_00}, deposit_fen=100_00, why="老板同意")
    apportion_receipt(books.db, receipt.receipt_id, placing, by=CLERK, now=now())
    for what, fen in ((Use.PREPAYMENT, 150_00), (Use.DEPOSIT, 50_00)):
        draw_down(
            books.db, "acme", what, bills={september: fen}, why="催了三次", by=CLERK, now=now()
        )
    asked = request_credit(books.db, september, amounts={1: 200_00}, why="x", by="a", now=now())
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=now())
    return_excess(books.db, acme.customer.customer_id, by=CLERK, now=now())
    said = [
        ("收款", f"{july} · acme 有限公司 · 2026-10-10", -999_00),
        ("银行手续费差额", july, -1_00),
        ("坏账核销", august, -500_00),
        ("坏账核销冲回", august, 200_00),
        ("收款", f"{august} · acme 有限公司 · 2026-10-12", -200_00),
        ("预收款抵付", september, -150_00),
        ("押金抵付", september, -50_00),
        ("冲减", f"YJC2026000001 冲减 {september}", -200_00),
        ("多付转预收款", september, 100_00),
    ]
    assert words(books) == said
    with books.db.read() as tx:
        (july_paid,) = of_receipt(tx, bank.receipts()[0].receipt_id)
    undo_batch(books.db, july_paid.batch_id, why="认错了", by=CLERK, now=now())
    assert words(books)[len(said) :] == [
        ("收款撤销", f"{july} · acme 有限公司 · 2026-10-10", 999_00)
    ]


@pytest.mark.parametrize("kind", LetterKind)
def test_its_letters_say_what_it_owes(acme: Party, kind: LetterKind) -> None:
    """A confirmation of balance that says nothing is owed would be signed by an auditor."""
    now = acme.books.clock.now()
    _, body = account_letter(acme.books.db, "acme", Asked(kind, SINCE, UNTIL), SELLER, now=now)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(body)).pages)
    plain = re.sub(r"\s", "", text)
    assert "USD" in plain
    assert "560.00" in plain
