"""The tables of life, the two encodings of a reason, the clock of a form."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from yuejie.fapiao import life
from yuejie.fapiao.issuing.errand import POLL, after
from yuejie.fapiao.life import FapiaoEvent, FapiaoState, RedEvent, RedState
from yuejie.fapiao.reversing.form import (
    BUREAU_REASON,
    FORM_STATES,
    NUONUO_REASON,
    RedReason,
    reminders_due,
)

APPLIED = datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(("state", "event"), list(product(FapiaoState, FapiaoEvent)))
def test_only_what_the_table_lists_may_happen(state: FapiaoState, event: FapiaoEvent) -> None:
    if (state, event) in life.NEXT:
        assert life.advance(state, event) is life.NEXT[state, event]
    else:
        with pytest.raises(life.IllegalFapiaoTransition, match="请刷新"):
            life.advance(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(RedState, RedEvent)))
def test_and_of_red_ones(state: RedState, event: RedEvent) -> None:
    if (state, event) in life.RED_NEXT:
        assert life.advance_red(state, event) is life.RED_NEXT[state, event]
    else:
        with pytest.raises(life.IllegalFapiaoTransition, match="请刷新"):
            life.advance_red(state, event)


def test_nothing_leads_back_from_issued() -> None:
    reached, fresh = {FapiaoState.ISSUED}, {FapiaoState.ISSUED}
    while fresh:
        fresh = {to for (was, _), to in life.NEXT.items() if was in fresh} - reached
        reached |= fresh
    assert reached == {FapiaoState.ISSUED, FapiaoState.PARTLY_REVERSED, FapiaoState.REVERSED}
    assert not [key for key in life.RED_NEXT if key[0] in {RedState.ISSUED, RedState.VOID}]


def test_the_two_encodings_of_a_reason() -> None:
    assert {r: (BUREAU_REASON[r], NUONUO_REASON[r]) for r in RedReason} == {
        RedReason.MISTAKE: ("01", "2"),
        RedReason.RETURN: ("02", "1"),
        RedReason.TERMINATION: ("03", "3"),
        RedReason.ALLOWANCE: ("04", "4"),
    }


def test_every_state_of_a_form_has_a_meaning() -> None:
    told = {code: event for code, (_, event) in FORM_STATES.items()}
    assert {c for c, e in told.items() if e is RedEvent.CONFIRM} == {"01", "04"}
    assert {c for c, e in told.items() if e is RedEvent.WAIT} == {"02", "03"}
    void = {"05", "06", "07", "08", "09", "10", "16"}
    assert {c for c, e in told.items() if e is RedEvent.VOID} == void
    assert told["15"] is None


@pytest.mark.parametrize(
    ("hours", "due"), [(0, 1), (23.9, 1), (24, 2), (47.9, 2), (48, 3), (71, 3), (-1, 0)]
)
def test_reminders_at_nought_a_day_and_two(hours: float, due: int) -> None:
    assert reminders_due(APPLIED, 0, APPLIED + timedelta(hours=hours)) == due


def test_questions_come_slower_and_slower() -> None:
    waits = [after(count) for count in range(7)]
    assert waits == sorted(waits)
    assert [int(each.total_seconds()) for each in POLL] == [3, 5, 30, 300, 3600]
    assert after(99) == timedelta(hours=1)
