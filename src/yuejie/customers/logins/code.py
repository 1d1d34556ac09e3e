"""One-time codes (TOTP, RFC 6238): six digits, thirty seconds, one step of tolerance. Pure."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
_TOLERATED: Final = (-1, 0, 1)
ISSUER: Final = "yuejie"


def make_seed() -> str:
    """Return a fresh seed, 160 random bits in base32, as RFC 4226 §4 asks."""
    return pyotp.random_base32()


def uri_of(seed: str, name: str) -> str:
    """Return what an authenticator application reads as a QR code (`otpauth://totp/…`)."""
    return pyotp.TOTP(seed).provisioning_uri(name=name, issuer_name=ISSUER)


def accepted_step(seed: str, code: str, *, last_step: int, now: datetime) -> int | None:
    """Return the step a code belongs to, None if it is wrong or of a step that was used already."""
    digits = code.strip().replace(" ", "")
    current = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    for step in (current + each for each in _TOLERATED):
        right = totp.at(step * STEP_SECONDS)
        if hmac.compare_digest(right.encode(), digits.encode()) and step > last_step:
            return step
    return None
