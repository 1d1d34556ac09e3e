"""The picture of a seal: which are fit, where it lies, and that it is nowhere else."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.rooms.bills.documents.pictures import WHITE, chunk, png
from tests.rooms.bills.documents.sample import USUAL, Use, bill_document, three_projects
from yuejie.bills.documents.document import BillDocument, DocumentKind
from yuejie.bills.documents.pdf import to_pdf
from yuejie.bills.documents.render import render
from yuejie.bills.documents.stamp.picture import Stamp, fit_stamp, read_stamp
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import STAMP_BYTES
from yuejie.kernel.period import BillingMonth

LATE_BACK = Use("gpt-4o", "output", -2_000_000, "15.00", month=BillingMonth(2026, 9))
GOOD = png(220, 220)
BACK = GOOD[-12:]


def drawn(document: BillDocument) -> list[int]:
    """How many pictures each page has."""
    return [len(page.images) for page in PdfReader(io.BytesIO(to_pdf(document))).pages]


def stretched() -> bytes:
    return png(900, 220)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no picture": (lambda: b"GIF89a", "不是 PNG 文件"),
    "cut short": (lambda: GOOD[:-20], "已损坏"),
    "a wrong checksum": (lambda: GOOD[:40] + b"\0" + GOOD[41:], "已损坏"),
    "too small": (lambda: png(100, 100), "为 100×100 像素，每边应为 200 至 2400 像素"),
    "too long": (stretched, "长边超过短边的 2 倍"),
    "on white": (lambda: png(220, 220, ground=WHITE), "背景不透明，会盖住文字"),
    "without transparency": (lambda: png(220, 220, colour=2), "没有透明通道"),
    "of sixteen bits": (lambda: png(220, 220, depth=16), "没有透明通道，或不是 8 位"),
    "of other size than said": (lambda: png(220, 220, colour=4), "已损坏"),
    "too heavy": (
        lambda: GOOD[:-12] + chunk(b"tEXt", bytes(STAMP_BYTES)) + BACK,
        "超过 512 KB",
    ),
}


@pytest.mark.parametrize(("make", "why"), BAD.values(), ids=list(BAD))
def test_a_picture_that_is_not_fit_is_refused_with_its_reason(
    make: Callable[[], bytes], why: str
) -> None:
    with pytest.raises(Invalid, match=r"印章图样 seal\.png") as refused:
        fit_stamp(make(), "seal.png")
    assert why in refused.value.sentence


def test_a_file_is_read_or_named(tmp_path: Path) -> None:
    path = tmp_path / "seal.png"
    path.write_bytes(GOOD)
    assert read_stamp(path) == Stamp(GOOD)
    with pytest.raises(Invalid, match="未设置印章图样，请把 YUEJIE_SELLER_STAMP"):
        read_stamp(None)
    with pytest.raises(Invalid, match="读不出来"):
        read_stamp(tmp_path / "nowhere.png")


def test_the_seal_is_on_the_first_page_only_where_it_was_asked_for() -> None:
    plain, stamped = three_projects(), replace(three_projects(), stamp=Stamp(GOOD))
    assert set(drawn(plain)) == {0}
    first, *others = drawn(stamped)
    assert (first > 0, set(others)) == (True, {0})
    assert to_pdf(stamped) == to_pdf(stamped)
    text = PdfReader(io.BytesIO(to_pdf(stamped))).pages[0].extract_text()
    assert text == PdfReader(io.BytesIO(to_pdf(plain))).pages[0].extract_text()


def test_a_bill_below_zero_has_no_account_but_a_name_to_stamp() -> None:
    document = replace(bill_document(LATE_BACK), stamp=Stamp(GOOD))
    assert drawn(document)[0] > 0
    text = PdfReader(io.BytesIO(to_pdf(document))).pages[0].extract_text()
    assert "月结示例科技有限公司（盖章）" in text


def test_only_the_pdf_is_stamped() -> None:
    plain, stamped = three_projects(), replace(three_projects(), stamp=Stamp(GOOD))
    for kind in set(DocumentKind) - {DocumentKind.PDF}:
        assert render(plain, kind) == render(stamped, kind)


def test_a_draft_is_never_stamped() -> None:
    with pytest.raises(Invalid, match="尚未出账，不能盖章"):
        replace(three_projects(replace(USUAL, issued=False)), stamp=Stamp(GOOD))
