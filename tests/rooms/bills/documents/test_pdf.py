import io
import re
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from tests.rooms.bills.documents.sample import (
    CUSTOMER,
    EVIL,
    USUAL,
    Use,
    bill_document,
    many_lines,
    strange_names,
    three_lines,
    three_projects,
)
from yuejie.bills.bill import TaxMode
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.pdf import to_pdf
from yuejie.paper.printable import printable


def pages(document: BillDocument) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(document))).pages]


def flat(text: str) -> str:
    """Drop what layout adds: spaces, line ends, break opportunities."""
    return re.sub(r"[\s\u200b]+", "", text)


def test_figures_of_any_length_have_room_beside_each_other() -> None:
    """Trillions of yuan and of tokens stood over each other, in columns made for millions."""
    document = bill_document(
        Use("gpt-4o", "input", 9_999_999_999_999_999, "99.99"),
        Use("claude-3-5-sonnet", "output", 8_888_888_888_888_888, "75.123456"),
        terms=replace(USUAL, requests={"gpt-4o": 10_000_000_000}),
    )
    figures = {
        "10,000,000,000",
        "18,888,888,888,888,887",
        "1,667,664,053,333.33",
        "12,007,181,184,000.00",
        "999,900,000,000.00",
        "7,199,280,000,000.00",
    }
    assert figures <= set(" ".join(pages(document)).split())


def test_a_small_bill_is_one_page_of_searchable_chinese() -> None:
    (page,) = pages(three_lines())
    for words in (
        "费用账单",
        "艾克米智能制造（上海）有限公司",
        "YJ2026000042",
        "2026 年 10 月",
        "¥1,122.25",
        "人民币壹仟壹佰贰拾贰圆贰角伍分",
        "不含税金额",
        "¥1,058.73",
        "¥63.52",
        "示例银行上海分行营业部",
        "3100 6618 0018 8000 1234",
        "缓存命中输入",
        "412,000,000",
        "如何核对",
        "第 1 页 / 共 1 页",
    ):
        assert flat(words) in flat(page)


def test_both_currencies_stand_beside_each_other_with_rate_date_and_source() -> None:
    text = flat("".join(pages(three_projects())))
    assert "1USD=7.20CNY" in text
    assert "2026-10-30" in text
    assert flat("来源：中国外汇交易中心人民币汇率中间价") in text
    assert "33,693.91242,596.23" in text
    assert flat("补计 2026-09 客服助手") in text


def test_the_seal_and_the_one_before_are_printed() -> None:
    document = three_lines()
    assert document.bill.seal is not None
    assert document.bill.seal.hex() in flat("".join(pages(document)))


def test_a_draft_says_so_across_the_page_and_has_no_number() -> None:
    first = pages(three_projects(replace(USUAL, issued=False)))[0]
    assert first.count("草稿") >= 3
    assert flat("（草稿，未编号）") in flat(first)
    assert "草稿" not in "".join(pages(three_projects()))


def test_tax_on_top_is_added_in_sight() -> None:
    text = flat(pages(three_projects(replace(USUAL, tax_mode=TaxMode.EXCLUSIVE)))[0])
    assert flat("不含税金额¥242,596.23") in text
    assert flat("加：税额（6%）¥14,555.77") in text
    assert flat("价税合计¥257,152.00") in text


def test_a_long_table_repeats_its_titles_and_numbers_its_pages() -> None:
    texts = pages(many_lines(200))
    for number, text in enumerate(texts, 1):
        assert flat(f"第 {number} 页 / 共 {len(texts)} 页") in flat(text)
    detailed = [text for text in texts if "计量项" in text]
    assert len(detailed) >= 4
    positions = re.findall(r"^(\d+) model-", "\n".join(texts), re.MULTILINE)
    assert [str(n) for n in range(1, 201)] == positions


def test_a_bill_too_long_to_print_prints_its_subtotals() -> None:
    document = many_lines(5_001)
    texts = pages(document)
    assert len(texts) < 10
    assert flat("共 5,001 行，此处只列小计") in flat("".join(texts))
    for group in document.groups():
        assert wording.amount(group.subtotal.cny_fen) in flat(texts[-1])


def test_names_are_data_and_rare_characters_are_drawn() -> None:
    text = flat("".join(pages(strange_names())))
    assert flat(printable(EVIL)) in text
    assert "𠮷䶮㛃堃喆犇有限公司" in text
    assert "〔U+1F680〕" in text
    assert '=HYPERLINK("http://x")' in text


def test_only_our_fonts_are_used_and_embedded() -> None:
    reader = PdfReader(io.BytesIO(to_pdf(strange_names())))
    resources = [cast("DictionaryObject", page["/Resources"]) for page in reader.pages]
    fonts = [
        font for known in resources for font in cast("DictionaryObject", known["/Font"]).values()
    ]
    names = {
        str(font.get_object()["/BaseFont"]).split("+")[-1].removesuffix("-Identity-H")
        for font in fonts
    }
    assert names == {"Noto-Sans-SC-Regular", "Noto-Sans-SC-Bold", "Noto-Sans-SC-Rare-Regular"}


@pytest.mark.parametrize("document", [three_lines(), three_projects(), strange_names()])
def test_the_same_bill_gives_the_same_bytes(document: BillDocument) -> None:
    first = to_pdf(document)
    to_pdf(many_lines(9))
    assert first == to_pdf(document)


def test_the_pdf_is_dated_when_the_bill_was_issued() -> None:
    reader = PdfReader(io.BytesIO(to_pdf(three_lines())))
    assert reader.metadata is not None
    assert reader.metadata.title == "账单 YJ2026000042"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.isoformat() == "2026-11-02T01:15:00+00:00"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_no_name_breaks_the_page(name: str) -> None:
    customer = replace(CUSTOMER, legal_name=name)
    document = bill_document(
        Use(name, "input", 1_000_000, "2.5", project=name, department=name),
        terms=replace(USUAL, customer=customer),
    )
    assert to_pdf(document).startswith(b"%PDF-1.")
