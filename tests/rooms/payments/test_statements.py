"""Files as banks give them: read rightly, or refused with the number of the row."""

import io
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.kernel.errors import Invalid
from yuejie.payments.statements.line import (
    Direction,
    Statement,
    StatementLine,
    StatementRefused,
    identities,
    span,
)
from yuejie.payments.statements.read import read_statement
from yuejie.payments.statements.words import Column, amount, day_and_time, heading

FILES = Path(__file__).parent / "files"
CMB = """招商银行企业网银
账号：,110912345610801,币种：,人民币

交易日期,借方(出账),贷方(入账),余额,摘要,收(付)方名称,收(付)方账号,交易类型
2026-09-10,,"1,000.00","101,000.00",货款,Acme 有限公司,\t6222000011112222,转账汇款
2026-09-11,50.50,,"100,949.50",手续费,,,收费
记录数：2,,,,总金额：,1050.50,,
"""
CCB = """账号,账户名称,交易时间,借方发生额（支取）,贷方发生额（收入）,余额,币种,对方户名,对方账号,\
对方开户机构,记账日期,摘要,备注,账户明细编号-交易流水号
110912345610801,月结科技,20260910 10:11:12,0.00,1000.00,101000.00,人民币元,Acme 有限公司,\
6222000011112222,中国银行,20260910,转账,YJ2026000001,1-A001
110912345610801,月结科技,20260911 09:00:00,50.50,0.00,100949.50,人民币元,,,,20260911,收费,,1-A002
"""


def read(text: str, encoding: str = "utf-8") -> Statement:
    return read_statement(text.encode(encoding), "流水.csv")


def refused(text: str) -> str:
    with pytest.raises(StatementRefused) as found:
        read(text)
    return found.value.sentence


def brief(statement: Statement) -> list[tuple[str, int, str, int | None]]:
    return [
        (str(line.booked_on), line.signed_fen, line.payer_name, line.balance_fen)
        for line in statement.lines
    ]


BOTH = [
    ("2026-09-10", 1000_00, "Acme 有限公司", 101000_00),
    ("2026-09-11", -50_50, "", 100949_50),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("text", [CMB, CCB], ids=["cmb", "ccb"])
def test_an_export_is_read_in_any_encoding(text: str, encoding: str) -> None:
    found = read(text, encoding)
    assert (found.format, found.number) == ("csv", "110912345610801")
    assert brief(found) == BOTH
    assert found.lines[0].payer_number == "6222000011112222"
    assert span(found) == (100000_00, 100949_50)


def test_rows_are_counted_as_a_person_counts_them() -> None:
    assert [line.row for line in read(CMB).lines] == [5, 6]


def test_xlsx_is_read_whatever_its_cells_hold() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["中国工商银行"])
    sheet.append(["交易时间", "凭证号", "转入金额", "转出金额", "余额", "对方单位", "附言"])
    at_ten = datetime(2026, 9, 10, 10, 0)  # noqa: DTZ001 - a spreadsheet knows no zone
    sheet.append([at_ten, "000000000", 1000.0, None, 101000.0, "Acme", "x"])
    sheet.append(["2026/9/11", "000000000", None, "50.50", "100,949.50", "", ""])
    sheet.append(["合计", None, 1000.0, 50.5])
    body = io.BytesIO()
    book.save(body)
    found = read_statement(body.getvalue(), "x.xls")
    assert found.format == "xlsx"
    assert [line.signed_fen for line in found.lines] == [1000_00, -50_50]
    assert found.lines[0].booked_time == "10:00:00"
    assert not any(line.sure for line in found.lines), "000000000 tells nothing apart"


def test_html_that_calls_itself_xls_is_read() -> None:
    page = (
        "<html><meta charset='gbk'><table><tr><th>交易日期</th><th>收入</th><th>支出</th>"
        "<th>对方户名</th></tr><tr><td>2026年09月10日<td>￥1,000.00</td><td>&nbsp;</td>"
        "<td>Acme&amp;Co</td></tr></table></html>"
    )
    found = read_statement(page.encode("gbk"), "流水.xls")
    assert found.format == "html"
    assert brief(found) == [("2026-09-10", 1000_00, "Acme&Co", None)]


def test_a_real_xls_is_read() -> None:
    """Written with xlwt: title, account, blank row, headings in row 4, a date cell, a total."""
    found = read_statement((FILES / "icbc.xls").read_bytes(), "icbc.xls")
    assert (found.format, found.number, found.currency) == ("xls", "110912345610801", "CNY")
    assert [(line.row, line.signed_fen) for line in found.lines] == [(5, 1000_00), (6, -50_50)]
    assert found.lines[0].memo == "货款 YJ2026000001 转账"


def test_mt940_is_read_with_reversals() -> None:
    found = read_statement((FILES / "cmb.mt940").read_bytes(), "x.txt")
    assert [(line.row, line.signed_fen, line.serial) for line in found.lines] == [
        (5, 10600_00, "CMB20261010A1"),
        (8, -50_00, "CMB20261012B2"),
        (10, -100_00, "CMB20261013C3"),
    ]
    assert found.lines[0].payer_name == "Acme 有限公司"
    assert (found.opening_fen, found.closing_fen) == (1000000_00, 1010450_00)


@pytest.mark.parametrize(
    ("was", "became", "said"),
    [
        ("C10600,00N", "C10x00,00N", "3 行 :61:，只读出 2 行"),
        ("C10600,00N", "C1x600,00N", "不等于期末"),
        (":61:2610121012D50,00", ":61:xx", "MT940 有读不懂的行"),
        (":62F:C261031CNY1010450,00", "", "缺少期初 :60F: 或期末"),
        ("1010450,00", "1010451,00", "不等于期末"),
    ],
)
def test_mt940_that_the_library_would_shorten_is_refused(was: str, became: str, said: str) -> None:
    text = (FILES / "cmb.mt940").read_text("utf-8").replace(was, became)
    assert said in refused(text)


def test_camt_is_read_without_what_is_pending() -> None:
    found = read_statement((FILES / "ccb.camt.xml").read_bytes(), "x.xml")
    assert (found.format, found.number, found.currency) == ("camt.053", "110912345610801", "CNY")
    assert [line.signed_fen for line in found.lines] == [1000_00, -50_50]
    first = found.lines[0]
    assert (first.payer_name, first.payer_number) == ("Acme 有限公司", "6222000011112222")
    assert (first.serial, first.sure, first.memo) == ("CCB0001", True, "货款 YJ2026000001")


@pytest.mark.parametrize(
    ("was", "became", "said"),
    [
        ("2026-09-10", "gestern", "第 1 行：Ntry：记账日期"),
        (">50.50<", ">-50.50<", "第 2 行：Ntry：金额 -50.50 须大于零"),
        (">1949.50<", ">1950.00<", "不等于期末"),
        ("</Document>", "", "XML 读不出"),
        ("<Document ", '<!DOCTYPE x [<!ENTITY a "b">]><Document ', "XML 读不出"),
    ],
)
def test_camt_that_is_wrong_is_refused(was: str, became: str, said: str) -> None:
    text = (FILES / "ccb.camt.xml").read_text("utf-8").replace(was, became, 1)
    assert said in refused(text)


def test_headings_may_stand_lower_but_not_beyond_twenty_rows() -> None:
    assert brief(read("导出说明\n" * 15 + CMB)) == BOTH
    assert "认不出表头" in refused("导出说明\n" * 20 + CMB) or "缺少列" in refused(
        "导出说明\n" * 20 + CMB
    )


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("交易日期", "缺少列：交易日期"),
        ("贷方(入账)", "缺少列：收入金额"),
    ],
)
def test_a_missing_column_is_named(column: str, said: str) -> None:
    assert said in refused(CMB.replace(column, "别的"))


def test_every_wrong_row_is_named_and_nothing_is_taken() -> None:
    wrong = CMB.replace("2026-09-10", "九月十日").replace("50.50,,", "五十,,")
    said = refused(wrong)
    assert "第 5 行：没有可识别的交易日期" in said
    assert "第 6 行：“五十”不是金额" in said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-09-12,1.00,2.00,,,x,,", "第 7 行：同一行既有收入又有支出"),
        ("2026-09-12,,,,,x,,", "第 7 行：收入、支出金额都为空"),
        ("2026-09-12,,1.234,,,x,,", "第 7 行：金额“1.234”"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(row: str, said: str) -> None:
    assert said in refused(CMB.replace("记录数", f"{row}\n记录数"))


def test_an_amount_below_zero_went_the_other_way() -> None:
    """A reversal (冲正): the bank writes a credit of −100."""
    row = '2026-09-12,,"(100.00)","100,849.50",冲正,Acme 有限公司,6222,'
    found = read(CMB.replace("记录数", f"{row}\n记录数"))
    last = found.lines[-1]
    assert (last.direction, last.amount_fen) == (Direction.OUT, 100_00)


def test_a_flag_says_which_way_as_the_bank_means_it() -> None:
    text = "交易日期,交易金额,借贷标志,对方户名\n2026-09-10,100,贷,a\n2026-09-11,30,借,b\n"
    assert [line.signed_fen for line in read(text).lines] == [100_00, -30_00]
    assert "第 3 行：借贷标志“?”不认识" in refused(text.replace("借,b", "?,b"))


def test_balances_that_do_not_follow_are_refused_with_the_row() -> None:
    assert "第 6 行：余额 100949.51" in refused(CMB.replace("100,949.50", "100,949.51"))


def test_newest_first_is_as_good_as_oldest_first() -> None:
    head, rows, foot = CMB.split("\n")[:4], CMB.split("\n")[4:6], CMB.split("\n")[6:]
    found = read("\n".join([*head, *reversed(rows), *foot]))
    assert span(found) == (100000_00, 100949_50)


@pytest.mark.parametrize("body", [b"", b"   \n", b"\xff\xfe\xff", b"PK\x03\x04broken", b"hello"])
def test_what_is_no_statement_is_refused(body: bytes) -> None:
    with pytest.raises(StatementRefused, match="未导入"):
        read_statement(body, "x")


def test_several_accounts_in_one_file_are_refused() -> None:
    assert "多个账号" in refused(
        CCB.replace("110912345610801,月结科技,20260911", "99,月结科技,20260911")
    )


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,234.5", 1234_50),
        ("¥ 1,234.00", 1234_00),
        ("（1,234.00）", -1234_00),
        ("１２３．４５", 123_45),
        ("-0.01", -1),
        ("100.00-", -100_00),
        ("", 0),
        ("--", 0),
        (1234.56, 1234_56),
        (0.1 + 0.2, 30),
        ("+5", 5_00),
        ("CNY 5.00", 5_00),
    ],
)
def test_amounts_as_banks_write_them(text: str | float, fen: int) -> None:
    assert amount(text) == fen


@pytest.mark.parametrize("text", ["1.2.3", "一百", "1e5", "0.001", 0.001, "(1", "nan"])
def test_what_is_no_amount_is_refused(text: str | float) -> None:
    if text == "(1":
        assert amount(text) == 1_00
        return
    with pytest.raises(Invalid):
        amount(text)


@pytest.mark.parametrize(
    ("text", "day", "time"),
    [
        ("2026-09-10 10:11:12", date(2026, 9, 10), "10:11:12"),
        ("20260910101112", date(2026, 9, 10), "10:11:12"),
        ("20260910", date(2026, 9, 10), ""),
        ("2026年9月1日", date(2026, 9, 1), ""),
        ("2026/9/1 8:05", date(2026, 9, 1), "8:05"),
        ("10:11:12", None, "10:11:12"),
        ("2026-13-01", None, ""),
        ("", None, ""),
    ],
)
def test_days_as_banks_write_them(text: str, day: date | None, time: str) -> None:
    assert day_and_time(text) == (day, time)


def test_headings_are_known_however_they_are_spaced() -> None:
    assert heading(" 收（付）方 名称 ") is Column.NAME
    assert heading("贷方发生额（元）") is Column.CREDIT
    assert heading("心情") is None


def line(**more: object) -> StatementLine:
    facts = {"row": 1, "booked_on": date(2026, 9, 1), "direction": Direction.IN, "amount_fen": 1}
    return StatementLine(**{**facts, **more})  # type: ignore[arg-type]  # why: a test's builder


def test_equal_lines_without_serial_and_balance_are_counted() -> None:
    same, other = line(), line(amount_fen=2)
    names = identities([same, other, same])
    assert len(set(names)) == 3
    assert identities([same, same]) == [names[0], names[2]], "the same in an overlapping file"


def test_equal_lines_with_a_balance_are_one_line() -> None:
    assert len(set(identities([line(balance_fen=5), line(balance_fen=5)]))) == 1


@given(
    st.lists(st.integers(-10_000, 10_000).filter(bool), min_size=1, max_size=12),
    st.sampled_from(["up", "down"]),
)
def test_any_chain_of_balances_is_read_in_either_order(moves: list[int], order: str) -> None:
    """Whatever the bank moved, its own balances are accepted, and the ends are found."""
    rows, balance = [], 1_000_000
    for number, fen in enumerate(moves):
        balance += fen
        sides = ("", f"{fen}") if fen > 0 else (f"{-fen}", "")
        rows.append(f"2026-09-01 00:00:{number:02d},{sides[0]},{sides[1]},{balance}")
    ordered = rows[::-1] if order == "down" else rows
    found = read("\n".join(["交易时间,支出,收入,余额", *ordered]))
    assert sum(each.signed_fen for each in found.lines) == sum(moves) * 100
    opening, closing = span(found)
    assert (opening, closing) in {(1_000_000_00, balance * 100), (None, None)} or sum(moves) == 0
