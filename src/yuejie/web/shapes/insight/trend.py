"""Trends and comparisons on the wire."""

from datetime import date
from typing import Annotated

from pydantic import Field

from yuejie.insights.trend.figures import Measure
from yuejie.insights.trend.places import By, Filter
from yuejie.insights.trend.series import TOP, TOP_MAX, Asked
from yuejie.insights.trend.span import Grain
from yuejie.web.shapes.wire import In, Instant, Name, Out, Worth

Ratio = Annotated[str, Field(description="比值，六位小数", examples=["3.25"])]


class _Part(In):
    """哪一部分用量。"""

    by: By | None = Field(None, description="按什么分：model、project（含下级）、key 等")
    tag_name: Name | None = Field(None, description="按标签分时，只按这个标签名")
    project: Name | None = Field(None, description="项目名或编号，含其下级")
    department: Name | None = Field(None, description="部门")
    environment: Name | None = Field(None, description="环境")
    key: Name | None = Field(None, description="密钥名或编号")
    tag: Name | None = Field(None, description="标签，写成 名=值")
    model: Name | None = Field(None, description="模型")
    provider: Name | None = Field(None, description="供应商")

    def filter(self) -> Filter:
        """Return which part is meant."""
        return Filter(**{name: getattr(self, name) for name in Filter.__slots__})


class TrendQuestion(_Part):
    """什么的趋势。"""

    grain: Grain = Field(Grain.MONTH, description="month 自然月、week ISO 周、day 日、hour 小时")
    count: int | None = Field(None, ge=1, le=1_000, description="几个；不写为 13、13、31、48")
    until: Instant | None = Field(None, description="到哪个时刻所在的月、周、日、时为止，含")
    top: int = Field(TOP, ge=1, le=TOP_MAX, description="前几名，其余合为一行")
    measure: Measure = Field(Measure.CHARGE, description="前几名按什么排")

    def asked(self) -> Asked:
        """Return what the verb takes."""
        return Asked(
            grain=self.grain,
            count=self.count,
            until=self.until,
            by=self.by,
            tag_name=self.tag_name,
            filter=self.filter(),
        )


_PERIOD = "2026-10、2026-W41、2026-10-05，或以 .. 连接首尾"


class ComparisonQuestion(_Part):
    """哪两个时段相比。"""

    before: Name = Field(description=f"先前的时段：{_PERIOD}", examples=["2026-09"])
    after: Name = Field(description="后来的时段，写法相同，长短可以不同", examples=["2026-10"])


class FiguresOut(Out):
    """一个时段的用量，与由它算出的数。"""

    charges: list[Worth] = Field(description="费用（计费额，精确），按币种")
    requests: int = Field(description="计费的请求")
    failed: int = Field(description="失败的请求")
    pending: int = Field(description="在待处理清单上的请求，不在其他数字中")
    tokens: int = Field(description="计费的 token")
    per_thousand: list[Worth] = Field(description="每千次请求的费用；两种币种时不计算")
    per_mtok: list[Worth] = Field(description="每百万 token 的费用；两种币种时不计算")
    cache_share: str | None = Field(description="输入 token 中缓存命中的百分比", examples=["37.25"])
    costs: list[Worth] | None = Field(description="成本，按币种；只有运营方可见")
    margins: list[Worth] | None = Field(description="毛利；成本币种不同的不计算；只有运营方可见")


class BucketOut(Out):
    """一个月、周、日或小时。"""

    label: str = Field(description="名称", examples=["2026-10"])
    until: Instant = Field(description="到此为止，不含")
    over: bool = Field(description="是否已结束；未结束的还会增加")


class LineOut(Out):
    """趋势的一行。"""

    name: str = Field(description="模型、项目编号、密钥编号、部门……；空为合计或其余")
    label: str = Field(description="人们怎样称呼它")
    members: int = Field(description="由几个合成；其余一行大于 1")
    figures: list[FiguresOut] = Field(description="各时段，先后同 buckets")
    total: FiguresOut = Field(description="各时段合计")
    growth: list[str | None] = Field(description="费用比前一时段增长的百分比；两期都已结束才有")


class BilledOut(Out):
    """以另一币种出账的合同：各时段按账期汇率折算，未取整；账单逐行取整一次。"""

    currency: str = Field(description="出账币种", examples=["CNY"])
    amounts: list[str | None] = Field(description="各时段；缺汇率的、跨月的周为空")
    sentences: list[str] = Field(description="用了哪些汇率，新的在前")


class TrendOut(Out):
    """用量与费用的趋势；调用结束两秒内可见。"""

    grain: str = Field(description="month、week、day 或 hour")
    by: str | None = Field(description="按什么分")
    currency: str = Field(description="最近的计费币种；增长与排名按它计算")
    buckets: list[BucketOut] = Field(description="各时段，旧的在前")
    lines: list[LineOut] = Field(description="各行，大的在前，最后是其余")
    whole: LineOut = Field(description="合计")
    billed: BilledOut | None = Field(description="以另一币种出账时，折成出账币种的费用")


class PerDayOut(Out):
    """日均：按已开始的天数。"""

    charges: list[Worth] = Field(description="费用，按币种")
    requests: Ratio
    tokens: Ratio


class SideOut(Out):
    """一个时段。"""

    label: str = Field(description="名称", examples=["2026-09"])
    first: date = Field(description="第一天")
    last: date = Field(description="最后一天")
    days: int = Field(description="已开始的天数")
    figures: FiguresOut = Field(description="用量")
    per_day: PerDayOut | None = Field(description="日均；尚未开始的没有")


class ChangeOut(Out):
    """一行在两个时段。"""

    name: str = Field(description="模型、项目编号、密钥编号……")
    label: str = Field(description="人们怎样称呼它")
    before: FiguresOut = Field(description="先前")
    after: FiguresOut = Field(description="后来")
    change: list[Worth] = Field(description="费用的变化；两期币种不同时为空")


class WhyOut(Out):
    """费用的变化 = 用量 + 价格 + 结构，精确相加。"""

    model: str | None = Field(description="模型；空为合计")
    before: str = Field(description="先前的费用", examples=["1024.5"])
    after: str = Field(description="后来的费用")
    change: str = Field(description="变化")
    volume: str = Field(description="用量效应：一切照旧，只是多用或少用")
    price: str = Field(description="价格效应：同样的用量比旧价多付或少付")
    mix: str = Field(description="结构效应：按旧价，用的模型、计量项、档次与先前不同")


class ExplanationOut(Out):
    """一种币种的费用为什么变。"""

    currency: str = Field(description="币种")
    whole: WhyOut = Field(description="合计")
    models: list[WhyOut] = Field(description="各模型，变化大的在前")


class ComparisonOut(Out):
    """两个时段的比较。"""

    before: SideOut = Field(description="先前")
    after: SideOut = Field(description="后来")
    by: str | None = Field(description="按什么分")
    changes: list[ChangeOut] = Field(description="各行，变化大的在前，最多一千行")
    why: list[ExplanationOut] = Field(description="为什么变，按币种")
    why_not: str = Field(description="不分解的原因：两期计费币种不同")
