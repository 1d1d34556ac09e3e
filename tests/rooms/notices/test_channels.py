"""Each channel against a receiver that checks signatures and answers real error codes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.rooms.notices.desk import KEY, NOW, channel, customer, facts_of
from tests.scenarios.books import FixedClock
from tests.simulators.receivers import Answer, Receiver, receiving
from yuejie.db.session import Database
from yuejie.demo.post.launch import Receivers, post_here
from yuejie.demo.post.sms import ALIYUN_CODES
from yuejie.demo.post.world import (
    DINGTALK_SECRET,
    FEISHU_SECRET,
    SMS_APP,
    SMS_ID,
    SMS_SECRET,
    SMS_SIGN,
    WECOM_KEY,
)
from yuejie.kernel.cipher import Unreadable, seal, unseal
from yuejie.kernel.errors import Conflict, DomainError, Invalid, NotFound
from yuejie.notices import store
from yuejie.notices.channels import aliyun_sms, tencent_sms, webhook, wecom
from yuejie.notices.channels.guard import Guarded
from yuejie.notices.channels.parcel import Outcome, Parcel, Reply, Rest, Result, Told
from yuejie.notices.channels.post import Post
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
from yuejie.notices.notice import Kind
from yuejie.notices.secret import Secret
from yuejie.notices.wording.letter import Letter

CONSOLE = "https://console.example.com"
BILL = Told("ntc_1", "bill_issued", None, facts_of(Kind.BILL_ISSUED), NOW)

LINKED = replace(BILL, facts={**BILL.facts, "link": f"{CONSOLE}/b/1"})


def parcel_of(made: Channel, *told: Told, **more: object) -> Parcel:
    parcel = Parcel("msg_1", made.channel_id, made.kind, "zh-CN", told or (BILL,), made.sealed)
    return replace(parcel, **more)  # type: ignore[arg-type]  # why: a test changes what it names


def outcome(receiver: Receiver, parcel: Parcel, **more: float) -> Outcome:
    return Post(KEY, frozenset({receiver.host}), **more).send(parcel, at=NOW)


@pytest.fixture
def there() -> Iterator[Receivers]:
    """Every vendor, their clocks at NOW."""
    with post_here(FixedClock(NOW)) as receivers:
        yield receivers


def sent_by(there: Receivers, parcel: Parcel, *, at: datetime = NOW) -> Outcome:
    return Post(KEY, frozenset({there.host})).send(parcel, at=at)


def test_wecom_is_judged_by_its_body(database: Database, there: Receivers) -> None:
    host = frozenset({there.host})
    good, _ = channel(database, "wecom", there.wecom, allowed=host)
    bad, _ = channel(database, "wecom", f"{there.wecom}X", allowed=host)
    assert sent_by(there, parcel_of(good)).result is Result.SENT
    said = sent_by(there, parcel_of(bad))
    assert (said.result, said.code) == (Result.REFUSED, "93000")
    assert "B202610-0001" in there.world.got[0].json["markdown"]["content"]


def test_dingtalk_is_signed(database: Database, there: Receivers) -> None:
    host = frozenset({there.host})
    good, _ = channel(database, "dingtalk", there.dingtalk, DINGTALK_SECRET, allowed=host)
    bad, _ = channel(database, "dingtalk", there.dingtalk, "SEC2", allowed=host)
    assert sent_by(there, parcel_of(good)).result is Result.SENT
    assert sent_by(there, parcel_of(bad)).code == "310000"
    late = sent_by(there, parcel_of(good), at=NOW - timedelta(minutes=61))
    assert (late.result, late.code) == (Result.REFUSED, "310000")
    sent_by(there, parcel_of(good, LINKED))
    card = there.world.got[-1].json["actionCard"]
    assert (card["singleURL"], "](http" in card["text"]) == (f"{CONSOLE}/b/1", False)


def test_feishu_is_signed_in_its_body(database: Database, there: Receivers) -> None:
    host = frozenset({there.host})
    good, _ = channel(database, "feishu", there.feishu, FEISHU_SECRET, allowed=host)
    bad, _ = channel(database, "feishu", there.feishu, "S2", allowed=host)
    assert sent_by(there, parcel_of(good, LINKED)).result is Result.SENT
    assert sent_by(there, parcel_of(bad)).code == "19021"
    late = sent_by(there, parcel_of(good), at=NOW - timedelta(minutes=61))
    assert (late.result, late.code) == (Result.REFUSED, "19021")
    card = there.world.got[0].json["card"]
    assert card["header"]["template"] == "blue"
    assert card["elements"][1]["actions"][0]["url"] == f"{CONSOLE}/b/1"


THROTTLES: list[tuple[str, Answer, timedelta]] = [
    ("wecom", (200, {"errcode": 45009, "errmsg": "api freq out of limit"}), timedelta(minutes=1)),
    ("dingtalk", (200, {"errcode": 130101, "errmsg": "send too fast"}), timedelta(minutes=10)),
    ("dingtalk", (200, {"errcode": 410100, "errmsg": "限流"}), timedelta(minutes=10)),
    ("feishu", (200, {"code": 11232, "msg": "frequency limited psm"}), timedelta(minutes=1)),
    ("feishu", (400, {"code": 11232, "msg": "frequency limited psm"}), timedelta(minutes=1)),
]


@pytest.mark.parametrize(("kind", "mood", "wait"), THROTTLES)
def test_too_fast_is_a_rest_for_the_whole_robot(
    database: Database, there: Receivers, kind: str, mood: Answer, wait: timedelta
) -> None:
    url = {"wecom": there.wecom, "dingtalk": there.dingtalk, "feishu": there.feishu}[kind]
    made, _ = channel(database, kind, url, "S", allowed=frozenset({there.host}))
    there.world.moods = [mood]
    said = sent_by(there, parcel_of(made))
    assert (said.result, said.wait, said.rest) == (Result.RETRY, wait, Rest.RECEIVER)


LONG = "“很长的原因”\\" * 60


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
@pytest.mark.parametrize("notices", [1, 5, 20])
def test_the_longest_message_is_cut_to_what_a_robot_takes(
    database: Database, there: Receivers, kind: str, notices: int
) -> None:
    """Quotes and backslashes cost two bytes each in JSON, and the limits count bytes sent."""
    url = {"wecom": there.wecom, "dingtalk": there.dingtalk, "feishu": there.feishu}[kind]
    key = {"dingtalk": DINGTALK_SECRET, "feishu": FEISHU_SECRET}.get(kind, "")
    made, _ = channel(database, kind, url, key, allowed=frozenset({there.host}))
    facts = facts_of(Kind.UNDELIVERED) | dict.fromkeys(("why", "customer", "payer", "title"), LONG)
    told = [Told(f"ntc_{n}", "undelivered", None, facts, NOW) for n in range(notices)]
    for language in ("zh-CN", "en"):
        parcel = replace(parcel_of(made, *told), language=language)
        assert sent_by(there, parcel).result is Result.SENT
    assert [each.text.count("msg_1") for each in there.world.arrived] == [1, 1], "its own id"


MOODS: list[tuple[Answer, Result]] = [
    ((500, {}), Result.RETRY),
    ((429, {}), Result.RETRY),
    ((404, {}), Result.REFUSED),
    ((302, {}), Result.REFUSED),
    ((200, {"hello": "captive portal"}), Result.RETRY),
    ((200, {"errcode": 40058, "errmsg": "invalid parameter"}), Result.REFUSED),
]


def test_a_robot_that_misbehaves(database: Database) -> None:
    with receiving(lambda _: (200, {"errcode": 0})) as robot:
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


def test_a_webhook_is_signed_with_both_keys_while_they_overlap(
    database: Database, there: Receivers
) -> None:
    """The receiver changes its key at any moment of the overlap and never misses an event."""
    host, world = frozenset({there.host}), there.world
    made, old = channel(database, "webhook", there.hook, allowed=host)
    world.hook_keys = [old]
    assert sent_by(there, parcel_of(made)).result is Result.SENT
    new = rotate_secret(
        database, made.channel_id, credential_key=KEY, by="t", now=NOW - timedelta(hours=24)
    )
    with database.read() as tx:
        (turned,) = store.channels(tx, None)
    before_its_end = NOW - timedelta(seconds=1)
    for key in (old, new):
        world.hook_keys = [key]
        assert sent_by(there, parcel_of(turned), at=before_its_end).result is Result.SENT
    world.hook_keys = [old]
    said = sent_by(there, parcel_of(turned), at=NOW)
    assert (said.result, said.code) == (Result.RETRY, "http 401")
    event = world.got[0].json
    assert (event["type"], event["data"]["number"]) == ("bill_issued", "B202610-0001")
    assert world.got[0].headers["webhook-id"] == "msg_1"


def test_a_webhook_is_repeated_whatever_it_says_but_gone(
    database: Database, there: Receivers
) -> None:
    """A 404 is a deployment half done as often as not; 410 is the endpoint's own last word."""
    made, _ = channel(database, "webhook", there.hook, allowed=frozenset({there.host}))
    for status in (302, 400, 401, 403, 404, 500, 501, 503):
        there.world.moods = [(status, {})]
        assert sent_by(there, parcel_of(made)).result is Result.RETRY, status
    there.world.moods = [(204, {})]
    assert sent_by(there, parcel_of(made)).result is Result.SENT
    there.world.moods = [(410, {})]
    assert sent_by(there, parcel_of(made)).result is Result.REFUSED


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "120"}, timedelta(minutes=2)),
        ({"retry-after": "99999999999999"}, timedelta(days=1)),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        (
            {
                "date": "Tue, 10 Nov 2026 02:00:00 GMT",
                "retry-after": "Tue, 10 Nov 2026 02:05:00 GMT",
            },
            timedelta(minutes=5),
        ),
        ({"date": "junk", "retry-after": "Tue, 10 Nov 2026 02:05:00 GMT"}, None),
        ({"retry-after": "Tue, 10 Nov 2026 02:05:00 GMT"}, None),
    ],
)
def test_a_receiver_says_when_to_come_back(headers: dict[str, str], wait: timedelta | None) -> None:
    """By its own clock: only the difference of its two dates counts."""
    said = webhook.judge(Reply(503, headers, b"busy"))
    assert (said.result, said.wait, said.rest) == (Result.RETRY, wait, Rest.RECEIVER)


SMS = {"sign_name": SMS_SIGN, "template.bill_issued": "SMS_1", "template.bill_issued.en": "SMS_2"}
IDS = {
    "aliyun_sms": {"access_key_id": SMS_ID},
    "tencent_sms": {
        "secret_id": SMS_ID,
        "app_id": SMS_APP,
        "template.bill_issued": "1",
        "template.bill_issued.en": "2",
    },
}


def sms(db: Database, kind: str, endpoint: str, secret: str = SMS_SECRET, **more: str) -> Parcel:
    settings = SMS | IDS[kind] | {"endpoint": endpoint} | more
    set_sender(db, kind, settings, secret, credential_key=KEY, by="t", now=NOW)
    made, _ = channel(db, kind, "138 0000-0000")
    assert made.hint == "138****0000"
    with db.read() as tx:
        (sender,) = store.senders(tx)
    return parcel_of(made, sender_settings=sender.settings, sender_sealed=sender.sealed)


def test_aliyun_takes_an_sms_that_is_signed(database: Database, there: Receivers) -> None:
    parcel = sms(database, "aliyun_sms", there.server.url)
    assert sent_by(there, parcel).result is Result.SENT
    asked = there.world.got[0].query
    assert (asked["PhoneNumbers"], asked["OutId"]) == ("13800000000", "msg_1")
    assert '"number":"B202610-0001"' in asked["TemplateParam"]
    sent_by(there, replace(parcel, language="en"))
    assert [got.query["TemplateCode"] for got in there.world.got] == ["SMS_1", "SMS_2"]


def test_aliyun_refuses_another_secret_or_time(database: Database, there: Receivers) -> None:
    parcel = sms(database, "aliyun_sms", there.server.url, "T")
    said = sent_by(there, parcel)
    assert (said.result, said.code) == (Result.REFUSED, "SignatureDoesNotMatch")
    said = sent_by(there, parcel, at=NOW - timedelta(minutes=16))
    assert said.code == "InvalidTimeStamp.Expired"


ALIYUN: list[tuple[str, str, Result, timedelta | None, Rest]] = [
    ("isv.MOBILE_NUMBER_ILLEGAL", "", Result.REFUSED, None, Rest.NOBODY),
    ("isv.SMS_SIGNATURE_ILLEGAL", "", Result.REFUSED, None, Rest.NOBODY),
    ("isv.BUSINESS_LIMIT_CONTROL", "", Result.RETRY, timedelta(hours=1), Rest.RECEIVER),
    ("isv.DAY_LIMIT_CONTROL", "", Result.RETRY, timedelta(hours=1), Rest.SENDER),
    ("isv.AMOUNT_NOT_ENOUGH", "", Result.RETRY, timedelta(hours=1), Rest.SENDER),
    ("isp.SYSTEM_ERROR", "", Result.RETRY, None, Rest.NOBODY),
    ("Throttling.User", "", Result.RETRY, timedelta(minutes=1), Rest.SENDER),
]


@pytest.mark.parametrize(("code", "words", "result", "wait", "rest"), ALIYUN)
def test_aliyuns_codes(
    code: str, words: str, result: Result, wait: timedelta | None, rest: Rest
) -> None:
    body = json.dumps({"Code": code, "Message": words}).encode()
    said = aliyun_sms.judge(Reply(200, {}, body))
    assert (said.result, said.code, said.wait, said.rest) == (result, code, wait, rest)


@pytest.mark.parametrize(
    ("sent", "spans"),
    [
        ([0, 30, 61], [60, None]),
        ([0, 61, 122, 183, 244, 305], [None, None, None, None, 3600]),
    ],
)
def test_aliyun_says_in_words_which_limit_of_a_number_was_hit(
    database: Database, sent: list[int], spans: list[int | None]
) -> None:
    clock = FixedClock(NOW)
    with post_here(clock) as there:
        there.world.aliyun_flow = ALIYUN_CODES
        parcel = sms(database, "aliyun_sms", there.server.url)
        waits = []
        for second in sent:
            clock.at = NOW + timedelta(seconds=second)
            said = sent_by(there, parcel, at=clock.at)
            waits.append(said.wait.total_seconds() if said.wait else None)
        assert waits[1:] == spans


def test_an_empty_sms_account_lets_the_whole_account_rest(
    database: Database, there: Receivers
) -> None:
    for kind in ("aliyun_sms", "tencent_sms"):
        there.world.balance = 0
        with database.begin() as tx:
            tx.run("DELETE FROM notice_sender")
        parcel = sms(database, kind, there.server.url)
        said = sent_by(there, parcel)
        assert (said.result, said.rest) == (Result.RETRY, Rest.SENDER), said


def test_tencent_takes_an_sms_that_is_signed(database: Database, there: Receivers) -> None:
    parcel = sms(database, "tencent_sms", there.server.url)
    assert sent_by(there, parcel).result is Result.SENT
    body = there.world.got[0].json
    assert body["PhoneNumberSet"] == ["+8613800000000"]
    assert body["TemplateParamSet"][0] == "B202610-0001"
    said = sent_by(there, parcel)
    assert (said.code, said.wait, said.rest) == (
        "LimitExceeded.PhoneNumberThirtySecondLimit",
        timedelta(seconds=30),
        Rest.RECEIVER,
    )


def test_tencent_refuses_another_secret_or_time(database: Database, there: Receivers) -> None:
    parcel = sms(database, "tencent_sms", there.server.url, "T")
    assert sent_by(there, parcel).code == "AuthFailure.SignatureFailure"
    late = sent_by(there, parcel, at=NOW - timedelta(minutes=6))
    assert late.code == "AuthFailure.SignatureExpire"


TENCENT: list[tuple[str, Result, timedelta | None, Rest]] = [
    ("LimitExceeded.PhoneNumberOneHourLimit", Result.RETRY, timedelta(hours=1), Rest.RECEIVER),
    ("LimitExceeded.PhoneNumberDailyLimit", Result.RETRY, timedelta(days=1), Rest.RECEIVER),
    (
        "LimitExceeded.PhoneNumberSameContentDailyLimit",
        Result.RETRY,
        timedelta(days=1),
        Rest.NOBODY,
    ),
    ("LimitExceeded.AppDailyLimit", Result.RETRY, timedelta(hours=1), Rest.SENDER),
    ("InternalError.Timeout", Result.RETRY, None, Rest.NOBODY),
    ("FailedOperation.SignatureIncorrectOrUnapproved", Result.REFUSED, None, Rest.NOBODY),
    ("InvalidParameterValue.TemplateParameterLengthLimit", Result.REFUSED, None, Rest.NOBODY),
]


@pytest.mark.parametrize(("code", "result", "wait", "rest"), TENCENT)
def test_tencents_codes(code: str, result: Result, wait: timedelta | None, rest: Rest) -> None:
    status = {"Code": code, "Message": "x"}
    body = json.dumps({"Response": {"SendStatusSet": [status]}}).encode()
    said = tencent_sms.judge(Reply(200, {}, body))
    assert (said.result, said.code, said.wait, said.rest) == (result, code, wait, rest)
    assert tencent_sms.judge(Reply(503, {}, b"")).result is Result.RETRY


def test_an_sms_without_an_approved_template_says_so(database: Database, there: Receivers) -> None:
    parcel = sms(database, "aliyun_sms", there.server.url)
    other = replace(BILL, kind="restored", facts={})
    said = sent_by(there, replace(parcel, told=(other,)))
    assert said.result is Result.REFUSED
    assert "template.restored" in said.said
    assert there.world.got == []


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
    assert "very-secret" not in repr(wecom.request_of(url, Letter.of(parcel_of(made))))


@pytest.mark.parametrize(
    ("address", "key", "words", "kept"),
    [
        (
            "https://h.example.com/a?key=very-secret-key",
            "",
            "bad key very-secret-key!",
            "bad key …!",
        ),
        ("https://h.example.com/hook/T0k3nT0k3n", "", "/hook/T0k3nT0k3n 404", "/hook/… 404"),
        ("https://h.example.com/x", "SEC-key-1", "sign SEC-key-1", "sign …"),
        ("wang@acme.example.com", "", "<WANG@acme.example.com> no", "<w***@acme.example.com> no"),
        ("13800000000", "", "+8613800000000 limited", "+86138****0000 limited"),
    ],
)
def test_what_receivers_quote_back_is_masked_in_the_log(
    address: str, key: str, words: str, kept: str
) -> None:
    assert Secret(address, key).masked(words) == kept


def test_an_answer_that_quotes_the_key_leaves_no_trace(
    database: Database, there: Receivers
) -> None:
    made, _ = channel(database, "wecom", there.wecom, allowed=frozenset({there.host}))
    there.world.moods = [(200, {"errcode": 93000, "errmsg": f"no robot {WECOM_KEY}"})]
    assert sent_by(there, parcel_of(made)).said == "no robot …"


@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("email", {"host": "h", "from": "a@b.cn", "password": "x"}, "password.*--secret-env"),
        ("email", {"host": "h\n", "from": "a@b.cn"}, "不可见字符"),
        ("aliyun_sms", SMS | {"access_key_id": "x", "access_key_secret": "y"}, "access_key_secret"),
        ("aliyun_sms", {"sign_name": "x"}, "缺少 access_key_id"),
        ("aliyun_sms", {"sign_name": "x", "access_key_id": "密"}, "英文字符"),
        ("tencent_sms", {"secret_id": "x", "sign_name": "x"}, "缺少 app_id"),
        ("tencent_sms", SMS | IDS["tencent_sms"] | {"template.gossip": "1"}, "template.gossip"),
        ("pigeon", {}, "pigeon"),
    ],
)
def test_an_account_that_does_not_fit_is_refused_at_once(
    database: Database, kind: str, settings: dict[str, str], says: str
) -> None:
    """A password among the settings would stand in the clear and be shown to everybody."""
    with pytest.raises(Invalid, match=says):
        set_sender(database, kind, settings, "s", credential_key=KEY, by="t", now=NOW)


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
