"""`yuejie sla …`."""

from pathlib import Path

import click

from yuejie.app import seller
from yuejie.assurance.sla.report import SlaReport, report_month
from yuejie.assurance.sla.words import (
    PARTIES,
    cause_words,
    facts,
    hour_cells,
    reckoning,
    report_letter,
    verdict_of,
)
from yuejie.bills.sla.ending import FAILED
from yuejie.bills.sla.verdict import percent
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import last_month, month_argument
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.payments.letters.render import to_pdf


@click.group()
def sla() -> None:
    """服务质量：可用率、时延、责任与赔付。"""


@sla.command("report")
@month_argument
@click.option("--customer", help="只看这个客户（简称或编号），并列出最差的小时与原因")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="写成 PDF 到这个文件")
@as_json
@frame
def report(
    house: Frame,
    month: BillingMonth | None,
    customer: str | None,
    out: Path | None,
    *,
    json: bool,
) -> None:
    """报告一个月的服务质量（默认上个月全部客户）：按合同判断，失败分责任，赔付写明算法。"""
    if out and not customer:
        raise click.UsageError("写 PDF 时请用 --customer 指定一个客户")
    asked = last_month(month, house)
    with house.database() as db:
        found = report_month(db, asked, customer)
    if out:
        out.write_bytes(to_pdf(report_letter(found[0], seller(house.settings), now=house.now())))
        say(f"已写出 {out}")
    elif json:
        give_json(found)
    elif customer:
        _show(found[0])
    else:
        columns = ["客户", "承诺", "可用率", "调用", *(PARTIES[each] for each in _BLAMED)]
        columns += ["停服分钟", "首字节 P95", "结论", "赔付"]
        show_table(f"{asked} 服务质量", columns, [_row(each) for each in found])


_BLAMED = [each for each in PARTIES if each in FAILED]


def _row(report: SlaReport) -> tuple[object, ...]:
    verdict, given, p95 = report.verdict, report.given, report.first_byte.p95_ms
    ppm = verdict.availability_ppm if verdict else report.answered_ppm
    return (
        report.customer.slug,
        percent(report.sla.availability_ppm) if report.sla else "",
        "" if ppm is None else percent(ppm),
        report.counted[0],
        *(report.calls.get(each, 0) for each in _BLAMED),
        report.minutes.down,
        "" if p95 is None else f"{p95} ms",
        verdict_of(report),
        Money(given.credit_fen, given.currency) if given else "",
    )


def _show(report: SlaReport) -> None:
    say(f"{report.customer.legal_name}　{report.month} 服务质量")
    for name, value in facts(report):
        say(f"  {name}　{value}")
    for sentence in reckoning(report):
        say(sentence)
    if report.hours:
        rows = [hour_cells(report, hour) for hour in report.hours]
        show_table("失败最多的小时", ["小时", "调用", "责任", "失败"], rows)
    if report.causes:
        show_table(
            "失败原因",
            ["责任", "原因", "次数"],
            [(PARTIES[c.ending], cause_words(c), c.calls) for c in report.causes],
        )
    if report.outages:
        show_table(
            "停服",
            ["自", "分钟", "所见"],
            [
                (f"{each.since.astimezone(report.zone):%F %R}", each.minutes, each.why)
                for each in report.outages
            ],
        )
