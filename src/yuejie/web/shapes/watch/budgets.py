"""Budgets on the wire: caps as decimal text where they are money, whole numbers otherwise."""

from typing import Annotated, Literal

from pydantic import Field

from yuejie.budgets.allowance import (
    DEFAULT_FORECASTS,
    DEFAULT_THRESHOLDS,
    Measure,
    Mode,
    Period,
    read_cap,
)
from yuejie.budgets.keep import AllowanceDraft, Change
from yuejie.budgets.show import Standing
from yuejie.budgets.watch.report import ReportLine
from yuejie.kernel.money import PICO, plain
from yuejie.web.shapes.wire import In, Instant, Name, Out

Cap = Annotated[
    str,
    Field(
        max_length=40,
        pattern=r"^\d+(\.\d+)?$",
        description="限额：金额写小数，其余写整数",
        examples=["1000.00"],
    ),
]
Percents = Annotated[
    list[Annotated[int, Field(ge=1, le=1000)]],
    Field(max_length=20, description="提醒的百分比", examples=[[50, 80, 100]]),
]


def write_amount(amount: int, measure: Measure) -> str:
    """Write an amount of a measure."""
    return plain(amount, PICO) if measure is Measure.MONEY else str(amount)


class BudgetIn(In):
    """新增额度。"""

    name: Name = Field(description="名称，客户内唯一", examples=["客服本月"])
    cap: Cap
    measure: Literal["money", "tokens", "requests", "concurrency"] = Field(
        "money", description="计量"
    )
    currency: Literal["", "CNY", "USD"] = Field("", description="金额的币种；空为客户的结算币种")
    period: Literal["minute", "day", "week", "month", "quarter", "year", "term", "always"] = Field(
        "month", description="周期，按客户时区；并发为 always"
    )
    mode: Literal["soft", "hard", "paced"] = Field(
        "hard", description="soft 只提醒；hard 绝不超出；paced 最多超出在途请求"
    )
    project: Name | None = Field(None, description="项目名（含下级）")
    key: Name | None = Field(None, description="密钥编号或名称")
    model: Name | None = Field(None, description="模型")
    tag: Name | None = Field(None, description="名称=值")
    output_bound: int | None = Field(
        None, ge=1, description="请求没写 max_tokens 时由网关写入的最长输出"
    )
    thresholds: Percents = Field(default=[*DEFAULT_THRESHOLDS])
    forecasts: Percents = Field(default=[*DEFAULT_FORECASTS])
    why: str = Field("", max_length=500, description="事由")

    def draft(self, currency: str) -> AllowanceDraft:
        """Return what the verb takes; `currency` is the customer's."""
        measure = Measure(self.measure)
        return AllowanceDraft(
            name=self.name,
            measure=measure,
            cap=read_cap(self.cap, measure),
            currency=(self.currency or currency) if measure is Measure.MONEY else self.currency,
            period=Period(self.period),
            mode=Mode(self.mode),
            project=self.project,
            key=self.key,
            model=self.model,
            tag=self.tag,
            output_bound=self.output_bound,
            thresholds=tuple(self.thresholds),
            forecasts=tuple(self.forecasts),
            why=self.why,
        )


class BudgetChange(In):
    """更改额度；不写的不变，范围不能改。"""

    cap: Cap | None = Field(None, description="新的限额")
    mode: Literal["soft", "hard", "paced"] | None = Field(None, description="方式")
    output_bound: int | None = Field(None, ge=0, description="最长输出；0 为取消")
    thresholds: Percents | None = Field(None, description="已用提醒的百分比")
    forecasts: Percents | None = Field(None, description="预计提醒的百分比")
    why: str | None = Field(None, max_length=500, description="事由")

    def change(self, measure: Measure) -> Change:
        """Return what the verb takes."""
        return Change(
            cap=None if self.cap is None else read_cap(self.cap, measure),
            mode=None if self.mode is None else Mode(self.mode),
            output_bound=self.output_bound,
            thresholds=None if self.thresholds is None else tuple(self.thresholds),
            forecasts=None if self.forecasts is None else tuple(self.forecasts),
            why=self.why,
        )


class BudgetEnd(In):
    """结束额度的事由。"""

    why: str = Field("", max_length=500, description="事由")


class AlertOut(Out):
    """一次提醒。"""

    basis: str = Field(description="actual 已用，forecast 预计")
    percent: int = Field(description="百分比")
    amount: str = Field(description="提醒时的已用或预计")
    cap: str = Field(description="提醒时的限额")
    told_at: Instant = Field(description="提醒时间")
    eased_at: Instant | None = Field(description="此后又低于该百分比的时间")


class ReportLineOut(Out):
    """额度报告的一行：一个额度的一个周期。"""

    allowance_id: str = Field(description="编号")
    name: str = Field(description="名称")
    measure: str = Field(description="计量：money、tokens、requests、concurrency")
    unit: str = Field(description="金额的币种；其余为空")
    period: str = Field(description="周期")
    mode: str = Field(description="方式：soft、hard、paced")
    window_starts_at: Instant = Field(description="周期的开始")
    window_ends_at: Instant = Field(description="周期的结束（不含）")
    cap: str = Field(description="限额")
    spent: str = Field(description="已用")
    percent: int | None = Field(description="已用的百分比，向下取整")
    forecast: str | None = Field(description="期末预计；空为尚不能预计或周期已结束")
    alerts: list[AlertOut] = Field(description="提醒过的")

    @classmethod
    def of(cls, line: ReportLine) -> "ReportLineOut":
        """Write a line."""
        each, measure = line.allowance, line.allowance.measure
        return cls(
            allowance_id=each.allowance_id,
            name=each.name,
            measure=measure,
            unit=line.unit,
            period=each.period,
            mode=each.mode,
            window_starts_at=line.starts_at,
            window_ends_at=line.ends_at,
            cap=write_amount(line.cap, measure),
            spent=write_amount(line.spent, measure),
            percent=line.percent,
            forecast=None if line.forecast is None else write_amount(line.forecast, measure),
            alerts=[
                AlertOut(
                    basis=alert.basis,
                    percent=alert.percent,
                    amount=write_amount(int(alert.amount), measure),
                    cap=write_amount(int(alert.cap), measure),
                    told_at=alert.told_at,
                    eased_at=alert.eased_at,
                )
                for alert in line.alerts
            ],
        )


class BudgetOut(Out):
    """额度与它的一个周期：限额、已用、预占、剩余。"""

    allowance_id: str = Field(description="编号")
    name: str = Field(description="名称")
    origin: str = Field(description="budget 人定，credit 由余额与授信推算，protection 由防护设定")
    customer_id: str = Field(description="客户编号")
    project_id: str | None = Field(description="项目编号（含下级）")
    key_id: str | None = Field(description="密钥编号")
    model: str | None = Field(description="模型")
    tag: str | None = Field(description="标签，名称=值")
    measure: str = Field(description="计量：money、tokens、requests、concurrency")
    unit: str = Field(description="金额的币种；其余为空")
    period: str = Field(description="周期")
    mode: str = Field(description="方式：soft、hard、paced")
    output_bound: int | None = Field(description="没写 max_tokens 时的最长输出")
    thresholds: list[int] = Field(description="已用达到这些百分比时提醒")
    forecasts: list[int] = Field(description="预计达到这些百分比时提醒")
    why: str = Field(description="事由")
    window_starts_at: Instant = Field(description="本周期的开始")
    window_ends_at: Instant | None = Field(description="本周期的结束（不含）；空为没有结束")
    cap: str = Field(description="本周期的限额", examples=["1000.00"])
    spent: str = Field(description="已用")
    reserved: str = Field(description="预占：在途请求，及网关尚未退回的")
    left: str = Field(description="剩余；负数为已超出")
    percent: int | None = Field(description="已用的百分比，向下取整")
    beyond: str | None = Field(
        description="paced：在途请求最坏共多少，余量用完后最多再超出这么多；其他方式为空"
    )
    in_flight_calls: int = Field(description="paced：在途请求数")
    in_flight_at: Instant | None = Field(description="以上两项是何时的数，取各网关中最早的")

    @classmethod
    def of(cls, standing: Standing) -> "BudgetOut":
        """Write a window."""
        each = standing.allowance
        measure = each.measure
        left = standing.left
        return cls(
            allowance_id=each.allowance_id,
            name=each.name,
            origin=each.origin,
            customer_id=each.scope.customer_id,
            project_id=each.scope.project_id,
            key_id=each.scope.key_id,
            model=each.scope.model,
            tag=each.scope.tag,
            measure=measure,
            unit=standing.unit,
            period=each.period,
            mode=each.mode,
            output_bound=each.output_bound,
            thresholds=list(each.thresholds),
            forecasts=list(each.forecasts),
            why=each.why,
            window_starts_at=standing.starts_at,
            window_ends_at=standing.ends_at,
            cap=write_amount(standing.cap, measure),
            spent=write_amount(standing.spent, measure),
            reserved=write_amount(standing.reserved, measure),
            left=write_amount(left, measure),
            percent=standing.percent,
            beyond=None if standing.beyond is None else write_amount(standing.beyond, measure),
            in_flight_calls=standing.flight.calls if standing.flight else 0,
            in_flight_at=standing.flight.at if standing.flight else None,
        )
