"""A customer's own endpoint, signed as Standard Webhooks 1.0 has it; any 2xx is success.

Source: standard-webhooks.com; `webhook-id` is the message id, the same at every attempt.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from yuejie.kernel.errors import Invalid
from yuejie.notices.channels.parcel import Outcome, Parcel, Reply, Request, refused, retry, sent
from yuejie.notices.channels.robots import BUSY, asked, by_http

PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def make_secret() -> str:
    """Return a fresh secret, 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes that a secret stands for; 24 to 64 of them."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise Invalid("webhook 密钥应为 whsec_ 加 24 到 64 字节的 base64，请重新生成")
    return key


def sign(secret: str, message_id: str, unix_s: int, body: bytes) -> str:
    """Return the signature of one message under one secret."""
    said = f"{message_id}.{unix_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), said, hashlib.sha256)).decode()


def request_of(url: str, keys: Sequence[str], parcel: Parcel, at: datetime) -> Request:
    """Write one event; while a secret is being rotated, it is signed with the old one too."""
    told = parcel.told[0]
    event = {
        "type": str(told.kind),
        "timestamp": told.at.isoformat().replace("+00:00", "Z"),
        "data": {"notice_id": told.notice_id, "customer_id": told.customer_id, **told.facts},
    }
    body = msgspec.json.encode(event)
    unix_s = int(at.timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(unix_s),
        "webhook-signature": " ".join(sign(key, parcel.message_id, unix_s, body) for key in keys),
    }
    return Request(url, headers, body)


def judge(reply: Reply) -> Outcome:
    """Tell how it ended: 410 says that the endpoint is gone for good, all else may be mended.

    A 404 or 401 is a deployment half done as often as not, so the standard has it repeated.
    """
    if reply.status == 410:
        return refused("http 410", "接收方声明该地址已停用")
    failed = by_http(reply)
    if failed is None:
        return sent(f"http {reply.status}")
    if reply.status in BUSY:
        return failed
    return retry(failed.code, failed.said, asked(reply.headers))
