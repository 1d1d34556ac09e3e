"""Who did what about money, when, why, from what to what: in the one record of deeds."""

from zoneinfo import ZoneInfo

import pytest

from tests.scenarios.bank import YUAN, Bank, name, owing
from tests.scenarios.books import CLERK, Books
from yuejie.kernel.errors import Invalid
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.refunds import (
    Wanted,
    decide_refund,
    owes_none,
    request_refund,
)
from yuejie.payments.apportion.store import of_receipt
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.claims.claim import Claimed
from yuejie.payments.claims.decide import claim_receipt, reject_claim
from yuejie.payments.receipts.receipt import Receipt
from yuejie.web.pages.frame.words import EN, ZH
from yuejie.web.record.told import Told, tell_deeds
from yuejie.web.store import DeedRow, Sought, deeds

MONEY = ("statement_file", "receipt", "apportionment", "refund", "waiver", "receipt_claim")


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def done(bank: Bank) -> list[DeedRow]:
    """Return the deeds about money, the oldest first."""
    with bank.books.db.read() as tx:
        found = deeds(tx, Sought(), before=1 << 62, limit=1000)
    return [each for each in reversed(found) if each.noun in MONEY]


def said(rows: list[DeedRow]) -> list[tuple[str, str, str]]:
    return [(each.by, each.verb, each.noun) for each in rows]


def told(bank: Bank, noun: str, language: str = ZH) -> list[Told]:
    """Tell the deeds about a kind of thing in words, the oldest first."""
    with bank.books.db.read() as tx:
        rows = deeds(tx, Sought(noun=noun), before=1 << 62, limit=1000)
        return tell_deeds(tx, None, rows, language=language, zone=ZoneInfo("UTC"))[::-1]


def changes(deed: Told) -> list[tuple[str, str, str]]:
    return [(each.field, each.was, each.became) for each in deed.changes]


def test_a_payment_is_told_by_numbers_names_and_amounts(bank: Bank) -> None:
    """What an auditor reads of a matched payment: the bill's number, its link, yuan, and words."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    number, company = str(bill.number), name(acme)
    bank.pays("2026-09-10", "1000.00", company, memo=number)

    (paid,) = [each for each in told(bank, "bill") if each.row.verb == "pay"]
    assert (paid.what, paid.thing, paid.path) == ("账单 结清", number, f"/bills/{bill.bill_id}")
    assert changes(paid) == [("状态", "已出账", "已结清")]

    (placed,) = told(bank, "apportionment")
    assert (placed.what, placed.thing) == ("认款 记入", number)
    fields = {each.field: (each.was, each.became) for each in placed.changes}
    assert fields[f"未付·{number}"] == ("1,000.00", "0.00")
    assert number in fields["款项"][1]
    assert "金额 1,000.00 CNY" in fields["款项"][1]
    assert "cus_" not in fields["款项"][1]

    (matched,) = told(bank, "receipt")
    assert matched.thing == f"{company} 1,000.00 CNY"
    assert matched.path.startswith("/bank/receipts/rcp_")
    assert changes(matched) == [("状态", "已到账", "已认款")]

    (english,) = [each for each in told(bank, "bill", EN) if each.row.verb == "pay"]
    assert (english.what, changes(english)) == ("pay bill", [("state", "issued", "paid")])


def test_a_receipt_is_imported_matched_taken_back_and_placed_again(bank: Bank) -> None:
    """700 of 1,000 come in and are matched; somebody takes that back, and gives 600 of it again."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    number, now = str(acme.bill("2026-08").number), bank.books.clock.now
    receipt = bank.pays("2026-09-10", "700.00", name(acme), memo=number)
    imported, posted, matched = done(bank)
    assert (imported.verb, imported.noun) == ("import", "statement_file")
    assert imported.became is not None
    assert (imported.became["lines"], imported.became["receipts"]) == (1, [receipt.receipt_id])
    assert said([posted, matched]) == [
        ("matcher", "apportion", "apportionment"),
        ("matcher", "apportion", "receipt"),
    ]
    assert posted.was == {"open_fen": {number: 1000_00}, "rows": []}
    assert posted.became is not None
    assert posted.became["open_fen"] == {number: 300_00}
    assert "95 分" in posted.why
    assert (matched.name, matched.was, matched.became) == (
        receipt.receipt_id,
        {"state": "received"},
        {"state": "apportioned"},
    )
    rows = placed(bank, receipt)
    undo_batch(bank.books.db, posted.name, why="认错了", by=CLERK, now=now())
    back, released = done(bank)[3:]
    assert said([back, released]) == [
        (CLERK, "take_back", "apportionment"),
        (CLERK, "undo", "receipt"),
    ]
    assert back.was == {"open_fen": {number: 300_00}, "rows": rows}
    assert back.became is not None
    assert (back.became["open_fen"], back.why) == ({number: 1000_00}, "认错了")


def placed(bank: Bank, receipt: Receipt) -> list[str]:
    with bank.books.db.read() as tx:
        return [row.apportionment_id for row in of_receipt(tx, receipt.receipt_id)]


def test_what_is_given_up_given_back_or_claimed_has_its_deeds(bank: Bank) -> None:
    """
    Of 1,000 a write-off is asked for and approved; 50 that came in are to go back, which is turned
    down; the customer claims money of which nothing is known.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number, db, now = str(acme.bill("2026-08").number), bank.books.db, bank.books.clock.now
    asked = request_waiver(db, number, WaiverKind.WRITE_OFF, why="破产", by="amy", now=now())
    decide_waiver(db, asked.waiver_id, approve=True, by="boss", now=now())
    wanted, given_up, approved = done(bank)
    assert said([wanted, given_up, approved]) == [
        ("amy", "request", "waiver"),
        ("boss", "apportion", "apportionment"),
        ("boss", "approve", "waiver"),
    ]
    assert (wanted.why, given_up.was, given_up.why) == (
        "破产",
        {"open_fen": {number: 1000_00}, "rows": []},
        "破产",
    )
    assert (approved.was or {})["state"] == "requested"
    assert (approved.became or {})["state"] == "approved"

    receipt = bank.pays("2026-09-10", "50.00", name(acme))
    placing = Placing(customer="acme", bills={}, rest=Use.PREPAYMENT)
    apportion_receipt(db, receipt.receipt_id, placing, by=CLERK, now=now())
    before = len(done(bank))
    back = Wanted(
        receipt_id=receipt.receipt_id,
        source=Source.PREPAYMENT,
        customer="acme",
        amount_fen=50_00,
        why="多付",
    )
    refund = request_refund(db, back, by="amy", now=now(), owes_fapiao=owes_none)
    decide_refund(db, refund.refund_id, approve=False, by="boss", now=now(), why="抵下月")
    assert said(done(bank)[before:]) == [("amy", "request", "refund"), ("boss", "reject", "refund")]
    assert done(bank)[-1].became == {"state": "rejected"}

    before = len(done(bank))
    claimed = Claimed(payer_name="某人", payer_number="", amount_fen=7_00, paid_on=now().date())
    claim = claim_receipt(db, acme.customer.customer_id, claimed, by="customer:cfo", now=now())
    with pytest.raises(Invalid, match="须写明给客户的答复"):
        reject_claim(db, claim.claim_id, answer=" ", by=CLERK, now=now())
    reject_claim(db, claim.claim_id, answer="未见到账", by=CLERK, now=now())
    first, last = done(bank)[before:]
    assert said([first, last]) == [
        ("customer:cfo", "claim", "receipt_claim"),
        (CLERK, "reject", "receipt_claim"),
    ]
    assert ((last.was or {})["state"], (last.became or {})["state"]) == ("open", "rejected")
    assert last.why == "未见到账"
