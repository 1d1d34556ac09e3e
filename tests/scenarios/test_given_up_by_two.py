"""What two people gave up of a bill is not taken back by the one of them who asked for it."""

import pytest

from tests.scenarios.bank import YUAN, Bank, name, owing
from tests.scenarios.books import Books
from yuejie.bills.bill import BillState
from yuejie.kernel.errors import Forbidden, Invalid
from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.store import of_bill
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WAIVED_BY, WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


@pytest.mark.parametrize("kind", WaiverKind)
def test_what_was_given_up_is_taken_back_by_no_one_who_asked_for_it(
    bank: Bank, kind: WaiverKind
) -> None:
    """clerk-a asked, the boss approved; that approval is the boss's to undo, or a third's."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    bank.pays("2026-09-10", "985.00", name(acme), memo=str(bill.number))
    db, now, number = bank.books.db, bank.books.clock.now, str(bill.number)
    waiver = request_waiver(db, number, kind, why="手续费", by="clerk-a", now=now()).waiver_id
    decide_waiver(db, waiver, approve=True, by="boss", now=now())
    with db.read() as tx:
        rows = {row.source: row for row in of_bill(tx, acme.customer.customer_id, bill.bill_id)}
    paid, given_up = rows[Source.RECEIPT], rows[WAIVED_BY[kind]]
    with pytest.raises(Forbidden, match="减免由 clerk-a 提出，须由另一人撤销") as refused:
        undo_batch(db, given_up.batch_id, why="客户愿付", by="clerk-a", now=now())
    assert refused.value.facts == {"waiver": waiver}
    with pytest.raises(Invalid, match="须写明原因"):
        undo_batch(db, given_up.batch_id, why=" ", by="boss", now=now())
    undo_batch(db, given_up.batch_id, why="客户愿付", by="clerk-b", now=now())
    assert acme.bill("2026-08").state is BillState.ISSUED
    undo_batch(db, paid.batch_id, why="认错了", by="clerk-a", now=now())
    bank.books_agree(acme)
