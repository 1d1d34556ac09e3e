"""说明.txt: what is in a pack, in words and hashes, for whoever opens it without us. Pure.

Its lines of hashes are in the form of `sha256sum`, so a program checks them as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument
from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.life import FapiaoState
from yuejie.kernel.money import Money
from yuejie.packs.archive import Entry
from yuejie.paper.printable import printable

NAME: Final = "说明.txt"
_KINDS: Final = {FapiaoKind.SPECIAL: "增值税专用发票", FapiaoKind.ORDINARY: "普通发票"}
_STATES: Final = {
    FapiaoState.ISSUED: "已开具",
    FapiaoState.PARTLY_REVERSED: "部分红冲",
    FapiaoState.REVERSED: "已红冲",
}

_FOLDERS: Final = """\
各目录
  账单/  每张账单的 PDF、XLSX（含每日用量）、CSV（逐行）、JSON（含封印）、FOCUS（FinOps 工具）
  用量/  每日用量：按日汇总
         用量明细：逐次调用逐项列出，相加等于账单中本月各行的用量
         补计明细：以前月份在本期补计的部分；负数是更正前的数量
  发票/  税务平台交付的 XML、OFD、PDF 原件，未作任何改动
  账单不是发票；账单上如有印章图样，只是图片，不是电子签名。"""
_CHECK: Final = """\
文件清单（SHA-256，路径）
在解压后的目录中运行 sha256sum -c 说明.txt 可以核对；其余各行会提示格式不符，不必理会。
"""


@dataclass(frozen=True, slots=True)
class Papers:
    """The fapiao of a month's bills, and the red ones that took back of them."""

    blue: tuple[Fapiao, ...] = ()
    red: tuple[RedFapiao, ...] = ()


def guide(documents: Sequence[BillDocument], papers: Papers, entries: Iterable[Entry]) -> str:
    """Write what the pack holds: parties, bills, fapiao, what each folder is, every hash."""
    parts = (
        _parties(documents[0]),
        ["账单", *(line for document in documents for line in _bill(document))],
        ["发票", *(_fapiao(papers, documents) or ["  尚未开具"])],
        [_FOLDERS],
        [_CHECK, *(f"{entry.sha256}  {entry.name}" for entry in entries)],
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _parties(document: BillDocument) -> list[str]:
    customer, seller, bill = document.customer, document.seller, document.bill
    return [
        f"月度资料 {bill.month}",
        f"  客户    {_named(customer.legal_name, customer.uscc or '')}",
        f"  服务方  {_named(seller.legal_name, seller.uscc)}",
        f"  时区    {customer.zone}",
    ]


def _named(name: str, uscc: str) -> str:
    return f"{printable(name)}    税号 {uscc}" if uscc else printable(name)


def _bill(document: BillDocument) -> list[str]:
    bill = document.bill
    part = f"    部分 {printable(bill.part_name)}" if bill.part_name else ""
    settled = [f"{label} {printable(text)}" for label, text in wording.settlement(document)]
    contract = f"合同 {printable(bill.contract_id)} 第 {bill.contract_version} 版"
    late = wording.late_months(document)
    owed = f"价税合计 {wording.signed(bill.gross)}    其中税额 {wording.signed(bill.tax)}"
    return [
        f"  {bill.name}    {wording.STATES[bill.state]}    {owed}{part}",
        f"    {'    '.join([contract, *settled])}",
        *([f"    含 {late} 的补计"] if late else []),
    ]


def _fapiao(papers: Papers, documents: Sequence[BillDocument]) -> list[str]:
    numbers: dict[str, str] = {document.bill.bill_id: document.bill.name for document in documents}
    blue = [
        f"  {each.number}    {_KINDS[each.kind]}    {_STATES[each.state]}"
        f"    价税合计 {wording.signed(Money(each.amounts.gross_fen, 'CNY'))}"
        f"    账单 {'、'.join(numbers.get(bill, bill) for bill in each.bills)}"
        for each in papers.blue
    ]
    red = [
        f"  {each.number}    红字发票，冲 {each.blue_number}"
        f"    价税合计 {wording.signed(Money(each.amounts.gross_fen, 'CNY'))}"
        for each in papers.red
    ]
    return blue + red
