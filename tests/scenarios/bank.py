"""The bank of a scenario: an account of ours, and statements as its website exports them."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime

from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.bill import BillState
from yuejie.contracts.terms import STANDARD, CommercialTerms
from yuejie.kernel.money import FEN, Money, exact, plain
from yuejie.ledger.check import check_ledger
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balance
from yuejie.notices.store import unhanded
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.store import held
from yuejie.payments.banks.keep import open_account
from yuejie.payments.dunning.dun import Dunned, daily_dunning
from yuejie.payments.receipts.load import Imported, import_statement
from yuejie.payments.receipts.match import match_open
from yuejie.payments.receipts.receipt import Receipt
from yuejie.payments.receipts.store import receipts

NUMBER = "110912345610801"
YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
HEAD = [
    "交易日期",
    "交易流水号",
    "借方发生额",
    "贷方发生额",
    "余额",
    "对方户名",
    "对方账号",
    "子账号",
    "摘要",
]


@dataclass
class Bank:
    """Our account, and its running balance."""

    books: Books
    balance_fen: int = 1_000_000_00
    serial: int = 0
    number: str = NUMBER
    currency: str = "CNY"

    def __post_init__(self) -> None:
        open_account(
            self.books.db,
            holder="月结科技有限公司",
            bank="招商银行北京分行",
            number=self.number,
            currency=self.currency,
            by=CLERK,
            now=self.books.clock.now(),
        )

    def kinds(self) -> list[str]:
        """Return what customers and we were told so far, by kind; a key is told once."""
        with self.books.db.begin() as tx:
            return sorted(notice.kind for notice in unhanded(tx, limit=1000))

    def row(
        self,
        on: str,
        yuan: str,
        payer: str,
        *,
        number: str = "6222000011112222",
        memo: str = "",
        into: str = "",
        out: bool = False,
    ) -> list[str]:
        """Write one line, the balance carried on."""
        fen = exact(yuan, FEN, "金额")
        self.balance_fen += -fen if out else fen
        self.serial += 1
        amounts = [yuan, ""] if out else ["", yuan]
        serial = f"CMB{self.serial:012d}"
        return [on, serial, *amounts, plain(self.balance_fen, FEN), payer, number, into, memo]

    def imports(self, *rows: list[str], name: str = "流水.csv") -> Imported:
        """Import a file of these lines, in GBK with a total below, as banks do."""
        text = io.StringIO()
        csv.writer(text).writerows([["账号", self.number], HEAD, *rows, ["合计", "", "", ""]])
        body = text.getvalue().encode("gbk")
        return import_statement(
            self.books.db, self.number, body, name, by=CLERK, now=self.books.clock.now()
        )

    def pays(self, on: str, yuan: str, payer: str, **more: str) -> Receipt:
        """Let somebody pay, import the line, and let the machine judge."""
        self.at(on)
        self.imports(self.row(on, yuan, payer, **more))  # type: ignore[arg-type]  # why: words only
        self.match()
        return self.receipts()[-1]

    def match(self) -> None:
        match_open(self.books.db, now=self.books.clock.now())

    def at(self, day: str) -> datetime:
        """Move the clock on to noon in Shanghai of a day, if it is not past it."""
        noon = datetime.fromisoformat(f"{day}T04:00:00+00:00")
        self.books.clock.at = max(self.books.clock.at, noon)
        return self.books.clock.at

    def day(self, day: str) -> Dunned:
        """Let the clerk do a day's round."""
        return daily_dunning(self.books.db, self.at(day))

    def receipts(self) -> list[Receipt]:
        with self.books.db.read() as tx:
            return receipts(tx, limit=1000)

    def receipt(self, receipt_id: str) -> Receipt:
        (found,) = [each for each in self.receipts() if each.receipt_id == receipt_id]
        return found

    def open(self, party: Party) -> dict[str, str]:
        """Return what is open of each bill by its month."""
        with self.books.db.read() as tx:
            amounts = amounts_of(tx, party.customer.customer_id)
        return {amount.month: str(Money(amount.open_fen, "CNY")) for amount in amounts}

    def prepaid(self, party: Party, what: Use = Use.PREPAYMENT) -> str:
        with self.books.db.read() as tx:
            return str(Money(held(tx, party.customer.customer_id, what, "CNY"), "CNY"))

    def books_agree(self, *parties: Party) -> None:
        """The ledger balances, and says of each customer what the bills and receipts say."""
        for checked in check_ledger(self.books.db):
            assert checked.holds, checked.findings
        with self.books.db.read() as tx:
            for party in parties:
                customer = party.customer.customer_id
                open_fen = sum(amount.open_fen for amount in amounts_of(tx, customer))
                assert open_fen == balance(tx, Account.RECEIVABLE, party=customer, currency="CNY")
                for what, account in (
                    (Use.PREPAYMENT, Account.PREPAYMENT),
                    (Use.DEPOSIT, Account.DEPOSIT),
                ):
                    kept = balance(tx, account, party=customer, currency="CNY")
                    assert held(tx, customer, what, "CNY") == -kept


def due(bill_due: date | None) -> date:
    assert bill_due is not None
    return bill_due


def owing(
    bank: Bank, slug: str, months: dict[str, int], terms: CommercialTerms = STANDARD
) -> Party:
    """Enrol a customer and issue bills of so many yuan for each month."""
    party = bank.books.customer(slug, commercial=terms)
    for month, amount in months.items():
        party.uses(f"{month}-05 10:00:00", "gpt-4o", input=amount // 10 * 1_000_000)
    for month in months:
        bank.books.close(month)
        bank.books.issue(party.bill(month))
    return party


def name(party: Party) -> str:
    return party.customer.legal_name


def state(party: Party, month: str) -> BillState:
    return party.bill(month).state
