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
    free_at,
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


@pytest.mark.parametrize("changes", [{"channel_kind": "webhook"}, {"channel_kind": "aliyun_sms"}])
def test_what_cannot_merge_goes_alone_and_at_once(changes: dict[str, object]) -> None:
    made = plan(copies(3, last_formed_at=NOW, **changes), NOW)
    assert [len(each) for each in made.messages] == [1, 1, 1]


def test_what_is_urgent_goes_at_once_and_merges_with_nothing_but_its_like() -> None:
    urgent = copies(DIGEST_MOST + 1, kind="suspended", last_formed_at=NOW)
    made = plan([*urgent, replace(COPY, notice_id="r", last_formed_at=NOW)], NOW)
    assert [len(each) for each in made.messages] == [DIGEST_MOST, 1]
    assert [copy.notice_id for copy, _ in made.postponed] == ["r"]
    made = plan([replace(COPY, notice_id="r"), *urgent], NOW)
    assert {len({copy.kind for copy in each}) for each in made.messages} == {1}


def test_a_notice_with_files_is_a_mail_of_its_own() -> None:
    files = [replace(COPY, notice_id=f"f{n}", attached=True) for n in range(2)]
    mailed = [replace(each, channel_kind="email") for each in (*copies(2), *files)]
    made = plan(mailed, NOW)
    assert sorted(len(each) for each in made.messages) == [1, 1, 2]
    assert [len(each) for each in plan(files, NOW).messages] == [2], "a robot gets no file"


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


CLOCKS_BACK = datetime(2026, 11, 1, 5, tzinfo=UTC)  # one in the night in New York, twice


@pytest.mark.parametrize(
    ("minutes", "until", "ends"),
    [
        (15, time(1, 30), 30),  # the first 01:15 ends at the first 01:30
        (75, time(1, 30), 90),  # the second 01:15 ends at the second
        (105, time(1, 30), None),  # the second 01:45 is past it
        (15, time(3, 0), 180),
    ],
)
def test_a_night_in_which_the_clocks_go_back(minutes: int, until: time, ends: int | None) -> None:
    now = CLOCKS_BACK + timedelta(minutes=minutes)
    wanted = None if ends is None else CLOCKS_BACK + timedelta(minutes=ends)
    assert quiet_end(now, "America/New_York", time(23), until) == wanted


def test_a_night_whose_end_the_clocks_leave_out() -> None:
    """In New York on 8 March 2026 no clock shows 02:30; the hours end when it would."""
    now = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)  # 01:30
    ends = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert quiet_end(now, "America/New_York", time(23), time(2, 30)) == ends


@pytest.mark.parametrize(
    ("kind", "begun", "free"),
    [
        ("wecom", 18, 0),
        ("wecom", 19, 60),  # one of the twenty is kept back
        ("dingtalk", 19, 60),
        ("feishu", 3, 0),
        ("feishu", 4, 1),  # five a second
        ("feishu", 99, 60),  # a hundred a minute
        ("tencent_sms", 0, 0),
        ("tencent_sms", 1, 30),
        ("webhook", 10_000, 0),
        ("email", 10_000, 0),
    ],
)
def test_a_receiver_is_told_no_more_than_it_may_hear(kind: str, begun: int, free: int) -> None:
    assert free_at(kind, [NOW] * begun, NOW) == NOW + timedelta(seconds=free)


@given(st.lists(st.integers(0, 3_000), max_size=80), st.sampled_from(["wecom", "dingtalk"]))
def test_however_late_each_arrives_a_minute_holds_twenty_at_most(
    delays: list[int], kind: str
) -> None:
    """Each arrives between its own beginning and the next one's, as late as may be."""
    begun: list[datetime] = []
    for delay in delays:
        asked = begun[-1] + timedelta(milliseconds=delay) if begun else NOW
        begun.append(free_at(kind, begun, asked))
    latest = [*begun[1:], begun[-1]] if begun else []
    for first, last in zip(latest, begun[20:], strict=False):
        assert last - first >= timedelta(minutes=1)


def test_one_receiver_that_has_heard_enough_holds_up_no_other() -> None:
    due = [("m1", "wecom", "a"), ("m2", "wecom", "full"), ("m3", "wecom", "b")]
    begun = {"full": [NOW - timedelta(seconds=20)] * 19}
    chosen, resting = choose(due, begun, now=NOW, most=8)
    assert (chosen, resting) == (["m1", "m3"], {"full": NOW + timedelta(seconds=40)})
    assert choose(due, {}, now=NOW, most=1) == (["m1"], {})


@given(st.text(max_size=40), st.integers(1, 40))
def test_waiting_doubles_up_to_four_hours_and_a_quarter(message_id: str, attempt: int) -> None:
    wait = wait_after(message_id, attempt, None)
    assert timedelta(seconds=22) <= wait <= LONGEST_WAIT * 5 // 4
    assert wait == wait_after(message_id, attempt, None)
    assert wait_after(message_id, attempt, timedelta(hours=9)) == timedelta(hours=9)
