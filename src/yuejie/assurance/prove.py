"""Prove a month: every bill is computed again from raw events and compared to the fen."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from yuejie.assurance import store
from yuejie.assurance.oracle import (
    Difference,
    Key,
    Oracle,
    RawEvent,
    compare,
    quantities_of,
    settle,
    totals,
)
from yuejie.bills.bill import Bill
from yuejie.bills.closing.store import epoch_offsets
from yuejie.bills.seal import canonical, seal_of
from yuejie.bills.store import bill_of_month, bills_of_month
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.period import BillingMonth


@dataclass(frozen=True, slots=True)
class Proof:
    """What the oracle found about one bill; no differences means proved."""

    customer: str
    bill: Bill
    events: int
    differences: tuple[Difference, ...]


def prove_month(
    db: Database,
    month: BillingMonth,
    *,
    customer: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Proof]:
    """Re-rate every bill of a month from raw events by the slow path, and check its seal."""
    with db.read(consistent=True) as tx:
        oracle = Oracle(store.book_rows(tx))
        only = find_customer(tx, customer).customer_id if customer else None
        bills = [
            bill for bill in bills_of_month(tx, month) if only is None or bill.customer_id == only
        ]
        proofs: list[Proof] = []
        for number, bill in enumerate(bills, 1):
            whole = bill_of_month(tx, bill.customer_id, month)
            proofs.append(_prove(tx, whole or bill, oracle))
            progress(number, len(bills))
        return proofs


def _prove(tx: Tx, bill: Bill, oracle: Oracle) -> Proof:
    months = sorted({str(bill.month)} | {str(line.service_month) for line in bill.lines})
    counted = _Counted()
    events = counted.through(store.raw_events(tx, bill.customer_id, months, bill.epoch))
    target, wrong = quantities_of(events, oracle)
    before = store.billed_before(tx, bill.customer_id, bill.bill_id, months, bill.epoch)
    proved = Counter(target)
    proved.subtract(before)
    printed = {
        Key(str(line.service_month), line.project_id, line.model, line.meter, line.sale_rate): (
            line.quantity
        )
        for line in bill.lines
    }
    differences = [
        *wrong,
        *compare("数量", printed, proved),
        *_amounts(bill, oracle),
        *_seal(tx, bill),
    ]
    who = find_customer(tx, bill.customer_id).slug
    return Proof(who, bill, counted.number, tuple(differences))


class _Counted:
    """Counts what passes through."""

    def __init__(self) -> None:
        self.number = 0

    def through(self, things: Iterator[RawEvent]) -> Iterator[RawEvent]:
        for thing in things:
            self.number += 1
            yield thing


def _amounts(bill: Bill, oracle: Oracle) -> list[Difference]:
    """Settle every printed line again, and the totals, and the tax on the lines."""
    found: list[Difference] = []
    for line in bill.lines:
        rate = oracle.rows[line.sale_rate]
        amount = settle(line.quantity, rate.pico, line.fx_e8)
        if amount != line.amount_fen:
            found.append(
                Difference(f"第 {line.position} 行金额", str(line.amount_fen), str(amount))
            )
    net, tax, gross = totals([line.amount_fen for line in bill.lines], bill.tax_mode, bill.tax_ppm)
    pairs = [
        ("不含税合计", bill.net.fen, net),
        ("税额", bill.tax.fen, tax),
        ("价税合计", bill.gross.fen, gross),
        ("各行不含税之和", sum(line.net_fen for line in bill.lines), net),
        ("各行税额之和", sum(line.tax_fen for line in bill.lines), tax),
    ]
    found += [Difference(what, str(is_), str(be)) for what, is_, be in pairs if is_ != be]
    return found


def _seal(tx: Tx, bill: Bill) -> list[Difference]:
    if bill.seal is None:
        return []
    seal = seal_of(canonical(bill, epoch_offsets(tx, bill.epoch)))
    if seal == bill.seal:
        return []
    return [Difference("封印", bill.seal.hex(), seal.hex())]
