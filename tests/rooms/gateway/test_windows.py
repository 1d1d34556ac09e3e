"""A call counts in the window that let it pass, whatever the clock does between."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from tests.rooms.gateway.autos import CAP, NOW, SMALL, draft, rule, ruled
from tests.rooms.gateway.world import CREDENTIAL
from yuejie.budgets.allowance import Period, window_of
from yuejie.gateway.allow.leases import Leases
from yuejie.gateway.allow.needs import needs_of
from yuejie.gateway.allow.slices import Hold, Need, Slices
from yuejie.gateway.allow.worst import Call
from yuejie.gateway.meter.chrono import Chrono
from yuejie.gateway.meter.ink import Ink
from yuejie.gateway.meter.metering import Metering
from yuejie.gateway.rights.admission import Plan
from yuejie.gateway.rights.view import View
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import zone_of
from yuejie.usage.dialects import Api, RequestHint
from yuejie.usage.journal import Begun

MONTHLY = CAP
DAILY = msgspec.structs.replace(CAP, number=2, name="日", period="day")
S = 1_000_000
DAY = 86_400 * S


class Desk:
    """A worker's slices, and calls of the small model."""

    def __init__(self) -> None:
        made = draft(rule(SMALL))
        made.allowances = [MONTHLY, DAILY]
        plan = ruled(made, "").plan
        assert plan is not None
        self.plan: Plan = plan
        self.zone = zone_of(plan.customer.zone)
        self.view = View(made.snapshot(), lambda _: CREDENTIAL)
        self.slices = Slices()
        self.next_month_us = window_of(Period.MONTH, self.zone, NOW // S, 0).ends_s * S

    def needs(self, at_us: int, *caps: AllowanceRow) -> list[Need]:
        call = Call(Api.OPENAI_CHAT, RequestHint("auto"), b'{"messages":[]}')
        found = needs_of(self.plan, caps, self.slices, call, self.view, longest=0, now_us=at_us)
        assert isinstance(found, list)
        return found


class Standing:
    """A clock that stands."""

    def __init__(self, at_us: int) -> None:
        self._now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)

    def now(self) -> datetime:
        return self._now


def begun(desk: Desk, hold: Hold, at_us: int, folder: Path) -> Begun:
    """Begin a call with what it holds, at an instant."""

    async def whole() -> Begun:
        ink = Ink(folder, UUID(bytes=uuid7_at(1)), asyncio.get_running_loop(), lambda: None)
        metering = Metering(ink, Chrono(Standing(at_us)))
        made, safe = metering.begin(
            desk.plan,
            desk.plan.routes[0],
            operation=uuid7_at(at_us // 1000),
            attempt=1,
            api=Api.OPENAI_CHAT,
            stream=False,
            tags="",
            hold=hold,
        )
        if safe is not None:
            await safe
        ink.close()
        return made

    return asyncio.run(whole())


@pytest.mark.parametrize("late_s", [-5, 0, 5])
def test_a_call_that_passed_before_a_month_ended_began_before(tmp_path: Path, late_s: int) -> None:
    desk = Desk()
    passed_us = desk.next_month_us - S
    hold = Hold(desk.needs(passed_us, MONTHLY, DAILY))
    call = begun(desk, hold, desk.next_month_us + late_s * S, tmp_path)
    assert call.started_us < desk.next_month_us
    assert window_of(Period.MONTH, desk.zone, call.hour_s, 0).ends_s * S == desk.next_month_us


@pytest.mark.parametrize("back_s", [0, 2, 5])
def test_a_call_that_passed_in_a_new_month_began_in_it_though_the_clock_went_back(
    tmp_path: Path, back_s: int
) -> None:
    """It is taken from what was lent of the new month; the old one may be lent to the last fen."""
    desk = Desk()
    passed_us = desk.next_month_us + S
    hold = Hold(desk.needs(passed_us, MONTHLY, DAILY))
    call = begun(desk, hold, passed_us - back_s * S, tmp_path)
    assert call.started_us >= desk.next_month_us
    assert window_of(Period.MONTH, desk.zone, call.hour_s, 0).starts_s * S == desk.next_month_us


def test_no_window_of_yesterday_is_opened_or_used_beside_one_of_today() -> None:
    desk = Desk()
    before_us, after_us = desk.next_month_us - 10 * S, desk.next_month_us + S
    desk.needs(before_us, DAILY)
    desk.needs(after_us, MONTHLY)
    daily, monthly = desk.needs(before_us + S, DAILY, MONTHLY)
    assert daily.slice.slot.starts_s * S == monthly.slice.slot.starts_s * S == desk.next_month_us


def test_a_clock_that_was_far_ahead_is_not_waited_for(tmp_path: Path) -> None:
    """A machine wakes up forty days ahead and is set right: its calls are of today again."""
    desk = Desk()
    right_us = desk.next_month_us - 10 * S
    before = desk.needs(right_us, DAILY, MONTHLY)
    ahead = desk.needs(right_us + 40 * DAY, DAILY, MONTHLY)
    assert desk.slices.due(right_us + 40 * DAY) == []
    after = desk.needs(right_us + 2 * S, DAILY, MONTHLY)
    assert [n.slice.slot for n in after] == [n.slice.slot for n in before]
    call = begun(desk, Hold(after), right_us + 2 * S, tmp_path)
    assert right_us <= call.started_us < desk.next_month_us
    again = desk.needs(right_us + 40 * DAY, DAILY, MONTHLY)
    assert [n.slice.slot for n in again] == [n.slice.slot for n in ahead]


def test_windows_that_a_clock_left_are_found_as_they_were_left() -> None:
    """What a journal was given of a window is told in sum: what of it is gone must not be lost."""
    desk = Desk()
    right_us = desk.next_month_us - 10 * S
    (now,) = desk.needs(right_us, DAILY)
    now.slice.granted, now.slice.used, now.slice.returned = 9, 5, 4
    (later,) = desk.needs(right_us + 40 * DAY, DAILY)
    later.slice.granted, later.slice.used, later.slice.returned = 7, 1, 6
    desk.slices.due(right_us + 40 * DAY)
    (now,) = desk.needs(right_us + S, DAILY)
    assert (now.slice.granted, now.slice.used, now.slice.returned) == (9, 5, 4)
    desk.slices.due(right_us + S)
    (later,) = desk.needs(right_us + 40 * DAY, DAILY)
    assert (later.slice.granted, later.slice.used, later.slice.returned) == (7, 1, 6)


def test_a_changed_cap_takes_back_what_a_worker_has_left() -> None:
    """What a call under way holds stays with it; the next call has to ask by the new cap."""
    desk = Desk()
    (need,) = desk.needs(NOW, MONTHLY)
    given: list[tuple[int, int, str, int]] = []
    leases = Leases(lambda *_: {}, given.extend, lambda: NOW)
    leases.slices = desk.slices
    need.slice.granted = 5 * need.reserve
    assert leases.pass_now([need], NOW)
    leases.know([msgspec.structs.replace(MONTHLY, cap="2")], workers=1)
    assert given == [(*need.slice.slot, 4 * need.reserve)]
    assert leases.pass_now([need], NOW) is None
    leases.close()


def test_a_cap_for_the_contracts_term_turns_with_the_term() -> None:
    """Known ahead, the next term begins at its instant, without another snapshot."""
    desk = Desk()
    first_s, next_s = NOW // S - 1000, NOW // S + 1000
    row = msgspec.structs.replace(
        CAP, number=3, period="term", starts_s=first_s, terms=(first_s - 5000, first_s, next_s)
    )
    (before,) = desk.needs(next_s * S - 1, row)
    (after,) = desk.needs(next_s * S, row)
    assert (before.slice.slot.starts_s, before.slice.ends_us) == (first_s, next_s * S)
    assert after.slice.slot.starts_s == next_s
    assert Hold([before]).until_us == next_s * S


def test_a_renewal_that_is_signed_ends_the_slice_of_the_term_before() -> None:
    """Behind its first day too: what is left of the old term goes back, the new one is asked."""
    desk = Desk()
    first_s, next_s = NOW // S - 1000, NOW // S - 10
    row = msgspec.structs.replace(CAP, number=3, period="term", starts_s=first_s, terms=(first_s,))
    (old,) = desk.needs(NOW, row)
    old.slice.granted = 5
    renewed = msgspec.structs.replace(row, terms=(first_s, next_s))
    assert desk.slices.know([renewed]) == [old.slice]
    (new,) = desk.needs(NOW, renewed)
    assert new.slice.slot.starts_s == next_s
    assert old.slice in desk.slices.due(NOW)
