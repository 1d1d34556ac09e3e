"""The prepaid way as one column: bought ahead in round sums, used, carried on or lost. Pure."""

from yuejie.contracts.agreed.pricing import LIST
from yuejie.contracts.terms import STANDARD
from yuejie.kernel.money import PPM
from yuejie.kernel.period import BillingMonth
from yuejie.presales.compare import Input, Prepaid, Side
from yuejie.presales.quote import Plan
from yuejie.presales.reckon.month import Agreed
from yuejie.presales.replay.others import at_rates
from yuejie.presales.replay.run import rerun_traced
from yuejie.presales.replay.scales import (
    YEAR_DAYS,
    YEAR_MONTHS,
    Column,
    Scales,
    capital_of,
    side,
    vat_in,
)
from yuejie.presales.trace import Op


def prepaid_side(scales: Scales, prepaid: Prepaid) -> Side:
    """Walk through the months: buy ahead in whole top-ups, use, carry on or lose what is left."""
    prefix, name = "prepaid", "现在的预付方式"
    if prepaid.rates:
        uses, gaps = at_rates(
            scales, prefix, name, prepaid.rates, prepaid.currency, "form:prepaid.rates"
        )
    else:
        uses, gaps = _at_list(scales, name)
    walk = _Walk(scales, prepaid, name)
    for month, use in zip(scales.months, uses, strict=True):
        walk.month(month, use)
    zero = scales.nothing("prepaid.fee", f"{name} 管理费", "没有管理费")
    gross = scales.sum("prepaid.gross", f"{name} 合计", uses)
    waste = walk.waste()
    scales.nothing("prepaid.deposit", f"{name} 押金", "预付没有押金")
    return side(
        scales,
        Column(
            prefix,
            name,
            gross=gross,
            fee=zero,
            deductible=_prepaid_vat(scales, prepaid, gross, name),
            idle=walk.idle(),
            extra=walk.extra(),
            waste=waste,
        ),
        deposit_fen=0,
        payment_days=-(prepaid.wait_days.value if prepaid.wait_days else 0),
        sla_ppm=None,
        unpriced=gaps,
        source=prepaid.wait_days.source if prepaid.wait_days else "left_out:没有填写等待天数",
    )


def _at_list(scales: Scales, name: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the months at our list price, where nobody said what is paid today."""
    scales.said.append(f"{name}：没有填写现在的单价，按本店目录价计")
    plan = Plan(name="目录价", terms=STANDARD, pricing=LIST)
    first = scales.months[0].first_day
    agreed = Agreed(STANDARD, scales.ask.tax_mode, scales.ask.tax_ppm, first, scales.currency)
    found = rerun_traced(scales.past, scales.book, agreed, plan, {}, scales.tracing, "prepaid.list")
    return [each.figure for each in found.costs], found.unpriced


def _prepaid_vat(scales: Scales, prepaid: Prepaid, gross: str, name: str) -> str:
    label = f"{name} 可抵扣税额"
    vat = prepaid.vat_deductible_ppm
    if not scales.buyer.deducts:
        return scales.nothing("prepaid.deductible", label, "购买方不抵扣进项税")
    if vat is None:
        scales.said.append(f"{name}：没有填写可抵扣的税率 vat，按没有专票、不能抵扣计")
        return scales.nothing("prepaid.deductible", label, "没有专票")
    rate = scales.given("prepaid.vat", f"{name} 可抵扣的税率", vat, "ppm")
    return vat_in(scales, "prepaid.deductible", label, gross, rate)


class _Walk:
    """The months of the prepaid way, one after the other."""

    def __init__(self, scales: Scales, prepaid: Prepaid, name: str) -> None:
        self._scales, self._prepaid, self._name = scales, prepaid, name
        self._balance = scales.nothing("prepaid.begin", f"{name} 期初余额", "从零开始")
        self._top_up = self._input("top_up", "最小充值金额", prepaid.top_up_fen)
        package = prepaid.package_fen
        self._package = None if package is None else self._input("package", "每月固定购买", package)
        self._bought: list[str] = []
        self._held: list[str] = []
        self._lost: list[str] = []

    def _input(self, key: str, label: str, found: Input) -> str:
        scales, currency = self._scales, self._prepaid.currency
        said = f"{self._name} {label}"
        figure = scales.given(f"prepaid.{key}", said, found, "fen", currency)
        return scales.converted(f"prepaid.{key}.here", said, figure, currency)

    def month(self, month: BillingMonth, use: str) -> None:
        """Buy what is missing, use it, and carry on or lose what is left."""
        scales, tracing, currency = self._scales, self._scales.tracing, self._scales.currency
        prefix, said = f"prepaid.{month}", f"{self._name} {month}"
        ahead = [self._balance] if self._package is None else [self._balance, self._package]
        missing = tracing.derived(
            f"{prefix}.missing", f"{said} 缺口", Op.EXCESS, (use, *ahead), "fen", currency=currency
        )
        topped = tracing.derived(
            f"{prefix}.topped",
            f"{said} 充值",
            Op.STEPS,
            (missing, self._top_up),
            "fen",
            currency=currency,
            words="缺口按最小充值金额向上取整",
        )
        bought = scales.sum(
            f"{prefix}.bought",
            f"{said} 购入",
            (topped,) if self._package is None else (topped, self._package),
        )
        had = scales.sum(f"{prefix}.had", f"{said} 可用", (self._balance, bought))
        left = tracing.derived(
            f"{prefix}.left", f"{said} 余额", Op.MINUS, (had, use), "fen", currency=currency
        )
        self._bought.append(bought)
        self._held += [had, left]
        if self._prepaid.expires:
            self._lost.append(left)
            left = scales.nothing(f"{prefix}.carried", f"{said} 结转", "月底作废")
        self._balance = left

    def waste(self) -> str:
        """Note what was lost: as the prospect says, or the balances that expired."""
        scales, label = self._scales, f"{self._name} 作废余额"
        if self._prepaid.waste_fen is not None:
            each = self._input("waste", "每月损失", self._prepaid.waste_fen)
            return scales.ratio("prepaid.wasted", label, (each,), times=len(scales.months))
        if not self._prepaid.expires:
            return scales.nothing("prepaid.wasted", label, "余额结转，不作废")
        return scales.sum("prepaid.wasted", label, self._lost)

    def idle(self) -> str:
        """Note what the balances cost: the mean of a month's first and last, and the wait."""
        scales, label = self._scales, f"{self._name} 占用资金的成本"
        capital = capital_of(scales)
        if capital is None:
            return scales.nothing("prepaid.idle", label, "没有填写资金成本")
        held = scales.sum("prepaid.held", f"{self._name} 各月初末余额之和", self._held)
        parts = [
            scales.ratio(
                "prepaid.idle.balance",
                f"{self._name} 余额占用的成本（月初与月末余额的平均）",
                (held, capital),
                by=2 * YEAR_MONTHS * PPM,
            )
        ]
        wait = self._prepaid.wait_days
        if wait is not None:
            days = scales.given("prepaid.wait", f"{self._name} 充值等待天数", wait, "day")
            bought = scales.sum("prepaid.bought", f"{self._name} 购入合计", self._bought)
            parts.append(
                scales.ratio(
                    "prepaid.idle.wait",
                    f"{self._name} 等待到账占用的成本",
                    (bought, days, capital),
                    by=YEAR_DAYS * PPM,
                )
            )
        return scales.sum("prepaid.idle", label, parts)

    def extra(self) -> str:
        """Note the card's fee and the spread on what was bought."""
        scales, prepaid = self._scales, self._prepaid
        parts = []
        bought = scales.sum("prepaid.paid", f"{self._name} 购入合计", self._bought)
        for key, label, found in (
            ("card_fee", "刷卡手续费", prepaid.card_fee_ppm),
            ("fx_spread", "汇率差", prepaid.fx_spread_ppm),
        ):
            if found is None:
                scales.said.append(f"{self._name}：没有填写{label} {key}，未计入")
                continue
            share = scales.given(f"prepaid.{key}", f"{self._name} {label}", found, "ppm")
            parts.append(
                scales.ratio(
                    f"prepaid.{key}.paid", f"{self._name} {label}", (bought, share), by=PPM
                )
            )
        return scales.sum("prepaid.extra", f"{self._name} 手续费与汇差", parts)
