"""What a channel keeps secret: its address and the keys it signs with, sealed for one channel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from yuejie.kernel.cipher import seal, unseal

_TELLING: Final = 6
"""A shorter piece of an address is no secret, and may well be a word of an answer."""
_LONG: Final = 16
"""So may a piece of a path, like `webhook`, that is neither as long as this nor holds a digit."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Addresses, a phone number or a URL, and the key; `previous` signs too until its time ends."""

    address: str = field(repr=False)
    key: str = field(default="", repr=False)
    previous: str = field(default="", repr=False)
    previous_until: datetime | None = None

    def keys(self, at: datetime) -> tuple[str, ...]:
        """Return the keys that sign at an instant, the newest first."""
        if self.previous and self.previous_until is not None and at < self.previous_until:
            return self.key, self.previous
        return (self.key,) if self.key else ()

    def masked(self, text: str) -> str:
        """Return a receiver's words without what must not stand in a log: some quote us back."""
        for piece in sorted(set(self._telling()), key=len, reverse=True):
            text = re.sub(re.escape(piece), mask(piece), text, flags=re.IGNORECASE)
        return text

    def _telling(self) -> Iterator[str]:
        yield from (key for key in (self.key, self.previous) if key)
        if "://" not in self.address:
            yield from (each.strip() for each in self.address.split(","))
            return
        parts = urlsplit(self.address)
        values = [piece.partition("=")[2] or piece for piece in parts.query.split("&")]
        steps = [
            step
            for step in parts.path.split("/")
            if len(step) >= _LONG or any(char.isdigit() for char in step)
        ]
        for piece in (parts.query, *values, *steps):
            yield from {each for each in (piece, unquote(piece)) if len(each) >= _TELLING}


def mask(piece: str) -> str:
    """Return what may be seen of an address, a number or a key."""
    name, at, host = piece.partition("@")
    if at:
        return f"{name[0]}***@{host}"
    return f"{piece[:3]}****{piece[-4:]}" if piece.lstrip("+").isdecimal() else "…"


_decode = msgspec.json.Decoder(Secret).decode


def close_secret(secret: Secret, key: bytes, owner: str) -> bytes:
    """Seal a channel's secret for that channel alone."""
    return seal(msgspec.json.encode(secret), key, owner)


def open_secret(sealed: bytes, key: bytes, owner: str) -> Secret:
    """Open a channel's secret."""
    return _decode(unseal(sealed, key, owner))
