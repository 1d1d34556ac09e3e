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

ZH: Final = "zh"
EN: Final = "en"
LANGUAGES: Final = {ZH: "中文", EN: "English"}
TAGS: Final = {ZH: "zh-CN", EN: "en"}
COMMA: Final = {ZH: "、", EN: ", "}
SEMICOLON: Final = {ZH: "；", EN: "; "}
FEN: Final = 100
MACHINES: Final = {
    "clerk": ("系统", "the system"),
    "matcher": ("自动匹配", "automatic matching"),
    "bank": ("银行", "the bank"),
    "protection": ("防护规则", "a protection"),
    "api:operator": ("运营令牌", "the operator’s token"),
    "manual": ("手工开票", "by hand"),
    "nuonuo": ("诺诺", "Nuonuo"),
    "baiwang": ("百望", "Baiwang"),
}
"""Who acts and is no member, as a deed is signed; its Chinese and its English."""
_FROM: Final = {"customer": ("（客户）", " (customer)"), "cli": ("（命令行）", " (command line)")}


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


def who(by: str, language: str) -> str:
    """Name whoever did a deed: a member by its name, a customer's as such, a machine by part."""
    at = 0 if language == ZH else 1
    if by in MACHINES:
        return MACHINES[by][at]
    side, _, name = by.partition(":")
    if side == "operator" and name:
        return name
    return f"{name}{_FROM[side][at]}" if side in _FROM and name else by


def signed_as(name: str) -> list[str]:
    """Return how deeds of whoever is called so may be signed; the signature itself is one."""
    machines = [by for by, said in MACHINES.items() if name in said]
    return [name, *machines, *(f"{side}:{name}" for side in ("operator", *_FROM))]
