"""What if, on the wire."""

from typing import Any

from pydantic import Field

from yuejie.insights.whatif.compare import LineChange, Side, Step, Totals
from yuejie.insights.whatif.cost import Costs
from yuejie.insights.whatif.told import Told
from yuejie.kernel.money import Charge, Money
from yuejie.web.shapes.wire import Amount, Facts, In, Month, Out, UnitRate, Worth

PRICE_FILE_MAX = 1_000_000


class PriceFileIn(In):
    """一个价目文件。"""

    name: str = Field(max_length=200, description="文件名，.toml、.csv 或 .json")
    content: str = Field(max_length=PRICE_FILE_MAX, description="文件内容")


class MapIn(In):
    """一个模型的调用换成另一个。"""

    source: str = Field(alias="from", max_length=200, description="原模型")
    target: str = Field(alias="to", max_length=200, description="改用的模型")
    projects: list[str] = Field([], max_length=1000, description="只换这些项目")
    keys: list[str] = Field([], max_length=1000, description="只换这些密钥")
    context_above: int | None = Field(None, ge=0, description="只换输入超过这么多 token 的请求")
    context_at_most: int | None = Field(None, ge=0, description="只换输入不超过的请求")
    tokens: dict[str, str] = Field({}, description="按计量项的 token 系数，all 为其余各项")
    meters: dict[str, str] = Field({}, description="没有单价的计量项按哪一项计")


class WhatIfIn(In):
    """假设；不写的都照旧。"""

    book: str = Field("", max_length=200, description="另一个已发布的销售价目（仅运营方）")
    revision: int | None = Field(None, description="价目的版次；不写为各次调用时已生效的一版")
    price_file: PriceFileIn | None = Field(None, description="价目文件；没有写的模型单价不变")
    draft: str = Field("", max_length=200, description="合同草案（仅运营方）")
    terms: Facts = Field({}, description="合同条款，房屋文件的单位；没写的不变")
    without: list[str] = Field([], max_length=100, description="去掉的条款，例如 commitment")
    tax_mode: str = Field("", max_length=20, description="inclusive 或 exclusive")
    tax_ppm: int | None = Field(None, description="税率，百万分率")
    discount: list[dict[str, str]] = Field([], max_length=1000, description="按模型族的折扣")
    override: list[Facts] = Field([], max_length=1000, description="约定单价")
    map: list[MapIn] = Field([], max_length=1000, description="模型替换，先合者先用")
    route: dict[str, str] = Field({}, description="模型走哪个部署（仅运营方，只影响成本）")
    meters: dict[str, str] = Field({}, description="没有单价的计量项按哪一项计")

    def words(self) -> dict[str, Any]:
        """Return the suppositions as the room reads them."""
        return self.model_dump(by_alias=True, exclude={"price_file"}, exclude_unset=True)


class TotalsOut(Out):
    """合计。"""

    net: Amount = Field(description="不含税金额")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")

    @classmethod
    def of(cls, totals: Totals) -> "TotalsOut":
        """Write totals."""
        return cls(
            net=Amount.of(totals.net), tax=Amount.of(totals.tax), gross=Amount.of(totals.gross)
        )


class StepOut(Out):
    """一个原因造成的差额；各原因相加即全部差额，到分。"""

    cause: str = Field(description="mapping、prices、mapping_and_prices、terms 或 tax")
    net: Amount = Field(description="不含税的差额")
    tax: Amount = Field(description="税额的差额")
    gross: Amount = Field(description="价税合计的差额")

    @classmethod
    def of(cls, step: Step, currency: str) -> "StepOut":
        """Write a step."""
        net, tax, gross = (
            Amount.of(Money(fen, currency)) for fen in (step.net_fen, step.tax_fen, step.gross_fen)
        )
        return cls(cause=step.cause.value, net=net, tax=tax, gross=gross)


class SideOut(Out):
    """一行在一边的样子。"""

    amount: Amount = Field(description="金额，计税前")
    quantity: int = Field(description="数量")
    rates: list[UnitRate] = Field(description="所用的单价，各不相同")

    @classmethod
    def of(cls, side: Side, meter: str, currency: str) -> "SideOut":
        """Write a side."""
        return cls(
            amount=Amount.of(Money(side.amount_fen, currency)),
            quantity=side.quantity,
            rates=[UnitRate.of(meter, rate, side.rate_currency) for rate in side.rates],
        )


class LineChangeOut(Out):
    """同名的账单行在两边的样子。"""

    kind: str = Field(description="账单行的类别")
    service_month: Month
    project: str = Field(description="项目名")
    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    item: str = Field(description="不是用量的行：名目")
    was: SideOut = Field(description="账单上的")
    became: SideOut = Field(description="假如")

    @classmethod
    def of(cls, change: LineChange, currency: str) -> "LineChangeOut":
        """Write a line on both sides."""
        name = change.name
        return cls(
            kind=name.kind,
            service_month=name.service_month,
            project=name.project,
            model=name.model,
            meter=name.meter,
            item=name.item,
            was=SideOut.of(change.was, name.meter, currency),
            became=SideOut.of(change.became, name.meter, currency),
        )


class CostOut(Out):
    """供应商成本，一个币种。"""

    was: Worth = Field(description="实际")
    became: Worth = Field(description="假如")

    @classmethod
    def of(cls, was: Charge, became: Charge) -> "CostOut":
        """Write both sides."""
        return cls(was=Worth.of(was), became=Worth.of(became))


class WhatIfOut(Out):
    """重放的结果：账单会是多少，差在哪里，前提是什么。什么也没有写入。"""

    customer: str = Field(description="客户简称")
    month: Month
    is_open: bool = Field(description="该月尚未关账：两边都按此刻的用量算")
    before: TotalsOut = Field(description="账单")
    after: TotalsOut = Field(description="假如")
    steps: list[StepOut] = Field(description="各原因的差额")
    lines: list[LineChangeOut] = Field(description="各行，变化大的在前")
    lines_whole: int = Field(description="一共几行")
    assumptions: list[str] = Field(description="前提")
    costs: list[CostOut] | None = Field(description="供应商成本；没有换部署则为空")
    cost_gaps: list[str] = Field(description="成本中未计的部分")

    @classmethod
    def of(cls, outcome: Told, lines: int) -> "WhatIfOut":
        """Write what was told with at most so many lines."""
        costs: Costs | None = outcome.costs
        return cls(
            customer=outcome.slug,
            month=str(outcome.month),
            is_open=outcome.is_open,
            before=TotalsOut.of(outcome.before),
            after=TotalsOut.of(outcome.after),
            steps=[StepOut.of(each, outcome.currency) for each in outcome.steps],
            lines=[LineChangeOut.of(each, outcome.currency) for each in outcome.lines[:lines]],
            lines_whole=len(outcome.lines),
            assumptions=list(outcome.assumptions),
            costs=[CostOut.of(*each) for each in costs.charges()] if costs else None,
            cost_gaps=sorted(costs.gaps) if costs else [],
        )
