"""What finance gets: each entry once, vouchers that balance, accruals that undo themselves."""

import csv
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import openpyxl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import yuejie
from tests.recorded import recorded
from tests.rooms.ledger.deeds import NOW, issued, received, written
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.ledger import store
from yuejie.ledger.check import check_ledger
from yuejie.ledger.handover.accrue import Accrued, Unbilled, accrue
from yuejie.ledger.handover.carry import carry_over, write_batch
from yuejie.ledger.handover.codes import parse_codes
from yuejie.ledger.handover.layouts import (
    KINGDEE_HEADS,
    YONYOU_HEADS,
    Layout,
    System,
    write_vouchers,
)
from yuejie.ledger.handover.voucher import LATER_NAMES, vouchers
from yuejie.ledger.posting import Account, Entry, Posting, credit, debit
from yuejie.ledger.show import books_span
from yuejie.ledger.statement import Written

NOVEMBER = BillingMonth(2026, 11)
DECEMBER = BillingMonth(2026, 12)
AFTER = datetime(2026, 12, 2, tzinfo=UTC)
CODES = """
word = "记"
preparer = "张会计"
[rates]
USD = "7.12"
[accounts.receivable]
code = "1122"
party = "customer"
[accounts.unbilled]
code = "112201"
party = "customer"
[accounts.revenue]
code = "6001"
[accounts.tax_payable]
code = "22210106"
[accounts.bank]
code = "1002"
[accounts.bank.by_party]
"bank_1" = "100201"
[parties.cus_a]
code = "C0001"
name = "示例甲有限公司"
[parties.cus_b]
code = "C0002"
"""


def carried(db: Database, month: BillingMonth = NOVEMBER, *, codes: str = CODES) -> str | None:
    made = carry_over(db, month, System.YONYOU, codes, by="fin", now=AFTER)
    return made.batch.batch_id if made else None


def test_each_entry_goes_over_once_and_latecomers_come_with_the_next_batch(
    database: Database,
) -> None:
    written(database, issued("b1", 106_00))
    written(database, received("r1", 106_00))
    written(database, issued("b9", 106_00, at=AFTER))  # December's
    first = carried(database)
    assert first is not None
    assert carried(database) is None
    written(database, issued("b2", 212_00))  # dated November, written down later
    second = carried(database)
    assert second is not None
    told = recorded(database, "entries", "hand_over")
    assert [(each.name, (each.became or {})["entries"]) for each in told] == [
        (first, 2),
        (second, 1),
    ]
    _, body = write_batch(database, first)
    assert body == write_batch(database, first)[1]
    assert body.decode("gb18030").count("\r\n") == 1 + 3 + 2
    _, body = write_batch(database, second)
    assert "bill:b2:issue" in body.decode("gb18030")
    assert "bill:b1:issue" not in body.decode("gb18030")


def numbers(db: Database, batch: str | None) -> list[tuple[str, int]]:
    """Return day and number of each voucher of a batch, as Kingdee gets them."""
    assert batch is not None
    rows = csv.DictReader(io.StringIO(write_batch(db, batch, Layout.CSV)[1].decode("utf-8-sig")))
    return list(dict.fromkeys((row["FDATE"], int(row["FNUM"])) for row in rows))


@pytest.mark.parametrize("group", ["entry", "day"])
def test_numbers_of_a_month_go_on_over_its_batches(database: Database, group: str) -> None:
    """
    November goes over, then what was written down late for it, then December with one more of
    November's: 记-1 of November stood in each of the three files, for three vouchers.
    """
    january = datetime(2027, 1, 2, tzinfo=UTC)
    codes = f'group = "{group}"\n' + CODES

    def given(month: BillingMonth) -> str:
        now = max(january, AFTER)
        made = carry_over(database, month, System.KINGDEE, codes, by="fin", now=now)
        assert made is not None
        return made.batch.batch_id

    written(database, issued("b1", 106_00))
    written(database, received("r1", 106_00))
    first = given(NOVEMBER)
    bytes_of_first = write_batch(database, first)
    written(database, issued("b2", 212_00))
    second = given(NOVEMBER)
    written(database, issued("b3", 212_00))
    written(database, issued("b4", 212_00, at=AFTER))
    third = given(DECEMBER)
    assert [number for _, number in numbers(database, first)] == [1, 2]
    assert [number for _, number in numbers(database, second)] == [3]
    assert [(day[:7], number) for day, number in numbers(database, third)] == [
        ("2026-11", 4),
        ("2026-12", 1),
    ]
    assert write_batch(database, first) == bytes_of_first


def test_a_batch_from_before_is_written_as_it_was_and_counted_behind(
    database: Database, owner_url: str
) -> None:
    """Its mapping says nothing of numbers: they ran through all of its months."""
    written(database, received("r1", 5_00, at=NOW - timedelta(days=31)))
    written(database, issued("b1", 106_00))
    made = carry_over(database, NOVEMBER, System.KINGDEE, CODES, by="fin", now=AFTER)
    assert made is not None
    old = made.batch.batch_id
    with psycopg.connect(owner_url) as owner:
        owner.execute("ALTER TABLE finance_batch DISABLE TRIGGER USER")
        owner.execute("UPDATE finance_batch SET codes = %s WHERE batch_id = %s", (CODES, old))
    assert [number for _, number in numbers(database, old)] == [1, 2]
    written(database, issued("b2", 212_00))
    again = carry_over(database, NOVEMBER, System.KINGDEE, CODES, by="fin", now=AFTER)
    assert again is not None
    assert [number for _, number in numbers(database, again.batch.batch_id)] == [3]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("payment.receive", "收款"),
        ("payment.apportion", "认款"),
        ("payment.refund", "退款"),
        ("trial_cost", "试用成本"),
    ],
)
def test_finance_reads_no_word_of_ours_in_a_summary(
    database: Database, kind: str, name: str
) -> None:
    written(database, replace(issued("b1", 106_00), kind=kind, memo="甲"))
    batch = carried(database)
    assert batch is not None
    assert f",{name} 甲," in write_batch(database, batch)[1].decode("gb18030")


def test_every_kind_of_entry_has_a_name_in_vouchers() -> None:
    """Read from the source: a new kind that finance would read in English fails here."""
    source = Path(yuejie.__file__).parent
    kinds = {
        kind
        for path in source.rglob("*.py")
        if "Entry(" in (text := path.read_text("utf-8"))
        for kind in re.findall(r'\bEntry\(\s+key=[^\n]+\s+kind="([^"]+)"', text)
    }
    assert {"payment.apportion", "bill.issue", "trial_cost"} <= kinds
    assert kinds - set(LATER_NAMES) == set()


def test_eight_clerks_at_once_make_one_batch(database: Database) -> None:
    written(database, issued("b1", 106_00))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: carried(database), range(8)))
    assert len([each for each in made if each]) == 1


def test_a_dry_run_carries_nothing_over(database: Database) -> None:
    written(database, issued("b1", 106_00))
    tried = carry_over(database, NOVEMBER, System.KINGDEE, CODES, by="fin", now=AFTER, commit=False)
    assert tried is not None
    assert (tried.batch.entries, tried.batch.vouchers, tried.batch.debit_fen) == (1, 1, 106_00)
    assert carried(database) is not None


def test_what_the_mapping_lacks_is_named_all_at_once_and_nothing_goes_over(
    database: Database,
) -> None:
    written(database, issued("b1", 106_00, party="cus_z"))
    with pytest.raises(Invalid) as refused:
        carried(database, codes='[accounts.receivable]\ncode = "1"\nparty = "customer"')
    assert refused.value.sentence == (
        "科目对照文件缺少 [accounts.revenue]（主营业务收入）、"
        "[accounts.tax_payable]（应交增值税（销项））、"
        '[parties."cus_z"]，请补齐后重试；本次未移交'
    )
    with pytest.raises(Invalid, match="尚未结束"):
        carry_over(database, DECEMBER, System.YONYOU, CODES, by="fin", now=AFTER)
    with pytest.raises(NotFound, match="没有编号为 bat_x 的移交批次"):
        write_batch(database, "bat_x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("word = 1", "科目对照文件有误"),
        ('[accounts.cash]\ncode = "1"', "没有这样的科目：cash"),
        ('[accounts.bank]\ncode = " "', "code 为空"),
        ('[accounts.bank]\ncode = "1"\nparty = "boss"', "科目对照文件有误"),
        ('[rates]\nUSD = "0"', "必须大于零"),
    ],
)
def test_a_mapping_that_is_wrong_says_where(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse_codes(text)


def on_paper(*entries: Entry) -> list[Written]:
    return [Written(n, entry, entry.body_hash) for n, entry in enumerate(entries, 1)]


def test_yonyous_text_to_the_byte() -> None:
    """制单日期, 凭证类别字, 业务号, 附单据数, 摘要, 科目编码, 金额借方, 金额贷方, …, 客户编码."""
    found = vouchers(on_paper(issued("b1", 106_00)), parse_codes(CODES))
    body = write_vouchers(
        System.YONYOU, Layout.TXT, found, heading="填制凭证,V800", at=AFTER
    ).decode("gb18030")
    rest = ",,,,张会计,,,2026-11-01,,,"
    assert body.split("\r\n") == [
        "填制凭证,V800",
        f"2026-11-01,记,1,0,bill_issued bill:b1:issue,1122,106.00,0.00{rest}C0001,",
        f"2026-11-01,记,1,0,bill_issued bill:b1:issue,6001,0.00,100.00{rest},",
        f"2026-11-01,记,1,0,bill_issued bill:b1:issue,22210106,0.00,6.00{rest},",
        "",
    ]


def test_kingdees_table_has_its_fields() -> None:
    found = vouchers(on_paper(issued("b1", 106_00), received("r1", 50_00)), parse_codes(CODES))
    body = write_vouchers(System.KINGDEE, Layout.XLSX, found, heading="", at=AFTER)
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == KINGDEE_HEADS
    first = dict(zip(KINGDEE_HEADS, rows[1], strict=True))
    assert first | {"FDATE": None, "FTRANSDATE": None} == {
        **dict.fromkeys(("FDATE", "FTRANSDATE", "FTRANSID", "FSETTLCODE", "FSETTLENO")),
        "FPERIOD": 11,
        "FGROUP": "记",
        "FNUM": 1,
        "FENTRYID": 0,
        "FEXP": "bill_issued bill:b1:issue",
        "FACCTID": "1122",
        "FCLSNAME1": "客户",
        "FOBJID1": "C0001",
        "FOBJNAME1": "示例甲有限公司",
        "FCYID": "RMB",
        "FEXCHRATE": 1,
        "FDC": 1,
        "FFCYAMT": 106,
        "FQTY": 0,
        "FPRICE": 0,
        "FDEBIT": 106,
        "FCREDIT": 0,
        "FPREPARE": "张会计",
        "FATTCHMENT": 0,
        "FREFERENCE": None,
    }
    bank = dict(zip(KINGDEE_HEADS, rows[4], strict=True))
    assert (bank["FNUM"], bank["FACCTID"], bank["FDEBIT"]) == (2, "100201", 50)
    text = write_vouchers(System.KINGDEE, Layout.CSV, found, heading="", at=AFTER)
    assert next(csv.reader(io.StringIO(text.decode("utf-8-sig")))) == list(KINGDEE_HEADS)


def test_yonyou_may_be_a_table_as_well_and_takes_no_other_layout(database: Database) -> None:
    written(database, issued("b1", 106_00))
    batch = carried(database)
    assert batch is not None
    name, body = write_batch(database, batch, Layout.XLSX)
    assert name == f"vouchers-2026-11-{batch}.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    assert next(sheet.iter_rows(values_only=True)) == YONYOU_HEADS
    with pytest.raises(Invalid, match="yonyou 不接受 csv 格式"):
        write_batch(database, batch, Layout.CSV)


def test_a_day_is_one_voucher_per_kind_and_a_reversal_does_not_vanish_in_it() -> None:
    one, two = issued("b1", 106_00), issued("b2", 212_00)
    back = one.mirror(at=NOW, by="op", why="开错")
    codes = parse_codes('group = "day"\n' + CODES)
    found = vouchers(on_paper(one, two, received("r1", 5_00, at=NOW), back), codes)
    assert [(v.number, v.lines[0].summary) for v in found] == [
        (1, "bill_issued 2 笔"),
        (2, "receipt 1 笔"),
        (3, "冲销 1 笔"),
    ]
    assert sum(line.debit_fen for line in found[0].lines) == 318_00
    assert sum(line.debit_fen for line in found[2].lines) == 106_00


def test_an_empty_entry_has_no_voucher_and_a_comma_does_not_split_a_field() -> None:
    noted = Entry("k", "x", NOW, "op", issued("b1", 100).postings, memo='甲,"乙"')
    found = vouchers(on_paper(issued("b0", 0), noted), parse_codes(CODES))
    assert len(found) == 1
    body = write_vouchers(System.YONYOU, Layout.TXT, found, heading="h", at=AFTER)
    assert "x 甲，”乙”" in body.decode("gb18030")


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=6), st.integers(1, 10**10))
def test_a_voucher_in_dollars_balances_in_yuan(debits: list[int], rate: int) -> None:
    whole = sum(debits)
    entry = Entry(
        key="k",
        kind="receipt",
        at=NOW,
        by="op",
        postings=(
            *(Posting(Account.BANK, fen, "USD", "bank_1") for fen in debits),
            credit(Account.RECEIVABLE, whole // 3, "USD", "cus_a"),
            credit(Account.REVENUE, whole - whole // 3, "USD", "cus_a"),
        ),
    )
    text = f"{Decimal(rate).scaleb(-8):f}"
    (voucher,) = vouchers(on_paper(entry), parse_codes(CODES.replace("7.12", text)))
    assert sum(line.debit_fen for line in voucher.lines) == sum(
        line.credit_fen for line in voucher.lines
    )


def test_an_accrual_stands_at_the_months_end_and_is_gone_on_the_first(database: Database) -> None:
    some = (Unbilled("cus_a", "CNY", 1_000_00), Unbilled("cus_b", "USD", 50_00))
    moved = accrue(database, NOVEMBER, lambda _: some, by="clerk", now=AFTER)
    assert moved == [Accrued("cus_a", "CNY", 1_000_00), Accrued("cus_b", "USD", 50_00)]
    november, december = books_span(NOVEMBER, NOVEMBER), books_span(DECEMBER, DECEMBER)
    with database.read() as tx:
        closing = {
            (line.account, line.currency): line.closing_fen
            for line in store.trial_balance(tx, november.start, november.end)
        }
        after = store.trial_balance(tx, december.start, december.end)
    assert closing["unbilled", "CNY"] == 1_000_00
    assert closing["revenue", "USD"] == -50_00
    assert {line.closing_fen for line in after} == {0}
    assert all(each.holds for each in check_ledger(database))
    accrue(database, NOVEMBER, lambda _: some, by="clerk", now=AFTER)
    (told,) = recorded(database, "entries", "accrue")
    assert (told.name, told.became) == ("accrual:2026-11", {"month": "2026-11", "entries": 4})


@pytest.mark.parametrize("group", ["entry", "day"])
def test_an_accrual_in_dollars_is_taken_back_at_the_rate_it_was_given_at(
    database: Database, group: str
) -> None:
    """
    November is given at 7.12 and December at 7.20: taken back at December's, 暂估应收 kept 4.00
    that nobody owed. What is December's own goes over at December's rate.
    """
    some = (Unbilled("cus_b", "USD", 50_00), Unbilled("cus_a", "CNY", 8_00))
    accrue(database, NOVEMBER, lambda _: some, by="clerk", now=AFTER)
    codes = f'group = "{group}"\n' + CODES
    given = carry_over(database, NOVEMBER, System.KINGDEE, codes, by="fin", now=AFTER)
    january = datetime(2027, 1, 2, tzinfo=UTC)
    accrue(database, DECEMBER, lambda _: [Unbilled("cus_b", "USD", 10_00)], by="clerk", now=january)
    dearer = codes.replace("7.12", "7.20")
    back = carry_over(database, DECEMBER, System.KINGDEE, dearer, by="fin", now=january)
    assert given is not None
    assert back is not None
    lines = [line for made in (given, back) for v in made.vouchers for line in v.lines]
    unbilled = [line for line in lines if line.code == "112201" and line.currency == "USD"]
    assert [(line.debit_fen, line.credit_fen, line.rate_e8) for line in unbilled] == [
        (356_00, 0, 712_000_000),
        (0, 356_00, 712_000_000),
        (72_00, 0, 720_000_000),
    ]
    body = write_batch(database, back.batch.batch_id)
    assert body == write_batch(database, back.batch.batch_id)
    with pytest.raises(Invalid, match="由系统填写"):
        carried(database, DECEMBER, codes=back.batch.codes)


def amounts(some: list[Unbilled], _: Tx) -> list[Unbilled]:
    return some


@pytest.mark.parametrize("group", ["entry", "day"])
def test_what_is_accrued_in_dollars_in_two_steps_leaves_no_fen(
    database: Database, group: str
) -> None:
    """
    6.20 dollars are accrued and carried over as 44.14 yuan, 0.20 more later as 1.42. Both mirrors
    are one voucher where days are, and went over as 6.40 dollars, which are 45.57 and not 45.56.
    """
    codes = f'group = "{group}"\n' + CODES
    yuan = 0
    january = datetime(2027, 1, 2, tzinfo=UTC)
    for fen, month in ((6_20, NOVEMBER), (6_40, DECEMBER)):
        some = [Unbilled("cus_b", "USD", fen)]
        accrue(database, NOVEMBER, partial(amounts, some), by="clerk", now=AFTER)
        made = carry_over(database, month, System.KINGDEE, codes, by="fin", now=january)
        assert made is not None
        lines = [line for each in made.vouchers for line in each.lines if line.code == "112201"]
        yuan += sum(line.debit_fen - line.credit_fen for line in lines)
        for each in made.vouchers:
            assert sum(line.debit_fen - line.credit_fen for line in each.lines) == 0
    assert yuan == 0


def test_an_accrual_again_moves_the_difference_only(database: Database) -> None:
    def now_it_is(fen: int) -> list[Accrued]:
        some = (Unbilled("cus_a", "CNY", fen),) if fen else ()
        return list(accrue(database, NOVEMBER, lambda _: some, by="clerk", now=AFTER))

    assert now_it_is(1_000_00) == [Accrued("cus_a", "CNY", 1_000_00)]
    assert now_it_is(1_000_00) == []
    assert now_it_is(900_00) == [Accrued("cus_a", "CNY", -100_00)]
    assert now_it_is(1_000_00) == [Accrued("cus_a", "CNY", 100_00)]
    assert now_it_is(0) == [Accrued("cus_a", "CNY", -1_000_00)]
    span = books_span(NOVEMBER, NOVEMBER)
    with database.read() as tx:
        for line in store.trial_balance(tx, span.start, span.end):
            assert line.closing_fen == 0
        at = {each.entry.at for each in store.entries_between(tx, span.start, span.end)}
    assert at == {span.end - timedelta(microseconds=1)}


def test_an_accrual_may_be_tried_and_not_before_the_month_is_over(database: Database) -> None:
    some = (Unbilled("cus_a", "CNY", 5),)
    tried = accrue(database, NOVEMBER, lambda _: some, by="c", now=AFTER, commit=False)
    assert tried == [Accrued("cus_a", "CNY", 5)]
    with database.read() as tx:
        assert store.balances(tx) == []
    with pytest.raises(Invalid, match="2026-12 尚未结束"):
        accrue(database, DECEMBER, lambda _: some, by="c", now=AFTER)


def test_eight_clerks_at_once_accrue_once(database: Database) -> None:
    some = (Unbilled("cus_a", "CNY", 7),)
    with ThreadPoolExecutor(8) as pool:
        moved = pool.map(
            lambda _: accrue(database, NOVEMBER, lambda _: some, by="c", now=AFTER), range(8)
        )
        assert sum(len(each) for each in moved) == 1


def test_debits_and_credits_are_helpers_of_one_sign() -> None:
    assert debit(Account.BANK, 1, "CNY").fen == -credit(Account.BANK, 1, "CNY").fen == 1
