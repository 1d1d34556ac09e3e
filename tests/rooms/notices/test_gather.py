from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.notices.contact import quiet_end
from yuejie.notices.gather import (
    DIGEST,
    DIGEST_MOST,
    LONGEST_WAIT,
    ReadyCopy,
    choose,
    may_speak,
    plan,
    wait_after,
)

NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
COPY = ReadyCopy(
    notice_id="n0",
    kind="bill_issued",
    attached=False,
    channel_id="c1",
    customer_id=None,
    channel_kind="wecom",
    hint="",
    bucket="b1",
    zone="Asia/Shanghai",
    quiet_from=None,
    quiet_until=None,
    last_formed_at=None,
)


def copies(count: int, **changes: object) -> list[ReadyCopy]:
    return [replace(COPY, notice_id=f"n{n}", **changes) for n in range(count)]  # type: ignore[arg-type]  # why: a test changes what it names


def test_a_burst_goes_out_together() -> None:
    made = plan(copies(DIGEST_MOST + 2), NOW)
    assert [len(each) for each in made.messages] == [DIGEST_MOST, 2]
    assert made.postponed == []


def test_a_channel_that_has_just_spoken_waits() -> None:
    spoken = NOW - timedelta(seconds=20)
    made = plan(copies(3, last_formed_at=spoken), NOW)
    assert made.messages == []
    assert {until for _, until in made.postponed} == {spoken + DIGEST}
    assert len(plan(copies(3, last_formed_at=spoken), spoken + DIGEST).messages) == 1


@pytest.mark.parametrize(
    "changes",
    [{"kind": "suspended"}, {"channel_kind": "webhook"}, {"channel_kind": "aliyun_sms"}],
)
def test_what_is_urgent_or_cannot_merge_goes_alone_and_at_once(changes: dict[str, object]) -> None:
    made = plan(copies(3, last_formed_at=NOW, **changes), NOW)
    assert [len(each) for each in made.messages] == [1, 1, 1]


def test_a_notice_with_files_is_a_mail_of_its_own() -> None:
    made = plan([*copies(2), replace(COPY, notice_id="f", attached=True)], NOW)
    assert sorted(len(each) for each in made.messages) == [1, 2]


def test_quiet_hours_hold_everything_but_the_urgent_and_programs() -> None:
    quiet = {"quiet_from": time(9), "quiet_until": time(12, 30)}
    ends = datetime(2026, 11, 10, 4, 30, tzinfo=UTC)
    assert [until for _, until in plan(copies(1, **quiet), NOW).postponed] == [ends]
    assert plan(copies(1, kind="suspended", **quiet), NOW).postponed == []
    assert plan(copies(1, channel_kind="webhook", **quiet), NOW).postponed == []
    assert [until for _, until in plan(copies(1, attached=True, **quiet), NOW).postponed] == [ends]


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("2026-11-10 21:59", None),
        ("2026-11-10 22:00", "2026-11-11 08:00"),
        ("2026-11-10 23:59", "2026-11-11 08:00"),
        ("2026-11-11 00:00", "2026-11-11 08:00"),
        ("2026-11-11 07:59", "2026-11-11 08:00"),
        ("2026-11-11 08:00", None),
    ],
)
def test_a_night_spans_midnight(local: str, ends: str | None) -> None:
    zone = timedelta(hours=8)
    now = datetime.fromisoformat(local).replace(tzinfo=UTC) - zone
    wanted = datetime.fromisoformat(ends).replace(tzinfo=UTC) - zone if ends else None
    assert quiet_end(now, "Asia/Shanghai", time(22), time(8)) == wanted


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - made aware below
    st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC", "Australia/Lord_Howe"]),
    st.times(),
    st.times(),
)
def test_quiet_hours_end_after_now_and_within_a_day(
    moment: datetime, zone: str, first: time, until: time
) -> None:
    now = moment.replace(tzinfo=UTC)
    ends = quiet_end(now, zone, first, until)
    assert ends is None or now < ends <= now + timedelta(hours=26)
    if first == until:
        assert ends is None


@pytest.mark.parametrize(
    ("kind", "begun", "may"),
    [
        ("wecom", 19, True),
        ("wecom", 20, False),
        ("dingtalk", 20, False),
        ("feishu", 20, False),  # five a second
        ("webhook", 10_000, True),
    ],
)
def test_a_robot_says_no_more_than_it_may(kind: str, begun: int, may: bool) -> None:  # noqa: FBT001
    assert may_speak(kind, [NOW] * begun, NOW) is may


def test_feishu_speaks_again_a_second_later_until_its_hundred_are_used() -> None:
    before = NOW - timedelta(seconds=2)
    assert may_speak("feishu", [before] * 99, NOW)
    assert not may_speak("feishu", [before] * 100, NOW)
    assert may_speak("feishu", [before - timedelta(minutes=1)] * 100, NOW)


def test_one_robot_gets_one_message_a_round_and_holds_up_no_other() -> None:
    due = [
        ("m1", "wecom", "a"),
        ("m2", "wecom", "a"),
        ("m3", "wecom", "b"),
        ("m4", "wecom", "full"),
    ]
    assert choose(due, {"full": [NOW] * 20}, now=NOW, most=8) == (["m1", "m3"], ["m4"])
    assert choose(due, {}, now=NOW, most=1) == (["m1"], [])


@given(st.text(max_size=40), st.integers(1, 40))
def test_waiting_doubles_up_to_an_hour_and_a_quarter(message_id: str, attempt: int) -> None:
    wait = wait_after(message_id, attempt, None)
    assert timedelta(seconds=22) <= wait <= LONGEST_WAIT * 5 // 4
    assert wait == wait_after(message_id, attempt, None)
    assert wait_after(message_id, attempt, timedelta(hours=9)) == timedelta(hours=9)
