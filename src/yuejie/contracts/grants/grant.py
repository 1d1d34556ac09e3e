"""What a customer holds to be used up: prepaid packages, and vouchers given to it.

What is drawn of a grant are lines of bills, and nothing else; its balance is computed from them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts.terms import YEARS
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import CURRENCIES

NAME_LENGTH: Final = 100
"""It is printed on a line of a bill, behind what the line is."""


class GrantKind(StrEnum):
    """Bought before use, or given."""

    PACKAGE = "package"
    VOUCHER = "voucher"


@dataclass(frozen=True, slots=True)
class Grant:
    """An amount that pays for usage from `starts_on` until the day before `ends_on`.

    `amount_fen` is what it is good for, `paid_fen` what was agreed to be paid for it (0: given).
    `models` empty: any. Amounts are fen of `currency`.
    """

    grant_id: str
    customer_id: CustomerId
    kind: GrantKind
    name: str
    amount_fen: int
    paid_fen: int
    currency: str
    models: tuple[str, ...]
    starts_on: date
    ends_on: date
    created_at: datetime
    asked_by: str = ""
    approved_by: str | None = None
    why: str = ""
    """Why it was asked for; one from before reasons were asked for has none."""

    def covers(self, model: str) -> bool:
        """Tell whether usage of a model may draw on it."""
        return not self.models or model in self.models


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDraft:
    """What is asked for, before anybody approves it; fields as in `Grant`."""

    customer_id: CustomerId
    kind: GrantKind
    name: str
    amount_fen: int
    paid_fen: int = 0
    currency: str = "CNY"
    models: tuple[str, ...] = ()
    starts_on: date
    ends_on: date

    def refuse_nonsense(self) -> None:
        """Refuse what nothing could be drawn from."""
        if self.amount_fen <= 0:
            raise Invalid("套餐或代金券的金额须大于零，请改正后重试")
        if self.paid_fen < 0 or (self.kind is GrantKind.VOUCHER and self.paid_fen):
            raise Invalid("套餐售价不能为负，代金券没有售价，请改正后重试")
        if self.currency not in CURRENCIES:
            raise Invalid(f"币种“{self.currency}”不支持，请写 CNY 或 USD")
        if self.ends_on <= self.starts_on:
            raise Invalid("套餐或代金券的止日须晚于起日，请改正后重试")
        if not self.name.strip():
            raise Invalid("套餐或代金券须有名称，它会印在账单上")
        if len(self.name) > NAME_LENGTH or not self.name.isprintable():
            raise Invalid(
                f"套餐或代金券的名称须为一行文字，不超过 {NAME_LENGTH} 个字符，且没有不可见字符"
            )
        for day in (self.starts_on, self.ends_on):
            if day.year not in YEARS:
                raise Invalid(
                    f"套餐或代金券的起止日 {day} 有误：须在 {YEARS[0]} 年至 {YEARS[-1]} 年之间"
                )
