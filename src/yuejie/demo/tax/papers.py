"""Files of simulated fapiao: unsigned, and marked 测试 wherever a person may look."""

from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import escape

from yuejie.demo.tax.face import Face, blue_face, red_face, written
from yuejie.demo.tax.ofd import to_ofd
from yuejie.demo.tax.pdf import to_pdf
from yuejie.demo.tax.rules import Refusal
from yuejie.demo.tax.world import CHINA, World
from yuejie.paper.printable import printable


def paper(world: World, number: str, form: str) -> bytes:
    """Return a file of a fapiao or of a red one by its number; asked again, the same bytes."""
    if form not in _FORMS:
        raise Refusal("E9500", f"没有 {form} 格式的版式文件")
    return _FORMS[form](_face(world, number))


def _face(world: World, number: str) -> Face:
    for blue in world.blues.values():
        if blue.number == number and blue.issued_at is not None:
            return blue_face(blue)
    for red in world.forms.values():
        if red.red_number == number and red.issued_at is not None:
            return red_face(red)
    raise Refusal("E9500", "发票不存在")


def _to_xml(face: Face) -> bytes:
    number, order = face.number, face.order
    when = f"{face.issued_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    items = "".join(
        f"<IssuItemInformation><ItemName>{_words(row.item)}</ItemName>"
        f"<Amount>{row.net}</Amount><ComTaxAm>{row.tax}</ComTaxAm></IssuItemInformation>"
        for row in face.rows
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EInvoice><!-- 测试：模拟税局开具，未签名，不是发票 -->
<Header><EIid>{number}</EIid><EInvoiceTag>SWEI3200</EInvoiceTag><Version>0.2</Version></Header>
<EInvoiceData>
<SellerInformation><SellerIdNum>{_words(order.seller_tax_number)}</SellerIdNum>\
<SellerName>{_words(face.seller[0])}</SellerName></SellerInformation>
<BuyerInformation><BuyerIdNum>{_words(order.buyer_tax_number)}</BuyerIdNum>\
<BuyerName>{_words(order.buyer_name)}</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{written(face.net)}</TotalAmWithoutTax>\
<TotalTaxAm>{written(face.tax)}</TotalTaxAm>\
<TotalTax-includedAmount>{written(face.gross)}</TotalTax-includedAmount>\
<RequestTime>{when}</RequestTime></BasicInformation>
{items}</EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber><IssueTime>{when}</IssueTime>\
</TaxSupervisionInfo></EInvoice>
""".encode()


def _words(text: str) -> str:
    """Return a text as XML can hold it: what has no form is named by its code point."""
    return escape(printable(text))


_FORMS: Final[dict[str, Callable[[Face], bytes]]] = {
    "xml": _to_xml,
    "ofd": to_ofd,
    "pdf": to_pdf,
}
