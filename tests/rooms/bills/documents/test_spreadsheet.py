import io
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.rooms.bills.documents.sample import (
    CUSTOMER,
    USUAL,
    Use,
    bill_document,
    strange_names,
    three_lines,
    three_projects,
)
from yuejie.bills.bill import LineKind, TaxMode
from yuejie.bills.documents.columns import LINES, MONEY, SUBTOTALS
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.spreadsheet import to_xlsx
from yuejie.kernel.money import Money

FORMULA, NUMBER, TEXT = "f", "n", "s"


def opened(document: BillDocument, *, values: bool = True, rows: int = 1_000_000) -> Workbook:
    return load_workbook(io.BytesIO(to_xlsx(document, rows)), data_only=values)


def cells(body: bytes) -> list[tuple[object, ...]]:
    """Every cell: where, what, of which kind, and how it looks."""
    return [
        (sheet.title, cell.coordinate, cell.value, cell.data_type, cell.number_format, cell.font.b)
        for sheet in load_workbook(io.BytesIO(body))
        for row in sheet.iter_rows()
        for cell in row
    ]


def column(sheet: Worksheet, title: str) -> list[object]:
    titles = [cell.value for cell in sheet[1]]
    at = titles.index(title) + 1
    return [sheet.cell(row, at).value for row in range(2, sheet.max_row + 1)]


def value_beside(sheet: Worksheet, label: str) -> object:
    return next(row[1].value for row in sheet.iter_rows() if row[0].value == label)


def fen(value: object) -> int:
    assert isinstance(value, int | float), value
    return Money.parse(str(Decimal(repr(value)).quantize(Decimal("0.01"))), "CNY").fen


@pytest.mark.parametrize("mode", TaxMode)
def test_the_lines_are_numbers_and_add_up_to_the_bill(mode: TaxMode) -> None:
    document = three_projects(replace(USUAL, tax_mode=mode))
    *lines, total = column(opened(document)["明细"], "价税合计")
    assert document.bill.gross.fen == sum(map(fen, lines)) == fen(total)
    assert [line.net_fen + line.tax_fen for line in document.bill.lines] == list(map(fen, lines))


def test_sums_are_formulas_with_their_values() -> None:
    document = three_projects()
    formulas, values = opened(document, values=False), opened(document)
    assert column(formulas["明细"], "金额")[-1] == "=SUBTOTAL(9,O2:O15)"
    assert value_beside(formulas["账单"], "明细合计") == "=SUM(明细!O2:O15)"
    assert fen(value_beside(values["账单"], "明细合计")) == document.charged.fen
    assert fen(value_beside(values["账单"], "价税合计")) == document.bill.gross.fen
    assert fen(value_beside(values["账单"], "不含税金额")) == document.bill.net.fen


def test_net_plus_tax_points_at_net_and_tax() -> None:
    sheet = opened(three_lines(), values=False)["账单"]
    rows = {row[0].value: row[0].row for row in sheet.iter_rows()}
    expected = f"=B{rows['不含税金额']}+B{rows['税额 6%']}"
    assert expected == value_beside(sheet, "价税合计")


def test_the_days_are_dates_and_add_up_to_the_lines() -> None:
    document = three_projects()
    sheet = opened(document)["每日用量"]
    days, quantities = column(sheet, "日期"), column(sheet, "用量")
    assert all(isinstance(day, datetime) for day in days)
    assert days[0] == datetime(2026, 10, 3)  # noqa: DTZ001 (a sheet's dates have no zone)
    total = sum(g.subtotal.tokens for g in document.groups() if g.kind is LineKind.USAGE) + 1_860
    assert total == sum(int(str(quantity)) for quantity in quantities)


def test_titles_are_frozen_and_filtered() -> None:
    book = opened(three_projects())
    assert book.sheetnames == ["账单", "明细", "每日用量", "说明"]
    for name in ("明细", "每日用量"):
        assert book[name].freeze_panes == "A2"
    assert book["明细"].auto_filter.ref == "A1:T15"
    assert book["每日用量"].auto_filter.ref == "A1:I37"


def test_more_days_than_a_sheet_holds_go_on_another() -> None:
    book = opened(three_projects(), rows=30)
    assert book.sheetnames[2:4] == ["每日用量", "每日用量 2"]
    assert [book[name].max_row for name in book.sheetnames[2:4]] == [31, 7]


def test_names_stay_text() -> None:
    sheet = opened(strange_names(), values=False)["明细"]
    cells = {cell.value: cell.data_type for row in sheet.iter_rows() for cell in row}
    assert cells['=HYPERLINK("http://x")'] == TEXT
    assert {value for value, kind in cells.items() if kind == FORMULA} == {
        f"=SUBTOTAL(9,{letter}2:{letter}4)" for letter in "OPQRST"
    }


def test_an_amount_of_twelve_digits_has_room() -> None:
    """A sheet shows #### where a number is wider than its column."""
    money = [column.width for column in LINES if column.look == MONEY]
    money += [column.width for column in SUBTOTALS if column.look == MONEY]
    assert min(money) >= len("-999,999,999,999.99")


def test_a_currency_without_amounts_stays_empty() -> None:
    assert column(opened(three_lines())["明细"], "金额 USD") == [None] * 4


def test_the_same_bill_gives_the_same_bytes() -> None:
    assert to_xlsx(three_projects()) == to_xlsx(three_projects())


@pytest.mark.parametrize("document", [three_projects(), strange_names()])
def test_a_bill_of_many_rows_says_the_same_as_one_of_few(document: BillDocument) -> None:
    """Few rows are held, many go through files; a cell is the same in both."""
    many = to_xlsx(document, rows_in_memory=0)
    assert many == to_xlsx(document, rows_in_memory=0)
    assert cells(to_xlsx(document)) == cells(many)


def test_the_workbook_is_dated_when_the_bill_was_issued() -> None:
    created = opened(three_lines()).properties.created
    assert created is not None
    assert created.isoformat() == "2026-11-02T01:15:00"


def test_a_draft_says_so() -> None:
    sheet = opened(three_projects(replace(USUAL, issued=False)))["账单"]
    assert sheet["A1"].value == "费用账单（草稿） 2026-10"


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_no_name_becomes_a_formula(name: str) -> None:
    document = bill_document(
        Use(name, "input", 1_000_000, "2.5", project=name, department=name),
        terms=replace(USUAL, customer=replace(CUSTOMER, legal_name=name)),
    )
    row = opened(document, values=False)["明细"][2]
    assert [row[at].value for at in (3, 4, 5)] == [name] * 3
    assert {row[at].data_type for at in (3, 4, 5)} == {TEXT}
    assert row[14].data_type == NUMBER
