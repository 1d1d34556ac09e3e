"""A live bill: a month's bills as closing would draw them now, and what is not final. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from yuejie.bills.bill import Bill, BillLine
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth


class Doubt(StrEnum):
    """Why a live bill may still change although nobody uses anything."""

    OPEN_EPOCH = "open_epoch"
    """Usage is still being added; only closing ends that."""
    WAITING = "waiting"
    """Calls whose quantities or price are not known yet are on no bill."""
    FX = "fx"
    """A later exchange rate of the month takes the place of this one."""
    SLA = "sla"
    """The month's service is judged when it is over."""
    TRUE_UP = "true_up"
    """What is missing to the minimum, to date: each call makes it less."""
    EARLIER = "earlier"
    """An earlier month is over and not closed; it is drawn in the same breath."""
    UNDECIDED = "undecided"
    """Adjustments wait for a second person."""
    BESIDE = "beside"
    """What is owed in another currency will stand on a bill of its own."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that is not final, in a sentence."""

    doubt: Doubt
    sentence: str


@dataclass(frozen=True, slots=True)
class Live:
    """What a customer would owe. `bills` are the parts of the month, the head bill first.

    `used_until`: the calls that ended by then are in it, of every living gateway; of one that has
    no calls this is noted every few seconds only, so it may say less than it knows.
    `earlier` are the bills of months that are over and not closed, which this one counts on.
    `beside` are those of the month in another currency; no sum has them.
    """

    slug: str
    month: BillingMonth
    currency: str
    epoch: int
    drawn_at: datetime
    used_until: datetime
    bills: tuple[Bill, ...]
    earlier: tuple[Bill, ...]
    notes: tuple[Note, ...]
    beside: tuple[Bill, ...] = ()

    @property
    def net(self) -> Money:
        """What all parts come to before tax."""
        return sum((bill.net for bill in self.bills), start=Money(0, self.currency))

    @property
    def tax(self) -> Money:
        """The tax in all parts."""
        return sum((bill.tax for bill in self.bills), start=Money(0, self.currency))

    @property
    def gross(self) -> Money:
        """What would be owed."""
        return sum((bill.gross for bill in self.bills), start=Money(0, self.currency))

    def lines(self) -> dict["LineName", BillLine]:
        """Return every line by what it is: its ids are others each time."""
        return {
            LineName.of(bill.part, line, bill.currency): line
            for bill in self.bills
            for line in bill.lines
        }

    def by_model(self) -> Mapping[str, int]:
        """Return what the usage of each model comes to, in fen, before terms."""
        found: Counter[str] = Counter()
        for bill in self.bills:
            for line in bill.lines:
                if line.metered:
                    found[line.model] += line.amount_fen
        return found


class LineName(NamedTuple):
    """What makes a line of a live bill the same line a second later."""

    part: str
    kind: str
    service_month: str
    project_id: str
    model: str
    meter: str
    sale_rate: int
    refers_to: str
    item: str = ""
    """Only of carried amounts, of which a bill may have two: one given back, one carried on."""
    currency: str = ""
    """A contract of another currency may come between two looks; fen of both are no difference."""

    @classmethod
    def of(cls, part: str, line: BillLine, currency: str) -> "LineName":
        """Name a line."""
        return cls(
            part,
            line.kind.value,
            str(line.service_month),
            line.project_id,
            line.model,
            line.meter,
            line.sale_rate,
            line.refers_to,
            line.item if line.kind.value == "carried" else "",
            currency,
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """A line that is not what it was: by how much, in fen and in units of its meter."""

    name: LineName
    line: BillLine | None
    """None: it is there no more."""
    amount_fen: int
    quantity: int


def moved(was: Live, became: Live) -> list[Moved]:
    """Return what changed between two looks, the largest amount first."""
    before, after = was.lines(), became.lines()
    found = [
        Moved(
            name,
            after.get(name),
            _amount(after.get(name)) - _amount(before.get(name)),
            _quantity(after.get(name)) - _quantity(before.get(name)),
        )
        for name in before.keys() | after.keys()
        if _said(before.get(name)) != _said(after.get(name))
    ]
    return sorted(found, key=lambda each: (-abs(each.amount_fen), each.name))


def same(one: Bill, other: Bill) -> bool:
    """Tell whether two drawings say the same to the fen; ids, epoch and time may differ."""
    return _content(one) == _content(other)


def _content(bill: Bill) -> tuple[object, ...]:
    lines = tuple(
        (each.position, LineName.of("", each, bill.currency), _said(each)) for each in bill.lines
    )
    head = (bill.customer_id, bill.month, bill.part, bill.part_name, bill.currency)
    tax = (bill.tax_mode, bill.tax_ppm, bill.net, bill.tax, bill.gross, bill.tax_lines)
    return (*head, *tax, lines)


def _said(line: BillLine | None) -> tuple[object, ...] | None:
    if line is None:
        return None
    return (
        line.quantity,
        line.rate_pico,
        line.charge_pico,
        line.fx_e8,
        line.amount_fen,
        line.usd_fen,
        line.cny_fen,
        line.net_fen,
        line.tax_fen,
        line.item,
        line.tax_line,
    )


def _amount(line: BillLine | None) -> int:
    return line.amount_fen if line else 0


def _quantity(line: BillLine | None) -> int:
    return line.quantity if line and line.metered else 0
