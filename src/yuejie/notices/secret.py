"""What a channel keeps secret: its address and the keys it signs with, sealed for one channel."""

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from yuejie.kernel.cipher import seal, unseal


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


_decode = msgspec.json.Decoder(Secret).decode


def close_secret(secret: Secret, key: bytes, owner: str) -> bytes:
    """Seal a channel's secret for that channel alone."""
    return seal(msgspec.json.encode(secret), key, owner)


def open_secret(sealed: bytes, key: bytes, owner: str) -> Secret:
    """Open a channel's secret."""
    return _decode(unseal(sealed, key, owner))
