"""Notices from the command line, against every simulated receiver, as a newcomer tries them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.rooms.notices.desk import NOW
from tests.scenarios.books import FixedClock
from yuejie.cli.notices.entrance import notices
from yuejie.db.session import Database
from yuejie.demo.post.launch import Receivers, post_here
from yuejie.demo.post.world import (
    DINGTALK_SECRET,
    FEISHU_SECRET,
    SMS_APP,
    SMS_ID,
    SMS_SECRET,
    SMS_SIGN,
)
from yuejie.kernel.errors import Conflict, Invalid

FORMS = {
    "email": "you@example.com",
    "wecom": "wecom",
    "dingtalk": "dingtalk",
    "feishu": "feishu",
    "aliyun_sms": "13800000000",
    "tencent_sms": "13800000000",
    "webhook": "hook",
}


class Desk:
    """A command line whose notices lead to the receivers."""

    def __init__(self, url: str, there: Receivers, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.there, self.now = url, there, NOW
        for name, value in {"D": DINGTALK_SECRET, "F": FEISHU_SECRET, "S": SMS_SECRET}.items():
            monkeypatch.setenv(name, value)

    @property
    def environ(self) -> dict[str, str]:
        return {"YUEJIE_NOTICE_HOSTS": self.there.host}

    def say(self, *words: str) -> str:
        return run(notices, self.url, self.now, *words, environ=self.environ)

    def ask(self, *words: str) -> Any:
        return run_json(notices, self.url, self.now, *words, environ=self.environ)

    def senders(self) -> None:
        mail = ("host=127.0.0.1", f"port={self.there.box.port}", "security=none", "from=b@c.cn")
        self.say("senders", "set", "email", *mail)
        sms = (f"endpoint={self.there.server.url}", f"sign_name={SMS_SIGN}")
        aliyun = (*sms, f"access_key_id={SMS_ID}", "template.test=SMS_1", "--secret-env", "S")
        self.say("senders", "set", "aliyun_sms", *aliyun)
        tencent = (f"secret_id={SMS_ID}", f"app_id={SMS_APP}", "template.test=1")
        self.say("senders", "set", "tencent_sms", *sms, *tencent, "--secret-env", "S")

    def channel(self, kind: str, *more: str) -> str:
        contact = self.ask("contacts", "add", "--name", kind)["contact_id"]
        address = getattr(self.there, FORMS[kind], FORMS[kind])
        key = {"dingtalk": ("--key-env", "D"), "feishu": ("--key-env", "F")}.get(kind, ())
        words = ("channels", "add", contact, "--kind", kind, "--address", address)
        made = self.ask(*words, *key, *more)
        if made["key"]:
            self.there.world.hook_keys.append(made["key"])
        return str(made["channel"]["channel_id"])


@pytest.fixture
def desk(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    del database
    with post_here(FixedClock(NOW)) as there:
        yield Desk(database_url, there, monkeypatch)


def test_every_channel_is_tried_with_its_button(desk: Desk) -> None:
    desk.senders()
    for kind in FORMS:
        pressed = desk.ask("test", desk.channel(kind))
        assert pressed["outcome"]["result"] == "sent", (kind, pressed)
        (seen,) = desk.ask("log", "--key", pressed["notice_key"])
        assert (seen["channel_kind"], seen["message_id"]) == (kind, pressed["message_id"])
    assert [each.channel for each in desk.there.world.arrived] == list(FORMS)
    assert SMS_SECRET not in desk.say("senders", "list")
    assert len(desk.ask("log", "--limit", "2")) == 2
    assert "wecom" in desk.say("log", "--channel-kind", "wecom")


def test_a_dead_message_is_looked_at_and_tried_again(desk: Desk) -> None:
    channel = desk.channel("wecom")
    desk.there.world.moods = [(200, {"errcode": 93000, "errmsg": "invalid webhook url"})]
    message = desk.ask("test", channel)["message_id"]
    assert desk.ask("log", "--state", "dead")[0]["message_id"] == message
    whole = desk.say("show", message)
    assert "93000 invalid webhook url" in whole
    assert "测试通知" in whole
    with pytest.raises(Invalid, match="--all-dead"):
        desk.say("retry")
    assert desk.ask("retry", "--all-dead", "--channel-kind", "email") == {"retried": []}
    assert desk.ask("retry", "--all-dead", "--since", "2026-11-01") == {"retried": [message]}
    with pytest.raises(Conflict, match="还在待发"):
        desk.say("retry", message)
    assert desk.ask("show", message)["delivery"]["state"] == "waiting"


def test_the_button_reaches_a_receiver_that_rests(desk: Desk) -> None:
    """Whoever has topped the account up wants to know now, not in an hour."""
    desk.senders()
    desk.there.world.balance = 0
    first, second = desk.channel("aliyun_sms"), desk.channel("aliyun_sms")
    assert desk.ask("test", first)["outcome"]["code"] == "isv.AMOUNT_NOT_ENOUGH"
    desk.there.world.balance = 10
    desk.now = NOW + timedelta(seconds=1)
    assert desk.ask("test", second)["outcome"]["result"] == "sent"


def test_every_deed_answers_in_json(desk: Desk) -> None:
    channel = desk.channel("webhook")
    key = desk.ask("channels", "rotate", channel)["key"]
    assert key.startswith("whsec_")
    (contact,) = desk.ask("contacts", "list")
    assert desk.ask("channels", "remove", channel) == {"removed": channel}
    removed = desk.ask("contacts", "remove", contact["contact_id"])
    assert removed == {"removed": contact["contact_id"]}
    assert desk.ask("kinds")["bill_issued"]["facts"][0] == "number"
