"""A bill: the lines of a month, what they come to, and the tax in them.

A line is customer × project × model × meter × rate and settles once; the total is the sum of the
printed lines. Tax is computed per tax line on settled totals (`net = round2(gross / (1 + r))` when
prices include it, `tax = round2(net × r)` when they do not) and shared down to the bill lines by
largest remainder. In part 1 a bill has one tax line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import PPM, Money, apportion, divide
from yuejie.kernel.period import BillingMonth


class BillState(StrEnum):
    """Where a bill is in its life."""

    DRAFT = "draft"
    ISSUED = "issued"


class LineKind(StrEnum):
    """Why a line is there."""

    USAGE = "usage"
    LATE = "late"
    """Usage of an earlier month that became known after that month's bill."""


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


@dataclass(frozen=True, slots=True)
class Totals:
    """What the lines come to: net, the tax in or on it, and both together."""

    net: Money
    tax: Money
    gross: Money


def tax_of(amount: Money, mode: TaxMode, tax_ppm: int) -> Totals:
    """Split a settled total into net and tax, or add the tax to it; one rounding."""
    if mode is TaxMode.INCLUSIVE:
        net = Money(divide(amount.fen * PPM, PPM + tax_ppm), amount.currency)
        return Totals(net, amount - net, amount)
    tax = Money(divide(amount.fen * tax_ppm, PPM), amount.currency)
    return Totals(amount, tax, amount + tax)


def share_tax(lines: Sequence[BillLine], totals: Totals) -> tuple[BillLine, ...]:
    """Share the tax of one tax line down to its bill lines; the parts add up to the fen.

    The weights are the lines' sizes; a line that takes back shares with its sign.
    """
    if not lines:
        return ()
    taxes = _signed_apportion(totals.tax.fen, [line.amount_fen for line in lines])
    inclusive = totals.gross.fen == sum(line.amount_fen for line in lines)
    return tuple(
        replace(line, tax_fen=tax, net_fen=line.amount_fen - tax if inclusive else line.amount_fen)
        for line, tax in zip(lines, taxes, strict=True)
    )


def _signed_apportion(total: int, amounts: Sequence[int]) -> list[int]:
    """Share `total` in proportion to amounts of either sign, exactly.

    Each share is its floor; the fen still missing go to the largest remainders, earlier first.
    """
    whole = sum(amounts)
    if whole == 0:
        return apportion(total, [abs(amount) for amount in amounts])
    parts = [total * amount // whole for amount in amounts]
    rests = [total * amount % whole for amount in amounts]
    short = total - sum(parts)
    order = sorted(range(len(parts)), key=lambda i: (-rests[i] * (1 if whole > 0 else -1), i))
    for i in order[:short]:
        parts[i] += 1
    return parts
