"""What a statement of account calls what closed a bill, in words that a customer reads. Pure.

Why somebody apportioned as he did (the matcher's points, a waiver's reason) is our own business:
a row names what it was, the bill, and of a payment its payer and the bank's day.
"""

from typing import Final

from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.store import Closed

SAID: Final = {
    Source.RECEIPT: "收款",
    Source.PREPAYMENT: "预收款抵付",
    Source.DEPOSIT: "押金抵付",
    Source.BANK_CHARGES: "银行手续费差额",
    Source.BAD_DEBT: "坏账核销",
}
"""What closed a bill, by where it came from."""
RETURNED: Final = {Source.PREPAYMENT: "多付转预收款", Source.BAD_DEBT: "坏账核销冲回"}
"""What opened it again, though nobody took back a deed: a credit note, or money for a lost debt."""
UNDONE: Final = {
    Source.RECEIPT: "收款撤销",
    Source.PREPAYMENT: "预收款抵付撤销",
    Source.DEPOSIT: "押金抵付撤销",
    Source.BANK_CHARGES: "银行手续费差额撤销",
    Source.BAD_DEBT: "坏账核销撤销",
}
"""What took a deed back."""


def words_of(row: Closed) -> tuple[str, str]:
    """Return what a movement was, and the words beside it."""
    source = Source(row.source)
    if row.undoes is not None:
        what = UNDONE[source]
    elif row.amount_fen < 0:
        what = RETURNED.get(source, UNDONE[source])
    else:
        what = SAID[source]
    paid = (row.payer_name, str(row.received_on)) if row.received_on else ()
    return what, " · ".join(each for each in (row.number, *paid) if each)
