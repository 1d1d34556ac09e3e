"""What a month's service was, on the wire."""

from pydantic import Field

from yuejie.assurance.sla.report import SlaReport
from yuejie.assurance.sla.words import reckoning, verdict_of
from yuejie.bills.sla.ending import Ending
from yuejie.web.shapes.wire import Amount, Instant, Out


class CallsOut(Out):
    """按结果分的调用次数；一次调用无论尝试几次只计一次。"""

    answered: int = Field(description="得到完整应答")
    client: int = Field(description="请求本身被拒绝，或客户主动断开；不算失败")
    ours: int = Field(description="失败，我方责任")
    provider: int = Field(description="失败，供应商出错、中断或超时")
    throttled: int = Field(description="失败，供应商限流（429）")
    refused: int = Field(description="失败，供应商以无权限或不存在拒绝（403、404）")


class HourOut(Out):
    """客户时区的一小时。"""

    since: Instant = Field(description="这一小时的开始")
    calls: int = Field(description="调用次数")
    failed: int = Field(description="失败次数")
    by_party: dict[str, int] = Field(description="失败按责任分", examples=[{"provider": 3}])


class CauseOut(Out):
    """一种失败。"""

    ending: str = Field(description="责任", examples=["provider"])
    outcome: str = Field(description="怎样结束", examples=["provider_error"])
    http_status: int = Field(description="供应商的状态码；0 为没有应答")
    reason: str = Field(description="原因")
    calls: int = Field(description="次数")


class OutageOut(Out):
    """从外部连续探测不到服务的分钟。"""

    since: Instant = Field(description="开始")
    minutes: int = Field(description="多少分钟")
    why: str = Field(description="第一次所见")


class ResponsesOut(Out):
    """工单的响应：某一级别，首次或其后。"""

    severity: str = Field(description="s1 至 s4")
    is_first: bool = Field(description="首次响应；只有首次计入承诺")
    due: int = Field(description="本月到期的次数")
    missed: int = Field(description="其中超时的")
    mean_seconds: int | None = Field(description="已响应的平均用时，秒")


class SlaReportOut(Out):
    """一个月的服务质量：承诺、测得、责任、赔付。可用率为百万分率，向下取整。"""

    customer: str = Field(description="客户简称")
    month: str = Field(description="账期，客户时区的自然月")
    contract_id: str = Field(description="月末生效的合同")
    contract_version: int = Field(description="其版次")
    epoch: int = Field(description="依据到哪个纪元的用量")
    is_closed: bool = Field(description="是否已关账；未关账的数字仍会变化")
    verdict: str = Field(description="达标、未达标、样本不足、未约定")
    promised_ppm: int | None = Field(description="承诺的可用率", examples=[999000])
    availability_ppm: int | None = Field(description="可用率；样本不足则为空", examples=[999500])
    by_calls_ppm: int | None = Field(description="按调用")
    by_minutes_ppm: int | None = Field(description="按停服分钟")
    promised_first_byte_ms: int | None = Field(description="承诺的首字节时间，毫秒")
    p95_first_byte_ms: int | None = Field(description="成功的流式调用首字节时间的第 95 百分位")
    streamed: int = Field(description="其样本数")
    counted: int = Field(description="按合同计入的调用次数")
    failed: int = Field(description="其中失败的次数")
    calls: CallsOut = Field(description="全部调用按结果分")
    minutes: int = Field(description="本月分钟数")
    minutes_probed: int = Field(description="其中探测过的")
    minutes_down: int = Field(description="其中停服的")
    credit_ppm: int = Field(description="赔付当月用量金额的百万分之几")
    spend: Amount | None = Field(description="当月用量金额，阶梯折扣后；未关账则为空")
    credit: Amount | None = Field(description="应赔付")
    billed: Amount | None = Field(description="各账单上已计的赔付")
    explained: list[str] = Field(description="赔付怎样算出")
    worst_hours: list[HourOut] = Field(description="失败最多的小时")
    causes: list[CauseOut] = Field(description="最常见的失败原因")
    outages: list[OutageOut] = Field(description="最长的停服")
    responses: list[ResponsesOut] = Field(description="本月到期的工单响应")

    @classmethod
    def of(cls, report: SlaReport) -> "SlaReportOut":
        """Write a report."""
        sla, verdict, given = report.sla, report.verdict, report.given
        currency = given.currency if given else ""
        whole, failed = report.counted
        return cls(
            customer=report.customer.slug,
            month=str(report.month),
            contract_id=report.contract_id,
            contract_version=report.contract_version,
            epoch=report.epoch,
            is_closed=report.is_closed,
            verdict=verdict_of(report),
            promised_ppm=sla.availability_ppm if sla else None,
            availability_ppm=verdict.availability_ppm if verdict else report.answered_ppm,
            by_calls_ppm=verdict.by_calls_ppm if verdict else None,
            by_minutes_ppm=verdict.by_minutes_ppm if verdict else None,
            promised_first_byte_ms=sla.first_byte_ms if sla else None,
            p95_first_byte_ms=report.first_byte.p95_ms,
            streamed=report.first_byte.calls,
            counted=whole,
            failed=failed,
            calls=CallsOut(**{str(each): report.calls.get(each, 0) for each in Ending}),
            minutes=report.minutes.whole,
            minutes_probed=report.minutes.probed,
            minutes_down=report.minutes.down,
            credit_ppm=verdict.credit_ppm if verdict else 0,
            spend=Amount.of_fen(given.spend_fen if given else None, currency),
            credit=Amount.of_fen(given.credit_fen if given else None, currency),
            billed=Amount.of_fen(given.billed_fen if given else None, currency),
            explained=reckoning(report),
            worst_hours=[HourOut.model_validate(hour) for hour in report.hours],
            causes=[CauseOut.model_validate(cause) for cause in report.causes],
            outages=[OutageOut.model_validate(outage) for outage in report.outages],
            responses=[ResponsesOut.model_validate(row) for row in report.responses],
        )
