"""A month's bills as its projects and departments bear them: show-back and charge-back.

It is computed when it is asked for and written nowhere: a rule made later for an earlier month
divides that month anew, while its bills stay as they were; `known` divides as it once did.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from yuejie.bills.bill import Bill, BillState, LineKind, is_beside
from yuejie.bills.closing.lines import Place
from yuejie.bills.closing.store import places
from yuejie.bills.sharing import store
from yuejie.bills.sharing.rule import rules_in
from yuejie.bills.sharing.share import Borne, Cell, divide_lines
from yuejie.bills.store import bills_of_customer_month
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth


class ShareBy(StrEnum):
    """Whom costs are shown for."""

    PROJECT = "project"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True)
class ShareRow:
    """What one bears of one kind of line. `own`: of its own lines; else by the rule."""

    name: str
    department: str
    kind: LineKind
    own: bool
    rule_id: str
    net_fen: int
    tax_fen: int

    @property
    def gross_fen(self) -> int:
        """What is paid for it."""
        return self.net_fen + self.tax_fen


@dataclass(frozen=True, slots=True)
class ShareSheet:
    """A month divided: the rows add up to the bills that are named."""

    customer_id: CustomerId
    month: BillingMonth
    by: ShareBy
    currency: str
    bills: tuple[str, ...]
    drafts: bool
    """Whether a bill of them may still change."""
    rows: tuple[ShareRow, ...]

    @property
    def gross_fen(self) -> int:
        """What all bear, which is what the bills ask for."""
        return sum(row.gross_fen for row in self.rows)

    def totals(self) -> list[tuple[str, Borne, Borne]]:
        """Return what each bears of its own and of what is shared, the most first."""
        found: dict[str, tuple[Borne, Borne]] = defaultdict(lambda: (Borne(), Borne()))
        for row in self.rows:
            cell = found[row.name][0 if row.own else 1]
            cell.net_fen += row.net_fen
            cell.tax_fen += row.tax_fen
        rows = [(name, own, shared) for name, (own, shared) in found.items()]
        return sorted(rows, key=lambda row: (-(row[1].gross_fen + row[2].gross_fen), row[0]))


UNBORNE = "（未分摊）"


def share_sheet(
    tx: Tx,
    customer_id: CustomerId,
    month: BillingMonth,
    by: ShareBy,
    *,
    known: datetime | None = None,
    drafts: bool = True,
) -> ShareSheet:
    """Divide a month's bills; `known` by the rules as they stood then, else as they stand now.

    A bill beside them in another currency is left out: fees of a contract are nobody's usage.
    Raises NotFound where the month has no bill, or only drafts that may not be seen.
    """
    found = [
        bill
        for bill in bills_of_customer_month(tx, customer_id, month)
        if bill.lines and (drafts or bill.state is not BillState.DRAFT)
    ]
    if not found:
        raise NotFound(f"{month} 没有可供分摊的账单")
    found = [bill for bill in found if not is_beside(bill.part)] or found
    if len({bill.currency for bill in found}) > 1:
        raise Conflict(f"{month} 的账单币种不一，不能合并分摊")
    tree = places(tx, customer_id)
    rules = rules_in(store.rules_of(tx, customer_id), month, known=known)
    lines = [line for bill in found for line in bill.lines]
    cells = divide_lines(lines, rules, tree)
    return ShareSheet(
        customer_id=customer_id,
        month=month,
        by=by,
        currency=found[0].currency,
        bills=tuple(bill.name for bill in found),
        drafts=any(_may_change(bill) for bill in found),
        rows=tuple(_rows(cells, tree, by)),
    )


def _may_change(bill: Bill) -> bool:
    return not bill.is_final


def _rows(cells: dict[Cell, Borne], tree: dict[str, Place], by: ShareBy) -> Sequence[ShareRow]:
    found: dict[tuple[str, str, LineKind, str | None], Borne] = defaultdict(Borne)
    for cell, borne in cells.items():
        place = tree.get(cell.project_id)
        name, department = (place.name, place.department) if place else (UNBORNE, "")
        if by is ShareBy.DEPARTMENT:
            name = department or (UNBORNE if place is None else "（无部门）")
        at = found[name, department, cell.kind, cell.rule_id]
        at.net_fen += borne.net_fen
        at.tax_fen += borne.tax_fen
    order = list(LineKind)
    keys = sorted(
        found, key=lambda k: (k[0], k[1], k[3] is not None, order.index(k[2]), k[3] or "")
    )
    return [
        ShareRow(
            name,
            department,
            kind,
            rule_id is None,
            rule_id or "",
            found[name, department, kind, rule_id].net_fen,
            found[name, department, kind, rule_id].tax_fen,
        )
        for name, department, kind, rule_id in keys
    ]
