"""Draw a prepayment or a deposit down for bills; return what a bill holds too much of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yuejie.bills.issue import find_bill
from yuejie.bills.store import bill_by_name
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.money import FEN, plain
from yuejie.kernel.period import zone_of
from yuejie.payments.apportion import store
from yuejie.payments.apportion.book import book, hold_customers
from yuejie.payments.apportion.move import Move, Source, Use
from yuejie.payments.apportion.open import amounts_of, amounts_of_all
from yuejie.payments.apportion.place import family_of
from yuejie.payments.apportion.shares import OpenAmount, Share, share_out
from yuejie.payments.dunning.standing import review_standing

_SAID = {Use.PREPAYMENT: "预收款", Use.DEPOSIT: "押金"}


@dataclass(frozen=True, slots=True)
class Holding:
    """Whose prepayment or deposit, in which currency."""

    customer_id: CustomerId
    what: Use
    currency: str


def draw_down(
    db: Database,
    customer: str,
    what: Use,
    *,
    bills: Mapping[str, int] | None,
    why: str = "",
    by: str,
    now: datetime,
) -> tuple[Share, ...]:
    """Pay bills of a customer (or its subsidiaries) from its prepayment or deposit.

    `bills` maps numbers to fen; None pays the oldest first as far as it reaches. A deposit is
    drawn only for bills that are named. Raises Conflict where it does not reach.
    """
    if what is Use.DEPOSIT and (bills is None or not why.strip()):
        raise Invalid("动用押金须写明账单、金额与原因，请补全后重试")
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        family = family_of(tx, owner.customer_id)
        hold_customers(tx, family)
        today = now.astimezone(zone_of(owner.zone)).date()
        holding = Holding(owner.customer_id, what, owner.currency)
        shares = _shares(tx, holding, family, bills)
        if not shares:
            return ()
        draw(tx, holding, shares, on=today, why=why, by=by, now=now)
        for each in sorted({share.customer_id for share in shares} | {owner.customer_id}):
            review_standing(tx, each, by=by, now=now)
        return shares


def _shares(
    tx: Tx,
    holding: Holding,
    family: Sequence[CustomerId],
    bills: Mapping[str, int] | None,
) -> tuple[Share, ...]:
    currency = holding.currency
    free = store.held(tx, holding.customer_id, holding.what, currency)
    amounts = amounts_of_all(tx, family)
    if bills is None:
        return share_out(free, currency, amounts).shares if free > 0 else ()
    by_number = {amount.number: amount for amount in amounts}
    shares = tuple(_share(by_number, number, fen, currency) for number, fen in bills.items())
    wanted = sum(share.fen for share in shares)
    if wanted > free:
        said = _SAID[holding.what]
        raise Conflict(f"{said}余额 {plain(free, FEN)}，不足以支付 {plain(wanted, FEN)}，未入账")
    return shares


def _share(by_number: Mapping[str, OpenAmount], number: str, fen: int, currency: str) -> Share:
    amount = by_number.get(number)
    if amount is None:
        raise NotFound(f"账单 {number} 不存在、未出账或不属于该客户，请核对账单号")
    if amount.currency != currency:
        raise Invalid(f"账单 {number} 的币种是 {amount.currency}，不能用 {currency} 支付")
    if not 0 < fen <= amount.open_fen:
        raise Conflict(
            f"账单 {number} 未付 {plain(amount.open_fen, FEN)}，不能支付 {plain(fen, FEN)}"
        )
    return Share(amount.bill_id, amount.customer_id, number, fen)


def draw(
    tx: Tx,
    holding: Holding,
    shares: Sequence[Share],
    *,
    on: date,
    why: str,
    by: str,
    now: datetime,
) -> str:
    """Book shares of bills against a prepayment or deposit; the customers are held already."""
    moves = [
        Move(
            source=Source(str(holding.what)),
            use=Use.BILL,
            customer_id=share.customer_id,
            currency=holding.currency,
            fen=share.fen,
            effective_on=on,
            source_customer=holding.customer_id,
            bill_id=share.bill_id,
        )
        for share in shares
    ]
    return book(tx, moves, by=by, at=now, why=why or f"{_SAID[holding.what]}抵付账单")


def set_aside(
    db: Database,
    customer: str,
    fen: int,
    *,
    why: str,
    by: str,
    now: datetime,
) -> str:
    """Turn a part of a customer's prepayment into its deposit."""
    if fen <= 0:
        raise Invalid("转押金的金额须大于零")
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        hold_customers(tx, [owner.customer_id])
        move = Move(
            source=Source.PREPAYMENT,
            use=Use.DEPOSIT,
            customer_id=owner.customer_id,
            currency=owner.currency,
            fen=fen,
            effective_on=now.astimezone(zone_of(owner.zone)).date(),
            source_customer=owner.customer_id,
        )
        return book(tx, [move], by=by, at=now, why=why or "预收款转押金")


def return_excess(db: Database, customer_id: CustomerId, *, by: str, now: datetime) -> int:
    """Move what bills hold beyond what is owed (credited or voided since) to the prepayment.

    Returns how many fen moved; doing it again moves nothing.
    """
    with db.begin() as tx:
        hold_customers(tx, [customer_id])
        known = {amount.bill_id: amount for amount in amounts_of(tx, customer_id)}
        today = now.astimezone(zone_of(find_customer(tx, customer_id).zone)).date()
        moves = [
            _back(customer_id, bill_id, currency, excess, today)
            for bill_id, currency, excess in _excesses(tx, customer_id, known)
        ]
        if not moves:
            return 0
        book(tx, moves, by=by, at=now, why="账单已冲减或作废，多付部分转预收款")
        return -sum(move.fen for move in moves)


def _excesses(
    tx: Tx, customer_id: CustomerId, known: Mapping[BillId, OpenAmount]
) -> list[tuple[BillId, str, int]]:
    """Find bills that hold too much: more than is owed by now, or anything though void.

    What was given up of a bill is no money and does not come back.
    """
    found = []
    for bill_id, held in sorted(store.bill_sums(tx, customer_id).items()):
        amount = known.get(bill_id)
        if amount is not None:
            excess, currency = -amount.open_fen, amount.currency
        else:
            excess = held.fen
            currency = find_bill(bill_by_name(tx, bill_id), bill_id).currency
        excess = min(excess, held.fen - held.bad_debt_fen)
        if excess > 0:
            found.append((bill_id, currency, excess))
    return found


def _back(customer_id: CustomerId, bill_id: BillId, currency: str, fen: int, today: date) -> Move:
    return Move(
        source=Source.PREPAYMENT,
        use=Use.BILL,
        customer_id=customer_id,
        currency=currency,
        fen=-fen,
        effective_on=today,
        source_customer=customer_id,
        bill_id=bill_id,
    )
