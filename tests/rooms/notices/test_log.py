"""The log by every filter, one message whole, and another try of what was given up."""

from datetime import timedelta

import pytest

from tests.rooms.notices.desk import BY, NOW, Memory, channel, customer, deliveries, notice, tell
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.notices.channels.parcel import Rest, refused
from yuejie.notices.channels.parcel import retry as failed
from yuejie.notices.contacts import remove_channel
from yuejie.notices.deliver import deliver_due
from yuejie.notices.gather import MOST_ATTEMPTS
from yuejie.notices.log import store
from yuejie.notices.log.retry import look, retry
from yuejie.notices.log.store import Wish
from yuejie.notices.notice import Kind

WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="


def all_due(db: Database, post: Memory, minutes: int = 0) -> None:
    while deliver_due(db, post, NOW + timedelta(minutes=minutes)):
        pass


def test_the_log_answers_every_question(database: Database) -> None:
    acme = customer(database)
    mail, _ = channel(database, "email", "a@acme.example.com", customer_id=acme)
    channel(database, "wecom", f"{WECOM}1")
    post = Memory()
    tell(database, notice("one", customer_id=acme))
    all_due(database, post)
    tell(database, notice("two", Kind.SUSPENDED))
    while deliver_due(database, post, NOW + timedelta(seconds=1)):
        pass  # ids of one millisecond have no order
    post.moods = [refused("550", "no")]
    tell(database, notice("three", Kind.OVERDUE, customer_id=acme), at=NOW + timedelta(hours=1))
    assert deliver_due(database, post, NOW + timedelta(hours=1)) == 1
    all_due(database, post, 61)

    def found(wish: Wish, customer_id: CustomerId | None = None) -> list[str]:
        with database.read() as tx:
            if customer_id is None:
                rows = store.whole_log(tx, wish, limit=10)
            else:
                rows = store.log(tx, customer_id, wish, limit=10)
        return [",".join(each.kinds) for each in rows]

    assert found(Wish()) == ["undelivered", "overdue", "suspended", "bill_issued"]
    assert found(Wish(), acme) == ["overdue", "bill_issued"]
    assert found(Wish(state="dead"), acme) == ["overdue"]
    assert found(Wish(channel_kind="wecom")) == ["undelivered", "suspended"]
    assert found(Wish(channel_id=mail.channel_id, kind="bill_issued")) == ["bill_issued"]
    assert found(Wish(notice_key="two")) == ["suspended"]
    assert found(Wish(notice_key="two"), acme) == []
    assert found(Wish(since=NOW + timedelta(minutes=1))) == ["undelivered", "overdue"]
    assert found(Wish(until=NOW + timedelta(minutes=1))) == ["suspended", "bill_issued"]
    newest = deliveries(database)[-1].message_id
    assert found(Wish(before=newest)) == ["overdue", "suspended", "bill_issued"]


def test_one_message_whole(database: Database) -> None:
    acme, zeta = customer(database, "acme"), customer(database, "zeta")
    url = "https://hooks.example.com/"
    channel(database, "webhook", url, customer_id=acme, language="en")
    tell(database, notice("one", customer_id=acme))
    all_due(database, Memory(moods=[failed("network", "timed out", rest=Rest.RECEIVER)]))
    (each,) = deliveries(database)
    with database.read() as tx:
        whole = look(tx, each.message_id, acme, now=NOW)
        later = look(tx, each.message_id, None, now=NOW + timedelta(minutes=2))
        with pytest.raises(NotFound):
            look(tx, each.message_id, zeta, now=NOW)
    assert [(t.number, t.result, t.code) for t in whole.tries] == [(1, "retry", "network")]
    assert whole.told[0].facts["number"] == "B202610-0001"
    assert whole.text.startswith("Bill B202610-0001 issued")
    assert whole.resting is not None
    assert (whole.resting.why, later.resting) == ("network", None)


def test_what_was_given_up_is_tried_again_under_its_own_id(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1", kinds=("bill_issued",))
    channel(database, "email", "op@house.example.com", kinds=("undelivered",))
    post = Memory(moods=[refused("93000", "gone")])
    tell(database, notice("k"))
    all_due(database, post)
    (dead,) = deliveries(database, "dead")
    assert retry(database, [dead.message_id], by=BY, now=NOW) == [dead.message_id]
    away = failed("network", "", rest=Rest.RECEIVER)
    post.moods = [away] * (MOST_ATTEMPTS - 1)
    for minutes in range(0, 60 * 48, 60):
        all_due(database, post, minutes)
    robot = [parcel for parcel in post.parcels if parcel.kind == "wecom"]
    assert len(robot) == 1 + MOST_ATTEMPTS, "a full count of tries, the last one lucky"
    assert {parcel.message_id for parcel in robot} == {dead.message_id}
    assert {each.state for each in deliveries(database)} == {"sent"}


def test_a_second_death_is_told_as_well(database: Database) -> None:
    channel(database, "wecom", f"{WECOM}1", kinds=("bill_issued",))
    channel(database, "email", "op@house.example.com", kinds=("undelivered",))
    tell(database, notice("k"))
    post = Memory(moods=[refused("93000", "gone")])
    all_due(database, post)
    (dead,) = deliveries(database, "dead")
    again = NOW + timedelta(hours=1)
    retry(database, [dead.message_id], by=BY, now=again)
    post.moods = [refused("93000", "gone")]
    all_due(database, post, 60)
    alarms = [each for each in deliveries(database) if each.kinds == ["undelivered"]]
    assert len(alarms) == 2


def test_only_what_was_given_up_is_tried_again_and_all_or_none(database: Database) -> None:
    gone, _ = channel(database, "wecom", f"{WECOM}1", kinds=("overdue",))
    channel(database, "wecom", f"{WECOM}2", kinds=("bill_issued", "suspended"))
    tell(database, notice("a", Kind.OVERDUE), notice("b"), notice("c", Kind.SUSPENDED))
    post = Memory(moods=[refused("1", "")] * 2)
    all_due(database, post)
    remove_channel(database, gone.channel_id, by=BY, now=NOW)
    by_kind = {each.kinds[0]: each for each in deliveries(database)}
    states = {kind: each.state for kind, each in by_kind.items()}
    dead = [kind for kind, state in states.items() if state == "dead"]
    assert len(dead) == 2
    assert "overdue" in dead
    (alive,) = [each for each in by_kind.values() if each.state == "sent"]
    (other,) = [by_kind[kind].message_id for kind in dead if kind != "overdue"]
    for ids, why in (
        ([alive.message_id, other], "已送达"),
        ([by_kind["overdue"].message_id, other], "渠道已删除"),
    ):
        with pytest.raises(Conflict, match=why):
            retry(database, ids, by=BY, now=NOW)
    with pytest.raises(NotFound):
        retry(database, ["msg_0", other], by=BY, now=NOW)
    assert len(deliveries(database, "dead")) == 2, "all or none"
    assert retry(database, [other], by=BY, now=NOW) == [other]
