"""When a bill is reminded of: days before and behind its due date. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from yuejie.notices.notice import Kind

STEPS: Final = (-7, -3, 0, 1, 3, 7)
"""T−7, T−3, T0, T+1, T+3, T+7 (china-finance §4.1)."""


def step_on(due_on: date, today: date, steps: Sequence[int] = STEPS) -> int | None:
    """Return the newest step that has come by a day; None before the first.

    After an outage of days only the newest is told: yesterday's reminder helps nobody.
    """
    passed = [step for step in steps if (today - due_on).days >= step]
    return max(passed, default=None)


def kind_of(step: int) -> Kind:
    """Return which message a step is: a reminder up to the due date, behind it that it is over."""
    return Kind.PAYMENT_REMINDER if step <= 0 else Kind.OVERDUE
