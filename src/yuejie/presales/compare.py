"""Beside what: the prepaid way of today, and up to five competing offers. Pure.

Every number of the other side is an *input*: the prospect told it, a document says it, or we
assume it and say so. Nothing about others is ever filled in silently.
"""

from dataclasses import dataclass
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import PPM
from yuejie.presales.roi import Roi

OFFERS_MAX: Final = 5
MONTHS_LEAST: Final = 3
"""Fewer months of past usage show no season; a comparison asks for at least so many."""


@dataclass(frozen=True, slots=True)
class Input:
    """A number with where it is from: `customer` told it, `document` says it, or `assumed`.

    `why` names the document, or gives the reason of the assumption; it is printed.
    """

    value: int
    origin: str
    why: str

    @property
    def source(self) -> str:
        """How a trace names it."""
        return f"{self.origin}:{self.why}"


@dataclass(frozen=True, slots=True)
class CompetingRate:
    """A competitor's rate for one meter of one model of ours, whole picos per unit."""

    model: str
    meter: str
    pico: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepaid:
    """How the prospect buys today: before use, in rounds sums, mostly by card.

    `rates` price its past usage there; without one the prices are those of our list. `top_up_fen`
    is the smallest sum that can be bought; credits left at the end of a month are carried on unless
    `expires`, then they are lost: seasonal waste. `package_fen` is what is bought each month
    whatever is used; None: as much as is needed. `waste_fen` is what the prospect says it loses a
    month, in place of computing it. Nothing is counted for what is None.
    """

    currency: str
    rates: tuple[CompetingRate, ...] = ()
    top_up_fen: Input
    package_fen: Input | None = None
    expires: bool = False
    waste_fen: Input | None = None
    card_fee_ppm: Input | None = None
    fx_spread_ppm: Input | None = None
    capital_ppm_year: Input | None = None
    """What money costs the prospect in a year."""
    wait_days: Input | None = None
    """From the order to the credit, by which a top-up has to be ahead."""
    vat_deductible_ppm: Input | None = None
    """Which rate of VAT its papers let it deduct today; nothing where there is no fapiao."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A competing offer, as it was put to the prospect. Amounts are fen of `currency`."""

    name: str
    currency: str
    rates: tuple[CompetingRate, ...]
    source: str
    """Which document or message says so."""
    fee_fen: int = 0
    deposit_fen: int = 0
    payment_days: int = 0
    """Days to pay after the bill; below zero: so many days before use."""
    sla_ppm: int | None = None
    tax_ppm: int = 0
    """The VAT its fapiao shows, which a general taxpayer deducts; 0: no special fapiao."""
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One column of the comparison: what the replayed months come to, and the terms.

    `usage_fen` and `fee_fen` add up to `gross_fen`; `deductible_fen` comes back as VAT, `idle_fen`
    is what money tied up costs, `extra_fen` card fee and spread; `total_fen` is what is left:
    gross − deductible + idle + extra + waste. All of the whole span, in the quote's currency.
    `unpriced` names what this side has no price for; with any, its sums are a floor.
    """

    name: str
    usage_fen: int
    fee_fen: int
    gross_fen: int
    deductible_fen: int
    idle_fen: int
    extra_fen: int
    waste_fen: int
    total_fen: int
    deposit_fen: int
    payment_days: int
    sla_ppm: int | None
    unpriced: tuple[str, ...] = ()
    figure: str = ""
    """The name of `total_fen` in the trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Ours beside the others over the same months, ours under the proposed plan first.

    `roi` is of the mean month against prepayment: usage, fee and waste. `roi_whole` also counts the
    VAT that comes back, card fee and spread, and what money tied up costs, as far as we were told.
    `assumptions` are sentences, one for every input that nobody told us and everything left out.
    """

    currency: str
    months: tuple[str, ...]
    ours: tuple[Side, ...]
    prepaid: Side | None
    offers: tuple[Side, ...]
    roi: Roi | None
    roi_whole: Roi | None
    assumptions: tuple[str, ...]
    told: tuple[str, ...] = ()
    """What people said of the inputs, in their words, as the assumptions repeat it."""


def refuse_offers(offers: tuple[Offer, ...]) -> None:
    """Refuse more offers than stand side by side, or one that could not be computed."""
    if len(offers) > OFFERS_MAX:
        raise Invalid(f"竞品报价最多 {OFFERS_MAX} 份，现有 {len(offers)} 份，请删减")
    if len({each.name for each in offers}) != len(offers):
        raise Invalid("竞品报价的名称有重复，请改正")
    for each in offers:
        if not each.source.strip():
            raise Invalid(f"竞品报价“{each.name}”没有写明出处 source，请填写来自哪份文件或谁的口述")
        if not each.rates:
            raise Invalid(f"竞品报价“{each.name}”没有任何单价，请至少写一个模型的 input 与 output")
        if min(each.fee_fen, each.deposit_fen) < 0 or any(r.pico < 0 for r in each.rates):
            raise Invalid(f"竞品报价“{each.name}”的单价、管理费与押金不能为负")
        if not 0 <= each.tax_ppm < PPM or not 0 <= (each.sla_ppm or 0) <= PPM:
            raise Invalid(f"竞品报价“{each.name}”的税率与可用率须在 0% 到 100% 之间")
