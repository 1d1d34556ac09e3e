"""What is behind a cloud line: the rows of the cloud's own bill, as the closing knew them."""

from collections.abc import Sequence

from yuejie.bills.bill import Bill, BillLine, LineKind
from yuejie.bills.closing.clouds.owed import read_ref
from yuejie.clouds.store import Behind, DrillRow, rows_behind
from yuejie.db.session import Tx
from yuejie.kernel.errors import NotFound


def cloud_line(bill: Bill, position: int) -> BillLine:
    """Return a line of a cloud's bill by its number. Raises NotFound, also for another kind."""
    found = next((line for line in bill.lines if line.position == position), None)
    if found is None:
        raise NotFound(f"账单 {bill.name} 没有第 {position} 行")
    if found.kind is not LineKind.CLOUD:
        raise NotFound(f"账单 {bill.name} 第 {position} 行不是云账单，用量明细请用 yuejie usage")
    return found


def behind_line(
    tx: Tx, bill: Bill, line: BillLine, *, after: int, limit: int
) -> Sequence[DrillRow]:
    """Return a page of the rows behind a line: of the revision that its closing knew, whole.

    A line that corrects has the difference to what was billed before; its rows are all that now
    stand for the month.
    """
    ref = read_ref(line.refers_to)
    wanted = Behind(
        ref.source,
        str(line.service_month),
        bill.epoch,
        line.project_id,
        ref.service,
        ref.category,
    )
    return rows_behind(tx, bill.customer_id, wanted, after=after, limit=limit)
