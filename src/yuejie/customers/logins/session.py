"""A session: an open console of one member, known by a secret in a cookie. Pure."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

IDLE: Final = timedelta(hours=8)
"""Nobody looked for so long: a working day without a click ends it."""
WHOLE: Final = timedelta(days=7)
"""However busy, after so long the password is asked for again."""
SEEN_EVERY: Final = timedelta(minutes=1)
"""How often it is written down that somebody looked."""
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """What is kept of a session; the secret is kept as an HMAC only."""

    session_id: str
    member_id: str
    opened_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    address: str
    agent: str

    def is_open(self, now: datetime) -> bool:
        """Whether the session still lets its member in."""
        if self.ended_at is not None:
            return False
        return now < self.seen_at + IDLE and now < self.opened_at + WHOLE


def make_secret() -> str:
    """Return a fresh secret, 256 random bits; the only time it exists in clear."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def form_token(secret: str, pepper: bytes) -> str:
    """Return what every form of a session carries: who cannot read our pages cannot know it."""
    return hmac.new(pepper, b"form\0" + secret.encode(), hashlib.sha256).hexdigest()
