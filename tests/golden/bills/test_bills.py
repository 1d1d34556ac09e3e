"""Bills as text, byte for byte."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.rooms.bills.documents.sample import (
    USUAL,
    Terms,
    Use,
    bill_document,
    broken_promise,
    strange_names,
    three_lines,
    three_projects,
    with_terms,
)
from yuejie.bills.bill import TaxMode
from yuejie.bills.documents.document import BillDocument, DocumentKind
from yuejie.bills.documents.render import render
from yuejie.kernel.period import BillingMonth

Golden = Callable[[str, bytes], None]

FIVE_THOUSAND_DOLLARS = Use("gpt-4o", "input", 1_000_000_000, "5.00")
EXCLUSIVE = replace(USUAL, tax_mode=TaxMode.EXCLUSIVE)
BACK = Use("gpt-4o", "output", -2_000_000, "15.00", month=BillingMonth(2026, 9))

BILLS: dict[str, BillDocument] = {
    "three_lines_in_yuan": three_lines(),
    "three_projects_with_late_lines": three_projects(),
    "draft_with_tax_on_top": three_projects(replace(EXCLUSIVE, issued=False, due_on=None)),
    "five_thousand_dollars_inclusive": bill_document(FIVE_THOUSAND_DOLLARS),
    "five_thousand_dollars_exclusive": bill_document(FIVE_THOUSAND_DOLLARS, terms=EXCLUSIVE),
    "billed_in_dollars": bill_document(
        FIVE_THOUSAND_DOLLARS, terms=Terms(currency="USD", fx=None, tax_mode=TaxMode.EXCLUSIVE)
    ),
    "less_than_nothing": bill_document(Use("gpt-4o", "input", 1_000, "5.00"), BACK),
    "strange_names": strange_names(),
    "with_terms": with_terms(),
    "broken_promise": broken_promise(),
}


@pytest.mark.parametrize("name", BILLS)
def test_bill(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render(BILLS[name], DocumentKind.TXT))
