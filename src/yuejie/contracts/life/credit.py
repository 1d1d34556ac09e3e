"""Credit classes: what is asked of whom before a contract is signed (product.md D1), as data.

The operator may set other rules; what was set last counts, and what is missing has its default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts.terms import CommercialTerms, ContractType, CreditClass, PaymentMode, Renewal
from yuejie.kernel.errors import Invalid

ONE_YEAR_NOTICE_DAYS: Final = 30
"""product.md D2: a contract of one year is left with thirty days' notice."""
THREE_YEAR_BREAK_PPM: Final = 300_000
"""What leaving a three-year contract costs unless agreed otherwise: 30 % of what is left of the
promise; a court lowers what exceeds the loss by more than 30 % (民法典 585)."""


class Depth(StrEnum):
    """How closely finance looks."""

    LIGHT = "light"
    MEDIUM = "medium"
    STRICT = "strict"
    VERY_STRICT = "very_strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRule:
    """What holds for a class. Deposits are counted in months of expected usage.

    From a credit limit of `three_people_fen` on, and at a strict depth, the drafter, the reviewer
    and the signer are three different people.
    """

    credit_class: CreditClass
    deposit_months_least: int
    deposit_months_most: int
    depth: Depth
    payment_days: int
    payment_mode: PaymentMode
    three_people_fen: int = 500_000_00

    def refuse_nonsense(self) -> None:
        """Refuse a rule that nobody could follow."""
        if not 0 <= self.deposit_months_least <= self.deposit_months_most:
            raise Invalid(f"{self.credit_class} 的押金月数须从小到大且不为负，请改正后重试")
        if self.payment_days < 0 or self.three_people_fen < 0:
            raise Invalid(f"{self.credit_class} 的付款天数与三人复核额度不能为负，请改正后重试")

    def deposit_fen(self, expected_monthly_fen: int) -> int:
        """Return the least deposit for an expected month's usage."""
        return self.deposit_months_least * expected_monthly_fen

    def needs_three(self, limit_fen: int | None) -> bool:
        """Tell whether nobody may do two of the three steps. No limit at all is the highest."""
        strict = self.depth in {Depth.STRICT, Depth.VERY_STRICT}
        return strict or limit_fen is None or limit_fen >= self.three_people_fen


DEFAULTS: Final[dict[CreditClass, CreditRule]] = {
    rule.credit_class: rule
    for rule in (
        CreditRule(
            credit_class=CreditClass.LISTED,
            deposit_months_least=0,
            deposit_months_most=0,
            depth=Depth.LIGHT,
            payment_days=30,
            payment_mode=PaymentMode.POSTPAID,
        ),
        CreditRule(
            credit_class=CreditClass.MEDIUM,
            deposit_months_least=0,
            deposit_months_most=1,
            depth=Depth.MEDIUM,
            payment_days=15,
            payment_mode=PaymentMode.POSTPAID,
        ),
        CreditRule(
            credit_class=CreditClass.STARTUP,
            deposit_months_least=1,
            deposit_months_most=2,
            depth=Depth.STRICT,
            payment_days=7,
            payment_mode=PaymentMode.PREPAID_MONTHLY,
        ),
        CreditRule(
            credit_class=CreditClass.HIGH_RISK,
            deposit_months_least=3,
            deposit_months_most=3,
            depth=Depth.VERY_STRICT,
            payment_days=0,
            payment_mode=PaymentMode.PREPAID,
        ),
    )
}
"""D1 as product.md has it."""


def usual_terms(kind: ContractType, rule: CreditRule, expected_monthly_fen: int) -> CommercialTerms:
    """Return what sales starts from: the class's days, mode and deposit, the type's notice."""
    bound = kind is not ContractType.OPEN
    return CommercialTerms(
        type=kind,
        credit_class=rule.credit_class,
        payment_mode=rule.payment_mode,
        payment_days=rule.payment_days,
        deposit_fen=rule.deposit_fen(expected_monthly_fen),
        notice_days=ONE_YEAR_NOTICE_DAYS if kind is ContractType.ONE_YEAR else 0,
        renewal=Renewal.ASKED if bound else Renewal.NONE,
        renewal_months=36 if kind is ContractType.THREE_YEAR else 12,
    )


@dataclass(frozen=True, slots=True)
class TemporaryLimit:
    """A higher credit limit from one instant to another, whole fen; holds once approved."""

    limit_id: str
    limit_fen: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    why: str
    asked_by: str
    created_at: datetime
    approved_by: str | None = None
    ended_at: datetime | None = None
    """When somebody took it back before its end."""

    @property
    def over_at(self) -> datetime:
        """The first instant at which it no longer counts."""
        return min(self.ends_at, self.ended_at or self.ends_at)

    def holds(self, at: datetime) -> bool:
        """Tell whether it counts at an instant; the end is excluded."""
        return self.approved_by is not None and self.starts_at <= at < self.over_at


def effective_limit(
    agreed_fen: int | None, temporary: Sequence[TemporaryLimit], at: datetime
) -> int | None:
    """Return the credit limit at an instant, whole fen; None: none is watched.

    A temporary limit replaces the agreed one while it holds, and never lowers it.
    """
    if agreed_fen is None:
        return None
    return max([agreed_fen, *(each.limit_fen for each in temporary if each.holds(at))])
