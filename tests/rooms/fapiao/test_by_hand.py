"""Issued by hand: what is uploaded must be what was requested."""

from datetime import UTC, datetime

import pytest

from tests.rooms.fapiao.shop import BOSS, CLERK, Shop
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.issuing import store as errands
from yuejie.fapiao.issuing.stop import stop_errand
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers.papers import read_xml
from yuejie.fapiao.request import Pick
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red
from yuejie.kernel.errors import Conflict, Invalid

NUMBER = "26332000000123456789"
PDF = b"%PDF-1.7 ..."


def xml(
    number: str = NUMBER, net: str = "100.00", tax: str = "6.00", gross: str = "106.00",
    buyer: str = "91440300708461136T",
) -> bytes:  # fmt: skip
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EInvoice><Header><EIid>{number}</EIid></Header><EInvoiceData>
<SellerInformation><SellerIdNum>91350100M000100Y43</SellerIdNum></SellerInformation>
<BuyerInformation><BuyerIdNum>{buyer}</BuyerIdNum></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{net}</TotalAmWithoutTax><TotalTaxAm>{tax}</TotalTaxAm>
<TotalTax-includedAmount>{gross}</TotalTax-includedAmount></BasicInformation></EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber>
<IssueTime>2026-11-05 13:02:50</IssueTime></TaxSupervisionInfo></EInvoice>""".encode()


def approved(shop: Shop, provider: str = "manual") -> Fapiao:
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    return shop.approve(asked, provider)


def upload(shop: Shop, name: str, **files: bytes) -> Fapiao:
    return upload_fapiao(shop.db, name, Upload(files), by=CLERK, now=shop.now)


def test_the_xml_of_a_fapiao_says_number_time_and_amounts() -> None:
    paper = read_xml(xml())
    assert paper.issued.number == NUMBER
    assert paper.issued.issued_at == datetime(2026, 11, 5, 5, 2, 50, tzinfo=UTC)
    assert paper.issued.amounts.gross_fen == 10_600


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<EInvoice/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><EInvoice>&a;</EInvoice>",
        xml(net="1,00.00"),
        xml(gross="106.001"),
        b"<a>" * 10,
    ],
)
def test_what_is_no_fapiao_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="XML"):
        read_xml(body)


def test_a_fapiao_issued_by_hand(shop: Shop) -> None:
    asked = approved(shop)
    issued = upload(shop, asked.key, xml=xml(), pdf=PDF)
    assert (issued.state, issued.number) == (FapiaoState.ISSUED, NUMBER)
    again = upload(shop, asked.key, xml=xml(), ofd=b"PK\x03\x04...")
    assert again == shop.fapiao(asked.key)
    with shop.db.read() as tx:
        assert [f.format for f in errands.files_of(tx, asked.fapiao_id)] == ["ofd", "pdf", "xml"]
        assert errands.errands_of(tx, asked.fapiao_id) == []
    with pytest.raises(Conflict, match="归档不可替换"):
        upload(shop, asked.key, xml=xml(), pdf=PDF + b"x")
    with pytest.raises(Conflict, match="不能改为"):
        upload(shop, asked.key, xml=xml("26332000000123456780"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (xml(net="100.01", gross="106.01"), "金额"),
        (xml(net="99.99", tax="6.01"), "金额"),
        (xml(number="123"), "20 位"),
        (xml(buyer="91350100M000100Y43"), "购买方税号"),
    ],
)
def test_what_differs_from_the_request_is_refused(shop: Shop, body: bytes, says: str) -> None:
    asked = approved(shop)
    with pytest.raises(Invalid, match=says):
        upload(shop, asked.key, xml=body)
    assert shop.fapiao(asked.key).state is FapiaoState.APPROVED


def test_without_xml_number_and_time_are_typed_in(shop: Shop) -> None:
    asked = approved(shop)
    with pytest.raises(Invalid, match="须填写发票号码"):
        upload(shop, asked.key, pdf=PDF)
    with pytest.raises(Invalid, match="文件不是 PDF"):
        upload(shop, asked.key, pdf=b"hello")
    typed = Upload({"pdf": PDF}, NUMBER, shop.now)
    assert upload_fapiao(shop.db, asked.key, typed, by=CLERK, now=shop.now).number == NUMBER


def test_two_requests_cannot_have_one_number(shop: Shop) -> None:
    upload(shop, approved(shop).key, xml=xml())
    (asked,) = shop.request(Pick(shop.bill("2026-11", [(10_600, 60_000)])))
    two = shop.approve(asked, "manual")
    with pytest.raises(Invalid, match="已登记在"):
        upload(shop, two.key, xml=xml())
    assert shop.fapiao(two.key).state is FapiaoState.APPROVED


def test_nobody_issues_by_hand_what_a_provider_may_be_issuing(shop: Shop) -> None:
    asked = approved(shop, "nuonuo")
    with pytest.raises(Conflict, match="不能手工登记"):
        upload(shop, asked.key, xml=xml())
    with shop.db.read() as tx:
        (errand,) = errands.errands_of(tx, asked.fapiao_id)
    stop_errand(shop.db, errand.errand_id, why="改手工", by=BOSS, now=shop.now)
    assert upload(shop, asked.key, xml=xml()).number == NUMBER


def test_a_red_fapiao_issued_by_hand(shop: Shop) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    approve_red(shop.db, red.key, by=BOSS, now=shop.now)
    body = xml("26332000000123456790", "-100.00", "-6.00", "-106.00")
    done = upload_red(shop.db, red.key, Upload({"xml": body}), by=CLERK, now=shop.now)
    assert done.state is RedState.ISSUED
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED
