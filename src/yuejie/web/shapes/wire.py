"""The forms that everything on the wire shares: amounts, months, what may come in."""

import json
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

from yuejie.db.transition import Transition
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Charge, Money, Rate
from yuejie.kernel.period import MONTH, in_our_time
from yuejie.usage.meters import per

NAME_MAX: Final = 200
"""Longest name that a path or a filter may carry; stored names are at most 64."""


class Out(BaseModel):
    """Something we tell; it can be made straight from a noun of a room."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class In(BaseModel):
    """Something we are told; a word we do not know is refused, so that no typo is silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Month = Annotated[
    str,
    Field(
        pattern=f"^{MONTH}$",
        description="账期，按客户时区的自然月",
        examples=["2026-10"],
    ),
]


def _instant(moment: datetime) -> datetime:
    try:
        return in_our_time(moment, "时间")
    except Invalid as error:
        raise ValueError(error.sentence) from None


Instant = Annotated[AwareDatetime, AfterValidator(_instant)]
"""A moment: any offset may come in, UTC goes out; one without an offset is refused."""
Name = Annotated[str, Field(max_length=NAME_MAX, pattern=r"^[^\x00]+$")]
"""A name that a query can be asked for: no text of the database holds a NUL."""


def _characters(said: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise PydanticKnownError("string_unicode") from None
    except RecursionError:
        raise PydanticCustomError("nested", "nested too deeply") from None
    return said


Facts = Annotated[dict[str, Any], AfterValidator(_characters)]
"""A table that a room reads by itself; half a surrogate pair is no text, wherever it stands."""


class Amount(Out):
    """金额：十进制文字，不丢精度。"""

    amount: str = Field(description="两位小数，无千分位", examples=["1122.25"])
    currency: str = Field(description="币种", examples=["CNY"])

    @classmethod
    def of(cls, money: Money) -> "Amount":
        """Write money."""
        return cls(amount=money.amount, currency=money.currency)

    @classmethod
    def of_fen(cls, fen: int | None, currency: str) -> "Amount | None":
        """Write whole fen; None stays None."""
        return None if fen is None else cls.of(Money(fen, currency))


class Worth(Out):
    """计费额：用量 × 单价的精确值，尚未取整到分。"""

    amount: str = Field(description="精确十进制，至多 12 位小数", examples=["0.0123456"])
    currency: str = Field(description="币种", examples=["CNY"])

    @classmethod
    def of(cls, charge: Charge) -> "Worth":
        """Write an exact charge."""
        return cls(amount=str(charge), currency=charge.currency)


class UnitRate(Out):
    """单价。"""

    rate: str = Field(description="每 per 个单位的价格", examples=["2.50"])
    currency: str = Field(description="币种", examples=["CNY"])
    per: int = Field(description="1000000 表示每百万 token，1 表示每个（张、秒、次）")

    @classmethod
    def of(cls, meter: str, pico: int, currency: str) -> "UnitRate":
        """Write a rate the way its price list does."""
        units = per(meter)
        return cls(rate=Rate(pico, currency).per(units), currency=currency, per=units)


class TransitionOut(Out):
    """一件东西经历的一步。"""

    at: Instant = Field(description="时间")
    event: str = Field(description="发生了什么")
    was: str = Field(description="之前的状态")
    became: str = Field(description="之后的状态")
    by: str = Field(description="谁")
    why: str = Field(description="原因")

    @classmethod
    def of(cls, moved: Transition) -> "TransitionOut":
        """Write a step."""
        return cls.model_validate(moved)
