"""企业微信群机器人: the key in the address is the secret, success is `errcode` 0 in the body.

Source: developer.work.weixin.qq.com, 群机器人配置说明; HTTP is 200 also for failures.
"""

from typing import Final

import msgspec

from yuejie.notices.channels.parcel import Outcome, Reply, Request, Wait
from yuejie.notices.channels.robots import AGAIN, NEXT_MINUTE, by_code
from yuejie.notices.wording.letter import Letter

HOSTS: Final = ("qyapi.weixin.qq.com",)
CONTENT_BYTES: Final = 4096
"""Longest content of a Markdown message."""
_WAITS: Final[dict[str, Wait]] = {
    "-1": AGAIN,  # the system is busy
    "45009": NEXT_MINUTE,  # 20 a minute
    "45033": NEXT_MINUTE,  # too many at once
}


def request_of(url: str, letter: Letter) -> Request:
    """Write a Markdown message."""
    content = letter.markdown(most=CONTENT_BYTES)
    body = msgspec.json.encode({"msgtype": "markdown", "markdown": {"content": content}})
    return Request(url, {"content-type": "application/json"}, body)


def judge(reply: Reply) -> Outcome:
    """Tell how it ended, by the body."""
    return by_code(reply, "errcode", "errmsg", _WAITS)
