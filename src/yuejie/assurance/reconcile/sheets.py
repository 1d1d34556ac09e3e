"""Read reports that are tables: Google's billing export, and any CSV by a mapping file.

    zone = "Asia/Shanghai"            # in which a day of the report is a day; UTC when missing
    currency = "CNY"                  # of the column `cost`; or a column `currency`
    says = "both"                     # usage, cost or both
    first_day = 2026-10-01            # which days the table is about, where its first and
    last_day = 2026-10-31             # last rows do not say so

    [columns]                         # our field = the file's column
    day = "日期"
    model = "模型"
    cost = "费用"
    input = "输入tokens"               # any meter, one column each
    output = "输出tokens"

    [skus]                            # instead of meters' columns: the column `sku` = "model meter"
    "Gemini 2.5 Pro Input" = "gemini-2.5-pro input"

With `skus` the columns are `day`, `sku`, `quantity`, `cost`.
Google's export (Cloud Billing, "standard usage cost"): `sku.description`, `usage_start_time`,
`usage.amount_in_pricing_units`, `cost`, `currency`; its days are Pacific days. SKUs that the
mapping does not name keep their description as model, so that their money is not lost.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from yuejie.assurance.reconcile.report import (
    MANNERS,
    Report,
    ReportLine,
    Says,
    Source,
    currency_named,
    decimal_of,
    grain_of,
    to_pico,
)
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.period import zone_of
from yuejie.paper.table import table_of
from yuejie.usage.meters import Meter

_METERS: Final = frozenset(str(meter) for meter in Meter)
_FIELDS: Final = frozenset({"day", "model", "cost", "currency", "sku", "quantity"})
_GCP: Final = {
    "day": "usage_start_time",
    "sku": "sku.description",
    "quantity": "usage.amount",
    "cost": "cost",
    "currency": "currency",
}
_THOUSANDS: Final = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?\Z")
"""“1.234,50” is not one: read as 1.2345 it would be a thousandth of what was meant."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    zone: str = ""
    currency: str = ""
    says: Says = Says.BOTH
    first_day: date | None = None
    last_day: date | None = None
    columns: dict[str, str] = {}
    skus: dict[str, str] = {}
    models: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A mapping, checked: which column is what, which SKU is which model and meter."""

    zone: str = ""
    currency: str = ""
    says: Says = Says.BOTH
    columns: Mapping[str, str] = field(default_factory=dict)
    skus: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    first_day: date | None = None
    last_day: date | None = None


def parse_sheet(text: str) -> Sheet:
    """Read the text of a mapping; what it says wrong is said in one sentence."""
    try:
        written: dict[str, Any] = tomllib.loads(text)
        file = msgspec.convert(written, _File)
    except UNREADABLE as error:
        raise Invalid(f"对账映射文件有误：{said_of(error)}") from error
    for name in file.columns:
        if name not in _FIELDS | _METERS:
            raise Invalid(f"对账映射文件 [columns] 里的“{name}”不是我们的字段或计量项，请改正")
    skus: dict[str, tuple[str, str]] = {}
    for name, meant in file.skus.items():
        model, _, meter = meant.rpartition(" ")
        if not model or meter not in _METERS:
            raise Invalid(f"对账映射文件 [skus] 里“{name}”应写成“模型 计量项”，而不是“{meant}”")
        skus[name] = (model, meter)
    if file.zone:
        zone_of(file.zone)
    if file.currency:
        currency_named(file.currency)
    if file.first_day and file.last_day and file.first_day > file.last_day:
        raise Invalid("对账映射文件的 first_day 晚于 last_day，请改正")
    return Sheet(
        file.zone,
        file.currency,
        file.says,
        file.columns,
        skus,
        file.models,
        file.first_day,
        file.last_day,
    )


def read_sheet(source: Source, body: bytes, sheet: Sheet) -> Report:
    """Read a table; a line that cannot be read refuses the file and is named."""
    columns = (dict(_GCP) if source is Source.GCP_BILLING else {}) | dict(sheet.columns)
    zone = sheet.zone or MANNERS[source].zone
    lines: list[ReportLine] = []
    amounts: list[Decimal] = []
    currencies: set[str] = set()
    for number, row in _rows(body, columns):
        try:
            amount = _number(row["cost"], "费用") if row.get("cost") else None
            lines += _lines(number, row, amount, sheet, zone)
            if row.get("currency"):
                currencies.add(currency_named(row["currency"]))
        except Invalid as error:
            raise Invalid(f"报告第 {number} 行：{error.sentence}") from error
        if amount is not None:
            amounts.append(amount)
    if len(currencies) > 1:
        raise Invalid(f"报告里有多种币种（{'、'.join(sorted(currencies))}），请按币种分别导出")
    told = {m for _, m in sheet.skus.values()} if sheet.skus else set(columns) & _METERS
    if not sheet.skus:
        lines = _evenly(lines)
    return Report(
        source=source,
        says=sheet.says,
        zone=zone,
        currency=currencies.pop() if currencies else sheet.currency or "USD",
        meters=frozenset(told),
        folds={str(ours): str(theirs) for ours, theirs in _folds(told).items()},
        grain_pico=grain_of(amounts),
        lines=tuple(lines),
    )


def _folds(told: set[str]) -> dict[Meter, Meter]:
    """A table without a column for reasoning counts it as output, as every provider does."""
    return {} if Meter.REASONING in told else {Meter.REASONING: Meter.OUTPUT}


def _rows(body: bytes, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    heads, rows = table_of(body, "报告")
    optional = {"currency", "model", "cost", "quantity"}
    missing = [c for f, c in columns.items() if c not in heads and f not in optional]
    if missing or not columns.get("day"):
        wanted = "、".join(missing) or "day"
        raise Invalid(f"报告缺少列 {wanted}，现有的列是 {'、'.join(heads)}；请核对映射文件")
    for number, row in rows:
        cells = {f: row.get(c, "") for f, c in columns.items()}
        if any(cells.values()):
            yield number, cells


def _lines(
    number: int, row: Mapping[str, str], amount: Decimal | None, sheet: Sheet, zone: str
) -> list[ReportLine]:
    day = _day(row["day"], zone)
    cost = None if amount is None else to_pico(amount)
    if "sku" in row:
        model, meter = sheet.skus.get(row["sku"], (row["sku"], ""))
        told = row.get("quantity") if meter else None
        quantity = _whole(told, "数量") if told else None
        return [ReportLine(number, day, model, meter, quantity, cost, row["sku"])]
    model = row.get("model", "")
    model = sheet.models.get(model, model)
    meters = [(m, row[m]) for m in row if m in _METERS and row[m]]
    lines = [ReportLine(number, day, model, m, _whole(told, m), None) for m, told in meters]
    if cost is not None:
        meter = meters[0][0] if len(meters) == 1 else ""
        lines.append(ReportLine(number, day, model, meter, None, cost))
    return lines


def _evenly(lines: list[ReportLine]) -> list[ReportLine]:
    """Return the lines with each model charged in one way: by meter, or as a whole.

    A row in which a single meter is filled in is charged by it only where that is so in every row
    of the model: else it is a day on which the others happened to be empty.
    """
    whole = {each.model for each in lines if each.cost_pico is not None and not each.meter}
    return [
        replace(each, meter="") if each.cost_pico is not None and each.model in whole else each
        for each in lines
    ]


def _day(text: str, zone: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass  # a moment, then
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00").replace("/", "-"))
        return (moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31 或带时区的时刻") from None


def _number(text: str, what: str) -> Decimal:
    plain = text.lstrip("¥$")
    return decimal_of(plain.replace(",", "") if _THOUSANDS.match(plain) else plain, what)


def _whole(text: str, what: str) -> int:
    number = _number(text, what)
    if number != number.to_integral_value():
        raise Invalid(f"{what}“{text}”应为整数")
    return int(number)
