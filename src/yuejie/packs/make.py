"""Pack a customer's month: bills, usage and fapiao in one ZIP, read at a single moment."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Final

from yuejie.bills.bill import Bill, is_beside
from yuejie.bills.documents.document import BillDocument, DocumentKind, Seller
from yuejie.bills.documents.render import file_name, render
from yuejie.bills.documents.stamp.note import Stamping, note_stamped
from yuejie.bills.show import gather_document
from yuejie.bills.store import bills_of_customer_month
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.fapiao.issuing.store import file_of, files_of
from yuejie.fapiao.reversing.store import reds_of_customer
from yuejie.fapiao.store import fapiao_of_customer
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.packs import guide
from yuejie.packs.archive import Archive
from yuejie.packs.details import UsedItem, calls_csv, days_csv
from yuejie.packs.guide import Papers
from yuejie.packs.store import closed_before, used_items

KINDS: Final = (
    DocumentKind.PDF,
    DocumentKind.XLSX,
    DocumentKind.CSV,
    DocumentKind.JSON,
    DocumentKind.FOCUS,
)
_UNSAFE: Final = re.compile(r"[^\w-]+")
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose month to pack, and who issued its bills."""

    customer: str
    month: BillingMonth
    seller: Seller
    stamping: Stamping | None = None


def pack_name(customer: Customer, month: BillingMonth) -> str:
    """Name a pack by month and customer, with nothing that a path could trip over."""
    return f"月度资料_{month}_{_UNSAFE.sub('_', customer.slug)[:60]}.zip"


def make_pack(
    db: Database, wanted: Wanted, sink: IO[bytes], *, tell: Tell = lambda _files: None
) -> str:
    """Write the pack into `sink` and return its name; `tell` hears how many files there are.

    Raises NotFound where the customer has no issued bill of the month.
    """
    with db.read(consistent=True) as tx:
        customer = find_customer(tx, wanted.customer)
        bills = issued_of_month(tx, customer, wanted.month)
        documents = [gather_document(tx, bill, wanted.seller) for bill in bills]
        if wanted.stamping is not None:
            stamp = wanted.stamping.stamp
            documents = [replace(document, stamp=stamp) for document in documents]
        papers = papers_of(tx, bills)
        with Archive(sink, wanted.month) as archive:
            for name, chunks in _files(tx, documents, papers):
                archive.add(name, chunks)
                tell(len(archive.entries))
            said = guide.guide(documents, papers, archive.entries)
            archive.add(guide.NAME, [said.encode()])
    if wanted.stamping is not None:
        note_packed(db, wanted.stamping, documents)
    return pack_name(customer, wanted.month)


def note_packed(db: Database, stamping: Stamping, documents: Sequence[BillDocument]) -> None:
    """Write down each stamped bill of a pack, once the reading is over."""
    for document in documents:
        body = render(document, DocumentKind.PDF)
        note_stamped(db, stamping, "bill", document.bill.name, body)


def issued_of_month(tx: Tx, customer: Customer, month: BillingMonth) -> list[Bill]:
    """Return the customer's issued bills of a month that say anything; there is at least one.

    First those in the month's own currency: its usage stands behind them.
    """
    found = bills_of_customer_month(tx, customer.customer_id, month)
    bills = [bill for bill in found if bill.is_final and bill.lines]
    if not bills:
        raise NotFound(f"客户 {customer.slug} 没有 {month} 的已出账账单，出账后再打包")
    return sorted(bills, key=lambda bill: is_beside(bill.part))


def papers_of(tx: Tx, bills: Sequence[Bill]) -> Papers:
    """Return the fapiao that carry tax lines of those bills, in the order of their numbers."""
    customer_id, ids = bills[0].customer_id, {bill.bill_id for bill in bills}
    blue = [
        each
        for each in fapiao_of_customer(tx, customer_id)
        if each.number and ids & set(each.bills)
    ]
    named = {each.fapiao_id for each in blue}
    red = [
        each
        for each in reds_of_customer(tx, customer_id)
        if each.number and each.fapiao_id in named
    ]
    return Papers(
        tuple(sorted(blue, key=lambda each: str(each.number))),
        tuple(sorted(red, key=lambda each: str(each.number))),
    )


def _files(
    tx: Tx, documents: Sequence[BillDocument], papers: Papers
) -> Iterator[tuple[str, Iterator[bytes]]]:
    for document in documents:
        for kind in KINDS:
            yield f"账单/{file_name(document, kind)}", iter([render(document, kind)])
    yield "用量/每日用量.csv", days_csv(documents[0])
    yield from _calls(tx, documents)
    subjects = [(each.fapiao_id, each.number, "发票") for each in papers.blue]
    subjects += [(each.red_id, each.number, "红字发票") for each in papers.red]
    for subject_id, number, what in subjects:
        for note in files_of(tx, subject_id):
            body = file_of(tx, subject_id, note.format)
            assert body is not None, "the archive forgets nothing"
            yield f"发票/{what}_{number}.{note.format}", iter([body])


def _calls(tx: Tx, documents: Sequence[BillDocument]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the files of single calls: the month's own, and what earlier months add late."""
    bill, customer = documents[0].bill, documents[0].customer
    upto = max(document.bill.epoch for document in documents)
    own = used_items(tx, bill.customer_id, [bill.month], after=0, upto=upto)
    yield from _numbered("用量明细", own, customer)
    months = sorted({line.service_month for d in documents for line in d.late})
    if months:
        after = closed_before(tx, bill.customer_id, bill.month)
        late = used_items(tx, bill.customer_id, months, after=after, upto=upto)
        yield from _numbered("补计明细", late, customer)


def _numbered(
    title: str, items: Iterator[UsedItem], customer: Customer
) -> Iterator[tuple[str, Iterator[bytes]]]:
    files = calls_csv(items, zone_of(customer.zone))
    for number, chunks in enumerate(files, 1):
        yield f"用量/{title}_{number:02d}.csv", chunks
