"""What finance takes home of a month: one ZIP that explains itself."""

import csv
import io
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import msgspec
import pytest

from tests.rooms.fapiao.shop import SELLING
from tests.scenarios.books import Books, Party
from tests.scenarios.conftest import PRICES
from yuejie.bills.documents.document import Seller
from yuejie.budgets.lending.count import Spending
from yuejie.contracts.terms import STANDARD, SettlementOrder
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao
from yuejie.fapiao.request import MANUAL, Pick, Wish, approve_fapiao, request_fapiao
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.packs.folder import pack_month, write_pack
from yuejie.packs.make import Wanted
from yuejie.usage.correct import correct

SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")
TITLE = TitleDraft(name="acme 有限公司", tax_number="91440300708461136T", emails=("ap@acme.cn",))
ORDER = replace(
    STANDARD, purchase_order="PO-2026-0042", settlement_order=SettlementOrder.FAPIAO_FIRST
)
M = 1_000_000


@pytest.fixture
def acme(books: Books) -> Party:
    """A customer with an order number, whose October and November are issued."""
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    acme = books.customer("acme", projects=("main", "search"), commercial=ORDER)
    for day in range(1, 8):
        call = acme.uses(f"2026-10-{day:02d} 10:00:00", "gpt-4o", input=day * M, output=day)
    acme.uses("2026-10-31 23:59:59", "gpt-4o", project="search", input=M)
    books.close("2026-10")
    books.issue(acme.bill("2026-10"))
    acme.uses("2026-10-31 23:59:58", "gpt-4o", project="search", input=3 * M)
    less = tuple(msgspec.structs.replace(i, quantity=i.quantity - 1) for i in call.items)
    became = msgspec.structs.replace(call, items=less)
    correct(
        books.db,
        {UUID(bytes=call.begun.event): lambda _: became},
        source="report",
        count=Spending().count,
        forced=True,
    )
    acme.uses("2026-11-03 08:00:00", "gpt-4o", input=2 * M, output=M)
    books.close("2026-11")
    books.issue(acme.bill("2026-11"))
    return acme


def pack(acme: Party, month: str, path: Path) -> ZipFile:
    wanted = Wanted("acme", BillingMonth.parse(month), SELLER)
    write_pack(acme.books.db, wanted, path)
    return ZipFile(path)


def table(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def summed(rows: list[dict[str, str]]) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        found[row["项目"], row["模型"], row["计量项代码"]] += int(row["用量"])
    return found


def billed(acme: Party, month: str, service_month: str) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for line in acme.bill(month).lines:
        if str(line.service_month) == service_month:
            found[line.project_name, line.model, line.meter] += line.quantity
    return found


def test_a_month_goes_home_in_one_file(acme: Party, tmp_path: Path) -> None:
    """
    October's pack: the bill in five forms, usage by day and by call, the fapiao as archived.
    Its 说明.txt names the order number, and every file by its hash as sha256sum reads it.
    """
    books, bill = acme.books, acme.bill("2026-10")
    open_title(books.db, "acme", TITLE, by="customer", now=books.clock.at)
    wish = Wish(picks=(Pick(str(bill.number)),))
    (asked,) = request_fapiao(
        books.db, acme.customer.customer_id, wish, SELLING, by="customer", now=books.clock.at
    )
    assert asked.remark.startswith("采购订单 PO-2026-0042")
    approve_fapiao(books.db, asked.key, provider=MANUAL, by="finance", now=books.clock.at)
    issued_at = books.tick()
    paper = b"%PDF-1.7 as the tax office wrote it"
    upload_fapiao(
        books.db,
        asked.key,
        Upload({"pdf": paper}, "25312000000000000042", issued_at),
        by="finance",
        now=books.clock.at,
    )
    found = pack(acme, "2026-10", tmp_path / "acme.zip")
    stem = f"账单/账单_2026-10_acme_{bill.number}"
    assert found.namelist() == [
        *(f"{stem}.{end}" for end in ("pdf", "xlsx", "csv", "json", "focus.csv")),
        "用量/每日用量.csv",
        "用量/用量明细_01.csv",
        "发票/发票_25312000000000000042.pdf",
        "说明.txt",
    ]
    assert found.read("发票/发票_25312000000000000042.pdf") == paper
    said = found.read("说明.txt").decode()
    assert "采购订单号 PO-2026-0042" in said
    assert f"{bill.number}    已出账    价税合计 ¥145.00" in said
    assert "25312000000000000042    增值税专用发票    已开具" in said
    for name in found.namelist()[:-1]:
        assert f"\n{sha256(found.read(name)).hexdigest()}  {name}\n" in said


def test_the_calls_add_up_to_the_lines(acme: Party, tmp_path: Path) -> None:
    """
    Each line of October is the sum of October's calls.
    A call that came late, and one that was corrected, are on November's bill, and among the late
    calls of November's pack: what was taken back is below zero.
    """
    october = pack(acme, "2026-10", tmp_path / "10.zip")
    calls = table(october.read("用量/用量明细_01.csv"))
    assert summed(calls) == billed(acme, "2026-10", "2026-10")
    assert summed(table(october.read("用量/每日用量.csv"))) == billed(acme, "2026-10", "2026-10")
    assert calls[0]["时间"] == "2026-10-01T10:00:00.000+08:00"
    november = pack(acme, "2026-11", tmp_path / "11.zip")
    own = table(november.read("用量/用量明细_01.csv"))
    late = table(november.read("用量/补计明细_01.csv"))
    assert summed(own) == billed(acme, "2026-11", "2026-11")
    assert summed(late) == billed(acme, "2026-11", "2026-10")
    assert [row["用量"] for row in late if row["版本"] == "1"] == ["-7000000", "-7", "3000000"]
    assert "含 2026-10 的补计" in november.read("说明.txt").decode()


def test_the_same_month_gives_the_same_bytes(acme: Party, tmp_path: Path) -> None:
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    pack(acme, "2026-10", first)
    acme.books.tick(3600)
    names = pack(acme, "2026-10", second).infolist()
    assert first.read_bytes() == second.read_bytes()
    assert {info.date_time for info in names} == {(2026, 11, 1, 0, 0, 0)}
    assert all(info.flag_bits & 0x800 for info in names), "names are marked as UTF-8"


def test_everybody_is_packed_once_and_an_interrupted_run_goes_on(
    acme: Party, tmp_path: Path
) -> None:
    """Two customers; one pack is there from a run that was cut off, with what was half written."""
    books = acme.books
    zeta = books.customer("zeta")
    zeta.uses("2026-12-02 10:00:00", "gpt-4o", input=M)
    acme.uses("2026-12-02 10:00:00", "gpt-4o", input=M)
    books.close("2026-12")
    month = BillingMonth.parse("2026-12")
    with pytest.raises(NotFound, match="2026-12 没有已出账的账单"):
        pack_month(books.db, month, SELLER, tmp_path)
    books.issue(acme.bill("2026-12"))
    books.issue(zeta.bill("2026-12"))
    pack_month(books.db, month, SELLER, tmp_path)
    old = tmp_path / "月度资料_2026-12_acme.zip"
    old.write_bytes(b"kept")
    (tmp_path / "月度资料_2026-12_zeta.zip").unlink()
    done = pack_month(books.db, month, SELLER, tmp_path)
    assert [(each.customer, each.made) for each in done] == [("acme", False), ("zeta", True)]
    assert old.read_bytes() == b"kept"
    again = pack_month(books.db, month, SELLER, tmp_path, again=True)
    assert [each.made for each in again] == [True, True]
    assert ZipFile(old).testzip() is None
    assert len(list(tmp_path.iterdir())) == 2


def test_a_month_without_a_bill_is_refused_and_leaves_nothing(acme: Party, tmp_path: Path) -> None:
    wanted = Wanted("acme", BillingMonth.parse("2027-02"), SELLER)
    with pytest.raises(NotFound, match="客户 acme 没有 2027-02 的已出账账单"):
        write_pack(acme.books.db, wanted, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []
