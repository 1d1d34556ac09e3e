"""The desk at which a month is lived: everything that people and the clerk do, by the real verbs.

Sales signs, finance closes and puts the bill to the customer, the customer confirms, the bank pays,
fapiao are issued by hand. Whoever asks is never who approves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from tests.rooms.fapiao.shop import SELLING
from tests.scenarios.bank import Bank
from tests.scenarios.books import FOUNDED, Books, Party
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.credit import CreditNote
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.ask import confirm_bill, propose_bill
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import STANDARD, CommercialTerms, Confirmation
from yuejie.db.session import Database
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.request import MANUAL, Pick, Wish, approve_fapiao, request_fapiao
from yuejie.fapiao.reversing.form import RedPick, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.kernel.money import FEN, exact
from yuejie.kernel.period import BillingMonth
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.receipts.receipt import Receipt

M = 1_000_000
DOLLARS = """
[models."gpt-4o"]
input = "5"
output = "15"
"""
OCTOBER = datetime(2026, 9, 30, 16, tzinfo=UTC)
"""The first instant of October in China."""
TAX_NUMBER = "91440300708461136T"
AGREED = replace(STANDARD, confirmation=Confirmation.REQUIRED)
"""Usual terms, of which the customer confirms each bill."""


@dataclass
class Desk:
    """One house whose books are in yuan unless a month says otherwise."""

    books: Books
    issued: int = 0
    bank: Bank = field(init=False)

    def __post_init__(self) -> None:
        self.bank = Bank(self.books)

    def banks_in_dollars(self) -> None:
        """Have the customer's money come to an account in dollars."""
        self.bank = Bank(self.books, number="110912345610802", currency="USD")

    @property
    def db(self) -> Database:
        return self.books.db

    @property
    def now(self) -> datetime:
        return self.books.tick()

    def customer(
        self,
        slug: str = "acme",
        terms: CommercialTerms = AGREED,
        *,
        starts: datetime = FOUNDED,
        projects: Sequence[str] = ("main",),
        **more: str,
    ) -> Party:
        """Enrol and sign a customer, with its own name as its title."""
        party = self.books.customer(
            slug, commercial=terms, starts=starts, projects=projects, **more
        )
        self.title(party, party.customer.legal_name, TAX_NUMBER)
        return party

    def title(self, party: Party, name: str, tax_number: str) -> str:
        """Write a title down; the first is the default."""
        draft = TitleDraft(name=name, tax_number=tax_number)
        kept = open_title(self.db, party.customer.slug, draft, by="customer", now=self.now)
        return kept.title.title_id

    def grant(self, party: Party, kind: GrantKind, yuan: str, *, paid: str = "0.00") -> None:
        """Sell a package or give a voucher, good for the year."""
        draft = GrantDraft(
            customer_id=party.customer.customer_id,
            kind=kind,
            name="年度资源包" if kind is GrantKind.PACKAGE else "新客礼",
            amount_fen=fen(yuan),
            paid_fen=fen(paid),
            starts_on=date(2026, 10, 1),
            ends_on=date(2027, 10, 1),
        )
        asked = ask_grant(self.db, draft, why="随约赠送", by="sales", now=self.now)
        approve_grant(self.db, asked.grant_id, by="finance", now=self.now)

    # ── bills ───────────────────────────────────────────────────────────────────────────────────

    def bill(self, party: Party, month: str, *, on: str = "") -> Bill:
        """Close a month and settle its only bill with the customer."""
        (bill,) = self.bills(party, month, on=on)
        return bill

    def bills(self, party: Party, month: str, *, on: str = "") -> list[Bill]:
        """Close a month, put its bills to the customer, hear its yes, and issue them."""
        self.books.close(month)
        self.bank.at(on or second_day_after(month))
        drafts = [bill for bill in party.bills(month) if bill.state is BillState.DRAFT]
        return [self.settle(party, bill) for bill in drafts]

    def settle(self, party: Party, bill: Bill) -> Bill:
        """Put a drafted bill to the customer, hear its yes, and issue it."""
        owner = party.customer
        propose_bill(self.db, bill.bill_id, by="finance", now=self.now)
        confirm_bill(
            self.db, bill.bill_id, by=owner.slug, now=self.now, customer_id=owner.customer_id
        )
        self.books.tick()
        return self.books.issue(bill)

    def adjust(
        self,
        party: Party,
        month: str,
        yuan: str,
        item: str,
        why: str,
    ) -> None:
        """Let sales propose an amount for the next bill, and finance approve it."""
        wanted = Wanted(
            customer_id=party.customer.customer_id,
            service_month=BillingMonth.parse(month),
            amount_fen=fen(yuan),
            currency="CNY",
            item=item,
            why=why,
        )
        proposed = propose_adjustment(self.db, wanted, by="sales", now=self.now)
        name = proposed.adjustment_id
        decide_adjustment(self.db, name, Decision.APPROVE, by="finance", now=self.now)

    def credit(self, bill: Bill, amounts: dict[int, int] | None, why: str) -> CreditNote:
        """Take back fen of lines of a bill, or all of it, by the word of two."""
        name = str(bill.number)
        asked = request_credit(self.db, name, amounts=amounts, why=why, by="finance", now=self.now)
        return decide_credit(self.db, asked.credit_note_id, approve=True, by="boss", now=self.now)

    # ── money ───────────────────────────────────────────────────────────────────────────────────

    def pays(self, party: Party, on: str, yuan: str, *bills: Bill) -> Receipt:
        """Let the customer pay, naming bills, and let the machine judge."""
        memo = "，".join(str(bill.number) for bill in bills)
        return self.bank.pays(on, yuan, party.customer.legal_name, memo=memo)

    def paid(self, party: Party, month: str, yuan: str, *, on: str = "2026-11-05") -> Bill:
        """Close a month, settle its only bill with the customer, and have it paid."""
        bill = self.bill(party, month)
        self.pays(party, on, yuan, bill)
        return bill

    def settled(self, party: Party, yuan: str) -> Fapiao:
        """Let October be billed, paid, and put on a fapiao the day after."""
        bill = self.paid(party, "2026-10", yuan)
        self.bank.at("2026-11-06")
        return self.fapiao(party, bill)

    def place(
        self,
        party: Party,
        receipt: Receipt,
        *,
        bills: Mapping[str, int] | None = None,
        deposit: str = "0.00",
    ) -> None:
        """Say by hand what a receipt is for: bills, a deposit, the rest of it a prepayment."""
        placing = Placing(
            customer=party.customer.slug,
            bills=bills or {},
            deposit_fen=fen(deposit),
            rest=Use.PREPAYMENT,
        )
        apportion_receipt(self.db, receipt.receipt_id, placing, by="finance", now=self.now)

    def gives_up(self, bill: Bill, kind: WaiverKind, why: str) -> None:
        """Give up what is open of a bill, by the word of two."""
        asked = request_waiver(self.db, str(bill.number), kind, why=why, by="finance", now=self.now)
        decide_waiver(self.db, asked.waiver_id, approve=True, by="boss", now=self.now)

    # ── fapiao ──────────────────────────────────────────────────────────────────────────────────

    def fapiao(self, party: Party, *picks: Bill | Pick, title: str | None = None) -> Fapiao:
        """Let the customer request a fapiao, and finance approve it and issue it by hand."""
        wish = Wish(
            picks=tuple(
                each if isinstance(each, Pick) else Pick(str(each.number)) for each in picks
            ),
            title_id=title,
        )
        (asked,) = request_fapiao(
            self.db, party.customer.customer_id, wish, SELLING, by="customer", now=self.now
        )
        approve_fapiao(self.db, asked.key, provider=MANUAL, by="finance", now=self.now)
        return upload_fapiao(self.db, asked.key, self._paper(), by="finance", now=self.now)

    def red(self, blue: Fapiao, why: str, *parts: RedPick) -> RedFapiao:
        """Reverse a fapiao, whole or in part, by the word of two."""
        wish = RedWish(
            fapiao=blue.key,
            reason=RedReason.ALLOWANCE if parts else RedReason.MISTAKE,
            why=why,
            picks=parts,
        )
        asked = request_red(self.db, wish, by="finance", now=self.now)
        approve_red(self.db, asked.key, by="boss", now=self.now)
        return upload_red(self.db, asked.key, self._paper(), by="finance", now=self.now)

    def _paper(self) -> Upload:
        """Return what the tax office gave: the next number of ours, and its PDF."""
        self.issued += 1
        number = f"26312000{self.issued:012d}"
        return Upload({"pdf": f"%PDF-{number}".encode()}, number, self.books.clock.now())


def fen(yuan: str) -> int:
    return exact(yuan, FEN, "金额")


def second_day_after(month: str) -> str:
    """Return the second day of the next month: a working day, for most months of the stories."""
    following = BillingMonth.parse(month).next
    return f"{following}-02"
