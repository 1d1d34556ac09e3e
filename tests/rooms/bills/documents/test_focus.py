"""FOCUS 1.2 against its column pages and the official validator's rules; 1.4 against its pages.

The validator needs another Python than ours and half a gigabyte, so its rules that apply to us are
written here once more; docs/decisions/0081 says how it was run, and what it said.
"""

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.rooms.bills.documents.sample import (
    CUSTOMER,
    USUAL,
    Terms,
    Use,
    bill_document,
    strange_names,
    three_lines,
    three_projects,
    with_terms,
)
from yuejie.bills.bill import LineKind, TaxMode
from yuejie.bills.documents.document import BillDocument, Priced
from yuejie.bills.documents.focus import columns
from yuejie.bills.documents.focus.rows import CATEGORIES
from yuejie.bills.documents.focus.write import COLUMNS_1_2, to_focus, to_focus_1_4
from yuejie.kernel.period import BillingMonth

EXCLUSIVE = replace(USUAL, tax_mode=TaxMode.EXCLUSIVE)
DOLLARS = Terms(currency="USD", fx=None, tax_mode=TaxMode.EXCLUSIVE)
LATE = Use("gpt-4o", "output", -2_000_000, "15.00", month=BillingMonth(2026, 9))

BILLS = {
    "yuan": three_lines(),
    "projects": three_projects(),
    "tax on top": three_projects(EXCLUSIVE),
    "dollars": bill_document(Use("gpt-4o", "input", 7, "5.00"), terms=DOLLARS),
    "terms": with_terms(),
    "below zero": bill_document(Use("gpt-4o", "input", 1_000, "5.00"), LATE),
    "strange": strange_names(),
    "draft": three_projects(replace(USUAL, issued=False)),
}
every_bill = pytest.mark.parametrize("document", BILLS.values(), ids=list(BILLS))

STRING, DECIMAL, INSTANT, JSON = "String", "Decimal", "Date/Time", "JSON"
NEVER_NULL = {
    "BilledCost": DECIMAL,
    "BillingAccountId": STRING,
    "BillingAccountName": STRING,
    "BillingAccountType": STRING,
    "BillingCurrency": STRING,
    "BillingPeriodEnd": INSTANT,
    "BillingPeriodStart": INSTANT,
    "ChargeCategory": STRING,
    "ChargeDescription": STRING,
    "ChargeFrequency": STRING,
    "ChargePeriodEnd": INSTANT,
    "ChargePeriodStart": INSTANT,
    "ContractedCost": DECIMAL,
    "EffectiveCost": DECIMAL,
    "InvoiceIssuerName": STRING,
    "ListCost": DECIMAL,
    "PricingCurrency": STRING,
    "PricingCurrencyEffectiveCost": DECIMAL,
    "ProviderName": STRING,
    "PublisherName": STRING,
    "ServiceCategory": STRING,
    "ServiceName": STRING,
    "ServiceSubcategory": STRING,
}
"""“… MUST NOT be null” without a condition, and the column's data type."""
PRICED = {
    "ContractedUnitPrice": DECIMAL,
    "ListUnitPrice": DECIMAL,
    "PricingCategory": STRING,
    "PricingCurrencyContractedUnitPrice": DECIMAL,
    "PricingCurrencyListUnitPrice": DECIMAL,
    "PricingQuantity": DECIMAL,
    "PricingUnit": STRING,
    "SkuId": STRING,
    "SkuPriceId": STRING,
}
"""“MUST be null when ChargeCategory is "Tax"”, “MUST NOT be null when … "Usage" or "Purchase"”."""
OTHERS = {
    "ChargeClass": STRING,
    "ConsumedQuantity": DECIMAL,
    "ConsumedUnit": STRING,
    "InvoiceId": STRING,
    "SkuMeter": STRING,
    "SkuPriceDetails": JSON,
    "SubAccountId": STRING,
    "SubAccountName": STRING,
    "SubAccountType": STRING,
    "Tags": JSON,
}
NONE_OF_OURS = {
    "AvailabilityZone",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
}
"""Columns of what an API has none of; the validator asks about some of them all the same."""
TYPES = NEVER_NULL | PRICED | OTHERS
FORMS = {
    STRING: re.compile(r"(?s).*\S.*"),
    DECIMAL: re.compile(r"-?\d+(\.\d+)?"),
    INSTANT: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    JSON: re.compile(r"\{.*\}"),
}
"""NumericFormat (no sign for a positive value, no commas), DateTimeFormat, KeyValueFormat."""
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
    "BillingCurrency": {"CNY", "USD"},
    "PricingCurrency": {"CNY", "USD"},
}


def rows(document: BillDocument) -> list[dict[str, str]]:
    text = to_focus(document).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def total(found: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in found), Decimal(0))


@every_bill
def test_what_is_billed_adds_up_to_the_bill_to_the_fen(document: BillDocument) -> None:
    """BilledCost: the sum for an InvoiceId matches the payable amount of that invoice."""
    found = rows(document)
    assert total(found, "BilledCost") * 100 == document.bill.gross.fen
    taxes = [row for row in found if row["ChargeCategory"] == "Tax"]
    assert total(taxes, "BilledCost") * 100 == document.bill.tax.fen


def test_every_column_of_the_specification_is_there_and_ours_follow() -> None:
    ours = [name for name in COLUMNS_1_2 if name.startswith("x_")]
    assert list(COLUMNS_1_2) == sorted(TYPES.keys() | NONE_OF_OURS) + sorted(ours)
    assert len(columns.COST_AND_USAGE_1_2) == 57


@every_bill
def test_what_the_validator_calls_a_string_is_ascii_and_ours_is_as_written(
    document: BillDocument,
) -> None:
    """StringHandling, as the validator reads it; JSON is the same value with escapes."""
    for row in rows(document):
        for name, value in row.items():
            assert name.startswith("x_") or value.isascii(), (name, value)
        assert not [name for name in NONE_OF_OURS if row[name]]
        assert row["x_InvoiceIssuerName"].removeprefix("'") == document.seller.legal_name
        assert row["ProviderName"] == row["InvoiceIssuerName"]
    assert {row["x_BillingAccountName"].lstrip("'") for row in rows(document)} == {
        document.customer.legal_name.lstrip("'").replace("\0", "")
    }


@every_bill
def test_what_is_bought_costs_nothing_when_it_is_bought(document: BillDocument) -> None:
    """EffectiveCost-C-005: 0 for a Purchase; so a fee, which covers nothing, is an Adjustment."""
    for row in rows(document):
        assert row["ChargeCategory"] != "Purchase" or Decimal(row["EffectiveCost"]) == 0


@every_bill
def test_types_nulls_and_allowed_values(document: BillDocument) -> None:
    for row in rows(document):
        for column, kind in TYPES.items():
            assert row[column] == "" or FORMS[kind].fullmatch(row[column]), (column, row[column])
        assert not [column for column in NEVER_NULL if not row[column]]
        for column, allowed in ALLOWED.items():
            assert row[column] in allowed
        category = row["ChargeCategory"]
        if category == "Tax":
            assert not [column for column in PRICED if row[column]]
        if category in {"Usage", "Purchase"}:
            assert not [column for column in PRICED if not row[column]]
        assert bool(row["ConsumedQuantity"]) == (category == "Usage")
        assert bool(row["ConsumedUnit"]) == bool(row["ConsumedQuantity"])
        assert bool(row["PricingUnit"]) == bool(row["PricingQuantity"])
        assert (category, row["ChargeFrequency"]) != ("Purchase", "Usage-Based")
        assert bool(row["SubAccountId"]) == bool(row["SubAccountType"])


@every_bill
def test_price_times_quantity_is_the_cost(document: BillDocument) -> None:
    """ContractedUnitPrice, ListUnitPrice: the product MUST match the cost; never negative."""
    for row in rows(document):
        for unit, cost in (
            ("ContractedUnitPrice", "ContractedCost"),
            ("ListUnitPrice", "ListCost"),
        ):
            if not row[unit]:
                assert row["ChargeCategory"] == "Tax" or row[cost] == row["BilledCost"]
                continue
            assert Decimal(row[unit]) >= 0
            assert Decimal(row[unit]) * Decimal(row["PricingQuantity"]) == Decimal(row[cost])
            assert abs(Decimal(row["ContractedCost"]) - Decimal(row["BilledCost"])) < Decimal(
                "0.02"
            )


def test_the_period_is_the_month_of_the_customers_zone_in_utc() -> None:
    zone = replace(CUSTOMER, zone="America/New_York")
    first = rows(three_projects(replace(USUAL, customer=zone)))[0]
    assert first["BillingPeriodStart"] == "2026-10-01T04:00:00Z"
    assert first["BillingPeriodEnd"] == "2026-11-01T04:00:00Z"


def test_a_late_line_corrects_the_month_it_belongs_to() -> None:
    found = rows(BILLS["below zero"])
    usage, late, tax = found
    assert (usage["ChargeClass"], tax["ChargeClass"]) == ("", "")
    assert late["ChargeClass"] == "Correction"
    assert late["ChargePeriodStart"] == "2026-08-31T16:00:00Z"
    assert late["BillingPeriodStart"] == "2026-09-30T16:00:00Z"
    assert late["ConsumedQuantity"] == "-2000000.0"


def test_usage_names_its_price_its_sku_its_project_and_its_department() -> None:
    row = rows(three_lines())[1]
    assert row["SkuId"] == "deepseek-v3/cache_read"
    assert row["SkuMeter"] == "Cache Read Tokens"
    assert (row["PricingQuantity"], row["PricingUnit"]) == ("96.5", "1000000 Tokens")
    assert (row["SubAccountName"], row["x_SubAccountName"]) == ("KeFuZhuShou", "客服助手")
    assert (row["SubAccountType"], row["ServiceName"]) == ("Project", "Large Language Model API")
    assert (row["ChargeDescription"], row["x_ChargeDescription"]) == (
        "deepseek-v3 Cache Read Tokens",
        "deepseek-v3 缓存命中输入",
    )
    assert json.loads(row["Tags"]) == {"department": "客户服务部"}
    assert row["InvoiceId"] == "YJ2026000042"
    assert row["x_LineId"] == "line_000002"


def test_pieces_are_priced_by_the_piece() -> None:
    images = next(row for row in rows(three_projects()) if row["SkuMeter"] == "Images")
    assert (images["PricingQuantity"], images["PricingUnit"]) == ("1860.0", "Images")
    assert (images["PricingCurrency"], images["BillingCurrency"]) == ("USD", "CNY")
    assert images["PricingCurrencyContractedUnitPrice"] == "0.037735849057"


def test_a_discounted_rate_shows_its_list_price() -> None:
    """Agreed at half: ListCost is what the same tokens cost at the list, in the same currency."""
    document = bill_document(Use("gpt-4o", "input", 10_000_000, "2.50"), terms=replace(DOLLARS))
    priced = Priced(1, 77, 5_000_000, "USD", "batch", 200_000, "night", "openai")
    usage, tax = rows(replace(document, priced={1: priced}))
    assert (usage["ListUnitPrice"], usage["ListCost"]) == ("5.00", "50.00")
    assert (usage["ContractedUnitPrice"], usage["ContractedCost"]) == ("2.50", "25.00")
    assert (tax["ListCost"], tax["ContractedCost"]) == ("3.00", "1.50")
    assert (usage["SkuPriceId"], usage["x_RateId"]) == ("rate-77", "1")
    assert usage["PublisherName"] == "openai"
    assert json.loads(usage["SkuPriceDetails"]) == {
        "x_ModelId": "gpt-4o",
        "x_Meter": "input",
        "x_ServiceTier": "batch",
        "x_ContextAbove": 200_000,
        "x_TimeWindow": "night",
    }


def test_a_list_price_in_another_currency_is_no_discount() -> None:
    document = bill_document(Use("gpt-4o", "input", 10_000_000, "36.00", "CNY"))
    priced = Priced(1, 77, 5_000_000, "USD", "default", 0, "", "openai")
    usage, _ = rows(replace(document, priced={1: priced}))
    assert usage["ListCost"] == usage["ContractedCost"]


def test_a_package_costs_where_it_is_used_what_was_paid_for_it() -> None:
    """
    A package good for 100,000 was bought for 80,000: it costs nothing on the day it is bought,
    and usage drawn from it costs four fifths of its price.
    """
    document = with_terms()
    lines = tuple(
        replace(line, refers_to="grant_1") if line.kind is LineKind.PACKAGE else line
        for line in document.bill.lines
    )
    bill = replace(document.bill, lines=lines)
    changed = replace(
        document, bill=bill, sealed_form=None, packages={"grant_1": (100_000_00, 80_000_00)}
    )
    found = {row["x_LineKind"]: row for row in rows(changed)}
    assert found["package_purchase"]["EffectiveCost"] == "0.00"
    assert found["package_purchase"]["ChargeCategory"] == "Purchase"
    assert found["package"]["BilledCost"] == "-50000.00"
    assert found["package"]["EffectiveCost"] == "-10000.00"
    assert found["management_fee"]["ChargeFrequency"] == "Recurring"
    assert found["voucher"]["ChargeCategory"] == "Credit"
    assert found["voucher"]["EffectiveCost"] == found["voucher"]["BilledCost"]
    assert found["usage"]["x_PurchaseOrder"] == "PO-2026-0042"


def test_what_a_package_was_good_for_beyond_its_price_is_a_line_of_its_own() -> None:
    """What was paid for costs nothing where it is drawn; what was given takes its amount off."""
    document = with_terms()
    drawn = {LineKind.PACKAGE, LineKind.VOUCHER}
    lines = tuple(
        replace(line, refers_to="grant_1") if line.kind in drawn else line
        for line in document.bill.lines
    )
    bill = replace(document.bill, lines=lines)
    known = {"grant_1": (100_000_00, 80_000_00)}
    found = {
        row["x_LineKind"]: row
        for row in rows(replace(document, bill=bill, sealed_form=None, packages=known))
    }
    assert found["package"]["EffectiveCost"] == "0.00"
    assert found["voucher"]["EffectiveCost"] == found["voucher"]["BilledCost"]


def test_every_kind_of_line_has_a_category() -> None:
    assert set(CATEGORIES) == set(LineKind)


def test_a_draft_is_on_no_bill_yet() -> None:
    assert {row["InvoiceId"] for row in rows(BILLS["draft"])} == {""}


def test_no_text_is_a_formula_and_no_number_is_quoted() -> None:
    for row in rows(strange_names()):
        for column, value in row.items():
            if TYPES.get(column) == DECIMAL:
                assert not value or Decimal(value) is not None
            else:
                assert value[:1] not in set("=+-@\t\r\n＝＋－＠")


def test_the_same_bill_gives_the_same_bytes_and_begins_with_a_column() -> None:
    first = to_focus(three_projects())
    assert first == to_focus(three_projects())
    assert first.startswith(b"AvailabilityZone,BilledCost,")
    assert to_focus_1_4(with_terms()) == to_focus_1_4(with_terms())
