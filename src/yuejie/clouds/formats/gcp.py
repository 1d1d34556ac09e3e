"""Google Cloud's billing export, standard and detailed: JSON lines, JSON, CSV with dotted columns.

What is asked for is `cost` plus its `credits`; promotional credits are a part of their own, so
that an agreement may leave them out, every other credit (committed and sustained use, discounts,
free tier) belongs to what it reduces. Google spreads commitments itself: billed is effective.
Schema: cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage
"""

import json
from typing import Any, Final

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
from yuejie.kernel.errors import UNREADABLE

_CATEGORIES: Final = {
    "regular": CloudCategory.USAGE,
    "tax": CloudCategory.TAX,
    "adjustment": CloudCategory.ADJUSTMENT,
    "rounding_error": CloudCategory.ADJUSTMENT,
}
_PROMOTION: Final = "PROMOTION"
_THIRD_PARTY: Final = "THIRD_PARTY"
_USED: Final = frozenset(
    {
        "billing_account_id",
        "cost",
        "cost_type",
        "credits",
        "currency",
        "invoice.month",
        "invoice.publisher_type",
        "labels",
        "project.id",
        "project.labels",
        "service.description",
        "service.id",
        "sku.description",
        "tags",
        "usage_start_time",
    }
)


def read(cells: Cells, number: int, metric: Metric) -> CloudRow:
    """Read a row; raises CellWrong."""
    del metric  # both amounts are in every row
    kind = required(cells.get("cost_type", ""), "cost_type")
    category = _CATEGORIES.get(kind)
    if category is None:
        raise CellWrong("cost_type", f"类型“{kind}”不认识")
    if cells.get("invoice.publisher_type") == _THIRD_PARTY and category is CloudCategory.USAGE:
        category = CloudCategory.MARKETPLACE
    month = "invoice.month"
    service = cells.get("service.description") or cells.get("service.id", "")
    return CloudRow(
        number=number,
        period=month_of(required(cells.get(month, ""), month), month),
        billing_account=required(cells.get("billing_account_id", ""), "billing_account_id"),
        sub_account=cells.get("project.id", ""),
        service=service or ("Google Cloud" if category is not CloudCategory.USAGE else _none()),
        currency=currency_of(cells.get("currency", ""), "currency"),
        parts=_parts(cells, category),
        used_on=cells.get("usage_start_time", "")[:10],
        description=cells.get("sku.description", ""),
        tags=_tags(cells),
        kept=DIALECT.kept(cells),
    )


def _none() -> str:
    raise CellWrong("service.description", "不能为空")


def _parts(cells: Cells, category: CloudCategory) -> tuple[Part, ...]:
    own = pico_of(required(cells.get("cost", ""), "cost"), "cost")
    promoted, is_promoted = 0, False
    for credit in _credits(cells.get("credits", "")):
        amount = pico_of(str(credit.get("amount") or ""), "credits.amount")
        if credit.get("type") == _PROMOTION:
            promoted, is_promoted = promoted + amount, True
        else:
            own += amount
    parts = [Part(category, own, own)]
    if is_promoted:
        parts.append(Part(CloudCategory.CREDIT, promoted, promoted))
    return tuple(parts)


def _credits(text: str) -> list[dict[str, Any]]:
    if not text:
        return []
    try:
        found = json.loads(text, parse_float=str)
    except UNREADABLE:
        raise CellWrong("credits", f"“{text[:60]}”不是 JSON") from None
    if not isinstance(found, list) or any(not isinstance(each, dict) for each in found):
        raise CellWrong("credits", "应为由 amount、type 组成的列表")
    return found


def _tags(cells: Cells) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in ("project.labels", "tags", "labels"):
        found |= pairs(cells.get(column, ""), column)
    return found


DIALECT: Final = Dialect(
    name="gcp-billing",
    needs=frozenset({"billing_account_id", "cost", "cost_type", "currency", "invoice.month"}),
    used=_USED,
    dropped={},
    metrics=(Metric.BOTH,),
    read=read,
)
