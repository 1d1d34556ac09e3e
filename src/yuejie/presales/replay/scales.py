"""What every column of a comparison shares: notes in the trace, conversion, the sums of a side.

Pure. Money of another currency is turned into the quote's at the quote's own rate. What nobody told
is left out and said so; what is assumed is listed with its reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from yuejie.kernel.errors import Conflict
from yuejie.kernel.money import PPM
from yuejie.kernel.period import BillingMonth
from yuejie.presales.ask import Ask
from yuejie.presales.compare import Input, Side
from yuejie.presales.reckon.options import convert
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.replay.run import Past
from yuejie.presales.requirement import Buyer
from yuejie.presales.trace import Op, Tracing

YEAR_DAYS: Final = 365
YEAR_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Scales:
    """What all columns share: the months, the list's prices, the quote's currency, the buyer."""

    past: Past
    book: Pricebook
    ask: Ask
    currency: str
    buyer: Buyer
    tracing: Tracing
    said: list[str]
    told: list[str] = field(default_factory=list)
    """What people said of the inputs, in their words."""

    @property
    def months(self) -> Sequence[BillingMonth]:
        """The months compared."""
        return self.past.months

    def sum(self, name: str, label: str, of: Iterable[str]) -> str:
        """Note a sum of fen."""
        return self.tracing.derived(name, label, Op.SUM, of, "fen", currency=self.currency)

    def nothing(self, name: str, label: str, why: str) -> str:
        """Note an amount that is not counted."""
        source = f"left_out:{why}"
        return self.tracing.given(name, label, 0, "fen", source, currency=self.currency)

    def ratio(
        self, name: str, label: str, of: Iterable[str], *, times: int = 1, by: int = 1
    ) -> str:
        """Note a product of an amount, rounded once to fen."""
        return self.tracing.derived(
            name, label, Op.RATIO, of, "fen", currency=self.currency, times=times, by=by
        )

    def given(self, name: str, label: str, found: Input, unit: str, currency: str = "") -> str:
        """Note an input of the other side; what is assumed is listed."""
        self.told.append(found.why)
        if found.origin == "assumed":
            self.said.append(f"{label}：{found.why}（假设）")
        return self.tracing.given(
            name, label, found.value, unit, found.source, currency=currency, words=found.why
        )

    def converted(self, name: str, label: str, fen: str, currency: str) -> str:
        """Note an amount of another currency in the quote's, at the quote's rate."""
        if currency == self.currency:
            return fen
        found = convert(self.tracing, self.book.fx.values(), name, label, fen, self.currency)
        if found is not None:
            return found
        raise Conflict(
            f"比较需要 {currency} 与 {self.currency} 之间的汇率，请先登记（yuejie fx add）"
        )


@dataclass(frozen=True, slots=True)
class Column:
    """The figures of one column, by their names."""

    prefix: str
    name: str
    gross: str
    fee: str
    deductible: str
    idle: str
    extra: str
    waste: str


def side(
    scales: Scales,
    column: Column,
    *,
    deposit_fen: int,
    payment_days: int,
    sla_ppm: int | None,
    unpriced: tuple[str, ...],
    source: str,
) -> Side:
    """Add a column up and return it as it is shown; `source` is where its terms stand."""
    value, currency = scales.tracing.value, scales.currency
    days, said = f"{column.prefix}.payment_days", f"{column.name} 账期或提前（天）"
    scales.tracing.given(days, said, abs(payment_days), "day", source)
    if sla_ppm is not None:
        said = f"{column.name} 承诺可用率"
        scales.tracing.given(f"{column.prefix}.sla", said, sla_ppm, "ppm", source)
    usage = scales.tracing.derived(
        f"{column.prefix}.usage",
        f"{column.name} 用量（不含管理费）",
        Op.MINUS,
        (column.gross, column.fee),
        "fen",
        currency=currency,
    )
    spent = scales.sum(
        f"{column.prefix}.spent",
        f"{column.name} 支出与损失",
        (column.gross, column.idle, column.extra, column.waste),
    )
    total = scales.tracing.derived(
        f"{column.prefix}.total",
        f"{column.name} 实际成本",
        Op.MINUS,
        (spent, column.deductible),
        "fen",
        currency=currency,
        words="合计 + 占用资金 + 手续费与汇差 + 作废 − 可抵扣税额",
    )
    return Side(
        name=column.name,
        usage_fen=value(usage),
        fee_fen=value(column.fee),
        gross_fen=value(column.gross),
        deductible_fen=value(column.deductible),
        idle_fen=value(column.idle),
        extra_fen=value(column.extra),
        waste_fen=value(column.waste),
        total_fen=value(total),
        deposit_fen=deposit_fen,
        payment_days=payment_days,
        sla_ppm=sla_ppm,
        unpriced=unpriced,
        figure=total,
    )


def deductible(scales: Scales, prefix: str, name: str, taxes: Sequence[str]) -> str:
    """Note what of the tax comes back, if the buyer deducts."""
    label = f"{name} 可抵扣的进项税额"
    if not scales.buyer.deducts:
        return scales.nothing(f"{prefix}.deductible", label, "购买方不抵扣进项税")
    return scales.sum(f"{prefix}.deductible", label, taxes)


def capital_of(scales: Scales) -> str | None:
    """Note what money costs the prospect in a year, once."""
    prepaid = scales.ask.prepaid
    if prepaid is None or prepaid.capital_ppm_year is None:
        scales.said.append("没有填写资金成本 capital_per_year，占用资金的成本未计入")
        return None
    return scales.given("prepaid.capital", "资金年成本", prepaid.capital_ppm_year, "ppm")


def idle_deposit(scales: Scales, prefix: str, name: str, deposit: str, *, key: str = "idle") -> str:
    """Note what a deposit costs over the months, where money costs anything."""
    label, capital = f"{name} 占用资金的成本", capital_of(scales)
    if capital is None:
        return scales.nothing(f"{prefix}.{key}", label, "没有填写资金成本")
    months = len(scales.months)
    return scales.ratio(
        f"{prefix}.{key}", label, (deposit, capital), times=months, by=YEAR_MONTHS * PPM
    )


def vat_in(scales: Scales, name: str, label: str, gross: str, rate: str) -> str:
    """Note the VAT that a sum contains, at a rate that somebody names."""
    whole = scales.tracing.derived(
        f"{rate}.whole", f"{label} 1 + 税率", Op.POWER, (rate,), "ppm", by=PPM
    )
    net = scales.tracing.derived(
        f"{name}.net",
        f"{label} 不含税",
        Op.DIVIDED,
        (gross, whole),
        "fen",
        currency=scales.currency,
        times=PPM,
    )
    return scales.tracing.derived(
        name,
        label,
        Op.MINUS,
        (gross, net),
        "fen",
        currency=scales.currency,
        words="含税 − 含税 ÷（1 + 税率）",
    )
