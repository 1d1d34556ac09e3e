"""钉钉自定义机器人: signed in the query (加签), success is `errcode` 0 in the body.

Source: open.dingtalk.com, 自定义机器人安全设置; beyond 20 a minute it is mute for ten minutes.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

import msgspec

from yuejie.notices.channels.parcel import Outcome, Reply, Request
from yuejie.notices.channels.robots import by_code
from yuejie.notices.wording.letter import Letter

HOSTS: Final = ("oapi.dingtalk.com",)
CONTENT_BYTES: Final = 18_000
"""The whole message may have 20 000 bytes."""
_MUTED: Final = timedelta(minutes=10)
_WAITS: Final[dict[str, timedelta | None]] = {"-1": None, "130101": _MUTED, "660026": _MUTED}


def sign(secret: str, unix_ms: int) -> str:
    """Return the signature of an instant in base64, not yet quoted for a query."""
    said = f"{unix_ms}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), said, hashlib.sha256)).decode()


def request_of(url: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Write a Markdown message; without a secret the robot is guarded by keyword or address."""
    if secret:
        unix_ms = int(at.timestamp() * 1000)
        joint = "&" if "?" in url else "?"
        url = f"{url}{joint}timestamp={unix_ms}&sign={quote(sign(secret, unix_ms), safe='')}"
    text = letter.markdown(newline="\n\n", most=CONTENT_BYTES)
    message = {
        "msgtype": "markdown",
        "markdown": {"title": letter.title, "text": text},
        "at": {"isAtAll": False},
    }
    return Request(url, {"content-type": "application/json"}, msgspec.json.encode(message))


def judge(reply: Reply) -> Outcome:
    """Tell how it ended, by the body."""
    return by_code(reply, "errcode", "errmsg", _WAITS)
