"""From a bill to FOCUS rows: one per bill line without its tax, one per tax line. Pure.

So BilledCost of all rows adds up to what the bill asks for, to the fen: nothing is rounded here
that the bill has not rounded, and no row is needed for a remainder.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from yuejie.bills.bill import BillLine, LineKind, TaxLine
from yuejie.bills.closing.clouds.owed import read_ref
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.focus import columns
from yuejie.bills.documents.focus.columns import Category, Frequency
from yuejie.bills.documents.focus.form import as_json, span_of
from yuejie.bills.documents.focus.prices import Prices, of_fen, prices_of, written
from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.kernel.ids import LineId
from yuejie.kernel.money import FEN, PPM, divide, plain
from yuejie.usage.meters import UNIT_METERS, meter_name, per

Row = dict[str, str]
"""Text by column; a column that is not there is null."""

CATEGORIES: Final = {
    LineKind.USAGE: Category.USAGE,
    LineKind.LATE: Category.USAGE,
    LineKind.TIER_DISCOUNT: Category.ADJUSTMENT,
    LineKind.PACKAGE: Category.ADJUSTMENT,
    LineKind.TRUE_UP: Category.ADJUSTMENT,
    LineKind.MANAGEMENT_FEE: Category.ADJUSTMENT,
    LineKind.SLA_CREDIT: Category.CREDIT,
    LineKind.VOUCHER: Category.CREDIT,
    LineKind.ADJUSTMENT: Category.ADJUSTMENT,
    LineKind.LATE_FEE: Category.ADJUSTMENT,
    LineKind.BREAK_FEE: Category.ADJUSTMENT,
    LineKind.PACKAGE_PURCHASE: Category.PURCHASE,
    LineKind.CLOUD: Category.PURCHASE,
    LineKind.CARRIED: Category.ADJUSTMENT,
}
SERVICE: Final = "大模型 API"
ENGLISH: Final = "ChargeDescription in English"
"""What 1.2 says in place of our words; no column of any file has this name."""


def rows_of(document: BillDocument) -> Iterator[Row]:
    """Yield the lines in print order, then the taxes."""
    prices = {
        line.line_id: prices_of(line, document.bill, document.priced.get(line.sale_rate))
        for line in document.usage
    }
    for line in document.bill.lines:
        row = _metered(document, line, prices[line.line_id]) if line.metered else None
        yield row or _agreed(document, line)
    for tax_line in document.bill.tax_lines:
        yield _tax(document, tax_line, prices)


def _head(document: BillDocument) -> Row:
    """Return what every row of a bill says."""
    bill, customer, seller = document.bill, document.customer, document.seller.legal_name
    start, end = span_of(bill.month, customer.zone)
    return {
        "BillingAccountId": customer.customer_id,
        "BillingAccountName": customer.legal_name,
        "BillingAccountType": "Customer",
        "BillingCurrency": bill.currency,
        "BillingPeriodEnd": end,
        "BillingPeriodStart": start,
        "HostProviderName": seller,
        "InvoiceId": bill.number or "",
        "InvoiceIssuerName": seller,
        "PricingCurrency": bill.currency,
        "ProviderName": seller,
        "PublisherName": seller,
        "ServiceCategory": columns.SERVICE_CATEGORY,
        "ServiceName": SERVICE,
        "ServiceProviderName": seller,
        "ServiceSubcategory": columns.SERVICE_SUBCATEGORY,
        "x_ContractId": bill.contract_id,
        "x_PurchaseOrder": bill.purchase_order,
    }


def _line(document: BillDocument, line: BillLine) -> Row:
    """Return what every row of a bill line says."""
    bill = document.bill
    start, end = span_of(line.service_month, document.customer.zone)
    corrects = line.service_month < bill.month and line.kind is not LineKind.CARRIED
    return _head(document) | {
        "BilledCost": plain(line.net_fen, FEN),
        "ChargeCategory": _category(line),
        "ChargeClass": columns.CORRECTION if corrects else "",
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "EffectiveCost": plain(line.net_fen, FEN),
        "x_BillLine": str(line.position),
        "x_LineId": line.line_id,
        "x_LineKind": str(line.kind),
        "x_ServiceMonth": str(line.service_month),
        "x_TaxRate": wording.tax_rate(bill.tax_ppm) if line.tax_line is not None else "",
    }


def _metered(document: BillDocument, line: BillLine, prices: Prices) -> Row:
    """Return a row of usage: quantity × rate."""
    priced = document.priced.get(line.sale_rate)
    own = line.rate_currency == document.bill.currency
    department = {"department": line.department} if line.department else None
    return _line(document, line) | {
        "ChargeDescription": f"{line.model} {meter_name(line.meter)}",
        ENGLISH: f"{line.model} {_meter(line.meter)}",
        "ChargeFrequency": Frequency.USAGE_BASED,
        "ConsumedQuantity": plain(line.quantity, 1, 1),
        "ConsumedUnit": _unit(line.meter),
        "ContractedCost": prices.contracted.whole,
        "ContractedUnitPrice": prices.contracted.unit,
        "ListCost": prices.listed.whole,
        "ListUnitPrice": prices.listed.unit,
        "PricingCategory": columns.STANDARD,
        "PricingCurrency": line.rate_currency,
        "PricingCurrencyContractedUnitPrice": prices.pricing_contracted.unit,
        "PricingCurrencyEffectiveCost": (
            plain(line.net_fen, FEN) if own else prices.pricing_contracted.whole
        ),
        "PricingCurrencyListUnitPrice": prices.pricing_listed.unit,
        "PricingQuantity": plain(line.quantity, per(line.meter), 1),
        "PricingUnit": _unit(line.meter) if line.meter in UNIT_METERS else columns.MTOKENS,
        "PublisherName": (priced.owner if priced else "") or document.seller.legal_name,
        "SkuId": f"{line.model}/{line.meter}",
        "SkuMeter": _meter(line.meter),
        "SkuPriceDetails": as_json(_details(document, line)),
        "SkuPriceId": f"rate-{priced.list_id if priced else line.sale_rate}",
        "SubAccountId": line.project_id,
        "SubAccountName": line.project_name,
        "SubAccountType": "Project",
        "Tags": as_json(department) if department else "",
        "x_FxRate": wording.fx_e8(line.fx_e8),
        "x_RateId": str(line.sale_rate),
    }


def _details(document: BillDocument, line: BillLine) -> dict[str, str | int]:
    """Return what tells a price from its neighbours of the same model and meter."""
    priced = document.priced.get(line.sale_rate)
    details: dict[str, str | int] = {"x_ModelId": line.model, "x_Meter": line.meter}
    if priced is not None:
        details["x_ServiceTier"] = priced.service_tier
        details |= {"x_ContextAbove": priced.context_above} if priced.context_above else {}
        details |= {"x_TimeWindow": priced.time_window} if priced.time_window else {}
    return details


def _agreed(document: BillDocument, line: BillLine) -> Row:
    """Return a row of what the contract adds to usage, or takes off."""
    cost = plain(line.net_fen, FEN)
    effective = written(_effective_e18(document, line))
    monthly = line.kind is LineKind.MANAGEMENT_FEE
    row = _line(document, line) | {
        "ChargeDescription": line.item or wording.KINDS[line.kind],
        ENGLISH: _words(line.kind),
        "ChargeFrequency": Frequency.RECURRING if monthly else Frequency.ONE_TIME,
        "ContractedCost": cost,
        "EffectiveCost": effective,
        "ListCost": cost,
        "PricingCurrencyEffectiveCost": effective,
    }
    if line.kind is LineKind.CLOUD:
        row |= _resold(line)
    if _category(line) is not Category.PURCHASE:
        return row
    unit = plain(abs(line.net_fen), FEN)
    return row | {
        "ContractedUnitPrice": unit,
        "ListUnitPrice": unit,
        "PricingCategory": columns.STANDARD,
        "PricingCurrencyContractedUnitPrice": unit,
        "PricingCurrencyListUnitPrice": unit,
        "PricingQuantity": "1.0" if line.net_fen >= 0 else "-1.0",
        "PricingUnit": columns.EACH,
        "SkuId": str(line.kind),
        "SkuMeter": _words(line.kind),
        "SkuPriceId": line.refers_to or f"{document.bill.contract_id}/{line.kind}",
    }


_CLOUD: Final = {
    CloudCategory.TAX: Category.ADJUSTMENT,
    CloudCategory.CREDIT: Category.CREDIT,
    CloudCategory.REFUND: Category.CREDIT,
    CloudCategory.ADJUSTMENT: Category.ADJUSTMENT,
}
"""What a cloud's row is on our bill, where it is not bought: its tax is no tax of ours."""


def _category(line: BillLine) -> Category:
    if line.kind is not LineKind.CLOUD:
        return CATEGORIES[line.kind]
    return _CLOUD.get(read_ref(line.refers_to).category, Category.PURCHASE)


def _resold(line: BillLine) -> Row:
    """Return what a line of a cloud's bill says of the service and of its cost there."""
    ref = read_ref(line.refers_to)
    project = {
        "SubAccountId": line.project_id,
        "SubAccountName": line.project_name,
        "SubAccountType": "Project",
    }
    return {
        "ServiceCategory": "Other",
        "ServiceName": ref.service,
        "ServiceSubcategory": "Other (Other)",
        ENGLISH: f"{ref.source} {ref.category}",
        "x_FxRate": wording.fx_e8(line.fx_e8),
    } | (project if line.project_id else {})


def _effective_e18(document: BillDocument, line: BillLine) -> int:
    """Return what a line adds to the cost of the month it belongs to.

    A package costs nothing when it is bought: the usage it covers bears its price, which is what
    was paid for each fen of it. So drawing on it takes off only what it is good for beyond that: a
    line of its own, or on bills from before there was one, a share of the only line.
    """
    if line.kind is LineKind.PACKAGE_PURCHASE:
        return 0
    package = document.packages.get(line.refers_to)
    if line.kind is not LineKind.PACKAGE:
        return of_fen(line.net_fen)
    if package is None or _given(document, line.refers_to):
        return 0
    amount_fen, paid_fen = package
    return divide(of_fen(line.net_fen) * (amount_fen - paid_fen), amount_fen)


def _given(document: BillDocument, grant_id: str) -> bool:
    """Tell whether the bill has a line for what a package is good for beyond its price."""
    lines = document.bill.lines
    return any(each.kind is LineKind.VOUCHER and each.refers_to == grant_id for each in lines)


def _tax(document: BillDocument, tax_line: TaxLine, prices: Mapping[LineId, Prices]) -> Row:
    """Return a row of tax; at agreed and at list prices it would be the same share of those."""
    bill = document.bill
    own = [line for line in bill.lines if line.tax_line == tax_line.position]
    contracted = listed = 0
    for line in own:
        found = prices.get(line.line_id)
        contracted += found.contracted.e18 if found else of_fen(line.net_fen)
        listed += found.listed.e18 if found else of_fen(line.net_fen)
    start, end = span_of(bill.month, document.customer.zone)
    cost = plain(tax_line.tax_fen, FEN)
    rate = wording.tax_rate(tax_line.tax_ppm)
    return _head(document) | {
        "BilledCost": cost,
        "ChargeCategory": Category.TAX,
        "ChargeDescription": f"增值税 {rate} {tax_line.item}",
        ENGLISH: f"VAT {rate}",
        "ChargeFrequency": Frequency.ONE_TIME,
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "ContractedCost": written(divide(contracted * tax_line.tax_ppm, PPM)),
        "EffectiveCost": cost,
        "ListCost": written(divide(listed * tax_line.tax_ppm, PPM)),
        "PricingCurrencyEffectiveCost": cost,
        "x_LineId": f"tax-{tax_line.position}",
        "x_LineKind": "tax",
        "x_ServiceMonth": str(bill.month),
        "x_TaxRate": rate,
    }


def _unit(meter: str) -> str:
    return columns.UNITS.get(meter, columns.TOKENS)


def _meter(meter: str) -> str:
    return _words(meter) if meter in UNIT_METERS else f"{_words(meter)} {columns.TOKENS}"


def _words(code: str) -> str:
    return code.replace("_", " ").title()
