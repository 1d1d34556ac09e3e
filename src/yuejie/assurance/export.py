"""Give a customer's sealed records away as one file that proves itself.

The file is read by `verifier/yuejie_verify.py`, which travels with it and needs nothing of ours.
The same records give the same bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from yuejie.assurance.verifier import yuejie_verify
from yuejie.assurance.verifier.yuejie_verify import (
    FORMAT,
    SEALED,
    encode,
    end_record,
    sealed_record,
)
from yuejie.bills.bill import Bill
from yuejie.bills.closing.store import epoch_offsets
from yuejie.bills.correct.credit import CreditNote, CreditState, canonical_credit
from yuejie.bills.correct.store import credits_of
from yuejie.bills.seal import GENESIS, canonical
from yuejie.bills.store import whole_bills
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.fapiao.issuing.chain import number_of, still_says
from yuejie.fapiao.store import seals_of_customer
from yuejie.kernel.errors import Conflict

VERIFIER: Final = "yuejie_verify.py"
Link = TypeVar("Link", Bill, CreditNote)


def export_seals(db: Database, customer: str) -> bytes:
    """Return all sealed bills, credit notes and fapiao of a customer, in the order of their seals.

    Raises NotFound for an unknown customer, Conflict where a record no longer gives its seal: what
    cannot be proved is not given away.
    """
    with db.read(consistent=True) as tx:
        return export_seals_in(tx, find_customer(tx, customer))


def export_seals_in(tx: Tx, who: Customer) -> bytes:
    """Do the same inside a transaction that reads more than that."""
    drawn = whole_bills(tx, who.customer_id)
    split = sorted({str(bill.month) for bill in drawn if bill.part})
    bills = in_chain([bill for bill in drawn if bill.seal])
    sealed = (_bills(tx, bills), _credits(tx, who, bills), _fapiao(tx, who))
    records = [_head(who, split), *chain.from_iterable(sealed)]
    lines = [(_name(record), encode(record)) for record in records]
    return b"".join(line + b"\n" for _, line in lines) + encode(end_record(lines)) + b"\n"


def verifier_source() -> bytes:
    """Return the verifier as it is given away beside the file."""
    return Path(yuejie_verify.__file__).read_bytes()


def in_chain(bills: Sequence[Bill]) -> list[Bill]:
    """Return bills in the order of their seals; those that no seal leads to follow at the end."""
    return _follow(bills, GENESIS)


def notes_in_chain(notes: Iterable[CreditNote]) -> list[CreditNote]:
    """Return approved credit notes in the order of their seals.

    Those of form 1, which name no seal before them, come first, by their dates; last of them the
    one that the chain begins behind: while a house is upgraded, an older program may add some.
    """
    sealed = [note for note in notes if note.state is CreditState.APPROVED]
    chained = [note for note in sealed if note.previous_seal is not None]
    seals = {note.seal for note in chained}
    begins = (note.previous_seal for note in chained if note.previous_seal not in seals)
    start = next(begins, GENESIS)
    first = sorted(
        (note for note in sealed if note.previous_seal is None),
        key=lambda note: (note.seal == start, note.decided_at, note.number),
    )
    return first + _follow(chained, start)


def _follow(links: Sequence[Link], seal: bytes | None) -> list[Link]:
    after = {link.previous_seal: link for link in links}
    ordered: list[Link] = []
    while (link := after.pop(seal, None)) is not None:
        ordered.append(link)
        seal = link.seal
    return ordered + [link for link in links if link not in ordered]


def _head(who: Customer, split: list[str]) -> dict[str, Any]:
    """Say whose records these are, and which months were split, issued in full or not."""
    return {
        "kind": "head",
        "format": FORMAT,
        "customer": who.slug,
        "customer_id": who.customer_id,
        "legal_name": who.legal_name,
        "split_months": split,
    }


def _bills(tx: Tx, bills: Sequence[Bill]) -> Iterator[dict[str, Any]]:
    """Yield each bill."""
    for bill in bills:
        form = canonical(bill, epoch_offsets(tx, bill.epoch))
        yield _same_seal(sealed_record("bill", bill.name, form.decode()), bill.seal)


def _credits(tx: Tx, who: Customer, bills: Sequence[Bill]) -> Iterator[dict[str, Any]]:
    """Yield each credit note, with the position of every line that it takes back of."""
    known = {bill.bill_id: bill for bill in bills}
    for note in notes_in_chain(credits_of(tx, who.customer_id)):
        bill = known[note.bill_id]
        positions = {line.line_id: line.position for line in bill.lines}
        at = {line.line_id: positions[line.line_id] for line in note.lines}
        form = canonical_credit(note, bill)
        record = sealed_record("credit", str(note.number), form.decode(), positions=at)
        yield _same_seal(record, note.seal)


def _fapiao(tx: Tx, who: Customer) -> Iterator[dict[str, Any]]:
    """Yield each fapiao and red fapiao as it was sealed, if its rows still say the same."""
    for row in seals_of_customer(tx, who.customer_id):
        if not still_says(tx, row):
            raise Conflict(
                f"发票 {number_of(row)} 的记录与封印内容不符，未导出；"
                f"请运行 yuejie fapiao check {who.slug} 并与归档文件核对后再导出"
            )
        sealed = bytes(row.canonical)
        form = msgspec.json.decode(sealed, type=dict[str, Any])
        record = sealed_record(form["what"], form["number"], sealed.decode())
        yield _same_seal(record, bytes(row.seal))


def _same_seal(record: dict[str, Any], seal: bytes | None) -> dict[str, Any]:
    if seal is None or record["seal"] != seal.hex():
        raise Conflict(
            f"{_name(record)} 的内容与封印不符，未导出；"
            "请运行 yuejie prove（发票用 yuejie fapiao check）查明后再导出"
        )
    return record


def _name(record: dict[str, Any]) -> str:
    said = {"head": "文件头", **SEALED}[record["kind"]]
    return f"{said} {record['name']}" if "name" in record else said
