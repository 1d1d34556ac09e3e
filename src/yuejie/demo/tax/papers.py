"""Files of simulated fapiao: unsigned, and marked 测试 wherever a person may look."""

from datetime import datetime
from decimal import Decimal
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from yuejie.demo.tax.rules import CENT, SHORT_NAMES, Order, Refusal
from yuejie.demo.tax.world import CHINA, World


def paper(world: World, number: str, form: str) -> bytes:
    """Return a file of a fapiao or of a red one by its number."""
    for blue in world.blues.values():
        if blue.number == number and blue.issued_at is not None:
            return _write(
                number, blue.issued_at, blue.order, (blue.order.net, blue.order.tax), form
            )
    for red in world.forms.values():
        if red.red_number == number and red.issued_at is not None:
            return _write(number, red.issued_at, red.blue.order, (red.net, red.tax), form)
    raise Refusal("E9500", "发票不存在")


def _write(
    number: str, issued_at: datetime, order: Order, figures: tuple[Decimal, Decimal], form: str
) -> bytes:
    net, tax = figures
    if form == "xml":
        return _xml(number, issued_at, order, net, tax)
    words = f"测试 {number} {net + tax}"
    if form == "pdf":
        return f"%PDF-1.4\n% {words}\n%%EOF\n".encode()
    sink = BytesIO()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        archive.writestr(ZipInfo("OFD.xml"), f"<OFD><!-- {words} --></OFD>")
    return sink.getvalue()


def _xml(number: str, issued_at: datetime, order: Order, net: Decimal, tax: Decimal) -> bytes:
    when = f"{issued_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    items = "".join(
        f"<IssuItemInformation><ItemName>*{SHORT_NAMES[line.code]}*{escape(line.item)}</ItemName>"
        f"<Amount>{line.net}</Amount><ComTaxAm>{line.tax}</ComTaxAm></IssuItemInformation>"
        for line in order.lines
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EInvoice><!-- 测试：模拟税局开具，未签名，不是发票 -->
<Header><EIid>{number}</EIid><EInvoiceTag>SWEI3200</EInvoiceTag><Version>0.2</Version></Header>
<EInvoiceData>
<SellerInformation><SellerIdNum>{order.seller_tax_number}</SellerIdNum></SellerInformation>
<BuyerInformation><BuyerIdNum>{order.buyer_tax_number}</BuyerIdNum>\
<BuyerName>{escape(order.buyer_name)}</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{net.quantize(CENT)}</TotalAmWithoutTax>\
<TotalTaxAm>{tax.quantize(CENT)}</TotalTaxAm>\
<TotalTax-includedAmount>{(net + tax).quantize(CENT)}</TotalTax-includedAmount>\
<RequestTime>{when}</RequestTime></BasicInformation>
{items}</EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber><IssueTime>{when}</IssueTime>\
</TaxSupervisionInfo></EInvoice>
""".encode()
