"""How a provider account stands: its terms, what was seen of it, and what must be warned of. Pure.

A warning has a key that names its threshold and its cause, so that whoever sends it sends it once;
a new observation or new terms make a new key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import CURRENCIES, PICO_PER_FEN, PPM, Money, divide

EXPIRY_DAYS: Final = (30, 7, 1)
"""How many days before a credential ends it is warned of, each once."""
CEILING_PPM: Final = (800_000, 1_000_000)
"""Shares of the provider's monthly ceiling at which it is warned."""
BURN_DAYS: Final = 7
"""The daily burn is the average of so many days: a week holds its weekend."""
LONGEST: Final = 3660
"""No provider waits longer than ten years for its money."""
STALE: Final = timedelta(days=7)
"""A prepaid balance that nobody looked at for so long is a guess."""


@dataclass(frozen=True, slots=True)
class ProviderTerms:
    """What was agreed with the provider, and when to be warned; versions, the newest counts."""

    account_id: str
    currency: str
    prepaid: bool = False
    low_fen: int = 0
    low_days: int = 7
    monthly_ceiling_fen: int | None = None
    credential_expires_on: date | None = None
    net_days: int = 30

    def refuse_nonsense(self) -> None:
        """Refuse terms that say nothing sensible."""
        if self.currency not in CURRENCIES:
            raise Invalid(f"币种“{self.currency}”不支持，只支持 CNY 和 USD")
        if min(self.low_fen, self.low_days, self.net_days) < 0:
            raise Invalid("余额下限、提前天数和付款天数都不能为负，请改正后重试")
        if max(self.low_days, self.net_days) > LONGEST:
            raise Invalid(f"提前天数和付款天数不能超过 {LONGEST} 天，请改正后重试")
        if self.monthly_ceiling_fen is not None and self.monthly_ceiling_fen <= 0:
            raise Invalid("每月上限必须大于零；没有上限就不要填写")


@dataclass(frozen=True, slots=True)
class Observation:
    """A balance that somebody read off the provider's console."""

    account_id: str
    at: datetime
    balance_fen: int
    currency: str
    by: str


@dataclass(frozen=True, slots=True)
class Spend:
    """What we used at the provider, in picos at our cost rates.

    Since the balance was read, over the last BURN_DAYS, and in the present month.
    """

    since_seen_pico: int
    burn_pico: int
    month_pico: int


class WarningKind(StrEnum):
    """What is warned of."""

    BALANCE = "balance"
    BURN_DOWN = "burn_down"
    STALE = "stale"
    CEILING = "ceiling"
    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning: its key is the same until its cause is another; `facts` are for a notice."""

    key: str
    kind: WarningKind
    account_id: str
    sentence: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider account now: terms, last balance, what is left of it, for how many days."""

    terms: ProviderTerms
    seen: Observation | None
    spend: Spend

    @property
    def left_fen(self) -> int | None:
        """What is left of a prepaid balance, the usage since then taken off."""
        if self.seen is None:
            return None
        return self.seen.balance_fen - divide(self.spend.since_seen_pico, PICO_PER_FEN)

    @property
    def daily_fen(self) -> int:
        """What a day costs, on the average of the last week."""
        return divide(self.spend.burn_pico, PICO_PER_FEN * BURN_DAYS)

    @property
    def days_left(self) -> int | None:
        """For how many whole days the balance lasts; None without a balance or without use."""
        if self.left_fen is None or self.daily_fen <= 0:
            return None
        return max(self.left_fen, 0) // self.daily_fen


def warnings_of(standing: Standing, now: datetime, today: date) -> list[Warned]:
    """Return everything that must be warned of now."""
    return [
        *(_of_balance(standing, now) if standing.terms.prepaid else ()),
        *_of_ceiling(standing, today),
        *_of_credential(standing.terms, today),
    ]


def _of_balance(standing: Standing, now: datetime) -> Iterable[Warned]:
    terms, seen, left = standing.terms, standing.seen, standing.left_fen
    name = terms.account_id
    if seen is None or left is None:
        sentence = f"账号 {name} 是预付费，但从未登记余额，请登记"
        yield Warned(f"provider:{name}:stale:never", WarningKind.STALE, name, sentence)
        return
    amount = f"{Money(left, seen.currency)} {seen.currency}"
    mark = f"{seen.at:%Y%m%dT%H%M%S}"

    def warned(kind: WarningKind, sentence: str, **facts: str) -> Warned:
        facts |= {"balance": amount}
        return Warned(f"provider:{name}:{kind}:{mark}", kind, name, sentence, facts)

    if now - seen.at > STALE:
        days = (now - seen.at).days
        yield warned(WarningKind.STALE, f"账号 {name} 的余额已 {days} 天未更新，请登记最新余额")
    if left < terms.low_fen:
        lowest = Money(terms.low_fen, seen.currency)
        sentence = f"账号 {name} 余额约 {amount}，低于下限 {lowest}，请充值"
        yield warned(WarningKind.BALANCE, sentence)
    days_left = standing.days_left
    if days_left is not None and days_left < terms.low_days:
        sentence = f"账号 {name} 的余额按近 {BURN_DAYS} 天用量还够 {days_left} 天，请充值"
        yield warned(WarningKind.BURN_DOWN, sentence, days=str(days_left))


def _of_ceiling(standing: Standing, today: date) -> Iterable[Warned]:
    terms = standing.terms
    if terms.monthly_ceiling_fen is None:
        return
    used_fen = divide(standing.spend.month_pico, PICO_PER_FEN)
    reached = [p for p in CEILING_PPM if used_fen * PPM >= terms.monthly_ceiling_fen * p]
    if reached:
        share = max(reached) // (PPM // 100)
        name, month = terms.account_id, f"{today:%Y-%m}"
        used = f"{Money(used_fen, terms.currency)} {terms.currency}"
        limit = f"{Money(terms.monthly_ceiling_fen, terms.currency)} {terms.currency}"
        yield Warned(
            key=f"provider:{name}:ceiling:{month}:{terms.monthly_ceiling_fen}:{share}",
            kind=WarningKind.CEILING,
            account_id=name,
            sentence=f"账号 {name} 本月已用 {used}，达到供应商每月上限 {limit} 的 {share} %",
            facts={"used": used, "limit": limit, "percent": str(share)},
        )


def _of_credential(terms: ProviderTerms, today: date) -> Iterable[Warned]:
    if terms.credential_expires_on is None:
        return
    left = (terms.credential_expires_on - today).days
    reached = [days for days in EXPIRY_DAYS if left <= days]
    if not reached:
        return
    name = terms.account_id
    said = f"还有 {left} 天" if left >= 0 else "已经"
    yield Warned(
        key=f"provider:{name}:credential:{terms.credential_expires_on}:{min(reached)}",
        kind=WarningKind.CREDENTIAL,
        account_id=name,
        sentence=f"账号 {name} 的凭证{said}于 {terms.credential_expires_on} 到期，请更换",
        facts={"ends_on": terms.credential_expires_on.isoformat(), "days": str(max(left, 0))},
    )
