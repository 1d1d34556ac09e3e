"""What a line of usage is made of: days, calls, and the rate in force. Pure.

A line says what a span of epochs added to one project, model, meter and rate. So its days add up to
its quantity, the calls of a day to the day, and quantity × rate to the line's charge, to the pico.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from yuejie.bills.bill import Bill, BillLine
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth


@dataclass(frozen=True, slots=True)
class Reach:
    """Which usage a line speaks of: what became known behind one epoch, up to another."""

    customer_id: CustomerId
    month: BillingMonth
    project_id: str
    model: str
    meter: str
    sale_rate: int
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """What a day of the customer's calendar adds to a line."""

    day: date
    quantity: int


@dataclass(frozen=True, slots=True)
class BilledRow:
    """Another line that billed some of the same usage before."""

    bill_id: str
    number: str | None
    month: str
    position: int
    quantity: int


@dataclass(frozen=True, slots=True)
class RateOfLine:
    """The row of a price book that a line was priced by, and where that row came from."""

    rate_id: int
    book_id: str
    kind: str
    revision: int
    model: str
    meter: str
    pico: int
    currency: str
    service_tier: str
    context_above: int
    time_window: str
    origin: str
    list_pico: int | None
    list_currency: str | None
    starts_at: datetime
    published_at: datetime
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class CallRow:
    """What one version of one attempt adds to a line; below zero where it took something back.

    `quantity` is all that the version says of the meter, `before` what the version before it said.
    """

    event_id: UUID
    version: int
    operation_id: UUID
    attempt: int
    started_at: datetime
    key_id: str
    key: str
    tags: str
    state: str
    contract_id: str
    contract_version: int
    quantity: int
    before: int

    @property
    def adds(self) -> int:
        """What is new in this version."""
        return int(self.quantity) - int(self.before)


@dataclass(frozen=True, slots=True)
class LineTrail:
    """A line with everything that gives it. `billed` is empty but where a bill was voided."""

    bill: Bill
    line: BillLine
    reach: Reach
    rate: RateOfLine
    days: tuple[DayRow, ...]
    billed: tuple[BilledRow, ...]

    @property
    def used(self) -> int:
        """What the days add up to."""
        return sum(int(each.quantity) for each in self.days)

    @property
    def before(self) -> int:
        """What of it was billed before."""
        return sum(int(each.quantity) for each in self.billed)

    @property
    def adds_up(self) -> bool:
        """Whether days less what was billed before, at this rate, are the line to the pico."""
        quantity = self.used - self.before
        return quantity == self.line.quantity and self.charge(quantity).pico == int(
            self.line.charge_pico
        )

    def charge(self, quantity: int) -> Charge:
        """Return what a quantity is worth at the line's rate."""
        return Charge(int(quantity) * self.line.rate_pico, self.line.rate_currency)


@dataclass(frozen=True, slots=True)
class CallPage:
    """Part of the calls of a day, the first before the last, and where the rest begins."""

    calls: tuple[CallRow, ...]
    after: tuple[UUID, int] | None
