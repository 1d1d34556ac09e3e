"""What a proof knows of a customer: contracts, grants, adjustments and bills, each with its time.

Everything is read as rows, by assurance's own SQL; a contract's terms stay the JSON they are kept
as. A bill is proved with what was known when it was drawn, so each thing has the instant at which
it became known.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from yuejie.assurance.sla.oracle import Month
from yuejie.bills.bill import Bill
from yuejie.kernel.ids import BillId
from yuejie.kernel.period import BillingMonth, zone_of

_BESIDE = "currency:"
"""What the part of a month's bill in another currency begins with."""
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Version:
    """A signed contract version; `terms` is its JSON, where an absent field says nothing."""

    contract_id: str
    version: int
    starts_at: datetime
    signed_at: datetime
    currency: str
    tax_mode: str
    tax_ppm: int
    terms: Mapping[str, Any]

    @property
    def ends_on(self) -> date | None:
        """The first day on which it no longer holds."""
        text = self.terms.get("ends_on")
        return date.fromisoformat(text) if text else None

    @property
    def place(self) -> tuple[datetime, datetime, int, str]:
        """By what versions come one behind the other; no two have the same."""
        return self.starts_at, self.signed_at, self.version, self.contract_id


@dataclass(frozen=True, slots=True)
class Held:
    """A package or voucher, and since when it is approved."""

    grant_id: str
    kind: str
    amount_fen: int
    paid_fen: int
    currency: str
    models: list[str]
    starts_on: date
    ends_on: date
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class Allowed:
    """An approved adjustment, credit or fee."""

    adjustment_id: str
    kind: str
    service_month: str
    part: str
    currency: str
    amount_fen: int
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Spot:
    """A project: above it, and whose it is."""

    project_id: str
    parent_id: str | None
    department: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """From which month on a project is billed in which unit."""

    project_id: str
    unit_id: str
    since: str
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """A customer, as far as its bills depend on it."""

    zone: str
    versions: Sequence[Version]
    grants: Sequence[Held]
    allowed: Sequence[Allowed]
    spots: Sequence[Spot]
    assigned: Sequence[Assigned]
    bills: Sequence[Bill]
    voided_at: Mapping[str, datetime]
    ended_at: Mapping[int, datetime]
    """When each epoch ended: the instant of its closing."""
    closes: Mapping[str, int]
    """Up to which epoch each month was closed."""
    service: Callable[[BillingMonth, date, date | None, int], Month]
    """How the calls of a month ended between two days, as known at an epoch; read when asked."""
    earlier: Mapping[BillId, Sequence[Bill]] = field(default_factory=dict)
    """What a bill was before it was drawn anew, the oldest first."""

    def contract(
        self, month: BillingMonth, known: datetime, currency: str | None = None
    ) -> Version | None:
        """Return the version in force in a month's last instant, of those signed by then.

        Of those in a currency, if one is named.
        """
        return self._at(month.span(zone_of(self.zone)).end - _INSTANT, known, currency)

    def on(self, day: date, known: datetime) -> Version | None:
        """Return the version in force in a day's last instant, of those signed by then."""
        behind = day + _DAY
        end = datetime(behind.year, behind.month, behind.day, tzinfo=zone_of(self.zone))
        return self._at(end - _INSTANT, known)

    def _at(self, end: datetime, known: datetime, currency: str | None = None) -> Version | None:
        begun = [v for v in self.versions if v.starts_at <= end and v.signed_at <= known]
        begun = [v for v in begun if currency in {None, v.currency}]
        begun.sort(key=lambda v: v.place)
        while (
            begun and begun[-1].ends_on is not None and begun[-1].ends_on <= self.began(begun[-1])
        ):
            # Left before it began: that takes the place of what it would have been, no other's.
            gone = (begun[-1].contract_id, begun[-1].starts_at)
            begun = [v for v in begun if (v.contract_id, v.starts_at) != gone]
        return begun[-1] if begun else None

    def reopened(self, month: BillingMonth, at: datetime) -> set[str]:
        """Return the months that stood on bills voided by an instant, and were not billed again.

        They are billed again by a closing of another month than the one that is drawn, in the same
        currency, a day or more behind the void, all of whose bills were issued by then. What stands
        beside a month in another currency has nothing of its terms.
        """
        drawn: dict[BillingMonth, list[Bill]] = {}
        for bill in self.bills:
            if bill.month != month and self.ended_at[bill.epoch] <= at:
                drawn.setdefault(bill.month, []).append(bill)
        settled = [
            (str(label), self.ended_at[bill.epoch], bill.currency)
            for label, bills in drawn.items()
            if all(bill.issued_at is not None and bill.issued_at <= at for bill in bills)
            for bill in bills
            if not _is_beside(bill)
        ]
        found: set[str] = set()
        for bill in self.bills:
            voided = self.voided_at.get(bill.bill_id)
            if voided is not None and voided <= at and not _is_beside(bill):
                behind = [each for each in settled if each[1] > voided + _DAY]
                again = [label for label, _, currency in behind if currency == bill.currency]
                labels = {str(line.service_month) for line in bill.lines}
                found |= {each for each in labels if not any(each <= label for label in again)}
        return {each for each in found if each <= str(month)}

    def drawings(self, bill: Bill) -> list[Bill]:
        """Return everything that a bill ever said, in its order; the last is what it says now."""
        return [*self.earlier.get(bill.bill_id, ()), bill]

    def as_of(self, at: datetime, epoch: int, own: Collection[str]) -> list[Bill] | None:
        """Return the bills as they stood when one of an epoch was drawn, but for its `own`.

        Of two drawings in one instant the one of the older epoch comes first. None where that is
        not known: a draft was drawn anew before earlier ones were kept.
        """
        found: list[Bill] = []
        for bill in self.bills:
            if bill.bill_id in own or self.voided_at.get(bill.bill_id, at + _INSTANT) <= at:
                continue
            drawn = self.drawings(bill)
            first = self.ended_at[drawn[0].epoch], drawn[0].epoch
            stood = [each for each in drawn if (each.closed_at, each.epoch) < (at, epoch)]
            if stood:
                found.append(stood[-1])
            elif first < (at, epoch):
                return None
        return found

    def since(self, contract_id: str, known: datetime) -> date:
        """Return a contract's first day."""
        starts = [
            v.starts_at
            for v in self.versions
            if v.contract_id == contract_id and v.signed_at <= known
        ]
        return min(starts).astimezone(zone_of(self.zone)).date()

    def began(self, version: Version) -> date:
        """Return a version's first day."""
        return version.starts_at.astimezone(zone_of(self.zone)).date()


def _is_beside(bill: Bill) -> bool:
    return bill.part.startswith(_BESIDE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The bills of a month that one closing drew: all its parts."""

    month: BillingMonth
    epoch: int
    parts: tuple[Bill, ...]
    again: bool = False
    """Whether it is a part that was drawn anew alone."""

    @property
    def beside(self) -> bool:
        """Whether it is the bill of a month in another currency than its contract's."""
        return all(map(_is_beside, self.parts))

    @property
    def drawn_at(self) -> datetime:
        """When the newest of its parts was drawn."""
        return max(bill.closed_at for bill in self.parts)

    def redrawn(self, history: History) -> bool:
        """Whether a part was drawn anew after the closing."""
        ended = history.ended_at[self.epoch]
        return self.again or any(bill.closed_at != ended for bill in self.parts)

    def judged_epoch(self, history: History) -> int:
        """Return up to which epoch service was judged: drawn anew, as far as any bill then was."""
        if not self.redrawn(history):
            return self.epoch
        return max(e for e, ended in history.ended_at.items() if ended <= self.drawn_at)

    def closing(self, history: History) -> "Sheet | None":
        """Return the parts as the closing drew them; None where that is not known."""
        first = [self._drawings(history, bill)[0] for bill in self.parts]
        sheet = Sheet(self.month, self.epoch, tuple(first))
        return None if sheet.redrawn(history) else sheet

    def anew(self, history: History) -> "list[Sheet]":
        """Return what parts were drawn anew behind the closing, each alone, in its order."""
        drawn = [
            each
            for bill in self.parts
            for number, each in enumerate(self._drawings(history, bill))
            if number or each.closed_at != history.ended_at[self.epoch]
        ]
        drawn.sort(key=lambda bill: bill.closed_at)
        return [Sheet(self.month, self.epoch, (bill,), again=True) for bill in drawn]

    def drawn(self, history: History) -> "list[Sheet]":
        """Return all that was ever drawn of it: what the closing drew, and each part anew."""
        closing = self.closing(history)
        return [*([closing] if closing else []), *self.anew(history)]

    def replaced(self, history: History) -> list[Bill]:
        """Return what a part that was drawn anew was before; nothing where that is not known."""
        drawn = [self._drawings(history, bill) for bill in self.parts] if self.again else []
        return [
            before
            for known in drawn
            for before, bill in pairwise(known)
            if any(bill is each for each in self.parts)
        ]

    def _drawings(self, history: History, bill: Bill) -> list[Bill]:
        return [each for each in history.drawings(bill) if each.epoch == self.epoch]

    def before(self, history: History) -> list[Bill] | None:
        """Return the bills as they stood when this was drawn, but for its own parts.

        A closing takes the place of all that the month had, also in another currency. None where
        that is not known any more.
        """
        own = {bill.bill_id for bill in self.parts}
        if not self.redrawn(history):
            month = [bill for bill in history.bills if bill.month == self.month]
            own |= {bill.bill_id for bill in month if self._drawings(history, bill)}
        epoch = self.judged_epoch(history) + 1 if self.redrawn(history) else self.epoch
        return history.as_of(self.drawn_at, epoch, own)

    def billed_before(self, history: History) -> list[Bill]:
        """Return the bills whose usage the closing counted on."""
        closed_at = history.ended_at[self.epoch]
        return [
            bill
            for bill in history.bills
            if bill.epoch < self.epoch
            and not history.voided_at.get(bill.bill_id, closed_at + _INSTANT) <= closed_at
        ]


def sheets_of(history: History, month: BillingMonth) -> list[Sheet]:
    """Return what closings drew for a month, voided bills included, the oldest first.

    What one drew in another currency is a sheet of its own, ahead of the month's: they share
    neither terms nor tax.
    """
    sheets: dict[tuple[int, bool, str], list[Bill]] = {}
    for bill in history.bills:
        if bill.month == month:
            beside = _is_beside(bill)
            key = (bill.epoch, not beside, bill.part if beside else "")
            sheets.setdefault(key, []).append(bill)
    return [Sheet(month, key[0], tuple(sheets[key])) for key in sorted(sheets)]
