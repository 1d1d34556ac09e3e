"""A late fee: simple interest on what is open, from the day behind the due date to payment. Pure.

The day count begins the day after the due date and ends with the day on which the bank booked the
payment, that day included: paid on the due date costs nothing, paid a day late costs one day. What
is open falls with every payment on its day. Interest bears no interest: late fees on a bill are no
part of its principal. The sum is rounded once, half away from zero, and capped at a share of what
was overdue at first (民法典 585).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from yuejie.kernel.money import PPM, divide


@dataclass(frozen=True, slots=True)
class Paid:
    """So many fen of a bill were closed, counting from a day; negative: opened again."""

    on: date
    fen: int


@dataclass(frozen=True, slots=True)
class LateFee:
    """What a bill's lateness comes to, and over how many days something was open."""

    fen: int
    days: int


def late_fee(
    principal_fen: int,
    due_on: date,
    paid: Iterable[Paid],
    until: date,
    *,
    ppm_per_day: int,
    cap_ppm: int,
) -> LateFee:
    """Return the late fee of a bill up to and with a day.

    `principal_fen` is what is owed without late fees; what was paid up to the due date is no part
    of what is overdue.
    """
    payments = sorted(paid, key=lambda each: each.on)
    overdue = principal_fen - sum(each.fen for each in payments if each.on <= due_on)
    overdue = max(overdue, 0)
    fen_days, days = 0, 0
    start, open_fen = due_on, overdue
    for each in [p for p in payments if due_on < p.on <= until] + [Paid(until, 0)]:
        passed = max((each.on - start).days, 0)
        fen_days += max(open_fen, 0) * passed
        days += passed if open_fen > 0 else 0
        start, open_fen = max(start, each.on), open_fen - each.fen
    fee = divide(fen_days * ppm_per_day, PPM)
    return LateFee(min(fee, divide(overdue * cap_ppm, PPM)), days)
