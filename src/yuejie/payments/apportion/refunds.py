"""Give money back: asked for by one, approved by another, paid by the bank; and what bounced.

A refund goes to the account the money came from. While a fapiao says more than was consumed (欠票),
nothing leaves: the room that knows the fapiao is a sibling, so it is asked through `owes_fapiao`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.money import FEN, Money, plain
from yuejie.kernel.period import zone_of
from yuejie.ledger.post import hold, post
from yuejie.ledger.posting import Account, Entry, credit, debit
from yuejie.ledger.show import BOOKS_ZONE
from yuejie.notices.rejection import Asked, Ended, Rejection, tell_rejection
from yuejie.payments.apportion import store
from yuejie.payments.apportion.book import hold_customers
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.place import find_receipt, left_of
from yuejie.payments.apportion.refund import Refund, RefundEvent, RefundState, advance
from yuejie.payments.apportion.undo import customers_of, take_back
from yuejie.payments.banks.store import parent_of
from yuejie.payments.dunning.standing import review_standing, review_standings
from yuejie.payments.receipts import store as receipt_store
from yuejie.payments.receipts.receipt import OPEN, Receipt, ReceiptEvent, ReceiptState
from yuejie.payments.receipts.receipt import advance as advance_receipt
from yuejie.payments.statements.store import KeptLine, lines_called

OwesFapiao = Callable[[Tx, CustomerId], int]
"""Returns by how many fen a customer's fapiao exceed what it consumed, after credit notes."""

THE_BANK = "bank"
"""Who asks for a return that the bank has made by itself."""


def owes_none(tx: Tx, customer_id: CustomerId) -> int:  # noqa: ARG001 - the form of an answer
    """Say that nothing is owed: for a house without fapiao."""
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to go back: of which receipt, from where it stands now, and why."""

    receipt_id: str
    source: Source
    customer: str | None = None
    amount_fen: int
    why: str

    def refuse_nonsense(self) -> None:
        """Refuse what could not be paid."""
        if self.source not in {Source.RECEIPT, Source.PREPAYMENT, Source.DEPOSIT}:
            raise Invalid("退款来源须为 receipt（未认款）、prepayment（预收款）或 deposit（押金）")
        if self.amount_fen <= 0 or not self.why.strip():
            raise Invalid("退款须写明大于零的金额与原因，请补全后重试")
        if self.source is not Source.RECEIPT and not self.customer:
            raise Invalid("退预收款或押金须写明客户，请补全后重试")


def request_refund(
    db: Database,
    wanted: Wanted,
    *,
    by: str,
    now: datetime,
    owes_fapiao: OwesFapiao = owes_none,
) -> Refund:
    """Ask for money to go back to the payer of a receipt; it is reserved from then on.

    Raises Conflict where so much is not free, is more than the receipt brought, or is covered by a
    fapiao; Invalid where the receipt names no account to pay back to.
    """
    wanted.refuse_nonsense()
    with db.begin() as tx:
        receipt = find_receipt(tx, wanted.receipt_id, hold=True)
        customer_id = find_customer(tx, wanted.customer).customer_id if wanted.customer else None
        if customer_id is not None:
            hold_customers(tx, [customer_id])
            _refuse_uncovered(tx, customer_id, owes_fapiao)
            _refuse_other_payer(tx, receipt, customer_id)
        _refuse_too_much(tx, receipt, customer_id, wanted)
        if not receipt.payer_number or not receipt.payer_name:
            raise Invalid(
                f"到账 {receipt.receipt_id} 没有付款户名或账号，只能由银行原路退回，请联系开户行"
            )
        refund = Refund(
            refund_id=mint("rfd", now),
            receipt_id=receipt.receipt_id,
            source=wanted.source,
            customer_id=customer_id,
            account_id=receipt.account_id,
            currency=receipt.currency,
            amount_fen=wanted.amount_fen,
            to_name=receipt.payer_name,
            to_number=receipt.payer_number,
            why=wanted.why,
            state=RefundState.REQUESTED,
            requested_by=by,
            requested_at=now,
        )
        store.insert_refund(tx, refund)
        deed = Deed(by, now, "request", "refund", refund.refund_id, refund.why)
        record_deed(tx, deed, became=_facts(refund))
        _review(tx, customer_id, by=by, now=now)
        return refund


def _review(tx: Tx, customer_id: CustomerId | None, *, by: str, now: datetime) -> None:
    """Look at how a customer stands whose prepayment or deposit is reserved, or free again."""
    if customer_id is not None:
        review_standing(tx, customer_id, by=by, now=now)


def refundable(tx: Tx, receipt: Receipt) -> dict[Source, int]:
    """Return what may go back to a receipt's payer, in fen, by where it stands now; no zeros.

    A prepayment or deposit is that of the customer whose the receipt is. Whether fapiao cover it
    is not asked: of that a refusal says what to do first.
    """
    if not receipt.payer_number or not receipt.payer_name:
        return {}
    customer_id, places = receipt.customer_id, [Source.RECEIPT]
    if customer_id is not None and _has_paid_for(tx, receipt, customer_id):
        places += [Source.PREPAYMENT, Source.DEPOSIT]
    free = {source: _free(tx, receipt, customer_id, source) for source in places}
    return {source: fen for source, fen in free.items() if fen > 0}


def _refuse_other_payer(tx: Tx, receipt: Receipt, customer_id: CustomerId) -> None:
    """Refuse to pay a customer's money to somebody who never paid for it, or for its parent."""
    if not _has_paid_for(tx, receipt, customer_id):
        raise Conflict(
            f"到账 {receipt.receipt_id} 不是该客户的付款，退款只能退回原付款账户；"
            "请改用该客户自己的到账"
        )


def _has_paid_for(tx: Tx, receipt: Receipt, customer_id: CustomerId) -> bool:
    """Say whether a receipt was a customer's, or that of somebody who pays for it.

    Who once paid its bills from a prepayment stays one who did, also when it pays no longer.
    """
    brought: Counter[CustomerId] = Counter()
    for row in store.of_receipt(tx, receipt.receipt_id):
        if row.receipt_id == receipt.receipt_id:
            brought[row.customer_id] += row.amount_fen
    payers = {customer_id, parent_of(tx, customer_id), *store.drew_from(tx, customer_id)}
    return any(brought[each] > 0 for each in payers if each)


def _refuse_uncovered(tx: Tx, customer_id: CustomerId, owes_fapiao: OwesFapiao) -> None:
    owed = owes_fapiao(tx, customer_id)
    if owed > 0:
        raise Conflict(
            f"客户有 {plain(owed, FEN)} 元发票未红冲（欠票），不能退款；请先红冲发票后重试"
        )


def _refuse_too_much(
    tx: Tx, receipt: Receipt, customer_id: CustomerId | None, wanted: Wanted
) -> None:
    free = _free(tx, receipt, customer_id, wanted.source)
    if wanted.amount_fen > free:
        raise Conflict(
            f"可退 {plain(max(free, 0), FEN)}，不能退 {plain(wanted.amount_fen, FEN)}；"
            "已认到账单的款项须先开具冲减单"
        )


def _free(tx: Tx, receipt: Receipt, customer_id: CustomerId | None, source: Source) -> int:
    """Return what is free to go back, and not more than the receipt brought, in fen."""
    if source is Source.RECEIPT:
        free = left_of(tx, receipt)
    else:
        assert customer_id is not None, "a prepayment or deposit is somebody's"
        free = store.held(tx, customer_id, Use(str(source)), receipt.currency)
    whole = receipt.amount_fen - store.receipt_refunded(tx, receipt.receipt_id, straight=False)
    return min(free, whole)


def decide_refund(
    db: Database,
    refund_id: str,
    *,
    approve: bool,
    by: str,
    now: datetime,
    why: str = "",
    owes_fapiao: OwesFapiao = owes_none,
) -> Refund:
    """Approve or reject somebody else's refund.

    Raises Forbidden for the one who asked, Invalid for a rejection without a reason.
    """
    if not approve and not why.strip():
        raise Invalid("驳回退款须写明原因，请补全后重试")
    event = RefundEvent.APPROVE if approve else RefundEvent.REJECT
    with db.begin() as tx:
        was = _find(tx, refund_id)
        state = advance(was, event, by=by)
        if approve and was.customer_id is not None:
            _refuse_uncovered(tx, was.customer_id, owes_fapiao)
        became = replace(was, state=state, decided_by=by, decided_at=now)
        _move(tx, was, became, event, by=by, now=now, why=why)
        if not approve:
            tell_rejection(tx, _rejection(became, Ended.REJECTED, by=by, why=why), at=now)
            _place_again(tx, became, by=by, now=now)
            _review(tx, became.customer_id, by=by, now=now)
        return became


def refund_paid(
    db: Database, refund_id: str, *, line: str | None, paid_on: date, by: str, now: datetime
) -> Refund:
    """Book a refund that the bank has carried out; `line` is the outgoing line of the statement.

    The day of the line counts, where one is named. Raises Conflict for one that is not approved, or
    a line of another amount, Invalid for a day to come that no line says.
    """
    if line is None and paid_on > now.astimezone(zone_of(BOOKS_ZONE)).date():
        raise Invalid(f"退款的付款日 {paid_on} 还没有到，请核对")
    with db.begin() as tx:
        was = _find(tx, refund_id)
        receipt = find_receipt(tx, was.receipt_id, hold=True)
        state = advance(was, RefundEvent.PAY, by=by)
        said = _line_of(tx, receipt, was.amount_fen, line) if line is not None else None
        became = replace(was, state=state, paid_on=paid_on)
        if said is not None:
            became = replace(became, line_id=said.line_id, paid_on=said.booked_on)
        _move(tx, was, became, RefundEvent.PAY, by=by, now=now, why="")
        post(tx, _entry(became, by=by, at=now))
        _follow(tx, receipt, by=by, now=now, why=f"退款 {refund_id}")
        return became


def refund_failed(db: Database, refund_id: str, *, why: str, by: str, now: datetime) -> Refund:
    """Note that the bank did not carry a refund out, and why; the amount is free again."""
    if not why.strip():
        raise Invalid("退款没有付成须写明原因，请补全后重试")
    with db.begin() as tx:
        was = _find(tx, refund_id)
        became = replace(was, state=advance(was, RefundEvent.FAIL, by=by))
        _move(tx, was, became, RefundEvent.FAIL, by=by, now=now, why=why)
        tell_rejection(tx, _rejection(became, Ended.UNPAID, by=by, why=why), at=now)
        _place_again(tx, became, by=by, now=now)
        _review(tx, became.customer_id, by=by, now=now)
        return became


def bounce(
    db: Database, receipt_id: str, *, line: str | None, why: str, by: str, now: datetime
) -> Refund:
    """Take a receipt back that the bank has returned: its bills are open again, and the money gone.

    Every apportionment of it is undone in the same transaction, and whoever it paid for reviewed.
    `line` names the line that carried it back, by its id or the bank's serial.
    Raises Conflict where its prepayment is used already, or something of it was refunded.
    """
    if not why.strip():
        raise Invalid("退票须写明原因，请补全后重试")
    with db.begin() as tx:
        return return_receipt(tx, receipt_id, line=line, why=why, by=by, now=now)


def return_receipt(
    tx: Tx, receipt_id: str, *, line: str | None, why: str, by: str, now: datetime
) -> Refund:
    """Take a receipt back within a deed: no customer's money, or none any more."""
    receipt = find_receipt(tx, receipt_id, hold=True)
    rows = store.of_receipt(tx, receipt_id)
    owners, whose = customers_of(rows), receipt.customer_id
    hold_customers(tx, owners)
    # Before the bank's account, as where a refund is paid by it: two may name one line at once.
    said = _line_of(tx, receipt, receipt.amount_fen, line) if line is not None else None
    # Each batch is booked for itself, the bank last; an import books the bank first.
    hold(tx, Account.BANK, party=receipt.account_id, currency=receipt.currency)
    # What was taken back may have brought something else back: that is no deed of its own.
    undoing = {row.batch_id for row in rows if row.undoes is not None}
    for batch in dict.fromkeys(row.batch_id for row in rows):
        if batch not in undoing and not store.is_undone(tx, batch):
            take_back(tx, store.batch(tx, batch), why=why, by=by, now=now)
    receipt = replace(find_receipt(tx, receipt_id, hold=True), customer_id=whose)
    if left_of(tx, receipt) != receipt.amount_fen:
        raise Conflict(f"到账 {receipt_id} 已有退款，不能再整笔退回；请先处理退款")
    gone = Refund(
        refund_id=mint("rfd", now),
        receipt_id=receipt_id,
        source=Source.RECEIPT,
        customer_id=None,
        account_id=receipt.account_id,
        currency=receipt.currency,
        amount_fen=receipt.amount_fen,
        to_name=receipt.payer_name,
        to_number=receipt.payer_number,
        why=why,
        state=RefundState.PAID,
        requested_by=THE_BANK,
        requested_at=now,
        decided_by=by,
        decided_at=now,
        paid_on=now.astimezone(zone_of(BOOKS_ZONE)).date(),
    )
    if said is not None:
        gone = replace(gone, line_id=said.line_id, paid_on=said.booked_on)
    store.insert_refund(tx, gone)
    deed = Deed(by, now, "bounce", "refund", gone.refund_id, why)
    record_deed(tx, deed, became=_facts(gone))
    post(tx, _entry(gone, by=by, at=now))
    _follow(tx, receipt, by=by, now=now, why=why)
    review_standings(tx, owners, by=by, now=now)
    return gone


def _line_of(tx: Tx, receipt: Receipt, amount_fen: int, name: str) -> KeptLine:
    """Return the line, called by its id or the bank's serial, that paid so much of a receipt back.

    A bank may give the fee of a transfer the transfer's serial, so the amount tells them apart.
    """
    called = lines_called(tx, receipt.account_id, name)
    if not called:
        raise NotFound(f"流水 {name} 不在该账户，请核对流水号")
    fitting = [each for each in called if each.direction == "out" and each.amount_fen == amount_fen]
    if not fitting:
        other = called[0]
        raise Conflict(
            f"流水 {name} 是 {'支出' if other.direction == 'out' else '收入'} "
            f"{plain(other.amount_fen, FEN)}，与退款 {plain(amount_fen, FEN)} 不符"
        )
    if len(fitting) > 1:
        named = "、".join(f"{each.booked_on} {each.line_id}" for each in fitting)
        raise Conflict(
            f"流水号 {name} 有 {len(fitting)} 笔同额支出（{named}），请写明其中一笔的编号"
        )
    (line,) = fitting
    if line.booked_on < receipt.received_on:
        raise Conflict(
            f"流水 {name} 记账于 {line.booked_on}，早于到账日 {receipt.received_on}，"
            "不是这笔到账的退回，请核对"
        )
    tx.lock_exclusive(f"bank line {line.line_id}")
    other_refund = store.refund_of_line(tx, line.line_id)
    if other_refund is not None:
        raise Conflict(f"流水 {name} 已登记为退款 {other_refund}，一笔支出只对应一笔退款，请核对")
    return line


def _follow(tx: Tx, receipt: Receipt, *, by: str, now: datetime, why: str) -> None:
    """Move a receipt along of which nothing is left to be placed."""
    if receipt.state not in OPEN or left_of(tx, receipt) != 0:
        return
    used = store.receipt_used(tx, receipt.receipt_id)
    event = ReceiptEvent.APPORTION if used else ReceiptEvent.RETURN
    became = replace(receipt, state=advance_receipt(receipt.state, event))
    receipt_store.move(tx, became, was=receipt.state, event=event, by=by, at=now, why=why)


def _place_again(tx: Tx, refund: Refund, *, by: str, now: datetime) -> None:
    """Let what does not go back be placed, where the rest of its receipt was placed meanwhile."""
    receipt = find_receipt(tx, refund.receipt_id, hold=True)
    if receipt.state is not ReceiptState.APPORTIONED or not left_of(tx, receipt):
        return
    event, why = ReceiptEvent.SUSPEND, f"退款 {refund.refund_id} 未退"
    became = replace(receipt, state=advance_receipt(receipt.state, event))
    receipt_store.move(tx, became, was=receipt.state, event=event, by=by, at=now, why=why)


def _facts(refund: Refund) -> dict[str, object]:
    """Return what a deed says of a refund; to whom it goes stands with the receipt."""
    return {
        "state": str(refund.state),
        "receipt": refund.receipt_id,
        "source": str(refund.source),
        "amount": str(Money(refund.amount_fen, refund.currency)),
        "currency": refund.currency,
    }


def _rejection(refund: Refund, ended: Ended, *, by: str, why: str) -> Rejection:
    """Return what whoever asked for a refund is told of one that came to nothing."""
    return Rejection(
        asked=Asked.REFUND,
        name=refund.refund_id,
        asked_by=refund.requested_by,
        by=by,
        why=why,
        customer_id=refund.customer_id,
        amount=Money(refund.amount_fen, refund.currency),
        ended=ended,
    )


def _find(tx: Tx, refund_id: str) -> Refund:
    refund = store.refund_by_id(tx, refund_id)
    if refund is None:
        raise NotFound(f"退款 {refund_id} 不存在，请核对编号")
    return refund


def _move(
    tx: Tx,
    was: Refund,
    became: Refund,
    event: RefundEvent,
    *,
    by: str,
    now: datetime,
    why: str,
) -> None:
    if not store.move_refund(tx, became, was=was.state, event=event, by=by, at=now, why=why):
        raise Conflict(f"退款 {was.refund_id} 正被另一操作处理，请刷新后重试")


def _entry(refund: Refund, *, by: str, at: datetime) -> Entry:
    """Return what a refund books: from where the money stood, out of the bank."""
    account = {
        Source.RECEIPT: Account.SUSPENSE,
        Source.PREPAYMENT: Account.PREPAYMENT,
        Source.DEPOSIT: Account.DEPOSIT,
    }[refund.source]
    party = refund.account_id if refund.customer_id is None else refund.customer_id
    if refund.source is Source.RECEIPT:
        party = refund.account_id
    return Entry(
        key=f"refund:{refund.refund_id}",
        kind="payment.refund",
        at=at,
        by=by,
        postings=(
            debit(account, refund.amount_fen, refund.currency, party=party),
            credit(Account.BANK, refund.amount_fen, refund.currency, party=refund.account_id),
        ),
        refers_to=refund.refund_id,
        memo=refund.why,
    )
