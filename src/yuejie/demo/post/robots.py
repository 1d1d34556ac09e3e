"""企业微信、钉钉、飞书 group robots: HTTP is 200 whatever happens, the body tells.

Sources: the vendors' documents of their custom robots; words of errors as they are seen in the
field (DingTalk's table of 2024, an 11232 of Feishu's logged by several projects).
"""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any, Final

from yuejie.demo.post.world import (
    DINGTALK_SECRET,
    DINGTALK_TOKEN,
    FEISHU_SECRET,
    FEISHU_TOKEN,
    WECOM_KEY,
    Answer,
    Got,
    World,
)

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_MUTE: Final = timedelta(minutes=10)
_WECOM_SIZES: Final = {"text": 2048, "markdown": 4096}
_DINGTALK_BYTES: Final = 20_000
_FEISHU_BYTES: Final = 20 * 1024
_HINT: Final = "more info at https://open.work.weixin.qq.com/devtool/query?e="


def wecom(world: World, got: Got) -> Answer:
    """Answer `/cgi-bin/webhook/send`: 20 a minute, 4096 bytes of Markdown."""
    key = got.query.get("key", "")
    if key != WECOM_KEY:
        return _said(93000, f"invalid webhook url, hint: [simulated], {_HINT}93000")
    kind = str(got.json.get("msgtype", ""))
    if kind not in _WECOM_SIZES:
        return _said(40008, f"invalid message type, hint: [simulated], {_HINT}40008")
    content = str((got.json.get(kind) or {}).get("content", ""))
    if not content:
        return _said(44004, f"empty content, hint: [simulated], {_HINT}44004")
    if len(content.encode()) > _WECOM_SIZES[kind]:
        return _said(40058, f"{kind}.content exceed max length {_WECOM_SIZES[kind]}")
    if world.count(key, _MINUTE) >= 20:
        return _said(45009, f"api freq out of limit, hint: [simulated], {_HINT}45009")
    world.take(key, "wecom", key, content.splitlines()[0].strip("*"), content)
    return _said(0, "ok")


def dingtalk(world: World, got: Got) -> Answer:
    """Answer `/robot/send`: signed in the query; beyond 20 a minute mute for ten minutes."""
    refusal = _dingtalk_refusal(world, got)
    if refusal is not None:
        return _said(*refusal)
    said: dict[str, Any] = got.json.get(str(got.json.get("msgtype"))) or {}
    text = str(said.get("text") or said.get("content", ""))
    if not text:
        return _said(40035, "缺少参数 json")
    if _dingtalk_muted(world):
        return _said(130101, "send too fast, exceed 20 times per minute")
    world.take(DINGTALK_TOKEN, "dingtalk", DINGTALK_TOKEN, str(said.get("title", "")), text)
    return _said(0, "ok")


def _dingtalk_refusal(world: World, got: Got) -> tuple[int, str] | None:
    """Return what is wrong with a call, before its limits are looked at."""
    query = got.query
    if not query.get("access_token"):
        return 40035, "缺少参数 access_token"
    if query["access_token"] != DINGTALK_TOKEN:
        return 300005, "token is not exist"
    if "json" not in got.headers.get("content-type", ""):
        return 43004, "无效的HTTP HEADER Content-Type"
    if not _dingtalk_signed(world, query):
        return 310000, "sign not match, more: [https://ding-doc.dingtalk.com/]"
    if len(got.body) > _DINGTALK_BYTES:
        return 460101, "message too long, exceed 20000 bytes"
    if got.json.get("msgtype") not in {"text", "markdown", "actionCard"}:
        return 400105, "不支持的消息类型"
    return None


def _dingtalk_signed(world: World, query: dict[str, str]) -> bool:
    stamp = query.get("timestamp", "")
    if not stamp.isdecimal() or abs(int(stamp) / 1000 - world.now().timestamp()) > 3600:
        return False
    wanted = hmac.digest(
        DINGTALK_SECRET.encode(), f"{stamp}\n{DINGTALK_SECRET}".encode(), hashlib.sha256
    )
    return hmac.compare_digest(base64.b64encode(wanted).decode(), query.get("sign", ""))


def _dingtalk_muted(world: World) -> bool:
    until = world.muted.get(DINGTALK_TOKEN)
    if until is not None and world.now() < until:
        return True
    if world.count(DINGTALK_TOKEN, _MINUTE) < 20:
        return False
    world.muted[DINGTALK_TOKEN] = world.now() + _MUTE
    return True


def feishu(world: World, got: Got) -> Answer:
    """Answer `/open-apis/bot/v2/hook/…`: signed in the body; 5 a second and 100 a minute."""
    if not got.path.endswith(f"/{FEISHU_TOKEN}"):
        return _coded(19001, "param invalid: incoming webhook access token invalid")
    said = got.json
    if not said or len(got.body) > _FEISHU_BYTES:
        return _coded(9499, "Bad Request")
    if not _feishu_signed(world, said):
        words = "sign match fail or timestamp is not within one hour from current time"
        return _coded(19021, words)
    if said.get("msg_type") not in {"text", "interactive"}:
        return _coded(19002, "params error, msg_type need")
    card: dict[str, Any] = said.get("card") or {}
    title = str(card.get("header", {}).get("title", {}).get("content", ""))
    text = "\n".join(_feishu_texts(card.get("elements", [])))
    if said["msg_type"] == "interactive" and not (title and text):
        return _coded(9499, "Bad Request")
    if world.count(FEISHU_TOKEN, timedelta(seconds=1)) >= 5 or (
        world.count(FEISHU_TOKEN, _MINUTE) >= 100
    ):
        words = "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"
        return _coded(11232, words)
    world.take(FEISHU_TOKEN, "feishu", FEISHU_TOKEN, title, text)
    return 200, {
        "StatusCode": 0,
        "StatusMessage": "success",
        "code": 0,
        "data": {},
        "msg": "success",
    }


def _feishu_signed(world: World, said: dict[str, Any]) -> bool:
    stamp = str(said.get("timestamp", ""))
    if not stamp.isdecimal() or abs(int(stamp) - world.now().timestamp()) > _HOUR.total_seconds():
        return False
    wanted = hmac.digest(f"{stamp}\n{FEISHU_SECRET}".encode(), b"", hashlib.sha256)
    return hmac.compare_digest(base64.b64encode(wanted).decode(), str(said.get("sign", "")))


def _feishu_texts(elements: list[dict[str, Any]]) -> list[str]:
    texts = [str(each["text"]["content"]) for each in elements if "text" in each]
    buttons = [action for each in elements for action in each.get("actions", [])]
    return [*texts, *(f"[{each['text']['content']}]({each['url']})" for each in buttons)]


def _said(code: int, words: str) -> Answer:
    return 200, {"errcode": code, "errmsg": words}


def _coded(code: int, words: str) -> Answer:
    return 200, {"code": code, "msg": words, "data": {}}
