"""Advice that follows from the form's own numbers: each saving is a bill less another bill. Pure.

Nothing is a fixed percentage. What the form does not say is named and has no figure. Each piece of
advice stands alone: two of them together save less than their sum, and the quote says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.formats.agreed import percent
from yuejie.kernel.money import PPM, Money
from yuejie.kernel.period import BillingMonth
from yuejie.presales.quote import MonthCost, Plan, Suggestion
from yuejie.presales.reckon.month import Used, reckon
from yuejie.presales.reckon.need import Load, use
from yuejie.presales.reckon.options import Desk
from yuejie.presales.reckon.terms import Spot
from yuejie.presales.reckon.traced import Place, Quantities, trace_month
from yuejie.presales.trace import Op, Tracing
from yuejie.presales.volume import need_of
from yuejie.usage.meters import Meter, meter_name

BATCH: Final = "batch"
_HABITS: Final = {
    "batch": ("can_wait",),
    "cache": ("cached", "cache_write"),
    "cheaper": ("simple",),
}
"""Which shares of the form each piece of advice goes by."""
NOTABLE_PPM: Final = 10_000
"""A change that saves less than a hundredth of the bill is not worth a change."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the first month at one model, with the figures of its quantities by meter."""

    model: str
    load: Load
    names: Mapping[Meter, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is advised on: the proposed model and plan, and the cheapest basic model, if any."""

    desk: Desk
    model: str
    plan: Plan
    basic: str | None

    @property
    def month(self) -> str:
        """The first month, of which savings are told."""
        return self.desk.volumes[0].month

    @property
    def load(self) -> Load:
        """The first month as expected."""
        return self.desk.load(self.desk.volumes[0], "expected")

    @property
    def now(self) -> str:
        """The figure of the first month's bill as proposed."""
        return f"option.{self.model}.{self.plan.name}.{self.month}.expected.gross"

    def cost(self, name: str, label: str, parts: Sequence[Part]) -> MonthCost | None:
        """Return the first month's bill for these parts, traced; None where one has no price."""
        desk, month = self.desk, BillingMonth.parse(self.month)
        book = desk.book.under(self.plan.pricing)
        used = Used()
        for part in parts:
            use(used, part.load, part.model, month, desk.need, book)
        if used.unpriced:
            return None
        found = reckon({month: used}, book, desk.agreed(self.plan))[month]
        spot = Spot(f"advice.{name}", "", "", label, self.plan.name)
        place = Place(spot, self.plan.pricing, desk.book.sale.by_id)
        names = _names(desk.tracing, used, parts, name)
        return trace_month(desk.tracing, place, found, used, names, book, desk.agreed(self.plan))


def _names(tracing: Tracing, used: Used, parts: Sequence[Part], advice: str) -> Quantities:
    """Name the figure of each quantity: one part's, the sum of some, or a share of the hours."""
    names: dict[tuple[str, str, str, int], str] = {}
    for key, quantity in used.quantities.items():
        _, model, meter, rate_id = key
        known = [p.names[Meter(meter)] for p in parts if p.model == model and meter in p.names]
        alone = [name for name in known if tracing.value(name) == quantity]
        label = f"{model} {meter_name(meter)}（单价号 {rate_id}）"
        if alone:
            names[key] = alone[0]
        elif sum(tracing.value(name) for name in known) == quantity:
            names[key] = tracing.derived(
                f"advice.{advice}.sum.{model}.{meter}.{rate_id}", label, Op.SUM, known, "token"
            )
        else:
            names[key] = tracing.given(
                f"advice.{advice}.slot.{model}.{meter}.{rate_id}",
                label,
                quantity,
                "token",
                "calendar:slots",
                words="按日内分布把数量分到各时段，合计不变",
            )
    return names


def _split(
    subject: Subject, advice: str, field: str, ppm: int
) -> tuple[Mapping[Meter, str], Mapping[Meter, str]]:
    """Note a share of the calls, tokens with them, and the rest: as `Load.share` divides."""
    tracing, need = subject.desk.tracing, need_of(subject.month, "expected")
    share = tracing.given(
        f"form.habits.{field}", f"habits.{field} 的比例", ppm, "ppm", f"form:habits.{field}"
    )
    parts, rests = {}, {}
    for meter, whole in (
        (Meter.REQUESTS, need.requests),
        (Meter.INPUT, need.tokens_in),
        (Meter.OUTPUT, need.tokens_out),
    ):
        said = meter_name(meter)
        part = tracing.derived(
            f"advice.{advice}.part.{meter}",
            f"{said}的该比例部分",
            Op.RATIO,
            (whole, share),
            "token",
            by=PPM,
        )
        parts[meter] = part
        rests[meter] = tracing.derived(
            f"advice.{advice}.rest.{meter}", f"{said}的其余部分", Op.MINUS, (whole, part), "token"
        )
    return parts, rests


def advise(subject: Subject) -> tuple[Suggestion, ...]:
    """Return every piece of advice, the largest saving first, then what lacks numbers."""
    found = [*_batch(subject), *_cache(subject), *_cheaper(subject)]
    return tuple(sorted(found, key=lambda each: (each.saving_fen is None, -(each.saving_fen or 0))))


def _batch(subject: Subject) -> Iterator[Suggestion]:
    name, label = "batch", "可等待的调用改用批量档"
    share = subject.desk.need.habits.can_wait_ppm
    if share is None:
        yield _silent(
            subject,
            name,
            label,
            "需求表没有填写 habits.can_wait（多少调用可以在 24 小时内返回），不估算",
        )
        return
    if not _has_tier(subject, BATCH):
        yield _silent(subject, name, label, f"{subject.model} 没有批量档的价格")
        return
    part, rest = subject.load.share(share)
    parts, rests = _split(subject, name, "can_wait", share)
    yield from _saved(
        subject,
        name,
        label,
        f"{percent(share)} 的调用（客户填写）改为 24 小时内返回，按批量档单价重新计算首月账单",
        Part(subject.model, part.tiered(BATCH), parts),
        Part(subject.model, rest, rests),
    )


def _cache(subject: Subject) -> Iterator[Suggestion]:
    name, label = "cache", "重复的输入使用提示词缓存"
    habits = subject.desk.need.habits
    if habits.cached_ppm is None:
        yield _silent(
            subject,
            name,
            label,
            "需求表没有填写 habits.cached（多少输入与不久前发过的相同），不估算",
        )
        return
    if not _has_meter(subject, Meter.CACHE_READ):
        yield _silent(subject, name, label, f"{subject.model} 没有单列缓存命中的价格")
        return
    dear = _has_meter(subject, Meter.CACHE_WRITE_5M)
    if dear and habits.cache_write_ppm is None:
        yield _silent(
            subject,
            name,
            label,
            f"{subject.model} 写入缓存另有单价，需求表没有填写 habits.cache_write，不估算",
        )
        return
    written = (habits.cache_write_ppm or 0) if dear else 0
    said = f"{percent(habits.cached_ppm)} 的输入命中缓存"
    said += f"、{percent(written)} 写入缓存" if written else ""
    yield from _saved(
        subject,
        name,
        label,
        f"{said}（客户填写），按缓存单价重新计算首月账单",
        Part(
            subject.model,
            subject.load.with_cache(habits.cached_ppm, written),
            _cached_names(subject, habits.cached_ppm, written),
        ),
    )


def _cached_names(subject: Subject, cached_ppm: int, written_ppm: int) -> Mapping[Meter, str]:
    """Note the parts of the input that a cache answers: as `Load.with_cache` divides."""
    tracing, need = subject.desk.tracing, need_of(subject.month, "expected")
    names = {Meter.REQUESTS: need.requests, Meter.OUTPUT: need.tokens_out}
    parts = []
    for meter, field, ppm in (
        (Meter.CACHE_READ, "cached", cached_ppm),
        (Meter.CACHE_WRITE_5M, "cache_write", written_ppm),
    ):
        if meter is Meter.CACHE_WRITE_5M and not ppm:
            continue
        share = tracing.given(
            f"form.habits.{field}", f"habits.{field} 的比例", ppm, "ppm", f"form:habits.{field}"
        )
        names[meter] = tracing.derived(
            f"advice.cache.part.{meter}",
            meter_name(meter),
            Op.RATIO,
            (need.tokens_in, share),
            "token",
            by=PPM,
        )
        parts.append(names[meter])
    names[Meter.INPUT] = tracing.derived(
        "advice.cache.rest", "其余输入", Op.MINUS, (need.tokens_in, *parts), "token"
    )
    return names


def _cheaper(subject: Subject) -> Iterator[Suggestion]:
    name, label = "cheaper", "简单的调用改用较便宜的模型"
    share = subject.desk.need.habits.simple_ppm
    if share is None:
        yield _silent(
            subject, name, label, "需求表没有填写 habits.simple（多少调用用基础模型即可），不估算"
        )
        return
    if subject.basic is None:
        yield _silent(subject, name, label, "没有比它便宜、评级适合该任务的模型")
        return
    part, rest = subject.load.share(share)
    parts, rests = _split(subject, name, "simple", share)
    yield from _saved(
        subject,
        name,
        f"{label}（{subject.basic}）",
        f"{percent(share)} 的调用（客户填写）改由 {subject.basic} 回答，按其单价重新计算首月账单",
        Part(subject.basic, part, parts),
        Part(subject.model, rest, rests),
    )


def _saved(subject: Subject, name: str, label: str, why: str, *parts: Part) -> Iterator[Suggestion]:
    """Yield the difference of two bills, where the change is priced and saves anything."""
    tracing, currency = subject.desk.tracing, subject.desk.need.currency
    now = tracing.value(subject.now)
    named = [_hours(tracing), *(f"form.habits.{each}" for each in _HABITS[name])]
    figures = tuple(each for each in named if each in tracing.figures)
    changed = subject.cost(name, f"{label}后 · {subject.month}", parts)
    if changed is None:
        yield _silent(subject, name, label, "价目没有这样用的价格，不估算")
        return
    figure = tracing.derived(
        f"advice.{name}.saving",
        f"{label}，首月省",
        Op.MINUS,
        (subject.now, changed.figure),
        "fen",
        currency=currency,
        words="现在的首月账单 − 改后的首月账单",
    )
    saving = tracing.value(figure)
    if saving > 0 and saving * PPM >= now * NOTABLE_PPM:
        yield Suggestion(
            name=name, label=label, saving_fen=saving, why=why, figure=figure, figures=figures
        )
        return
    if saving <= 0:
        said = f"{Money(changed.gross_fen, currency)}，不低于现在的 {Money(now, currency)}"
        why = f"算得首月 {said} {currency}，不建议"
        figures = (changed.figure, subject.now)
    else:
        least = tracing.given(
            "rule.notable", "值得改变的最小节省", NOTABLE_PPM, "ppm", "rule:advice.notable"
        )
        saved = Money(saving, currency)
        why = f"算得首月只省 {saved} {currency}，不到账单的 {percent(NOTABLE_PPM)}，不建议"
        figures = (figure, least)
    yield Suggestion(name=name, label=label, saving_fen=None, why=why, figures=figures)


def _hours(tracing: Tracing) -> str:
    """Note within how many hours a batch is answered, as every provider's batch tier says."""
    source = "rule:advice.batch_hours"
    return tracing.given("rule.batch_hours", "批量档的返回时限（小时）", 24, "none", source)


def _silent(subject: Subject, name: str, label: str, why: str) -> Suggestion:
    """Return advice that has no figure, and why."""
    hours = _hours(subject.desk.tracing)
    return Suggestion(name=name, label=label, saving_fen=None, why=why, figures=(hours,))


def _has_tier(subject: Subject, tier: str) -> bool:
    rows = subject.desk.book.sale.by_id.values()
    return any(row.model == subject.model and row.service_tier == tier for row in rows)


def _has_meter(subject: Subject, meter: Meter) -> bool:
    """Tell whether the book prices a meter by itself, not as another."""
    return any(
        row.model == subject.model and row.meter == meter and not row.origin.startswith("fallback:")
        for row in subject.desk.book.sale.by_id.values()
    )
