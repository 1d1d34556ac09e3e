"""Issued by hand: what is uploaded must be what was requested."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.recorded import recorded
from tests.rooms.cli.desk import run
from tests.rooms.fapiao.shop import BOSS, CLERK, Shop, nuonuo_at
from yuejie.cli.fapiao.entrance import fapiao
from yuejie.contracts.terms import FapiaoKind
from yuejie.demo.tax.launch import TaxPlatform
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.issuing import store as errands
from yuejie.fapiao.issuing.errand import Errand
from yuejie.fapiao.issuing.perform import run_errands
from yuejie.fapiao.issuing.stop import retry_errand, stop_errand
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.providers.papers import read_xml
from yuejie.fapiao.request import Pick, decline_fapiao
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.kernel.errors import Conflict, Invalid

NUMBER = "26332000000123456789"
PDF = b"%PDF-1.7 ..."


def xml(
    number: str = NUMBER, net: str = "100.00", tax: str = "6.00", gross: str = "106.00",
    buyer: str = "91440300708461136T", issued: str = "2026-11-05 13:02:50",
) -> bytes:  # fmt: skip
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EInvoice><Header><EIid>{number}</EIid></Header><EInvoiceData>
<SellerInformation><SellerIdNum>91350100M000100Y43</SellerIdNum></SellerInformation>
<BuyerInformation><BuyerIdNum>{buyer}</BuyerIdNum></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{net}</TotalAmWithoutTax><TotalTaxAm>{tax}</TotalTaxAm>
<TotalTax-includedAmount>{gross}</TotalTax-includedAmount></BasicInformation></EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>{number}</InvoiceNumber>
<IssueTime>{issued}</IssueTime></TaxSupervisionInfo></EInvoice>""".encode()


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


def errand_of(shop: Shop, subject_id: str) -> Errand:
    with shop.db.read() as tx:
        (errand,) = errands.errands_of(tx, subject_id)
    return errand


def test_what_was_issued_by_hand_is_not_issued_again_by_a_provider(
    shop: Shop, platform: TaxPlatform
) -> None:
    """
    The provider was given up on and the fapiao issued by hand. Asking once more about the errand
    would find no such order and send it: a second fapiao of the same 106.00.
    """
    asked = approved(shop, "nuonuo")
    errand = errand_of(shop, asked.fapiao_id)
    stop_errand(shop.db, errand.errand_id, why="改手工", by=BOSS, now=shop.now)
    upload(shop, asked.key, xml=xml())
    with pytest.raises(Conflict, match="不是 parked 状态"):
        retry_errand(shop.db, errand.errand_id, why="再试", by=BOSS, now=shop.now)
    shop.works(nuonuo_at(shop.db, platform.url), platform, seconds=12)
    assert platform.issued() == []


def test_a_parked_errand_is_over_once_its_fapiao_is_registered(
    shop: Shop, platform: TaxPlatform
) -> None:
    asked = approved(shop, "nuonuo")
    errand = errand_of(shop, asked.fapiao_id)
    with shop.db.begin() as tx:
        errands.move_errand(tx, errand.errand_id, "parked", next_at=shop.now, why="无结果")
    upload(shop, asked.key, xml=xml())
    with pytest.raises(Conflict, match="不是 parked 状态"):
        retry_errand(shop.db, errand.errand_id, why="再试", by=BOSS, now=shop.now)
    assert run_errands(shop.db, nuonuo_at(shop.db, platform.url), now=shop.now) == 0


def test_a_request_that_the_tax_office_refused_by_hand_frees_its_lines(shop: Shop) -> None:
    """The buyer's tax number is cancelled: nobody can issue it, and the title has to change."""
    asked = approved(shop)
    declined = decline_fapiao(shop.db, asked.key, why="税号已注销", by=BOSS, now=shop.now)
    assert (declined.state, declined.why) == (FapiaoState.REJECTED, "税号已注销")
    assert shop.request(Pick(shop.bills[0]))[0].amounts == asked.amounts
    with pytest.raises(Conflict, match="已退回”状态，不能登记"):
        upload(shop, asked.key, xml=xml())


def test_an_approved_request_is_declined_only_where_it_never_left(
    shop: Shop, platform: TaxPlatform
) -> None:
    """What a provider may be issuing is not; what waits is, and then never leaves."""
    asked = approved(shop, "nuonuo")
    decline_fapiao(shop.db, asked.key, why="抬头有误", by=BOSS, now=shop.now)
    nuonuo = nuonuo_at(shop.db, platform.url)
    shop.works(nuonuo, platform, seconds=12)
    assert platform.issued() == []
    (second,) = shop.request(Pick(shop.bills[0]))
    shop.approve(second)
    run_errands(shop.db, nuonuo, now=shop.now)
    with pytest.raises(Conflict, match="可能已开出"):
        decline_fapiao(shop.db, second.key, why="抬头有误", by=BOSS, now=shop.now)
    shop.works(nuonuo, platform, seconds=12)
    assert shop.fapiao(second.key).state is FapiaoState.ISSUED


def test_a_fapiao_of_a_provider_that_is_left_can_be_reversed_by_hand(shop: Shop) -> None:
    """
    Nuonuo issued it; since then the house issues by hand, and nobody runs Nuonuo's errands. The red
    form is stopped there, issued on the tax office's own site, and uploaded.
    """
    asked = approved(shop, "nuonuo")
    stop_errand(
        shop.db, errand_of(shop, asked.fapiao_id).errand_id, why="改手工", by=BOSS, now=shop.now
    )
    blue = upload(shop, asked.key, xml=xml())
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    body = Upload({"xml": xml("26332000000123456790", "-100.00", "-6.00", "-106.00")})
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    with pytest.raises(Conflict, match="“待批准”状态"):
        upload_red(shop.db, red.key, body, by=CLERK, now=shop.now)
    approve_red(shop.db, red.key, by=BOSS, now=shop.now)
    with pytest.raises(Conflict, match="正由 nuonuo 处理"):
        upload_red(shop.db, red.key, body, by=CLERK, now=shop.now)
    errand = errand_of(shop, red.red_id)
    stop_errand(shop.db, errand.errand_id, why="改手工", by=BOSS, now=shop.now)
    assert upload_red(shop.db, red.key, body, by=CLERK, now=shop.now).state is RedState.ISSUED
    assert shop.fapiao(blue.key).state is FapiaoState.REVERSED


def test_what_lies_at_a_provider_that_was_left_is_left_to_a_person(
    shop: Shop, platform: TaxPlatform
) -> None:
    """
    The order went to Nuonuo, and the house changed its provider: nobody asks Nuonuo any more. The
    errand is parked; who has asked there stops it, and the request is declined.
    """
    asked = approved(shop, "nuonuo")
    nuonuo = nuonuo_at(shop.db, platform.url)
    run_errands(shop.db, nuonuo, now=shop.now)
    tend(shop.db, nuonuo, now=shop.now + timedelta(hours=2))
    assert errand_of(shop, asked.fapiao_id).state == "sent", "its own provider only asks again"
    tend(shop.db, None, now=shop.now + timedelta(hours=2))
    assert errand_of(shop, asked.fapiao_id).state == "sent", "another process may be asking"
    tend(shop.db, None, now=shop.now + timedelta(hours=5))
    left = errand_of(shop, asked.fapiao_id)
    assert (left.state, "nuonuo" in left.why) == ("parked", True)
    with pytest.raises(Conflict, match="可能已开出"):
        decline_fapiao(shop.db, asked.key, why="换服务商", by=BOSS, now=shop.now)
    stop_errand(shop.db, left.errand_id, why="诺诺称未开", by=BOSS, now=shop.now)
    (stopped,) = recorded(shop.db, "fapiao_errand")
    of = {"key": asked.key, "provider": "nuonuo"}
    assert (stopped.was, stopped.became) == ({**of, "state": "parked"}, {**of, "state": "done"})
    decline_fapiao(shop.db, asked.key, why="换服务商", by=BOSS, now=shop.now)
    assert shop.request(Pick(shop.bills[0]))


def test_a_red_form_that_never_left_is_withdrawn_at_once(shop: Shop, platform: TaxPlatform) -> None:
    asked = approved(shop, "nuonuo")
    stop_errand(
        shop.db, errand_of(shop, asked.fapiao_id).errand_id, why="改手工", by=BOSS, now=shop.now
    )
    blue = upload(shop, asked.key, xml=xml())
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    approve_red(shop.db, red.key, by=BOSS, now=shop.now)
    gone = withdraw_red(shop.db, red.key, why="不冲了", by=CLERK, now=shop.now)
    assert gone.state is RedState.VOID
    assert run_errands(shop.db, nuonuo_at(shop.db, platform.url), now=shop.now) == 0
    request_red(shop.db, wish, by=CLERK, now=shop.now)


@pytest.mark.parametrize("buyer", ["91350100M000100Y43", "91110000802100433B"])
def test_a_red_fapiao_of_somebody_else_is_refused(shop: Shop, buyer: str) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    red = request_red(shop.db, wish, by=CLERK, now=shop.now)
    approve_red(shop.db, red.key, by=BOSS, now=shop.now)
    body = xml("26332000000123456790", "-100.00", "-6.00", "-106.00", buyer)
    with pytest.raises(Invalid, match="购买方税号"):
        upload_red(shop.db, red.key, Upload({"xml": body}), by=CLERK, now=shop.now)


def test_a_person_is_known_by_the_name(shop: Shop) -> None:
    """Nobody's tax number stands on it, so the name is all that tells one person from another."""
    person = TitleDraft(name="王小明", natural_person=True, is_default=True)
    open_title(shop.db, "acme", person, by=CLERK, now=shop.now)
    number = shop.bill("2026-10", [(10_600, 60_000)])
    (asked,) = shop.request(Pick(number), kind=FapiaoKind.ORDINARY)
    shop.approve(asked, "manual")

    def of(name: str) -> bytes:
        said = f"<BuyerIdNum></BuyerIdNum><BuyerName>{name}</BuyerName>"
        return xml().replace(b"<BuyerIdNum>91440300708461136T</BuyerIdNum>", said.encode())

    with pytest.raises(Invalid, match="购买方名称"):
        upload(shop, asked.key, xml=of("李小明（个人）"))
    assert upload(shop, asked.key, xml=of("王小明 (个人)")).number == NUMBER


def test_a_time_to_come_is_no_time_of_issue(shop: Shop) -> None:
    asked = approved(shop)
    typed = Upload({"pdf": PDF}, NUMBER, shop.now + timedelta(days=30))
    with pytest.raises(Invalid, match="晚于现在"):
        upload_fapiao(shop.db, asked.key, typed, by=CLERK, now=shop.now)
    with pytest.raises(Invalid, match="XML 中的开票时间晚于现在"):
        upload(shop, asked.key, xml=xml(issued="2027-11-05 10:00:00"))


def test_two_files_of_one_format_are_refused(shop: Shop, database_url: str, tmp_path: Path) -> None:
    """Only the last was archived, without a word."""
    asked = approved(shop)
    files = [tmp_path / name for name in ("a.xml", "b.XML", "c.pdf")]
    for file, body in zip(files, (xml(), xml(), PDF), strict=True):
        file.write_bytes(body)
    with pytest.raises(Invalid, match="同一格式只能有一个文件"):
        run(fapiao, database_url, shop.now, "upload", asked.key, *map(str, files))
    told = run(fapiao, database_url, shop.now, "upload", asked.key, *map(str, files[1:]))
    assert "归档 2 个文件" in told


def test_what_is_not_approved_yet_cannot_be_registered(shop: Shop) -> None:
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    with pytest.raises(Conflict, match="待批准”状态，不能登记"):
        upload(shop, asked.key, xml=xml())


def test_a_number_of_a_year_to_come_is_no_number(shop: Shop) -> None:
    """The first two digits are the year of issue (china-finance §1.2): 62 for 26 is a slip."""
    asked = approved(shop)
    typed = Upload({"pdf": PDF}, "62332000000123456789", shop.now)
    with pytest.raises(Invalid, match="前两位"):
        upload_fapiao(shop.db, asked.key, typed, by=CLERK, now=shop.now)
