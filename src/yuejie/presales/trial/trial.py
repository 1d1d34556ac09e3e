"""What a trial is: who asked, what it may use, until when; and the rules of granting one. Pure.

Days are the customer's calendar days, the first one included. `tokens` counts every token of every
model, reserved before a call, so a trial never uses more.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.contracts.agreed.pricing import FamilyDiscount, Pricing
from yuejie.contracts.contract import Contract, order
from yuejie.contracts.terms import CommercialTerms, Renewal
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import BookId, ContractId, CustomerId
from yuejie.kernel.money import PPM
from yuejie.kernel.period import zone_of

DAYS_LEAST: Final = 7
DAYS_MOST: Final = 14
ALLOWANCE: Final = "试用额度"
PROJECT: Final = "试用"
ZONE: Final = "Asia/Shanghai"
NOTICE: Final = timedelta(seconds=10)
"""A contract that follows a trial starts so much later than it is signed: by then every gateway
knows of it, and not one call of the first instant is still a trial's."""
TEXT_MOST: Final = 500
_NAME_MOST: Final = 100
_MAIL: Final = re.compile(r"[^@\s,;<>\"']{1,64}@[\w-]+(\.[\w-]+)+\Z")


class RequestState(StrEnum):
    """Where a request is."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"


REQUESTS_SAID: Final = {
    RequestState.ASKED: "待处理",
    RequestState.GRANTED: "已批准",
    RequestState.DECLINED: "已婉拒",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody writes who wants a trial; nobody has checked any of it."""

    company: str
    contact: str
    email: str
    phone: str = ""
    purpose: str = ""
    models: tuple[str, ...] = ()
    """None named: all that the policy gives."""
    days: int = DAYS_LEAST
    tokens: int | None = None
    """None: what the policy gives."""

    def refuse_nonsense(self) -> None:
        """Refuse what nobody could answer, naming the field."""
        for name, text, least in (
            ("公司 company", self.company, 2),
            ("联系人 contact", self.contact, 1),
        ):
            if not least <= len(text.strip()) <= _NAME_MOST or not text.isprintable():
                raise Invalid(f"试用申请的{name}须为 {least} 到 {_NAME_MOST} 个字符，请改正")
        if _MAIL.match(self.email) is None or len(self.email) > _NAME_MOST:
            raise Invalid(f"试用申请的邮箱“{self.email[:_NAME_MOST]}”写法不对，请填写公司邮箱")
        if len(self.phone) > _NAME_MOST or len(self.purpose) > TEXT_MOST:
            raise Invalid(f"试用申请的电话或用途过长，用途不超过 {TEXT_MOST} 字，请缩短")
        refuse_days(self.days)
        if self.tokens is not None and self.tokens <= 0:
            raise Invalid("试用申请的 token 数须大于零，或不填写")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRequest:
    """A request and what became of it."""

    request_id: str
    company: str
    contact: str
    email: str
    phone: str
    purpose: str
    models: tuple[str, ...]
    days: int
    tokens: int
    from_hash: bytes
    """HMAC of the address it came from: enough to throttle, too little to know anybody."""
    claim_hash: bytes
    asked_at: datetime
    state: RequestState
    decided_by: str = ""
    decided_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPolicy:
    """What trials are made of; the newest counts. `by_rule`: requests within it need no person."""

    revision: int
    sale_book: BookId
    fx_policy: str
    models: tuple[str, ...]
    days_most: int
    tokens_most: int
    by_rule: bool
    made_by: str
    made_at: datetime

    def refuse_nonsense(self) -> None:
        """Refuse a policy by which nothing could be granted."""
        refuse_days(self.days_most)
        if not self.models or len(set(self.models)) != len(self.models):
            raise Invalid("试用规则须列出可试用的模型，且不重复")
        if self.tokens_most <= 0:
            raise Invalid("试用规则的 token 上限须大于零")

    def fits(self, asked: Asked) -> Asked:
        """Fill in what was not named. Raises Invalid for what the policy does not give."""
        models = asked.models or self.models
        strange = sorted(set(models) - set(self.models))
        if strange:
            raise Invalid(
                f"模型 {'、'.join(strange)} 不在试用范围，可试用：{'、'.join(self.models)}"
            )
        tokens = self.tokens_most if asked.tokens is None else asked.tokens
        if asked.days > self.days_most or tokens > self.tokens_most:
            raise Invalid(
                f"试用最多 {self.days_most} 天、{self.tokens_most:,} token，"
                "请缩小申请或联系客户经理"
            )
        return Asked(
            company=asked.company.strip(),
            contact=asked.contact.strip(),
            email=asked.email.lower(),
            phone=asked.phone,
            purpose=asked.purpose,
            models=tuple(sorted(set(models))),
            days=asked.days,
            tokens=tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial that was granted: its contract, the book that prices it at nothing, its bounds."""

    trial_id: str
    request_id: str | None
    customer_id: CustomerId
    contract_id: ContractId
    book_id: BookId
    project: str
    models: tuple[str, ...]
    days: int
    tokens: int
    starts_at: datetime
    ends_at: datetime
    granted_by: str
    key_id: str | None = None


class Stage(StrEnum):
    """Where a trial stands; computed, never stored."""

    RUNNING = "running"
    CONVERTED = "converted"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """A trial's stage, and the instant at which it was or will be over."""

    stage: Stage
    over_at: datetime
    contract_id: ContractId | None
    """The contract that followed it, or will."""


def standing(trial: Trial, versions: list[Contract], now: datetime) -> Standing:
    """Tell where a trial stands: over at its last day, or when other prices start before.

    `versions` are all of the customer's; those under the trial's own book are the trial's.
    """
    own = [each for each in versions if each.sale_book == trial.book_id]
    ends_at = max(own, key=lambda each: each.version).ends_at or trial.ends_at
    others = [
        each
        for each in versions
        if each.sale_book != trial.book_id and each.starts_at >= trial.starts_at
    ]
    first = min(others, key=order, default=None)
    over_at = min(ends_at, first.starts_at) if first else ends_at
    follows = first.contract_id if first else None
    if now < over_at:
        return Standing(Stage.RUNNING, over_at, follows)
    converted = first is not None and first.starts_at <= now
    return Standing(Stage.CONVERTED if converted else Stage.ENDED, over_at, follows)


def last_day(now: datetime, days: int, zone: str = ZONE) -> date:
    """Return the first day on which a trial no longer holds: so many calendar days, today one."""
    return now.astimezone(zone_of(zone)).date() + timedelta(days=days)


def trial_pricing(models: tuple[str, ...]) -> Pricing:
    """Return prices at which the named models cost nothing, and no other can be called."""
    return Pricing(discounts=(FamilyDiscount("*", PPM),), models=models)


def trial_terms(ends_on: date) -> CommercialTerms:
    """Return terms that owe nothing: no fee, no minimum, no deposit, an end."""
    return CommercialTerms(
        ends_on=ends_on,
        renewal=Renewal.NONE,
        extra={"合同性质": "试用：用量不计费，期满自动终止，不自动续期"},
    )


def refuse_days(days: int) -> None:
    """Refuse a length that no trial has."""
    if not DAYS_LEAST <= days <= DAYS_MOST:
        raise Invalid(f"试用期须为 {DAYS_LEAST} 到 {DAYS_MOST} 天（现为 {days} 天）")
