"""The balance: what is left of prepayment and credit, held as a cap like any other.

Payments says how much is left; here it becomes a cap on all that the customer ever spends: what it
has spent by now, plus what is left. Both are read under the window's lock, so no usage slips in
between. The allowance itself stays as it is, so that pushing tells the gateways nothing new.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from yuejie.budgets import store
from yuejie.budgets.allowance import (
    FOREVER_S,
    Allowance,
    Measure,
    Mode,
    Origin,
    Period,
    Scope,
    Slot,
)
from yuejie.budgets.lending import store as lending
from yuejie.db.session import Tx
from yuejie.kernel.ids import mint
from yuejie.usage.store import lock_epoch

NAME: Final = "余额与授信"


def hold_balances(tx: Tx, customers: Iterable[str]) -> None:
    """Let no usage of customers come in until this transaction ends, where a balance is a cap.

    Those of several are held at once, in the order in which usage moves them.
    """
    known = [_balance(tx, customer_id) for customer_id in customers]
    numbers = [allowance.number for allowance in known if allowance is not None]
    if numbers:
        rows = lending.windows_at(tx, numbers, 0)
        lending.hold_windows(tx, [row.slot for row in rows])


def open_balance(tx: Tx, customer_id: str, currency: str, *, now: datetime) -> None:
    """Make the balance a cap, unless it is one; nobody may add usage meanwhile."""
    if _balance(tx, customer_id) is not None:
        return
    lock_epoch(tx)
    if _balance(tx, customer_id) is not None:
        return  # by whoever held the epoch before
    allowance = Allowance(
        number=0,
        allowance_id=mint("alw", now),
        name=NAME,
        origin=Origin.CREDIT,
        scope=Scope(customer_id),
        measure=Measure.MONEY,
        currency=currency,
        period=Period.ALWAYS,
        cap=0,
        mode=Mode.HARD,
        output_bound=None,
        thresholds=(),
        forecasts=(),
        why="由预付余额与授信推算",
        starts_at=now,
        ended_at=None,
    )
    store.insert(tx, allowance)


def push_balance(tx: Tx, customer_id: str, left_pico: int, unit: str, *, mode: Mode) -> None:
    """Let a customer spend this much more, in the currency of its prices; below zero: nothing.

    Its windows are held by then (`hold_balances`).
    """
    allowance = _balance(tx, customer_id)
    assert allowance is not None, "the balance is opened before it is pushed"
    if allowance.mode is not mode:
        store.update(tx, replace(allowance, mode=mode))
    slot = Slot(allowance.number, 0, unit)
    lending.open_window(tx, slot, ends_s=FOREVER_S, cap=0)
    window = lending.hold_windows(tx, [slot])[slot]
    lending.cap_window(tx, slot, cap=max(int(window.spent) + left_pico, 0))


def end_balance(tx: Tx, customer_id: str, *, now: datetime) -> None:
    """Watch no balance any more."""
    allowance = _balance(tx, customer_id)
    if allowance is not None:
        store.update(tx, replace(allowance, ended_at=now))


def _balance(tx: Tx, customer_id: str) -> Allowance | None:
    own = store.of_customer(tx, customer_id)
    return next((each for each in own if each.origin is Origin.CREDIT), None)
