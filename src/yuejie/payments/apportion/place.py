"""Apportion a receipt: to bills, and the rest to a prepayment, a deposit, or still to be placed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from yuejie.bills.find import find_bill
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import FEN, Money, plain
from yuejie.notices.notice import Kind
from yuejie.payments.apportion import store
from yuejie.payments.apportion.book import book, hold_customers
from yuejie.payments.apportion.move import Move, Source, Use
from yuejie.payments.apportion.open import amount_of, amounts_of_all
from yuejie.payments.apportion.shares import Share, share_out
from yuejie.payments.banks.store import subsidiaries
from yuejie.payments.dunning.standing import review_standings
from yuejie.payments.receipts import store as receipt_store
from yuejie.payments.receipts.payer import refuse_third_party
from yuejie.payments.receipts.receipt import Receipt, ReceiptEvent, ReceiptState, advance
from yuejie.payments.receipts.score import numbers_in
from yuejie.payments.telling import News, tell


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a receipt: the batch, the shares, and what is left to be placed."""

    receipt: Receipt
    batch_id: str
    shares: tuple[Share, ...]
    rest_fen: int
    left_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How a receipt is to be apportioned.

    `bills` maps bill numbers to fen; None shares by the rule: named in the memo, fitting, oldest
    first. `rest` says what becomes of what is over; None leaves it unplaced. `deposit_fen` goes to
    the deposit before anything else.
    """

    customer: str
    bills: Mapping[str, int] | None = None
    deposit_fen: int = 0
    rest: Use | None = Use.PREPAYMENT
    why: str = ""


def find_receipt(tx: Tx, receipt_id: str, *, hold: bool = False) -> Receipt:
    """Return a receipt, or say that there is none of that id."""
    receipt = receipt_store.receipt_by_id(tx, receipt_id, hold=hold)
    if receipt is None:
        raise NotFound(f"到账 {receipt_id} 不存在，请用 yuejie receipts list 查看")
    return receipt


def left_of(tx: Tx, receipt: Receipt) -> int:
    """Return what of a receipt has no place yet and is not on its way back, in fen."""
    used = store.receipt_used(tx, receipt.receipt_id)
    return receipt.amount_fen - used - store.receipt_refunded(tx, receipt.receipt_id, straight=True)


def apportion_receipt(
    db: Database,
    receipt_id: str,
    placing: Placing,
    *,
    by: str,
    now: datetime,
) -> Placed:
    """Apportion what is left of a receipt for a customer, its subsidiaries, or by name of bills.

    Raises NotFound for an unknown receipt, customer or bill; Conflict where nothing is left, or
    more would go to a bill than may still be paid; Invalid for amounts that make no sense.
    """
    with db.begin() as tx:
        receipt = find_receipt(tx, receipt_id, hold=True)
        customer = find_customer(tx, placing.customer)
        family = family_of(tx, customer.customer_id)
        hold_customers(tx, family)
        shares = None
        if placing.bills is not None:
            shares = _named(tx, family, placing.bills)
        return place(tx, receipt, customer.customer_id, placing, shares, by=by, now=now)


def family_of(tx: Tx, customer_id: CustomerId) -> list[CustomerId]:
    """Return for whom a customer may pay: itself, its subsidiaries."""
    return [customer_id, *subsidiaries(tx, customer_id)]


def _named(tx: Tx, family: Sequence[CustomerId], bills: Mapping[str, int]) -> tuple[Share, ...]:
    shares: list[Share] = []
    for number, fen in bills.items():
        bill = find_bill(tx, number)
        if bill.customer_id not in family:
            raise Invalid(f"账单 {number} 不属于该客户或其下级，请核对账单号")
        if fen <= 0:
            raise Invalid(f"账单 {number} 的认款金额须大于零")
        if any(share.bill_id == bill.bill_id for share in shares):
            raise Invalid(f"账单 {bill.name} 写了两次，请合并")
        amount = amount_of(tx, bill.customer_id, bill.bill_id)
        if fen > amount.payable_fen:
            raise Conflict(
                f"账单 {number} 未付 {plain(amount.payable_fen, FEN)}，不能认款 {plain(fen, FEN)}"
            )
        shares.append(Share(bill.bill_id, bill.customer_id, amount.number, fen))
    return tuple(shares)


def place(
    tx: Tx,
    receipt: Receipt,
    customer_id: CustomerId,
    placing: Placing,
    shares: tuple[Share, ...] | None,
    *,
    by: str,
    now: datetime,
) -> Placed:
    """Apportion what is left of a held receipt; its customers are held already."""
    left = left_of(tx, receipt)
    if receipt.state in {ReceiptState.APPORTIONED, ReceiptState.RETURNED} or left <= 0:
        raise Conflict(f"到账 {receipt.receipt_id} 已全部认款或退回，本次未入账")
    refuse_third_party(tx, receipt, customer_id)
    if not 0 <= placing.deposit_fen <= left:
        raise Invalid(f"转押金须在 0 与到账余额 {plain(left, FEN)} 之间")
    over = left - placing.deposit_fen
    if shares is None:
        shares = _by_rule(tx, receipt, customer_id, over)
    over -= sum(share.fen for share in shares)
    if over < 0:
        raise Conflict(
            f"认款合计超过到账余额 {plain(left, FEN)}，差 {plain(-over, FEN)}，本次未入账"
        )
    moves = _moves(tx, receipt, shares)
    moves += [
        _move(receipt, use, customer_id, fen)
        for use, fen in ((Use.DEPOSIT, placing.deposit_fen), (placing.rest, over))
        if use is not None and fen > 0
    ]
    if not moves:
        raise Conflict(
            f"没有可认款的未付账单，到账 {receipt.receipt_id} 未处理；可指定转预收或押金"
        )
    why = placing.why or f"认款 {receipt.payer_name} {plain(left, FEN)}"
    batch = book(tx, moves, by=by, at=now, why=why)
    write_slips(tx, batch, by=by, now=now)
    remains = 0 if placing.rest is not None else over
    became = _moved(tx, receipt, customer_id, remains=remains, by=by, now=now, why=why)
    _learn(tx, became, customer_id, now)
    moved = {customer_id, *(share.customer_id for share in shares)}
    review_standings(tx, moved, by=by, now=now)
    _tell(tx, became, customer_id, shares, over - remains, now=now)
    return Placed(became, batch, shares, over - remains, remains)


def _by_rule(tx: Tx, receipt: Receipt, customer_id: CustomerId, fen: int) -> tuple[Share, ...]:
    amounts = amounts_of_all(tx, family_of(tx, customer_id))
    return share_out(fen, receipt.currency, amounts, numbers_in(receipt.memo)).shares


def _moves(tx: Tx, receipt: Receipt, shares: Sequence[Share]) -> list[Move]:
    """Return the moves onto bills; what comes in for a bad debt takes the debt back first."""
    moves = []
    for share in shares:
        amount = amount_of(tx, share.customer_id, share.bill_id)
        if amount.currency != receipt.currency:
            raise Invalid(f"账单 {share.number} 是 {amount.currency}，到账是 {receipt.currency}")
        recovered = min(amount.bad_debt_fen, max(share.fen - max(amount.open_fen, 0), 0))
        onto = _move(receipt, Use.BILL, share.customer_id, share.fen)
        onto = replace(onto, bill_id=share.bill_id)
        if recovered:
            back = replace(
                onto, source=Source.BAD_DEBT, receipt_id=None, bank_account="", fen=-recovered
            )
            moves.append(back)
        moves.append(onto)
    return moves


def _move(receipt: Receipt, use: Use, customer_id: CustomerId, fen: int) -> Move:
    return Move(
        source=Source.RECEIPT,
        use=use,
        customer_id=customer_id,
        currency=receipt.currency,
        fen=fen,
        effective_on=receipt.received_on,
        receipt_id=receipt.receipt_id,
        bank_account=receipt.account_id,
    )


def _moved(
    tx: Tx,
    receipt: Receipt,
    customer_id: CustomerId,
    *,
    remains: int,
    by: str,
    now: datetime,
    why: str,
) -> Receipt:
    """Move the receipt along: whole with its place, or with something left to be placed."""
    event = ReceiptEvent.SUSPEND if remains else ReceiptEvent.APPORTION
    became = replace(receipt, state=advance(receipt.state, event), customer_id=customer_id)
    if not receipt_store.move(tx, became, was=receipt.state, event=event, by=by, at=now, why=why):
        raise Conflict(f"到账 {receipt.receipt_id} 正被另一操作处理，请刷新后重试")
    return became


def write_slips(tx: Tx, batch: str, *, by: str, now: datetime) -> None:
    """Number a slip (收据) for each deposit of a batch: a deposit is no income, so no fapiao."""
    for row in store.batch(tx, batch):
        if row.use is Use.DEPOSIT:
            store.insert_slip(tx, row, year=row.effective_on.year, by=by, at=now)


def _learn(tx: Tx, receipt: Receipt, customer_id: CustomerId, now: datetime) -> None:
    """Remember the payer's account; a person or ninety points have said whose money it is."""
    if receipt.payer_number:
        receipt_store.learn(tx, receipt, customer_id, at=now)


def _tell(
    tx: Tx,
    receipt: Receipt,
    customer_id: CustomerId,
    shares: Sequence[Share],
    rest: int,
    *,
    now: datetime,
) -> None:
    facts = {
        "amount": f"{Money(receipt.amount_fen, receipt.currency)} {receipt.currency}",
        "received_on": receipt.received_on.isoformat(),
        "payer": receipt.payer_name,
        "number": "、".join(f"{s.number} {plain(s.fen, FEN)}" for s in shares),
        "prepayment": f"{Money(rest, receipt.currency)} {receipt.currency}",
    }
    key = f"payment_received:{receipt.receipt_id}:{now.isoformat()}"
    tell(tx, News(Kind.PAYMENT_RECEIVED, customer_id, facts, key, now))
