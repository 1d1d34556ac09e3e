"""The simulated tax platform's files open, say what was ordered, and say that they are a test."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from pypdf import PdfReader

from tests.rooms.demo.test_tax import CUT, LINE, ORDER
from yuejie.demo.practice.place import SELLER, Ports, environ_of
from yuejie.demo.practice.run import _tax
from yuejie.demo.tax.face import MARK, PAGED, UNSIGNED, percent
from yuejie.demo.tax.papers import paper
from yuejie.demo.tax.rules import LINES, Order, Refusal
from yuejie.demo.tax.world import ISSUING, Form, World
from yuejie.fapiao.providers.papers import is_file_of, read_xml
from yuejie.kernel.clock import SystemClock
from yuejie.settings import Settings

NOW = datetime(2026, 11, 5, 20, 2, 50, tzinfo=UTC)
OFD = "{http://www.ofdspec.org/2016}"
SOLD = replace(LINE, spec="deepseek-v3.2", unit="项", quantity="2", price="50")
HOSTILE = "#eval(1) *_`$x$ <b>&amp;]]>\u202e\x00公司"
SHOWN = "#eval(1) *_`$x$ <b>&amp;]]>〔U+202E〕〔U+0000〕公司"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "truth.jsonl", SystemClock(), stands_at=NOW)


def issued(world: World, order: Order = ORDER) -> str:
    blue = world.accept(order, "")
    world.give_number(blue)
    return blue.number


def reversed_(world: World, number: str, *lines: tuple[int, Decimal, Decimal]) -> str:
    """Reverse a fapiao, or of it what these lines say, and return the red number."""
    blue = world.blue_of(number)
    net = sum((line[1] for line in lines), Decimal(0)) or -blue.order.net
    tax = sum((line[2] for line in lines), Decimal(0)) or -blue.order.tax
    form = world.apply(Form("k", "u", "n", blue, "1", net, tax, "", world.now(), lines=lines))
    for _ in range(2):
        assert world.stands_at is not None
        world.stands_at += ISSUING + timedelta(seconds=1)
        world.form_state(form)
    return form.red_number


def pdf_pages(world: World, number: str) -> list[str]:
    pages = PdfReader(io.BytesIO(paper(world, number, "pdf"))).pages
    return [page.extract_text().replace("\u200b", "") for page in pages]


def ofd_of(world: World, number: str) -> Mapping[str, Element]:
    with zipfile.ZipFile(io.BytesIO(paper(world, number, "ofd"))) as package:
        assert package.testzip() is None
        return {name: fromstring(package.read(name)) for name in package.namelist()}


def ofd_words(page: Element) -> list[str]:
    return [each.text or "" for each in page.iter(f"{OFD}TextCode")]


def facts(entrance: Element) -> dict[str, str | None]:
    return {each.attrib["Name"]: each.text for each in entrance.iter(f"{OFD}CustomData")}


def test_the_pdf_is_one_page_with_what_was_ordered(world: World) -> None:
    number = issued(world, replace(ORDER, lines=(SOLD,), remark="账单 B-2026-10"))
    (page,) = pdf_pages(world, number)
    for said in (
        "电子发票（增值税专用发票）",
        f"发票号码：{number}",
        "开票日期：2026年11月06日",
        "名称：乙公司",
        ORDER.buyer_tax_number,
        ORDER.seller_tax_number,
        "deepseek-v3.2",
        "6%",
        "¥100.00",
        "¥6.00",
        "（小写）¥106.00",
        "壹佰零陆圆整",
        "账单 B-2026-10",
        "开票人：张三",
        MARK,
        UNSIGNED,
    ):
        assert said in page


@pytest.mark.parametrize(
    ("known", "printed"),
    [("月结示例科技有限公司", "月结示例科技有限公司（测试）"), ("", "测试纳税人")],
)
def test_the_seller_is_named_as_the_house_is_and_marked(
    world: World, known: str, printed: str
) -> None:
    """In all three files, blue and red; nobody is named whom the bureau was not told."""
    world.sellers = {ORDER.seller_tax_number: known, "91350100M000100Y43": "别的公司"}
    number = issued(world, replace(ORDER, lines=(SOLD,)))
    for each in (number, reversed_(world, number)):
        (page,) = pdf_pages(world, each)
        assert f"名称：{printed}" in page
        assert printed in ofd_words(ofd_of(world, each)["Doc_0/Pages/Page_0/Content.xml"])
        said = fromstring(paper(world, each, "xml"))
        assert said.findtext(".//SellerInformation/SellerName") == printed


def test_the_practice_house_tells_its_tax_office_who_it_is(tmp_path: Path) -> None:
    ports = Ports(console=1, gateway=2, tax=3)
    own = Settings.load(environ_of(tmp_path, "127.0.0.1", ports, {}))
    command = list(_tax(own, ports).command)
    told = command[command.index("--seller") + 1]
    assert told == f"{own.seller_uscc}={SELLER}"


def test_the_ofd_is_a_package_from_which_number_parties_and_amounts_are_read(world: World) -> None:
    number = issued(world, replace(ORDER, lines=(SOLD,), kind="02"))
    files = ofd_of(world, number)
    entrance = files["OFD.xml"]
    assert entrance.attrib == {"Version": "1.0", "DocType": "OFD"}
    root = entrance.findtext(f".//{OFD}DocRoot")
    assert root == "Doc_0/Document.xml"
    document = files[root]
    assert f"Doc_0/{document.findtext(f'.//{OFD}PublicRes')}" in files
    (listed,) = document.iter(f"{OFD}Page")
    page = files[f"Doc_0/{listed.attrib['BaseLoc']}"]
    words = ofd_words(page)
    for said in ("电子发票（普通发票）", number, "2026年11月06日", "乙公司", "deepseek-v3.2", MARK):
        assert said in words
    for said in (ORDER.buyer_tax_number, ORDER.seller_tax_number, "100.00", "6.00", "¥106.00"):
        assert said in words
    told = facts(entrance)
    assert (told["购买方名称"], told["价税合计"]) == ("乙公司", "106.00")
    assert (told["测试"], told["签名"]) == (MARK, UNSIGNED)


def test_ids_of_the_ofd_are_each_given_once_and_fonts_are_there(world: World) -> None:
    files = ofd_of(world, issued(world, replace(ORDER, lines=(SOLD,) * (PAGED + 60))))
    ids = [
        int(each.attrib["ID"])
        for root in files.values()
        for each in root.iter()
        if "ID" in each.attrib
    ]
    assert len(ids) == len(set(ids))
    assert max(ids) <= int(files["Doc_0/Document.xml"].findtext(f".//{OFD}MaxUnitID") or 0)
    fonts = {each.attrib["ID"] for each in files["Doc_0/PublicRes.xml"].iter(f"{OFD}Font")}
    pages = [root for name, root in files.items() if name.endswith("Content.xml")]
    assert len(pages) > 1
    for page in pages:
        assert {each.attrib["Font"] for each in page.iter(f"{OFD}TextObject")} <= fonts
        assert MARK in ofd_words(page)
        for code in page.iter(f"{OFD}TextCode"):
            assert len(code.get("DeltaX", "").split()) == len(code.text or "") - 1


def test_many_lines_go_over_pages_each_marked_and_a_few_do_not(world: World) -> None:
    discounted = (replace(LINE, nature="2"), CUT, *(SOLD,) * 10)
    (page,) = pdf_pages(world, issued(world, replace(ORDER, lines=discounted)))
    assert "-10.00" in page
    assert "-0.60" in page
    number = issued(world, replace(ORDER, key="N2", lines=(SOLD,) * (PAGED + 60)))
    pages = pdf_pages(world, number)
    assert len(pages) > 1
    assert all(MARK in page and number in page for page in pages)


def test_the_longest_fapiao_is_a_file_that_the_archive_takes(world: World) -> None:
    world.limit = Decimal(10**9)
    number = issued(world, replace(ORDER, lines=(SOLD,) * LINES, remark="备" * 200))
    for form in ("xml", "ofd", "pdf"):
        assert is_file_of(form, paper(world, number, form), number)


def test_a_red_one_is_below_zero_and_names_the_blue_one(world: World) -> None:
    blue = issued(world, replace(ORDER, lines=(SOLD, replace(LINE, nature="2"), CUT)))
    red = reversed_(world, blue)
    (page,) = pdf_pages(world, red)
    words = ofd_words(ofd_of(world, red)["Doc_0/Pages/Page_0/Content.xml"])
    for said in (
        f"被红冲蓝字数电票号码：{blue}",
        "¥-190.00",
        "¥-11.40",
        "¥-201.40",
        "-90.00",
        "-2",
    ):
        assert said in page
        assert said in words
    assert f"发票号码：{red}" in page
    assert "（负数）贰佰零壹圆肆角" in page
    assert facts(ofd_of(world, red)["OFD.xml"])["被红冲蓝字数电票号码"] == blue


def test_the_xml_of_a_red_one_lists_what_it_takes_back(world: World) -> None:
    blue = issued(world, replace(ORDER, lines=(SOLD, replace(LINE, nature="2"), CUT)))
    body = paper(world, reversed_(world, blue), "xml")
    assert [each.text for each in fromstring(body).iter("Amount")] == ["-100.00", "-90.00"]
    assert read_xml(body).issued.amounts.gross_fen == -20_140


def test_a_red_one_for_a_part_shows_the_lines_that_it_takes_back(world: World) -> None:
    blue = issued(world, replace(ORDER, lines=(SOLD, replace(SOLD, spec="glm-5"))))
    red = reversed_(world, blue, (2, Decimal("-30.00"), Decimal("-1.80")))
    (page,) = pdf_pages(world, red)
    assert "glm-5" in page
    assert "deepseek-v3.2" not in page
    assert "¥-31.80" in page


def test_a_hostile_name_is_shown_and_not_obeyed(world: World) -> None:
    number = issued(world, replace(ORDER, buyer_name=HOSTILE, remark=HOSTILE, clerk=HOSTILE))
    (page,) = pdf_pages(world, number)
    assert page.replace("\n", "").count(SHOWN) == 3
    assert read_xml(paper(world, number, "xml")).buyer_name == SHOWN
    files = ofd_of(world, number)
    assert facts(files["OFD.xml"])["购买方名称"] == SHOWN
    assert SHOWN in "".join(ofd_words(files["Doc_0/Pages/Page_0/Content.xml"]))


@pytest.mark.parametrize("form", ["xml", "ofd", "pdf"])
def test_fetched_twice_the_bytes_are_the_same(world: World, form: str) -> None:
    number = issued(world)
    first = paper(world, number, form)
    issued(world, replace(ORDER, key="N2", buyer_name="丙公司"))
    assert world.stands_at is not None
    world.stands_at += timedelta(days=40)
    assert paper(world, number, form) == first
    assert is_file_of(form, first, number)


def test_what_is_no_fapiao_has_no_file(world: World) -> None:
    with pytest.raises(Refusal, match="发票不存在"):
        paper(world, "26442000000000000009", "pdf")
    with pytest.raises(Refusal, match="没有 zip 格式"):
        paper(world, issued(world), "zip")


def test_rates_are_written_as_people_write_them() -> None:
    rates = ("0.06", "0.13", "0.015", "0", "0.10")
    assert [percent(Decimal(each)) for each in rates] == ["6%", "13%", "1.5%", "0%", "10%"]
