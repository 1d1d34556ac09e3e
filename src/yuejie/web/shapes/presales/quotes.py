"""Quotes on the wire: what they say, month by month, and where each figure comes from."""

from datetime import date
from typing import Any

from pydantic import Field

from yuejie.contracts.formats.agreed import percent, pricing_words, words_of
from yuejie.db.transition import Transition
from yuejie.presales.compare import Comparison, Side
from yuejie.presales.life.sign_up import SignUp
from yuejie.presales.quote import Choice, MonthCost, Option, Plan, Quote, Suggestion
from yuejie.presales.replay.again import Again, Column
from yuejie.presales.roi import Roi
from yuejie.presales.trace import Figure
from yuejie.web.shapes.presales.prospects import VolumeOut
from yuejie.web.shapes.wire import Amount, Facts, In, Instant, Out


class AskIn(In):
    """报价要求：与文件同样的写法。"""

    ask: Facts = Field(
        description="报价要求各项，写法见 yuejie presales example ask",
        examples=[{"book": "sale", "plan": [{"name": "一年期", "type": "one_year"}]}],
    )


class QuoteStepIn(In):
    """报价的一步。"""

    why: str = Field("", max_length=500, description="事由；批准、驳回、撤回时必填")


class SignUpIn(In):
    """由已接受的报价起草合同。"""

    customer: str = Field(
        "", max_length=64, description="客户简称；不写为潜在客户的简称，还没有这个客户则登记"
    )
    plan: str = Field("", max_length=40, description="方案名称；不写为建议的方案")
    starts_on: date | None = Field(None, description="合同起日；不写为需求表首月的第一天")

    def wish(self, quote_id: str) -> SignUp:
        """Return what is asked for."""
        return SignUp(
            quote_id=quote_id, customer=self.customer, plan=self.plan, starts_on=self.starts_on
        )


class MonthCostOut(Out):
    """一个月的费用，与账单同样算法。"""

    month: str = Field(description="月份")
    usage: Amount = Field(description="用量费用")
    discount: Amount = Field(description="阶梯折扣")
    true_up: Amount = Field(description="承诺补足")
    fee: Amount = Field(description="管理费")
    net: Amount = Field(description="不含税")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")
    figure: str = Field(description="价税合计在推算表中的名称")

    @classmethod
    def of_cost(cls, found: MonthCost, currency: str) -> "MonthCostOut":
        """Write a month."""
        return cls(
            month=found.month,
            usage=_amount(found.usage_fen, currency),
            discount=_amount(found.discount_fen, currency),
            true_up=_amount(found.true_up_fen, currency),
            fee=_amount(found.fee_fen, currency),
            net=_amount(found.net_fen, currency),
            tax=_amount(found.tax_fen, currency),
            gross=_amount(found.gross_fen, currency),
            figure=found.figure,
        )


class OptionOut(Out):
    """一个模型在一个方案下的费用。"""

    model: str = Field(description="模型")
    plan: str = Field(description="方案")
    low: MonthCostOut = Field(description="首月，低")
    expected: MonthCostOut = Field(description="首月，预计")
    high: MonthCostOut = Field(description="首月，高")
    months: list[MonthCostOut] = Field(description="各月，预计")
    total: Amount = Field(description="各月合计")
    deposit: Amount = Field(description="押金")
    margin_ppm: int | None = Field(description="毛利，百万分率；为空表示成本未知")
    within_budget: bool | None = Field(description="各月是否都在预算之内；没有预算为空")
    figure: str = Field(description="合计在推算表中的名称")

    @classmethod
    def of(cls, found: Option, currency: str) -> "OptionOut":
        """Write an option."""
        return cls(
            model=found.model,
            plan=found.plan,
            low=MonthCostOut.of_cost(found.low, currency),
            expected=MonthCostOut.of_cost(found.expected, currency),
            high=MonthCostOut.of_cost(found.high, currency),
            months=[MonthCostOut.of_cost(each, currency) for each in found.months],
            total=_amount(found.total_fen, currency),
            deposit=_amount(found.deposit_fen, currency),
            margin_ppm=found.margin_ppm,
            within_budget=found.within_budget,
            figure=found.figure,
        )


class PlanOut(Out):
    """一个方案：合同条款与价格约定。"""

    name: str = Field(description="名称")
    terms: dict[str, Any] = Field(description="商务条款")
    pricing: dict[str, Any] = Field(description="折扣与约定单价")

    @classmethod
    def of(cls, found: Plan) -> "PlanOut":
        """Write a plan."""
        return cls(
            name=found.name, terms=words_of(found.terms), pricing=pricing_words(found.pricing)
        )


class ChoiceOut(Out):
    """一个模型能不能用，为什么。"""

    model: str = Field(description="模型")
    kind: str = Field(description="recommended 推荐、wanted 客户指定、alternative 备选")
    backup: str | None = Field(description="备用模型")
    reasons: list[str] = Field(description="理由")
    excluded: str = Field(description="未入选的原因；为空表示可用")

    @classmethod
    def of(cls, found: Choice) -> "ChoiceOut":
        """Write a verdict."""
        return cls(
            model=found.model,
            kind=found.kind,
            backup=found.backup,
            reasons=list(found.reasons),
            excluded=found.excluded,
        )


class SuggestionOut(Out):
    """一条优化建议。"""

    name: str = Field(description="名称")
    label: str = Field(description="做什么")
    saving: Amount | None = Field(description="首月节省；为空表示没有数据或不值得")
    why: str = Field(description="怎样算出，或为什么不算")
    figure: str = Field(description="节省在推算表中的名称")

    @classmethod
    def of(cls, found: Suggestion, currency: str) -> "SuggestionOut":
        """Write a piece of advice."""
        return cls(
            name=found.name,
            label=found.label,
            saving=Amount.of_fen(found.saving_fen, currency),
            why=found.why,
            figure=found.figure,
        )


class SideOut(Out):
    """比较中的一列。"""

    name: str = Field(description="名称")
    usage: Amount = Field(description="用量费用")
    fee: Amount = Field(description="管理费")
    deductible: Amount = Field(description="可抵扣的进项税额")
    idle: Amount = Field(description="占用资金的成本")
    extra: Amount = Field(description="手续费与汇差")
    waste: Amount = Field(description="作废余额")
    total: Amount = Field(description="实际成本")
    deposit: Amount = Field(description="押金")
    payment_days: int = Field(description="账期（天）；负数为提前付款")
    sla: str | None = Field(description="承诺的可用率")
    unpriced: list[str] = Field(description="没有单价的用量；有则合计为下限")
    figure: str = Field(description="实际成本在推算表中的名称")

    @classmethod
    def of(cls, found: Side, currency: str) -> "SideOut":
        """Write a column."""
        return cls(
            name=found.name,
            usage=_amount(found.usage_fen, currency),
            fee=_amount(found.fee_fen, currency),
            deductible=_amount(found.deductible_fen, currency),
            idle=_amount(found.idle_fen, currency),
            extra=_amount(found.extra_fen, currency),
            waste=_amount(found.waste_fen, currency),
            total=_amount(found.total_fen, currency),
            deposit=_amount(found.deposit_fen, currency),
            payment_days=found.payment_days,
            sla=None if found.sla_ppm is None else percent(found.sla_ppm),
            unpriced=list(found.unpriced),
            figure=found.figure,
        )


class AvoidedOut(Out):
    """避免的一项损失。"""

    label: str = Field(description="名称")
    amount: Amount = Field(description="金额")
    figure: str = Field(description="在推算表中的名称")


class RoiOut(Out):
    """月均投资回报。"""

    before: Amount = Field(description="现在的用量费用")
    after: Amount = Field(description="月结的用量费用")
    fee: Amount = Field(description="管理费")
    avoided: list[AvoidedOut] = Field(description="避免的损失")
    net: Amount = Field(description="净收益")
    ratio_e2: int | None = Field(description="净收益为管理费的倍数，百分之一；没有管理费为空")

    @classmethod
    def of(cls, found: Roi) -> "RoiOut":
        """Write a return."""
        return cls(
            before=_amount(found.before_fen, found.currency),
            after=_amount(found.after_fen, found.currency),
            fee=_amount(found.fee_fen, found.currency),
            avoided=[
                AvoidedOut(
                    label=each.label, amount=_amount(each.fen, found.currency), figure=each.name
                )
                for each in found.avoided
            ],
            net=_amount(found.net_fen, found.currency),
            ratio_e2=found.ratio_e2,
        )


class ComparisonOut(Out):
    """与预付方式和竞品报价的比较。"""

    months: list[str] = Field(description="所比的月份")
    ours: list[SideOut] = Field(description="我方各方案，建议的方案在前")
    prepaid: SideOut | None = Field(description="现在的预付方式")
    offers: list[SideOut] = Field(description="竞品报价")
    roi: RoiOut | None = Field(description="月均回报：用量、管理费、作废余额")
    roi_whole: RoiOut | None = Field(description="连同抵扣、手续费与资金占用的月均回报")
    assumptions: list[str] = Field(description="假设与未计入的项目")

    @classmethod
    def of(cls, found: Comparison) -> "ComparisonOut":
        """Write a comparison."""
        currency = found.currency
        return cls(
            months=list(found.months),
            ours=[SideOut.of(each, currency) for each in found.ours],
            prepaid=None if found.prepaid is None else SideOut.of(found.prepaid, currency),
            offers=[SideOut.of(each, currency) for each in found.offers],
            roi=None if found.roi is None else RoiOut.of(found.roi),
            roi_whole=None if found.roi_whole is None else RoiOut.of(found.roi_whole),
            assumptions=list(found.assumptions),
        )


class ProposedOut(Out):
    """建议。"""

    model: str = Field(description="主用模型")
    backup: str | None = Field(description="备用模型")
    plan: str = Field(description="方案")
    contract_type: str = Field(description="合同类型")
    credit_class: str = Field(description="信用分级")
    reasons: list[str] = Field(description="理由")


class BasisOut(Out):
    """报价的依据。"""

    sale_book: str = Field(description="价目")
    sale_revision: int = Field(description="价目版次")
    cost_revisions: dict[str, int] = Field(description="成本价目版次")
    fx_id: int | None = Field(description="汇率编号；同币种为空")
    fx_on: date | None = Field(description="汇率日期")
    fx_source: str = Field(description="汇率出处")
    tax_mode: str = Field(description="计税方式")
    tax_ppm: int = Field(description="税率，百万分率")
    priced_at: Instant = Field(description="计算时刻")
    calendar_known: bool = Field(description="各月节假日安排是否都已公布")


class QuoteNoteOut(Out):
    """列表中的一份报价。"""

    quote_id: str = Field(description="编号")
    prospect_id: str = Field(description="潜在客户编号")
    version: int = Field(description="第几版")
    form_version: int = Field(description="需求表第几版")
    import_id: str | None = Field(description="所用的历史用量")
    state: str = Field(
        description="waiting 待批准、ready 可报出、rejected 未批准、offered 已报出、"
        "accepted 已接受、withdrawn 已撤回"
    )
    digest: str = Field(description="内容的 SHA-256")
    valid_until: date = Field(description="有效至（含）")
    made_by: str = Field(description="报价人")
    made_at: Instant = Field(description="报价时间")


class QuoteOut(QuoteNoteOut):
    """一份报价。"""

    currency: str = Field(description="币种")
    basis: BasisOut = Field(description="依据")
    proposal: ProposedOut = Field(description="建议")
    volumes: list[VolumeOut] = Field(description="每月用量")
    choices: list[ChoiceOut] = Field(description="各模型的取舍")
    plans: list[PlanOut] = Field(description="方案")
    options: list[OptionOut] = Field(description="费用")
    advice: list[SuggestionOut] = Field(description="优化建议")
    comparison: ComparisonOut | None = Field(description="比较")
    floor_ppm: int = Field(description="毛利底线，百万分率")
    figures: int = Field(description="推算表中有多少个数")

    @classmethod
    def of(cls, quote: Quote) -> "QuoteOut":
        """Write a quote, whole but for its trace."""
        body, currency = quote.body, quote.body.requirement.currency
        note = QuoteNoteOut.model_validate(quote).model_dump()
        return cls(
            **note,
            currency=currency,
            basis=BasisOut.model_validate(body.basis),
            proposal=ProposedOut.model_validate(body.proposal),
            volumes=[VolumeOut.of(each) for each in body.volumes],
            choices=[ChoiceOut.of(each) for each in body.choices],
            plans=[PlanOut.of(each) for each in body.plans],
            options=[OptionOut.of(each, currency) for each in body.options],
            advice=[SuggestionOut.of(each, currency) for each in body.advice],
            comparison=None if body.comparison is None else ComparisonOut.of(body.comparison),
            floor_ppm=body.floor_ppm,
            figures=len(body.trace),
        )


class FigureOut(Out):
    """推算表中的一个数。"""

    name: str = Field(description="名称")
    label: str = Field(description="说明")
    value: str = Field(description="整数，以 unit 为单位")
    unit: str = Field(description="token、request、fen、pico、ppm、milli、e8、e2、day 等")
    currency: str = Field(description="fen 与 pico 的币种")
    op: str = Field(description="given 为已知数，其余为由 of 算出")
    of: list[str] = Field(description="由哪些数算出")
    times: str = Field(description="乘数")
    by: str = Field(description="除数")
    source: str = Field(description="已知数的出处：form、rate、fx、terms、calendar、file 等")
    words: str = Field(description="公式")

    @classmethod
    def of_figure(cls, found: Figure) -> "FigureOut":
        """Write a figure; what no JSON number holds is text."""
        return cls(
            name=found.name,
            label=found.label,
            value=str(found.value),
            unit=found.unit,
            currency=found.currency,
            op=found.op,
            of=list(found.of),
            times=str(found.times),
            by=str(found.by),
            source=found.source,
            words=found.words,
        )


class QuoteMoved(Out):
    """报价经手的一步。"""

    at: Instant = Field(description="时间")
    event: str = Field(description="动作")
    was: str = Field(description="之前的状态")
    became: str = Field(description="之后的状态")
    by: str = Field(description="经手人")
    why: str = Field(description="事由")

    @classmethod
    def of(cls, step: Transition) -> "QuoteMoved":
        """Write a step."""
        return cls.model_validate(step)


class ColumnOut(Out):
    """历史用量在一个方案下的费用。"""

    plan: str = Field(description="方案")
    switch: str = Field(description="改用哪组模型；为空即原来的模型")
    months: list[MonthCostOut] = Field(description="各月")
    total: Amount = Field(description="合计")
    unpriced: list[str] = Field(description="没有单价的用量；有则合计为下限")

    @classmethod
    def of(cls, found: Column, currency: str) -> "ColumnOut":
        """Write a column."""
        return cls(
            plan=found.plan,
            switch=found.switch,
            months=[MonthCostOut.of_cost(each, currency) for each in found.months],
            total=_amount(found.total_fen, currency),
            unpriced=list(found.unpriced),
        )


class AgainOut(Out):
    """历史用量的重放。"""

    currency: str = Field(description="币种")
    columns: list[ColumnOut] = Field(description="各方案")

    @classmethod
    def of(cls, found: Again) -> "AgainOut":
        """Write a replay."""
        return cls(
            currency=found.currency,
            columns=[ColumnOut.of(each, found.currency) for each in found.columns],
        )


def _amount(fen: int, currency: str) -> Amount:
    found = Amount.of_fen(fen, currency)
    assert found is not None, "only nothing is written as nothing"
    return found
