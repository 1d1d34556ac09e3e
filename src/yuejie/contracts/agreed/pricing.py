"""What a contract agrees about prices, and the rates that follow: pure.

A discount changes the rate when it is written down, never a charge (STYLE 1): the derived rate is
the list rate less the discount, rounded once to a pico, half away from zero. An override stands in
place of the list rate of its meter and follows no publication any more.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from yuejie.contracts.prices import RateRow
from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import PPM, Rate, divide
from yuejie.usage.meters import Meter, per

OVERRIDE: Final = "override"
"""The origin of a rate that a contract agreed by itself."""
_FALLBACK: Final = "fallback:"
_PATTERN: Final = re.compile(r"[\w.:/*?-]+\Z")


@dataclass(frozen=True, slots=True)
class Override:
    """One agreed rate, whole picos per unit, in the currency of the book it stands in.

    It names a place of the list: meter, service tier, context step, time window.
    """

    model: str
    meter: str
    pico: int
    service_tier: str = DEFAULT
    context_above: int = 0
    time_window: str = ""

    @classmethod
    def parse(cls, model: str, meter: str, rate: str, currency: str) -> "Override":
        """Read an agreed rate as the contract writes it: per million tokens, or per piece."""
        if meter not in set(Meter):
            raise Invalid(f"约定单价的计量项“{meter}”不认识（模型 {model}），请对照计量项一览")
        return cls(model, meter, Rate.parse(rate, currency, per=per(meter)).pico)


@dataclass(frozen=True, slots=True)
class FamilyDiscount:
    """A share off every list rate of the models whose names fit, e.g. `gpt-*`; first fit wins."""

    models: str
    ppm: int


@dataclass(frozen=True, slots=True)
class Pricing:
    """Overrides first, then discounts; what neither names costs what the list says."""

    overrides: tuple[Override, ...] = ()
    discounts: tuple[FamilyDiscount, ...] = ()
    models: tuple[str, ...] = ()
    """The only models that are offered; none named: all of the list. Others have no rate, and are
    refused like any model that a contract does not price."""

    @property
    def is_free(self) -> bool:
        """Whether everything costs nothing: a trial, which does not go on."""
        return any(each.models == "*" and each.ppm == PPM for each in self.discounts[:1])

    def offers(self, model: str) -> bool:
        """Tell whether the contract has a rate for a model of the list."""
        return not self.models or model in self.models

    def refuse_nonsense(self) -> None:
        """Refuse what no rate could be derived from, naming the entry."""
        for discount in self.discounts:
            if _PATTERN.match(discount.models) is None:
                raise Invalid(
                    f"折扣的模型“{discount.models}”写法不对，请写模型名或 gpt-* 这样的族名"
                )
            if not 0 < discount.ppm <= PPM:
                raise Invalid(f"“{discount.models}”的折扣 {discount.ppm} ppm 须大于 0、不超过 100%")
        families = [discount.models for discount in self.discounts]
        places = [_place(each.model, each.meter, each) for each in self.overrides]
        if len(set(families)) < len(families) or len(set(places)) < len(places):
            raise Invalid("合同价目里同一模型族或同一计量项写了两次，请合并后重试")

    def discount_of(self, model: str) -> int:
        """Return the share off a model's list rates, in ppm."""
        fits = (each.ppm for each in self.discounts if fnmatchcase(model, each.models))
        return next(fits, 0)

    def derive(self, row: RateRow) -> RateRow:
        """Return the contract's rate in place of a list rate; its `list_rate` names that rate."""
        found = self.override_of(row)
        pico = found.pico if found else discounted(row.pico, self.discount_of(row.model))
        origin = row.origin if found is None else OVERRIDE
        return msgspec.structs.replace(row, pico=pico, origin=origin, list_rate=row.rate_id)

    def override_of(self, row: RateRow) -> Override | None:
        """Return what was agreed for a rate; a meter priced like another follows that other."""
        like = row.origin.removeprefix(_FALLBACK) if row.origin.startswith(_FALLBACK) else ""
        wanted = [_place(row.model, row.meter, row)]
        if like:
            wanted.append(_place(row.model, like, row))
        agreed = {_place(each.model, each.meter, each): each for each in self.overrides}
        return next((agreed[place] for place in wanted if place in agreed), None)


LIST: Final = Pricing()
"""Nothing agreed: the list."""


def discounted(pico: int, ppm: int) -> int:
    """Return a rate less a share, rounded once to a pico; never above it, never below zero."""
    return divide(pico * (PPM - ppm), PPM)


def encode_pricing(pricing: Pricing) -> str:
    """Write agreed prices as they are kept: JSON, sorted, every field named."""
    return msgspec.json.encode(pricing, order="sorted").decode()


def decode_pricing(text: str | bytes) -> Pricing:
    """Read agreed prices as they were kept."""
    return msgspec.json.decode(text, type=Pricing)


def _place(model: str, meter: str, at: Override | RateRow) -> tuple[str, str, str, int, str]:
    return model, meter, at.service_tier, at.context_above, at.time_window
