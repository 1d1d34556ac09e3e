"""What a customer is told of its account, in the currency in which it is billed."""

import re
from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.scenarios.bank import Bank, name
from tests.scenarios.books import Books, Party
from yuejie.bills.documents.document import Seller
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


@pytest.mark.parametrize("kind", LetterKind)
def test_its_letters_say_what_it_owes(acme: Party, kind: LetterKind) -> None:
    """A confirmation of balance that says nothing is owed would be signed by an auditor."""
    now = acme.books.clock.now()
    _, body = account_letter(acme.books.db, "acme", Asked(kind, SINCE, UNTIL), SELLER, now=now)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(body)).pages)
    plain = re.sub(r"\s", "", text)
    assert "USD" in plain
    assert "560.00" in plain
