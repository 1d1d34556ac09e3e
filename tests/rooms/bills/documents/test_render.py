import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.bills.documents.sample import CUSTOMER, USUAL, three_lines, three_projects
from yuejie.bills.documents.document import DocumentKind
from yuejie.bills.documents.render import MEDIA_TYPES, file_name, render

STARTS = {
    DocumentKind.PDF: b"%PDF-1.7",
    DocumentKind.XLSX: b"PK\x03\x04",
    DocumentKind.CSV: b"\xef\xbb\xbf",
    DocumentKind.JSON: b"{\n",
    DocumentKind.TXT: "账单 BILL 2026-10".encode(),
    DocumentKind.FOCUS: b"AvailabilityZone,BilledCost,",
    DocumentKind.FOCUS_1_4: b"PK",
}


@pytest.mark.parametrize("kind", DocumentKind)
def test_every_kind_renders_to_the_same_bytes_twice(kind: DocumentKind) -> None:
    first = render(three_projects(), kind)
    assert first.startswith(STARTS[kind])
    assert first == render(three_projects(), kind)
    assert kind in MEDIA_TYPES


def test_a_file_is_named_by_month_customer_and_number() -> None:
    assert file_name(three_lines(), DocumentKind.PDF) == "账单_2026-10_acme_YJ2026000042.pdf"
    draft = three_projects(replace(USUAL, issued=False))
    assert file_name(draft, DocumentKind.XLSX) == "账单_2026-10_acme_草稿.xlsx"


@given(st.text(max_size=300))
def test_no_slug_leads_out_of_the_folder(slug: str) -> None:
    document = three_projects(replace(USUAL, customer=replace(CUSTOMER, slug=slug)))
    name = file_name(document, DocumentKind.TXT)
    assert re.fullmatch(r"账单_2026-10_[\w-]*_YJ2026000042\.txt", name)
