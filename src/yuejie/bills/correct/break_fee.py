"""Leaving early costs what the contract says: billed by rule, once, on the contract's last bill.

The fee was computed and explained when somebody asked to leave, and a second person approved both
the end and the fee, so nobody proposes it again by hand. It is written in the transaction of that
approval; the clerk's round writes what was approved in another way.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.bills.bill import LineKind
from yuejie.bills.correct import store
from yuejie.bills.correct.adjust import charge_by_rule
from yuejie.bills.correct.adjustment import Wanted
from yuejie.contracts.life.ending import write_approval
from yuejie.contracts.life.store import ContractEnd, approved_ends
from yuejie.contracts.numbers.number import called
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import DomainError
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

log = structlog.get_logger()

CLERK: Final = "clerk"


def approve_leaving(db: Database, end_id: str, *, by: str, now: datetime) -> ContractEnd:
    """Let a contract end, and charge what leaving it costs, both or neither.

    Raises Forbidden for whoever asked for it, Conflict where it is approved already.
    """
    with db.begin() as tx:
        end = write_approval(tx, end_id, by=by, now=now)
        charge(tx, end, by=by, at=now)
        return end


def charge_break_fees(db: Database, now: datetime) -> int:
    """Charge every approved end that has not been charged; return how many were.

    One that fails is logged and left for the next round; the others go on.
    """
    with db.read() as tx:
        owed = {key_of(end): end for end in approved_ends(tx) if end.owed_fen}
        known = store.known_keys(tx, list(owed))
    charged = 0
    for key in sorted(owed.keys() - known):
        try:
            charged += _charge_alone(db, owed[key], now)
        except DomainError as error:
            log.warning("bills.break_fee_failed", end=owed[key].end_id, why=error.sentence)
    return charged


def _charge_alone(db: Database, end: ContractEnd, now: datetime) -> bool:
    with db.begin() as tx:
        return charge(tx, end, by=CLERK, at=now)


def charge(tx: Tx, end: ContractEnd, *, by: str, at: datetime) -> bool:
    """Write the fee of an approved end down as a charge; False if it is known, or is nothing."""
    if not end.owed_fen:
        return False
    contract = called(tx, end.customer_id, end.contract_id)
    return charge_by_rule(tx, wanted_of(end, contract), key=key_of(end), by=by, at=at)


def wanted_of(end: ContractEnd, contract: str) -> Wanted:
    """Say what is charged for leaving: on the bill of the last day's month, with every sentence."""
    reasons = list(end.reasons)
    if end.waived_fen:
        waived, owed = (Money(fen, end.currency) for fen in (end.waived_fen, end.owed_fen))
        reasons.append(f"减免 {waived} {end.currency}，实收 {owed} {end.currency}。")
    last_day = end.ends_on - timedelta(days=1)
    return Wanted(
        customer_id=end.customer_id,
        service_month=BillingMonth(last_day.year, last_day.month),
        amount_fen=end.owed_fen,
        currency=end.currency,
        item=f"提前解约费 合同 {contract} 自 {end.ends_on} 终止",
        why="".join(reasons),
        kind=LineKind.BREAK_FEE,
        refers_to=end.end_id,
    )


def key_of(end: ContractEnd) -> str:
    """One charge per end, ever."""
    return f"break_fee:{end.end_id}"
