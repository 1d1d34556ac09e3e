"""Whoever asked for something that somebody else turned down is told so, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

_CUSTOMERS: Final = "customer:"


class Asked(StrEnum):
    """What was asked for; stored, and never renamed."""

    REFUND = "refund"
    SHORT_PAY = "short_pay"
    WRITE_OFF = "write_off"
    CLAIM = "claim"
    FAPIAO = "fapiao"
    RED_FAPIAO = "red_fapiao"
    PROVIDER_PAYMENT = "provider_payment"
    QUOTE = "quote"
    PACKAGE = "package"
    VOUCHER = "voucher"
    TEMPORARY_LIMIT = "temporary_limit"
    CONTRACT_END = "contract_end"
    PRICE_CHANGE = "price_change"
    CONTRACT_DRAFT = "contract_draft"


class Ended(StrEnum):
    """How it came to nothing; stored, and never renamed."""

    REJECTED = "rejected"
    UNPAID = "unpaid"
    """The bank did not carry out what was approved."""
    VOID = "void"
    """The buyer or the tax office ended what was approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """What somebody asked for, by the name people know, and who turned it down for which reason.

    `occasion` tells apart what is turned down, taken up again and turned down once more.
    """

    asked: Asked
    name: str
    asked_by: str
    by: str
    why: str
    customer_id: CustomerId | None = None
    amount: Money | None = None
    ended: Ended = Ended.REJECTED
    occasion: str = ""


def tell_rejection(tx: Tx, rejection: Rejection, *, at: datetime) -> bool:
    """Tell the side of whoever asked; who takes back what it asked for itself is told nothing.

    Returns whether it is news.
    """
    if rejection.by == rejection.asked_by:
        return False
    amount, customer_id = rejection.amount, rejection.customer_id
    facts = {
        "request": rejection.name,
        "asked": str(rejection.asked),
        "ended": str(rejection.ended),
        "asked_by": rejection.asked_by.partition(":")[2] or rejection.asked_by,
        "why": rejection.why.rstrip("。"),
    }
    if customer_id is not None:
        facts["customer"] = find_customer(tx, customer_id).slug
    if amount is not None:
        facts["amount"] = f"{amount} {amount.currency}"
    theirs = customer_id is not None and rejection.asked_by.startswith(_CUSTOMERS)
    audience = Audience.CUSTOMER if theirs else Audience.OPERATOR
    key = f"{rejection.asked}:{rejection.name}:{rejection.ended}{rejection.occasion}"
    notice = Notice(str(Kind.REQUEST_REJECTED), str(audience), facts, key, customer_id)
    return enqueue(tx, notice, at=at)
