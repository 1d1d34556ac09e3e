"""An API token: some of a member's powers, for a program, until a day. Pure.

A token is shown once and kept as an HMAC. Its scopes are fixed when it is made; what it may do is
what both its scopes and its member's present role allow, so whoever loses a role loses it here too.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.customers.members.member import SPEAKS, Member
from yuejie.customers.members.power import Power, holds

PREFIX: Final = "yj-t-"
LONGEST: Final = timedelta(days=366)
"""A token that nobody renews ends within a year."""
NAME_MAX: Final = 64
AT_ONCE: Final = 50
"""Tokens of one member that are in use."""
SEEN_EVERY: Final = timedelta(minutes=1)
"""How often it is written down that a token was used."""
READ: Final = "read"
"""Reading whatever the member reads, and computing what changes nothing."""
_SECRET_BYTES: Final = 32
_HINT: Final = 4


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token."""

    token_id: str
    member_id: str
    name: str
    digest: bytes
    hint: str
    scopes: frozenset[str]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether the token still lets its holder in."""
        return self.revoked_at is None and now < self.expires_at


def scopes_of(member: Member) -> list[str]:
    """Return every scope that a member may give away: what its own role holds, and no more."""
    if member.customer_id is not None:
        return [READ, Power.SPEAK] if member.role in SPEAKS else [READ]
    return [READ, *(str(power) for power in Power if holds(member, power))]


def make_secret() -> str:
    """Return a fresh secret, 256 random bits; the only time it exists in clear."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def hint_of(secret: str) -> str:
    """Return the end of a secret, by which people tell their tokens apart."""
    return secret[-_HINT:]
