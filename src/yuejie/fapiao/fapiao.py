"""A fapiao and a red fapiao, with everything as it was when it was requested and issued."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from yuejie.contracts.terms import FapiaoKind
from yuejie.fapiao.amounts import Amounts, FapiaoLine
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import CustomerId

KEY_LENGTH: Final = 20
"""Longest order number of any provider; ours are fifteen of 0-9A-Z."""
SELLER: Final = "seller"
BUYER: Final = "buyer"
"""Who started a red form."""
_BASE36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Buyer or seller as printed; only name and tax number are mandatory."""

    name: str
    tax_number: str
    natural_person: bool = False
    address: str = ""
    phone: str = ""
    bank_name: str = ""
    bank_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fapiao:
    """A blue fapiao (蓝字发票). `key` is its order number at the provider, for ever."""

    fapiao_id: str
    customer_id: CustomerId
    request_id: str
    """Fapiao of one request share it: one for each two thousand lines."""
    key: str
    kind: FapiaoKind
    state: FapiaoState
    buyer: Party
    seller: Party
    emails: tuple[str, ...]
    mobile: str
    remark: str
    amounts: Amounts
    lines: tuple[FapiaoLine, ...]
    requested_by: str
    requested_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    provider: str = ""
    number: str | None = None
    issued_at: datetime | None = None
    delivered_at: datetime | None = None
    why: str = ""

    @property
    def bills(self) -> tuple[str, ...]:
        """Return the ids of the bills whose tax lines it carries."""
        return tuple(dict.fromkeys(line.bill_id for line in self.lines))


@dataclass(frozen=True, slots=True)
class RedLine:
    """What a red fapiao takes back of one blue line; amounts are negative, in fen."""

    position: int
    blue_position: int
    net_fen: int
    tax_fen: int
    gross_fen: int

    @property
    def amounts(self) -> Amounts:
        """Return the three figures."""
        return Amounts(self.net_fen, self.tax_fen, self.gross_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFapiao:
    """A red fapiao and the form (红字信息确认单) that it needs; amounts are negative."""

    red_id: str
    customer_id: CustomerId
    fapiao_id: str
    blue_number: str
    key: str
    reason: str
    state: RedState
    form_code: str
    """The tax office's state of the form: 01 … 10, 15, 16; empty before it knows of it."""
    form_number: str
    form_uuid: str
    whole: bool
    amounts: Amounts
    lines: tuple[RedLine, ...]
    requested_by: str
    requested_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    applied_at: datetime | None = None
    expires_at: datetime | None = None
    reminded: int = 0
    number: str | None = None
    issued_at: datetime | None = None
    why: str = ""
    started_by: str = SELLER
    answer: str = ""
    """What we say to a form that the buyer started: agree or deny, once it is proposed."""
    answered_by: str | None = None
    """Who proposed the answer; `approved_by` is the second person, who let it go out."""
    answered_at: datetime | None = None

    @property
    def is_buyers(self) -> bool:
        """Tell whether the buyer started the form, so that it waits for us."""
        return self.started_by == BUYER

    @property
    def told(self) -> "RedFapiao":
        """Return it as the buyer may see it: an answer that one of us proposed is none yet."""
        if not self.is_buyers or self.approved_by is not None:
            return self
        return replace(self, answer="", answered_by=None, answered_at=None, why="")


def mint_key(now: datetime, letter: str = "N") -> str:
    """Return a fresh order number: a letter, year and month, ten of base 36 (china-finance §8)."""
    tail = "".join(secrets.choice(_BASE36) for _ in range(10))
    return f"{letter}{now:%y%m}{tail}"


def find_fapiao(fapiao: Fapiao | None, name: str) -> Fapiao:
    """Return the fapiao, or say that there is none of that name."""
    if fapiao is None:
        raise NotFound(f"发票 {name} 不存在，请用 yuejie fapiao list 查看编号")
    return fapiao


def find_red(red: RedFapiao | None, name: str) -> RedFapiao:
    """Return the red fapiao, or say that there is none of that name."""
    if red is None:
        raise NotFound(f"红字发票 {name} 不存在，请用 yuejie fapiao list 查看编号")
    return red


def left_on(fapiao: Fapiao, reds: Sequence[RedFapiao]) -> dict[int, Amounts]:
    """Return what red fapiao have left of each blue line, by position, discounts included."""
    left = {line.position: line.amounts for line in fapiao.lines}
    for red in reds:
        if red.state is not RedState.VOID:
            for line in red.lines:
                left[line.blue_position] += line.amounts
    return left
