"""A bill: the lines of a month, what they come to, and the tax in them.

A line of usage is customer × project × model × meter × rate and settles once; the lines that a
contract adds (discounts, fees, minimum, packages) follow it. The total is the sum of the printed
lines. Lines group into tax lines; what is payable without a fapiao (packages bought and drawn) is
in none. `closing/taxes.py` computes the tax.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth


class BillState(StrEnum):
    """Where a bill is in its life."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    """Put to the customer, its content frozen by a hash."""
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    ISSUED = "issued"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
    VOIDED = "voided"
    """Taken back whole by a credit note; its usage is to be billed again."""


FINAL: Final = frozenset(
    {BillState.ISSUED, BillState.PAID, BillState.WRITTEN_OFF, BillState.VOIDED}
)
"""States of a bill that was issued: numbered, sealed, in the ledger."""


class LineKind(StrEnum):
    """Why a line is there."""

    USAGE = "usage"
    LATE = "late"
    """Usage of an earlier month that became known after that month's bill."""
    TIER_DISCOUNT = "tier_discount"
    PACKAGE = "package"
    """What a prepaid package covers; payable less, without fapiao."""
    TRUE_UP = "true_up"
    """What is missing to the committed minimum."""
    MANAGEMENT_FEE = "management_fee"
    SLA_CREDIT = "sla_credit"
    VOUCHER = "voucher"
    ADJUSTMENT = "adjustment"
    LATE_FEE = "late_fee"
    BREAK_FEE = "break_fee"
    PACKAGE_PURCHASE = "package_purchase"
    CLOUD = "cloud"
    """What a cloud's bill asks for, passed on at the agreed mark-up."""
    CARRIED = "carried"
    """A month below zero is carried to the next bill: once with its sign turned, once back."""


HEAD: Final = ""
"""The part of a month's bill that concerns the whole customer; unsplit, it is all of it."""
BESIDE: Final = "currency:"
"""What the part of a bill begins with that stands beside the month's own, in another currency."""
_HEAD_NAMED: Final = "head"


def is_beside(part: str) -> bool:
    """Tell whether a part is a month's bill in another currency than its contract's."""
    return part.startswith(BESIDE)


def named_for(origin: str, part: str) -> str:
    """Return how a carried line on a part names the part that it belongs to; "" is its own."""
    return "" if origin == part else origin or _HEAD_NAMED


def origin_of(refers_to: str, part: str) -> str:
    """Return the part that a carried line on a part belongs to, as `named_for` has named it."""
    return HEAD if refers_to == _HEAD_NAMED else refers_to or part


METERED: Final = frozenset({LineKind.USAGE, LineKind.LATE})
"""Lines that have a project, a rate and a quantity."""
UNTAXED: Final = frozenset({LineKind.PACKAGE, LineKind.PACKAGE_PURCHASE})
"""Parts of a bill for which there is no fapiao: a top-up is not consumption."""


class TaxMode(StrEnum):
    """Whether the prices contain the tax."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One printed line. `amount_fen` is in the bill's currency, before tax when tax is exclusive.

    `usd_fen` and `cny_fen` are the same amount in both currencies, None where no rate joins them;
    one of them equals `amount_fen`. `fx_e8` is the rate used to reach the bill's currency.
    `net_fen + tax_fen` is the line with tax.
    What is not metered has an `item` in words, and may name in `refers_to` what it comes from; its
    project, model, meter and rate are empty. A line of a cloud's bill may have a project; its
    `quantity` is the cloud's cost in picos of `rate_currency`, its `rate_pico` the agreed multiple
    in ppm. `tax_line` is the position of its tax line, or None.
    """

    line_id: LineId
    position: int
    kind: LineKind
    service_month: BillingMonth
    project_id: str
    project_name: str
    department: str
    model: str
    meter: str
    sale_rate: int
    quantity: int
    rate_pico: int
    rate_currency: str
    charge_pico: int
    fx_id: int | None
    fx_e8: int | None
    amount_fen: int
    usd_fen: int | None
    cny_fen: int | None
    net_fen: int = 0
    tax_fen: int = 0
    item: str = ""
    refers_to: str = ""
    tax_line: int | None = None

    @property
    def metered(self) -> bool:
        """Whether it is usage: quantity × rate."""
        return self.kind in METERED


@dataclass(frozen=True, slots=True)
class TaxLine:
    """What the tax office will see: a group of bill lines under one rate.

    A fapiao selects whole tax lines. `project_id` and `model` are set where the contract groups so.
    """

    position: int
    item: str
    project_id: str | None
    model: str | None
    tax_ppm: int
    net_fen: int
    tax_fen: int

    @property
    def gross_fen(self) -> int:
        """What the tax line comes to with tax."""
        return self.net_fen + self.tax_fen


@dataclass(frozen=True, slots=True)
class Bill:
    """What a customer owes for a month, with everything needed to re-compute it."""

    bill_id: BillId
    customer_id: CustomerId
    month: BillingMonth
    number: str | None
    state: BillState
    contract_id: str
    contract_version: int
    currency: str
    fx_policy: str
    tax_mode: TaxMode
    tax_ppm: int
    epoch: int
    net: Money
    tax: Money
    gross: Money
    lines: tuple[BillLine, ...]
    closed_at: datetime
    issued_at: datetime | None
    seal: bytes | None
    previous_seal: bytes | None
    part: str = ""
    part_name: str = ""
    purchase_order: str = ""
    tax_lines: tuple[TaxLine, ...] = ()
    proposed_hash: bytes | None = None
    billed_on: date | None = None
    review_until: date | None = None
    due_on: date | None = None
    fapiao_by: date | None = None
    seal_form: int = 1

    @property
    def name(self) -> str:
        """What people call it: its number, or its id while it has none."""
        return self.number or self.bill_id

    @property
    def is_final(self) -> bool:
        """Whether it was issued."""
        return self.state in FINAL

    @property
    def untaxed_fen(self) -> int:
        """What is payable, or payable less, without a fapiao: bill = tax lines + this."""
        return sum(line.net_fen for line in self.lines if line.tax_line is None)
