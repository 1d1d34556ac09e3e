"""FOCUS 1.4: four datasets that agree with each other and with the bill, to the fen."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zipfile import ZipFile

import pytest

from tests.rooms.bills.documents.sample import Use, bill_document, with_terms
from tests.rooms.bills.documents.test_focus import BILLS, DOLLARS, LATE, every_bill
from yuejie.bills.bill import BillState, LineKind
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.focus import columns
from yuejie.bills.documents.focus.facts import Facts, minimum_of, package_of, payment_terms
from yuejie.bills.documents.focus.write import COLUMNS_1_4, to_focus_1_4
from yuejie.contracts.contract import Contract
from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.contracts.terms import (
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    DueBasis,
)
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.period import BillingMonth

OCTOBER = BillingMonth(2026, 10)
SIGNED = datetime(2026, 2, 20, 3, tzinfo=UTC)
STARTED = datetime(2026, 2, 28, 16, tzinfo=UTC)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MAY_BE_NULL = {
    "InvoiceDetail": {"InvoiceIssueDate", "PaymentDueDate", "PurchaseOrderNumber"},
    "BillingPeriod": set(),
    "ContractCommitment": {
        "ContractCommitmentDiscountPercentage",
        "ContractCommitmentQuantity",
        "ContractCommitmentUnit",
    },
}
ALLOWED = {
    "InvoiceIssueStatus": {"Open", "Issued", "Voided"},
    "BillingPeriodStatus": {"Open", "Closed"},
    "ContractCommitmentBenefitCategory": {"Discount", "Monetary Pool", "Availability", "Other"},
    "ContractCommitmentCategory": {"Spend", "Usage"},
    "ContractCommitmentFulfillmentInterval": {"Monthly", "Annual", "Full Commitment Period"},
    "ContractCommitmentLifecycleStatus": {"Pending", "Active", "Exhausted", "Expired"},
    "ContractCommitmentModel": {"Continuous", "Discontinuous"},
    "ContractCommitmentOfferCategory": {"Public", "Negotiated"},
    "ContractCommitmentPaymentInterval": {"One-Time", "Monthly"},
    "ContractCommitmentPaymentModel": {"No Upfront", "All Upfront"},
}


def datasets(document: BillDocument) -> dict[str, list[dict[str, str]]]:
    with ZipFile(io.BytesIO(to_focus_1_4(document))) as zipped:
        return {
            name.removesuffix(".csv"): list(
                csv.DictReader(io.StringIO(zipped.read(name).decode(), newline=""))
            )
            for name in zipped.namelist()
        }


def contract(terms: CommercialTerms) -> Contract:
    return Contract(
        contract_id=ContractId("ctr_acme-2026"),
        version=3,
        customer_id=CustomerId("cus_acme"),
        sale_book=BookId("book"),
        currency="CNY",
        zone="Asia/Shanghai",
        fx_policy="none",
        tax_mode="inclusive",
        tax_ppm=60_000,
        starts_at=STARTED,
        signed_at=SIGNED,
        terms=terms,
    )


PACKAGE = Grant(
    grant_id="grant_1",
    customer_id=CustomerId("cus_acme"),
    kind=GrantKind.PACKAGE,
    name="十万元套餐",
    amount_fen=100_000_00,
    paid_fen=80_000_00,
    currency="CNY",
    models=("deepseek-v3",),
    starts_on=date(2026, 9, 1),
    ends_on=date(2027, 3, 1),
    created_at=SIGNED,
)
SPAN = ("ctr_acme-2026", STARTED, datetime(2027, 2, 28, 16, tzinfo=UTC))


def promising(period: CommitmentPeriod = CommitmentPeriod.MONTH) -> BillDocument:
    """A bill with every kind of line, under a minimum and with a package half drawn."""
    document = with_terms()
    terms = CommercialTerms(commitment=Commitment(50_000_00, period), ends_on=date(2027, 3, 1))
    minimum = minimum_of([contract(terms)], 3, OCTOBER)
    assert minimum is not None
    lines = tuple(
        replace(line, refers_to="grant_1")
        if line.kind in {LineKind.PACKAGE, LineKind.PACKAGE_PURCHASE}
        else line
        for line in document.bill.lines
    )
    facts = Facts(
        (minimum, package_of(PACKAGE, "Asia/Shanghai", SPAN)),
        payment_terms(terms),
        {BillingMonth(2026, 9): "YJ2026000031"},
        all_issued=True,
    )
    bill = replace(document.bill, lines=lines)
    return replace(document, bill=bill, sealed_form=None, facts=facts)


@every_bill
def test_both_datasets_of_money_add_up_to_the_bill_and_join(document: BillDocument) -> None:
    found = datasets(document)
    for name in ("CostAndUsage", "InvoiceDetail"):
        total = sum(Decimal(row["BilledCost"]) for row in found[name])
        assert total * 100 == document.bill.gross.fen
    keys = ("InvoiceId", "InvoiceDetailId", "BilledCost", "ChargeCategory", "InvoiceIssuerName")
    assert [[row[key] for key in keys] for row in found["CostAndUsage"]] == [
        [row[key] for key in keys] for row in found["InvoiceDetail"]
    ]
    details = [row["InvoiceDetailId"] for row in found["InvoiceDetail"]]
    assert len(details) == len(set(details))
    (period,) = found["BillingPeriod"]
    assert {row["BillingPeriodStart"] for row in found["InvoiceDetail"]} == {
        period["BillingPeriodStart"]
    }


def test_the_columns_are_those_of_the_specification() -> None:
    """1.4 has no ProviderName and no PublisherName, and its order is by name."""
    assert not {"ProviderName", "PublisherName"} & set(COLUMNS_1_4)
    for wanted in (
        columns.COST_AND_USAGE_1_4,
        columns.BILL_DETAIL,
        columns.BILLING_PERIOD,
        columns.CONTRACT_COMMITMENT,
    ):
        assert list(wanted) == sorted(wanted)
    sizes = (columns.BILL_DETAIL, columns.BILLING_PERIOD, columns.CONTRACT_COMMITMENT)
    assert [len(each) for each in sizes] == [20, 6, 29]


@pytest.mark.parametrize("document", [*BILLS.values(), promising()])
def test_nulls_and_allowed_values_of_the_other_datasets(document: BillDocument) -> None:
    found = datasets(document)
    for name, nullable in MAY_BE_NULL.items():
        for row in found[name]:
            assert {column for column, value in row.items() if not value} <= nullable
            for column, value in row.items():
                assert column not in ALLOWED or value in ALLOWED[column], (column, value)
                if column.endswith(("Created", "LastUpdated", "Start", "End")):
                    assert INSTANT.fullmatch(value)


def test_a_draft_is_open_and_an_issued_month_is_closed() -> None:
    draft, issued = datasets(BILLS["draft"]), datasets(promising())
    assert {row["InvoiceIssueStatus"] for row in draft["InvoiceDetail"]} == {"Open"}
    assert {row["InvoiceIssueDate"] for row in draft["InvoiceDetail"]} == {""}
    assert draft["BillingPeriod"][0]["BillingPeriodStatus"] == "Open"
    assert {row["InvoiceIssueStatus"] for row in issued["InvoiceDetail"]} == {"Issued"}
    assert {row["PaymentTerms"] for row in issued["InvoiceDetail"]} == {"Net 7"}
    assert issued["BillingPeriod"][0]["BillingPeriodStatus"] == "Closed"
    voided = replace(promising().bill, state=BillState.VOIDED)
    rows = datasets(replace(promising(), bill=voided))["InvoiceDetail"]
    assert {row["InvoiceIssueStatus"] for row in rows} == {"Voided"}


def test_a_late_line_names_the_bill_that_it_adjusts() -> None:
    document = bill_document(Use("gpt-4o", "input", 1_000, "5.00"), LATE)
    facts = Facts(earlier={BillingMonth(2026, 9): "YJ2026000031"})
    rows = datasets(replace(document, facts=facts))["InvoiceDetail"]
    assert [row["ReferenceInvoiceId"] for row in rows] == [
        "YJ2026000042",
        "YJ2026000031",
        "YJ2026000042",
    ]


def test_each_charge_names_the_commitment_that_it_counts_towards() -> None:
    """Usage counts towards the minimum; a draw shows what it takes off its package."""
    found = datasets(promising())
    applied = {
        row["x_LineKind"]: json.loads(row["ContractApplied"])["Elements"][0]
        for row in found["CostAndUsage"]
        if row["ContractApplied"]
    }
    assert applied["usage"]["ContractCommitmentId"] == "ctr_acme-2026/minimum/2026-10"
    assert applied["package"]["ContractCommitmentId"] == "grant_1"
    assert applied["package"]["ContractCommitmentAppliedCost"] == 50_000
    assert "management_fee" not in applied
    named = {row["ContractCommitmentId"] for row in found["ContractCommitment"]}
    assert {each["ContractCommitmentId"] for each in applied.values()} <= named


def test_a_package_is_paid_upfront_for_its_models() -> None:
    row = datasets(promising())["ContractCommitment"][1]
    assert row["ContractCommitmentPaymentModel"] == "All Upfront"
    assert row["ContractCommitmentPaymentInterval"] == "One-Time"
    assert row["ContractCommitmentDiscountPercentage"] == "0.20"
    assert row["ContractCommitmentDurationType"] == "6 Months"
    assert row["ContractCommitmentLifecycleStatus"] == "Active"
    assert json.loads(row["ContractCommitmentApplicability"])["Inclusions"][0]["Values"] == [
        "deepseek-v3/"
    ]


@pytest.mark.parametrize(
    ("period", "starts", "ends", "duration", "life"),
    [
        ("month", "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z", "1 Month", "Expired"),
        ("year", "2026-02-28T16:00:00Z", "2027-02-28T16:00:00Z", "1 Year", "Active"),
        ("term", "2026-02-28T16:00:00Z", "2027-02-28T16:00:00Z", "12 Months", "Active"),
    ],
)
def test_a_minimum_is_measured_over_its_own_period(
    period: str, starts: str, ends: str, duration: str, life: str
) -> None:
    row = datasets(promising(CommitmentPeriod(period)))["ContractCommitment"][0]
    assert (row["ContractCommitmentPeriodStart"], row["ContractCommitmentPeriodEnd"]) == (
        starts,
        ends,
    )
    assert row["ContractCommitmentDurationType"] == duration
    assert row["ContractCommitmentLifecycleStatus"] == life
    assert row["ContractCommitmentCost"] == "50000.00"


def test_a_contract_without_minimum_promises_none_and_terms_say_from_when() -> None:
    assert minimum_of([contract(CommercialTerms())], 3, OCTOBER) is None
    assert minimum_of([], 3, OCTOBER) is None
    terms = CommercialTerms(payment_days=30, due_basis=DueBasis.FAPIAO_RECEIPT)
    assert payment_terms(terms) == "Net 30 from fapiao"
    assert datasets(bill_document(Use("gpt-4o", "input", 7, "5.00"), terms=DOLLARS))
    assert datasets(with_terms())["ContractCommitment"] == []


def test_a_renewed_term_is_a_minimum_of_its_own() -> None:
    """Each half year promises 6,000 anew: two minimums, each over its own half year."""
    half = CommercialTerms(
        commitment=Commitment(6_000_00, CommitmentPeriod.TERM), ends_on=date(2026, 7, 1)
    )
    first = replace(contract(half), version=1, starts_at=datetime(2025, 12, 31, 16, tzinfo=UTC))
    again = replace(
        contract(replace(half, ends_on=date(2027, 1, 1))),
        version=2,
        starts_at=datetime(2026, 6, 30, 16, tzinfo=UTC),
    )
    one, two = (
        minimum_of([first, again], number, BillingMonth.parse(month))
        for number, month in ((1, "2026-06"), (2, "2026-10"))
    )
    assert one is not None
    assert two is not None
    assert one.commitment_id != two.commitment_id
    assert (one.ends_at, two.starts_at, two.months) == (again.starts_at, again.starts_at, 6)
