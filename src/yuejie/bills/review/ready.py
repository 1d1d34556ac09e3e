"""Which bills of a month are ready for the next step: no draft of which nothing is left."""

from collections.abc import Sequence

from yuejie.bills.bill import Bill, BillState
from yuejie.bills.review.store import emptied, unanswered
from yuejie.contracts.store import contracts
from yuejie.contracts.terms import Confirmation
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict


def to_propose(tx: Tx, bills: Sequence[Bill]) -> list[Bill]:
    """Return the drafts that the contract wants confirmed."""
    drafts = _said(tx, [bill for bill in bills if bill.state is BillState.DRAFT])
    asks = _asks(tx) if drafts else set()
    return [bill for bill in drafts if (bill.contract_id, bill.contract_version) in asks]


def to_issue(tx: Tx, bills: Sequence[Bill]) -> list[Bill]:
    """Return what is confirmed, and the drafts that nobody has to confirm."""
    asked = {BillState.DRAFT, BillState.CONFIRMED}
    ready = _said(tx, [bill for bill in bills if bill.state in asked])
    asks = _asks(tx) if ready else set()
    return [
        bill
        for bill in ready
        if bill.state is BillState.CONFIRMED
        or (bill.contract_id, bill.contract_version) not in asks
    ]


def refuse_unanswered(tx: Tx, bill: Bill) -> None:
    """Refuse to go on with a bill that its customer disputes and nobody has answered.

    Also where it was drawn anew since: a line that is gone was doubted all the same.
    """
    count = unanswered(tx, bill.customer_id, bill.bill_id)
    if count:
        raise Conflict(f"账单 {bill.name} 还有 {count} 条异议没有答复，请先答复再继续")


def _said(tx: Tx, bills: Sequence[Bill]) -> list[Bill]:
    """Leave out the drafts without a line: a part or currency that the month has no more."""
    gone = emptied(tx, [bill.bill_id for bill in bills]) if bills else set()
    return [bill for bill in bills if bill.bill_id not in gone]


def _asks(tx: Tx) -> set[tuple[str, int]]:
    """Return the contract versions whose bills are issued only after a yes."""
    return {
        (each.contract_id, each.version)
        for each in contracts(tx)
        if each.terms.confirmation is not Confirmation.NONE
    }
