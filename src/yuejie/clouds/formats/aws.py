"""AWS Cost and Usage Report 2.0, and the report before it, named as in its files or by Athena.

Billed is `line_item_unblended_cost`: with negations and discounts, which are rows of their own, it
sums to the AWS bill. Effective is AWS's own amortisation: reservations and savings plans where
they were used, and the unused rest with whoever bought them.
In the files of the report before, a column is `lineItem/UnblendedCost` and a tag is a column of its
own, `resourceTags/user:team`: its key is then `user:team`, where 2.0 writes `user_team`.
Schema: docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html, data-dictionary.html
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from yuejie.clouds.charge import (
    CellWrong,
    CloudRow,
    Metric,
    Part,
    currency_of,
    month_of,
    pico_of,
    required,
)
from yuejie.clouds.formats.words import Cells, Dialect, pairs
from yuejie.contracts.agreed.cloud import CloudCategory

_TYPE: Final = "line_item_line_item_type"
_COST: Final = "line_item_unblended_cost"
_MARKET: Final = "AWS Marketplace"

_CATEGORIES: Final = {
    "Usage": CloudCategory.USAGE,
    "DiscountedUsage": CloudCategory.USAGE,
    "SavingsPlanCoveredUsage": CloudCategory.USAGE,
    "SavingsPlanNegation": CloudCategory.USAGE,
    "BundledDiscount": CloudCategory.USAGE,
    "Discount": CloudCategory.USAGE,
    "EdpDiscount": CloudCategory.USAGE,
    "PrivateRateDiscount": CloudCategory.USAGE,
    "RiVolumeDiscount": CloudCategory.USAGE,
    "DistributorDiscount": CloudCategory.USAGE,
    "SppDiscount": CloudCategory.USAGE,
    "Fee": CloudCategory.PURCHASE,
    "RIFee": CloudCategory.PURCHASE,
    "SavingsPlanRecurringFee": CloudCategory.PURCHASE,
    "SavingsPlanUpfrontFee": CloudCategory.PURCHASE,
    "Tax": CloudCategory.TAX,
    "Credit": CloudCategory.CREDIT,
    "Refund": CloudCategory.REFUND,
}
_SPREAD: Final = frozenset({"SavingsPlanNegation", "SavingsPlanUpfrontFee"})
"""Amortised elsewhere: nothing is effective here."""

_USED: Final = frozenset(
    {
        "bill_billing_entity",
        "bill_billing_period_start_date",
        "bill_payer_account_id",
        _COST,
        "line_item_currency_code",
        "line_item_line_item_description",
        _TYPE,
        "line_item_product_code",
        "line_item_usage_account_id",
        "line_item_usage_start_date",
        "product",
        "product_product_name",
        "reservation_effective_cost",
        "reservation_reservation_a_r_n",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
        "resource_tags",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
        "tags",
    }
)
_DROPPED: Final = {
    "line_item_blended_cost": "各账号平均后的金额，不出现在 AWS 账单上",
    "line_item_blended_rate": "同上",
}


def read(cells: Cells, number: int, metric: Metric) -> CloudRow:
    """Read a row; raises CellWrong."""
    del metric  # both amounts are in every row
    kind = required(cells.get(_TYPE, ""), _TYPE)
    category = _CATEGORIES.get(kind)
    if category is None:
        raise CellWrong(_TYPE, f"类型“{kind}”不认识")
    if cells.get("bill_billing_entity") == _MARKET and category in {
        CloudCategory.USAGE,
        CloudCategory.PURCHASE,
    }:
        category = CloudCategory.MARKETPLACE
    billed = pico_of(required(cells.get(_COST, ""), _COST), _COST)
    effective = _effective(cells, kind, billed)
    start = "bill_billing_period_start_date"
    return CloudRow(
        number=number,
        period=month_of(required(cells.get(start, ""), start), start),
        billing_account=required(cells.get("bill_payer_account_id", ""), "bill_payer_account_id"),
        sub_account=cells.get("line_item_usage_account_id", ""),
        service=_service(cells),
        currency=currency_of(cells.get("line_item_currency_code", ""), "line_item_currency_code"),
        parts=(Part(category, billed, effective),),
        used_on=cells.get("line_item_usage_start_date", "")[:10],
        description=cells.get("line_item_line_item_description", ""),
        tags=_tags(cells),
        kept=DIALECT.kept(cells),
    )


def _effective(cells: Cells, kind: str, billed: int) -> int:
    """Return what a row costs when commitments are borne where they are used."""

    def amount(column: str) -> int:
        return pico_of(cells.get(column, ""), column)

    if kind == "DiscountedUsage":
        return amount("reservation_effective_cost")
    if kind == "SavingsPlanCoveredUsage":
        return amount("savings_plan_savings_plan_effective_cost")
    if kind == "SavingsPlanRecurringFee":
        bought = amount("savings_plan_total_commitment_to_date")
        return bought - amount("savings_plan_used_commitment")
    if kind == "RIFee":
        upfront = amount("reservation_unused_amortized_upfront_fee_for_billing_period")
        return upfront + amount("reservation_unused_recurring_fee")
    if kind in _SPREAD or (kind == "Fee" and cells.get("reservation_reservation_a_r_n")):
        return 0
    return billed


def _service(cells: Cells) -> str:
    product = pairs(cells.get("product", ""), "product")
    name = cells.get("product_product_name") or product.get("product_name")
    code = "line_item_product_code"
    return name or required(cells.get(code, ""), code)


def _tags(cells: Cells) -> dict[str, str]:
    """Return the tags of a resource, of a map or of one column each."""
    found = pairs(cells.get("tags", ""), "tags")
    found |= pairs(cells.get("resource_tags", ""), "resource_tags")
    for prefix in ("resource_tags_", "resourceTags/"):
        found |= {
            name.removeprefix(prefix): text
            for name, text in cells.items()
            if name.startswith(prefix) and text
        }
    return found


@lru_cache(maxsize=1_024)
def _spelled(column: str) -> str:
    """Return 2.0's name of a column something depends on; every other keeps its own."""
    group, _, name = column.partition("/")
    named = "_".join(_CAPITAL.sub("_", each).lower() for each in (group, name))
    return named if named in _USED or named in _DROPPED else column


_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


DIALECT: Final = Dialect(
    name="aws-cur-2.0",
    needs=frozenset(
        {
            "bill_billing_period_start_date",
            "bill_payer_account_id",
            "line_item_currency_code",
            _TYPE,
            "line_item_product_code",
            _COST,
            "line_item_usage_account_id",
        }
    ),
    used=_USED,
    dropped=_DROPPED,
    metrics=(Metric.BOTH,),
    read=read,
)
BEFORE: Final = replace(DIALECT, name="aws-cur-1", spelling=_spelled)
"""Files of the report before 2.0."""
