"""税收分类编码: nineteen digits, and the short name that is printed between asterisks.

The bureau changes short names and refuses old ones, except on the red fapiao of a blue one that was
issued under the old name; so names have dates, and an issued line keeps its own.
"""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

from yuejie.fapiao.amounts import FapiaoRefused

DEFAULT_CODE: Final = "3040205000000000000"
"""信息系统增值服务: what resellers of model APIs issue under."""
DEFAULT_ITEM: Final = "大模型API技术服务费"


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A code under the name it has from a day on."""

    code: str
    short_name: str
    from_date: date
    tax_ppm: int
    note: str


@cache
def table() -> tuple[TaxCode, ...]:
    """Return every name that a code ever had, the oldest first."""
    text = files("yuejie.fapiao").joinpath("codes.csv").read_text("utf-8")
    rows = [
        TaxCode(
            row["code"],
            row["short_name"],
            date.fromisoformat(row["from_date"]),
            int(row["tax_ppm"]),
            row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    ]
    return tuple(sorted(rows, key=lambda row: (row.code, row.from_date)))


def short_name_on(code: str, day: date) -> str:
    """Return the short name of a code on a day; an unknown code is refused."""
    names = [row.short_name for row in table() if row.code == code and row.from_date <= day]
    if not names:
        raise FapiaoRefused(
            f"税收分类编码“{code}”在 {day} 没有简称，请更新编码表（fapiao/codes.csv）或改用其他编码"
        )
    return names[-1]
