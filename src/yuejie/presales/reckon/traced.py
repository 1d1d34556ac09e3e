"""A reckoned month as figures: from quantities and price rows to what would be owed.

Pure. Each line's charge and amount, the sums, the terms, the tax; the names of quantities come from
whoever knows them (the form's volume, or the file that was replayed).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from yuejie.bills.bill import BillLine, LineKind
from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.formats.agreed import percent
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.prices import RateRow, rate_text
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, PPM
from yuejie.presales.quote import MonthCost
from yuejie.presales.reckon.month import Agreed, Reckoned, Used, cost_pico
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.reckon.terms import Spot, management_fee, tax_of, tier_discount, true_up
from yuejie.presales.trace import Op, Tracing
from yuejie.usage.meters import meter_name

Quantities = Mapping[tuple[str, str, str, int], str]
"""The figures of quantities: by project, model, meter and rate."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a month stands in a trace, and what its prices were before the plan.

    `listed` are the rates of the list before what the plan agrees.
    """

    spot: Spot
    pricing: Pricing
    listed: Mapping[int, RateRow]

    @property
    def prefix(self) -> str:
        """What the names of the month's figures begin with."""
        return self.spot.prefix

    @property
    def label(self) -> str:
        """What the labels of the month's figures begin with."""
        return self.spot.label

    @property
    def plan(self) -> str:
        """Whose terms hold."""
        return self.spot.plan


def trace_month(
    tracing: Tracing,
    place: Place,
    reckoned: Reckoned,
    used: Used,
    quantities: Quantities,
    book: Pricebook,
    agreed: Agreed,
) -> MonthCost:
    """Note a month's figures and return what it comes to; the last is named in the answer."""
    amounts = [
        _line(tracing, place, line, quantities, book)
        for line in reckoned.lines
        if line.kind is LineKind.USAGE
    ]
    currency = agreed.currency
    usage = tracing.derived(
        f"{place.prefix}.usage",
        f"{place.label} 用量费用",
        Op.SUM,
        amounts,
        "fen",
        currency=currency,
        words="各行金额之和",
    )
    discount = tier_discount(tracing, place.spot, agreed, usage)
    up = true_up(tracing, place.spot, agreed, reckoned, usage, discount)
    fee = management_fee(tracing, place.spot, agreed, reckoned.month)
    for kind, name, sign in (
        (LineKind.TIER_DISCOUNT, discount, -1),
        (LineKind.TRUE_UP, up, 1),
        (LineKind.MANAGEMENT_FEE, fee, 1),
    ):
        assert tracing.value(name) == sign * reckoned.of(kind), "a trace holds what a bill would"
    charged = tracing.derived(
        f"{place.prefix}.charged",
        f"{place.label} 用量、补足与管理费",
        Op.SUM,
        (usage, up, fee),
        "fen",
        currency=currency,
    )
    before = tracing.derived(
        f"{place.prefix}.before_tax",
        f"{place.label} 应付（税按合同约定）",
        Op.MINUS,
        (charged, discount),
        "fen",
        currency=currency,
        words="用量 + 补足 + 管理费 − 折扣",
    )
    net, tax, gross = tax_of(tracing, place.spot, agreed, before, reckoned)
    assert tracing.value(gross) == reckoned.gross_fen, "a trace comes to what the bill would"
    assert tracing.value(net) == reckoned.taxed.net_fen, "a trace comes to what the bill would"
    return MonthCost(
        month=str(reckoned.month),
        usage_fen=tracing.value(usage),
        discount_fen=tracing.value(discount),
        true_up_fen=tracing.value(up),
        fee_fen=tracing.value(fee),
        net_fen=tracing.value(net),
        tax_fen=tracing.value(tax),
        gross_fen=tracing.value(gross),
        cost_pico=cost_pico(used),
        figure=gross,
    )


def _line(
    tracing: Tracing, place: Place, line: BillLine, quantities: Quantities, book: Pricebook
) -> str:
    row = book.sale.by_id[line.sale_rate]
    name = f"{place.prefix}.{line.model}.{line.meter}.{line.sale_rate}"
    name += f".{line.project_id}" if line.project_id else ""
    said = f"{place.label} {line.model} {meter_name(line.meter)}"
    quantity = quantities[line.project_id, line.model, line.meter, line.sale_rate]
    rate = note_rate(tracing, place.plan, row, place.pricing, place.listed[row.rate_id])
    charge = tracing.derived(
        f"{name}.charge",
        f"{said}计费额",
        Op.RATIO,
        (quantity, rate),
        "pico",
        currency=row.currency,
        words=f"数量 × {rate_text(row)}",
    )
    fx = book.fx.get(line.service_month) if row.currency != book.currency else None
    if fx is None:
        return tracing.derived(
            f"{name}.amount",
            f"{said}金额",
            Op.RATIO,
            (charge,),
            "fen",
            currency=book.currency,
            by=PICO_PER_FEN,
            words="四舍五入到分",
        )
    return tracing.derived(
        f"{name}.amount",
        f"{said}金额",
        Op.RATIO,
        (charge, note_fx(tracing, fx)),
        "fen",
        currency=book.currency,
        by=PICO_PER_FEN * FX_SCALE,
        words="× 汇率，四舍五入到分",
    )


def note_fx(tracing: Tracing, fx: MonthFx) -> str:
    """Note an exchange rate with its day and source."""
    return tracing.given(
        f"fx.{fx.fx_id}",
        f"汇率 {fx.rate.base}→{fx.rate.quote}（{fx.on_date}，{fx.source}）",
        fx.rate.e8,
        "e8",
        f"fx:{fx.fx_id}",
    )


def note_rate(tracing: Tracing, plan: str, row: RateRow, pricing: Pricing, listed: RateRow) -> str:
    """Note a plan's rate with the price row it comes from, and the discount between them."""
    said = f"{row.model} {meter_name(row.meter)}单价"
    base = tracing.given(
        f"rate.{listed.rate_id}",
        f"{said}（目录）",
        listed.pico,
        "pico",
        f"rate:{listed.rate_id}",
        currency=listed.currency,
        words=rate_text(listed),
    )
    if pricing.override_of(listed) is not None:
        return tracing.given(
            f"rate.{listed.rate_id}.{plan}",
            f"{said}（方案“{plan}”约定）",
            row.pico,
            "pico",
            f"terms:{plan}.override",
            currency=row.currency,
            words=rate_text(row),
        )
    off = pricing.discount_of(row.model)
    if not off:
        return base
    kept = tracing.given(
        f"kept.{plan}.{row.model}",
        f"{row.model} 折后比例（方案“{plan}”）",
        PPM - off,
        "ppm",
        f"terms:{plan}.discount",
        words=f"1 − {percent(off)}",
    )
    return tracing.derived(
        f"rate.{listed.rate_id}.{plan}",
        f"{said}（方案“{plan}”）",
        Op.RATIO,
        (base, kept),
        "pico",
        currency=row.currency,
        by=PPM,
        words=f"目录价 × 折后比例 = {rate_text(row)}",
    )
