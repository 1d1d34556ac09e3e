"""Take over the keys of a gateway that runs elsewhere, so that callers change an address only.

new-api keeps keys in clear: they are kept here as every key, as an HMAC under the pepper. LiteLLM
keeps the SHA-256 of a key: the HMAC of that digest is kept, and a caller's key is also looked up
by it. Nothing from which a key could be had is written down.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from yuejie.customers import store
from yuejie.customers.customer import Customer
from yuejie.customers.key import ApiKey, digest_of, digest_of_hash, hint_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.intake.imports.reading import Fields
from yuejie.kernel.errors import UNREADABLE, Invalid, NotFound
from yuejie.kernel.ids import KeyId, mint
from yuejie.kernel.period import parse_instant, zone_of

_PREFIX: Final = "sk-"
_ENABLED: Final = "1"
_HASH: Final = 64
_NAME: Final = 64


class Elsewhere(StrEnum):
    """Whose keys they are."""

    NEWAPI = "newapi"
    LITELLM = "litellm"


@dataclass(frozen=True, slots=True)
class Found:
    """A key as the other gateway keeps it."""

    name: str
    digest: bytes
    hint: str
    models: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of a key: its name, and its id here, or why it was not taken."""

    name: str
    key_id: str = ""
    why: str = ""


def take_over_keys(
    db: Database,
    customer: Customer,
    project: str,
    rows: Iterable[Fields],
    *,
    of: Elsewhere,
    pepper: bytes,
    by: str,
    now: datetime,
) -> list[TakenOver]:
    """Take over every key that is in use; one that is known already stays as it is."""
    told: list[TakenOver] = []
    with db.begin() as tx:
        place = store.project_by_name(tx, customer.customer_id, project)
        if place is None:
            raise NotFound(f"项目“{project}”不存在，请先为客户 {customer.slug} 建立项目")
        for row in rows:
            name = row.get("name") or row.get("key_alias") or row.get("key_name") or "（未命名）"
            try:
                found = _read(row, name[:_NAME], of, pepper, now)
            except Invalid as error:
                told.append(TakenOver(name, why=error.sentence))
                continue
            if store.key_by_digest(tx, found.digest) is not None:
                told.append(TakenOver(name, why="已经接管过"))
                continue
            key = ApiKey(
                key_id=KeyId(mint("key", now)),
                customer_id=customer.customer_id,
                project_id=place.project_id,
                name=found.name,
                digest=found.digest,
                hint=found.hint,
                tags="",
                task_type="",
                priority=0,
                models=list(found.models) or None,
                created_at=now,
                expires_at=found.expires_at,
                revoked_at=None,
                replaced_by=None,
            )
            store.insert_key(tx, key)
            record_deed(tx, Deed(by, now, "take_over", "api_key", key.key_id), became=key)
            told.append(TakenOver(name, key.key_id))
    return told


def _read(row: Fields, name: str, of: Elsewhere, pepper: bytes, now: datetime) -> Found:
    found = (_newapi if of is Elsewhere.NEWAPI else _litellm)(row, name, pepper)
    if found.expires_at is not None and found.expires_at <= now:
        raise Invalid("已到期")
    return found


def _newapi(row: Fields, name: str, pepper: bytes) -> Found:
    """Read a row of `tokens`: the key stands without its `sk-`."""
    if row.get("status", _ENABLED) != _ENABLED:
        raise Invalid("已停用")
    key = row.get("key", "").strip()
    if not key:
        raise Invalid("没有密钥 key")
    secret = key if key.startswith(_PREFIX) else _PREFIX + key
    limited = row.get("model_limits_enabled", "").lower() in {"1", "true", "t"}
    models = tuple(m for m in row.get("model_limits", "").split(",") if m) if limited else ()
    ends = row.get("expired_time", "").strip()
    expires = None
    if ends and not ends.startswith("-") and ends != "0":
        try:
            expires = datetime.fromtimestamp(int(ends), UTC)
        except (ValueError, OverflowError, OSError):
            raise Invalid(f"到期时间 expired_time“{ends}”读不懂") from None
    return Found(name, digest_of(secret, pepper), hint_of(secret), models, expires)


def _litellm(row: Fields, name: str, pepper: bytes) -> Found:
    """Read a row of `LiteLLM_VerificationToken`: the token is the key's SHA-256 in hex."""
    token = row.get("token", "").strip().lower()
    if len(token) != _HASH or set(token) - set("0123456789abcdef"):
        raise Invalid("token 不是 SHA-256（64 位十六进制），无法据此认出密钥")
    if row.get("blocked", "").lower() in {"1", "true", "t"}:
        raise Invalid("已停用")
    ends = row.get("expires", "")
    expires = parse_instant(ends, zone_of("UTC"), "expires ") if ends else None
    hint = row.get("key_name", "")[-4:] or token[-4:]
    return Found(name, digest_of_hash(token, pepper), hint, _models(row), expires)


def _models(row: Fields) -> tuple[str, ...]:
    """Read a list of models, as JSON or as PostgreSQL writes arrays; its wildcards mean all."""
    text = row.get("models", "").strip()
    if not text or text in {"{}", "[]"}:
        return ()
    try:
        listed = json.loads(text) if text.startswith("[") else text.strip("{}").split(",")
    except UNREADABLE:
        raise Invalid(f"models“{text[:40]}”读不懂") from None
    names = [str(each).strip('" ') for each in listed]
    return () if {"all-proxy-models", "all-team-models"} & set(names) else tuple(names)
