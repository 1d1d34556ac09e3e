"""Every model under every plan, month by month, with its trace, deposit and margin. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.fx import MonthFx
from yuejie.contracts.life.credit import CreditRule
from yuejie.kernel.money import FX_SCALE, Money
from yuejie.kernel.period import BillingMonth
from yuejie.presales.quote import MonthCost, MonthVolume, Option, Plan
from yuejie.presales.reckon.month import Agreed, Reckoned, Used, margin_ppm, reckon
from yuejie.presales.reckon.need import Load, use
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.reckon.terms import Spot
from yuejie.presales.reckon.traced import Place, Quantities, note_fx, trace_month
from yuejie.presales.requirement import Requirement
from yuejie.presales.trace import Op, Tracing
from yuejie.presales.volume import CASES, need_of
from yuejie.usage.meters import Meter, meter_name


@dataclass(frozen=True, slots=True)
class Desk:
    """What options are computed on: the need, its volume, the list's prices, tax, and the trace."""

    need: Requirement
    volumes: tuple[MonthVolume, ...]
    book: Pricebook
    tax_mode: str
    tax_ppm: int
    rule: CreditRule
    tracing: Tracing

    def agreed(self, plan: Plan) -> Agreed:
        """Return what a plan agrees, from the first month on."""
        since = self.need.first_month.first_day
        return Agreed(plan.terms, self.tax_mode, self.tax_ppm, since, self.need.currency)

    def load(self, volume: MonthVolume, case: str) -> Load:
        """Return a month's load in a case."""
        return Load(
            getattr(volume.requests, case),
            getattr(volume.tokens_in, case),
            getattr(volume.tokens_out, case),
            getattr(self.need.tokens_in, case),
        )


def used_of(desk: Desk, book: Pricebook, model: str, volume: MonthVolume, case: str) -> Used:
    """Return what a model uses of a month in a case."""
    used = Used()
    month = BillingMonth.parse(volume.month)
    use(used, desk.load(volume, case), model, month, desk.need, book)
    return used


def list_cost(desk: Desk, model: str, plan: Plan) -> tuple[Money, tuple[str, ...]]:
    """Return what the first month costs as expected, by which models are ordered, and gaps.

    A gap is what has no price in any month or case: a context step, hours of a year whose
    holidays nobody has announced.
    """
    book = desk.book.under(plan.pricing)
    first = desk.volumes[0]
    used = used_of(desk, book, model, first, "expected")
    found = reckon({BillingMonth.parse(first.month): used}, book, desk.agreed(plan))
    total = sum(each.gross_fen for each in found.values())
    others = [used_of(desk, book, model, first, case) for case in CASES]
    others += [used_of(desk, book, model, each, "expected") for each in desk.volumes[1:]]
    gaps = {gap for each in (used, *others) for gap in each.unpriced}
    return Money(total, desk.need.currency), tuple(sorted(gaps))


def option_of(desk: Desk, model: str, plan: Plan) -> Option:
    """Compute one option: the first month in three cases, all months as expected."""
    book, agreed = desk.book.under(plan.pricing), desk.agreed(plan)
    used = {
        BillingMonth.parse(volume.month): used_of(desk, book, model, volume, "expected")
        for volume in desk.volumes
    }
    found = reckon(used, book, agreed)
    months = tuple(
        _traced(desk, plan, book, model, "expected", used[month], found[month])
        for month in sorted(used)
    )
    first = desk.volumes[0]
    edges: dict[str, MonthCost] = {"expected": months[0]}
    for case in CASES:
        if case not in edges:
            month = BillingMonth.parse(first.month)
            one = used_of(desk, book, model, first, case)
            alone = reckon({month: one}, book, agreed)[month]
            edges[case] = _traced(desk, plan, book, model, case, one, alone)
    total = desk.tracing.derived(
        f"option.{model}.{plan.name}.total",
        f"{model} · {plan.name} · {len(months)} 个月合计",
        Op.SUM,
        [each.figure for each in months],
        "fen",
        currency=desk.need.currency,
    )
    _sums(desk, f"option.{model}.{plan.name}", f"{model} · {plan.name}", months)
    return Option(
        model=model,
        plan=plan.name,
        low=edges["low"],
        expected=edges["expected"],
        high=edges["high"],
        months=months,
        total_fen=desk.tracing.value(total),
        deposit_fen=_deposit(desk, model, plan, months[0]),
        margin_ppm=margin_ppm(used, found),
        within_budget=_within(desk, months),
        figure=total,
    )


def _sums(desk: Desk, prefix: str, label: str, months: Sequence[MonthCost]) -> None:
    """Note what each column of the months comes to, beside the total."""
    stems = [each.figure.removesuffix(".gross") for each in months]
    for key, what in COLUMNS.items():
        desk.tracing.derived(
            f"{prefix}.total.{key}",
            f"{label} · {len(months)} 个月{what}",
            Op.SUM,
            [f"{stem}.{key}" for stem in stems],
            "fen",
            currency=desk.need.currency,
        )


def _deposit(desk: Desk, model: str, plan: Plan, first: MonthCost) -> int:
    """Note the deposit: the plan's own, or what the credit class asks for, of the first month."""
    tracing, rule, currency = desk.tracing, desk.rule, desk.need.currency
    name, label = f"option.{model}.{plan.name}.deposit", f"{model} · {plan.name} · 押金"
    if plan.deposit_fen is not None:
        source = f"terms:{plan.name}.deposit"
        tracing.given(name, label, plan.deposit_fen, "fen", source, currency=currency)
        return plan.deposit_fen
    months = note_rule(tracing, rule, "deposit_months_least", "押金月数（下限）")
    tracing.derived(
        name,
        label,
        Op.RATIO,
        (first.figure, months),
        "fen",
        currency=currency,
        words="首月预计费用 × 信用分级规则的押金月数下限",
    )
    found = tracing.value(name)
    assert found == rule.deposit_fen(first.gross_fen), "a deposit is what the rule asks for"
    return found


def note_rule(tracing: Tracing, rule: CreditRule, field: str, label: str) -> str:
    """Note a number of the credit class's rule."""
    return tracing.given(
        f"rule.{rule.credit_class}.{field}",
        f"信用分级规则：{label}",
        getattr(rule, field),
        "none",
        f"rule:credit.{rule.credit_class}.{field}",
    )


def _traced(
    desk: Desk, plan: Plan, book: Pricebook, model: str, case: str, used: Used, found: Reckoned
) -> MonthCost:
    month = str(found.month)
    said = {"low": "低", "expected": "预计", "high": "高"}[case]
    spot = Spot(
        f"option.{model}.{plan.name}.",
        month,
        f".{case}",
        f"{model} · {plan.name} · {month}（{said}）",
        plan.name,
    )
    place = Place(spot, plan.pricing, desk.book.sale.by_id)
    names = quantity_names(desk.tracing, used, month, case)
    return trace_month(desk.tracing, place, found, used, names, book, desk.agreed(plan))


def quantity_names(tracing: Tracing, used: Used, month: str, case: str) -> Quantities:
    """Name the figure of each quantity: the month's own, or its part under one rate.

    A month whose tokens meet several rates (time windows) was shared out over its hours.
    """
    need = need_of(month, case)
    whole = {
        Meter.REQUESTS: need.requests,
        Meter.INPUT: need.tokens_in,
        Meter.OUTPUT: need.tokens_out,
    }
    names: dict[tuple[str, str, str, int], str] = {}
    for key, quantity in used.quantities.items():
        _, model, meter, rate_id = key
        name = whole[Meter(meter)]
        if tracing.value(name) != quantity:
            name = tracing.given(
                f"{name}.{model}.{rate_id}",
                f"{month} {model} {meter_name(meter)}（分时段，单价号 {rate_id}）",
                quantity,
                "token",
                f"calendar:{month}",
                words="按日内分布把当月数量分到各时段，合计不变",
            )
        names[key] = name
    return names


def _within(desk: Desk, months: Iterable[MonthCost]) -> bool | None:
    limit = budget_of(desk)
    found = None if limit is None else desk.tracing.value(limit)
    return None if found is None else all(each.gross_fen <= found for each in months)


def budget_of(desk: Desk) -> str | None:
    """Note the monthly budget in the quote's currency; None without one, or without a rate."""
    budget, currency = desk.need.budget, desk.need.currency
    if budget is None:
        return None
    told = desk.tracing.given(
        BUDGETS[0], "每月预算", budget.fen, "fen", "form:budget", currency=budget.currency
    )
    if budget.currency == currency:
        return told
    return convert(desk.tracing, desk.book.fx.values(), BUDGETS[1], "每月预算", told, currency)


def convert(
    tracing: Tracing, rates: Iterable[MonthFx], name: str, label: str, fen: str, currency: str
) -> str | None:
    """Note an amount of another currency in this one, at the first rate between both, if any."""
    own = tracing.figures[fen].currency
    for fx in rates:
        ways = ((fx.rate.base, fx.rate.quote), (fx.rate.quote, fx.rate.base))
        if (own, currency) not in ways:
            continue
        e8, said = note_fx(tracing, fx), f"{label}（折算）"
        if (own, currency) == ways[0]:
            return tracing.derived(
                name, said, Op.RATIO, (fen, e8), "fen", currency=currency, by=FX_SCALE
            )
        return tracing.derived(
            name, said, Op.DIVIDED, (fen, e8), "fen", currency=currency, times=FX_SCALE
        )
    return None


BUDGETS: Final = ("form.budget", "budget.here")
"""The figures of the budget: as the form has it, and in the quote's currency."""
COLUMNS: Final = {
    "usage": "用量费用",
    "discount": "阶梯折扣",
    "true_up": "承诺消费补足",
    "fee": "管理费",
    "net": "不含税金额",
    "tax": "税额",
}
"""What a month's cost is made of, by the ends of the figures' names."""
