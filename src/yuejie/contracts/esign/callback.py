"""Hear a platform's callback: verified, it makes us ask at once, and says nothing else.

So a callback that comes twice, late, out of order or never changes nothing but the hour, and the
signed file is always fetched from the platform itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from yuejie.contracts.esign import store
from yuejie.contracts.esign.port import CallbackForged, SigningPlatform, Told
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.limits import CALLBACK_BYTES


@dataclass(frozen=True, slots=True)
class Called:
    """A callback as it arrived."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


def hear_callback(
    db: Database,
    platforms: Mapping[str, SigningPlatform],
    name: str,
    called: Called,
    *,
    now: datetime,
) -> bool:
    """Have the task that a verified callback is about asked after now; False where none waits.

    Raises NotFound for a platform that this house does not use, CallbackForged for a signature or
    time that is not the platform's, Invalid for signed words that make no sense.
    """
    platform = platforms.get(name)
    if platform is None:
        raise NotFound(f"没有启用名为“{name:.20}”的电子签平台，请核对回调地址")
    told = _told(platform, called, now)
    if told is None:
        return False
    with db.begin() as tx:
        return store.hasten(tx, name, told.task, now=now)


def _told(platform: SigningPlatform, called: Called, now: datetime) -> Told | None:
    """Read a callback. Platforms write ASCII headers and UTF-8 bodies; others need no reading."""
    if len(called.body) > CALLBACK_BYTES or not all(map(str.isascii, called.headers.values())):
        raise CallbackForged(f"{platform.name} 回调过长或带有乱码，已拒绝")
    try:
        called.body.decode()
    except UnicodeDecodeError:
        raise CallbackForged(f"{platform.name} 回调不是 UTF-8 文本，已拒绝") from None
    try:
        return platform.read_callback(called.headers, called.query, called.body, now)
    except (LookupError, TypeError, ValueError, OverflowError):
        raise Invalid(f"{platform.name} 回调签名无误但内容不合格式，请核对接口版本") from None
