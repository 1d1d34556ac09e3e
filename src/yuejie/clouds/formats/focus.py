"""FOCUS CostAndUsage, 1.0 to 1.4, of whatever cloud.

Billed is `BilledCost`, effective is `EffectiveCost`. A row is of the marketplace where who
publishes or gives the service is not who provides it; a cloud goes by more than one name there
(Microsoft publishes what Microsoft Azure provides), and stays one seller.
Schema: focus.finops.org/focus-specification
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
    "Usage": CloudCategory.USAGE,
    "Purchase": CloudCategory.PURCHASE,
    "Tax": CloudCategory.TAX,
    "Credit": CloudCategory.CREDIT,
    "Adjustment": CloudCategory.ADJUSTMENT,
}
_SELLERS: Final = (("PublisherName", "ProviderName"), ("ServiceProviderName", "HostProviderName"))
_CLOUDS: Final = {
    "amazon": "aws",
    "amazon.com": "aws",
    "azure": "microsoft",
    "gcp": "google",
    "oci": "oracle",
    "aliyun": "alibaba",
}
"""First words of a cloud's names, to the one it is compared by."""
_HOUSES: Final = frozenset(_CLOUDS.values())
_NULL: Final = "NULL"
_USED: Final = frozenset(
    {
        "BilledCost",
        "BillingAccountId",
        "BillingCurrency",
        "BillingPeriodStart",
        "ChargeCategory",
        "ChargeDescription",
        "ChargePeriodStart",
        "EffectiveCost",
        "HostProviderName",
        "ProviderName",
        "PublisherName",
        "ServiceName",
        "ServiceProviderName",
        "SubAccountId",
        "Tags",
    }
)


def read(cells: Cells, number: int, metric: Metric) -> CloudRow:
    """Read a row; raises CellWrong. Empty cells are sometimes written NULL."""
    del metric  # both amounts are in every row
    given = {name: "" if text == _NULL else text for name, text in cells.items()}
    kind = required(given.get("ChargeCategory", ""), "ChargeCategory")
    category = _CATEGORIES.get(kind)
    if category is None:
        raise CellWrong("ChargeCategory", f"类别“{kind}”不在 FOCUS 规范之内")
    if category in {CloudCategory.USAGE, CloudCategory.PURCHASE} and _is_resold(given):
        category = CloudCategory.MARKETPLACE
    part = Part(
        category,
        pico_of(required(given.get("BilledCost", ""), "BilledCost"), "BilledCost"),
        pico_of(required(given.get("EffectiveCost", ""), "EffectiveCost"), "EffectiveCost"),
    )
    start = required(given.get("BillingPeriodStart", ""), "BillingPeriodStart")
    account = required(given.get("BillingAccountId", ""), "BillingAccountId")
    return CloudRow(
        number=number,
        period=month_of(start, "BillingPeriodStart"),
        billing_account=account,
        sub_account=given.get("SubAccountId") or account,
        service=required(given.get("ServiceName", ""), "ServiceName"),
        currency=currency_of(given.get("BillingCurrency", ""), "BillingCurrency"),
        parts=(part,),
        used_on=given.get("ChargePeriodStart", "")[:10],
        description=given.get("ChargeDescription", ""),
        tags=pairs(given.get("Tags", ""), "Tags"),
        kept=DIALECT.kept(given),
    )


def _is_resold(cells: Cells) -> bool:
    return any(
        cells.get(seller) and cells.get(host) and _house(cells[seller]) != _house(cells[host])
        for seller, host in _SELLERS
    )


def _house(name: str) -> str:
    """Return what a seller is compared by: a cloud's one name, anybody else's as it stands."""
    first, *_ = name.lower().replace(",", " ").split() or [name]
    cloud = _CLOUDS.get(first, first)
    return cloud if cloud in _HOUSES else name


DIALECT: Final = Dialect(
    name="focus",
    needs=frozenset(
        {
            "BilledCost",
            "BillingAccountId",
            "BillingCurrency",
            "BillingPeriodStart",
            "ChargeCategory",
            "EffectiveCost",
            "ServiceName",
        }
    ),
    used=_USED,
    dropped={},
    metrics=(Metric.BOTH,),
    read=read,
)
