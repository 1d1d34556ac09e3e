"""A trial on paper: its report, and the specimen of a bill, which no reader can take for one.

The specimen has no number, no seal, no account to pay into; 试用 runs across each page, and the
amount to pay is nothing. `trial.typ` lays out what this file has put into words.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from yuejie.kernel.money import PPM, Money, Rate, plain
from yuejie.kernel.period import zone_of
from yuejie.paper.chart import Chart, Series, draw
from yuejie.paper.printable import printed
from yuejie.paper.template import Template
from yuejie.presales.trial.report import SpecimenLine, TrialReport
from yuejie.presales.trial.trial import ZONE, Stage
from yuejie.usage.meters import meter_name, per, per_name, unit

_TRIAL: Final = Template(Path(__file__).with_name("trial.typ"))
_LINES_MOST: Final = 400
_STAGES: Final = {
    Stage.RUNNING: "进行中",
    Stage.CONVERTED: "已转正式合同",
    Stage.ENDED: "已期满",
}
_SIGNS: Final = {"CNY": "¥", "USD": "$"}


class TrialPaper(StrEnum):
    """What there is of a trial on paper."""

    REPORT = "report"
    SPECIMEN = "specimen"


def to_pdf(report: TrialReport, paper: TrialPaper, seller: str) -> bytes:
    """Set a paper of a trial on A4 pages; the same report gives the same bytes."""
    data = {
        "specimen": paper is TrialPaper.SPECIMEN,
        "seller": printed(seller),
        "customer": printed(report.customer.legal_name),
        "number": report.trial.trial_id,
        "facts": [[label, printed(text)] for label, text in _facts(report)],
        "figures": _figures(report),
        "chart": _chart(report),
        "lines": [_line(line) for line in report.lines[:_LINES_MOST]],
        "folded": _folded(report),
        "sums": _sums(report),
        "next": _next(report),
    }
    return _TRIAL.to_pdf(data, dated=report.made_at)


def money(amount: Money) -> str:
    """Write money with its sign of currency."""
    return f"{_SIGNS.get(amount.currency, amount.currency + ' ')}{amount}"


def _facts(report: TrialReport) -> list[tuple[str, str]]:
    trial = report.trial
    last = report.standing.over_at - timedelta(seconds=1)
    return [
        ("试用编号", trial.trial_id),
        ("试用期", f"{_moment(trial.starts_at)} 至 {_moment(last)}（{trial.days} 个自然日）"),
        ("状态", _STAGES[report.standing.stage]),
        ("试用模型", "、".join(trial.models)),
        ("试用额度", f"{trial.tokens:,} token（硬限额，超出即拒绝，不产生费用）"),
        ("统计时间", _moment(report.made_at)),
    ]


def _figures(report: TrialReport) -> list[tuple[str, str, str]]:
    share = plain(report.tokens * 1000 // report.trial.tokens, 10, 1)
    return [
        ("调用", f"{sum(day.requests for day in report.days):,}", "次，已应答"),
        ("用量", f"{report.tokens:,}", f"token，占额度 {share}%"),
        ("按目录价", money(report.gross), "含税，仅供参考"),
        ("应付", money(Money(0, report.currency)), "试用不计费"),
    ]


def _chart(report: TrialReport) -> str:
    """Draw tokens by day, days without use included; nothing where nothing was used."""
    if not report.days:
        return ""
    known = {day.day: day.tokens for day in report.days}
    first = report.trial.starts_at.astimezone(zone_of(ZONE)).date()
    last = (report.standing.over_at - timedelta(seconds=1)).astimezone(zone_of(ZONE)).date()
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    chart = Chart(
        title="每日用量",
        kind="bar",
        labels=tuple(f"{day:%m-%d}" for day in days),
        series=(Series("token", tuple(known.get(str(day), 0) for day in days)),),
        unit="token",
    )
    return draw(chart, "svg").decode()


def _line(line: SpecimenLine) -> list[str]:
    rate = Rate(line.list_pico, line.amount.currency).per(per(line.meter))
    return [
        line.month,
        printed(line.model),
        meter_name(line.meter),
        f"{line.quantity:,} {unit(line.meter)}",
        rate,
        per_name(line.meter),
        str(line.amount),
    ]


def _folded(report: TrialReport) -> str:
    left = len(report.lines) - _LINES_MOST
    return f"另有 {left:,} 行未列，合计已包含" if left > 0 else ""


def _sums(report: TrialReport) -> list[tuple[str, str]]:
    nothing = Money(0, report.currency)
    return [
        ("按目录价不含税金额", money(report.net)),
        (f"按目录价税额（{plain(report.tax_ppm, PPM // 100, 0)}%）", money(report.tax)),
        ("按目录价价税合计", money(report.gross)),
        ("试用减免", f"-{money(report.gross)}" if report.gross.fen else money(nothing)),
        ("应付金额", money(nothing)),
    ]


def _next(report: TrialReport) -> str:
    if report.follows:
        return (
            f"自 {_moment(report.standing.over_at)} 起由合同 {report.follows} 接续，密钥不变；"
            "此前的试用用量永不计费。"
        )
    if report.standing.stage is Stage.RUNNING:
        return "期满后密钥自动停止受理；签订正式合同后原密钥继续可用，试用用量永不计费。"
    return "试用已期满，密钥已停止受理；签订正式合同后原密钥恢复，试用用量永不计费。"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(zone_of(ZONE)):%Y-%m-%d %H:%M}"


def file_name(report: TrialReport, paper: TrialPaper) -> str:
    """Return what the file is called."""
    what = {TrialPaper.REPORT: "试用报告", TrialPaper.SPECIMEN: "试用账单样张"}[paper]
    return f"{what}_{report.customer.slug}.pdf"


def facts_of(report: TrialReport) -> dict[str, Any]:
    """Return a report as JSON's own types, without what a trial costs the house."""
    return {
        "trial_id": report.trial.trial_id,
        "customer": report.customer.slug,
        "company": report.customer.legal_name,
        "stage": report.standing.stage.value,
        "starts_at": report.trial.starts_at.isoformat(),
        "over_at": report.standing.over_at.isoformat(),
        "contract_id": report.standing.contract_id,
        "models": list(report.trial.models),
        "tokens_most": report.trial.tokens,
        "tokens": report.tokens,
        "requests": sum(day.requests for day in report.days),
        "at_list": {"amount": report.gross.amount, "currency": report.currency},
        "payable": {"amount": "0.00", "currency": report.currency},
        "days": [
            {"day": day.day, "requests": day.requests, "tokens": day.tokens} for day in report.days
        ],
        "lines": [
            {
                "month": line.month,
                "model": line.model,
                "meter": line.meter,
                "quantity": line.quantity,
                "list_rate": Rate(line.list_pico, line.amount.currency).per(per(line.meter)),
                "at_list": {"amount": line.amount.amount, "currency": line.amount.currency},
            }
            for line in report.lines
        ],
    }
