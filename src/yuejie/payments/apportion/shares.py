"""Sharing an amount over open bills: named first, then what fits, then the oldest. Pure.

All amounts are fen of one currency. Nothing here rounds: a share is a whole number of fen taken
from what is open, and what is left over is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from yuejie.kernel.ids import BillId, CustomerId
from yuejie.payments.sums import Ways, summands


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

    `exact` says that it equals so many whole open amounts; `ways` in how many ways any of them do,
    where that was looked for.
    """

    shares: tuple[Share, ...]
    left_fen: int
    exact: int = 0
    ways: Ways | None = None


def share_out(
    fen: int, currency: str, amounts: Iterable[OpenAmount], named: Sequence[str] = ()
) -> Shared:
    """Share an amount: bills that are named, then one bill or a sum that fits, then oldest first.

    A named bill takes what it needs before any other, and the oldest take the rest; a sum is looked
    for only where none is named. One bill is preferred to several that come to the same.
    """
    usable = [a for a in amounts if a.currency == currency and a.open_fen > 0]
    wanted = [a for a in usable if a.number in named]
    if wanted:
        return _fill(fen, [*wanted, *(a for a in usable if a.number not in named)])
    found = summands(fen, [a.open_fen for a in usable])
    single = next(([a] for a in usable if a.open_fen == fen), [])
    whole = tuple(_whole(a) for a in single or (usable[each] for each in found.chosen))
    if whole:
        return Shared(whole, 0, exact=len(whole), ways=found.ways)
    return replace(_fill(fen, usable), ways=found.ways)


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
