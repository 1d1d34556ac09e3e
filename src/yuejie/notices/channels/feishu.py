"""飞书自定义机器人: signed in the body, key and message of the HMAC swapped; `code` 0 is success.

Source: open.feishu.cn, 自定义机器人使用指南; timestamps are seconds and at most an hour old.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from yuejie.notices.channels.parcel import Outcome, Reply, Request
from yuejie.notices.channels.robots import NEXT_MINUTE, by_code
from yuejie.notices.wording.letter import Letter

HOSTS: Final = ("open.feishu.cn", "open.larksuite.com")
CONTENT_BYTES: Final = 16_000
"""The whole body may have 20 KB."""
_WAITS: Final[dict[str, timedelta | None]] = {"11232": NEXT_MINUTE, "11233": NEXT_MINUTE}


def sign(secret: str, unix_s: int) -> str:
    """Return the signature of an instant: the key is `seconds, newline, secret`, no message."""
    return base64.b64encode(
        hmac.digest(f"{unix_s}\n{secret}".encode(), b"", hashlib.sha256)
    ).decode()


def request_of(url: str, secret: str, letter: Letter, at: datetime) -> Request:
    """Write a card: title, Markdown, and a button where there is one link."""
    elements: list[dict[str, Any]] = [
        {"tag": "div", "text": {"tag": "lark_md", "content": letter.markdown(most=CONTENT_BYTES)}}
    ]
    if letter.link:
        button = {
            "tag": "button",
            "text": {"tag": "plain_text", "content": letter.look},
            "url": letter.link,
            "type": "primary",
        }
        elements.append({"tag": "action", "actions": [button]})
    message: dict[str, Any] = {
        "msg_type": "interactive",
        "card": {
            "header": {
                "title": {"tag": "plain_text", "content": letter.title},
                "template": "red" if letter.urgent else "blue",
            },
            "elements": elements,
        },
    }
    if secret:
        unix_s = int(at.timestamp())
        message = {"timestamp": str(unix_s), "sign": sign(secret, unix_s), **message}
    return Request(url, {"content-type": "application/json"}, msgspec.json.encode(message))


def judge(reply: Reply) -> Outcome:
    """Tell how it ended, by the body."""
    return by_code(reply, "code", "msg", _WAITS)
