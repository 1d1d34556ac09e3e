"""Letters as their reader sees them: what stands on the page."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader

from yuejie.bills.documents.document import Seller
from yuejie.customers.customer import Customer
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.store import Slip
from yuejie.payments.letters.letter import (
    Letter,
    confirmation_letter,
    slip_letter,
    statement_letter,
)
from yuejie.payments.letters.render import to_pdf
from yuejie.payments.receivables.show import AccountRow, AccountStatement

NOW = datetime(2026, 10, 8, 2, tzinfo=UTC)
SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")
ACME = Customer(
    customer_id=CustomerId("cus_acme"),
    slug="acme",
    legal_name="北京㙋科技有限公司 #strong[不是标记]",
    uscc=None,
    tax_address="",
    tax_phone="",
    bank_name="",
    bank_account="",
    zone="Asia/Shanghai",
    currency="CNY",
    tag_names=[],
    state="active",
    created_at=NOW,
)
FOUND = AccountStatement(
    customer=ACME,
    currency="CNY",
    since=date(2026, 9, 1),
    until=date(2026, 10, 1),
    opening_fen=500_00,
    rows=(
        AccountRow(date(2026, 9, 2), "账单出账", "YJ2026000002 2026-08", 1000_00, 1500_00),
        AccountRow(date(2026, 9, 10), "收款", "YJ2026000001 · acme", -600_00, 900_00),
    ),
    closing_fen=900_00,
    prepayment_fen=0,
    deposit_fen=2000_00,
    open=(
        OpenAmount(
            bill_id=BillId("b"),
            customer_id=CustomerId("cus_acme"),
            number="YJ2026000002",
            month="2026-08",
            currency="CNY",
            gross_fen=1000_00,
            credited_fen=0,
            apportioned_fen=100_00,
            issued_on=date(2026, 9, 2),
            due_on=date(2026, 9, 9),
            state="issued",
        ),
    ),
)
SLIP = Slip("SJ2026000001", CustomerId("cus_acme"), "CNY", 2000_00, date(2026, 9, 10), NOW)


def words(letter: Letter) -> str:
    body = to_pdf(letter)
    assert body == to_pdf(letter), "the same letter, the same bytes"
    pages = PdfReader(io.BytesIO(body)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def test_a_statement_says_opening_every_movement_and_closing() -> None:
    said = words(statement_letter(FOUND, SELLER, now=NOW))
    for expected in (
        "对账单",
        "2026-09-01至2026-09-30",
        "1,000.00",
        "600.00",
        "期末应收900.00",
        "未结清账单YJ2026000002（账期2026-08，应付日2026-09-09）：900.00CNY",
        "月结示例科技有限公司（盖章）",
        "日期2026-10-08",
    ):
        assert expected in said, expected
    assert "#strong[不是标记]" in said, "what is written is shown, never run"


def test_a_confirmation_asks_for_a_seal() -> None:
    said = words(confirmation_letter(FOUND, SELLER, now=NOW))
    for expected in (
        "往来款项询证函",
        "截止日期2026-09-30",
        "玖佰圆整",
        "信息证明无误",
        "信息不符",
    ):
        assert expected in said, expected


def test_a_letter_of_a_month_that_goes_on_is_of_the_day_it_is_made() -> None:
    """On 8 October the letter about October said what is owed on the 31st."""
    october = replace(FOUND, since=date(2026, 10, 1), until=date(2026, 11, 1))
    letter = confirmation_letter(october, SELLER, now=NOW)
    assert (letter.facts[0], letter.number) == (("截止日期", "2026-10-08"), "acme 20261008")
    stated = statement_letter(october, SELLER, now=NOW)
    assert stated.facts[0] == ("对账期间", "2026-10-01 至 2026-10-08")


def test_letters_of_two_currencies_have_two_numbers() -> None:
    """A customer with yuan and dollars got two letters of one number, and one file's name."""
    dollars = replace(FOUND, currency="USD")
    for make in (statement_letter, confirmation_letter):
        numbers = [make(each, SELLER, now=NOW).number for each in (FOUND, dollars)]
        assert numbers[1] == f"{numbers[0]} USD"


def test_a_slip_says_that_it_is_no_fapiao() -> None:
    said = words(slip_letter(SLIP, ACME, SELLER))
    for expected in ("收据", "SJ2026000001", "押金（保证金）", "贰仟圆整", "本收据不是发票"):
        assert expected in said, expected
    assert "银行转账" in said
    assert "预收款转入" in words(slip_letter(replace(SLIP, source="prepayment"), ACME, SELLER))


@pytest.mark.parametrize("rows", [0, 200])
def test_a_statement_of_any_length_is_set(rows: int) -> None:
    row = AccountRow(date(2026, 9, 2), "账单出账", "YJ2026000002 2026-08", 1, 1)
    letter = statement_letter(replace(FOUND, rows=(row,) * rows), SELLER, now=NOW)
    pages = PdfReader(io.BytesIO(to_pdf(letter))).pages
    assert len(pages) == (1 if rows == 0 else len(pages)) >= 1
    assert (rows == 0) == ("本期间没有往来" in words(letter))
