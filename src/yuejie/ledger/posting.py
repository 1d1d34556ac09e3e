"""What the ledger is made of: accounts, postings and entries that balance."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from yuejie.kernel.money import CURRENCIES

REVERSED: Final = "reverse:"
"""Prefix of the key of an entry that mirrors another."""


class Account(StrEnum):
    """Where money stands. Values are stored and never renamed."""

    RECEIVABLE = "receivable"
    UNBILLED = "unbilled"
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    DEPOSIT = "deposit"
    PREPAYMENT = "prepayment"
    SUSPENSE = "suspense"
    BANK = "bank"
    LATE_FEE = "late_fee"
    BAD_DEBT = "bad_debt"
    ROUNDING = "rounding"
    COST_OF_SALES = "cost_of_sales"
    PROVIDER_PAYABLE = "provider_payable"
    PROVIDER_PREPAID = "provider_prepaid"
    INPUT_TAX = "input_tax"
    FX_DIFFERENCE = "fx_difference"
    FX_CLEARING = "fx_clearing"
    BANK_CHARGES = "bank_charges"
    SALES_EXPENSE = "sales_expense"


ACCOUNT_NAMES: Final = {
    Account.RECEIVABLE: "应收账款",
    Account.UNBILLED: "暂估应收",
    Account.REVENUE: "主营业务收入",
    Account.TAX_PAYABLE: "应交增值税（销项）",
    Account.DEPOSIT: "押金（其他应付款）",
    Account.PREPAYMENT: "预收款（合同负债）",
    Account.SUSPENSE: "待认领款",
    Account.BANK: "银行存款",
    Account.LATE_FEE: "违约金收入",
    Account.BAD_DEBT: "坏账损失",
    Account.ROUNDING: "尾差",
    Account.COST_OF_SALES: "主营业务成本",
    Account.PROVIDER_PAYABLE: "应付账款（供应商）",
    Account.PROVIDER_PREPAID: "预付账款（供应商）",
    Account.INPUT_TAX: "应交增值税（进项）",
    Account.FX_DIFFERENCE: "汇兑损益",
    Account.FX_CLEARING: "外币兑换",
    Account.BANK_CHARGES: "财务费用",
    Account.SALES_EXPENSE: "销售费用",
}
"""What people read for each account."""


@dataclass(frozen=True, slots=True)
class Posting:
    """So many fen on one account: debit above zero, credit below.

    `party` is whom it concerns: a customer's id, `account:<provider account>`, or a bank account's
    id. Postings about a customer name it on every account, revenue too: then two customers'
    deeds never wait for the same balance.
    """

    account: Account
    fen: int
    currency: str
    party: str = ""

    def __neg__(self) -> "Posting":
        return Posting(self.account, -self.fen, self.currency, self.party)


def debit(account: Account, fen: int, currency: str, party: str = "") -> Posting:
    """Return a posting on the left side (借); a negative amount stands on the right."""
    return Posting(account, fen, currency, party)


def credit(account: Account, fen: int, currency: str, party: str = "") -> Posting:
    """Return a posting on the right side (贷); a negative amount stands on the left."""
    return Posting(account, -fen, currency, party)


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed as the books see it: a key for the intent, a kind, and postings that sum to zero.

    `at` is when it counts, `refers_to` the key of an entry it answers to. Postings of zero say
    nothing and are left out, so an entry may be empty: a bill of 0.00 is an entry too.
    """

    key: str
    kind: str
    at: datetime
    by: str
    postings: tuple[Posting, ...]
    refers_to: str = ""
    memo: str = ""

    def __post_init__(self) -> None:
        assert all((self.key, self.kind, self.by)), f"an entry needs key, kind and by: {self}"
        assert self.at.tzinfo is not None, f"{self.key} is at a naive moment"
        for currency, fen in sums(self.postings).items():
            assert currency in CURRENCIES, f"{self.key} is in {currency}"
            assert fen == 0, f"{self.key} does not balance: {fen} fen {currency} too much"
        object.__setattr__(self, "postings", tuple(p for p in self.postings if p.fen))

    @property
    def body_hash(self) -> bytes:
        """SHA-256 over what the entry says: kind, reference and postings.

        Not when, by whom and with which memo: whoever repeats a deed may be another, later.
        """
        postings = [[p.account.value, p.party, p.currency, p.fen] for p in self.postings]
        return sha256(msgspec.json.encode([self.kind, self.refers_to, postings])).digest()

    def mirror(self, *, at: datetime, by: str, why: str) -> "Entry":
        """Return the entry that undoes this one, posting by posting."""
        return Entry(
            key=f"{REVERSED}{self.key}",
            kind="reverse",
            at=at,
            by=by,
            postings=tuple(-posting for posting in self.postings),
            refers_to=self.key,
            memo=why,
        )


def sums(postings: Iterable[Posting]) -> dict[str, int]:
    """Add postings up by currency."""
    totals: dict[str, int] = {}
    for posting in postings:
        totals[posting.currency] = totals.get(posting.currency, 0) + posting.fen
    return totals


def net(postings: Iterable[Posting]) -> list[Posting]:
    """Add postings up by account, party and currency, in the one order everybody locks in."""
    totals: dict[tuple[str, str, str], int] = {}
    for p in postings:
        place = (p.account.value, p.party, p.currency)
        totals[place] = totals.get(place, 0) + p.fen
    return [
        Posting(Account(account), totals[account, party, currency], currency, party)
        for account, party, currency in sorted(totals)
    ]
