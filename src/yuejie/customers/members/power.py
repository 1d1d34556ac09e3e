"""What a role of the operator's may do: the one table from a power to the roles that hold it. Pure.

Sales drafts, finance reviews the credit, an administrator signs. Whoever holds the operator's own
token holds every power, and is one person all the same: what needs two people needs two names.
What a customer's members may do is `SPEAKS`, and no power at all. Reading needs none.
"""

from enum import StrEnum
from typing import Final

from yuejie.customers.members.member import Member, Role
from yuejie.kernel.errors import Forbidden


class Power(StrEnum):
    """A kind of deed."""

    SET_UP = "set_up"
    """Members, senders of notices, the house file."""
    RUN_HOUSE = "run_house"
    """Models, their grades, deployments, journals; reporting usage from outside."""
    KEEP_CUSTOMERS = "keep_customers"
    """Customers, their projects and keys."""
    SET_NOTICES = "set_notices"
    """Who hears of what, and over which channel."""
    DRAFT_CONTRACTS = "draft_contracts"
    """Drafts and their papers; asking for limits, grants and ends; prospects and quotes."""
    REVIEW_CREDIT = "review_credit"
    """The credit of a draft, its class; approving limits, grants and ends."""
    SIGN_CONTRACTS = "sign_contracts"
    """Signing, and letting a contract go on."""
    SET_PRICES = "set_prices"
    """Price books and exchange rates; the floor margin, and quotes below it."""
    BILL = "bill"
    """Closing, issuing, disputes, adjustments, credit notes, usage that waits."""
    ANSWER = "answer"
    """Tickets, the rota, advisers, incidents and maintenance."""
    SPEAK = "speak"
    """Giving a customer's word on its behalf: bills, titles, fapiao and red ones, claims."""
    ISSUE_FAPIAO = "issue_fapiao"
    """Approving and declining fapiao and red fapiao, uploads."""
    COLLECT = "collect"
    """Bank accounts, receipts, refunds, waivers and write-offs, reprieves."""
    KEEP_BOOKS = "keep_books"
    """Accruals, hand-overs, provider accounts, bills and payments, reconciliation."""


_FINANCE: Final = frozenset({Role.ADMIN, Role.FINANCE})
_CARE: Final = frozenset({Role.ADMIN, Role.SALES, Role.SUPPORT})

HOLDERS: Final[dict[Power, frozenset[Role]]] = {
    Power.SET_UP: frozenset({Role.ADMIN}),
    Power.RUN_HOUSE: frozenset({Role.ADMIN, Role.SUPPORT}),
    Power.KEEP_CUSTOMERS: _CARE,
    Power.SET_NOTICES: _CARE,
    Power.DRAFT_CONTRACTS: frozenset({Role.ADMIN, Role.SALES}),
    Power.REVIEW_CREDIT: _FINANCE,
    Power.SIGN_CONTRACTS: frozenset({Role.ADMIN}),
    Power.SET_PRICES: _FINANCE,
    Power.BILL: _FINANCE,
    Power.ANSWER: _CARE,
    Power.SPEAK: _FINANCE,
    Power.ISSUE_FAPIAO: _FINANCE,
    Power.COLLECT: _FINANCE,
    Power.KEEP_BOOKS: _FINANCE,
}
CALLED: Final[dict[Role, str]] = {
    Role.ADMIN: "管理员",
    Role.FINANCE: "财务",
    Role.SALES: "销售",
    Role.SUPPORT: "客服",
    Role.DEVELOPER: "开发",
    Role.AUDITOR: "审计",
}


def holds(member: Member, power: Power) -> bool:
    """Tell whether a member of the operator's may do a kind of deed; a customer's never may."""
    return member.customer_id is None and member.role in HOLDERS[power]


def refuse_powerless(member: Member, power: Power) -> None:
    """Refuse a member whose role does not hold a power, naming the roles that do."""
    if not holds(member, power):
        roles = "、".join(CALLED[role] for role in Role if role in HOLDERS[power])
        raise Forbidden(
            f"成员 {member.name} 是{CALLED[member.role]}，无权进行这个操作，请由{roles}成员进行"
        )
