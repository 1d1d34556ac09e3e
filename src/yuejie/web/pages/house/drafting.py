"""The form of a new contract draft: the common terms; what is not asked is as usual."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator

from yuejie.contracts.formats.agreed import DiscountWords, DraftWords
from yuejie.contracts.terms import (
    CommitmentPeriod,
    Confirmation,
    ContractType,
    CreditClass,
    FapiaoKind,
    PaymentMode,
)
from yuejie.web.shapes.customers import Text

_Maybe = BeforeValidator(lambda value: None if value == "" else value)
"""A field left empty is a field that was not filled in."""


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
