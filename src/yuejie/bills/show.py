"""Gather what a bill's documents say, and render them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from yuejie.bills.bill import Bill, is_beside
from yuejie.bills.closing.lines import Place, SaleRate
from yuejie.bills.closing.store import epoch_offsets, places, sale_rates
from yuejie.bills.documents.document import BillDocument, DailyUsage, DocumentKind, FxUsed, Seller
from yuejie.bills.documents.focus.behind import facts_behind
from yuejie.bills.documents.render import file_name, render
from yuejie.bills.documents.stamp.note import Stamping, note_stamped
from yuejie.bills.documents.store import DailyRow, daily_usage, priced
from yuejie.bills.find import find_bill
from yuejie.bills.seal import canonical
from yuejie.contracts.grants.grant import GrantKind
from yuejie.contracts.grants.store import grants_of
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.store import fx_by_id
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.money import Rate
from yuejie.usage.event import NO_RATE
from yuejie.usage.meters import Meter


def export_bill(
    db: Database,
    name: str,
    seller: Seller,
    kinds: Iterable[DocumentKind],
    *,
    stamping: Stamping | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield each document of a bill as file name and bytes; the same bill, the same bytes.

    With a stamp, the PDF has the seal's picture, and that is written down before it is given away.
    """
    with db.read() as tx:
        document = gather_document(tx, find_bill(tx, name), seller)
    if stamping is not None:
        document = replace(document, stamp=stamping.stamp)
    for kind in kinds:
        body = render(document, kind)
        if stamping is not None and kind is DocumentKind.PDF:
            note_stamped(db, stamping, "bill", document.bill.name, body)
        yield file_name(document, kind), body


def gather_document(tx: Tx, bill: Bill, seller: Seller) -> BillDocument:
    """Gather the facts behind a bill as they were known at its epoch.

    The month's usage stands behind its own bills; what is beside it in another currency has none.
    """
    customer = find_customer(tx, bill.customer_id)
    rows = _used(tx, bill, customer.zone)
    rates = sale_rates(tx, {row.sale_rate for row in rows if row.sale_rate != NO_RATE})
    named = places(tx, bill.customer_id)
    grants = [grant for grant in grants_of(tx, bill.customer_id) if grant.approved_by]
    return BillDocument(
        bill=bill,
        customer=customer,
        seller=seller,
        daily=tuple(_daily(row, rates, named) for row in rows if row.sale_rate != NO_RATE),
        fx=fx_used(tx, bill),
        requests=_requests(rows),
        sealed_form=canonical(bill, epoch_offsets(tx, bill.epoch)) if bill.seal else None,
        due_on=bill.due_on,
        priced=priced(tx, bill.customer_id, bill.bill_id),
        packages={
            grant.grant_id: (grant.amount_fen, grant.paid_fen)
            for grant in grants
            if grant.kind is GrantKind.PACKAGE
        },
        contract_number=number_of(tx, bill.customer_id, bill.contract_id),
        facts=facts_behind(tx, bill, grants),
    )


def fx_used(tx: Tx, bill: Bill) -> tuple[FxUsed, ...]:
    """Return the exchange rates that a bill's lines were converted at, each once."""
    ids = sorted({line.fx_id for line in bill.lines if line.fx_id is not None})
    rows = [fx_by_id(tx, fx_id) for fx_id in ids]
    return tuple(FxUsed(row.rate, row.on_date, row.source) for row in rows)


def _used(tx: Tx, bill: Bill, zone: str) -> list[DailyRow]:
    if is_beside(bill.part):
        return []
    return daily_usage(tx, bill.customer_id, bill.month, epoch=bill.epoch, zone=zone)


def _daily(row: DailyRow, rates: dict[int, SaleRate], named: dict[str, Place]) -> DailyUsage:
    rate = rates[row.sale_rate]
    return DailyUsage(
        day=row.day,
        project_id=row.project_id,
        project_name=named[row.project_id].name,
        model=row.model,
        meter=row.meter,
        quantity=int(row.quantity),
        charge=Rate(rate.pico, rate.currency).charge(int(row.quantity)),
    )


def _requests(rows: Iterable[DailyRow]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for row in rows:
        if row.meter == Meter.REQUESTS:
            counted[row.model] += int(row.quantity)
    return dict(counted)
