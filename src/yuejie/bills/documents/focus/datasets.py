"""The datasets of FOCUS 1.4 besides CostAndUsage, for one bill. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec import Raw

from yuejie.bills.bill import BillLine, BillState
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.focus.facts import Promised
from yuejie.bills.documents.focus.form import as_json, instant, span_of
from yuejie.bills.documents.focus.rows import Row, rows_of
from yuejie.contracts.contract import midnight
from yuejie.contracts.terms import CommitmentPeriod
from yuejie.kernel.money import FEN, PPM, plain

INTERVALS: Final = {
    CommitmentPeriod.MONTH: "Monthly",
    CommitmentPeriod.YEAR: "Annual",
    CommitmentPeriod.TERM: "Full Commitment Period",
}


def bill_details(document: BillDocument) -> Iterator[Row]:
    """Yield one row per line and per tax line, as CostAndUsage has them, zeros included."""
    bill = document.bill
    lines: dict[str, BillLine] = {line.line_id: line for line in bill.lines}
    head = {
        "InvoiceDetailCreated": instant(bill.closed_at),
        "InvoiceDetailLastUpdated": instant(bill.issued_at or bill.closed_at),
        "InvoiceId": bill.name,
        "InvoiceIssueDate": instant(bill.issued_at) if bill.issued_at else "",
        "InvoiceIssueStatus": _status(bill.state),
        "PaymentCurrency": bill.currency,
        "PaymentDueDate": _due(document),
        "PaymentTerms": document.facts.payment_terms,
        "PurchaseOrderNumber": bill.purchase_order,
    }
    for row in cost_and_usage(document):
        line = lines.get(row["InvoiceDetailId"])
        yield (
            row
            | head
            | {
                "InvoiceDetailDescription": row["ChargeDescription"],
                "InvoiceDetailGrain": _grain(row),
                "ReferenceInvoiceId": _refers(document, line),
            }
        )


def billing_periods(document: BillDocument) -> Iterator[Row]:
    """Yield the bill's month: closed when every bill of it is issued."""
    bill = document.bill
    start, end = span_of(bill.month, document.customer.zone)
    yield {
        "BillingPeriodCreated": instant(bill.closed_at),
        "BillingPeriodEnd": end,
        "BillingPeriodLastUpdated": instant(bill.issued_at or bill.closed_at),
        "BillingPeriodStart": start,
        "BillingPeriodStatus": "Closed" if document.facts.all_issued else "Open",
        "InvoiceIssuerName": document.seller.legal_name,
    }


def contract_commitments(document: BillDocument) -> Iterator[Row]:
    """Yield what was promised: the minimum that the month counts towards, and packages."""
    for promised in document.facts.promised:
        yield _minimum(promised) | _commitment(document, promised)


def cost_and_usage(document: BillDocument) -> Iterator[Row]:
    """Yield the rows of CostAndUsage, each naming the commitment it counts towards."""
    bill, minimum = document.bill, document.facts.minimum
    lines: dict[str, BillLine] = {line.line_id: line for line in bill.lines}
    packages = {each.commitment_id: each for each in document.facts.promised}
    for row in rows_of(document):
        line = lines.get(row["x_LineId"])
        applied = None
        if line is not None:
            applied = packages.get(line.refers_to) or (minimum if _counts(line) else None)
        yield row | {
            "ContractApplied": _applied(applied, row) if applied else "",
            "InvoiceDetailId": row["x_LineId"],
            "InvoiceId": bill.name,
        }


def _counts(line: BillLine) -> bool:
    """Tell whether a line is spend: usage after tier discount, and what is missing to it."""
    return line.metered or line.kind in {"tier_discount", "true_up"}


def _applied(promised: Promised, row: Row) -> str:
    cost = Raw(row["BilledCost"].lstrip("-").encode())
    if promised.interval is not None:
        cost = Raw(row["BilledCost"].encode())
    element = {
        "ContractId": promised.contract_id,
        "ContractCommitmentId": promised.commitment_id,
        "ContractCommitmentAppliedCost": cost,
    }
    return as_json({"Elements": [element]})


def _grain(row: Row) -> str:
    named = ("ServiceName", "SkuId", "SkuMeter", "SkuPriceId", "SubAccountId")
    grain: dict[str, object] = {name: row[name] for name in named if row.get(name)}
    grain |= {"ContractId": row["x_ContractId"], "x_LineKind": row["x_LineKind"]}
    return as_json(grain | {"x_ServiceMonth": row["x_ServiceMonth"]})


def _refers(document: BillDocument, line: BillLine | None) -> str:
    """Return the bill that a line adjusts: its month's, where that was billed before."""
    bill = document.bill
    if line is None or line.service_month >= bill.month:
        return bill.name
    return document.facts.earlier.get(line.service_month, bill.name)


def _status(state: BillState) -> str:
    if state is BillState.VOIDED:
        return "Voided"
    drafted = {BillState.DRAFT, BillState.PROPOSED, BillState.CONFIRMED, BillState.DISPUTED}
    return "Open" if state in drafted else "Issued"


def _due(document: BillDocument) -> str:
    if document.due_on is None:
        return ""
    return instant(midnight(document.due_on, document.customer.zone))


def _commitment(document: BillDocument, promised: Promised) -> Row:
    """Return what every commitment says."""
    seller, cost = document.seller.legal_name, plain(promised.amount_fen, FEN)
    return {
        "BillingCurrency": document.bill.currency,
        "ContractCommitmentApplicability": _scope(promised),
        "ContractCommitmentCategory": "Spend",
        "ContractCommitmentCost": cost,
        "ContractCommitmentCreated": instant(promised.signed_at),
        "ContractCommitmentDescription": promised.name,
        "ContractCommitmentDurationType": _duration(promised),
        "ContractCommitmentId": promised.commitment_id,
        "ContractCommitmentLastUpdated": instant(promised.signed_at),
        "ContractCommitmentLifecycleStatus": _life(promised, document.dated),
        "ContractCommitmentModel": "Discontinuous",
        "ContractCommitmentOfferCategory": "Negotiated",
        "ContractCommitmentPeriodEnd": instant(promised.ends_at),
        "ContractCommitmentPeriodStart": instant(promised.starts_at),
        "ContractId": promised.contract_id,
        "ContractPeriodEnd": instant(promised.contract_ends_at),
        "ContractPeriodStart": instant(promised.contract_starts_at),
        "InvoiceIssuerName": seller,
        "PricingCurrency": promised.currency,
        "PricingCurrencyContractCommitmentCost": cost,
        "ServiceProviderName": seller,
    }


def _minimum(promised: Promised) -> Row:
    """Return what tells a minimum from a package."""
    if promised.interval is not None:
        return {
            "ContractCommitmentBenefitCategory": "Other",
            "ContractCommitmentFulfillmentInterval": INTERVALS[promised.interval],
            "ContractCommitmentPaymentInterval": "Monthly",
            "ContractCommitmentPaymentModel": "No Upfront",
            "ContractCommitmentType": "Minimum Spend",
        }
    less = promised.amount_fen - promised.paid_fen
    share = plain(less * PPM // promised.amount_fen, PPM) if less >= 0 else ""
    return {
        "ContractCommitmentBenefitCategory": "Monetary Pool",
        "ContractCommitmentDiscountPercentage": share,
        "ContractCommitmentFulfillmentInterval": "Full Commitment Period",
        "ContractCommitmentPaymentInterval": "One-Time",
        "ContractCommitmentPaymentModel": "All Upfront",
        "ContractCommitmentType": "Prepaid Package",
    }


def _scope(promised: Promised) -> str:
    if not promised.models:
        return as_json({"IsGlobalScope": True})
    begins = [f"{model}/" for model in promised.models]
    rule = {"Dimension": "SkuId", "Operator": "StartsWith", "Values": begins}
    return as_json({"InclusionOperator": "Or", "Inclusions": [rule]})


def _duration(promised: Promised) -> str:
    months = promised.months
    if promised.interval is CommitmentPeriod.YEAR:
        return "1 Year"
    if months:
        return f"{months} Month{'s' if months > 1 else ''}"
    days = (promised.ends_at - promised.starts_at).days
    return f"{days} Day{'s' if days > 1 else ''}"


def _life(promised: Promised, at: datetime) -> str:
    if at >= promised.ends_at:
        return "Expired"
    if at < promised.starts_at:
        return "Pending"
    return "Exhausted" if promised.used_up else "Active"
