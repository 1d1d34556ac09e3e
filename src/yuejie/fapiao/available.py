"""可开票金额: how much fapiao may still be requested, bill by bill, with its explanation.

可开票金额 = Σ 已结清（或可先票）账单的计税行 − 贷项 − Σ 有效蓝票 + Σ 已开红票 (china-finance §4.3).
Parts of a bill without tax lines (deposits, packages drawn, vouchers) are not in it. Below zero it
is 欠票: more fapiao than net consumption, to be reversed before the next request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from yuejie.contracts.terms import SettlementOrder
from yuejie.fapiao.amounts import NOTHING, Amounts
from yuejie.fapiao.draft import Place, TaxLine
from yuejie.kernel.money import Money

MAY_BE_REQUESTED = {
    SettlementOrder.PAY_FIRST: frozenset({"paid"}),
    SettlementOrder.FAPIAO_FIRST: frozenset({"issued", "paid", "written_off"}),
}
"""In which states of a bill its fapiao may be requested, by the contract's order."""


@dataclass(frozen=True, slots=True)
class OpenTaxLine:
    """A tax line and what fapiao, less red fapiao, have taken of it."""

    line: TaxLine
    taken: Amounts

    @property
    def left_fen(self) -> int:
        """Return what is left of it, gross."""
        return self.line.gross_fen - self.taken.gross_fen


@dataclass(frozen=True, slots=True)
class BillShare:
    """One bill's part in the figure, all gross fen of CNY."""

    bill_id: str
    number: str
    month: str
    state: str
    may_request: bool
    taxed_fen: int
    credited_fen: int
    taken_fen: int
    """Blue fapiao in force less red fapiao issued."""
    lines: tuple[OpenTaxLine, ...]

    @property
    def left_fen(self) -> int:
        """Return what its fapiao may still come to; below zero it is owed back."""
        return self.taxed_fen - self.credited_fen - self.taken_fen

    @property
    def explained(self) -> str:
        """Return the sum in words."""
        sums = (self.taxed_fen, self.credited_fen, self.taken_fen, self.left_fen)
        taxed, credited, taken, left = (str(Money(fen, "CNY")) for fen in sums)
        wait = "" if self.may_request else "（合同约定先款后票，尚未付清，暂不可开）"
        return f"计税 {taxed} − 贷项 {credited} − 已开净额 {taken} = {left}{wait}"


@dataclass(frozen=True, slots=True)
class Available:
    """What a customer may request now, and what it must give back first."""

    order: SettlementOrder
    bills: tuple[BillShare, ...]

    @property
    def available_fen(self) -> int:
        """Return 可开票金额, gross; never below zero."""
        return sum(bill.left_fen for bill in self.bills if bill.may_request and bill.left_fen > 0)

    @property
    def owed_back_fen(self) -> int:
        """Return 欠票: what must be reversed before anything new is requested."""
        return -sum(bill.left_fen for bill in self.bills if bill.left_fen < 0)


@dataclass(frozen=True, slots=True)
class BillFacts:
    """What the bills' room says of an issued bill in CNY."""

    bill_id: str
    number: str
    month: str
    state: str
    credited_fen: int


def available(
    bills: Iterable[BillFacts],
    tax_lines: Sequence[TaxLine],
    taken: Mapping[Place, Amounts],
    order: SettlementOrder,
) -> Available:
    """Compute what may be requested from bills, their tax lines and what fapiao took of them."""
    shares = []
    for bill in bills:
        lines = tuple(
            OpenTaxLine(line, taken.get(line.place, NOTHING))
            for line in tax_lines
            if line.bill_id == bill.bill_id
        )
        shares.append(
            BillShare(
                bill_id=bill.bill_id,
                number=bill.number,
                month=bill.month,
                state=bill.state,
                may_request=bill.state in MAY_BE_REQUESTED[order],
                taxed_fen=sum(each.line.gross_fen for each in lines),
                credited_fen=bill.credited_fen,
                taken_fen=sum(each.taken.gross_fen for each in lines),
                lines=lines,
            )
        )
    return Available(order, tuple(shares))
