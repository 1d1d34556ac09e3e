"""Each channel against a receiver that checks signatures and answers real error codes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.rooms.notices.desk import KEY, NOW, channel, customer, facts_of, mail_sender
from tests.simulators import receivers
from tests.simulators.mailbox import mail_server
from tests.simulators.receivers import Receiver, receiving
from yuejie.db.session import Database
from yuejie.kernel.cipher import Unreadable, seal, unseal
from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound
from yuejie.notices import store
from yuejie.notices.channels.guard import Guarded
from yuejie.notices.channels.parcel import Outcome, Parcel, Result, Told
from yuejie.notices.channels.post import Post
from yuejie.notices.channels.smtp import server_of
from yuejie.notices.contact import Channel
from yuejie.notices.contacts import (
    ChannelDraft,
    ContactDraft,
    add_channel,
    add_contact,
    remove_channel,
    remove_contact,
    rotate_secret,
    set_sender,
)
from yuejie.notices.notice import Attachment, Kind

BILL = Told("ntc_1", "bill_issued", None, facts_of(Kind.BILL_ISSUED), NOW)


def parcel_of(made: Channel, *told: Told, **more: object) -> Parcel:
    parcel = Parcel("msg_1", made.channel_id, made.kind, "zh-CN", told or (BILL,), made.sealed)
    return replace(parcel, **more)  # type: ignore[arg-type]  # why: a test changes what it names


def outcome(receiver: Receiver, parcel: Parcel, **more: float) -> Outcome:
    return Post(KEY, frozenset({receiver.host}), **more).send(parcel, at=NOW)


def test_wecom_is_judged_by_its_body(database: Database) -> None:
    with receiving(receivers.wecom("K")) as robot:
        host = frozenset({robot.host})
        good, _ = channel(database, "wecom", f"{robot.url}/send?key=K", allowed=host)
        bad, _ = channel(database, "wecom", f"{robot.url}/send?key=X", allowed=host)
        assert outcome(robot, parcel_of(good)).result is Result.SENT
        said = outcome(robot, parcel_of(bad))
        assert (said.result, said.code) == (Result.REFUSED, "93000")
        robot.moods = [(200, {"errcode": 45009, "errmsg": "api freq out of limit"})]
        said = outcome(robot, parcel_of(good))
        assert (said.result, said.code, said.wait) == (
            Result.RETRY,
            "45009",
            timedelta(minutes=1),
        )
        assert "B202610-0001" in robot.got[0].json["markdown"]["content"]


def test_dingtalk_is_signed_and_rests_ten_minutes_when_throttled(database: Database) -> None:
    with receiving(receivers.dingtalk("SEC1")) as robot:
        host = frozenset({robot.host})
        url = f"{robot.url}/robot/send?access_token=T"
        good, _ = channel(database, "dingtalk", url, "SEC1", allowed=host)
        bad, _ = channel(database, "dingtalk", url, "SEC2", allowed=host)
        assert outcome(robot, parcel_of(good)).result is Result.SENT
        assert outcome(robot, parcel_of(bad)).code == "310000"
        robot.moods = [(200, {"errcode": 130101, "errmsg": "send too fast"})]
        assert outcome(robot, parcel_of(good)).wait == timedelta(minutes=10)
        assert robot.got[0].query["access_token"] == "T"


def test_feishu_is_signed_in_its_body(database: Database) -> None:
    link = replace(BILL, facts={**BILL.facts, "link": "https://console.example.com/b/1"})
    with receiving(receivers.feishu("S1")) as robot:
        host = frozenset({robot.host})
        good, _ = channel(database, "feishu", f"{robot.url}/hook/T", "S1", allowed=host)
        bad, _ = channel(database, "feishu", f"{robot.url}/hook/T", "S2", allowed=host)
        assert outcome(robot, parcel_of(good, link)).result is Result.SENT
        assert outcome(robot, parcel_of(bad)).code == "19021"
        robot.moods = [(200, {"code": 11232, "msg": "frequency limited"})]
        assert outcome(robot, parcel_of(good)).result is Result.RETRY
        card = robot.got[0].json["card"]
        assert card["header"]["template"] == "blue"
        assert card["elements"][1]["actions"][0]["url"].endswith("/b/1")


MOODS: list[tuple[receivers.Answer, Result]] = [
    ((500, {}), Result.RETRY),
    ((429, {}), Result.RETRY),
    ((404, {}), Result.REFUSED),
    ((302, {}), Result.REFUSED),
    ((200, {"hello": "captive portal"}), Result.RETRY),
    ((200, {"errcode": 40058, "errmsg": "invalid parameter"}), Result.REFUSED),
]


def test_a_robot_that_misbehaves(database: Database) -> None:
    with receiving(receivers.wecom("K")) as robot:
        host = frozenset({robot.host})
        made, _ = channel(database, "wecom", f"{robot.url}/?key=K", allowed=host)
        for mood, result in MOODS:
            robot.moods = [mood]
            assert outcome(robot, parcel_of(made)).result is result, mood


def test_silence_and_a_closed_port_are_tried_again(database: Database) -> None:
    with receiving(lambda _: (200, {})) as robot:
        robot.silent.set()
        made, _ = channel(database, "webhook", f"{robot.url}/", allowed=frozenset({robot.host}))
        said = outcome(robot, parcel_of(made), seconds=0.1)
        assert (said.result, said.code) == (Result.RETRY, "network")
    assert outcome(robot, parcel_of(made)).result is Result.RETRY


def test_a_webhook_is_signed_with_both_keys_while_they_overlap(database: Database) -> None:
    with receiving(lambda _: (200, {})) as hook:
        host = frozenset({hook.host})
        made, old = channel(database, "webhook", f"{hook.url}/in", allowed=host)
        hook.check = receivers.webhook(old)
        assert outcome(hook, parcel_of(made)).result is Result.SENT
        new = rotate_secret(
            database, made.channel_id, credential_key=KEY, by="t", now=NOW - timedelta(hours=1)
        )
        with database.read() as tx:
            (turned,) = store.channels(tx, None)
        for key in (old, new):
            hook.check = receivers.webhook(key)
            assert outcome(hook, parcel_of(turned)).result is Result.SENT
        later = NOW + timedelta(hours=24)
        hook.check = receivers.webhook(old)
        post = Post(KEY, host)
        assert post.send(parcel_of(turned), at=later).code == "http 401"
        hook.moods = [(410, {})]
        assert outcome(hook, parcel_of(turned)).result is Result.REFUSED
        event = hook.got[0].json
        assert (event["type"], event["data"]["number"]) == ("bill_issued", "B202610-0001")
        assert hook.got[0].headers["webhook-id"] == "msg_1"


SMS = {"sign_name": "测试签名", "template.bill_issued": "SMS_1", "template.bill_issued.en": "SMS_2"}


def sms(db: Database, kind: str, endpoint: str, secret: str, **more: str) -> Parcel:
    accounts = {"access_key_id": "AK", "secret_id": "SID", "app_id": "1400000000"}
    settings = SMS | accounts | {"endpoint": endpoint} | more
    set_sender(db, kind, settings, secret, credential_key=KEY, by="t", now=NOW)
    made, _ = channel(db, kind, "138 0000-0000")
    assert made.hint == "138****0000"
    with db.read() as tx:
        (sender,) = store.senders(tx)
    return parcel_of(made, sender_settings=sender.settings, sender_sealed=sender.sealed)


def test_aliyun_takes_an_sms_that_is_signed(database: Database) -> None:
    with receiving(receivers.aliyun("S")) as vendor:
        parcel = sms(database, "aliyun_sms", vendor.url, "S")
        assert outcome(vendor, parcel).result is Result.SENT
        asked = vendor.got[0].query
        assert (asked["PhoneNumbers"], asked["OutId"]) == ("13800000000", "msg_1")
        assert '"number":"B202610-0001"' in asked["TemplateParam"]
        outcome(vendor, replace(parcel, language="en"))
        assert [got.query["TemplateCode"] for got in vendor.got] == ["SMS_1", "SMS_2"]
        for code, result in (
            ("isv.BUSINESS_LIMIT_CONTROL", Result.RETRY),
            ("isv.MOBILE_NUMBER_ILLEGAL", Result.REFUSED),
            ("isv.AMOUNT_NOT_ENOUGH", Result.RETRY),
        ):
            vendor.moods = [(200, {"Code": code, "Message": "x"})]
            assert outcome(vendor, parcel).result is result, code


def test_aliyun_refuses_another_secret(database: Database) -> None:
    with receiving(receivers.aliyun("S")) as vendor:
        said = outcome(vendor, sms(database, "aliyun_sms", vendor.url, "T"))
        assert (said.result, said.code) == (Result.REFUSED, "SignatureDoesNotMatch")


def test_tencent_takes_an_sms_that_is_signed(database: Database) -> None:
    with receiving(receivers.tencent("S")) as vendor:
        parcel = sms(database, "tencent_sms", vendor.url, "S")
        assert outcome(vendor, parcel).result is Result.SENT
        body = vendor.got[0].json
        assert body["PhoneNumberSet"] == ["+8613800000000"]
        assert body["TemplateParamSet"][0] == "B202610-0001"
        for code, result in (
            ("LimitExceeded.PhoneNumberOneHourLimit", Result.RETRY),
            ("FailedOperation.SignatureIncorrectOrUnapproved", Result.REFUSED),
        ):
            status = {"Code": code, "Message": "x"}
            vendor.moods = [(200, {"Response": {"SendStatusSet": [status]}})]
            assert outcome(vendor, parcel).result is result, code
        vendor.moods = [(503, {})]
        assert outcome(vendor, parcel).result is Result.RETRY


def test_tencent_refuses_another_secret(database: Database) -> None:
    with receiving(receivers.tencent("S")) as vendor:
        said = outcome(vendor, sms(database, "tencent_sms", vendor.url, "T"))
        assert said.code == "AuthFailure.SignatureFailure"


def test_an_sms_without_an_approved_template_says_so(database: Database) -> None:
    with receiving(receivers.aliyun("S")) as vendor:
        parcel = sms(database, "aliyun_sms", vendor.url, "S")
        other = replace(BILL, kind="restored", facts={})
        said = outcome(vendor, replace(parcel, told=(other,)))
        assert said.result is Result.REFUSED
        assert "template.restored" in said.said
        assert vendor.got == []


def test_a_mail_has_text_html_files_and_an_id_of_its_own(database: Database) -> None:
    with mail_server() as box:
        mail_sender(database, box.port)
        made, _ = channel(database, "email", "wang@acme.example.com, cfo@acme.example.com")
        with database.read() as tx:
            (sender,) = store.senders(tx)
        parcel = parcel_of(
            made,
            attachments=(Attachment("账单.pdf", "application/pdf", b"%PDF-1"),),
            sender_settings=sender.settings,
            sender_sealed=sender.sealed,
        )
        assert Post(KEY).send(parcel, at=NOW).result is Result.SENT
        (mail,) = box.mails
        assert mail["Subject"] == "账单已出账：B202610-0001"
        assert mail["Message-ID"] == "<msg_1@yuejie.example.com>"
        assert (mail["To"], mail["Cc"]) == ("wang@acme.example.com", "cfo@acme.example.com")
        plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert page is not None
        assert "95,000.00 CNY" in plain.get_content()
        assert "<td" in page.get_content()
        (file,) = mail.iter_attachments()
        assert (file.get_filename(), file.get_content()) == ("账单.pdf", b"%PDF-1")
        box.moods = ["451 try later", "550 no"]
        assert Post(KEY).send(parcel, at=NOW).result is Result.RETRY
        assert Post(KEY).send(parcel, at=NOW).result is Result.REFUSED
        box.unknown = {"cfo@"}
        said = Post(KEY).send(parcel, at=NOW)
        assert (said.result, said.said) == (Result.SENT, "cfo@acme.example.com 被拒")
        box.unknown = {"acme"}
        assert Post(KEY).send(parcel, at=NOW).result is Result.REFUSED
    assert Post(KEY).send(parcel, at=NOW).result is Result.RETRY


def test_without_a_sender_a_mail_says_what_to_do(database: Database) -> None:
    made, _ = channel(database, "email", "wang@acme.example.com")
    said = Post(KEY).send(parcel_of(made), at=NOW)
    assert said.result is Result.REFUSED
    assert "senders set" in said.said


def test_addresses_are_sealed_masked_and_bound_to_their_channel(database: Database) -> None:
    url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=very-secret-key"
    made, _ = channel(database, "wecom", url)
    other, _ = channel(database, "wecom", url)
    assert made.bucket == other.bucket
    assert b"very-secret" not in made.sealed
    assert "very-secret" not in made.hint + repr(made)
    moved = replace(parcel_of(other), sealed=made.sealed)
    assert Post(KEY).send(moved, at=NOW).code == "secret_unreadable"
    assert Post(b"x" * 32).send(parcel_of(made), at=NOW).code == "secret_unreadable"
    with database.read() as tx:
        shown = tx.rows(Row, "SELECT concat(was::text, became::text) AS text FROM deed")
    assert not any("very-secret" in row.text for row in shown)


class Row:
    def __init__(self, text: str) -> None:
        self.text = text


UNFIT: list[tuple[str, str, type[DomainError]]] = [
    ("pigeon", "x", Invalid),
    ("email", "not an address", Invalid),
    ("email", "a@b.example.com\r\nBcc: x@y.example.com", Invalid),
    ("email", ", ".join(f"a{n}@b.example.com" for n in range(21)), Invalid),
    ("aliyun_sms", "12345", Invalid),
    ("wecom", "https://evil.example.com/send?key=1", Invalid),
    ("feishu", "https://oapi.dingtalk.com/robot", Invalid),
    ("webhook", "http://hooks.example.com/", Guarded),
]


def test_an_address_that_does_not_fit_its_kind_is_refused(database: Database) -> None:
    for kind, address, error in UNFIT:
        with pytest.raises(error):
            channel(database, kind, address)
    with pytest.raises(Invalid, match="gossip"):
        channel(database, "email", "a@b.example.com", kinds=("gossip",))


def test_a_contact_that_does_not_fit_is_refused(database: Database) -> None:
    for draft in (
        ContactDraft(name=" "),
        ContactDraft(name="x", language="fr"),
        ContactDraft(name="x", zone="Mars/Olympus"),
        ContactDraft(name="x", quiet_from=NOW.time()),
    ):
        with pytest.raises(Invalid):
            add_contact(database, None, draft, by="t", now=NOW)


def test_a_customer_cannot_touch_anothers_contacts(database: Database) -> None:
    acme, zeta = customer(database, "acme"), customer(database, "zeta")
    made, _ = channel(database, "webhook", "https://hooks.example.com/", customer_id=zeta)
    draft = ChannelDraft(contact_id=made.contact_id, kind="email", address="spy@acme.example.com")
    with pytest.raises(NotFound):
        add_channel(
            database,
            draft,
            credential_key=KEY,
            allowed=frozenset(),
            by="t",
            now=NOW,
            customer_id=acme,
        )
    with pytest.raises(NotFound):
        remove_contact(database, made.contact_id, customer_id=acme, by="t", now=NOW)
    with pytest.raises(NotFound):
        remove_channel(database, made.channel_id, customer_id=acme, by="t", now=NOW)
    with pytest.raises(NotFound):
        rotate_secret(
            database, made.channel_id, customer_id=acme, credential_key=KEY, by="t", now=NOW
        )
    remove_contact(database, made.contact_id, customer_id=zeta, by="t", now=NOW)
    with database.read() as tx:
        assert store.contacts(tx, zeta) == []
        assert store.channels(tx, zeta) == []


def test_only_a_webhook_has_a_key_to_rotate(database: Database) -> None:
    made, _ = channel(database, "email", "a@acme.example.com")
    with pytest.raises(Conflict):
        rotate_secret(database, made.channel_id, credential_key=KEY, by="t", now=NOW)


def test_a_mail_server_that_is_half_described_is_refused() -> None:
    for settings in (
        {},
        {"host": "h", "from": "nobody"},
        {"host": "h", "from": "a@b.c", "security": "rot13"},
        {"host": "h", "from": "a@b.c", "port": "x"},
        {"host": "h", "from": "a@b.c", "security": "none", "user": "u"},
    ):
        with pytest.raises(Invalid):
            server_of(settings, "")


def test_a_seal_opens_for_its_owner_and_key_only() -> None:
    sealed = seal(b"s", KEY, "chn_1")
    assert unseal(sealed, KEY, "chn_1") == b"s"
    assert seal(b"s", KEY, "chn_1") != sealed
    for key, owner, body in (
        (KEY, "chn_2", sealed),
        (b"x" * 32, "chn_1", sealed),
        (KEY, "chn_1", b"\x02" + sealed[1:]),
        (KEY, "chn_1", sealed[:-1]),
    ):
        with pytest.raises(Unreadable):
            unseal(body, key, owner)
    with pytest.raises(Invalid, match="32 字节"):
        seal(b"s", b"short", "chn_1")
