"""What a period will come to: what was used, and for each hour to come what such hours came to.

An hour to come is expected to be the mean of the same hour of the same weekday in the weeks that
are known, at most four; hours of which nothing is known yet, the mean of all. Whole numbers, and
honest: with less than a day of history there is no forecast.
"""

from collections.abc import Mapping
from typing import Final

HOUR_S: Final = 3600
WEEK_HOURS: Final = 168
WEEKS: Final = 4
LEAST_HOURS: Final = 24


def forecast(
    spent: int, hours: Mapping[int, int], *, since_s: int, now_s: int, ends_s: int
) -> int | None:
    """Return what a window will have come to when it ends; None while nobody can say.

    `hours`: what each hour came to, by its first second, missing ones nothing; `since_s`: from
    when on that is known, at most four weeks back.
    """
    present = now_s - now_s % HOUR_S
    known = (present - since_s) // HOUR_S
    if known < LEAST_HOURS:
        return None
    sums, counts = [0] * WEEK_HOURS, [0] * WEEK_HOURS
    for at in range(present - known * HOUR_S, present, HOUR_S):
        slot = at // HOUR_S % WEEK_HOURS
        sums[slot] += hours.get(at, 0)
        counts[slot] += 1
    total, seen = sum(sums), sum(counts)
    ahead = 0
    first = present + HOUR_S
    left = max((ends_s - first) // HOUR_S, 0)
    whole, rest = divmod(left, WEEK_HOURS)
    for step in range(WEEK_HOURS):
        times = whole + (step < rest)
        slot = (first // HOUR_S + step) % WEEK_HOURS
        if counts[slot]:
            ahead += times * sums[slot] // counts[slot]
        else:
            ahead += times * total // seen
    # Of the hour that runs, the part to come.
    slot = present // HOUR_S % WEEK_HOURS
    mean = sums[slot] // counts[slot] if counts[slot] else total // seen
    ahead += mean * max(min(first, ends_s) - now_s, 0) // HOUR_S
    return spent + ahead
