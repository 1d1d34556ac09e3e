"""API keys: made here, shown once, kept as an HMAC-SHA256 under the house's pepper."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.kernel.ids import CustomerId, KeyId, ProjectId

PREFIX: Final = "sk-yj-"
_SECRET_BYTES: Final = 32
_HINT: Final = 4


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. `models` of None allows every model the customer may use."""

    key_id: KeyId
    customer_id: CustomerId
    project_id: ProjectId
    name: str
    digest: bytes
    hint: str
    tags: str
    task_type: str
    priority: int
    models: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: KeyId | None


def make_secret() -> str:
    """Return a fresh key, 256 random bits; the only time it exists in clear."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str, pepper: bytes) -> bytes:
    """Return what is stored and looked up in place of the key."""
    return hmac.digest(pepper, secret.encode(), hashlib.sha256)


def digest_of_hash(sha256_hex: str, pepper: bytes) -> bytes:
    """Return what is stored of a key of which another gateway knows the SHA-256 only.

    Under a pepper of its own: of whatever text a caller sends as its key, the hash that lies in the
    other gateway's database included, the HMAC is another, so that only the key itself is known.
    """
    apart = hmac.digest(pepper, b"keys known by their sha256", hashlib.sha256)
    return hmac.digest(apart, sha256_hex.encode(), hashlib.sha256)


def digest_of_foreign(secret: str, pepper: bytes) -> bytes:
    """Return by what a caller's key is looked up that was taken over by its SHA-256."""
    return digest_of_hash(hashlib.sha256(secret.encode()).hexdigest(), pepper)


def hint_of(secret: str) -> str:
    """Return the last characters, by which a person recognises the key."""
    return secret[-_HINT:]
