"""How the report of a month's service says things, to people and on paper."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from yuejie.assurance.sla.report import Cause, Hour, SlaReport
from yuejie.bills.documents.document import Seller
from yuejie.bills.sla.ending import TURNED_AWAY, Ending
from yuejie.bills.sla.verdict import percent
from yuejie.contracts.terms import SlaBasis
from yuejie.kernel.money import Money
from yuejie.payments.letters.letter import Letter
from yuejie.usage.event import Outcome
from yuejie.usage.refusals.reason import reason_of

PARTIES: Final = {
    Ending.ANSWERED: "成功",
    Ending.CLIENT: "客户侧",
    Ending.OURS: "我方",
    Ending.PROVIDER: "供应商",
    Ending.THROTTLED: "供应商限流",
    Ending.REFUSED: "供应商拒绝",
}
_HOUR: Final = 60
_BASES: Final = {
    SlaBasis.OPERATIONS: "按调用",
    SlaBasis.WINDOWS: "按五分钟窗口",
}
REASONS: Final = {
    "worker_stopped": "网关停机时切断",
    "abandoned": "网关内部出错",
    "answer_too_large": "应答超过上限",
    "stream_cut": "流式应答不完整",
    "stream_too_long": "流式应答超过时限",
    "error_in_answer": "应答途中报错",
    "connection_lost": "连接中断",
    "timeout": "超时没有应答",
}
OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.PROVIDER_ERROR: "连不上供应商",
    Outcome.PROVIDER_CUT: "应答中断",
    Outcome.WORKER_DIED: "网关进程意外终止",
}


def verdict_of(report: SlaReport) -> str:
    """Say in a word whether the promise was kept."""
    verdict = report.verdict
    if verdict is None:
        return "未约定"
    judged = verdict.availability_ppm is not None or verdict.p95_ms is not None
    if not judged and verdict.is_kept:
        return "样本不足"
    return "达标" if verdict.is_kept else "未达标"


def facts(report: SlaReport) -> Iterator[tuple[str, str]]:
    """Yield what the month was, promise beside measurement."""
    sla, verdict = report.sla, report.verdict
    whole, failed = report.counted
    yield "结论", verdict_of(report)
    yield "合同", f"{report.contract} 第 {report.contract_version} 版" if sla else "未约定 SLA"
    if sla:
        yield "承诺可用率", f"{percent(sla.availability_ppm)}（{_BASES[sla.basis]}）"
    yield "可用率", _ppm(verdict.availability_ppm if verdict else report.answered_ppm)
    if verdict:
        yield "其中按调用", _ppm(verdict.by_calls_ppm)
        yield "其中按停服分钟", _ppm(verdict.by_minutes_ppm)
    yield "计入调用", f"{whole:,}"
    yield "其中失败", f"{failed:,}"
    minutes = report.minutes
    yield (
        "探测分钟",
        f"{minutes.probed:,} / {minutes.whole:,}，停服 {minutes.down:,}"
        if minutes.probed
        else "本月没有探测记录",
    )
    first = report.first_byte
    promised = f"，承诺 {sla.first_byte_ms:,} 毫秒" if sla and sla.first_byte_ms else ""
    if first.p95_ms is not None:
        yield "首字节 P95", f"{first.p95_ms:,} 毫秒（{first.calls:,} 次流式调用）{promised}"
    for row in report.responses:
        if row.is_first:
            spent = "" if row.mean_seconds is None else f"，平均 {duration(row.mean_seconds)}"
            yield (
                f"工单首次响应 {row.severity.upper()}",
                f"{row.due:,} 次，超时 {row.missed:,}{spent}",
            )
    yield (
        "依据",
        f"纪元 {report.epoch}，{'已关账' if report.is_closed else '尚未关账，数字仍会变化'}",
    )


def reckoning(report: SlaReport) -> list[str]:
    """Say how the credit follows, in sentences."""
    verdict, given = report.verdict, report.given
    if verdict is None:
        return ["合同没有约定 SLA，本月不计赔付。"]
    said = []
    if verdict.credit_ppm:
        said.append(f"{verdict.words}：合计当月用量金额的 {percent(verdict.credit_ppm)}。")
    else:
        said.append(f"{verdict_of(report)}，本月不计赔付。")
    if given is None:
        return [*said, "赔付在关账时计算，列入当月账单。"]
    spend, credit, billed = (
        Money(fen, given.currency) for fen in (given.spend_fen, given.credit_fen, given.billed_fen)
    )
    if verdict.credit_ppm:
        said.append(
            f"当月用量金额（阶梯折扣后）{spend} × {percent(verdict.credit_ppm)}"
            f" = 赔付 {credit} {given.currency}。"
        )
    if billed.fen or credit.fen:
        said.append(f"各账单上已计赔付 {billed} {given.currency}。")
    if billed != credit:
        said.append("差额列入下一份账单。")
    return said


def duration(seconds: int) -> str:
    """Write a span of time as people say it: 45 分钟, 3 小时 05 分."""
    minutes = -(-seconds // 60)
    return (
        f"{minutes} 分钟"
        if minutes < _HOUR
        else f"{minutes // _HOUR} 小时 {minutes % _HOUR:02d} 分"
    )


def cause_words(cause: Cause) -> str:
    """Name a way of failing: the provider's status where there was one, and what happened."""
    if cause.outcome == Outcome.PROVIDER_ERROR and cause.http_status:
        return f"供应商答复 HTTP {cause.http_status}"
    if cause.outcome == TURNED_AWAY:
        return reason_of(cause.reason).name
    return REASONS.get(cause.reason) or OUTCOMES.get(cause.outcome, cause.outcome)


def hour_cells(report: SlaReport, hour: Hour) -> tuple[str, ...]:
    """Write an hour as cells: when, calls, whose failures they were, and how many."""
    parties = "，".join(
        f"{PARTIES[each]} {hour.by_party[each]:,}" for each in Ending if each in hour.by_party
    )
    return (_local(report, hour.since), f"{hour.calls:,}", parties, f"{hour.failed:,}")


def report_letter(report: SlaReport, seller: Seller, *, now: datetime) -> Letter:
    """Return the report as a paper: the month, how the credit follows, the worst hours."""
    closing = [
        f"失败原因：{PARTIES[cause.ending]}，{cause_words(cause)}，{cause.calls:,} 次"
        for cause in report.causes
    ]
    closing += [
        f"停服：{_local(report, outage.since)} 起 {outage.minutes:,} 分钟"
        + (f"，{outage.why}" if outage.why else "")
        for outage in report.outages
    ]
    return Letter(
        title="服务质量月报",
        number=f"{report.customer.slug} {report.month}",
        to=report.customer.legal_name,
        dated=now,
        facts=tuple(facts(report)),
        paragraphs=tuple(reckoning(report)),
        heads=("失败最多的小时", "调用", "责任", "失败") if report.hours else (),
        rows=tuple(hour_cells(report, hour) for hour in report.hours),
        closing=tuple(closing),
        signed_by=seller.legal_name,
    )


def _local(report: SlaReport, moment: datetime) -> str:
    return f"{moment.astimezone(report.zone):%Y-%m-%d %H:%M}"


def _ppm(ppm: int | None) -> str:
    return "未判断" if ppm is None else percent(ppm)
