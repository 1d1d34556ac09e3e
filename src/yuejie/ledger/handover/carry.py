"""Carry entries over to finance's own system, each exactly once, in batches that never change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import FxRate
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.handover import store
from yuejie.ledger.handover.codes import Codes, as_kept, parse_codes
from yuejie.ledger.handover.layouts import LAYOUTS, Layout, System, write_vouchers
from yuejie.ledger.handover.store import BatchRow
from yuejie.ledger.handover.voucher import Voucher, month_of, vouchers
from yuejie.ledger.posting import REVERSED
from yuejie.ledger.show import books_span
from yuejie.ledger.statement import Written

_OWN: Final = "CNY"
"""What finance keeps its books in."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A batch and its vouchers; a dry run has a batch without a place in the database."""

    batch: BatchRow
    vouchers: Sequence[Voucher]


def carry_over(
    db: Database,
    month: BillingMonth,
    system: System,
    codes: str,
    *,
    by: str,
    now: datetime,
    commit: bool = True,
) -> Carried | None:
    """Give finance every entry up to the end of a month that it has not got; None if there is none.

    An entry that turns up later with a date in that month comes with the next batch. `codes` is
    the text of the mapping; it is kept, so that a batch can be written again byte for byte.
    """
    mapping = parse_codes(codes)
    for table in ("mirrors", "numbers"):
        if getattr(mapping, table):
            raise Invalid(f"科目对照文件里的 [{table}] 由系统填写，请删去后重试")
    span = books_span(month, month)
    if now < span.end:
        raise Invalid(f"{month} 尚未结束，月末之后再移交")
    with db.begin() as tx:
        tx.lock_exclusive("handover")
        written = store.open_entries(tx, span.end)
        if not written:
            return None
        mapping.refuse_gaps(p for each in written for p in each.entry.postings)
        codes = as_kept(codes, _mirrors(tx, written, mapping), _numbers(tx, written))
        found = vouchers(written, parse_codes(codes))
        batch = BatchRow(
            batch_id=mint("bat", now),
            month=str(month),
            system=system,
            codes=codes,
            entries=len(written),
            vouchers=len(found),
            debit_fen=sum(line.debit_fen for voucher in found for line in voucher.lines),
            at=now,
            by=by,
        )
        if commit:
            store.insert_batch(tx, batch, [each.entry_id for each in written])
            deed = Deed(by, now, "hand_over", "entries", batch.batch_id)
            record_deed(tx, deed, became=_told(batch))
        return Carried(batch, found)


def _told(batch: BatchRow) -> dict[str, object]:
    """Return what a deed says of a batch; its vouchers and the mapping are kept with it."""
    return {
        "month": batch.month,
        "system": batch.system,
        "entries": batch.entries,
        "vouchers": batch.vouchers,
    }


def _numbers(tx: Tx, written: Sequence[Written]) -> Mapping[str, int]:
    """Return where each month's numbers go on behind those of earlier batches.

    What was written down late has its own date: numbered from 1 again it would be another voucher
    of the same month, word and number, which finance's system refuses or renumbers.
    """
    months = {str(month_of(each.entry.at)): month_of(each.entry.at) for each in written}
    taken = dict.fromkeys(months, 0)
    for name, month in months.items():
        span = books_span(month, month)
        for batch in store.batches_of(tx, span.start, span.end):
            before = vouchers(store.batch_entries(tx, batch.batch_id), parse_codes(batch.codes))
            numbers = [each.number for each in before if f"{each.day:%Y-%m}" == name]
            taken[name] = max([taken[name], *numbers])
    return {name: number + 1 for name, number in taken.items()}


def _mirrors(
    tx: Tx, written: Sequence[Written], mapping: Codes
) -> Mapping[str, Mapping[str, FxRate]]:
    """Return the rates of mirrors whose entries finance got at others: those they were given at.

    An accrual in dollars is given at October's rate, its mirror in November: at November's rate
    both would leave a difference in the accounts that nobody earned.
    """
    given = {
        each.entry.refers_to: each.entry
        for each in written
        if each.entry.key.startswith(REVERSED)
        and any(posting.currency != _OWN for posting in each.entry.postings)
    }
    known: dict[str, Codes] = {}
    found: dict[str, Mapping[str, FxRate]] = {}
    for key, batch_id in store.carried_in(tx, list(given)):
        if batch_id not in known:
            batch = store.batch(tx, batch_id)
            assert batch is not None, f"{key} was carried in it"
            known[batch_id] = parse_codes(batch.codes)
        mirror = given[key]
        then = {p.currency: known[batch_id].rates[p.currency] for p in mirror.postings}
        apart = {name: rate for name, rate in then.items() if rate != mapping.rates[name]}
        if apart:
            found[mirror.key] = apart
    return found


def write_batch(db: Database, batch_id: str, layout: Layout | None = None) -> tuple[str, bytes]:
    """Return a batch's file name and file, the same bytes each time."""
    with db.read(consistent=True) as tx:
        batch = store.batch(tx, batch_id)
        if batch is None:
            raise NotFound(f"没有编号为 {batch_id} 的移交批次，请用 ledger handovers 查看")
        entries = store.batch_entries(tx, batch_id)
    system = System(batch.system)
    chosen = layout or LAYOUTS[system][0]
    if chosen not in LAYOUTS[system]:
        raise Invalid(f"{system} 不接受 {chosen} 格式，可用 {'、'.join(LAYOUTS[system])}")
    codes = parse_codes(batch.codes)
    body = write_vouchers(
        system, chosen, vouchers(entries, codes), heading=codes.heading, at=batch.at
    )
    return f"vouchers-{batch.month}-{batch_id}.{chosen}", body
