import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.bills.documents.sample import (
    CUSTOMER,
    USUAL,
    Use,
    bill_document,
    many_lines,
    strange_names,
    three_lines,
    three_projects,
)
from yuejie.bills.bill import TaxMode
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.table import to_csv
from yuejie.kernel.money import FX_SCALE, PICO, Charge, FxRate, Money, exact
from yuejie.paper.cells import harmless

COMPUTED = set("=+-@\t\r\n＝＋－＠")


def read(document: BillDocument) -> list[dict[str, str]]:
    text = to_csv(document).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def unquoted(text: str) -> str:
    return text.removeprefix("'")


@pytest.mark.parametrize("document", [three_lines(), three_projects(), many_lines(200)])
def test_the_rows_add_up_to_the_bill(document: BillDocument) -> None:
    rows = read(document)
    assert len(document.bill.lines) == len(rows)
    gross = sum(Money.parse(row["价税合计"], "CNY").fen for row in rows)
    tax = sum(Money.parse(row["税额"], "CNY").fen for row in rows)
    assert (document.bill.gross.fen, document.bill.tax.fen) == (gross, tax)


def test_tax_on_top_is_in_the_rows() -> None:
    document = three_projects(replace(USUAL, tax_mode=TaxMode.EXCLUSIVE))
    rows = read(document)
    assert document.bill.net.fen == sum(Money.parse(row["金额"], "CNY").fen for row in rows)


def test_every_row_can_be_computed_again() -> None:
    for row in read(three_projects()):
        rate = exact(row["单价"], PICO, "单价") // int(row["单价数量"])
        charge = Charge(int(row["用量"]) * rate, row["单价币种"])
        assert exact(row["计费额"], PICO, "计费额") == charge.pico
        fx = FxRate("USD", "CNY", exact(row["汇率"], FX_SCALE, "汇率"))
        assert row["金额"] == charge.settle(fx).amount


def test_a_spreadsheet_opens_it_as_chinese() -> None:
    assert to_csv(three_lines()).startswith(b"\xef\xbb\xbf" + "账单编号,".encode())


def test_names_are_not_computed() -> None:
    rows = read(strange_names())
    assert rows[0]["模型"] == '\'=HYPERLINK("http://x")'
    assert rows[0]["项目"].startswith("'+SUM(A1)")


def test_our_own_negative_numbers_stay_numbers() -> None:
    late = read(three_projects())[12]
    assert (late["类型"], late["服务月份"], late["用量"]) == ("补计", "2026-09", "-1204881")
    assert late["金额"] == "-43.38"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("gpt-4o", "gpt-4o"),
        ("=1+1", "'=1+1"),
        ("  @x", "'  @x"),
        ("\tx", "'\tx"),
        ("'x", "''x"),
        ("＝1", "'＝1"),
        ("a\0b", "ab"),
    ],
)
def test_what_could_be_computed_gets_an_apostrophe(text: str, written: str) -> None:
    assert harmless(text) == written


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_every_name_comes_back_and_none_is_computed(name: str) -> None:
    document = bill_document(
        Use(name, "input", 1_000_000, "2.5", project=name, department=name),
        terms=replace(USUAL, customer=replace(CUSTOMER, legal_name=name)),
    )
    (row,) = read(document)
    for title in ("模型", "项目", "部门", "客户"):
        assert name == unquoted(row[title])
        assert not set(row[title][:1]) & COMPUTED
        assert not set(row[title].lstrip()[:1]) & COMPUTED


def test_the_same_bill_gives_the_same_bytes() -> None:
    assert to_csv(three_projects()) == to_csv(three_projects())
