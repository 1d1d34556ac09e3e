"""Prove a month: every bill is computed again from raw events and compared to the fen.

What closing drew together is proved together: the parts of a month, with what was known when they
were drawn. Usage comes from raw events, terms from the contract's JSON, tax from the lines; then
seals, their chain, credit notes and ledger entries. Nothing is changed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from yuejie.assurance import store
from yuejie.assurance.clouds.oracle import check_clouds
from yuejie.assurance.history import History, Sheet, sheets_of
from yuejie.assurance.oracle import (
    Difference,
    Key,
    Oracle,
    RawEvent,
    compare,
    quantities_of,
    settle,
)
from yuejie.assurance.sealed import chain_of, chain_of_notes, check_sealed
from yuejie.assurance.sheet import (
    check_beside,
    check_carried,
    check_taxes,
    check_terms,
    check_totals,
)
from yuejie.bills.bill import METERED, Bill, BillLine, BillState
from yuejie.bills.correct.store import credits_of
from yuejie.bills.store import bills_of_month, whole_bills
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth
from yuejie.usage.warehouse.read import hold_partitions


@dataclass(frozen=True, slots=True)
class Proof:
    """What the oracle found about one bill; no differences means proved."""

    customer: str
    bill: Bill
    events: int
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Case:
    """A customer under proof."""

    tx: Tx
    who: Customer
    oracle: Oracle
    history: History
    events: int = 0
    _known: dict[tuple[tuple[str, ...], int], tuple[Counter[Key], list[Difference]]] = field(
        default_factory=dict
    )

    def target(self, months: Iterable[str], epoch: int) -> tuple[Counter[Key], list[Difference]]:
        """Return what raw events up to an epoch come to, and what was priced otherwise."""
        asked = (tuple(sorted(months)), epoch)
        if asked not in self._known:
            self._known[asked] = quantities_of(self._raw(*asked), self.oracle)
        return self._known[asked]

    def _raw(self, months: tuple[str, ...], epoch: int) -> Iterator[RawEvent]:
        for event in store.raw_events(self.tx, self.who.customer_id, months, epoch):
            self.events += 1
            yield event


def prove_month(
    db: Database,
    month: BillingMonth,
    *,
    customer: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Proof]:
    """Compute every bill of a month again by the slow path, in whatever state, and its seal."""
    with db.read() as tx:
        owners = billed_customers(tx, month, customer)
    proofs: list[Proof] = []
    for number, (_, found) in enumerate(prove_customers(db, month, owners), 1):
        proofs += found
        progress(number, len(owners))
    return proofs


def billed_customers(tx: Tx, month: BillingMonth, customer: str | None) -> list[CustomerId]:
    """Return whose bills of a month there are to prove; raises NotFound for an unknown customer."""
    only = find_customer(tx, customer).customer_id if customer else None
    found = {bill.customer_id for bill in bills_of_month(tx, month)}
    return sorted(who for who in found if only is None or who == only)


def prove_customers(
    db: Database, month: BillingMonth, owners: Iterable[CustomerId]
) -> Iterator[tuple[CustomerId, list[Proof]]]:
    """Prove the bills of some customers one after the other, all as of one moment."""
    with db.read(consistent=True) as tx:
        hold_partitions(tx)
        oracle = Oracle(store.book_rows(tx))
        for owner in owners:
            yield owner, list(_prove_customer(tx, owner, month, oracle))


def _prove_customer(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, oracle: Oracle
) -> Iterator[Proof]:
    who = find_customer(tx, customer_id)
    bills = whole_bills(tx, customer_id)
    history = store.history_of(tx, customer_id, zone=who.zone, bills=bills)
    case, credits_ = _Case(tx, who, oracle, history), credits_of(tx, customer_id)
    chain = chain_of(bills) | chain_of_notes(credits_)
    whole = list(_whole_month(case, month))
    for sheet in sheets_of(history, month):
        shared = list(_shared(case, sheet))
        taxed = check_taxes(history, sheet)
        for number, bill in enumerate(sheet.parts):
            notes = [note for note in credits_ if note.bill_id == bill.bill_id]
            differences = [
                *(shared if number == 0 else ()),
                *(whole if _counts(sheet, number) else ()),
                *_amounts(bill, oracle),
                *check_carried(history, sheet, bill),
                *taxed.get(bill.part, ()),
                *check_totals(bill),
                *check_sealed(tx, bill, chain, notes),
            ]
            yield Proof(who.slug, bill, case.events, tuple(differences))
            case.events = 0


def _shared(case: _Case, sheet: Sheet) -> Iterator[Difference]:
    """Compare what concerns all parts of a sheet together."""
    if sheet.beside:
        yield from check_beside(case.history, sheet)
        return
    yield from _quantities(case, sheet)
    yield from check_terms(case.history, sheet)
    yield from check_clouds(case.tx, case.who.customer_id, case.history, sheet)


def _counts(sheet: Sheet, number: int) -> bool:
    """Tell whether what is wrong with a whole month is told with this part."""
    living = sheet.parts[number].state is not BillState.VOIDED
    return number == 0 and living and not sheet.beside


def _quantities(case: _Case, sheet: Sheet) -> list[Difference]:
    """Compare the usage a closing printed with events up to its epoch, less what was billed."""
    history, month = case.history, str(sheet.month)
    earlier = (epoch for label, epoch in history.closes.items() if label < month)
    last = max(earlier, default=0)
    customer_id = case.who.customer_id
    months = {month} | store.touched_months(
        case.tx, customer_id, month, after=last, upto=sheet.epoch
    )
    lines = [line for bill in sheet.parts for line in bill.lines if line.metered]
    months |= {str(line.service_month) for line in lines}
    closed_at = history.ended_at[sheet.epoch]
    months |= history.reopened(sheet.month, closed_at)
    target, wrong = case.target(months, sheet.epoch)
    proved = Counter(target)
    before = (line for bill in sheet.billed_before(history) for line in bill.lines)
    proved.subtract(_by_key(line for line in before if str(line.service_month) in months))
    return [*wrong, *compare("数量", _by_key(lines), proved)]


def _whole_month(case: _Case, month: BillingMonth) -> Iterator[Difference]:
    """Compare everything that living bills print of a service month with all its events.

    Not while something of it was voided and no closing has billed it again yet.
    """
    history, label = case.history, str(month)
    live = [bill for bill in history.bills if bill.state is not BillState.VOIDED]
    epochs = [epoch for closed, epoch in history.closes.items() if closed >= label]
    if not epochs:
        return
    newest = max(bill.epoch for bill in history.bills)
    upto = max(epochs)
    ended = history.ended_at.get(newest)
    for bill in history.bills:
        voided = history.voided_at.get(bill.bill_id)
        if voided is not None and (ended is None or voided >= ended):
            return
    target, _ = case.target({label}, upto)
    printed = _by_key(
        line for bill in live for line in bill.lines if str(line.service_month) == label
    )
    yield from compare("全部账单上的数量", printed, target)


def _by_key(lines: Iterable[BillLine]) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for line in lines:
        if line.kind in METERED:
            month = str(line.service_month)
            found[Key(month, line.project_id, line.model, line.meter, line.sale_rate)] += (
                line.quantity
            )
    return found


def _amounts(bill: Bill, oracle: Oracle) -> Iterator[Difference]:
    """Settle every line of usage again; what is no usage was computed with the terms."""
    for line in bill.lines:
        if not line.metered:
            continue
        rate = oracle.rows[line.sale_rate]
        amount = settle(line.quantity, rate.pico, line.fx_e8)
        if amount != line.amount_fen or rate.pico != line.rate_pico:
            yield Difference(f"第 {line.position} 行金额", str(line.amount_fen), str(amount))
