"""A reckoned month as figures: from quantities and price rows to what would be owed.

Pure. Each line's charge and amount, the sums, the terms, the tax; the names of quantities come from
whoever knows them (the form's volume, or the file that was replayed).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from yuejie.bills.bill import BillLine, LineKind, TaxMode
from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.formats.agreed import percent
from yuejie.contracts.prices import RateRow, rate_text
from yuejie.contracts.terms import TaxGrouping
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, PPM
from yuejie.presales.quote import MonthCost
from yuejie.presales.reckon.month import Agreed, Reckoned, Used, cost_pico
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.trace import Op, Tracing
from yuejie.usage.meters import meter_name

Quantities = Mapping[tuple[str, str, str, int], str]
"""The figures of quantities: by project, model, meter and rate."""
_TERMS: Final = {
    LineKind.TIER_DISCOUNT: ("discount", "阶梯折扣", -1, "按用量费用所到的档位"),
    LineKind.TRUE_UP: ("true_up", "承诺消费补足", 1, "承诺消费 − 已计入的消费，不小于零"),
    LineKind.MANAGEMENT_FEE: ("fee", "管理费", 1, ""),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a month stands in a trace: its prefix, how it is called, and whose terms hold.

    `listed` are the rates of the list before what the plan agrees.
    """

    prefix: str
    label: str
    plan: str
    pricing: Pricing
    listed: Mapping[int, RateRow]


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
    parts = {kind: _term(tracing, place, kind, reckoned, usage) for kind in _TERMS}
    before = tracing.derived(
        f"{place.prefix}.before_tax",
        f"{place.label} 应付（税按合同约定）",
        Op.MINUS,
        (
            tracing.derived(
                f"{place.prefix}.charged",
                f"{place.label} 用量、补足与管理费",
                Op.SUM,
                (usage, parts[LineKind.TRUE_UP], parts[LineKind.MANAGEMENT_FEE]),
                "fen",
                currency=currency,
            ),
            parts[LineKind.TIER_DISCOUNT],
        ),
        "fen",
        currency=currency,
        words="用量 + 补足 + 管理费 − 折扣",
    )
    gross, tax = _tax(tracing, place, before, reckoned, agreed)
    assert tracing.value(gross) == reckoned.gross_fen, "a trace comes to what the bill would"
    return MonthCost(
        month=str(reckoned.month),
        usage_fen=tracing.value(usage),
        discount_fen=tracing.value(parts[LineKind.TIER_DISCOUNT]),
        true_up_fen=tracing.value(parts[LineKind.TRUE_UP]),
        fee_fen=tracing.value(parts[LineKind.MANAGEMENT_FEE]),
        net_fen=reckoned.taxed.net_fen,
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
    e8 = tracing.given(
        f"fx.{fx.fx_id}",
        f"汇率 {fx.rate.base}→{fx.rate.quote}（{fx.on_date}，{fx.source}）",
        fx.rate.e8,
        "e8",
        f"fx:{fx.fx_id}",
    )
    return tracing.derived(
        f"{name}.amount",
        f"{said}金额",
        Op.RATIO,
        (charge, e8),
        "fen",
        currency=book.currency,
        by=PICO_PER_FEN * FX_SCALE,
        words="× 汇率，四舍五入到分",
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


def _term(tracing: Tracing, place: Place, kind: LineKind, reckoned: Reckoned, usage: str) -> str:
    name, said, sign, words = _TERMS[kind]
    return tracing.given(
        f"{place.prefix}.{name}",
        f"{place.label} {said}",
        sign * reckoned.of(kind),
        "fen",
        f"terms:{place.plan}.{name}",
        currency=tracing.figures[usage].currency,
        of=(usage,) if words else (),
        words=words,
    )


def _tax(
    tracing: Tracing, place: Place, before: str, reckoned: Reckoned, agreed: Agreed
) -> tuple[str, str]:
    """Note the tax: one rounding of the whole; groups of their own round apart, and are given."""
    said, currency, rate = place.label, agreed.currency, agreed.tax_ppm
    if agreed.terms.tax_grouping is not TaxGrouping.SINGLE:
        tax = tracing.given(
            f"{place.prefix}.tax",
            f"{said} 税额（按税行分别取整）",
            reckoned.taxed.tax_fen,
            "fen",
            f"terms:{place.plan}.tax_grouping",
            currency=currency,
        )
    elif agreed.tax_mode == TaxMode.INCLUSIVE:
        net = tracing.derived(
            f"{place.prefix}.net",
            f"{said} 不含税金额",
            Op.RATIO,
            (before,),
            "fen",
            currency=currency,
            times=PPM,
            by=PPM + rate,
            words="含税金额 ÷（1 + 税率）",
        )
        tax = tracing.derived(
            f"{place.prefix}.tax",
            f"{said} 税额",
            Op.MINUS,
            (before, net),
            "fen",
            currency=currency,
            words="含税 − 不含税",
        )
    else:
        tax = tracing.derived(
            f"{place.prefix}.tax",
            f"{said} 税额",
            Op.RATIO,
            (before,),
            "fen",
            currency=currency,
            times=rate,
            by=PPM,
            words="不含税 × 税率",
        )
    of = (before,) if agreed.tax_mode == TaxMode.INCLUSIVE else (before, tax)
    gross = tracing.derived(
        f"{place.prefix}.gross",
        f"{said} 价税合计",
        Op.SUM,
        of,
        "fen",
        currency=currency,
    )
    return gross, tax
