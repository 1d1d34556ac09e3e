"""Ours beside the prepaid way of today and other offers, over the same past months. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.contracts.terms import CommitmentPeriod
from yuejie.kernel.errors import Invalid
from yuejie.presales.compare import MONTHS_LEAST, Comparison, Side
from yuejie.presales.quote import Plan
from yuejie.presales.reckon.month import Agreed
from yuejie.presales.replay.ahead import prepaid_side
from yuejie.presales.replay.others import offer_side
from yuejie.presales.replay.returns import returns_of
from yuejie.presales.replay.run import held_from, rerun_traced
from yuejie.presales.replay.scales import Column, Scales, deductible, idle_deposit, side

_SPANS: Final = {
    CommitmentPeriod.MONTH: "月度",
    CommitmentPeriod.YEAR: "年度",
    CommitmentPeriod.TERM: "合同期",
}


@dataclass(frozen=True, slots=True)
class Ours:
    """One of our plans, as it stands in the comparison; `deposit_fen` is what it asks for."""

    plan: Plan
    agreed: Agreed
    deposit_fen: int
    deposit: str
    """The figure of it, in the options."""


def compare(scales: Scales, plans: Sequence[Ours], proposed: str) -> Comparison:
    """Put every column together; `proposed` is the plan whose return is told, and stands first.

    Raises Invalid for fewer than three months of usage.
    """
    found = scales.months
    if len(found) < MONTHS_LEAST:
        raise Invalid(
            f"历史用量只有 {len(found)} 个月（{'、'.join(map(str, found))}），"
            f"比较至少需要 {MONTHS_LEAST} 个月，请补充导入"
        )
    ordered = sorted(plans, key=lambda each: each.plan.name != proposed)
    ours = [our_side(scales, each, {}, "") for each in ordered]
    if scales.ask.replay is not None:
        ours += [
            our_side(scales, each, switch.models, switch.name)
            for switch in scales.ask.replay.switches
            for each in ordered
        ]
    prepaid = None if scales.ask.prepaid is None else prepaid_side(scales, scales.ask.prepaid)
    offers = tuple(
        offer_side(scales, number, each) for number, each in enumerate(scales.ask.offers)
    )
    scales.said.append("后付账期带来的资金收益未计入，只作为条件列出")
    roi = whole = None
    if prepaid is not None and not (prepaid.unpriced or ours[0].unpriced):
        roi, whole = returns_of(scales, ours[0])
    return Comparison(
        currency=scales.currency,
        months=tuple(map(str, found)),
        ours=tuple(ours),
        prepaid=prepaid,
        offers=offers,
        roi=roi,
        roi_whole=whole,
        assumptions=tuple(dict.fromkeys(scales.said)),
        told=tuple(dict.fromkeys(filter(None, scales.told))),
    )


def our_side(scales: Scales, ours: Ours, models: Mapping[str, str], switch: str) -> Side:
    """Return one of our plans as a column, perhaps on other models than the usage was on."""
    plan = ours.plan
    name = f"{plan.name}（{switch}）" if switch else plan.name
    prefix = f"ours.{plan.name}[{switch}]" if switch else f"ours.{plan.name}"
    found = rerun_traced(
        scales.past,
        scales.book,
        held_from(ours.agreed, scales.months[0]),
        plan,
        models,
        scales.tracing,
        prefix,
    )
    commitment = plan.terms.commitment
    if commitment is not None and commitment.period is not CommitmentPeriod.MONTH:
        scales.said.append(
            f"{plan.name}：{_SPANS[commitment.period]}承诺消费在所比月份内未到期，未计补足"
        )
    months = [each.figure.removesuffix(".gross") for each in found.costs]
    column = Column(
        prefix,
        name,
        gross=scales.sum(f"{prefix}.gross", f"{name} 合计", [f"{each}.gross" for each in months]),
        fee=scales.sum(f"{prefix}.fee", f"{name} 管理费", [f"{each}.fee" for each in months]),
        deductible=deductible(scales, prefix, name, [f"{each}.tax" for each in months]),
        idle=idle_deposit(
            scales,
            prefix,
            name,
            scales.sum(f"{prefix}.deposit", f"{name} 押金", (ours.deposit,)),
        ),
        extra=scales.nothing(f"{prefix}.extra", f"{name} 手续费与汇差", "对公转账"),
        waste=scales.nothing(f"{prefix}.waste", f"{name} 作废余额", "先用后付，没有余额"),
    )
    return side(
        scales,
        column,
        deposit_fen=ours.deposit_fen,
        payment_days=plan.terms.payment_days,
        source=f"terms:{plan.name}.offered",
        sla_ppm=plan.terms.sla.availability_ppm if plan.terms.sla else None,
        unpriced=found.unpriced,
    )
