"""Which open bills come to an amount, and whether they are the only ones: exact and bounded. Pure.

Bills that cannot be part of any sum, or must be part of every one, are set aside first. The rest is
cut into two halves, each sum of one half is looked up in the other (meet in the middle), and ways
are counted as far as two. A half keeps at most SUBSET_SUMS different sums, and adds at most
SUBSET_STEPS times: sixteen bills always fit, more where amounts recur. Where a half takes more,
nothing is claimed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from yuejie.kernel.limits import SUBSET_STEPS, SUBSET_SUMS


class Ways(Enum):
    """In how many ways some amounts come to a sum."""

    NONE = "none"
    ONE = "one"
    SEVERAL = "several"
    UNKNOWN = "unknown"
    """There are too many amounts to count; there may be any number of ways."""


@dataclass(frozen=True, slots=True)
class Summands:
    """In how many ways amounts come to a sum, and which do so in one of them, by position.

    The first amounts in a row are preferred to any other way. Of an UNKNOWN number of ways only
    such a row is told.
    """

    ways: Ways
    chosen: tuple[int, ...] = ()


def summands(total: int, amounts: Sequence[int]) -> Summands:
    """Find amounts above zero that come to a total, each used at most once."""
    assert all(amount > 0 for amount in amounts), "what is not open is no summand"
    row = _row(total, amounts)
    taken, open_ones = _settled(total, amounts)
    rest = total - sum(amounts[each] for each in taken)
    if total <= 0 or rest < 0:
        return Summands(Ways.NONE)
    left = _sums(rest, amounts, open_ones[::2])
    right = _sums(rest, amounts, open_ones[1::2])
    if left is None or right is None:
        return Summands(Ways.UNKNOWN, row)
    count, chosen = _meet(rest, left, right)
    if count == 0:
        return Summands(Ways.NONE)
    found = (*taken, *(each for each in range(len(amounts)) if chosen >> each & 1))
    return Summands(Ways.ONE if count == 1 else Ways.SEVERAL, row or tuple(sorted(found)))


def _row(total: int, amounts: Sequence[int]) -> tuple[int, ...]:
    reached = 0
    for index, amount in enumerate(amounts):
        reached += amount
        if reached == total:
            return tuple(range(index + 1))
    return ()


def _settled(total: int, amounts: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the positions that are part of every sum, and those that may or may not be.

    What is above the total is part of none; what is above the rest that a sum leaves over is part
    of every one.
    """
    taken: list[int] = []
    maybe = list(range(len(amounts)))
    wanted = total
    while True:
        fitting = [each for each in maybe if amounts[each] <= wanted]
        over = sum(amounts[each] for each in fitting) - wanted
        must = {each for each in fitting if amounts[each] > over}
        if not must and fitting == maybe:
            return taken, maybe
        taken += sorted(must)
        wanted -= sum(amounts[each] for each in must)
        maybe = [each for each in fitting if each not in must]


def _sums(
    most: int, amounts: Sequence[int], positions: Sequence[int]
) -> dict[int, tuple[int, int]] | None:
    """Return each sum up to `most`: in how many ways, two at most, and one of them as bits.

    None where there are more sums than are kept, or it takes longer than a transfer may wait.
    """
    ways: dict[int, tuple[int, int]] = {0: (1, 0)}
    steps = 0
    for position in positions:
        steps += len(ways)
        if steps > SUBSET_STEPS:
            return None
        for total, (count, bits) in list(ways.items()):
            reached = total + amounts[position]
            if reached > most:
                continue
            known = ways.get(reached)
            if known is not None:
                ways[reached] = (min(2, known[0] + count), known[1])
            elif len(ways) < SUBSET_SUMS:
                ways[reached] = (count, bits | 1 << position)
            else:
                return None
    return ways


def _meet(
    rest: int, left: dict[int, tuple[int, int]], right: dict[int, tuple[int, int]]
) -> tuple[int, int]:
    """Return in how many ways a sum of each half come to the rest, two at most, and one as bits."""
    count, chosen = 0, 0
    for total, (here, bits) in left.items():
        met = right.get(rest - total)
        if met is None:
            continue
        count += here * met[0]
        chosen = chosen or bits | met[1]
        if count > 1:
            break
    return min(2, count), chosen
