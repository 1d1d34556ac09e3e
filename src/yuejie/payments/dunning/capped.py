"""What is left of prepayment and credit becomes a cap that the gateways keep.

It is pushed whenever a standing is reviewed: by each payment in its own transaction, and by the
clerk each minute. What is left is money with tax, in the contract's currency; the cap is a charge
without tax that comes on top, in the currency of the price book: rounded down on both ways.
"""

from datetime import datetime
from typing import Final

from yuejie.budgets.allowance import Mode
from yuejie.budgets.balance import end_balance, push_balance
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import books, fx_on
from yuejie.contracts.terms import PaymentMode
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, PPM

MODES: Final = {
    PaymentMode.PREPAID: Mode.HARD,
    PaymentMode.PREPAID_MONTHLY: Mode.HARD,
    PaymentMode.POSTPAID: Mode.PACED,
}
"""Prepaid money is never overshot; credit is the operator's own risk and stops nobody for a call
whose worst case has no bound."""
PUT_OFF_PICO: Final = 10**24
"""While a suspension is put off, as good as everything."""


def cap_by_balance(
    tx: Tx,
    customer_id: CustomerId,
    contract: Contract | None,
    available_fen: int,
    *,
    watched: bool,
    reprieved: bool,
    now: datetime,
) -> None:
    """Hold a customer's calls to what is left; to nothing where no limit is watched.

    Its windows are held already, and its balance is open (`hold_balances`, `open_balance`).
    """
    if contract is None or not watched:
        end_balance(tx, customer_id, now=now)
        return
    unit = next(book.currency for book in books(tx) if book.book_id == contract.sale_book)
    left = PUT_OFF_PICO if reprieved else _charge(tx, contract, available_fen, unit, now)
    push_balance(tx, customer_id, left, unit, mode=MODES[contract.terms.payment_mode])


def _charge(tx: Tx, contract: Contract, fen: int, unit: str, now: datetime) -> int:
    """Return for what charge an amount with tax is enough; without a rate, for none."""
    if fen <= 0:
        return 0
    pico = fen * PICO_PER_FEN
    if contract.tax_mode == "exclusive":
        pico = pico * PPM // (PPM + contract.tax_ppm)
    if unit == contract.currency:
        return pico
    fx = fx_on(tx, base=unit, quote=contract.currency, day=now.date())
    return pico * FX_SCALE // fx.e8 if fx else 0
