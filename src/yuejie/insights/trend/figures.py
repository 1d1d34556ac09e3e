"""What is counted of usage, and what is worked out of that: measures of a trend. Exact throughout.

Counted is what bills count: the billed states, and of tokens those that have a sale rate. What
waits on the worklist is told beside it, as a number of calls.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from yuejie.kernel.money import MTOK, PICO, Charge, divide, plain
from yuejie.usage.meters import INPUT_SIDE, Meter

CACHE_READS: Final = (
    Meter.CACHE_READ,
    Meter.CACHE_READ_AUDIO,
    Meter.CACHE_READ_IMAGE,
    Meter.CACHE_READ_VIDEO,
)
assert INPUT_SIDE.issuperset(CACHE_READS)
_PER: Final = 1_000
_MICRO: Final = 10**6


class Measure(StrEnum):
    """What a trend can be of. `cost` and `margin` are the operator's."""

    CHARGE = "charge"
    TOKENS = "tokens"
    REQUESTS = "requests"
    PER_THOUSAND = "per_thousand"
    PER_MTOK = "per_mtok"
    CACHE_SHARE = "cache_share"
    COST = "cost"
    MARGIN = "margin"


MEASURE_NAMES: Final = {
    Measure.CHARGE: "费用",
    Measure.TOKENS: "token",
    Measure.REQUESTS: "请求",
    Measure.PER_THOUSAND: "每千次费用",
    Measure.PER_MTOK: "每百万 token 费用",
    Measure.CACHE_SHARE: "缓存命中率",
    Measure.COST: "成本",
    Measure.MARGIN: "毛利",
}
OPERATORS: Final = frozenset({Measure.COST, Measure.MARGIN})
"""Measures that no customer is shown."""
ADDITIVE: Final = frozenset(
    {Measure.CHARGE, Measure.TOKENS, Measure.REQUESTS, Measure.COST, Measure.MARGIN}
)
"""Measures of which the parts add up to the whole; the others are ratios of such."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What was used in a bucket by a line of a trend."""

    requests: int = 0
    failed: int = 0
    pending: int = 0
    """Calls on the worklist, in no other figure."""
    tokens: int = 0
    input_side: int = 0
    """Tokens of the input side, read from a cache or not."""
    cache_reads: int = 0
    charges: Mapping[str, int] = field(default_factory=dict)
    """Exact charges in picos, by currency."""
    costs: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Sums") -> "Sums":
        return total((self, other))

    def pico(self, measure: Measure, currency: str) -> int | None:
        """Return a charge, cost or margin in picos; None where the margin has no common currency.

        What was charged in another currency than what it cost has no margin without a rate between
        them, and a rate is an opinion: `yuejie margin` has one.
        """
        if measure is Measure.MARGIN:
            if self.costs.keys() - {currency}:
                return None
            return self.charges.get(currency, 0) - self.costs.get(currency, 0)
        return (self.costs if measure is Measure.COST else self.charges).get(currency, 0)

    def value(self, measure: Measure, currency: str) -> Fraction | None:
        """Return a measure exactly, money in currency units; None where there is nothing to divide.

        Money is of that currency only. A share is between 0 and 1.
        """
        match measure:
            case Measure.TOKENS:
                return Fraction(self.tokens)
            case Measure.REQUESTS:
                return Fraction(self.requests)
            case Measure.CACHE_SHARE:
                return Fraction(self.cache_reads, self.input_side) if self.input_side else None
            case Measure.PER_THOUSAND:
                return self._unit(currency, self.requests, _PER)
            case Measure.PER_MTOK:
                return self._unit(currency, self.tokens, MTOK)
            case Measure.CHARGE | Measure.COST | Measure.MARGIN:
                pico = self.pico(measure, currency)
                return None if pico is None else Fraction(pico, PICO)

    def _unit(self, currency: str, quantity: int, per: int) -> Fraction | None:
        # Calls and tokens are not told apart by currency: of two, neither has a unit cost.
        if not quantity or self.charges.keys() != {currency}:
            return None
        return Fraction(self.charges[currency] * per, quantity * PICO)


def total(sums: Iterable[Sums]) -> Sums:
    """Add sums up; in one pass, for a year of weeks of hundreds of keys is ten thousand of them."""
    requests = failed = pending = tokens = input_side = cache_reads = 0
    charges: dict[str, int] = {}
    costs: dict[str, int] = {}
    for each in sums:
        requests += each.requests
        failed += each.failed
        pending += each.pending
        tokens += each.tokens
        input_side += each.input_side
        cache_reads += each.cache_reads
        for currency, pico in each.charges.items():
            charges[currency] = charges.get(currency, 0) + pico
        for currency, pico in each.costs.items():
            costs[currency] = costs.get(currency, 0) + pico
    return Sums(requests, failed, pending, tokens, input_side, cache_reads, charges, costs)


def text(value: Fraction | None, measure: Measure) -> str | None:
    """Write a measure as a plain decimal: charges whole, ratios to six places, half away from zero.

    A share is written in percent, to two places.
    """
    if value is None:
        return None
    if measure is Measure.CACHE_SHARE:
        return plain(divide(value.numerator * 10**4, value.denominator), 100)
    if measure in ADDITIVE and measure not in {Measure.TOKENS, Measure.REQUESTS}:
        pico = value * PICO
        return plain(pico.numerator, PICO)
    if value.denominator == 1 and measure in ADDITIVE:
        return str(value.numerator)
    return plain(divide(value.numerator * _MICRO, value.denominator), _MICRO)


def growth_text(was: Fraction | None, now: Fraction | None) -> str | None:
    """Write by how many percent something grew, to one place; None where there was nothing."""
    if not was or now is None:
        return None
    grown = (now - was) / abs(was)
    return plain(divide(grown.numerator * 1_000, grown.denominator), 10, least=1)


def charges_of(picos: Mapping[str, int]) -> list[Charge]:
    """Return exact charges, by currency."""
    return [Charge(pico, currency) for currency, pico in sorted(picos.items())]
