"""What an uploaded fapiao file says of itself: number, amounts and time from the signed XML.

PDF and OFD are kept with their hashes and not read: what they say is typed in by a person. The XML
comes from outside, so it is read without entities, and no larger than a fapiao can be.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from yuejie.fapiao.amounts import Amounts, read_fen
from yuejie.fapiao.providers.port import Issued
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.kernel.period import zone_of

BYTES: Final = 8 * 1024 * 1024
"""Largest file taken in; two thousand lines are some two megabytes of XML."""
_CHINA: Final = zone_of("Asia/Shanghai")
_MAGIC: Final = {"pdf": b"%PDF-", "ofd": b"PK\x03\x04"}


@dataclass(frozen=True, slots=True)
class Paper:
    """What the XML of a fapiao says."""

    issued: Issued
    buyer_name: str
    buyer_tax_number: str
    seller_tax_number: str


def read_xml(body: bytes) -> Paper:
    """Read a fapiao's XML; one that lacks its number, time or amounts is refused."""
    root = _root(body)
    try:
        return _paper(root)
    except (DomainError, ValueError, OverflowError) as error:
        raise Invalid(f"XML 文件内容不完整（{error}），请上传从电子税务局下载的原件") from error


def check_layout(form: str, body: bytes) -> None:
    """Refuse a file that is not of the format it is said to be, or too large."""
    if len(body) > BYTES or not body.startswith(_MAGIC.get(form, b"")):
        raise Invalid(f"文件不是 {form.upper()}，或超过 {BYTES} 字节，请核对后重新上传")


def is_file_of(form: str, body: bytes, number: str | None) -> bool:
    """Tell whether a download is of its format and, the XML, of the fapiao of that number.

    An address that has expired may answer with a page; what is archived is never replaced.
    """
    try:
        check_layout(form, body)
        return form != "xml" or _number(_root(body)) == number
    except Invalid:
        return False


def _root(body: bytes) -> Element:
    if len(body) > BYTES:
        raise Invalid(f"XML 文件超过 {BYTES} 字节，不是发票文件")
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Invalid(f"XML 文件读不懂（{error}），请上传从电子税务局下载的原件") from error
    return root


def _number(root: Element) -> str:
    return _text(root, "InvoiceNumber") or _text(root, "EIid")


def _paper(root: Element) -> Paper:
    number = _number(root)
    written = _text(root, "IssueTime") or _text(root, "RequestTime")
    if not number or not written:
        raise Invalid("缺少发票号码或开票时间")
    moment = datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)
    return Paper(
        issued=Issued(
            number=number,
            issued_at=moment.astimezone(UTC),
            amounts=Amounts(
                read_fen(_text(root, "TotalAmWithoutTax"), "合计金额"),
                read_fen(_text(root, "TotalTaxAm"), "合计税额"),
                read_fen(_text(root, "TotalTax-includedAmount"), "价税合计"),
            ),
        ),
        buyer_name=_text(root, "BuyerName"),
        buyer_tax_number=_text(root, "BuyerIdNum"),
        seller_tax_number=_text(root, "SellerIdNum"),
    )


def _text(root: Element, name: str) -> str:
    found = next(root.iter(name), None)
    return (found.text or "").strip() if found is not None else ""
