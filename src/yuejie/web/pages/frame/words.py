"""Languages of the console, and how amounts, counts and moments are written in them.

Templates are written in Chinese; `languages/en.po` says the same in English. A sentence it does not
know stays Chinese, and a test sees to it that there is none.
"""

import io
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from yuejie.kernel.money import Charge, Money
from yuejie.usage.meters import meter_name

ZH: Final = "zh"
EN: Final = "en"
LANGUAGES: Final = {ZH: "中文", EN: "English"}
TAGS: Final = {ZH: "zh-CN", EN: "en"}
COMMA: Final = {ZH: "、", EN: ", "}
SEMICOLON: Final = {ZH: "；", EN: "; "}
SPACE: Final = {ZH: "", EN: " "}
FEN: Final = 100


def language_of(chosen: str, accepted: str) -> str:
    """Return the language a person has chosen, else the first known one its browser asks for."""
    if chosen in LANGUAGES:
        return chosen
    for part in accepted.split(","):
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in LANGUAGES:
            return tag
    return ZH


@cache
def translations(language: str) -> NullTranslations:
    """Return what a language says for each sentence; read once."""
    if language == ZH:
        return NullTranslations()
    source = (files("yuejie.web.pages") / "languages" / f"{language}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source)))
    compiled.seek(0)
    return Translations(compiled)


def grouped(number: int) -> str:
    """Write a whole number with 千分位."""
    return f"{number:,}"


def listed(names: Iterable[str], language: str) -> str:
    """Write names in a row."""
    return COMMA[language].join(names)


def amount(fen: int) -> str:
    """Write fen as a decimal with two places and 千分位: 1,122.25."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), FEN)
    return f"{sign}{whole:,}.{rest:02d}"


def money(value: Money | Charge) -> str:
    """Write money with its currency; a charge is shown rounded to the fen, as a bill would."""
    return f"{amount(fen_of(value))} {value.currency}"


def line_said(text: str) -> str:
    """Write a bill line that was kept in words with its meter's name in the place of its code."""
    known, _, meter = text.rpartition(" ")
    return f"{known} {meter_name(meter)}" if known else text


def percent(ppm: int) -> str:
    """Write millionths as percent, without zeros at the end: 60 000 is 6%."""
    whole, rest = divmod(abs(ppm), 10_000)
    return f"{'-' if ppm < 0 else ''}{whole}.{rest:04d}".rstrip("0").rstrip(".") + "%"


def fen_of(value: Money | Charge) -> int:
    """Return whole fen, as a bill would have them."""
    return value.settle().fen if isinstance(value, Charge) else value.fen


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """Write a moment by a clock on the wall of that zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else "—"


def day(on: date | None) -> str:
    """Write a date."""
    return on.isoformat() if on else "—"
