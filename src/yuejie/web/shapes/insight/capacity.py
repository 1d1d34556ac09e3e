"""Capacity on the wire: peaks, ceilings, and when they meet."""

from datetime import date

from pydantic import Field

from yuejie.insights.capacity.lane import Ceiling, Outlook
from yuejie.insights.capacity.watch import sentence
from yuejie.insights.forecast.figures import Told
from yuejie.web.shapes.wire import In, Instant, Out


class PeakToldOut(Out):
    """预计的高峰：最可能的值与区间；历史太短时没有区间。"""

    middle: int = Field(description="预计")
    low80: int | None = Field(description="80 % 区间下限")
    high80: int | None = Field(description="80 % 区间上限")
    low95: int | None = Field(description="95 % 区间下限")
    high95: int | None = Field(description="95 % 区间上限")

    @classmethod
    def of(cls, told: Told) -> "PeakToldOut":
        """Write a peak to come."""
        return cls.model_validate(told)


class PeakDayOut(Out):
    """一天里最忙的一分钟。"""

    day: date = Field(description="日期（北京时间）")
    peak: int = Field(description="已有的高峰")
    told: PeakToldOut | None = Field(description="预计；以往为空")


class OutlookOut(Out):
    """一个供应商账号、一个上游模型的一项配额：高峰、走势、何时到达。"""

    account_id: str = Field(description="供应商账号")
    upstream_model: str = Field(description="上游模型；空为整个账号")
    gauge: str = Field(description="rpm 或 tpm")
    ceiling: int | None = Field(description="配额；空为未登记")
    peak: int = Field(description="近 7 天最忙的一分钟")
    peak_at: Instant | None = Field(description="哪一分钟")
    percent: int | None = Field(description="占配额的百分比")
    weekly_percent: int | None = Field(description="近一周每日高峰的平均比前一周高百分之几")
    throttled: int = Field(description="近 7 天供应商以 429 拒绝的次数（记在 rpm 一项）")
    likely_on: date | None = Field(description="预计在哪天到达；空为 28 天内不会")
    maybe_on: date | None = Field(description="最早可能在哪天到达（十次有一次）")
    level: str | None = Field(description="passed、near、ahead、maybe；空为无须告警")
    known_days: int = Field(description="依据几天")
    said: str = Field(description="一句话")
    days: list[PeakDayOut] = Field(description="每天的高峰，以往与今后 28 天")

    @classmethod
    def of(cls, found: Outlook) -> "OutlookOut":
        """Write an outlook."""
        return cls(
            account_id=found.account_id,
            upstream_model=found.upstream_model,
            gauge=found.gauge,
            ceiling=found.ceiling,
            peak=found.peak,
            peak_at=found.peak_at,
            percent=found.percent,
            weekly_percent=found.weekly_percent,
            throttled=found.throttled,
            likely_on=found.likely_on,
            maybe_on=found.maybe_on,
            level=found.level,
            known_days=found.known_days,
            said=sentence(found),
            days=[PeakDayOut.model_validate(each) for each in found.days],
        )


class CeilingOut(Out):
    """供应商给一个账号与上游模型的配额。"""

    account_id: str = Field(description="供应商账号")
    upstream_model: str = Field(description="上游模型；空为整个账号")
    rpm: int | None = Field(description="每分钟请求")
    tpm: int | None = Field(description="每分钟 token")
    note: str = Field(description="说明")


class CeilingIn(In):
    """登记配额；两项都不写为撤销。"""

    upstream_model: str = Field(
        "", max_length=200, pattern=r"^[^\x00]*$", description="空为整个账号"
    )
    rpm: int | None = Field(None, ge=1, le=10**12, description="每分钟请求")
    tpm: int | None = Field(None, ge=1, le=10**12, description="每分钟 token")
    note: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="说明")

    def ceiling(self, account_id: str) -> Ceiling:
        """Return the ceiling of an account."""
        return Ceiling(account_id, self.upstream_model, self.rpm, self.tpm, self.note)
