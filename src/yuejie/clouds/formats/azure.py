"""Azure cost details as EA and MCA accounts export them; FOCUS exports are read as FOCUS.

A file states one amount: exported as *actual* cost it is what the bill asks for, as *amortized*
cost it is the effective one; nothing in the file says which, so whoever imports does. Rows that
only the other kind has are refused.
Schema: learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-ea
"""

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

_CATEGORIES: Final = {
    "usage": CloudCategory.USAGE,
    "purchase": CloudCategory.PURCHASE,
    "tax": CloudCategory.TAX,
    "credit": CloudCategory.CREDIT,
    "refund": CloudCategory.REFUND,
    "adjustment": CloudCategory.ADJUSTMENT,
    "roundingadjustment": CloudCategory.ADJUSTMENT,
    "unusedreservation": CloudCategory.PURCHASE,
    "unusedsavingsplan": CloudCategory.PURCHASE,
}
_UNUSED: Final = frozenset({"unusedreservation", "unusedsavingsplan"})
_COMMITMENTS: Final = frozenset({"reservation", "savingsplan"})
_USED: Final = frozenset(
    {
        "billingaccountid",
        "billingcurrency",
        "billingcurrencycode",
        "billingperiodstartdate",
        "chargetype",
        "consumedservice",
        "cost",
        "costinbillingcurrency",
        "date",
        "metercategory",
        "pricingmodel",
        "product",
        "productname",
        "publishertype",
        "subscriptionguid",
        "subscriptionid",
        "tags",
    }
)
_DROPPED: Final = {
    "costinusd": "按微软汇率换算的参考值，不是应付金额",
    "paygcostinusd": "同上",
    "paygcostinbillingcurrency": "按公开价计算的参考值，不是应付金额",
    "accountownerid": "个人邮箱，结算不需要",
}


def read(cells: Cells, number: int, metric: Metric) -> CloudRow:
    """Read a row; raises CellWrong."""
    kind = required(cells.get("chargetype", ""), "ChargeType").lower()
    category = _CATEGORIES.get(kind)
    if category is None:
        raise CellWrong("ChargeType", f"类型“{cells['chargetype']}”不认识")
    _refuse_other_metric(cells, kind, metric)
    market = cells.get("publishertype", "").lower() == "marketplace"
    if market and category in {CloudCategory.USAGE, CloudCategory.PURCHASE}:
        category = CloudCategory.MARKETPLACE
    column = "costinbillingcurrency" if "costinbillingcurrency" in cells else "cost"
    amount = pico_of(required(cells.get(column, ""), column), column)
    actual = metric is Metric.ACTUAL
    part = Part(category, amount if actual else None, None if actual else amount)
    start = required(cells.get("billingperiodstartdate", ""), "BillingPeriodStartDate")
    coded = not cells.get("billingcurrency") and "billingcurrencycode" in cells
    unit = "BillingCurrencyCode" if coded else "BillingCurrency"
    service = cells.get("metercategory") or cells.get("consumedservice") or cells.get("product")
    return CloudRow(
        number=number,
        period=month_of(start, "BillingPeriodStartDate"),
        billing_account=required(cells.get("billingaccountid", ""), "BillingAccountId"),
        sub_account=cells.get("subscriptionid") or cells.get("subscriptionguid", ""),
        service=service or cells.get("productname") or "Azure",
        currency=currency_of(cells.get(unit.lower(), ""), unit),
        parts=(part,),
        used_on=cells.get("date", ""),
        description=cells.get("product") or cells.get("productname", ""),
        tags=pairs(cells.get("tags", ""), "Tags"),
        kept=DIALECT.kept(cells),
    )


def _refuse_other_metric(cells: Cells, kind: str, metric: Metric) -> None:
    if metric is Metric.ACTUAL and kind in _UNUSED:
        raise CellWrong(
            "ChargeType", f"“{cells['chargetype']}”只出现在摊销导出中，请用 --metric amortized 导入"
        )
    bought = kind == "purchase" and cells.get("pricingmodel", "").lower() in _COMMITMENTS
    if metric is Metric.AMORTIZED and bought:
        raise CellWrong("PricingModel", "承诺的购买行只出现在实际成本导出中，请用 --metric actual")


DIALECT: Final = Dialect(
    name="azure-cost",
    needs=frozenset({"billingaccountid", "billingperiodstartdate", "chargetype", "metercategory"}),
    used=_USED,
    dropped=_DROPPED,
    metrics=(Metric.ACTUAL, Metric.AMORTIZED),
    read=read,
    spelling=str.lower,
)
