"""可开票金额: how much fapiao may still be requested, bill by bill, with its explanation.

可开票金额 = Σ 已结清（或可先票）账单的计税行 − 贷项 − Σ 有效蓝票 + Σ 已开红票 (china-finance §4.3).
Parts of a bill without tax lines (deposits, packages, vouchers) are not in it, nor bills in USD.
Below zero it is 欠票: more fapiao than net consumption, to be reversed before the next request.
A bill can be below zero with nothing on fapiao: a correction beside what is not taxed, a discount
whose usage was credited. There is nothing to reverse of it, so it takes off what other bills have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from yuejie.contracts.terms import CommercialTerms, SettlementOrder
from yuejie.fapiao.amounts import NOTHING, Amounts
from yuejie.fapiao.draft import Place, TaxLine, is_open
from yuejie.kernel.money import Money

MAY_BE_REQUESTED: Final = {
    SettlementOrder.PAY_FIRST: frozenset({"paid"}),
    SettlementOrder.FAPIAO_FIRST: frozenset({"issued", "paid", "written_off"}),
}
"""In which states of a bill its fapiao may be requested, by the contract's order."""

VOIDED: Final = "voided"


@dataclass(frozen=True, slots=True)
class TaxedBill:
    """What the bills' room says of a bill in CNY that was issued, voided ones included."""

    bill_id: str
    number: str
    month: str
    state: str
    contract_id: str
    contract_version: int
    purchase_order: str
    fapiao_by: date | None
    lines: tuple[TaxLine, ...]
    part_name: str = ""
    """Whose part of the month it is, where months are split."""


@dataclass(frozen=True, slots=True)
class OpenTaxLine:
    """A tax line and what fapiao, less red fapiao, have taken of it."""

    line: TaxLine
    taken: Amounts

    @property
    def left_fen(self) -> int:
        """Return what is left of it, gross; below zero more is on fapiao than is owed."""
        return self.line.due.gross_fen - self.taken.gross_fen

    @property
    def is_open(self) -> bool:
        """Return whether something may still be taken of it."""
        return is_open(self.line.due, self.taken)


@dataclass(frozen=True, slots=True)
class BillShare:
    """One bill's part in the figure, all gross fen of CNY."""

    bill: TaxedBill
    terms: CommercialTerms
    lines: tuple[OpenTaxLine, ...]

    @property
    def may_request(self) -> bool:
        """Return whether the contract's order lets its fapiao be requested now."""
        return self.bill.state in MAY_BE_REQUESTED[self.terms.settlement_order]

    @property
    def is_void(self) -> bool:
        """Return whether the bill is void: nothing is owed of it, whatever the contract's order."""
        return self.bill.state == VOIDED

    @property
    def taxed_fen(self) -> int:
        """Return what its tax lines come to."""
        return sum(each.line.gross_fen for each in self.lines)

    @property
    def credited_fen(self) -> int:
        """Return what credit notes took back of its tax lines."""
        return sum(each.line.credited_fen for each in self.lines)

    @property
    def taken_fen(self) -> int:
        """Return blue fapiao in force less red fapiao issued."""
        return sum(each.taken.gross_fen for each in self.lines)

    @property
    def left_fen(self) -> int:
        """Return what its fapiao may still come to; below zero it is owed back."""
        return self.taxed_fen - self.credited_fen - self.taken_fen

    @property
    def owed_back_fen(self) -> int:
        """Return what of its fapiao is above what is owed."""
        return min(max(0, -self.left_fen), max(0, self.taken_fen))

    @property
    def uncovered_fen(self) -> int:
        """Return what it is below zero beyond its fapiao: other bills have that much less."""
        return max(0, -self.left_fen) - self.owed_back_fen

    @property
    def explained(self) -> str:
        """Return the sum in words."""
        sums = (self.taxed_fen, self.credited_fen, self.taken_fen, self.left_fen)
        taxed, credited, taken, left = (str(Money(fen, "CNY")) for fen in sums)
        said = f"计税 {taxed} − 贷项 {credited} − 已开净额 {taken} = {left}"
        if self.owed_back_fen:
            return f"{said}（欠票，请先红冲）"
        if self.uncovered_fen:
            return f"{said}（减项大于计税金额，从其他账单的可开票金额中扣减）"
        if self.is_void:
            return f"{said}（账单已作废，不再开票）"
        return said if self.may_request else f"{said}（合同约定先款后票，尚未结清，暂不可开）"


@dataclass(frozen=True, slots=True)
class Available:
    """What a customer may request now, and what it must give back first."""

    bills: tuple[BillShare, ...]

    @property
    def available_fen(self) -> int:
        """Return 可开票金额, gross; never below zero."""
        left = sum(each.left_fen for each in self.bills if each.may_request and each.left_fen > 0)
        return max(0, left - self._uncovered_fen)

    @property
    def owed_back_fen(self) -> int:
        """Return 欠票: what must be reversed before anything new is requested.

        What bills without fapiao are below zero counts as far as no other bill can bear it, and
        there is a fapiao to reverse.
        """
        own = sum(each.owed_back_fen for each in self.bills)
        standing = sum(max(0, each.taken_fen) for each in self.bills) - own
        return own + min(self.unborne_fen, standing)

    @property
    def unborne_fen(self) -> int:
        """Return what bills without fapiao are below zero beyond what others have left."""
        borne = sum(each.left_fen for each in self.bills if each.left_fen > 0)
        return max(0, self._uncovered_fen - borne)

    @property
    def _uncovered_fen(self) -> int:
        return sum(each.uncovered_fen for each in self.bills)


def available(
    bills: Iterable[TaxedBill],
    taken: Mapping[Place, Amounts],
    terms: Mapping[tuple[str, int], CommercialTerms],
) -> Available:
    """Compute what may be requested from bills, what fapiao took of them, and their contracts."""
    return Available(
        tuple(
            BillShare(
                bill,
                terms.get((bill.contract_id, bill.contract_version), CommercialTerms()),
                tuple(OpenTaxLine(line, taken.get(line.place, NOTHING)) for line in bill.lines),
            )
            for bill in bills
        )
    )
