from dataclasses import replace

import pytest

from tests.rooms.bills.documents.sample import (
    OCTOBER,
    USUAL,
    Use,
    bill_document,
    three_lines,
    three_projects,
)
from yuejie.bills.bill import LineKind
from yuejie.bills.documents.advice import how_to_check
from yuejie.bills.documents.document import BillDocument
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth


def test_subtotals_add_up_to_the_bill_in_every_column() -> None:
    document = three_projects()
    total = document.total()
    for parts in (document.by_project(), document.by_model()):
        assert total.amount_fen == sum(part.amount_fen for part in parts)
        assert total.net_fen + total.tax_fen == document.bill.gross.fen
        assert total.usd_fen == sum(part.usd_fen or 0 for part in parts)
        assert total.tokens == sum(part.tokens for part in parts)


def test_models_are_listed_from_the_largest_with_their_calls() -> None:
    models = three_projects().by_model()
    assert [part.name for part in models][:2] == ["claude-3-5-sonnet", "gpt-4o"]
    assert models[0].requests == 214_077
    assert three_projects().total().requests == 214_077 + 1_284_310 + 36_120 + 1_860


def test_pieces_are_not_counted_as_tokens() -> None:
    document = bill_document(Use("gpt-image-1", "images", 1_860, "0.04"))
    assert document.total().tokens == 0


def test_a_currency_with_a_gap_has_no_sum() -> None:
    document = bill_document(
        Use("deepseek-v3", "input", 1_000_000, "2.00", "CNY"),
        Use("gpt-4o", "input", 1_000_000, "5.00", "USD"),
    )
    assert document.currencies == ("USD", "CNY")
    assert document.total().usd_fen is None
    assert document.total().cny_fen == 200 + 3_600


def test_late_lines_stand_apart_and_name_their_month() -> None:
    groups = list(three_projects().groups())
    assert [group.kind for group in groups] == [LineKind.USAGE] * 3 + [LineKind.LATE]
    assert groups[-1].service_month == BillingMonth(2026, 9)
    assert groups[0].service_month == OCTOBER
    assert "2026-09" in dict(how_to_check(three_projects()))["补计"]


def test_the_check_shows_the_arithmetic_of_the_first_line() -> None:
    rules = dict(how_to_check(three_lines()))
    assert "412,000,000 × 2.00 ÷ 1,000,000 = 824.00" in rules["逐行"]
    assert "1,122.25 ÷ (1 + 6%) = 1,058.73" in rules["税额"]


def test_a_bill_without_lines_is_refused() -> None:
    document = three_lines()
    with pytest.raises(Invalid, match="没有明细行"):
        replace(document, bill=replace(document.bill, lines=()))


def test_a_bill_whose_lines_do_not_add_up_is_refused() -> None:
    document = three_lines()
    with pytest.raises(Invalid, match="合计不符"):
        replace(document, bill=replace(document.bill, lines=document.bill.lines[:2]))


def test_a_seal_of_something_else_is_refused() -> None:
    document: BillDocument = three_lines()
    with pytest.raises(Invalid, match="封印不符"):
        replace(document, sealed_form=b"{}")


def test_a_draft_is_dated_by_its_closing_in_the_customers_zone() -> None:
    draft = three_projects(replace(USUAL, issued=False))
    assert draft.is_draft
    assert draft.dated.isoformat() == "2026-11-01T01:30:00+08:00"
    assert three_projects().dated.isoformat() == "2026-11-02T09:15:00+08:00"
