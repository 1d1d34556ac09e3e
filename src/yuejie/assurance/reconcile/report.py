"""What a provider says we used and owe: a report, line by line, in our meters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import CURRENCIES, PICO
from yuejie.usage.meters import Meter

_WIDE: Final = Context(prec=60)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?\Z")
_PLACES: Final = 18
"""Digits before the point of the largest number: a trillion calls of a million tokens."""
_CENT: Final = 2
"""Places of the coarsest step in which amounts are written."""
_SHOWN: Final = 40
"""So much of a text that is no number is shown."""
_DATED: Final = re.compile(r"(?:[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6})|-latest)\Z")


class Source(StrEnum):
    """Which report of which provider; stored by value."""

    OPENAI_USAGE = "openai_usage"
    """`GET /v1/organization/usage/completions`, buckets of a day or finer, days in UTC."""
    OPENAI_COSTS = "openai_costs"
    """`GET /v1/organization/costs`, by day and line item; amounts in units of the currency."""
    ANTHROPIC_USAGE = "anthropic_usage"
    """`GET /v1/organizations/usage_report/messages`, days in UTC."""
    ANTHROPIC_COST = "anthropic_cost"
    """`GET /v1/organizations/cost_report`; `amount` is a decimal text in cents."""
    GCP_BILLING = "gcp_billing"
    """Cloud Billing's standard usage cost export as CSV, days in Pacific time."""
    CSV = "csv"
    """Any table, by a mapping file."""


class Says(StrEnum):
    """What a report is about: quantities, money, or both."""

    USAGE = "usage"
    COST = "cost"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a source reports: what it says, in which zone a day is a day, what it adds together."""

    says: Says
    zone: str
    folds: Mapping[Meter, Meter] = field(default_factory=dict)


_REASONING_IS_OUTPUT: Final = {Meter.REASONING: Meter.OUTPUT}
_WRITES_TOGETHER: Final = {
    Meter.CACHE_WRITE_30M: Meter.CACHE_WRITE_UNSPECIFIED,
    Meter.CACHE_WRITE_12H: Meter.CACHE_WRITE_UNSPECIFIED,
    Meter.CACHE_WRITE_5M: Meter.CACHE_WRITE_UNSPECIFIED,
    Meter.CACHE_WRITE_1H: Meter.CACHE_WRITE_UNSPECIFIED,
}

MANNERS: Final[Mapping[Source, Manner]] = {
    Source.OPENAI_USAGE: Manner(Says.USAGE, "UTC", _REASONING_IS_OUTPUT | _WRITES_TOGETHER),
    Source.OPENAI_COSTS: Manner(Says.COST, "UTC", _REASONING_IS_OUTPUT | _WRITES_TOGETHER),
    Source.ANTHROPIC_USAGE: Manner(Says.USAGE, "UTC", _REASONING_IS_OUTPUT),
    Source.ANTHROPIC_COST: Manner(Says.COST, "UTC", _REASONING_IS_OUTPUT),
    Source.GCP_BILLING: Manner(Says.BOTH, "America/Los_Angeles", _REASONING_IS_OUTPUT),
    Source.CSV: Manner(Says.BOTH, "UTC"),
}


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What a provider says of a day, a model and a meter.

    `model` is in the provider's words; empty where the line names none. `meter` is ours; empty
    where the line is about the whole model. `quantity` None: not said. `cost_pico` None: not said.
    `line` is where it stands in the file.
    """

    line: int
    day: date
    model: str
    meter: str
    quantity: int | None
    cost_pico: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's report as it was read.

    `meters` are those whose quantities it tells; silence about another meter says nothing.
    `grain_pico` is the finest step of its amounts: each line may be off by half of it.
    """

    source: Source
    says: Says
    zone: str
    currency: str
    meters: frozenset[str]
    folds: Mapping[str, str]
    grain_pico: int
    lines: tuple[ReportLine, ...]
    covers: frozenset[date] = frozenset()
    """The days that it is about, whether or not anything was used on them."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that was read."""
        told = [self.says, self.zone, self.currency, sorted(self.meters), self.grain_pico]
        told.append([str(day) for day in sorted(self.covers)])
        lines = [[str(e.day), e.model, e.meter, e.quantity, e.cost_pico] for e in self.lines]
        return sha256(
            json.dumps([told, dict(self.folds), lines], sort_keys=True).encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Filed:
    """A report on file: of which account and month, drawn when, imported by whom.

    `sha256` names the file, `reading` what was read in it: another mapping reads it otherwise.
    """

    report_id: str
    account_id: str
    month: str
    file_name: str
    sha256: str
    reading: str
    as_of: datetime
    by: str
    imported_at: datetime
    report: Report


def plain_model(name: str, aliases: Mapping[str, str] | None = None) -> str:
    """Return a model's name without platform and date, as both sides can be compared by.

    `aliases` (a provider's name = ours) go first.
    """
    given = (aliases or {}).get(name, name)
    return _DATED.sub("", given.lower().rsplit("/", 1)[-1])


def decimal_of(text: str, what: str) -> Decimal:
    """Read a number as a report writes it. Raises Invalid, also beyond what any month comes to."""
    if not _NUMBER.match(text):
        raise Invalid(f"{what}“{text[:_SHOWN]}”不是数字")
    number = Decimal(text)
    if number and number.adjusted() >= _PLACES:
        raise Invalid(f"{what}“{text[:_SHOWN]}”大得不合理，请核对单位")
    return number


def to_pico(amount: Decimal) -> int:
    """Return a provider's decimal amount in picos, half away from zero.

    Providers print binary fractions with seventeen digits; finer than a pico is noise of theirs.
    """
    if not amount.is_finite():
        raise Invalid(f"金额“{amount}”不是数字")
    scaled = _WIDE.multiply(amount, Decimal(PICO))
    return int(scaled.quantize(Decimal(1), ROUND_HALF_UP, context=_WIDE))


def grain_of(amounts: list[Decimal]) -> int:
    """Return the finest step that amounts are written in, in picos, a cent at the coarsest.

    A column of 0.123 and 3.4 is written to the thousandth; what it stands for lies within half.
    Nobody charges in tenths: a column of 0.5 alone has lost its zeros, not its cents.
    """
    places = [max(_CENT, -int(a.as_tuple().exponent)) for a in amounts if a.is_finite()]
    finest = min(max(places, default=_CENT), 12)
    return int(10 ** (12 - finest))


def currency_named(text: str) -> str:
    """Read a currency in whatever case."""
    name = text.strip().upper()
    if name not in CURRENCIES:
        raise Invalid(f"币种“{text}”不支持，只支持 CNY 和 USD")
    return name
