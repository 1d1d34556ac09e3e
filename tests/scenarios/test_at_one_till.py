"""Two people, or a person and the clerk, at one receipt, one prepayment or one approval at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from threading import Barrier
from time import monotonic, sleep

import pytest

from tests.scenarios.bank import YUAN, Bank, name, owing
from tests.scenarios.books import Books, Party
from tests.told import told
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, DomainError, Invalid
from yuejie.ledger.check import check_ledger
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balance
from yuejie.payments.apportion.draw import set_aside
from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.place import Placing, apportion_receipt, left_of
from yuejie.payments.apportion.refund import LIVE, RefundState
from yuejie.payments.apportion.refunds import (
    Wanted,
    bounce,
    decide_refund,
    refund_failed,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.store import refunds_of
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.claims.claim import Claimed
from yuejie.payments.claims.decide import accept_claim, claim_receipt, reject_claim
from yuejie.payments.receipts.match import match_open
from yuejie.payments.receipts.receipt import Receipt
from yuejie.payments.statements.store import lines_called

ROUNDS = 5
MONTHS = [f"2026-{month:02d}" for month in range(4, 9)]
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
Deed = Callable[[], object]


@dataclass
class Till:
    """A bank, and a customer that owes 100,000 for each of five months."""

    bank: Bank
    acme: Party
    serial: int = 0

    @property
    def slug(self) -> str:
        return self.acme.customer.slug

    def receipt(self, yuan: str = "1000.00", payer: str = "") -> Receipt:
        """Let the customer pay, or somebody else; nobody has looked at it yet."""
        self.serial += 1
        row = self.bank.row("2026-09-10", yuan, payer or name(self.acme), number="6222")
        self.bank.imports(row, name=f"{self.serial}.csv")
        return self.bank.receipts()[-1]

    def apportion(self, receipt: Receipt, by: str = "a", *, ahead: bool = False) -> Deed:
        """Place all of it on the oldest bills, or ahead of any."""
        now = self.bank.books.tick()
        placing = Placing(customer=self.slug, bills={} if ahead else None)
        return lambda: apportion_receipt(
            self.bank.books.db, receipt.receipt_id, placing, by=by, now=now
        )

    def back(self, receipt: Receipt, source: Source = Source.RECEIPT, fen: int = 1000_00) -> Deed:
        customer = None if source is Source.RECEIPT else self.slug
        wanted = Wanted(
            receipt_id=receipt.receipt_id,
            source=source,
            customer=customer,
            amount_fen=fen,
            why="付错",
        )
        now = self.bank.books.tick()
        return lambda: request_refund(self.bank.books.db, wanted, by="a", now=now)

    def decide(self, refund: str, by: str, *, approve: bool) -> Deed:
        now, why = self.bank.books.tick(), "" if approve else "先核对"
        return lambda: decide_refund(
            self.bank.books.db, refund, approve=approve, why=why, by=by, now=now
        )

    def bounces(self, receipt: Receipt, by: str = "a") -> Deed:
        now = self.bank.books.tick()
        return lambda: bounce(
            self.bank.books.db, receipt.receipt_id, line=None, why="退票", by=by, now=now
        )

    def asked(self, receipt: Receipt) -> str:
        """Ask for all of a receipt to go back, and return the refund's id."""
        self.back(receipt)()
        with self.bank.books.db.read() as tx:
            return refunds_of(tx, receipt.receipt_id)[-1].refund_id

    def turn_down(self, receipt: Receipt) -> None:
        """Reject what was asked to go back: the ledger knows of it only once it is paid."""
        with self.bank.books.db.read() as tx:
            asked = [
                each.refund_id
                for each in refunds_of(tx, receipt.receipt_id)
                if each.state is RefundState.REQUESTED
            ]
        for refund in asked:
            self.decide(refund, "b", approve=False)()

    def is_whole(self, receipt: Receipt) -> None:
        """A receipt is what was placed, what went or is to go back, and what is left of it."""
        with self.bank.books.db.read() as tx:
            left = left_of(tx, receipt)
            back = sum(
                each.amount_fen
                for each in refunds_of(tx, receipt.receipt_id)
                if each.state in LIVE and each.source is Source.RECEIPT
            )
            assert 0 <= left <= receipt.amount_fen
            assert left + back <= receipt.amount_fen
            waiting = -balance(
                tx, Account.SUSPENSE, party=receipt.account_id, currency=receipt.currency
            )
            paid = sum(
                each.amount_fen
                for other in self.bank.receipts()
                for each in refunds_of(tx, other.receipt_id)
                if each.state in LIVE and each.state != "paid" and each.source is Source.RECEIPT
            )
            assert waiting == paid + sum(left_of(tx, each) for each in self.bank.receipts())
        assert all(checked.holds for checked in check_ledger(self.bank.books.db))
        self.bank.books_agree(self.acme)


def both(left: Deed, right: Deed) -> tuple[str, str]:
    """Let two deeds begin in the same moment; return done, or why each was refused."""
    start = Barrier(2)

    def do(deed: Deed) -> str:
        start.wait(10)
        try:
            deed()
        except (Conflict, Invalid) as error:
            return f"{type(error).__name__}"
        except DomainError as error:
            return f"{type(error).__name__}: {error}"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(do, (left, right))
    return one, other


def _waiting(tx: Tx) -> int:
    tx.run("SELECT pg_stat_clear_snapshot()")
    return int(tx.value(WAITING))


def behind(till: Till, hold: Callable[[Tx], object], *deeds: Deed) -> list[str]:
    """Let deeds queue, in this order, behind what is held, then go; return what was refused."""
    refused = []

    def do(deed: Deed) -> None:
        try:
            deed()
        except DomainError as error:
            refused.append(error.sentence)

    db = till.bank.books.db
    with ThreadPoolExecutor(len(deeds)) as pool, db.begin() as tx:
        hold(tx)
        for count, deed in enumerate(deeds, 1):
            pool.submit(do, deed)
            until = monotonic() + 10
            while _waiting(tx) < count and monotonic() < until:
                sleep(0.01)
    return refused


@pytest.fixture
def till(books: Books) -> Till:
    books.prices(YUAN, currency="CNY")
    bank = Bank(books)
    till = Till(bank, owing(bank, "acme", dict.fromkeys(MONTHS, 100_000)))
    bank.at("2026-09-11")
    return till


ONE = {("done", "Conflict"), ("Conflict", "done")}


def test_a_receipt_goes_to_its_bill_or_back_or_is_bounced(till: Till) -> None:
    """Of two who take all of it, one gets it, in whichever order; nothing is taken twice."""
    pairs: list[Callable[[Receipt], tuple[Deed, Deed]]] = [
        lambda r: (till.apportion(r), till.back(r)),
        lambda r: (till.back(r), till.back(r)),
        lambda r: (till.bounces(r), till.back(r)),
        lambda r: (till.bounces(r), till.bounces(r, "b")),
        lambda r: (till.apportion(r), till.apportion(r, "b")),
    ]
    for pair in pairs:
        for _ in range(ROUNDS):
            receipt = till.receipt()
            assert both(*pair(receipt)) in ONE
            till.is_whole(receipt)


def test_a_receipt_is_placed_by_a_person_while_the_clerk_matches(till: Till) -> None:
    db = till.bank.books.db
    for _ in range(ROUNDS):
        receipt = till.receipt()
        now = till.bank.books.tick()
        one, other = both(till.apportion(receipt), partial(match_open, db, now=now))
        assert (one in {"done", "Conflict"}, other) == (True, "done")
        assert till.bank.receipt(receipt.receipt_id).state == "apportioned"
        till.is_whole(receipt)


def test_a_refund_is_approved_or_rejected_and_paid_or_not(till: Till) -> None:
    """Whoever is second is refused; who asked is told of a rejection, and of nothing else."""
    db = till.bank.books.db
    rejected = 0
    for _ in range(ROUNDS):
        receipt = till.receipt()
        refund = till.asked(receipt)
        deeds = till.decide(refund, "b", approve=True), till.decide(refund, "c", approve=False)
        outcome = both(*deeds)
        assert outcome in ONE
        rejected += outcome[1] == "done"
        till.is_whole(receipt)
    assert len(told(db)) == rejected
    failed = 0
    for _ in range(ROUNDS):
        receipt = till.receipt()
        refund = till.asked(receipt)
        till.decide(refund, "b", approve=True)()
        now = till.bank.books.tick()
        outcome = both(
            partial(refund_paid, db, refund, line=None, paid_on=date(2026, 9, 11), by="b", now=now),
            partial(refund_failed, db, refund, why="账户已销户", by="c", now=now),
        )
        assert outcome in ONE
        failed += outcome[1] == "done"
        till.is_whole(receipt)
    assert len(told(db)) == rejected + failed


def test_one_line_of_the_bank_pays_one_refund(till: Till) -> None:
    """Two refunds of one amount, and one serial that the bank printed."""
    db = till.bank.books.db
    for count in range(ROUNDS):
        refunds = [till.asked(till.receipt(payer="甲")) for _ in range(2)]
        for refund in refunds:
            till.decide(refund, "b", approve=True)()
        row = till.bank.row("2026-09-11", "1000.00", "甲", number="6222", out=True)
        till.bank.imports(row, name=f"out{count}.csv")
        now = till.bank.books.tick()
        pays = [
            partial(
                refund_paid, db, refund, line=row[1], paid_on=date(2026, 9, 11), by="b", now=now
            )
            for refund in refunds
        ]
        assert both(pays[0], pays[1]) in ONE


def test_a_return_and_a_refund_that_name_one_line_wait_in_one_order(till: Till) -> None:
    """The line is held before the bank's account: else each held what the other waited for."""
    db = till.bank.books.db
    paid = till.receipt(payer="甲")
    refund = till.asked(paid)
    till.decide(refund, "b", approve=True)()
    returned = till.receipt(payer="甲")
    assert returned != paid
    row = till.bank.row("2026-09-11", "1000.00", "甲", number="6222", out=True)
    till.bank.imports(row, name="out.csv")
    with db.read() as tx:
        (line,) = lines_called(tx, paid.account_id, row[1])
    now = till.bank.books.tick()
    day = date(2026, 9, 11)
    refused = behind(
        till,
        lambda tx: tx.lock_exclusive(f"bank line {line.line_id}"),
        partial(refund_paid, db, refund, line=row[1], paid_on=day, by="b", now=now),
        partial(bounce, db, returned.receipt_id, line=row[1], why="退票", by="c", now=now),
    )
    assert refused == [
        f"流水 {row[1]} 已登记为退款 {refund}，一笔支出只对应一笔退款，请核对",
    ]
    till.is_whole(paid)
    till.is_whole(returned)


def test_a_waiver_is_decided_once_and_not_of_what_is_paid(till: Till) -> None:
    """Approved beside a payment of its bill: what is given up is what was open, or nothing is."""
    db = till.bank.books.db
    for month in MONTHS:
        bill, now = str(till.acme.bill(month).number), till.bank.books.tick()
        asked = request_waiver(db, bill, WaiverKind.WRITE_OFF, why="破产", by="a", now=now)
        receipt = till.receipt()
        placing = Placing(customer=till.slug, bills={bill: 1000_00})
        outcome = both(
            partial(decide_waiver, db, asked.waiver_id, approve=True, by="b", now=now),
            partial(apportion_receipt, db, receipt.receipt_id, placing, by="a", now=now),
        )
        # What is given up may still be claimed: a payment behind it takes the loss back.
        assert outcome in {("done", "done"), ("Conflict", "done")}
        till.is_whole(receipt)
        left = {"done": "0.00", "Conflict": "99,000.00"}[outcome[0]]
        assert till.bank.open(till.acme).get(month, "0.00") == left
        if outcome[0] == "Conflict":
            rejects = partial(
                decide_waiver, db, asked.waiver_id, approve=False, why="已付", now=now
            )
            assert both(partial(rejects, by="c"), partial(rejects, by="d")) in ONE


def test_a_claim_is_accepted_or_rejected_or_overtaken(till: Till) -> None:
    db = till.bank.books.db
    for _ in range(ROUNDS):
        receipt = till.receipt()
        claimed = Claimed(
            payer_name=receipt.payer_name, amount_fen=1000_00, paid_on=receipt.received_on
        )
        now = till.bank.books.tick()
        claim = claim_receipt(
            db, till.acme.customer.customer_id, claimed, by="customer:li", now=now
        )
        accepts = partial(
            accept_claim, db, claim.claim_id, receipt_id=receipt.receipt_id, by="b", now=now
        )
        rejects = partial(reject_claim, db, claim.claim_id, answer="未见到账", by="c", now=now)
        against = rejects if till.serial % 2 else till.apportion(receipt)
        assert both(accepts, against) in ONE
        till.is_whole(receipt)


def test_a_prepayment_is_spent_once(till: Till) -> None:
    """Drawn for a bill, set aside, asked back: all of it, by two at once."""
    db = till.bank.books.db
    outcomes: Counter[tuple[str, str]] = Counter()
    for _ in range(ROUNDS):
        receipt = till.receipt("100.00")
        till.apportion(receipt, ahead=True)()
        now = till.bank.books.tick()
        aside = partial(set_aside, db, till.slug, 100_00, why="合同约定", by="a", now=now)
        back = till.back(receipt, Source.PREPAYMENT, 100_00)
        outcomes[both(aside, back)] += 1
        assert till.bank.prepaid(till.acme) == "0.00"
        till.turn_down(receipt)
        till.is_whole(receipt)
        if till.bank.prepaid(till.acme) != "0.00":
            aside()
    assert set(outcomes) <= ONE


def test_money_that_is_taken_back_is_not_given_back_as_well(till: Till) -> None:
    """One undoes what made a prepayment while another asks for it to go back."""
    db = till.bank.books.db
    for _ in range(ROUNDS):
        receipt = till.receipt("100.00")
        placed = till.apportion(receipt, ahead=True)()
        batch = placed.batch_id  # type: ignore[attr-defined]  # what apportioning returns
        now = till.bank.books.tick()
        undo = partial(undo_batch, db, batch, why="认错了", by="b", now=now)
        outcome = both(undo, till.back(receipt, Source.PREPAYMENT, 100_00))
        assert outcome in ONE
        till.turn_down(receipt)
        if outcome[0] != "done":
            undo()
        till.is_whole(receipt)
