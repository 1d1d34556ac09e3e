"""Issue a bill: freeze it, number it, seal it, and put the debt in the ledger."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Final

from yuejie.bills import store
from yuejie.bills.bill import Bill, BillState, LineKind
from yuejie.bills.closing.store import epoch_offsets
from yuejie.bills.due import contract_of, issued_dates
from yuejie.bills.find import hold_bill
from yuejie.bills.life import BillEvent, IllegalTransition, advance
from yuejie.bills.note import note_step
from yuejie.bills.review.ready import refuse_unanswered
from yuejie.bills.seal import GENESIS, VERSION, canonical, proposal, seal_of
from yuejie.bills.tell import of_issue
from yuejie.contracts.terms import Confirmation
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.period import zone_of
from yuejie.ledger.post import post
from yuejie.ledger.posting import Account, Entry, credit, debit
from yuejie.notices.outbox import enqueue

_ACCOUNTS: Final[dict[LineKind, Account]] = {
    LineKind.LATE_FEE: Account.LATE_FEE,
    LineKind.PACKAGE: Account.PREPAYMENT,
    LineKind.PACKAGE_PURCHASE: Account.PREPAYMENT,
}
"""Where a line's net amount is booked; everything else is revenue."""


def issue_bill(db: Database, name: str, *, by: str, now: datetime) -> Bill:
    """Freeze a bill, give it the next number of the customer's year, chain its seal, post the debt.

    Issues of one customer follow each other under a lock, so the chain has no fork.
    Raises NotFound for an unknown bill, IllegalTransition for one that may not be issued (issued
    already, disputed, or not confirmed where the contract asks for it), Invalid for an empty one,
    Conflict while a dispute of it has no answer.
    """
    with db.begin() as tx:
        was = hold_bill(tx, name)
        _refuse_unready(tx, was)
        sealed = _sealed(tx, was, now)
        if not store.issue(tx, sealed, was=was.state):
            raise Conflict(f"账单 {name} 正被另一操作处理，请刷新后重试")
        note_step(tx, was, sealed, BillEvent.ISSUE, by=by, at=now)
        post(tx, debt(sealed, by=by, at=now))
        enqueue(tx, of_issue(sealed), at=now)
        return sealed


def _refuse_unready(tx: Tx, bill: Bill) -> None:
    """Refuse what the state, the contract or the content forbids."""
    advance(bill.state, BillEvent.ISSUE)
    if not bill.lines:
        raise Invalid(f"账单 {bill.name} 没有明细行，无需出账")
    refuse_unanswered(tx, bill)
    asks = contract_of(tx, bill).terms.confirmation is not Confirmation.NONE
    if asks and bill.state is not BillState.CONFIRMED:
        raise IllegalTransition(
            f"账单 {bill.name} 的合同约定须客户确认，"
            "请先提交确认（yuejie bills propose），确认后再出账"
        )
    if bill.proposed_hash is not None and proposal(bill) != bill.proposed_hash:
        raise Conflict(f"账单 {bill.name} 与提交客户确认的内容不一致，未出账，请重新提交确认")


def _sealed(tx: Tx, bill: Bill, now: datetime) -> Bill:
    local = now.astimezone(zone_of(find_customer(tx, bill.customer_id).zone))
    dated = issued_dates(bill, contract_of(tx, bill).terms, local.date())
    issued = replace(
        dated,
        state=BillState.ISSUED,
        number=f"YJ{local.year}{store.next_number(tx, local.year):06d}",
        issued_at=now,
        previous_seal=store.last_seal(tx, bill.customer_id) or GENESIS,
        seal_form=VERSION,
    )
    return replace(issued, seal=seal_of(canonical(issued, epoch_offsets(tx, issued.epoch))))


def account_of(kind: LineKind) -> Account:
    """Return the account that issuing books a line's net on."""
    return _ACCOUNTS.get(kind, Account.REVENUE)


def debt(bill: Bill, *, by: str, at: datetime) -> Entry:
    """Return what issuing books: receivable against revenue, tax, late fees and prepayment."""
    net: Counter[Account] = Counter()
    for line in bill.lines:
        net[account_of(line.kind)] += line.net_fen
    currency, party = bill.currency, bill.customer_id
    return Entry(
        key=f"bill:{bill.bill_id}:issue",
        kind="bill.issue",
        at=at,
        by=by,
        postings=(
            debit(Account.RECEIVABLE, bill.gross.fen, currency, party),
            *(credit(account, fen, currency, party) for account, fen in sorted(net.items())),
            credit(Account.TAX_PAYABLE, bill.tax.fen, currency, party),
        ),
        refers_to=bill.bill_id,
        memo=f"{bill.number} {bill.month}",
    )
