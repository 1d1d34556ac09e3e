"""Reports on the wire."""

from typing import Annotated

from pydantic import Field

from yuejie.insights.reports.report import Form, Measure, Report, ReportDraft, Run, Spec
from yuejie.insights.reports.result import Cell, Result
from yuejie.insights.reports.schedule import Every, Schedule
from yuejie.insights.reports.span import Grain, Period
from yuejie.kernel.money import FEN, PPM, plain
from yuejie.web.shapes.wire import In, Instant, Name, Out

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_DIMENSIONS = (
    "project、department、key、model、meter 或 tag:标签名；运营方另有 customer、deployment"
)


class ScheduleIn(In):
    """何时发送：所有者时区的整点。"""

    every: Every = Field(description="daily、weekly 或 monthly")
    hour: int = Field(8, description="几点，0 到 23")
    on: int | None = Field(None, description="星期几（1 到 7）或每月第几天（1 到 28）；每日的不填")
    workdays: bool = Field(default=False, description="遇休息日顺延至下一工作日；每日的则不发")


class ReportIn(In):
    """一个报表。"""

    name: Text = Field(description="名称，同一所有者不重复", examples=["月度用量"])
    dimensions: list[Text] = Field(["model"], max_length=8, description=_DIMENSIONS)
    measures: list[Measure] = Field(
        [Measure.CHARGE, Measure.REQUESTS, Measure.TOKENS],
        description="度量；成本与毛利只有运营方的报表可用",
    )
    filters: dict[Text, list[Text]] = Field(
        {}, max_length=8, description="只留这些取值", examples=[{"model": ["gpt-4o"]}]
    )
    grain: Grain = Field(Grain.TOTAL, description="粒度")
    period: Period = Field(Period.LAST_MONTH, description="期间，到生成前一日为止")
    currency: str = Field("CNY", description="金额折成的币种：CNY 或 USD")
    recipients: list[Text] = Field([], max_length=50, description="收件联系人编号；空为全部订阅者")
    schedule: ScheduleIn | None = Field(None, description="何时发送；空为只手动生成")

    def draft(self) -> ReportDraft:
        """Return what is asked for."""
        planned = self.schedule
        return ReportDraft(
            name=self.name,
            spec=Spec(
                dimensions=tuple(self.dimensions),
                measures=tuple(self.measures),
                filters={name: tuple(kept) for name, kept in self.filters.items()},
                grain=self.grain,
                period=self.period,
                currency=self.currency,
            ),
            recipients=tuple(self.recipients),
            schedule=Schedule(**planned.model_dump()) if planned else None,
        )


class ReportAsked(ReportIn):
    """新增一个报表。"""

    customer: Name | None = Field(None, description="哪个客户的；运营方不填为自己的")


class RunIn(In):
    """现在生成。"""

    at: Instant | None = Field(None, description="如同在这个时刻生成；不填为现在")


class ReportOut(Out):
    """保存的报表。"""

    report_id: str = Field(description="编号", examples=["rpt_019a…"])
    customer_id: str | None = Field(description="客户；空为运营方自己的")
    name: str = Field(description="名称")
    dimensions: list[str] = Field(description=_DIMENSIONS)
    measures: list[str] = Field(description="度量")
    filters: dict[str, list[str]] = Field(description="只留这些取值")
    grain: str = Field(description="粒度：total、day、week 或 month")
    period: str = Field(description="期间")
    currency: str = Field(description="币种")
    recipients: list[str] = Field(description="收件联系人编号；空为全部订阅者")
    schedule: ScheduleIn | None = Field(description="何时发送")
    zone: str = Field(description="日期与时刻所按的时区")
    next_at: Instant | None = Field(description="下次何时")
    made_by: str = Field(description="谁新增的")
    made_at: Instant = Field(description="何时新增")
    ended_at: Instant | None = Field(description="何时结束")

    @classmethod
    def of(cls, report: Report) -> "ReportOut":
        """Write a report."""
        spec, planned = report.spec, report.schedule
        return cls(
            report_id=report.report_id,
            customer_id=report.customer_id,
            name=report.name,
            dimensions=list(spec.dimensions),
            measures=[str(each) for each in spec.measures],
            filters={name: list(kept) for name, kept in spec.filters.items()},
            grain=spec.grain,
            period=spec.period,
            currency=spec.currency,
            recipients=list(report.recipients),
            schedule=_planned(planned) if planned else None,
            zone=report.zone,
            next_at=report.next_at,
            made_by=report.made_by,
            made_at=report.made_at,
            ended_at=report.ended_at,
        )


def _planned(planned: Schedule) -> ScheduleIn:
    return ScheduleIn(
        every=planned.every, hour=planned.hour, on=planned.on, workdays=planned.workdays
    )


class RunOut(Out):
    """报表的一次生成。"""

    run_id: str = Field(description="编号", examples=["rrn_019a…"])
    report_id: str = Field(description="报表")
    due_at: Instant | None = Field(description="按时发送的那个时刻；空为手动")
    since: Instant = Field(description="时段的开始")
    until: Instant = Field(description="时段的结束，不含")
    made_at: Instant = Field(description="何时生成")
    made_by: str = Field(description="谁生成的")
    rows: int = Field(description="行数")
    sha256: str = Field(description="内容的哈希")
    sent: int = Field(description="发给几个指名的地址")

    @classmethod
    def of(cls, run: Run) -> "RunOut":
        """Write a run."""
        facts = {name: getattr(run, name) for name in run.__slots__ if name in cls.model_fields}
        return cls(**facts | {"sha256": run.sha256.hex()})


class ColumnOut(Out):
    """一列。"""

    code: str = Field(description="维度或度量；time 为时间")
    title: str = Field(description="标题")
    form: str | None = Field(description="money、count 或 share；空为名称")


class ResultOut(Out):
    """报表的内容：金额两位小数，比例为小数，都写成文字，不丢精度。"""

    report: str = Field(description="名称")
    owner: str = Field(description="对象")
    first: str = Field(description="第一天")
    last: str = Field(description="最后一天")
    zone: str = Field(description="时区")
    currency: str = Field(description="币种")
    columns: list[ColumnOut] = Field(description="各列")
    rows: list[list[str | None]] = Field(description="各行")
    total: list[str | None] = Field(description="合计")
    notes: list[str] = Field(description="说明")
    sha256: str = Field(description="内容的哈希")

    @classmethod
    def of(cls, result: Result) -> "ResultOut":
        """Write a result."""
        return cls(
            report=result.report,
            owner=result.owner,
            first=result.first,
            last=result.last,
            zone=result.zone,
            currency=result.currency,
            columns=[
                ColumnOut(code=each.code, title=each.title, form=each.form)
                for each in result.columns
            ],
            rows=[_row(result, row) for row in result.rows],
            total=_row(result, result.total),
            notes=list(result.notes),
            sha256=result.sha256.hex(),
        )


def _row(result: Result, row: tuple[Cell, ...]) -> list[str | None]:
    scales = {Form.MONEY: FEN, Form.SHARE: PPM}
    return [
        plain(cell, scales.get(column.form or Form.COUNT, 1), 2 if column.form != Form.COUNT else 0)
        if isinstance(cell, int)
        else cell
        for column, cell in zip(result.columns, row, strict=True)
    ]
