"""Past usage at somebody else's rates: a competing offer as one column. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from yuejie.kernel.money import PICO_PER_FEN, PPM
from yuejie.kernel.period import BillingMonth
from yuejie.presales.compare import CompetingRate, Offer, Side
from yuejie.presales.replay.scales import (
    YEAR_DAYS,
    Column,
    Scales,
    capital_of,
    idle_deposit,
    side,
    vat_in,
)
from yuejie.presales.trace import Op
from yuejie.usage.meters import COUNT_METERS, FALLBACK, Meter, meter_name


def at_rates(
    scales: Scales, prefix: str, name: str, rates: Sequence[CompetingRate], currency: str, why: str
) -> tuple[list[str], tuple[str, ...]]:
    """Return the figures of each month's usage at somebody's rates, and what has no rate there."""
    known = {(each.model, each.meter): each for each in rates}
    sums: dict[BillingMonth, Counter[tuple[str, str]]] = {m: Counter() for m in scales.months}
    for cell in scales.past.cells:
        sums[BillingMonth.parse(cell.key.month)][cell.key.model, cell.meter] += cell.quantity
    gaps: set[str] = set()
    months: list[str] = []
    for month, used in sums.items():
        amounts = []
        for (model, meter), quantity in sorted(used.items()):
            found = _rate_for(scales, name, known, model, meter)
            if found is None:
                if quantity and meter not in COUNT_METERS:
                    gaps.add(f"{model} {meter_name(meter)}")
                continue
            key = f"{prefix}.{month}.{model}.{meter}"
            said = f"{name} {month} {model} {meter_name(meter)}"
            rate = scales.tracing.given(
                f"{prefix}.rate.{found.model}.{found.meter}",
                f"{name} {found.model} {meter_name(found.meter)}单价",
                found.pico,
                "pico",
                why,
                currency=currency,
            )
            count = scales.tracing.given(
                f"past.{month}.{model}.{meter}",
                f"{month} {model} {meter_name(meter)}（历史用量）",
                quantity,
                "token",
                f"file:{scales.past.sha256}",
                words=scales.past.lines(month, {model}, meter),
            )
            amounts.append(
                scales.tracing.derived(
                    key,
                    said,
                    Op.RATIO,
                    (count, rate),
                    "fen",
                    currency=currency,
                    by=PICO_PER_FEN,
                    words="数量 × 单价，四舍五入到分",
                )
            )
        total = scales.tracing.derived(
            f"{prefix}.{month}", f"{name} {month} 用量", Op.SUM, amounts, "fen", currency=currency
        )
        months.append(
            scales.converted(f"{prefix}.{month}.here", f"{name} {month} 用量", total, currency)
        )
    scales.said.append(f"{name}：按所给单价计，不含其长上下文、批量等档位")
    return months, tuple(sorted(gaps))


def _rate_for(
    scales: Scales,
    name: str,
    known: Mapping[tuple[str, str], CompetingRate],
    model: str,
    meter: str,
) -> CompetingRate | None:
    """Return somebody's rate for a meter, or for what it is usually priced like, saying so."""
    like: Meter | None = Meter(meter)
    while like is not None:
        found = known.get((model, like))
        if found is not None:
            if like != meter:
                scales.said.append(
                    f"{name}：没有给出 {model} {meter_name(meter)}的单价，按{meter_name(like)}计"
                )
            return found
        like = FALLBACK.get(like)
    return None


def offer_side(scales: Scales, number: int, offer: Offer) -> Side:
    """Return a competing offer as a column."""
    prefix, name, currency = f"offer.{number}", offer.name, offer.currency
    why = f"document:{offer.source}"
    months, gaps = at_rates(scales, prefix, name, offer.rates, currency, why)

    def told(key: str, label: str, fen: int) -> str:
        figure = scales.tracing.given(
            f"{prefix}.{key}.told", f"{name} {label}", fen, "fen", why, currency=currency
        )
        return scales.converted(f"{prefix}.{key}.each", f"{name} {label}", figure, currency)

    monthly, deposit = (
        told("fee", "每月管理费", offer.fee_fen),
        told("deposit", "押金", offer.deposit_fen),
    )
    fee = scales.ratio(f"{prefix}.fee", f"{name} 管理费", (monthly,), times=len(months))
    gross = scales.sum(f"{prefix}.gross", f"{name} 合计", (*months, fee))
    deductible = _deductible_offer(scales, prefix, offer, gross, why)
    scales.sum(f"{prefix}.deposit", f"{name} 押金", (deposit,))
    column = Column(
        prefix,
        name,
        gross=gross,
        fee=fee,
        deductible=deductible,
        idle=_idle_offer(scales, prefix, offer, gross, deposit),
        extra=scales.nothing(f"{prefix}.extra", f"{name} 手续费与汇差", "报价没有写明"),
        waste=scales.nothing(f"{prefix}.waste", f"{name} 作废余额", "报价没有写明"),
    )
    return side(
        scales,
        column,
        deposit_fen=scales.tracing.value(deposit),
        payment_days=offer.payment_days,
        sla_ppm=offer.sla_ppm,
        unpriced=gaps,
        source=why,
    )


def _deductible_offer(scales: Scales, prefix: str, offer: Offer, gross: str, why: str) -> str:
    """Note what of an offer's VAT comes back, by the rate that it names."""
    name, label = f"{prefix}.deductible", f"{offer.name} 可抵扣税额"
    if not (scales.buyer.deducts and offer.tax_ppm):
        return scales.nothing(name, label, "无专票或购买方不抵扣")
    rate = scales.tracing.given(f"{prefix}.tax", f"{label} 的税率", offer.tax_ppm, "ppm", why)
    return vat_in(scales, name, label, gross, rate)


def _idle_offer(scales: Scales, prefix: str, offer: Offer, gross: str, deposit: str) -> str:
    """Note what the deposit costs, and paying ahead of use where the offer asks for that."""
    if offer.payment_days >= 0:
        return idle_deposit(scales, prefix, offer.name, deposit)
    held = idle_deposit(scales, prefix, offer.name, deposit, key="idle.deposit")
    capital = capital_of(scales)
    if capital is None:
        return scales.sum(f"{prefix}.idle", f"{offer.name} 占用资金的成本", (held,))
    days = scales.tracing.given(
        f"{prefix}.ahead.days",
        f"{offer.name} 提前付款（天）",
        -offer.payment_days,
        "day",
        f"document:{offer.source}",
    )
    ahead = scales.ratio(
        f"{prefix}.ahead",
        f"{offer.name} 提前 {-offer.payment_days} 天付款的资金成本",
        (gross, days, capital),
        by=YEAR_DAYS * PPM,
    )
    return scales.sum(f"{prefix}.idle", f"{offer.name} 占用资金的成本", (held, ahead))
