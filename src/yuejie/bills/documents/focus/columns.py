"""The columns of a FOCUS file, in their order, and the words that the specification fixes.

The specification calls some of them by names that this house does not use for its own things
(`InvoiceId` is a bill's number, `InvoiceIssuerName` the seller); they stand here as text only.
"""

from enum import StrEnum
from typing import Final

VERSION: Final = "1.2"
"""The version whose rules every row keeps; docs/decisions says why not a later one."""


class Category(StrEnum):
    """ChargeCategory: how a charge is billed."""

    USAGE = "Usage"
    PURCHASE = "Purchase"
    TAX = "Tax"
    CREDIT = "Credit"
    ADJUSTMENT = "Adjustment"


class Frequency(StrEnum):
    """ChargeFrequency: how often a charge may come."""

    ONE_TIME = "One-Time"
    RECURRING = "Recurring"
    USAGE_BASED = "Usage-Based"


CORRECTION: Final = "Correction"
STANDARD: Final = "Standard"
SERVICE_CATEGORY: Final = "AI and Machine Learning"
SERVICE_SUBCATEGORY: Final = "Generative AI"

COLUMNS: Final = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceDetailId",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_BillLine",
    "x_ContractId",
    "x_FxRate",
    "x_LineKind",
    "x_PurchaseOrder",
    "x_RateId",
    "x_ServiceMonth",
    "x_TaxRate",
)
"""FOCUS columns by name, then ours, which the specification asks to begin with `x_`."""

NUMBERS: Final = frozenset(
    {
        "BilledCost",
        "ConsumedQuantity",
        "ContractedCost",
        "ContractedUnitPrice",
        "EffectiveCost",
        "ListCost",
        "ListUnitPrice",
        "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyEffectiveCost",
        "PricingCurrencyListUnitPrice",
        "PricingQuantity",
        "x_BillLine",
        "x_FxRate",
    }
)
"""Columns of numbers: they may begin with a minus, which is no formula."""

UNITS: Final = {
    "requests": "Requests",
    "failed_requests": "Requests",
    "images": "Images",
    "seconds": "Seconds",
    "characters": "Characters",
    "web_searches": "Searches",
    "search_units": "Units",
}
TOKENS: Final = "Tokens"
MTOKENS: Final = "1000000 Tokens"
MONTHS: Final = "Months"
EACH: Final = "Units"
