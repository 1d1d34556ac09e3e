"""Builders of small cloud bills."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

FOCUS = {
    "BillingAccountId": "999900001111",
    "SubAccountId": "1",
    "BillingCurrency": "CNY",
    "BillingPeriodStart": "2026-08-01T00:00:00Z",
    "BillingPeriodEnd": "2026-09-01T00:00:00Z",
    "ChargePeriodStart": "2026-08-03T00:00:00Z",
    "ChargePeriodEnd": "2026-08-04T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "a charge",
    "BilledCost": "0",
    "EffectiveCost": "0",
    "ServiceName": "Amazon Bedrock",
    "ProviderName": "AWS",
    "PublisherName": "AWS",
    "Tags": "{}",
}


def focus_row(**cells: str) -> dict[str, str]:
    """Return a FOCUS row; unless said otherwise, what is billed is also effective."""
    return FOCUS | {"EffectiveCost": cells.get("BilledCost", "0")} | cells


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write rows that share their columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return path
