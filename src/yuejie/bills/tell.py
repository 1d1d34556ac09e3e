"""What customers are told about their bills; each thing once, however often it is looked at."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from yuejie.bills.bill import Bill
from yuejie.bills.review.dispute import Dispute
from yuejie.customers.customer import Customer
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.notices.notice import Audience, Kind, Notice

_NUMBERS: Final = re.compile(r"\d+")
_CONTENT = 16
"""Characters of the content's hash that tell one proposal of a bill from the next."""


def of_proposal(bill: Bill, number: int) -> Notice:
    """Tell that a bill waits for the customer's word, for the so manieth time."""
    key = f"bill:{bill.bill_id}:proposed:{_proposal(bill, number)}"
    return _notice(bill, Kind.BILL_PROPOSED, key)


def of_review_end(bill: Bill, number: int, days: int) -> Notice:
    """Tell that so many days are left to say something about what was proposed last."""
    key = f"bill:{bill.bill_id}:review:{_proposal(bill, number)}:{days}"
    return _notice(bill, Kind.BILL_REVIEW_REMINDER, key)


def of_settlement(customer: Customer, month: BillingMonth, why: str) -> Notice:
    """Tell the operator what stands in the way of a settlement, once for each reason.

    A reason that only counts otherwise than an hour ago is the same.
    """
    reason = sha256(_NUMBERS.sub("", why).encode()).hexdigest()[:_CONTENT]
    facts = {"customer": customer.slug, "month": str(month), "why": why.rstrip("。")}
    key = f"settlement:{customer.customer_id}:{month}:{reason}"
    kind, audience = str(Kind.SETTLEMENT_WAITS), str(Audience.OPERATOR)
    return Notice(kind, audience, facts, key, customer.customer_id)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Of what somebody drafted and somebody else turned down: its id, by whom, how much, why."""

    name: str
    drafted_by: str
    amount: Money
    why: str


def of_rejection(customer: Customer, rejection: Rejection) -> Notice:
    """Tell who drafted a correction that it was turned down, and why."""
    facts = {
        "correction": rejection.name,
        "customer": customer.slug,
        "amount": f"{rejection.amount} {rejection.amount.currency}",
        "drafted_by": rejection.drafted_by,
        "why": rejection.why.rstrip("。"),
    }
    key, kind = f"correction:{rejection.name}:rejected", str(Kind.CORRECTION_REJECTED)
    return Notice(kind, str(Audience.OPERATOR), facts, key, customer.customer_id)


def of_reopening(customer: Customer, bill: Bill, dispute: Dispute, why: str) -> Notice:
    """Tell that a dispute has no answer any more; each adjustment that answered it once."""
    facts = {
        "customer": customer.slug,
        "bill": bill.name,
        "line": dispute.line_text,
        "why": why.rstrip("。"),
    }
    key = f"dispute:{dispute.dispute_id}:reopened:{dispute.adjustment_id}"
    kind, audience = str(Kind.DISPUTE_REOPENED), str(Audience.OPERATOR)
    return Notice(kind, audience, facts, key, customer.customer_id)


def of_issue(bill: Bill) -> Notice:
    """Tell that a bill is owed, and until when."""
    return _notice(bill, Kind.BILL_ISSUED, f"bill:{bill.bill_id}:issued")


def _notice(bill: Bill, kind: Kind, key: str) -> Notice:
    facts = {
        "month": str(bill.month),
        "number": bill.name,
        "amount": f"{bill.gross} {bill.currency}",
        "review_until": str(bill.review_until or "—"),
        "due_on": str(bill.due_on) if bill.due_on else "收到发票后起算",
    }
    return Notice(str(kind), str(Audience.CUSTOMER), facts, key, bill.customer_id)


def _proposal(bill: Bill, number: int) -> str:
    """Name one proposal: a bill that is taken back may be proposed again as it was before."""
    content = bill.proposed_hash.hex()[:_CONTENT] if bill.proposed_hash else ""
    return content if number == 1 else f"{content}.{number}"
