"""The forms of a contract draft: the common terms of a new one, and of one that is to be changed.

What a new one is not asked for is as usual; what a change is not asked for stays.
"""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from yuejie.contracts.contract import Terms
from yuejie.contracts.formats.agreed import (
    DiscountWords,
    DraftWords,
    fen_of,
    pricing_of,
    read_terms,
    words_of,
)
from yuejie.contracts.life.draft import DraftBody
from yuejie.contracts.terms import (
    CommitmentPeriod,
    Confirmation,
    ContractType,
    CreditClass,
    FapiaoKind,
    PaymentMode,
    Renewal,
)
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.web.shapes.customers import Text

_Maybe = BeforeValidator(lambda value: None if value == "" else value)
"""A field left empty is a field that was not filled in."""
_Lines = Annotated[str, Field(max_length=50_000, pattern=r"^[^\x00]*$")]
"""As many discounts as a file may have."""


class DraftForm(BaseModel):
    """What sales fills in: whom, from when, at which prices, and what differs from the usual."""

    customer: Text = ""
    book: Text = ""
    starts_on: Annotated[date | None, _Maybe] = None
    ends_on: Annotated[date | None, _Maybe] = None
    type: ContractType = ContractType.OPEN
    credit_class: CreditClass = CreditClass.MEDIUM
    payment_mode: Annotated[PaymentMode | None, _Maybe] = None
    payment_days: Annotated[int | None, _Maybe] = None
    currency: Literal["CNY", "USD"] = "CNY"
    fx_policy: Literal["none", "card", "bill"] = "none"
    tax_mode: Literal["inclusive", "exclusive"] = "inclusive"
    expected_monthly: Text = ""
    discount_models: Text = "*"
    discount: Text = ""
    management_fee: Text = ""
    commitment: Text = ""
    commitment_period: CommitmentPeriod = CommitmentPeriod.MONTH
    confirmation: Confirmation = Confirmation.NONE
    fapiao_kind: FapiaoKind = FapiaoKind.SPECIAL
    purchase_order: Text = ""
    remark: Text = ""

    def words(self, today: date) -> DraftWords:
        """Return the draft as a file would say it; without a day it begins today."""
        off = self.discount.strip()
        return DraftWords(
            book=self.book,
            starts_at=f"{self.starts_on or today}T00:00:00",
            currency=self.currency,
            fx_policy=self.fx_policy,
            tax_mode=self.tax_mode,
            expected_monthly=self.expected_monthly.strip() or "0.00",
            remark=self.remark.strip(),
            terms=self._terms(),
            discount=[DiscountWords(self.discount_models.strip() or "*", off)] if off else [],
        )

    def _terms(self) -> dict[str, Any]:
        """Return what is said of the terms, and nothing of what was left empty."""
        said: dict[str, Any] = {
            "type": str(self.type),
            "credit_class": str(self.credit_class),
            "confirmation": str(self.confirmation),
            "fapiao_kind": str(self.fapiao_kind),
            "payment_mode": str(self.payment_mode) if self.payment_mode else None,
            "payment_days": self.payment_days,
            "ends_on": self.ends_on.isoformat() if self.ends_on else None,
            "management_fee": self.management_fee.strip() or None,
            "purchase_order": self.purchase_order.strip() or None,
        }
        amount = self.commitment.strip()
        if amount:
            said["commitment"] = {"amount": amount, "period": str(self.commitment_period)}
        return {name: value for name, value in said.items() if value is not None}


class AmendForm(BaseModel):
    """What sales changes of a contract, from when; a field left empty is agreed no more.

    What cannot be empty has no usual value here: a form that came without it would change it.
    """

    version: int
    """The version that the form was filled in from."""
    starts_on: date
    ends_on: Annotated[date | None, _Maybe] = None
    renewal: Renewal
    notice_days: int
    payment_days: int
    discounts: _Lines = ""
    management_fee: Text = ""
    commitment: Text = ""
    commitment_period: CommitmentPeriod = CommitmentPeriod.MONTH
    confirmation: Confirmation
    fapiao_kind: FapiaoKind
    purchase_order: Text = ""
    expected_monthly: Text = ""
    remark: Text = ""

    def body(self, held: Terms) -> DraftBody:
        """Return the contract as it will be: what it says now, with what the form says."""
        agreed = pricing_of(_discounts(self.discounts), [], held.currency)
        return DraftBody(
            sale_book=held.sale_book,
            currency=held.currency,
            zone=held.zone,
            starts_at=parse_instant(f"{self.starts_on}T00:00:00", zone_of(held.zone), "生效日"),
            fx_policy=held.fx_policy,
            tax_mode=held.tax_mode,
            tax_ppm=held.tax_ppm,
            commercial=read_terms(words_of(held.commercial) | self._said()),
            pricing=replace(held.pricing, discounts=agreed.discounts),
            expected_monthly_fen=fen_of(self.expected_monthly.strip() or "0.00", "预计月用量"),
            remark=self.remark.strip(),
        )

    def _said(self) -> dict[str, Any]:
        """Return what the form says of the terms, in the words of a file."""
        amount = self.commitment.strip()
        return {
            "ends_on": self.ends_on,
            "renewal": self.renewal,
            "notice_days": self.notice_days,
            "payment_days": self.payment_days,
            "management_fee": self.management_fee.strip() or "0.00",
            "commitment": {"amount": amount, "period": self.commitment_period} if amount else None,
            "confirmation": self.confirmation,
            "fapiao_kind": self.fapiao_kind,
            "purchase_order": self.purchase_order.strip(),
        }


def _discounts(text: str) -> list[DiscountWords]:
    """Read discounts, one a line: models, and how much is off."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match line.split():
            case []:
                continue
            case [models, off]:
                found.append(DiscountWords(models, off))
            case _:
                raise Invalid(f"折扣第 {number} 行“{line.strip()}”写法不对，请写成 gpt-* 10% 这样")
    return found
