"""Sharing an amount over open bills: named first, then what fits, then the oldest. Pure.

All amounts are fen of one currency. Nothing here rounds: a share is a whole number of fen taken
from what is open, and what is left over is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.limits import SUBSET_BILLS, SUBSET_SUMS


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """What is open of one bill: gross − credited − everything apportioned so far."""

    bill_id: BillId
    customer_id: CustomerId
    number: str
    month: str
    currency: str
    gross_fen: int
    credited_fen: int
    apportioned_fen: int
    issued_on: date
    due_on: date | None
    state: str
    bad_debt_fen: int = 0
    """What of `apportioned_fen` was given up; it may still be paid."""

    @property
    def payable_fen(self) -> int:
        """What may still come in: what is open, and what was given up."""
        return self.open_fen + self.bad_debt_fen

    @property
    def open_fen(self) -> int:
        """What is still to be paid; below zero: more was paid than is owed by now."""
        return self.gross_fen - self.credited_fen - self.apportioned_fen


@dataclass(frozen=True, slots=True)
class Share:
    """So much of a bill."""

    bill_id: BillId
    customer_id: CustomerId
    number: str
    fen: int


@dataclass(frozen=True, slots=True)
class Shared:
    """How an amount falls on bills, and what is left of it.

    `exact` says that it equals so many whole open amounts; `ambiguous` that other bills would have
    come to the same sum.
    """

    shares: tuple[Share, ...]
    left_fen: int
    exact: int = 0
    ambiguous: bool = False


def share_out(
    fen: int, currency: str, amounts: Iterable[OpenAmount], named: Sequence[str] = ()
) -> Shared:
    """Share an amount: bills that are named, then one bill or a sum that fits, then oldest first.

    A named bill takes what it needs before any other; a sum is looked for only where none is named
    or the named ones are filled.
    """
    usable = [a for a in amounts if a.currency == currency and a.open_fen > 0]
    wanted = [a for a in usable if a.number in named]
    if wanted:
        return _fill(fen, [*wanted, *(a for a in usable if a.number not in named)])
    fitting = [a for a in usable if a.open_fen == fen]
    if fitting:
        return Shared((_whole(fitting[0]),), 0, exact=1, ambiguous=len(fitting) > 1)
    found, unique = subset(fen, usable)
    if found:
        return Shared(tuple(_whole(a) for a in found), 0, exact=len(found), ambiguous=not unique)
    return _fill(fen, usable)


def oldest_first(fen: int, currency: str, amounts: Iterable[OpenAmount]) -> Shared:
    """Share what is ours to use already: that a bill comes to just what is there is chance."""
    return _fill(fen, [a for a in amounts if a.currency == currency and a.open_fen > 0])


def _fill(fen: int, amounts: Sequence[OpenAmount]) -> Shared:
    """Fill bills in order until the amount is used up."""
    shares = []
    left = fen
    whole = True
    for amount in amounts:
        if left == 0:
            break
        part = min(left, amount.open_fen)
        whole = whole and part == amount.open_fen
        shares.append(Share(amount.bill_id, amount.customer_id, amount.number, part))
        left -= part
    exact = len(shares) if shares and whole and left == 0 else 0
    return Shared(tuple(shares), left, exact=exact)


def _whole(amount: OpenAmount) -> Share:
    return Share(amount.bill_id, amount.customer_id, amount.number, amount.open_fen)


def subset(fen: int, amounts: Sequence[OpenAmount]) -> tuple[tuple[OpenAmount, ...], bool]:
    """Find open bills whose sum is exactly `fen`; say whether they are the only ones.

    The oldest bills in a row win over any other sum. Only the SUBSET_BILLS oldest are tried, and
    where more than SUBSET_SUMS sums come up, what was found is not called the only one.
    """
    tried = list(amounts)[:SUBSET_BILLS]
    ways: dict[int, tuple[int, int]] = {0: (1, 0)}
    """Sum → how many ways lead to it, and one of them as bits."""
    bounded = False
    for index, amount in enumerate(tried):
        for total, (count, bits) in list(ways.items()):
            reached = total + amount.open_fen
            if reached > fen:
                continue
            known = ways.get(reached)
            if known is not None:
                ways[reached] = (known[0] + count, known[1])
            elif len(ways) < SUBSET_SUMS:
                ways[reached] = (count, bits | 1 << index)
            else:
                bounded = True
    if fen <= 0 or fen not in ways:
        return (), False
    count, bits = ways[fen]
    prefix = _prefix(fen, tried)
    if prefix:
        return prefix, count == 1 and not bounded
    chosen = tuple(a for index, a in enumerate(tried) if bits >> index & 1)
    return chosen, count == 1 and not bounded and len(amounts) <= SUBSET_BILLS


def _prefix(fen: int, amounts: Sequence[OpenAmount]) -> tuple[OpenAmount, ...]:
    total = 0
    for length, amount in enumerate(amounts, 1):
        total += amount.open_fen
        if total == fen:
            return tuple(amounts[:length])
    return ()
