"""Tell a deed as people read it: what was done, to which thing by its name, and what changed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Charge
from yuejie.web.pages.frame.words import (
    COMMA,
    EN,
    SEMICOLON,
    ZH,
    amount,
    moment,
    money,
    percent,
)
from yuejie.web.record.fields import FIELDS
from yuejie.web.record.store import NameRow, names_of
from yuejie.web.record.who import who
from yuejie.web.record.words import ITS_OWN, NOUNS, STATES, VALUES, VERBS, deed_words
from yuejie.web.store import DeedRow

Path = tuple[str, ...]

_ID: Final = re.compile(r"[a-z]+_[0-9a-f]{32}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_UNITS: Final = re.compile(r"_(fen|id|ppm|e8)$")
_OURS: Final = ("/customers/", "/bank/", "/drafts/", "/jobs/", "/price-changes/", "/presales/")
"""Pages that no customer opens."""
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
_FX_SCALE: Final = 10**8


@dataclass(frozen=True, slots=True)
class Change:
    """A field, what it was and what it became; `path` leads to what it became, where that is."""

    field: str
    was: str
    became: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A deed in words."""

    row: DeedRow
    what: str
    thing: str
    path: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value without parts, and the currency of what it is part of."""

    value: Any
    currency: str


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads: the language, the clock, and the names that are known."""

    names: Mapping[str, NameRow]
    language: str
    zone: ZoneInfo
    ours: bool

    def named(self, name: str) -> str:
        known = self.names.get(name)
        if known is None:
            return name
        sum_ = f" {amount(known.fen)} {known.currency}" if known.fen is not None else ""
        return f"{known.name}{sum_}"

    def path(self, name: str) -> str:
        known = self.names.get(name)
        if known is None or (not self.ours and known.path.startswith(_OURS)):
            return ""
        return known.path

    def field(self, path: Path) -> str:
        return "·".join(self._field(part) for part in path)

    def _field(self, part: str) -> str:
        if self.language == ZH:
            return FIELDS.get(part, part)
        return _UNITS.sub("", part).replace("_", " ") if part in FIELDS else part

    def value(self, leaf: _Leaf, noun: str, path: Path) -> str:
        """Write a value: money with its currency, a choice in its word, an id as its name."""
        value = leaf.value
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return ("是" if value else "否") if self.language == ZH else ("yes" if value else "no")
        if isinstance(value, list):
            between = SEMICOLON if any(isinstance(each, dict) for each in value) else COMMA
            return between[self.language].join(
                self._part(_Leaf(each, leaf.currency), noun, path) for each in value
            )
        if isinstance(value, int):
            return self._number(value, leaf.currency, path)
        return self._text(str(value), leaf.currency, noun, path[-1])

    def _part(self, leaf: _Leaf, noun: str, path: Path) -> str:
        if not isinstance(leaf.value, dict):
            return self.value(leaf, noun, path)
        return COMMA[self.language].join(
            f"{self.field(inner)} {self.value(each, noun, inner)}"
            for inner, each in _leaves(leaf.value, (), leaf.currency)
            if each.value not in _EMPTY and inner != ("currency",)
        )

    def _number(self, value: int, currency: str, path: Path) -> str:
        if any(part == "fen" or part.endswith("_fen") for part in path):
            return f"{amount(value)} {currency}".rstrip()
        if path[-1] == "cap" and currency:
            return money(Charge(value, currency))
        if path[-1].endswith(("ppm", "ppm_per_day")):
            return percent(value)
        if path[-1] == "e8":
            return str(Decimal(value) / _FX_SCALE)
        return f"{value:,}" if path[-1] not in {"year", "number", "position"} else str(value)

    def _text(self, value: str, currency: str, noun: str, field: str) -> str:
        if field in {"gross", "net", "tax"}:
            return f"{value} {currency}".rstrip()
        if field == "by" or field.endswith("_by"):
            return who(value, self.language)
        if value in self.names:
            return self.named(value)
        if _INSTANT.match(value):
            return moment(datetime.fromisoformat(value), self.zone)
        table = STATES.get(noun, VALUES["state"]) if field == "state" else VALUES.get(field, {})
        if value not in table:
            return value
        return table[value] if self.language == ZH else value.replace("_", " ")


def tell_deeds(
    tx: Tx,
    customer_id: CustomerId | None,
    rows: Sequence[DeedRow],
    *,
    language: str,
    zone: ZoneInfo,
) -> list[Told]:
    """Tell deeds in words; a customer reads the names of its own things alone."""
    ids = {each.name for each in rows if each.name}
    for each in rows:
        ids.update(_ids([each.was, each.became]))
    names = {each.id: each for each in names_of(tx, customer_id, sorted(ids))}
    reader = _Reader(names, language, zone, ours=customer_id is None)
    return [_told(each, reader) for each in rows]


def nouns_and_verbs(language: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what may be looked for, in words; a verb is looked for by its word."""
    if language == EN:
        spaced = {verb.replace("_", " "): verb.replace("_", " ") for verb in VERBS}
        return {noun: noun.replace("_", " ") for noun in NOUNS}, spaced
    words = sorted({*VERBS.values(), *ITS_OWN.values()})
    return NOUNS, {word: word for word in words}


def lines_of(changes: Sequence[Change]) -> list[str]:
    """Write each change as a line: what it was, where it was anything, and what it became."""
    return [
        f"{each.field}：{f'{each.was} → ' if each.was else ''}{each.became or '—'}"
        for each in changes
    ]


def _told(row: DeedRow, reader: _Reader) -> Told:
    what = (
        f"{row.verb} {row.noun}".replace("_", " ")
        if reader.language == EN
        else deed_words(row.verb, row.noun)
    )
    thing = reader.named(row.name)
    if row.noun == "apportionment":  # it has no name of its own: what it paid has
        thing = COMMA[reader.language].join((row.became or {}).get("open_fen", {})) or row.name
    return Told(row, what, thing, reader.path(row.name), list(_changes(row, reader)))


def _changes(row: DeedRow, reader: _Reader) -> Iterator[Change]:
    """Yield what differs, leaf by leaf; a fresh thing was nothing."""
    was, became = dict(_leaves(row.was or {})), dict(_leaves(row.became or {}))
    nothing = _Leaf(None, "")
    for path in [*became, *(path for path in was if path not in became)]:
        before, after = was.get(path, nothing), became.get(path, nothing)
        if before.value == after.value or (before.value in _EMPTY and after.value in _EMPTY):
            continue
        if after.value in (row.name, row.why) and before.value is None:  # said beside it
            continue
        yield Change(
            reader.field(path),
            reader.value(before, row.noun, path),
            reader.value(after, row.noun, path),
            reader.path(after.value) if isinstance(after.value, str) else "",
        )


def _leaves(
    facts: Mapping[str, Any], above: Path = (), currency: str = ""
) -> Iterator[tuple[Path, _Leaf]]:
    """Yield each value that has no parts, with the way to it and the currency it is in."""
    known = facts.get("currency")
    currency = known if isinstance(known, str) else currency
    for name, value in facts.items():
        path = (*above, name)
        if not isinstance(value, dict) or not value:
            yield path, _Leaf(value, currency)
        elif value.keys() == {"year", "month"}:
            yield path, _Leaf(f"{value['year']}-{value['month']:02d}", currency)
        elif value.keys() == {"fen", "currency"}:
            yield (*path, "fen"), _Leaf(value["fen"], str(value["currency"]))
        else:
            yield from _leaves(value, path, currency)


def _ids(value: object) -> Iterator[str]:
    """Yield every id that something names."""
    if isinstance(value, str):
        if _ID.fullmatch(value):
            yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _ids(each)
    elif isinstance(value, list):
        for each in value:
            yield from _ids(each)


def as_written(value: object) -> str:
    """Return what a deed holds as it is kept, for programs."""
    return "" if value is None else msgspec.json.encode(value).decode()
