"""What a plan's terms make of a month, as figures: tier discount, true-up, fee, net and tax. Pure.

Each follows from the month's usage and from what the plan says, so that nothing is merely told.
A term that the plan does not have is a sum of nothing, and names no input.
"""

from dataclasses import dataclass

from yuejie.bills.bill import TaxMode
from yuejie.bills.closing.agreed import committed_months, due_share
from yuejie.contracts.formats.agreed import percent
from yuejie.contracts.terms import TaxGrouping, TierDiscount, TierMode
from yuejie.kernel.money import PPM, Money
from yuejie.kernel.period import BillingMonth
from yuejie.presales.reckon.month import Agreed, Reckoned
from yuejie.presales.trace import Op, Tracing


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a month's figures stand: before and behind the month in their names; whose plan."""

    head: str
    month: str
    tail: str
    label: str
    plan: str

    @property
    def prefix(self) -> str:
        """What the names of the month's figures begin with."""
        return f"{self.head}{self.month}{self.tail}"

    def beside(self, month: BillingMonth) -> str:
        """Return what those of another month of the same row begin with."""
        return f"{self.head}{month}{self.tail}"


def tier_discount(tracing: Tracing, spot: Spot, agreed: Agreed, usage: str) -> str:
    """Note a month's tier discount, by the steps of the plan; a positive amount."""
    name, label, currency = f"{spot.prefix}.discount", f"{spot.label} 阶梯折扣", agreed.currency
    tier = agreed.terms.tier_discount
    if tier is None or tracing.value(usage) <= 0:
        return _nothing(tracing, name, label, currency, "合同没有阶梯折扣")
    if tier.mode is TierMode.VOLUME:
        return _by_step_reached(tracing, spot, tier, usage, currency)
    worths = []
    for number, step in enumerate(tier.steps):
        above, share = _step(tracing, spot, tier, number, currency)
        within = tracing.derived(
            f"{spot.prefix}.tier.{number}.above",
            f"{spot.label} 超过 {Money(step.above_fen, currency)} 的部分",
            Op.EXCESS,
            (usage, above),
            "fen",
            currency=currency,
        )
        if number + 1 < len(tier.steps):
            end, _ = _step(tracing, spot, tier, number + 1, currency)
            over = tracing.derived(
                f"{spot.prefix}.tier.{number}.beyond",
                f"{spot.label} 超过下一档起点的部分",
                Op.EXCESS,
                (usage, end),
                "fen",
                currency=currency,
            )
            within = tracing.derived(
                f"{spot.prefix}.tier.{number}.within",
                f"{spot.label} 第 {number + 1} 档以内的部分",
                Op.MINUS,
                (within, over),
                "fen",
                currency=currency,
            )
        worths.append(
            tracing.derived(
                f"{spot.prefix}.tier.{number}.worth",
                f"{spot.label} 第 {number + 1} 档的折扣（未取整）",
                Op.RATIO,
                (within, share),
                "fen_ppm",
                currency=currency,
            )
        )
    whole = tracing.derived(
        f"{spot.prefix}.tier.worth",
        f"{spot.label} 各档折扣之和（未取整）",
        Op.SUM,
        worths,
        "fen_ppm",
        currency=currency,
    )
    return tracing.derived(
        name, label, Op.RATIO, (whole,), "fen", currency=currency, by=PPM, words="四舍五入到分"
    )


def _by_step_reached(
    tracing: Tracing, spot: Spot, tier: TierDiscount, usage: str, currency: str
) -> str:
    name, label = f"{spot.prefix}.discount", f"{spot.label} 阶梯折扣"
    spent = tracing.value(usage)
    reached = [at for at, step in enumerate(tier.steps) if spent >= step.above_fen]
    if not reached:
        return _nothing(tracing, name, label, currency, "用量未达第一档")
    _, share = _step(tracing, spot, tier, reached[-1], currency)
    return tracing.derived(
        name,
        label,
        Op.RATIO,
        (usage, share),
        "fen",
        currency=currency,
        by=PPM,
        words="用量费用 × 所到档位的折扣",
    )


def _step(
    tracing: Tracing, spot: Spot, tier: TierDiscount, number: int, currency: str
) -> tuple[str, str]:
    """Note where a step begins and what it takes off."""
    step, name = tier.steps[number], f"terms.{spot.plan}.tier.{number}"
    source = f"terms:{spot.plan}.tier_discount.{number + 1}"
    begins = f"方案“{spot.plan}”阶梯折扣第 {number + 1} 档的起点"
    takes = f"方案“{spot.plan}”阶梯折扣第 {number + 1} 档的比例"
    above = tracing.given(f"{name}.from", begins, step.above_fen, "fen", source, currency=currency)
    return above, tracing.given(f"{name}.off", takes, step.discount_ppm, "ppm", source)


def true_up(
    tracing: Tracing, spot: Spot, agreed: Agreed, reckoned: Reckoned, usage: str, discount: str
) -> str:
    """Note what is missing of a minimum in the month in which it falls due."""
    name, label, currency = f"{spot.prefix}.true_up", f"{spot.label} 承诺消费补足", agreed.currency
    spent = tracing.derived(
        f"{spot.prefix}.spent",
        f"{spot.label} 计入承诺的消费",
        Op.MINUS,
        (usage, discount),
        "fen",
        currency=currency,
        words="用量费用 − 阶梯折扣",
    )
    month = reckoned.month
    promise = agreed.promise(month)
    due = committed_months(promise, month)
    if promise.commitment is None or not due:
        why = "合同没有承诺消费" if promise.commitment is None else "承诺消费不在本月到期"
        return _nothing(tracing, name, label, currency, why)
    commitment = promise.commitment
    whole = tracing.given(
        f"terms.{spot.plan}.commitment",
        f"方案“{spot.plan}”承诺消费",
        commitment.amount_fen,
        "fen",
        f"terms:{spot.plan}.commitment",
        currency=currency,
    )
    times, by = due_share(promise, due)
    owed = tracing.derived(
        f"{spot.prefix}.owed",
        f"{spot.label} 到期的承诺消费",
        Op.RATIO,
        (whole,),
        "fen",
        currency=currency,
        times=times,
        by=by,
        words="承诺消费按所占天数或月数",
    )
    counted = [spent if each == month else f"{spot.beside(each)}.spent" for each in due]
    known = [each for each in counted if each in tracing.figures]
    return tracing.derived(
        name,
        label,
        Op.EXCESS,
        (owed, *known),
        "fen",
        currency=currency,
        words="到期的承诺消费 − 已计入的消费，不小于零",
    )


def management_fee(tracing: Tracing, spot: Spot, agreed: Agreed, month: BillingMonth) -> str:
    """Note a month's management fee: the plan's, or none in the contract's last month."""
    name, label, currency = f"{spot.prefix}.fee", f"{spot.label} 管理费", agreed.currency
    fee = agreed.terms.management_fee_fen
    if not fee:
        return _nothing(tracing, name, label, currency, "合同没有管理费")
    if not agreed.promise(month).management_fee_fen:
        return _nothing(tracing, name, label, currency, "合同在本月结束，不收管理费")
    agreed_fee = tracing.given(
        f"terms.{spot.plan}.fee",
        f"方案“{spot.plan}”每月管理费",
        fee,
        "fen",
        f"terms:{spot.plan}.management_fee",
        currency=currency,
    )
    return tracing.derived(
        name, label, Op.SUM, (agreed_fee,), "fen", currency=currency, words="合同约定的每月管理费"
    )


def _nothing(tracing: Tracing, name: str, label: str, currency: str, why: str) -> str:
    return tracing.derived(name, label, Op.SUM, (), "fen", currency=currency, words=why)


def tax_of(
    tracing: Tracing, spot: Spot, agreed: Agreed, before: str, reckoned: Reckoned
) -> tuple[str, str, str]:
    """Note net, tax and gross of what is owed before tax: one rounding of the whole.

    Groups of their own round apart, so their tax is given.
    """
    said, currency, prefix = spot.label, agreed.currency, spot.prefix
    inclusive = agreed.tax_mode == TaxMode.INCLUSIVE
    if agreed.terms.tax_grouping is not TaxGrouping.SINGLE:
        tax = tracing.given(
            f"{prefix}.tax",
            f"{said} 税额（按税行分别取整）",
            reckoned.taxed.tax_fen,
            "fen",
            f"terms:{spot.plan}.tax_grouping",
            currency=currency,
            of=(before,),
            words=f"税率 {percent(agreed.tax_ppm)}，逐税行取整后相加",
        )
        net = tracing.derived(
            f"{prefix}.net",
            f"{said} 不含税金额",
            Op.MINUS if inclusive else Op.SUM,
            (before, tax) if inclusive else (before,),
            "fen",
            currency=currency,
        )
    else:
        rate = tracing.given(
            f"terms.{spot.plan}.tax",
            f"方案“{spot.plan}”税率",
            agreed.tax_ppm,
            "ppm",
            f"terms:{spot.plan}.tax",
        )
        net, tax = _one_tax(tracing, spot, before, rate, inclusive=inclusive)
    gross = tracing.derived(
        f"{prefix}.gross",
        f"{said} 价税合计",
        Op.SUM,
        (net, tax),
        "fen",
        currency=currency,
        words="不含税 + 税额",
    )
    return net, tax, gross


def _one_tax(
    tracing: Tracing, spot: Spot, before: str, rate: str, *, inclusive: bool
) -> tuple[str, str]:
    """Note net and tax of one tax line."""
    said, prefix = spot.label, spot.prefix
    currency = tracing.figures[before].currency
    net_name, net_label = f"{prefix}.net", f"{said} 不含税金额"
    tax_name, tax_label = f"{prefix}.tax", f"{said} 税额"
    if not inclusive:
        net = tracing.derived(net_name, net_label, Op.SUM, (before,), "fen", currency=currency)
        tax = tracing.derived(
            tax_name,
            tax_label,
            Op.RATIO,
            (before, rate),
            "fen",
            currency=currency,
            by=PPM,
            words="不含税 × 税率",
        )
        return net, tax
    whole = tracing.derived(
        f"terms.{spot.plan}.tax.whole",
        f"方案“{spot.plan}”1 + 税率",
        Op.POWER,
        (rate,),
        "ppm",
        by=PPM,
    )
    net = tracing.derived(
        net_name,
        net_label,
        Op.DIVIDED,
        (before, whole),
        "fen",
        currency=currency,
        times=PPM,
        words="含税金额 ÷（1 + 税率）",
    )
    tax = tracing.derived(
        tax_name,
        tax_label,
        Op.MINUS,
        (before, net),
        "fen",
        currency=currency,
        words="含税 − 不含税",
    )
    return net, tax
