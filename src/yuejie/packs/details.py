"""Rows of usage as CSV, piece by piece: by day, and call by call. Pure.

As in the bill's own CSV, a text that a spreadsheet could compute gets an apostrophe.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from yuejie.bills.documents.document import BillDocument, DailyUsage
from yuejie.kernel.limits import PACK_ROWS
from yuejie.kernel.money import Rate
from yuejie.paper.cells import harmless
from yuejie.usage.meters import meter_name, per, per_name, unit

Row = TypeVar("Row")
_PIECE: Final = 500
"""Rows that are held as text at a time."""
_SEEN: Final = 1_000
"""Texts of places and prices that are kept: a month has few, and each call repeats them."""
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


@dataclass(frozen=True, slots=True)
class UsedItem:
    """One priced item of one attempt; below zero where a later version took it back."""

    operation_id: UUID
    attempt: int
    version: int
    started_at: datetime
    month: str
    project: str
    key: str
    tags: str
    model: str
    meter: str
    quantity: int
    rate_pico: int
    rate_currency: str


BY_DAY: Final = ("日期", "项目", "模型", "计量项", "计量项代码", "用量", "单位", "计费额", "币种")
BY_CALL: Final = (
    "请求编号",
    "尝试",
    "版本",
    "时间",
    "服务月份",
    "项目",
    "密钥",
    "标签",
    "模型",
    "计量项",
    "计量项代码",
    "用量",
    "单位",
    "单价",
    "单价单位",
    "计费额",
    "币种",
)


def days_csv(document: BillDocument) -> Iterator[bytes]:
    """Yield the month's usage by day, project, model and meter."""
    return _csv(BY_DAY, document.daily, _day)


def calls_csv(
    items: Iterator[UsedItem], zone: ZoneInfo, *, most: int = PACK_ROWS
) -> Iterator[Iterator[bytes]]:
    """Yield files of at most so many rows, so that a spreadsheet opens each whole.

    A file is read to its end before the next is asked for.
    """
    for first in items:
        yield _csv(BY_CALL, chain([first], islice(items, most - 1)), lambda row: _call(row, zone))


def _csv(
    titles: tuple[str, ...], rows: Iterable[Row], cells: Callable[[Row], list[str]]
) -> Iterator[bytes]:
    left = iter(rows)
    yield _BYTE_ORDER_MARK + _text([list(titles)])
    while piece := [cells(row) for row in islice(left, _PIECE)]:
        yield _text(piece)


def _text(rows: list[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue().encode()


def _day(day: DailyUsage) -> list[str]:
    return [
        str(day.day),
        harmless(day.project_name),
        harmless(day.model),
        meter_name(day.meter),
        harmless(day.meter),
        str(day.quantity),
        unit(day.meter),
        str(day.charge) if day.charge else "",
        day.charge.currency if day.charge else "",
    ]


def _call(item: UsedItem, zone: ZoneInfo) -> list[str]:
    place = _place(item.project, item.key, item.tags, item.model, item.meter)
    rate = Rate(item.rate_pico, item.rate_currency)
    quantity = int(item.quantity)
    return [
        f"req_{item.operation_id.hex}",
        str(item.attempt),
        str(item.version),
        item.started_at.astimezone(zone).isoformat(timespec="milliseconds"),
        item.month,
        *place,
        str(quantity),
        *_priced(item.meter, rate),
        str(rate.charge(quantity)),
        item.rate_currency,
    ]


@lru_cache(_SEEN)
def _place(project: str, key: str, tags: str, model: str, meter: str) -> tuple[str, ...]:
    named = meter_name(meter)
    return (*map(harmless, (project, key, tags, model)), named, harmless(meter))


@lru_cache(_SEEN)
def _priced(meter: str, rate: Rate) -> tuple[str, str, str]:
    amount = rate.per(per(meter))
    return unit(meter), amount, f"{rate.currency}/{per_name(meter)}"
