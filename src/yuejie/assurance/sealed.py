"""Check what issuing promised: seals and their chain, credit notes, and the debt in the ledger."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from yuejie.assurance import store
from yuejie.assurance.export import in_chain, notes_in_chain
from yuejie.assurance.oracle import Difference
from yuejie.bills.bill import FINAL, Bill
from yuejie.bills.closing.store import epoch_offsets
from yuejie.bills.correct.credit import VERSION, CreditNote, CreditState, seal_of_credit
from yuejie.bills.seal import GENESIS, canonical, proposal, seal_of
from yuejie.db.session import Tx

_BOOKED = {"late_fee": "late_fee", "package": "prepayment", "package_purchase": "prepayment"}


def check_sealed(
    tx: Tx, bill: Bill, chain: Mapping[str, bytes], notes: Sequence[CreditNote]
) -> Iterator[Difference]:
    """Yield what is wrong with a bill's seal, its place in the chain, its credits, its entry.

    `chain` is the seal that each bill and credit note of the customer should follow, by its id.
    """
    if bill.proposed_hash is not None and proposal(bill) != bill.proposed_hash:
        yield Difference("提交确认的内容", bill.proposed_hash.hex(), proposal(bill).hex())
    if bill.state not in FINAL:
        return
    seal = seal_of(canonical(bill, epoch_offsets(tx, bill.epoch)))
    if seal != bill.seal:
        yield Difference("封印", bill.seal.hex() if bill.seal else "无", seal.hex())
    before, due = bill.previous_seal or b"", chain[bill.bill_id]
    if before != due:
        yield Difference("上一封印", before.hex(), due.hex())
    yield from _entry(tx, f"bill:{bill.bill_id}:issue", bill, _debt(bill))
    for note in notes:
        if note.state is CreditState.APPROVED:
            yield from _credit(tx, note, bill, chain[note.credit_note_id])


def chain_of(bills: Sequence[Bill]) -> dict[str, bytes]:
    """Return the seal that each issued bill should follow, walking the chain from its beginning.

    What the walk does not reach (a fork, a gap) should have followed the last that it did.
    """
    found: dict[str, bytes] = {}
    before = GENESIS
    for bill in in_chain([bill for bill in bills if bill.state in FINAL]):
        found[bill.bill_id] = before
        before = bill.seal or b""
    return found


def chain_of_notes(notes: Sequence[CreditNote]) -> dict[str, bytes]:
    """Return the seal that each approved credit note should follow; nothing for form 1."""
    found: dict[str, bytes] = {}
    before = GENESIS
    for note in notes_in_chain(notes):
        found[note.credit_note_id] = before if note.seal_form >= VERSION else b""
        before = note.seal or b""
    return found


def _credit(tx: Tx, note: CreditNote, bill: Bill, due: bytes) -> Iterator[Difference]:
    if (before := note.previous_seal or b"") != due:
        yield Difference(f"冲减单 {note.number} 上一封印", before.hex(), due.hex())
    seal = seal_of_credit(note, bill)
    if seal != note.seal:
        yield Difference(
            f"冲减单 {note.number} 封印", note.seal.hex() if note.seal else "", seal.hex()
        )
    sums = sum(line.net_fen for line in note.lines), sum(line.tax_fen for line in note.lines)
    if sums != (note.net.fen, note.tax.fen):
        yield Difference(f"冲减单 {note.number} 合计", str((note.net.fen, note.tax.fen)), str(sums))
    kinds = {line.line_id: str(line.kind) for line in bill.lines}
    owed: Counter[str] = Counter({"receivable": -sum(sums), "tax_payable": sums[1]})
    for line in note.lines:
        owed[_BOOKED.get(kinds[line.line_id], "revenue")] += line.net_fen
    yield from _entry(tx, f"credit:{note.credit_note_id}", bill, owed)


def _debt(bill: Bill) -> Counter[str]:
    """Return what issuing should have booked, by account; debits are positive."""
    due: Counter[str] = Counter()
    for line in bill.lines:
        due["receivable"] += line.net_fen + line.tax_fen
        due["tax_payable"] -= line.tax_fen
        due[_BOOKED.get(str(line.kind), "revenue")] -= line.net_fen
    return due


def _entry(tx: Tx, key: str, bill: Bill, due: Mapping[str, int]) -> Iterator[Difference]:
    booked = store.booked(tx, bill.customer_id, key, bill.currency)
    wanted = {account: fen for account, fen in due.items() if fen}
    if booked != wanted:
        yield Difference(f"分录 {key}", str(booked), str(wanted))
