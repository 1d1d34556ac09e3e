"""From the outbox to the receiver: once where nothing breaks, else at least once."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, time, timedelta

import psycopg

from tests.rooms.notices.desk import (
    KEY,
    NOW,
    Memory,
    channel,
    customer,
    deliveries,
    notice,
    tell,
)
from tests.scenarios.books import FixedClock
from yuejie.db.session import Database
from yuejie.demo.post.launch import post_here
from yuejie.notices.channels.parcel import Rest, refused, retry, sent
from yuejie.notices.channels.post import Post
from yuejie.notices.contacts import enqueue_test, remove_channel
from yuejie.notices.deliver import LEASE, deliver_due, form_due, hand_on_due, note, take_due
from yuejie.notices.gather import DIGEST, MOST_ATTEMPTS
from yuejie.notices.log import store as log_store
from yuejie.notices.notice import Attachment, Kind

DINGTALK = "https://oapi.dingtalk.com/robot/send?access_token="
WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="


def all_due(db: Database, post: Memory | Post, now: datetime) -> int:
    """Make rounds until nothing is due, as the clerk does."""
    total = 0
    while done := deliver_due(db, post, now):
        total += done
    return total


def test_a_notice_reaches_every_channel_that_wants_it(database: Database) -> None:
    acme, zeta = customer(database, "acme"), customer(database, "zeta")
    channel(database, "email", "a@acme.example.com", customer_id=acme)
    channel(database, "wecom", f"{WECOM}1", customer_id=acme, kinds=("overdue",))
    channel(database, "wecom", f"{WECOM}2", customer_id=acme, kinds=("bill_issued",))
    channel(database, "email", "z@zeta.example.com", customer_id=zeta)
    channel(database, "email", "op@house.example.com")
    post = Memory()
    tell(database, notice("k", customer_id=acme))
    assert all_due(database, post, NOW) == 2
    assert sorted(parcel.kind for parcel in post.parcels) == ["email", "wecom"]
    assert {each.customer_id for each in deliveries(database)} == {acme}
    assert all_due(database, post, NOW + timedelta(days=1)) == 0, "once is enough"


def test_what_a_newer_build_tells_of_waits_for_it_and_holds_nothing_up(
    database: Database, owner_url: str
) -> None:
    """A clerk that an upgrade had not reached told nobody anything while one such notice waited."""
    acme = customer(database)
    channel(database, "email", "a@acme.example.com", customer_id=acme)
    channel(database, "email", "b@acme.example.com", customer_id=acme)
    post = Memory()

    def called(kind: str, was: str) -> None:
        with psycopg.connect(owner_url, autocommit=True) as connection:
            connection.execute("UPDATE notice SET kind = %s WHERE kind = %s", (kind, was))

    tell(database, notice("k", Kind.OVERDUE, customer_id=acme))
    hand_on_due(database, NOW)
    called("of_tomorrow", "overdue")
    tell(database, notice("l", customer_id=acme))
    assert all_due(database, post, NOW) == 2
    assert {each.told[0].kind for each in post.parcels} == {"bill_issued"}
    called("overdue", "of_tomorrow")
    later = NOW + timedelta(minutes=5)
    form_due(database, later)
    called("of_tomorrow", "overdue")
    assert all_due(database, post, later) == 0
    called("overdue", "of_tomorrow")
    assert all_due(database, post, later) == 2


def test_an_operators_notice_about_a_customer_stays_in_the_house(database: Database) -> None:
    acme = customer(database)
    channel(database, "email", "a@acme.example.com", customer_id=acme)
    channel(database, "email", "op@house.example.com")
    about = notice("k", Kind.SUSPENSE_UNCLAIMED)
    post = Memory()
    tell(database, about)
    assert all_due(database, post, NOW) == 1
    assert [each.hint for each in deliveries(database)] == ["o***@house.example.com"]


def test_a_customers_notice_that_nobody_hears_alarms_the_operator(database: Database) -> None:
    acme = customer(database)
    channel(database, "email", "op@house.example.com")
    post = Memory()
    tell(database, notice("k", customer_id=acme))
    all_due(database, post, NOW)
    ((told,),) = [parcel.told for parcel in post.parcels]
    assert (told.kind, told.customer_id) == ("undelivered", acme)
    assert "没有订阅" in told.facts["why"]


def test_a_burst_becomes_one_message_and_the_next_waits_a_minute(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1")
    post = Memory()
    tell(database, *(notice(f"k{n}") for n in range(3)))
    assert all_due(database, post, NOW) == 1
    assert len(post.parcels[0].told) == 3
    tell(database, notice("k9"), notice("u", Kind.SUSPENDED))
    assert all_due(database, post, NOW + timedelta(seconds=5)) == 1, "only what is urgent"
    assert post.parcels[-1].told[0].kind == "suspended"
    assert all_due(database, post, NOW + timedelta(seconds=66)) == 1
    assert post.parcels[-1].told[0].kind == "bill_issued"


def test_quiet_hours_end(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1", quiet_from=time(9), quiet_until=time(12))
    post = Memory()
    tell(database, notice("k"))
    assert all_due(database, post, NOW) == 0
    assert all_due(database, post, NOW + timedelta(hours=2)) == 1


def test_a_failed_attempt_is_repeated_with_the_same_id_and_contents(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1")
    post = Memory(moods=[retry("45009", "freq"), retry("http 500", "oops")])
    tell(database, notice("k"))
    now = NOW
    for _ in range(3):
        all_due(database, post, now)
        tell(database, notice(f"another at {now}"), at=now)
        now += timedelta(minutes=5)
    first = [each for each in post.parcels if each.message_id == post.parcels[0].message_id]
    assert len(first) == 3
    assert len({parcel.message_id for parcel in first}) == 1
    assert all(parcel.told == first[0].told for parcel in first)
    assert {each.message_id: each.attempts for each in deliveries(database)}[
        first[0].message_id
    ] == 3
    assert {each.state for each in deliveries(database)} == {"sent"}


def test_what_is_refused_dies_at_once_with_an_alarm(database: Database) -> None:
    acme = customer(database)
    channel(database, "wecom", f"{WECOM}1", customer_id=acme)
    channel(database, "email", "op@house.example.com")
    post = Memory(moods=[refused("93000", "invalid webhook url")])
    tell(database, notice("k", customer_id=acme))
    all_due(database, post, NOW)
    dead, alarm = sorted(deliveries(database), key=lambda each: each.state)
    assert (dead.state, dead.code, dead.attempts) == ("dead", "93000", 1)
    assert (alarm.state, alarm.kinds, alarm.customer_id) == ("sent", ["undelivered"], None)
    assert "93000 invalid webhook url" in post.parcels[-1].told[0].facts["why"]


def test_a_receiver_that_never_answers_is_given_up_and_alarms_only_once(
    database: Database,
) -> None:
    channel(database, "wecom", f"{WECOM}1")
    post = Memory(moods=[retry("network", "timed out")] * 100)
    tell(database, notice("k"))
    now = NOW
    for _ in range(3 * MOST_ATTEMPTS):
        all_due(database, post, now)
        now += timedelta(hours=2)
    states = [(each.kinds, each.state, each.attempts) for each in deliveries(database)]
    assert states == [
        (["bill_issued"], "dead", MOST_ATTEMPTS),
        (["undelivered"], "dead", MOST_ATTEMPTS),
    ]


def test_a_message_whose_every_attempt_is_lost_is_given_up(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1")
    tell(database, notice("k"))
    hand_on_due(database, NOW)
    form_due(database, NOW)
    now = NOW
    for _ in range(MOST_ATTEMPTS):
        assert len(take_due(database, now)) == 1
        now += LEASE
    assert take_due(database, now) == []
    assert [each.state for each in deliveries(database)] == ["dead"]


def test_a_late_note_of_an_overtaken_attempt_changes_only_the_log(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1")
    tell(database, notice("k"))
    hand_on_due(database, NOW)
    form_due(database, NOW)
    ((slow, first),) = take_due(database, NOW)
    assert take_due(database, NOW + LEASE / 2) == [], "a lease keeps others away"
    ((again, second),) = take_due(database, NOW + LEASE)
    note(database, slow, first, refused("x", "too late"), NOW + LEASE)
    assert deliveries(database)[0].state == "waiting"
    note(database, again, second, retry("y", ""), NOW + LEASE)
    assert (slow.message_id, first, second) == (again.message_id, 1, 2)
    assert all_due(database, Memory(), NOW + timedelta(hours=1)) == 1
    assert deliveries(database)[0].state == "sent"


def test_a_robot_is_never_asked_more_than_its_limit(database: Database) -> None:
    """Two customers share one robot: their limits are one."""
    for _ in range(2):
        channel(database, "wecom", f"{WECOM}shared")
    channel(database, "wecom", f"{WECOM}other")
    post = Memory()
    for second in range(15):  # urgent ones of one moment would be one message
        tell(database, notice(f"u{second}", Kind.SUSPENDED))
        hand_on_due(database, NOW)
        form_due(database, NOW)
    assert all_due(database, post, NOW) == 19 + 15
    assert all_due(database, post, NOW + timedelta(seconds=30)) == 0
    assert all_due(database, post, NOW + timedelta(seconds=61)) == 11


def test_files_go_along_by_mail_and_not_into_a_robot(database: Database) -> None:
    channel(database, "email", "op@house.example.com")
    channel(database, "wecom", f"{WECOM}1")
    post = Memory()
    tell(database, notice("k", attachments=(Attachment("发票.pdf", "application/pdf", b"%PDF"),)))
    all_due(database, post, NOW)
    files = {parcel.kind: [each.body for each in parcel.attachments] for parcel in post.parcels}
    assert files == {"email": [b"%PDF"], "wecom": []}


def test_a_removed_channel_drops_what_waits(database: Database) -> None:
    gone, _ = channel(database, "wecom", f"{WECOM}1")
    post = Memory(moods=[retry("1", "")])
    tell(database, notice("k"))
    all_due(database, post, NOW)
    tell(database, notice("k2"))
    hand_on_due(database, NOW)
    remove_channel(database, gone.channel_id, by="t", now=NOW)
    assert all_due(database, post, NOW + timedelta(days=1)) == 0
    assert [each.state for each in deliveries(database)] == ["dropped"]


def test_the_test_button_tells_one_channel_at_once(database: Database) -> None:
    one, _ = channel(database, "wecom", f"{WECOM}1", quiet_from=time(0), quiet_until=time(23))
    channel(database, "wecom", f"{WECOM}2")
    key = enqueue_test(database, one.channel_id, by="t", now=NOW)
    post = Memory()
    assert all_due(database, post, NOW) == 1
    with database.read() as tx:
        assert log_store.message_of_test(tx, key) == post.parcels[0].message_id


def test_two_deliverers_share_the_work(database: Database) -> None:
    channel(database, "webhook", "https://hooks.example.com/a")
    tell(database, *(notice(f"k{n}") for n in range(6)))
    ours, theirs = Memory(), Memory()
    hand_on_due(database, NOW)
    form_due(database, NOW)
    while deliver_due(database, ours, NOW) + deliver_due(database, theirs, NOW):
        pass
    ids = [parcel.message_id for parcel in (*ours.parcels, *theirs.parcels)]
    assert len(ids) == len(set(ids)) == 6


def bursts(db: Database, count: int, kind: Kind = Kind.BILL_ISSUED) -> None:
    """Have so many messages of one channel each wait, not one digest."""
    for n in range(count):
        tell(db, notice(f"{kind}{n}", kind))
        hand_on_due(db, NOW)
        form_due(db, NOW + n * DIGEST)


def test_a_robot_that_says_too_fast_hears_nothing_at_all_for_ten_minutes(
    database: Database,
) -> None:
    """The real robot drops everything meanwhile, and each attempt would be lost."""
    channel(database, "dingtalk", f"{DINGTALK}1", "S")
    bursts(database, 3)
    channel(database, "email", "op@house.example.com")
    later = NOW + timedelta(minutes=5)
    muted = retry("130101", "too fast", timedelta(minutes=10), rest=Rest.RECEIVER)
    post = Memory(moods=[muted])
    assert all_due(database, post, later) == 1, "the two behind it wait as well"
    tell(database, notice("urgent", Kind.SUSPENDED), at=later)
    assert all_due(database, post, later + timedelta(minutes=9)) == 1
    assert post.parcels[-1].kind == "email"
    assert all_due(database, post, later + timedelta(minutes=13)) == 4
    sent = [parcel for parcel in post.parcels if parcel.kind == "dingtalk"]
    assert sent[1].told[0].kind == "suspended", "what is urgent comes first"


def test_an_empty_account_rests_for_every_reader_of_its_sms(database: Database) -> None:
    for phone in ("13800000000", "13900000000"):
        channel(database, "aliyun_sms", phone)
    channel(database, "tencent_sms", "13800000000")
    tell(database, notice("k"))
    empty = retry("isv.AMOUNT_NOT_ENOUGH", "", timedelta(hours=1), rest=Rest.SENDER)
    post = Memory(moods=[empty, empty])
    assert all_due(database, post, NOW) == 3
    assert all_due(database, post, NOW + timedelta(minutes=50)) == 0
    assert all_due(database, post, NOW + timedelta(minutes=61)) == 2


def test_an_endpoint_that_is_away_is_asked_seldom_and_holds_up_no_other(
    database: Database,
) -> None:
    channel(database, "webhook", "https://dead.example.com/", kinds=("suspended",))
    channel(database, "webhook", "https://live.example.com/", kinds=("bill_issued",))
    tell(database, *(notice(f"u{n}", Kind.SUSPENDED) for n in range(300)))
    tell(database, notice("k"))
    away = retry("network", "timed out", rest=Rest.RECEIVER)
    post = Memory(moods=[away, sent("ok"), *[away] * 300])
    for _ in range(4):
        hand_on_due(database, NOW)
    form_due(database, NOW)
    assert deliver_due(database, post, NOW) == 2, "one of three hundred, and the one behind them"
    assert sorted(parcel.told[0].kind for parcel in post.parcels) == ["bill_issued", "suspended"]
    assert deliver_due(database, post, NOW) == 0
    asked = sum(all_due(database, post, NOW + timedelta(minutes=n)) for n in range(1, 60))
    assert asked < 60, "its rest grows to five minutes with each message that failed twice"


def test_a_robot_gets_its_messages_one_after_the_other(database: Database) -> None:
    """Two deliverers at once could send twenty each where the robot counts arrivals."""
    channel(database, "wecom", f"{WECOM}1")
    bursts(database, 2)
    now = NOW + timedelta(minutes=5)
    ((first, number),) = take_due(database, now)
    assert take_due(database, now) == []
    note(database, first, number, sent("ok"), now)
    assert len(take_due(database, now)) == 1


def test_some_addresses_refused_are_told_to_the_operator(database: Database) -> None:
    acme = customer(database)
    channel(database, "email", "a@acme.example.com, b@acme.example.com", customer_id=acme)
    channel(database, "wecom", f"{WECOM}1")
    some = replace(sent("250", "b***@acme.example.com 被拒：550 no"), missed=True)
    post = Memory(moods=[some])
    tell(database, notice("k", customer_id=acme))
    all_due(database, post, NOW)
    mail, alarm = sorted(deliveries(database), key=lambda each: each.kinds)
    assert (mail.state, mail.attempts) == ("sent", 1)
    assert alarm.kinds == ["undelivered"]
    assert "b***@acme.example.com" in post.parcels[-1].told[0].facts["why"]


KILLED = """
import os, signal, sys
from datetime import datetime
from yuejie.db.session import Database
from yuejie.notices.channels.post import Post
from yuejie.notices.deliver import deliver_due

class Dies(Post):
    def send(self, parcel, *, at):
        outcome = super().send(parcel, at=at)
        assert outcome.result == "sent", outcome
        os.kill(os.getpid(), signal.SIGKILL)

with Database.open(sys.argv[1], name="killed") as db:
    deliver_due(db, Dies(bytes.fromhex(sys.argv[2]), frozenset({sys.argv[3]})),
                datetime.fromisoformat(sys.argv[4]))
"""


def test_killed_between_sending_and_noting_it_is_sent_again_with_the_same_id(
    database: Database, database_url: str
) -> None:
    """kill -9 of the deliverer: the receiver sees the message twice and can tell."""
    with post_here(FixedClock(NOW)) as there:
        host = frozenset({there.host})
        _, key = channel(database, "webhook", there.hook, allowed=host)
        there.world.hook_keys.append(key)
        tell(database, notice("k"))
        command = [sys.executable, "-c", KILLED, database_url, KEY.hex(), there.host]
        died = subprocess.run([*command, NOW.isoformat()], env=dict(os.environ), check=False)
        assert died.returncode == -signal.SIGKILL
        (begun,) = deliveries(database)
        assert (begun.state, begun.attempts, begun.code) == ("waiting", 1, None)
        post = Post(KEY, host)
        assert deliver_due(database, post, NOW + LEASE / 2) == 0
        assert deliver_due(database, post, NOW + LEASE) == 1
        first, second = there.world.got
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == begun.message_id
        assert first.body == second.body
        assert deliveries(database)[0].state == "sent"
