"""JSON, read no further than needed: members stay bytes until somebody looks at them."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

import msgspec

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES: Final = msgspec.json.Decoder(list[msgspec.Raw])
_COUNTS: Final = ("tokenCount", "tokens", "inputTokens")


class Literal(str):
    """A JSON number with a point or an exponent, as written: exact, and never a float."""

    __slots__ = ()

    def decimal(self) -> Decimal | None:
        """Read the number; None if it is beyond all decimal arithmetic."""
        try:
            return Decimal(self)
        except InvalidOperation:
            return None


_decode: Final[Callable[[bytes | msgspec.Raw], object]] = msgspec.json.Decoder(
    float_hook=Literal
).decode


class BrokenJson(ValueError):
    """These bytes are not one JSON document."""


class Document:
    """A JSON object whose members are decoded when they are looked at."""

    __slots__ = ("_members", "raw")

    def __init__(self, raw: dict[str, msgspec.Raw]) -> None:
        self.raw = raw
        self._members: dict[str, object] = {}

    def get(self, key: str) -> object:
        """The member's value; None if it is null, missing, or nested deeper than anyone nests."""
        if key in self._members:
            return self._members[key]
        value: object = None
        if key in self.raw:
            try:
                value = _decode(self.raw[key])
            except (msgspec.DecodeError, RecursionError):
                value = None
        self._members[key] = value
        return value

    def everything(self) -> dict[str, object]:
        """All members, decoded."""
        return {key: self.get(key) for key in self.raw}

    def __contains__(self, key: object) -> bool:
        return key in self.raw

    def inner(self, key: str) -> "Document | None":
        """The member as a document of its own, still undecoded; None if it is no object."""
        raw = self.raw.get(key)
        if raw is None:
            return None
        try:
            return Document(_MEMBERS.decode(raw))
        except (msgspec.DecodeError, RecursionError):
            return None

    def length(self, key: str) -> int | None:
        """How many entries the list under this key has, without reading them."""
        raw = self.raw.get(key)
        if raw is None:
            return None
        try:
            return len(_ENTRIES.decode(raw))
        except (msgspec.DecodeError, RecursionError):
            return None


def read_document(data: bytes | memoryview) -> Document:
    """Open one JSON object; of an array (streamed Gemini errors), its last object."""
    try:
        return Document(_MEMBERS.decode(data))
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenJson(str(error)) from None
    try:
        return Document(_MEMBERS.decode(_ENTRIES.decode(data)[-1]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise BrokenJson(str(error)) from None


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def look(node: object, path: str) -> object:
    """What stands at a dotted path; a step into a list is an index or the `type` of an entry."""
    if path and "." not in path and isinstance(node, (Document, dict)):
        return node.get(path)
    for step in _steps(path):
        if isinstance(node, (dict, Document)):
            node = node.get(step)
        elif isinstance(node, list):
            node = _entry(node, step)
        else:
            return None
    return node


def first(node: object, paths: tuple[str, ...]) -> object:
    """What stands at the first of these paths that has something."""
    for path in paths:
        value = look(node, path)
        if value is not None:
            return value
    return None


def text(node: object, paths: tuple[str, ...]) -> str | None:
    """The first non-empty text at these paths; numbers as written, true and false in lower case."""
    for path in paths:
        value = look(node, path)
        if value.__class__ is str:
            if value:
                return str(value)
        elif value is not None and (said := as_text(value)):
            return said
    return None


def as_text(value: object) -> str | None:
    """A scalar as text: numbers as written, true and false in lower case; None of all others."""
    if isinstance(value, str):
        return str(value)
    return str(value).lower() if isinstance(value, int) else None


def _entry(entries: list[object], step: str) -> object:
    if step.isdigit():
        return entries[int(step)] if int(step) < len(entries) else None
    for entry in entries:
        if isinstance(entry, dict) and entry.get("type") == step:
            return entry
    return None


def flatten(usage: object) -> dict[str, object]:
    """Write a usage object as one level of dotted names; nulls are left out.

    A list of counts by modality or time to live becomes names in lower case
    (`promptTokensDetails.audio`); a usage that is a list (Vertex predict) is summed.
    """
    flat: dict[str, object] = {}
    if isinstance(usage, dict):
        _flatten(usage, "", flat)
    elif isinstance(usage, Document):
        _flatten(usage.everything(), "", flat)
    elif isinstance(usage, list):
        for entry in usage:
            one = flatten(entry)
            for name, value in one.items():
                flat[name] = _sum(flat.get(name), value)
    return flat


def _flatten(node: dict[str, object], prefix: str, flat: dict[str, object]) -> None:
    for key, value in node.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", flat)
        elif isinstance(value, list):
            if value and isinstance(value[0], dict):
                _flatten_labelled(value, prefix + key, flat)
        elif value is not None:
            flat[prefix + key] = value


def _flatten_labelled(entries: list[object], prefix: str, flat: dict[str, object]) -> None:
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        label = entry.get("modality") or entry.get("ttl")
        if isinstance(label, str):
            name = f"{prefix}.{label.lower()}"
            # proto3 omits zeros: {"modality": "AUDIO"} without a count says none.
            count = next((entry[c] for c in _COUNTS if c in entry), 0)
            flat[name] = _sum(flat.get(name), count)


def _sum(so_far: object, value: object) -> object:
    """The sum of two whole numbers; anything else is handed up as it is, to be refused there."""
    if so_far is None:
        return value
    if type(so_far) is not int or so_far < 0:
        return so_far
    return so_far + value if type(value) is int and value >= 0 else value


def merge(old: object, new: object) -> object:
    """Lay a later report over an earlier one: what it says wins, what it omits or nulls stays."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return old if new is None else new
    merged = dict(old)
    for key, value in new.items():
        if value is not None:
            merged[key] = merge(merged.get(key), value)
    return merged
