"""Late fees, ages, credit and the schedule: pure."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.kernel.errors import Conflict
from yuejie.payments.dunning.late_fee import LateFee, Paid, late_fee
from yuejie.payments.dunning.schedule import STEPS, kind_of, step_on
from yuejie.payments.dunning.standing import (
    NEXT,
    Credit,
    Overdue,
    StandingEvent,
    StandingState,
    advance,
    wanted_state,
)
from yuejie.payments.receivables.ageing import Age, age_of

DUE = date(2026, 9, 8)
YUAN = 100


def fee(principal: int, days: int, *paid: tuple[int, int], cap: int = 200_000) -> LateFee:
    """The fee after so many days; payments are (days behind the due date, fen)."""
    payments = [Paid(DUE + timedelta(days=day), fen) for day, fen in paid]
    until = DUE + timedelta(days=days)
    return late_fee(principal, DUE, payments, until, ppm_per_day=500, cap_ppm=cap)


@pytest.mark.parametrize(
    ("days", "paid", "expected"),
    [
        (0, [], 0),
        (1, [], 50),
        (10, [], 500),
        (30, [(0, 1000 * YUAN)], 0),
        (30, [(1, 1000 * YUAN)], 50),
        (30, [(10, 1000 * YUAN)], 500),
        (30, [(-5, 400 * YUAN), (10, 600 * YUAN)], 300),
        (30, [(10, 500 * YUAN), (20, 500 * YUAN)], 750),
        (20, [(10, 1000 * YUAN), (15, -1000 * YUAN)], 750),
        (1000, [], 200 * YUAN),
    ],
)
def test_a_thousand_yuan_late(days: int, paid: list[tuple[int, int]], expected: int) -> None:
    """0.05 % a day of 1,000.00 is 0.50; the cap is a fifth."""
    assert fee(1000 * YUAN, days, *paid).fen == expected


def test_days_are_those_on_which_something_was_open() -> None:
    assert fee(1000, 30, (10, 1000)).days == 10
    assert fee(1000, 30).days == 30
    assert fee(1000, 30, (0, 1000)).days == 0


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(-10, 60), st.integers(1, 10**8)), max_size=6),
    st.integers(0, 90),
)
def test_a_fee_is_the_sum_over_days(principal: int, paid: list[tuple[int, int]], days: int) -> None:
    """The formula by segments says what counting day by day says, rounded once and capped."""
    overdue = max(principal - sum(fen for day, fen in paid if day <= 0), 0)
    fen_days = 0
    for day in range(1, days + 1):
        fen_days += max(overdue - sum(fen for on, fen in paid if 0 < on < day), 0)
    whole = (2 * fen_days * 500 + 10**6) // (2 * 10**6)
    cap = (2 * overdue * 200_000 + 10**6) // (2 * 10**6)
    assert fee(principal, days, *paid).fen == min(whole, cap)


@given(st.integers(0, 10**9), st.integers(0, 200))
def test_a_fee_never_falls_as_days_pass_nor_passes_its_cap(principal: int, days: int) -> None:
    assert 0 <= fee(principal, days).fen <= fee(principal, days + 1).fen <= principal // 5 + 1


@pytest.mark.parametrize(
    ("days", "step"),
    [(-8, None), (-7, -7), (-4, -7), (-3, -3), (0, 0), (1, 1), (2, 1), (3, 3), (8, 7), (99, 7)],
)
def test_the_newest_step_that_has_come(days: int, step: int | None) -> None:
    assert step_on(DUE, DUE + timedelta(days=days)) == step


def test_reminders_up_to_the_due_date_and_sterner_words_behind_it() -> None:
    assert [kind_of(step) for step in STEPS] == ["payment_reminder"] * 3 + ["overdue"] * 3


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-1, Age.NOT_DUE),
        (0, Age.NOT_DUE),
        (1, Age.UP_TO_30),
        (30, Age.UP_TO_30),
        (31, Age.UP_TO_60),
        (60, Age.UP_TO_60),
        (61, Age.UP_TO_90),
        (90, Age.UP_TO_90),
        (91, Age.UP_TO_180),
        (180, Age.UP_TO_180),
        (181, Age.OLDER),
    ],
)
def test_ages_have_sharp_edges(days: int, age: Age) -> None:
    assert age_of(DUE, DUE + timedelta(days=days)) is age
    assert age_of(None, DUE) is Age.NOT_DUE


def credit(used: int, limit: int | None = 1000, **more: int) -> Credit:
    return Credit(
        currency="CNY",
        limit_fen=limit,
        prepayment_fen=more.get("prepayment", 0),
        deposit_fen=more.get("deposit", 0),
        open_fen=used,
        drafted_fen=0,
        unbilled_fen=0,
    )


@pytest.mark.parametrize(
    ("used", "more", "step", "exhausted"),
    [
        (699, {}, 0, False),
        (700, {}, 70, False),
        (899, {}, 80, False),
        (999, {}, 90, False),
        (1000, {}, 100, True),
        (1000, {"prepayment": 500}, 0, False),
        (1000, {"deposit": 111}, 90, False),
        (0, {"limit": 0}, 0, False),
        (1, {"limit": 0}, 100, True),
        (-5, {}, 0, False),
    ],
)
def test_steps_of_a_credit(used: int, more: dict[str, int], step: int, *, exhausted: bool) -> None:
    found = credit(used, **more)
    assert (found.step, found.exhausted) == (step, exhausted)


def test_without_a_limit_nothing_is_watched() -> None:
    found = credit(10**9, None)
    assert (found.step, found.exhausted) == (0, False)


FINE = Overdue(0, None, 0)
LATE = Overdue(5, DUE, 0)
GRACED = Overdue(5, DUE, 5)


@pytest.mark.parametrize(
    ("late", "used", "reprieved", "expected"),
    [
        (FINE, 0, False, ("normal", "")),
        (LATE, 0, False, ("warned", "")),
        (FINE, 900, False, ("warned", "")),
        (GRACED, 0, False, ("suspended", "overdue")),
        (FINE, 1000, False, ("suspended", "credit_limit")),
        (GRACED, 1000, False, ("suspended", "overdue")),
        (GRACED, 1000, True, ("warned", "")),
    ],
)
def test_how_a_customer_should_stand(
    late: Overdue, used: int, expected: tuple[str, str], *, reprieved: bool
) -> None:
    assert wanted_state(late, credit(used), reprieved=reprieved) == expected


def test_every_pair_of_standings_has_its_event() -> None:
    pairs = {(was, became) for (was, _), became in NEXT.items()}
    wanted = {(a, b) for a in StandingState for b in StandingState if a is not b}
    assert pairs == wanted
    with pytest.raises(Conflict):
        advance(StandingState.NORMAL, StandingEvent.EASE)
