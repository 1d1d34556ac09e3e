"""钉钉自定义机器人: signed in the query (加签), success is `errcode` 0 in the body.

Source: open.dingtalk.com, 自定义机器人安全设置; beyond 20 a minute it is mute for ten minutes.
A notice with a link is a card with one button (整体跳转 ActionCard), anything else Markdown.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from yuejie.notices.channels.parcel import Outcome, Reply, Request, Rest, Wait
from yuejie.notices.channels.robots import AGAIN, by_code, fitting
from yuejie.notices.wording.letter import Letter

HOSTS: Final = ("oapi.dingtalk.com",)
BODY_BYTES: Final = 20_000
"""Longest message, escapes and all."""
CONTENT_BYTES: Final = 18_000
_MUTED: Final = Wait(timedelta(minutes=10), Rest.RECEIVER)
_WAITS: Final[dict[str, Wait]] = {
    "-1": AGAIN,  # the system is busy
    "130101": _MUTED,  # send too fast, exceed 20 times per minute
    "410100": _MUTED,  # the same, of the newer documents
    "660026": _MUTED,
}


def sign(secret: str, unix_ms: int) -> str:
    """Return the signature of an instant in base64, not yet quoted for a query."""
    said = f"{unix_ms}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), said, hashlib.sha256)).decode()


def request_of(url: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Write a message; without a secret the robot is guarded by keyword or address."""
    if secret:
        unix_ms = int(at.timestamp() * 1000)
        joint = "&" if "?" in url else "?"
        url = f"{url}{joint}timestamp={unix_ms}&sign={quote(sign(secret, unix_ms), safe='')}"
    body = fitting(lambda most: message_of(letter, most), CONTENT_BYTES, BODY_BYTES)
    return Request(url, {"content-type": "application/json"}, body)


def message_of(letter: Letter, most: int) -> dict[str, Any]:
    """Return a message whose text has at most so many bytes."""
    if letter.link:
        card = {
            "title": letter.title,
            "text": letter.markdown(newline="\n\n", most=most, linked=False),
            "singleTitle": letter.look,
            "singleURL": letter.link,
            "btnOrientation": "0",
        }
        return {"msgtype": "actionCard", "actionCard": card}
    marked = {"title": letter.title, "text": letter.markdown(newline="\n\n", most=most)}
    return {"msgtype": "markdown", "markdown": marked, "at": {"isAtAll": False}}


def judge(reply: Reply) -> Outcome:
    """Tell how it ended, by the body."""
    return by_code(reply, "errcode", "errmsg", _WAITS)
