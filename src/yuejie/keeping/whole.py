"""Give one customer, or a court, everything there is of it: one ZIP with a manifest of hashes.

Read at a single moment, written piece by piece: however much there is, no more of it is held than
a few rows or one document.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, Final

import msgspec

from yuejie.assurance.export import VERIFIER, export_seals_in, verifier_source
from yuejie.bills.bill import Bill
from yuejie.bills.documents.document import DocumentKind, Seller
from yuejie.bills.documents.render import file_name, render
from yuejie.bills.show import gather_document
from yuejie.bills.store import whole_bills
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.keeping import store
from yuejie.keeping.scope import HOUSE, SECRETS, Path, columns_of, path_of
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.packs.archive import Archive
from yuejie.usage.warehouse import read
from yuejie.usage.warehouse.clickhouse import store as far

_LINES: Final = 500
_EVENTS: Final = "usage_event"
MANIFEST: Final = "清单.json"


@dataclass(frozen=True, slots=True)
class Given:
    """What was given away: how many files, rows and bytes."""

    customer: str
    files: int
    rows: int
    bytes: int
    sha256_of_manifest: str


class _Counted:
    """Counts the rows that pass."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}

    def lines(self, table: str, rows: Iterable[str]) -> Iterator[bytes]:
        """Yield rows as JSON lines, some at a time."""
        self.rows[table] = 0
        kept: list[str] = []
        for row in rows:
            kept.append(row)
            self.rows[table] += 1
            if len(kept) == _LINES:
                yield ("\n".join(kept) + "\n").encode()
                kept.clear()
        if kept:
            yield ("\n".join(kept) + "\n").encode()


def export_whole(
    db: Database,
    customer: str,
    sink: IO[bytes],
    seller: Seller,
    *,
    court: bool,
    why: str,
    by: str,
    now: datetime,
) -> Given:
    """Write everything of a customer into `sink`; for a court also what the house alone sees.

    That it was given away, to whom and why, is written down first.
    """
    who = _note(db, customer, court=court, why=why, by=by, now=now)
    counted = _Counted()
    month = BillingMonth.of(now, zone_of("UTC"))
    with db.read(consistent=True) as tx, Archive(sink, month) as archive:
        read.hold_partitions(tx)
        for table, columns, path in _tables(tx, court=court):
            rows = store.rows_as_json(tx, who.customer_id, table, columns, path)
            if table == _EVENTS:
                rows = _with_moved(tx, who, rows, columns)
            archive.add(f"tables/{table}.jsonl", counted.lines(table, rows))
        for name, body in _documents(tx, who, seller):
            archive.add(name, [body])
        manifest = _manifest(who, archive, counted, court=court, why=why, by=by, now=now)
        last = archive.add(MANIFEST, [manifest])
        entries = archive.entries
    return Given(
        who.slug,
        len(entries),
        sum(counted.rows.values()),
        sum(entry.size for entry in entries),
        last.sha256,
    )


def _note(
    db: Database, customer: str, *, court: bool, why: str, by: str, now: datetime
) -> Customer:
    with db.begin() as tx:
        who = find_customer(tx, customer)
        deed = Deed(by, now, "export", "customer", who.slug, why)
        record_deed(tx, deed, became={"for": "court" if court else "customer"})
    return who


def _tables(tx: Tx, *, court: bool) -> Iterator[tuple[str, list[str], Path]]:
    """Yield every table of which rows are a customer's, with the columns that are given away."""
    names: dict[str, list[str]] = {}
    for column in store.columns(tx):
        names.setdefault(column.table_name, []).append(column.column_name)
    for table, found in names.items():
        path = path_of(table, found, court=court)
        if path is not None:
            yield table, columns_of(table, found, court=court), path


def _with_moved(
    tx: Tx, who: Customer, rows: Iterator[str], columns: Sequence[str]
) -> Iterator[str]:
    """Put moved events before those that are here, in the same columns."""
    there = read.still_away(tx, who.customer_id)
    if there:
        for event in far.every_event(tx, who.customer_id, there.partitions):
            yield msgspec.json.encode({name: event[name] for name in columns}).decode()
    yield from rows


def _documents(tx: Tx, who: Customer, seller: Seller) -> Iterator[tuple[str, bytes]]:
    bills = whole_bills(tx, who.customer_id)
    for bill in bills:
        if bill.number is not None:
            yield from _bill(tx, bill, seller)
    for paper in store.papers(tx, who.customer_id):
        name = paper.name.replace("/", "_")
        yield f"documents/{paper.folder}/{name}", store.paper(tx, who.customer_id, paper)
    yield "seals/seals.jsonl", export_seals_in(tx, who)
    yield f"seals/{VERIFIER}", verifier_source()


def _bill(tx: Tx, bill: Bill, seller: Seller) -> Iterator[tuple[str, bytes]]:
    document = gather_document(tx, bill, seller)
    for kind in (DocumentKind.PDF, DocumentKind.JSON):
        yield f"documents/bills/{file_name(document, kind)}", render(document, kind)


def _manifest(
    who: Customer,
    archive: Archive,
    counted: _Counted,
    *,
    court: bool,
    why: str,
    by: str,
    now: datetime,
) -> bytes:
    """Name every file with its SHA-256 and rows, and every table left out with its reason."""
    said = {
        "format": "yuejie-whole/1",
        "customer": who.slug,
        "customer_id": who.customer_id,
        "legal_name": who.legal_name,
        "for": "court" if court else "customer",
        "why": why,
        "made_by": by,
        "made_at": now.isoformat(),
        "files": [asdict(entry) | _rows(entry.name, counted) for entry in archive.entries],
        "not_included": HOUSE,
        "columns_left_out": {table: sorted(names) for table, names in SECRETS.items()},
    }
    return msgspec.json.format(msgspec.json.encode(said), indent=1)


def _rows(name: str, counted: _Counted) -> dict[str, int]:
    table = name.removeprefix("tables/").removesuffix(".jsonl")
    return {"rows": counted.rows[table]} if name.startswith("tables/") else {}
