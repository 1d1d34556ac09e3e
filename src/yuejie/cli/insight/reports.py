"""`yuejie reports …`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, progress, put, say, show_table
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.insights.reports import store
from yuejie.insights.reports.forms.words import written
from yuejie.insights.reports.keep import add_report, edit_report, end_report, find_report
from yuejie.insights.reports.make import OPERATOR
from yuejie.insights.reports.report import (
    MEASURE_NAMES,
    Measure,
    Report,
    ReportDraft,
    Run,
    Spec,
    title_of,
)
from yuejie.insights.reports.result import Result
from yuejie.insights.reports.run import FORMATS, file_of, kept_result, run_by_hand
from yuejie.insights.reports.schedule import Every, Schedule
from yuejie.insights.reports.span import GRAIN_NAMES, PERIOD_NAMES, Grain, Period
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.kernel.period import zone_of

ROWS: Final = 30
"""So many rows are shown on a terminal; all of them are in the files."""
_COLUMNS: Final = ("编号", "名称", "对象", "期间", "维度", "度量", "发送", "下次")
MOMENTS: Final = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
EVERY: Final = [each.value for each in Every]
as_customer: Final = click.option("--customer", help="哪个客户的报表；不写为运营方自己的")


@click.group()
def reports() -> None:
    """报表：保存的用量报表，按时生成并以邮件发送，或当场生成。"""


Command = Callable[..., Any]


def asked(command: Command) -> Command:
    """Add the options that say what a report shows and when it is sent."""
    options = (
        click.option("--by", "by", help="维度，逗号分开：project,key,model,…，或 tag:标签名"),
        click.option("--show", "shown", help="度量，逗号分开：charge,requests,tokens,…"),
        click.option("--where", "kept", multiple=True, help="筛选：model=gpt-4o,gpt-4o-mini"),
        click.option(
            "--cut", "grain", type=click.Choice([each.value for each in Grain]), help="粒度"
        ),
        click.option(
            "--of", "period", type=click.Choice([each.value for each in Period]), help="期间"
        ),
        click.option("--currency", type=click.Choice(["CNY", "USD"]), help="金额折成的币种"),
        click.option("--mail", "recipients", multiple=True, help="收件联系人编号，可写多次"),
        click.option("--every", type=click.Choice([*EVERY, "never"]), help="多久发一次"),
        click.option("--on", "on", type=int, help="星期几（1 到 7），或每月第几天（1 到 28）"),
        click.option("--hour", type=int, help="几点（所有者时区），默认 8"),
        click.option(
            "--workdays/--all-days", default=None, help="遇休息日顺延至下一工作日（每日的则不发）"
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@reports.command("list")
@click.option("--customer", help="只看某个客户的；不写则全部")
@click.option("--ended", is_flag=True, help="连已结束的")
@as_json
@frame
def list_reports(house: Frame, customer: str | None, *, ended: bool, json: bool) -> None:
    """列出报表。"""
    with house.database() as db, db.read() as tx:
        who = _customer(tx, customer)
        found = store.reports(tx, who, ended=ended, limit=PAGE_MAX)
        names = {each.customer_id: _owner(tx, each.customer_id) for each in found}
    if json:
        give_json(found)
    elif found:
        show_table("报表", _COLUMNS, [_row(each, names[each.customer_id]) for each in found])
    else:
        say("没有报表；用 yuejie reports add 新增")


@reports.command("show")
@click.argument("name")
@as_customer
@as_json
@frame
def show(house: Frame, name: str, customer: str | None, *, json: bool) -> None:
    """一个报表：看什么、何时发、发给谁。"""
    with house.database() as db, db.read() as tx:
        report = _find(tx, name, customer)
        owner = _owner(tx, report.customer_id)
    if json:
        give_json(report)
    else:
        _tell(report, owner)


@reports.command("add")
@click.argument("name")
@as_customer
@asked
@frame
def add(house: Frame, /, name: str, customer: str | None, **told: Any) -> None:  # noqa: ANN401 - click's options
    """新增一个报表；写了 --every 就按时生成并发送。"""
    with house.database() as db:
        with db.read() as tx:
            who = _customer(tx, customer)
            party = find_customer(tx, who) if who else None
        draft = _draft(ReportDraft(name=name, spec=_usual(party)), told)
        made = add_report(db, who, draft, by=house.by, now=house.now())
    say(f"报表“{made.name}”已保存（{made.report_id}）{_next(made)}")


@reports.command("edit")
@click.argument("name")
@as_customer
@click.option("--name", "new_name", help="改名")
@asked
@frame
def edit(house: Frame, /, name: str, customer: str | None, **told: Any) -> None:  # noqa: ANN401 - click's options
    """修改一个报表；没写的照旧，--every never 为不再按时发送。"""
    with house.database() as db:
        with db.read() as tx:
            was = _find(tx, name, customer)
        draft = _draft(replace(was.draft, name=told["new_name"] or was.name), told)
        changed = edit_report(
            db, was.customer_id, was.report_id, draft, by=house.by, now=house.now()
        )
    say(f"报表“{changed.name}”已修改{_next(changed)}")


@reports.command("end")
@click.argument("name")
@as_customer
@frame
def end(house: Frame, name: str, customer: str | None) -> None:
    """结束一个报表：不再生成；已生成的都留着。"""
    with house.database() as db:
        with db.read() as tx:
            was = _find(tx, name, customer)
        end_report(db, was.customer_id, was.report_id, by=house.by, now=house.now())
    say(f"报表“{was.name}”已结束")


@reports.command("run")
@click.argument("name")
@as_customer
@click.option("--to", "folder", type=click.Path(path_type=Path), help="把 PDF 与 XLSX 写到哪里")
@click.option("--at", "at", type=click.DateTime(MOMENTS), help="如同在这个时刻生成（所有者时区）")
@as_json
@frame
def run(
    house: Frame,
    name: str,
    customer: str | None,
    folder: Path | None,
    at: datetime | None,
    *,
    json: bool,
) -> None:
    """现在就生成一个报表，不发给任何人。"""
    with house.database() as db, progress("生成报表") as tell:
        with db.read() as tx:
            report = _find(tx, name, customer)
        now = house.now()
        moment = at.replace(tzinfo=zone_of(report.zone)) if at else now
        made = run_by_hand(db, report, at=moment, by=house.by, now=now, tell=tell)
    if json:
        give_json(made.result)
    else:
        _show(made.result)
    if folder is not None:
        _write(made.result, folder)


@reports.command("history")
@click.argument("name")
@as_customer
@click.option("--limit", default=PAGE, help="最多几条")
@as_json
@frame
def history(house: Frame, name: str, customer: str | None, limit: int, *, json: bool) -> None:
    """一个报表历次的生成：何时、哪段时间、多少行、内容的哈希。"""
    with house.database() as db, db.read() as tx:
        report = _find(tx, name, customer)
        made = store.runs(tx, report.customer_id, report.report_id, limit=limit)
    if json:
        give_json(made)
        return
    columns = ("编号", "生成时间", "时段", "行数", "发给", "SHA-256")
    show_table(f"报表 {report.name} 的历次生成", columns, [_made(report, each) for each in made])


@reports.command("fetch")
@click.argument("run_id")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=Path("reports"))
@frame
def fetch(house: Frame, run_id: str, folder: Path) -> None:
    """取回某次生成的 PDF 与 XLSX，与当时逐字节相同。"""
    with house.database() as db, db.read() as tx:
        result = kept_result(tx, None, run_id)
    _write(result, folder)


def _customer(tx: Tx, name: str | None) -> CustomerId | None:
    return find_customer(tx, name).customer_id if name else None


def _owner(tx: Tx, customer_id: CustomerId | None) -> str:
    return find_customer(tx, customer_id).slug if customer_id else OPERATOR


def _find(tx: Tx, name: str, customer: str | None) -> Report:
    """Return a report by id, or by name among one customer's; without one, among all."""
    return find_report(tx, _customer(tx, customer), name)


def _usual(party: Customer | None) -> Spec:
    return Spec(currency=party.currency) if party else Spec()


def _draft(was: ReportDraft, told: dict[str, Any]) -> ReportDraft:
    """Return a draft with everything changed that was said."""
    spec = was.spec
    if told["by"] is not None:
        spec = replace(spec, dimensions=_listed(told["by"]))
    if told["shown"] is not None:
        spec = replace(spec, measures=tuple(map(_measure, _listed(told["shown"]))))
    if told["kept"]:
        spec = replace(spec, filters=dict(map(_filter, told["kept"])))
    changes = {"grain": Grain, "period": Period, "currency": str}
    said = {name: kind(told[name]) for name, kind in changes.items() if told[name]}
    recipients = tuple(told["recipients"]) or was.recipients
    schedule = _schedule(was.schedule, told)
    return replace(was, spec=replace(spec, **said), recipients=recipients, schedule=schedule)


def _schedule(was: Schedule | None, told: dict[str, Any]) -> Schedule | None:
    every = told["every"] or (was.every if was else None)
    if every is None or every == "never":
        if every is None and any(told[each] is not None for each in ("on", "hour", "workdays")):
            raise Invalid("写了何时发送，还须用 --every 写明 daily、weekly 或 monthly")
        return None
    same = was if was is not None and was.every == every else Schedule(every=Every(every), on=None)
    usual = None if every == Every.DAY else 1
    return Schedule(
        every=Every(every),
        on=told["on"] if told["on"] is not None else same.on or usual,
        hour=told["hour"] if told["hour"] is not None else same.hour,
        workdays=same.workdays if told["workdays"] is None else told["workdays"],
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _measure(text: str) -> Measure:
    if text not in set(Measure):
        raise Invalid(f"报表度量“{text}”不认识，请写 {'、'.join(Measure)}")
    return Measure(text)


def _filter(text: str) -> tuple[str, tuple[str, ...]]:
    name, equals, values = text.partition("=")
    if not equals or not _listed(values):
        raise Invalid(f"筛选“{text}”应写成 model=gpt-4o,gpt-4o-mini 这样")
    return name.strip(), _listed(values)


def _row(report: Report, owner: str) -> list[object]:
    spec = report.spec
    return [
        report.report_id,
        report.name,
        owner,
        PERIOD_NAMES[spec.period],
        "、".join(map(title_of, spec.dimensions)) or "—",
        "、".join(MEASURE_NAMES[each] for each in spec.measures),
        report.schedule.words if report.schedule else "—",
        _local(report, report.next_at)
        if report.next_at
        else ("已结束" if report.ended_at else "—"),
    ]


def _local(report: Report, moment: datetime) -> str:
    return f"{moment.astimezone(zone_of(report.zone)):%Y-%m-%d %H:%M}"


def _next(report: Report) -> str:
    if report.schedule is None or report.next_at is None:
        return "，不按时发送"
    return f"，{report.schedule.words}，下次 {_local(report, report.next_at)}（{report.zone}）"


def _tell(report: Report, owner: str) -> None:
    spec = report.spec
    say(f"{report.name}（{report.report_id}）  对象 {owner}  {'已结束' if report.ended_at else ''}")
    say(f"期间 {PERIOD_NAMES[spec.period]}，{GRAIN_NAMES[spec.grain]}，币种 {spec.currency}")
    say(f"维度 {'、'.join(map(title_of, spec.dimensions)) or '不分'}")
    say(f"度量 {'、'.join(MEASURE_NAMES[each] for each in spec.measures)}")
    for name, kept in spec.filters.items():
        say(f"筛选 {title_of(name)}：{'、'.join(kept)}")
    say(f"发送 {_next(report).removeprefix('，')}")
    say(f"收件 {'、'.join(report.recipients) or '订阅报表通知的全部联系人'}")


def _show(result: Result) -> None:
    shown = [*result.rows[:ROWS], ("合计", *result.total[1:])]
    if result.columns[0].form is not None:
        shown[-1] = result.total
    rows = [
        [written(cell, column) for column, cell in zip(result.columns, row, strict=True)]
        for row in shown
    ]
    titles = [
        f"{each.title}（{result.currency}）" if each.form == "money" else each.title
        for each in result.columns
    ]
    show_table(f"{result.report}：{result.first} 至 {result.last}（{result.zone}）", titles, rows)
    if len(result.rows) > ROWS:
        say(f"另有 {len(result.rows) - ROWS:,} 行，用 --to 写成文件查看")
    for note in result.notes:
        say(note)
    say(f"内容 SHA-256 {result.sha256.hex()}")


def _write(result: Result, folder: Path) -> None:
    for form in FORMATS:
        name, _, body = file_of(result, form)
        say(f"已写入 {put(body, name, folder).absolute()}")


def _made(report: Report, made: Run) -> list[object]:
    zone = zone_of(report.zone)
    days: Sequence[datetime] = (made.since.astimezone(zone), made.until.astimezone(zone))
    by_itself = f"{made.sent} 个地址" if made.sent else "全部订阅者"
    return [
        made.run_id,
        _local(report, made.made_at),
        f"{days[0]:%Y-%m-%d} 至 {days[1]:%Y-%m-%d}（不含）",
        made.rows,
        by_itself if made.due_at else f"{made.made_by} 手动",
        made.sha256.hex()[:16],
    ]
