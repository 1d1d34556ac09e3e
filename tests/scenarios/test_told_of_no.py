"""Who asked for money to go back, or to be given up, hears that somebody else said no, and why."""

from datetime import date

import pytest

from tests.recorded import recorded, steps
from tests.scenarios.bank import YUAN, Bank, name, owing
from tests.scenarios.books import Books
from tests.told import told
from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.refunds import Wanted, decide_refund, refund_failed, request_refund
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.claims.claim import Claimed
from yuejie.payments.claims.decide import claim_receipt, reject_claim


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def asked_back(bank: Bank) -> str:
    """Let somebody unknown pay 500, and ann ask for it to go back."""
    receipt = bank.pays("2026-09-10", "500.00", "误付有限公司")
    wanted = Wanted(
        receipt_id=receipt.receipt_id, source=Source.RECEIPT, amount_fen=500_00, why="对方误付"
    )
    now = bank.books.tick()
    return request_refund(bank.books.db, wanted, by="operator:ann", now=now).refund_id


def test_a_refund_that_is_turned_down_is_told(bank: Bank) -> None:
    refund, db = asked_back(bank), bank.books.db
    decide_refund(
        db, refund, approve=False, why="先核对合同。", by="operator:bob", now=bank.books.tick()
    )
    (note,) = told(db)
    assert note.audience == "operator"
    assert note.words() == (
        f"ann 提出的退款申请 {refund} 被驳回：先核对合同。请按原因处理，需要时重新提出。"
    )
    assert note.words("en").startswith(f"Refund {refund}, asked for by ann: rejected, because")
    assert note.facts["amount"] == "500.00 CNY"
    assert steps(recorded(db, "refund"))[-1] == (
        *("operator:bob", "reject", "requested", "rejected"),
        "先核对合同。",
    )


def test_one_that_is_approved_is_no_news_and_one_that_the_bank_refuses_is(bank: Bank) -> None:
    refund, db = asked_back(bank), bank.books.db
    decide_refund(db, refund, approve=True, by="operator:bob", now=bank.books.tick())
    assert told(db) == []
    refund_failed(db, refund, why="账户已销户", by="operator:bob", now=bank.books.tick())
    (note,) = told(db)
    assert "银行未付出：账户已销户" in note.words()
    assert "not paid by the bank" in note.words("en")


@pytest.mark.parametrize(
    ("kind", "words"), [("short_pay", "手续费减免申请"), ("write_off", "坏账核销申请")]
)
def test_a_waiver_that_is_turned_down_is_told(bank: Bank, kind: str, words: str) -> None:
    acme, db = owing(bank, "acme", {"2026-08": 1000}), bank.books.db
    bill = acme.bill("2026-08")
    bank.pays("2026-09-10", "985.00", name(acme), memo=str(bill.number))
    waiver = request_waiver(
        db,
        str(bill.number),
        WaiverKind(kind),
        why="手续费",
        by="operator:ann",
        now=bank.books.tick(),
    )
    decide_waiver(
        db,
        waiver.waiver_id,
        approve=False,
        why="客户应补",
        by="operator:bob",
        now=bank.books.tick(),
    )
    (note,) = told(db)
    assert words in note.words()
    assert (note.facts["customer"], note.facts["amount"]) == ("acme", "15.00 CNY")


def test_a_customer_whose_claim_is_turned_down_is_told(bank: Bank) -> None:
    """It had to look at its page; now its own people hear it, and nobody of ours."""
    acme, db = owing(bank, "acme", {"2026-08": 1000}), bank.books.db
    claimed = Claimed(payer_name="acme", amount_fen=1000_00, paid_on=date(2026, 9, 10))
    claim = claim_receipt(
        db, acme.customer.customer_id, claimed, by="customer:li", now=bank.books.tick()
    )
    reject_claim(db, claim.claim_id, answer="未见到账", by="operator:bob", now=bank.books.tick())
    (note,) = told(db)
    assert note.audience == "customer"
    assert note.words() == (
        f"li 提出的到账认领 {claim.claim_id} 被驳回：未见到账。请按原因处理，需要时重新提出。"
    )
