"""Draw a prepayment or a deposit down for bills; return what a bill holds too much of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yuejie.bills.find import find_bill
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.money import CURRENCIES, FEN, plain
from yuejie.kernel.period import zone_of
from yuejie.payments.apportion import store
from yuejie.payments.apportion.book import book, hold_customers, mark_as_open
from yuejie.payments.apportion.move import Move, Source, Use
from yuejie.payments.apportion.open import amounts_of, amounts_of_all
from yuejie.payments.apportion.place import family_of, write_slips
from yuejie.payments.apportion.shares import OpenAmount, Share, oldest_first
from yuejie.payments.dunning.standing import review_standings

_SAID = {Use.PREPAYMENT: "预收款", Use.DEPOSIT: "押金"}


@dataclass(frozen=True, slots=True)
class Holding:
    """Whose prepayment or deposit, in which currency."""

    customer_id: CustomerId
    what: Use
    currency: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was paid out of a prepayment or deposit: in which currency, and of which bills."""

    currency: str
    shares: tuple[Share, ...]


def draw_down(
    db: Database,
    customer: str,
    what: Use,
    *,
    bills: Mapping[str, int] | None,
    currency: str | None = None,
    why: str = "",
    by: str,
    now: datetime,
) -> Drawn:
    """Pay bills of a customer (or its subsidiaries) from its prepayment or deposit.

    `bills` maps numbers to fen; None pays the oldest first as far as it reaches. A deposit is
    drawn only for bills that are named. It is in one currency, the customer's own where none is
    named. Raises Conflict where it does not reach, Invalid for a bill in another currency.
    """
    if what is Use.DEPOSIT and (bills is None or not why.strip()):
        raise Invalid("动用押金须写明账单、金额与原因，请补全后重试")
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        family = family_of(tx, owner.customer_id)
        hold_customers(tx, family)
        today = now.astimezone(zone_of(owner.zone)).date()
        holding = Holding(owner.customer_id, what, _currency(owner, currency))
        shares = _shares(tx, holding, family, bills)
        drawn = Drawn(holding.currency, shares)
        if not shares:
            return drawn
        said = why or _why(owner, shares)
        draw(tx, holding, shares, on=today, why=said, by=by, now=now)
        moved = {share.customer_id for share in shares} | {owner.customer_id}
        review_standings(tx, moved, by=by, now=now)
        return drawn


def _why(owner: Customer, shares: Sequence[Share]) -> str:
    """Return why a prepayment is drawn, where nobody said so; a deposit never is without a why.

    A subsidiary reads whose money it was.
    """
    if all(share.customer_id == owner.customer_id for share in shares):
        return "预收款抵付账单"
    return f"上级 {owner.legal_name} 的预收款抵付账单"


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
        return oldest_first(free, currency, amounts).shares if free > 0 else ()
    by_number = {amount.number: amount for amount in amounts}
    shares = tuple(_share(by_number, number, fen, currency) for number, fen in bills.items())
    wanted = sum(share.fen for share in shares)
    if wanted > free:
        said = _SAID[holding.what]
        raise Conflict(
            f"{said}余额 {plain(free, FEN)} {currency}，不足以支付 {plain(wanted, FEN)}，未入账"
        )
    return shares


def _currency(owner: Customer, named: str | None) -> str:
    """Return the currency that was named, or the customer's own; money lies in each apart."""
    if named is None:
        return owner.currency
    if named not in CURRENCIES:
        raise Invalid(f"币种须为 {'、'.join(sorted(CURRENCIES))} 之一：{named}")
    return named


def _share(by_number: Mapping[str, OpenAmount], number: str, fen: int, currency: str) -> Share:
    amount = by_number.get(number)
    if amount is None:
        raise NotFound(f"账单 {number} 不存在、未出账或不属于该客户，请核对账单号")
    if amount.currency != currency:
        raise Invalid(
            f"账单 {number} 的币种是 {amount.currency}，不能用 {currency} 支付，"
            f"请写明币种 {amount.currency}"
        )
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
    return book(tx, moves, by=by, at=now, why=why)


def set_aside(
    db: Database,
    customer: str,
    fen: int,
    *,
    currency: str | None = None,
    why: str,
    by: str,
    now: datetime,
) -> str:
    """Turn a part of a customer's prepayment into its deposit, with its slip; return the batch.

    It is in the customer's own currency where none is named. Raises Invalid for an amount that is
    not above zero, or without a reason, Conflict where the prepayment does not reach.
    """
    if fen <= 0:
        raise Invalid("转押金的金额须大于零")
    if not why.strip():
        raise Invalid("预收款转押金须写明依据，请补全后重试")
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        hold_customers(tx, [owner.customer_id])
        move = Move(
            source=Source.PREPAYMENT,
            use=Use.DEPOSIT,
            customer_id=owner.customer_id,
            currency=_currency(owner, currency),
            fen=fen,
            effective_on=now.astimezone(zone_of(owner.zone)).date(),
            source_customer=owner.customer_id,
        )
        batch = book(tx, [move], by=by, at=now, why=why)
        write_slips(tx, batch, by=by, now=now)
        return batch


def return_excess(db: Database, customer_id: CustomerId, *, by: str, now: datetime) -> int:
    """Move what bills hold beyond what is owed (credited or voided since) to the prepayment.

    What was given up as a bad debt is no money: it is taken back first, and nothing of it is the
    customer's. Then bills are marked as paid or not by what is open of them. Returns how many fen
    became a prepayment; doing it again moves nothing.
    """
    with db.begin() as tx:
        hold_customers(tx, [customer_id])
        known = {amount.bill_id: amount for amount in amounts_of(tx, customer_id)}
        today = now.astimezone(zone_of(find_customer(tx, customer_id).zone)).date()
        returned = 0
        moves: list[Move] = []
        for excess in _excesses(tx, customer_id, known):
            if excess.bad_debt_fen:
                moves.append(_back(customer_id, excess, Source.BAD_DEBT, today))
            if excess.fen:
                moves.append(_back(customer_id, excess, Source.PREPAYMENT, today))
                returned += excess.fen
        if moves:
            book(tx, moves, by=by, at=now, why="账单已冲减或作废，多付部分转预收款")
        mark_as_open(tx, customer_id, by=by, at=now)
        return returned


@dataclass(frozen=True, slots=True)
class _Excess:
    """What a bill holds too much of: a debt that was given up, and money."""

    bill_id: BillId
    currency: str
    bad_debt_fen: int
    fen: int


def _excesses(tx: Tx, customer_id: CustomerId, known: Mapping[BillId, OpenAmount]) -> list[_Excess]:
    """Find bills that hold too much: more than is owed by now, or anything though void.

    A bill that was credited beyond what it came to holds too much even where nobody paid it.
    """
    sums = store.bill_sums(tx, customer_id)
    found = []
    for bill_id in sorted({*known, *sums}):
        amount, held = known.get(bill_id), sums.get(bill_id)
        given_up = held.bad_debt_fen if held else 0
        if amount is not None:
            over, currency = -amount.open_fen, amount.currency
        else:
            over = held.fen if held else 0
            currency = find_bill(tx, bill_id).currency
        if over > 0:
            back = min(over, given_up)
            found.append(_Excess(bill_id, currency, back, over - back))
    return found


def _back(customer_id: CustomerId, excess: _Excess, source: Source, today: date) -> Move:
    given_up = source is Source.BAD_DEBT
    return Move(
        source=source,
        use=Use.BILL,
        customer_id=customer_id,
        currency=excess.currency,
        fen=-(excess.bad_debt_fen if given_up else excess.fen),
        effective_on=today,
        source_customer=None if given_up else customer_id,
        bill_id=excess.bill_id,
    )
