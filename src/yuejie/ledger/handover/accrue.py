"""Accrue (暂估) what was used and not billed by the end of a month, and take it back on the first.

Revenue belongs to the month of the service (企业会计准则第 14 号), the bill comes days later: the
month gets Dr 暂估应收 / Cr 主营业务收入 without tax, the next one its mirror, and then the bill.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.handover import store
from yuejie.ledger.post import post_all
from yuejie.ledger.posting import Account, Entry, credit, debit
from yuejie.ledger.show import books_span


@dataclass(frozen=True, slots=True)
class Unbilled:
    """What a party owes for a month and has not been billed, without tax, in fen."""

    party: str
    currency: str
    fen: int


@dataclass(frozen=True, slots=True)
class Accrued:
    """What was accrued now: the difference to what had been accrued before."""

    party: str
    currency: str
    fen: int


def accrue(
    db: Database,
    month: BillingMonth,
    amounts: Callable[[Tx], Iterable[Unbilled]],
    *,
    by: str,
    now: datetime,
    commit: bool = True,
) -> Sequence[Accrued]:
    """Bring the month's accrual to the amounts, and its mirror with it; return what moved.

    Repeated, it moves nothing; with other amounts it posts the difference.
    """
    span = books_span(month, month)
    if now < span.end:
        raise Invalid(f"{month} 尚未结束，月末之后再暂估")
    last, first = span.end - timedelta(microseconds=1), span.end
    with db.begin() as tx:
        tx.lock_exclusive(f"accrual {month}")
        name = f"accrual:{month}"
        before = {(row.party, row.currency): row for row in store.accrued(tx, name)}
        wanted = {(each.party, each.currency): each.fen for each in amounts(tx)}
        moved: list[Accrued] = []
        entries: list[Entry] = []
        for party, currency in sorted({*before, *wanted}):
            known = before.get((party, currency))
            fen = wanted.get((party, currency), 0) - (known.fen if known else 0)
            if not fen:
                continue
            moved.append(Accrued(party, currency, fen))
            count = (known.entries if known else 0) + 1
            entry = Entry(
                key=f"{name}:{party}:{currency}:{count}",
                kind="accrual",
                at=last,
                by=by,
                postings=(
                    debit(Account.UNBILLED, fen, currency, party),
                    credit(Account.REVENUE, fen, currency, party),
                ),
                refers_to=name,
                memo=f"暂估 {month} 收入",
            )
            entries += [entry, entry.mirror(at=first, by=by, why=f"冲回 {month} 暂估收入")]
        if commit and moved:
            post_all(tx, entries)
            deed = Deed(by, now, "accrue", "entries", name)
            record_deed(tx, deed, became={"month": str(month), "entries": len(entries)})
        return moved
