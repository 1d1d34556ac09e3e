"""How values stand in a FOCUS file: instants, JSON, and names in ASCII. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from anyascii import anyascii

from yuejie.kernel.period import BillingMonth, zone_of

_DEL: Final = 127


def span_of(month: BillingMonth, zone: str) -> tuple[str, str]:
    """Return both ends of a month of the customer's zone, in UTC; the second is excluded."""
    span = month.span(zone_of(zone))
    return instant(span.start), instant(span.end)


def instant(moment: datetime) -> str:
    """Write an instant as FOCUS wants it: UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def as_json(found: Mapping[str, object]) -> str:
    """Write an object without spaces; amounts are `Raw`, so that no digit is lost."""
    return msgspec.json.encode(found).decode()


def ascii_json(text: str) -> str:
    r"""Write JSON with \u escapes: the same value, in ASCII."""
    units = text.encode("utf-16-be")
    pairs = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return "".join(chr(unit) if unit < _DEL else f"\\u{unit:04x}" for unit in pairs)


def latin(text: str) -> str:
    """Return a text in ASCII: what is not is written as it sounds, or as it looks."""
    return " ".join(anyascii(text).split()) or "-"
