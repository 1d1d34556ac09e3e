"""Files that look right and are not: never read as other money, refused where they cannot be."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest

from tests.rooms.payments.test_statements import CCB, CMB, brief, read, refused
from yuejie.kernel.errors import Invalid
from yuejie.payments.statements.line import (
    Direction,
    StatementLine,
    StatementRefused,
    identities,
)
from yuejie.payments.statements.read import read_statement
from yuejie.payments.statements.words import amount, day_and_time, tidy

FILES = Path(__file__).parent / "files"
CAMT = (FILES / "ccb.camt.xml").read_text()
MT940 = (FILES / "cmb.mt940").read_text()
HEAD = "交易时间,贷方发生额,借方发生额,余额,对方户名"


def test_times_of_day_do_not_make_a_csv_an_mt940() -> None:
    """“:20:” and “:25:” are tags at the beginning of a line, and minutes of a time of day."""
    rows = "2026-09-10 10:20:33,100.00,,1100.00,甲\n2026-09-10 11:25:07,,50.00,1050.00,乙"
    assert read(f"{HEAD}\n{rows}\n").format == "csv"


@pytest.mark.parametrize("word", ["港币", "EUR", "欧元"])
def test_a_currency_that_we_do_not_keep_is_refused_by_its_row(word: str) -> None:
    """It was passed over, and a thousand Hong Kong dollars were booked as a thousand yuan."""
    assert f"第 2 行：币种“{word}”" in refused(CCB.replace("人民币元", word))
    assert f"第 2 行：币种“{word}”" in refused(CMB.replace("人民币", word))


def test_currencies_are_known_by_their_names_and_codes() -> None:
    assert read(CCB).currency == "CNY"
    assert read(CCB.replace("人民币元", "156")).currency == "CNY"
    assert read(CMB.replace("人民币", "美元")).currency == "USD"


def test_an_open_quote_swallows_no_lines() -> None:
    """The lines behind it, with their money, became a part of somebody's name."""
    head, first = "交易日期,贷方发生额,借方发生额,对方户名", "2026-09-10,100.00,,"
    for closed in ("", '"'):
        rows = f'{first}"甲公司\n2026-09-11,200.00,,乙{closed}\n2026-09-12,300.00,,丙'
        assert "第 2 行：引号没有成对" in refused(f"{head}\n{rows}\n")
    memo = read(f'{head}\n{first}"甲\n公司"\n2026-09-11,200.00,,"乙"\n')
    assert [(line.amount_fen, line.payer_name) for line in memo.lines] == [
        (100_00, "甲 公司"),
        (200_00, "乙"),
    ]


def test_amounts_without_a_side_are_refused() -> None:
    """Without 借贷标志 and without a sign, what went out would be read as what came in."""
    rows = "2026-09-10,100.00,甲\n2026-09-11,30.00,乙\n"
    assert "缺少列：借贷标志" in refused(f"交易日期,交易金额,对方户名\n{rows}")
    signed = rows.replace("30.00", "-30.00")
    found = read(f"交易日期,交易金额,对方户名\n{signed}")
    assert [line.signed_fen for line in found.lines] == [100_00, -30_00]
    plus = rows.replace("100.00", "+100.00")
    assert read(f"交易日期,交易金额,对方户名\n{plus}").lines[0].direction is Direction.IN
    yen = rows.replace("30.00", "￥-30.00")
    assert read(f"交易日期,交易金额,对方户名\n{yen}").lines[1].signed_fen == -30_00


@pytest.mark.parametrize("text", ["500,00", "1.234,56", "12,34.00", "1,2345"])
def test_a_decimal_comma_is_no_thousands_separator(text: str) -> None:
    """“500,00” was fifty thousand."""
    with pytest.raises(Invalid, match="不是金额"):
        amount(text)


def test_two_columns_of_one_meaning_are_not_added_up() -> None:
    text = "交易日期,交易金额,发生额,借贷标志,对方户名\n2026-09-10,100.00,{},贷,甲\n"
    assert read(text.format("")).lines[0].amount_fen == 100_00
    assert read(text.format("100.00")).lines[0].amount_fen == 100_00
    assert "第 2 行：交易金额写了两个" in refused(text.format("90.00"))


def test_a_line_whose_payer_prints_is_not_the_foot_of_the_table() -> None:
    """A merged day leaves the cells below it empty; such a line was dropped with its money."""
    head, *rows = [
        "交易日期,贷方发生额,对方户名,摘要",
        "2026-09-10,100.00,甲,",
        ",500.00,乙打印公司,",
    ]
    assert "第 3 行：没有可识别的交易日期" in refused("\n".join([head, *rows]))
    below = ["合计,600.00,,", ",700.00,丙公司,货款"]
    assert "第 4 行：没有可识别的交易日期" in refused("\n".join([head, rows[0], *below]))


def test_a_foot_may_say_anything_else() -> None:
    foot = "贷方合计,100.00,制表：张三,\n,,,打印时间 2026-09-11\n借方 0 笔,0.00,,\n"
    text = f"交易日期,贷方发生额,对方户名,摘要\n2026-09-10,100.00,甲,\n{foot}"
    assert len(read(text).lines) == 1


def test_the_same_payment_again_behind_its_return_is_another_line() -> None:
    """
    +100, −100, +100 of one payer on one day: the first and the third are printed alike, balance
    and all. The balances follow from each other only if all three are there.
    """
    rows = [
        "2026-09-10 00:00:00,100.00,,1100.00,甲",
        "2026-09-10 00:00:00,,100.00,1000.00,甲",
        "2026-09-10 00:00:00,100.00,,1100.00,甲",
    ]
    for ordered in (rows, rows[::-1]):
        found = read("\n".join([HEAD, *ordered]))
        assert len(set(identities(found.lines))) == 3
    printed_twice = read("\n".join([HEAD, rows[0], rows[0], rows[1]]))
    assert len(set(identities(printed_twice.lines))) == 2


def test_numbers_that_a_spreadsheet_has_shortened_are_refused() -> None:
    """Saved again by Excel, all serial numbers of a day read 2.02609E+19: they name nothing."""
    text = "交易日期,交易流水号,贷方发生额,对方户名,对方账号\n2026-09-10,{},100.00,甲,{}\n"
    assert "第 2 行：流水号“2.02609E+19”" in refused(text.format("2.02609E+19", "6222"))
    assert "第 2 行：对方账号“6.22202E+18”" in refused(text.format("A1", "6.22202E+18"))


def test_a_number_beyond_a_spreadsheets_digits_names_no_line(tmp_path: Path) -> None:
    """A cell that is a number keeps fifteen digits; two serials of twenty are one there."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["交易日期", "交易流水号", "贷方发生额", "对方户名", "对方账号"])
    for _ in range(2):
        sheet.append(["2026-09-10", 2.0260910000000002e19, 100, "甲", 6.222021234567890e18])
    book.save(tmp_path / "x.xlsx")
    found = read_statement((tmp_path / "x.xlsx").read_bytes(), "x.xlsx")
    assert len(set(identities(found.lines))) == 2
    assert [line.payer_number for line in found.lines] == ["", ""]


@pytest.mark.parametrize("text", ["153045", "0001-01-01", "9999-12-31", "15300405"])
def test_a_time_of_day_is_no_year(text: str) -> None:
    assert day_and_time(text)[0] is None


def test_an_amount_beyond_the_books_is_refused_with_its_row() -> None:
    said = refused("交易日期,贷方发生额,对方户名\n2026-09-10,99999999999999999999.00,甲\n")
    assert "第 2 行：金额" in said


def test_nul_is_no_text() -> None:
    assert tidy("甲\0公司\x07") == "甲公司"


def test_merged_cells_of_a_web_table_keep_their_columns() -> None:
    """
    Headings and days are merged: what stands behind them does not move to the left. A day that
    is merged over two rows is the first one's only, and the second row is refused, not guessed.
    """
    head = (
        "<table><tr><td colspan=5>流水</td></tr><tr><td>交易日期</td><td colspan='2'>贷方发生额"
        "</td><td rowspan=1>余额</td><td>对方户名</td></tr>"
    )
    first = "<td>100.00</td><td></td><td>1100.00</td><td>甲</td></tr>"
    second = "<td>50.00</td><td></td><td>1150.00</td><td>乙</td></tr></table>"
    days = f"{head}<tr><td>2026-09-10</td>{first}<tr><td>2026-09-11</td>{second}"
    assert brief(read_statement(days.encode(), "x.xls")) == [
        ("2026-09-10", 100_00, "甲", 1100_00),
        ("2026-09-11", 50_00, "乙", 1150_00),
    ]
    merged = f"{head}<tr><td rowspan='2'>2026-09-10</td>{first}<tr>{second}"
    with pytest.raises(StatementRefused, match="第 4 行：没有可识别的交易日期"):
        read_statement(merged.encode(), "x.xls")


def test_numbers_of_entries_within_a_statement_name_no_line() -> None:
    """NtryRef counts within a message: the 12 of one day is not the 12 of the next."""
    found = read_statement(
        CAMT.replace("<AcctSvcrRef>CCB0001</AcctSvcrRef>", "<NtryRef>12</NtryRef>").encode(), "x"
    )
    assert [line.sure for line in found.lines] == [False, True]


def test_a_batch_of_several_payers_names_none() -> None:
    """An entry of two payers was the first one's, and so was the other's money."""
    start, end = CAMT.index("<TxDtls>"), CAMT.index("</TxDtls>") + len("</TxDtls>")
    second = CAMT[start:end].replace("Acme 有限公司", "Beta 有限公司")
    found = read_statement((CAMT[:end] + second + CAMT[end:]).encode(), "x")
    assert (found.lines[0].payer_name, found.lines[0].payer_number) == ("", "")
    twice = CAMT[:end] + CAMT[start:end] + CAMT[end:]
    assert read_statement(twice.encode(), "x").lines[0].payer_name == "Acme 有限公司"


def test_statements_of_two_currencies_under_one_number_are_refused() -> None:
    start, end = CAMT.index("<Stmt>"), CAMT.index("</Stmt>") + len("</Stmt>")
    other = CAMT[start:end].replace("CNY", "USD").replace("CCB000", "CCB900")
    with pytest.raises(StatementRefused, match="多个币种"):
        read_statement((CAMT[:end] + other + CAMT[end:]).encode(), "x")
    with pytest.raises(StatementRefused, match="多个币种"):
        read_statement((MT940 + MT940.replace("CNY", "USD")).encode(), "x")


def test_a_line_keeps_its_name_where_nothing_is_printed_alike() -> None:
    """What is stored is found again: the names of lines that were named before do not change."""
    one = StatementLine(1, date(2026, 9, 1), Direction.IN, 5, balance_fen=5, serial="V1")
    assert identities([one]) == ["line:2026-09-01||in|5||5|V1"]


OPENING = "交易日期,贷方发生额,余额,对方户名,摘要"


@pytest.mark.parametrize("opening", [",,100.00,,期初余额", "2026-09-01,,100.00,,承前页"])
def test_what_stood_before_the_first_line_is_no_line(opening: str) -> None:
    """Such a file could not be imported at all; the balance it tells is held to its lines."""
    found = read(f"{OPENING}\n{opening}\n2026-09-02,10.00,110.00,甲,\n")
    assert (found.opening_fen, [each.amount_fen for each in found.lines]) == (100_00, [10_00])
    assert "余额与期初 100.00 不连续" in refused(
        f"{OPENING}\n{opening}\n2026-09-02,10.00,111.00,甲,\n"
    )


def test_what_stood_before_is_nobodys_payment() -> None:
    """It was a receipt of a hundred yuan, of nobody."""
    rows = "2026-09-01,100.00,100.00,,上期结转\n2026-09-02,10.00,110.00,甲,"
    assert "第 2 行：是期初或结转的余额" in refused(f"{OPENING}\n{rows}\n")


def test_a_line_behind_a_subtotal_is_read_whatever_its_payer_is_called() -> None:
    """The second was dropped without a word: its payer prints."""
    rows = "甲,1,2026-09-01,10.00\n本页小计,,,10.00\n北京快印打印有限公司,2,2026-09-02,5.00"
    found = read(f"对方户名,对方账号,交易日期,贷方发生额\n{rows}\n合计,2,2026-09-30,15.00\n")
    assert [each.amount_fen for each in found.lines] == [10_00, 5_00]


def test_a_day_of_seven_digits_is_no_day() -> None:
    """2026111 was the first of November."""
    assert "第 2 行：没有可识别的交易日期" in refused(f"{OPENING}\n2026111,10.00,,甲,\n")


@pytest.mark.parametrize(
    ("was", "became", "said"),
    [
        (
            '<Amt Ccy="CNY">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>',
            "",
            "第 1 行：Ntry：.*USD",
        ),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<Sts>", "CdtDbtInd“”不认识"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>Crdt</CdtDbtInd><Sts>", "“Crdt”不认识"),
    ],
    ids=["dollars", "no side", "other side"],
)
def test_an_entry_of_another_currency_or_without_a_side_is_refused(
    was: str, became: str, said: str
) -> None:
    """Ten dollars were ten yuan, and what had no side had left."""
    became = became or was.replace("CNY", "USD")
    with pytest.raises(StatementRefused, match=said):
        read_statement(CAMT.replace(was, became, 1).encode(), "x")


def two_statements(first: str, second: str) -> bytes:
    """Write a message of two statements; each text is opening, closing, and what came in."""
    head, _, rest = CAMT.partition("<Stmt>")
    parts = []
    for place, text in enumerate((first, second)):
        opening, closing, came = text.split()
        balances = "".join(
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
            f'<Amt Ccy="CNY">{fen}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'
            for code, fen in (("OPBD", opening), ("CLBD", closing))
        )
        parts.append(
            "<Stmt><Acct><Id><Othr><Id>1</Id></Othr></Id><Ccy>CNY</Ccy></Acct>"
            f'{balances}<Ntry><Amt Ccy="CNY">{came}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
            "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-10</Dt></BookgDt>"
            f"<AcctSvcrRef>R{place}A</AcctSvcrRef></Ntry></Stmt>"
        )
    assert rest
    return (head + "".join(parts) + "</BkToCstmrStmt></Document>").encode()


@pytest.mark.parametrize("newest_first", [False, True])
def test_statements_of_one_file_follow_from_each_other(*, newest_first: bool) -> None:
    """Newest first they were refused as broken."""
    parts = ["100 110 10", "110 130 20"]
    found = read_statement(two_statements(*(parts[::-1] if newest_first else parts)), "x")
    assert (found.opening_fen, found.closing_fen) == (100_00, 130_00)
    assert [each.amount_fen for each in found.lines] == [10_00, 20_00]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            ("100 115 10", "115 130 20"),
            "第 1 份对账单：期初 100.00 加发生额 10.00 不等于期末 115.00",
        ),
        (("100 110 10", "500 520 20"), "第 2 份对账单的期初 500.00 与上一份的期末 110.00 不衔接"),
    ],
    ids=["within", "between"],
)
def test_what_is_wrong_within_a_file_is_not_hidden_by_its_total(
    parts: tuple[str, str], said: str
) -> None:
    with pytest.raises(StatementRefused, match=said):
        read_statement(two_statements(*parts), "x")


def test_a_statement_that_goes_on_over_several_messages_is_one() -> None:
    """Banks cut long statements: :60M: and :62M: are balances between. They were refused."""
    head, _, rest = MT940.partition(":61:2610131013")
    between = ":62M:C261012CNY1010550,00\n-\n:20:STARTUMS\n:25:30858400001/110912345610801\n"
    text = f"{head}{between}:28C:1/2\n:60M:C261012CNY1010550,00\n:61:2610131013{rest}"
    whole, found = (read_statement(each.encode(), "x") for each in (MT940, text))
    assert [each.amount_fen for each in found.lines] == [each.amount_fen for each in whole.lines]
    assert (found.opening_fen, found.closing_fen) == (whole.opening_fen, whole.closing_fen)
    apart = text.replace(":60M:C261012CNY1010550", ":60M:C261012CNY1010540")
    with pytest.raises(StatementRefused, match="第 2 份对账单：期初"):
        read_statement(apart.encode(), "x")


def test_a_line_of_mt940_that_cannot_be_read_is_named_as_it_stands() -> None:
    """It was “Unable to parse <mt940.tags.Statement object at 0x7f…>”, and no row."""
    text = MT940.replace(":61:2610121012D50,00", ":61:2610121012ED50,00")
    with pytest.raises(StatementRefused, match="第 8 行：MT940 有读不懂的行“2610121012ED50,00"):
        read_statement(text.encode(), "x")


@pytest.mark.parametrize("column", ["交易流水号", "对方账号", "对方户名", "子账号"])
def test_a_name_that_no_bank_prints_is_refused(column: str) -> None:
    """A serial of 100 kB was a lost connection; a payer's number, a receipt nobody could place."""
    text = f"交易日期,贷方发生额,摘要,{column}\n2026-09-01,1.00,x,{'78' * 251}\n"
    assert "第 2 行：" in refused(text)
    assert read(text.replace("78" * 251, "78" * 250)).lines


def test_what_nobody_sees_turns_no_name_round() -> None:
    text = CAMT.replace("Acme 有限公司", "Acme\u202e 有限\u0085公司")
    found = read_statement(text.encode(), "x")
    assert found.lines[0].payer_name == "Acme 有限公司"


def workbook(path: Path, *sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"第{number}页")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path.read_bytes()


def test_a_second_sheet_of_lines_is_not_left_out(tmp_path: Path) -> None:
    """Only the first sheet was read, and what the others held was nowhere, and nobody heard."""
    head: list[object] = ["交易日期", "贷方发生额", "对方户名"]
    first, second = [head, ["2026-09-10", 100, "甲"]], [head, ["2026-09-11", 500, "乙"]]
    with pytest.raises(StatementRefused, match="第1页、第2页"):
        read_statement(workbook(tmp_path / "x.xlsx", first, second), "x.xlsx")
    cover: list[list[object]] = [["说明", "本文件由网银导出"]]
    for sheets in ((cover, first), (first, cover), (first, [head])):
        found = read_statement(workbook(tmp_path / "x.xlsx", *sheets), "x.xlsx")
        assert [line.amount_fen for line in found.lines] == [100_00]


def damaged_xls(place: int, byte: int) -> bytes:
    """One byte is another: a name's formula (an error of the library's own), a size that is 0."""
    body = bytearray((FILES / "icbc.xls").read_bytes())
    body[place] = byte
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (damaged_xls(1146, 24), "xls 文件读不出"),
        (damaged_xls(30, 0), "xls 文件读不出"),
        (MT940.replace(":60F:", ":90F:", 1).encode(), "MT940"),
        (MT940.replace("CNY1000000,00", "CNY1000000,001").encode(), "流水文件 x 未导入：金额"),
        (MT940.replace("C10600,00", "C10600,001").encode(), "流水文件 x 未导入：.*第 5 行：金额"),
        (CAMT.replace(">1949.50<", ">1949.5x<").encode(), "流水文件 x 未导入："),
    ],
    ids=["formula", "size", "tag", "balance", "line", "camt"],
)
def test_what_is_damaged_is_refused_with_the_files_name(body: bytes, said: str) -> None:
    """These were tracebacks, or sentences that named neither file nor row."""
    with pytest.raises(StatementRefused, match=said):
        read_statement(body, "x")
