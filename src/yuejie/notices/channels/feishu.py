"""飞书自定义机器人: signed in the body, key and message of the HMAC swapped; `code` 0 is success.

Source: open.feishu.cn, 自定义机器人使用指南; timestamps are seconds and at most an hour old.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any, Final

from yuejie.notices.channels.parcel import Outcome, Reply, Request, Wait
from yuejie.notices.channels.robots import AGAIN, NEXT_MINUTE, by_code, fitting
from yuejie.notices.wording.letter import Letter

HOSTS: Final = ("open.feishu.cn", "open.larksuite.com")
BODY_BYTES: Final = 20_000
"""Longest body, signature and escapes and all: 20 KB."""
CONTENT_BYTES: Final = 16_000
_WAITS: Final[dict[str, Wait]] = {
    "1000": AGAIN,  # internal error
    "11232": NEXT_MINUTE,  # 5 a second or 100 a minute, or everybody's full and half hours
    "11233": NEXT_MINUTE,
}


def sign(secret: str, unix_s: int) -> str:
    """Return the signature of an instant: the key is `seconds, newline, secret`, no message."""
    return base64.b64encode(
        hmac.digest(f"{unix_s}\n{secret}".encode(), b"", hashlib.sha256)
    ).decode()


def request_of(url: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Write a card, signed where the robot has a secret."""
    signed: dict[str, Any] = {}
    if secret:
        unix_s = int(at.timestamp())
        signed = {"timestamp": str(unix_s), "sign": sign(secret, unix_s)}
    body = fitting(lambda most: signed | message_of(letter, most), CONTENT_BYTES, BODY_BYTES)
    return Request(url, {"content-type": "application/json"}, body)


def message_of(letter: Letter, most: int) -> dict[str, Any]:
    """Return a card: title, Markdown of at most so many bytes, a button where there is one link."""
    text = letter.markdown(most=most, linked=not letter.link)
    elements: list[dict[str, Any]] = [
        {"tag": "div", "text": {"tag": "lark_md", "content": text}},
    ]
    if letter.link:
        button = {
            "tag": "button",
            "text": {"tag": "plain_text", "content": letter.look},
            "url": letter.link,
            "type": "primary",
        }
        elements.append({"tag": "action", "actions": [button]})
    header = {
        "title": {"tag": "plain_text", "content": letter.title},
        "template": "red" if letter.urgent else "blue",
    }
    return {"msg_type": "interactive", "card": {"header": header, "elements": elements}}


def judge(reply: Reply) -> Outcome:
    """Tell how it ended, by the body."""
    return by_code(reply, "code", "msg", _WAITS)
