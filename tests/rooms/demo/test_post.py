"""The simulated receivers are as strict as the originals, and our deliverer never trips them."""

import base64
import hashlib
import hmac
import json
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.rooms.notices.desk import KEY, NOW, channel, deliveries, mail_sender, notice, tell
from tests.scenarios.books import FixedClock
from yuejie.db.session import Database
from yuejie.demo.post import hook, robots, sms
from yuejie.demo.post.launch import post_here
from yuejie.demo.post.world import (
    DINGTALK_SECRET,
    DINGTALK_TOKEN,
    FEISHU_SECRET,
    FEISHU_TOKEN,
    SMS_APP,
    SMS_ID,
    SMS_SECRET,
    SMS_SIGN,
    WECOM_KEY,
    Answer,
    Got,
    World,
)
from yuejie.notices.channels import aliyun_sms, dingtalk, feishu, tencent_sms, webhook
from yuejie.notices.channels.parcel import Request
from yuejie.notices.channels.post import Post
from yuejie.notices.deliver import deliver_due, form_due, hand_on_due
from yuejie.notices.notice import Kind

TEXT = {"msgtype": "text", "text": {"content": "x"}}


def world() -> World:
    return World(lambda: NOW)


def got(request: Request) -> Got:
    return Got(
        "/" + request.url.partition("://")[2].partition("/")[2], request.headers, request.body
    )


def wecom_got(said: object, key: str = WECOM_KEY) -> Got:
    return Got(f"/cgi-bin/webhook/send?key={key}", {}, json.dumps(said).encode())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (TEXT, 0),
        ({"msgtype": "pigeon"}, 40008),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": {"content": "长" * 683}}, 40058),
        ({"msgtype": "markdown", "markdown": {"content": "长" * 1366}}, 40058),
    ],
)
def test_wecoms_codes(said: object, code: int) -> None:
    status, answer = robots.wecom(world(), wecom_got(said))
    assert (status, answer["errcode"]) == (200, code)
    assert robots.wecom(world(), wecom_got(said, "other"))[1]["errcode"] == 93000


def test_wecom_takes_twenty_a_minute() -> None:
    there = world()
    codes = [robots.wecom(there, wecom_got(TEXT))[1]["errcode"] for _ in range(21)]
    assert codes == [0] * 20 + [45009]
    there.now = lambda: NOW + timedelta(minutes=1)
    assert robots.wecom(there, wecom_got(TEXT))[1]["errcode"] == 0


def dingtalk_got(minutes: int = 0, secret: str = DINGTALK_SECRET) -> Got:
    stamp = int((NOW + timedelta(minutes=minutes)).timestamp() * 1000)
    sign = quote(dingtalk.sign(secret, stamp), safe="")
    path = f"/robot/send?access_token={DINGTALK_TOKEN}&timestamp={stamp}&sign={sign}"
    return Got(path, {"content-type": "application/json"}, json.dumps(TEXT).encode())


def test_dingtalk_mutes_for_ten_minutes_and_tells_no_two_faults_alike() -> None:
    there = world()
    codes = [robots.dingtalk(there, dingtalk_got())[1]["errcode"] for _ in range(21)]
    assert codes == [0] * 20 + [130101]
    for minutes, code in ((9, 130101), (10, 0)):
        there.now = lambda m=minutes: NOW + timedelta(minutes=m)  # type: ignore[misc]  # why: binds the loop's value
        assert robots.dingtalk(there, dingtalk_got(minutes))[1]["errcode"] == code
    fine = dingtalk_got()
    long = json.dumps({"msgtype": "text", "text": {"content": "x" * 20_000}}).encode()
    for wrong, code in (
        (dingtalk_got(-61), 310000),
        (dingtalk_got(secret="SECother"), 310000),
        (replace(fine, path=fine.path.replace(DINGTALK_TOKEN, "x")), 300005),
        (replace(fine, path="/robot/send"), 40035),
        (replace(fine, headers={}), 43004),
        (replace(fine, body=b'{"msgtype":"pigeon"}'), 400105),
        (replace(fine, body=long), 460101),
    ):
        assert robots.dingtalk(world(), wrong)[1]["errcode"] == code


def feishu_got(secret: str = FEISHU_SECRET, at: int = 0, **more: object) -> Got:
    stamp = int(NOW.timestamp()) + at
    said = {"timestamp": str(stamp), "sign": feishu.sign(secret, stamp), "msg_type": "text"} | more
    return Got(f"/open-apis/bot/v2/hook/{FEISHU_TOKEN}", {}, json.dumps(said).encode())


def test_feishu_takes_five_a_second_and_a_hundred_a_minute() -> None:
    there, taken = world(), 0
    for second in range(30):
        there.now = lambda s=second: NOW + timedelta(seconds=s)  # type: ignore[misc]  # why: binds the loop's value
        codes = [robots.feishu(there, feishu_got())[1]["code"] for _ in range(6)]
        assert codes[5] == 11232
        taken += codes.count(0)
    assert taken == 100
    for wrong, code in (
        (feishu_got("other"), 19021),
        (feishu_got(at=-3601), 19021),
        (feishu_got(msg_type="pigeon"), 19002),
        (feishu_got(msg_type="interactive"), 9499),
        (feishu_got(pad="x" * 20_480), 9499),
        (replace(feishu_got(), path="/open-apis/bot/v2/hook/x"), 19001),
    ):
        assert robots.feishu(world(), wrong)[1]["code"] == code


VALUES = {"number": "B1"}


def aliyun_got(secret: str = SMS_SECRET, nonce: str = "1" * 32, **more: str) -> Got:
    asked = aliyun_sms.parameters_of("13800000000", SMS_SIGN, "SMS_1", VALUES, "msg_1") | more
    settings = {"access_key_id": SMS_ID, "endpoint": "https://dysmsapi.aliyuncs.com"}
    return got(aliyun_sms.request_of(settings, secret, asked, nonce, NOW))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"PhoneNumbers": "12"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"SignName": "别家"}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"TemplateCode": "x"}, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"TemplateParam": "{"}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"a":1}'}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"a":"http://x.cn"}'}, "isv.PARAM_NOT_SUPPORT_URL"),
        ({"TemplateParam": json.dumps({"a": "长" * 36})}, "isv.PARAM_LENGTH_LIMIT"),
    ],
)
def test_aliyuns_judgements(changes: dict[str, str], code: str) -> None:
    status, answer = sms.aliyun(world(), aliyun_got(**changes))
    assert (status, answer["Code"]) == (200, code)


def test_aliyun_checks_the_exact_bytes_the_time_and_the_nonce() -> None:
    there, fine = world(), aliyun_got()
    assert sms.aliyun(there, fine)[1]["Code"] == "OK"
    assert sms.aliyun(there, fine) == refused(400, "SignatureNonceUsed", sms.aliyun(there, fine))
    path = fine.path.replace("13800000000", "13900000000")
    for wrong, status, code in (
        (replace(fine, path=path), 400, "SignatureDoesNotMatch"),
        (replace(fine, body=b"x"), 400, "SignatureDoesNotMatch"),
        (aliyun_got("other"), 400, "SignatureDoesNotMatch"),
        (header(fine, "x-acs-date", "2026-11-10T02:16:01Z"), 400, "InvalidTimeStamp.Expired"),
        (header(fine, "x-acs-date", "today"), 400, "InvalidTimeStamp.Format"),
        (header(fine, "x-acs-version", "2017-05-26"), 400, "SignatureDoesNotMatch"),
        (header(fine, "authorization", "none"), 400, "IncompleteSignature"),
    ):
        answer = sms.aliyun(world(), wrong)
        assert (answer[0], answer[1]["Code"]) == (status, code)


def refused(status: int, code: str, like: Answer) -> Answer:
    return status, like[1] | {"Code": code}


def header(of: Got, name: str, value: str) -> Got:
    return replace(of, headers={**of.headers, name: value})


def tencent_got(secret: str = SMS_SECRET, **more: object) -> Got:
    settings = {
        "secret_id": SMS_ID,
        "app_id": SMS_APP,
        "sign_name": SMS_SIGN,
        "endpoint": "https://sms.tencentcloudapi.com",
    }
    content = tencent_sms.content_of(settings, "13800000000", "1", VALUES, "msg_1") | more
    return got(tencent_sms.request_of(settings, secret, content, NOW))


def test_tencent_tells_each_number_and_each_fault_of_the_call() -> None:
    answer = sms.tencent(world(), tencent_got(PhoneNumberSet=["+8613800000000", "12"]))
    codes = [each["Code"] for each in answer[1]["Response"]["SendStatusSet"]]
    assert codes == ["Ok", "InvalidParameterValue.IncorrectPhoneNumber"]
    fine = tencent_got()
    for wrong, code in (
        (tencent_got("other"), "AuthFailure.SignatureFailure"),
        (replace(fine, body=fine.body + b" "), "AuthFailure.SignatureFailure"),
        (header(fine, "x-tc-timestamp", "1"), "AuthFailure.SignatureExpire"),
        (header(fine, "authorization", "none"), "AuthFailure.InvalidAuthorization"),
        (header(fine, "x-tc-region", ""), "MissingParameter"),
        (header(fine, "x-tc-action", "x"), "InvalidAction"),
        (tencent_got(PhoneNumberSet=[]), "MissingParameter.EmptyPhoneNumberSet"),
        (tencent_got(PhoneNumberSet=["1"] * 201), "LimitExceeded.PhoneNumberCountLimit"),
        (tencent_got(SmsSdkAppId="2"), "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
    ):
        assert sms.tencent(world(), wrong)[1]["Response"]["Error"]["Code"] == code
    for wrong, code in (
        (tencent_got(SignName="别家"), "FailedOperation.SignatureIncorrectOrUnapproved"),
        (tencent_got(TemplateId="x"), "FailedOperation.TemplateIncorrectOrUnapproved"),
        (
            tencent_got(TemplateParamSet=["http://x.cn"]),
            "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        ),
    ):
        (status,) = sms.tencent(world(), wrong)[1]["Response"]["SendStatusSet"]
        assert status["Code"] == code


def test_the_webhook_checks_what_the_standard_has() -> None:
    there, key = world(), webhook.make_secret()
    there.hook_keys.append(key)
    body, stamp = b'{"type":"test"}', str(int(NOW.timestamp()))
    said = f"msg_1.{stamp}.".encode() + body
    raw = base64.b64decode(key.removeprefix("whsec_"))
    sign = "v1," + base64.b64encode(hmac.digest(raw, said, hashlib.sha256)).decode()
    fine = Got(
        "/hook",
        {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,x {sign}"},
        body,
    )
    assert hook.hook(there, fine) == (200, {"taken": "msg_1", "repeat": False})
    assert hook.hook(there, fine) == (200, {"taken": "msg_1", "repeat": True})
    for wrong, status in (
        (replace(fine, body=body + b" "), 401),
        (header(fine, "webhook-id", "msg_2"), 401),
        (header(fine, "webhook-timestamp", str(int(stamp) - 301)), 400),
        (header(fine, "webhook-timestamp", "now"), 400),
    ):
        assert hook.hook(there, wrong)[0] == status
    assert hook.hook(world(), fine)[0] == 401, "no key, nothing taken"


def test_a_storm_trips_no_robots_limit(database: Database) -> None:
    """Sixty messages to each robot in one go: none is refused as too fast, all arrive."""
    clock = FixedClock(NOW)
    with post_here(clock) as there:
        host = frozenset({there.host})
        channel(database, "wecom", there.wecom, allowed=host)
        channel(database, "dingtalk", there.dingtalk, DINGTALK_SECRET, allowed=host)
        channel(database, "feishu", there.feishu, FEISHU_SECRET, allowed=host)
        for number in range(60):  # urgent ones of one moment would be one message
            tell(database, notice(f"u{number}", Kind.SUSPENDED))
            hand_on_due(database, NOW)
            form_due(database, NOW)
        post = Post(KEY, host)
        for _ in range(1_000):
            if not deliver_due(database, post, clock.at):
                clock.at += timedelta(seconds=1)
            if not deliveries(database, "waiting"):
                break
        kinds = Counter(each.channel for each in there.world.arrived)
        assert kinds == {"wecom": 60, "dingtalk": 60, "feishu": 60}
        assert {each.attempts for each in deliveries(database)} == {1}
        assert timedelta(minutes=3) <= clock.at - NOW < timedelta(minutes=4)


def test_what_arrived_is_shown_on_a_page(database: Database) -> None:
    with post_here(FixedClock(NOW)) as there:
        mail_sender(database, there.box.port)
        channel(database, "email", "you@example.com")
        tell(database, notice("k", Kind.SUSPENSE_UNCLAIMED, payer="<script>alert(1)</script>"))
        deliver_due(database, Post(KEY), NOW)
        pages = []
        for path in ("/", "/mails/0", "/mails/9"):
            with urllib.request.urlopen(f"{there.server.url}{path}") as answer:  # noqa: S310 - loopback
                pages.append(answer.read().decode())
        assert "you@example.com" in pages[0]
        assert "款项待认领" in pages[1]
        assert "没有这封邮件" in pages[2]
        assert "<script>" not in "".join(pages)
