"""The only SQL about earlier drafts: kept as they were when another takes their place."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from yuejie.bills.bill import Bill, BillLine, LineKind, TaxLine
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

KEEP_DRAFT: Final = """
    INSERT INTO bill_earlier_draft (
        bill_id, customer_id, epoch, contract_id, contract_version, currency, net_fen, tax_fen,
        gross_fen, lines, tax_lines, closed_at, replaced_at)
    SELECT b.bill_id, b.customer_id, b.epoch, b.contract_id, b.contract_version, b.currency,
           b.net_fen, b.tax_fen, b.gross_fen,
           (SELECT coalesce(jsonb_agg(to_jsonb(l) - '{bill_id,customer_id}'::text[]
                                      ORDER BY l.position), '[]')
            FROM bill_line l WHERE l.customer_id = b.customer_id AND l.bill_id = b.bill_id),
           (SELECT coalesce(jsonb_agg(to_jsonb(t) - '{bill_id,customer_id,gross_fen}'::text[]
                                      ORDER BY t.position), '[]')
            FROM bill_tax_line t WHERE t.customer_id = b.customer_id AND t.bill_id = b.bill_id),
           b.closed_at, %(at)s
    FROM bill b
    WHERE b.customer_id = %(customer_id)s AND b.bill_id = %(bill_id)s
"""


def keep_draft(tx: Tx, customer_id: CustomerId, bill_id: BillId, *, at: datetime) -> None:
    """Keep what a draft says: another is about to take its place."""
    tx.run(KEEP_DRAFT, customer_id=customer_id, bill_id=bill_id, at=at)


@dataclass(frozen=True, slots=True)
class _Row:
    bill_id: BillId
    epoch: int
    contract_id: str
    contract_version: int
    currency: str
    net_fen: int
    tax_fen: int
    gross_fen: int
    lines: list[dict[str, Any]]
    tax_lines: list[dict[str, Any]]
    closed_at: datetime


EARLIER: Final = """
    SELECT bill_id, epoch, contract_id, contract_version, currency, net_fen, tax_fen, gross_fen,
           lines, tax_lines, closed_at
    FROM bill_earlier_draft
    WHERE customer_id = %(customer_id)s
    ORDER BY draft_id
"""


def earlier_drafts(
    tx: Tx, customer_id: CustomerId, bills: Iterable[Bill]
) -> Mapping[BillId, Sequence[Bill]]:
    """Return what bills of a customer were before they were drawn anew, the oldest first.

    Such a draft is its bill with the lines, sums, epoch and contract of then; a line names its
    project by id alone.
    """
    known = {bill.bill_id: bill for bill in bills}
    found: dict[BillId, list[Bill]] = defaultdict(list)
    for row in tx.rows(_Row, EARLIER, customer_id=customer_id):
        if row.bill_id in known:
            found[row.bill_id].append(_as_it_was(known[row.bill_id], row))
    return found


def _as_it_was(bill: Bill, row: _Row) -> Bill:
    return replace(
        bill,
        epoch=row.epoch,
        contract_id=row.contract_id,
        contract_version=row.contract_version,
        currency=row.currency,
        net=Money(row.net_fen, row.currency),
        tax=Money(row.tax_fen, row.currency),
        gross=Money(row.gross_fen, row.currency),
        lines=tuple(map(_line, row.lines)),
        tax_lines=tuple(TaxLine(**each) for each in row.tax_lines),
        closed_at=row.closed_at,
    )


def _line(said: Mapping[str, Any]) -> BillLine:
    place = {"project_id": said["project_id"] or "", "project_name": "", "department": ""}
    month = BillingMonth.parse(said["service_month"])
    kind, rate = LineKind(said["kind"]), said["sale_rate"] or 0
    return BillLine(**{**said, **place, "kind": kind, "service_month": month, "sale_rate": rate})
