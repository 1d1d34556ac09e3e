"""`yuejie reconcile …` and `yuejie margin`."""

from pathlib import Path

import click

from yuejie.assurance.margin import MarginBy, show_margins
from yuejie.assurance.reconcile.difference import CHINESE, TO_DO, incomplete
from yuejie.assurance.reconcile.report import Source
from yuejie.assurance.reconcile.run import Sent, import_report, reconcile_month, show_run
from yuejie.assurance.reconcile.sheets import Sheet, parse_sheet
from yuejie.assurance.reconcile.store import latest_runs, reports
from yuejie.assurance.reconcile.table import TableKind, by_cause, write_table
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table, text_of
from yuejie.cli.months import Month, last_month, month_argument
from yuejie.kernel.money import PICO, PPM, plain
from yuejie.kernel.period import BillingMonth, parse_instant, zone_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def reconcile() -> None:
    """对账：导入供应商的用量与费用报告，与我方计量逐项比对。"""


@reconcile.command("import")
@click.argument("file", type=_FILE)
@click.option("--account", required=True, help="供应商账号")
@click.option("--month", type=Month(), required=True, help="报告的月份，按供应商的日界")
@click.option(
    "--source", required=True, type=click.Choice([each.value for each in Source]), help="来源"
)
@click.option("--mapping", type=_FILE, help="对账映射文件（TOML），用于 csv 与 gcp_billing")
@click.option("--as-of", help="报告导出的时刻；不写为现在")
@frame
def import_(
    house: Frame,
    file: Path,
    account: str,
    month: BillingMonth,
    source: str,
    mapping: Path | None,
    as_of: str | None,
) -> None:
    """导入一份报告；同一文件重复导入不再改动，有一行不合格则整份不导入。"""
    drawn = parse_instant(as_of, zone_of("UTC"), "导出时刻") if as_of else house.now()
    sent = Sent(
        account_id=account,
        month=month,
        source=Source(source),
        file_name=file.name,
        body=file.read_bytes(),
        as_of=drawn,
        sheet=parse_sheet(text_of(mapping)) if mapping else Sheet(),
    )
    with house.database() as db:
        filed = import_report(db, sent, by=house.by, now=house.now())
    say(f"{filed.account_id} {filed.month} {source}：{len(filed.report.lines)} 行已存档")


@reconcile.command("run")
@click.argument("account")
@month_argument
@as_json
@frame
def run(house: Frame, account: str, month: BillingMonth | None, *, json: bool) -> None:
    """用最新的报告对一个账号的一个月对账（默认上个月）；未通过则退出码为 1。"""
    with house.database() as db:
        found = reconcile_month(db, account, last_month(month, house), by=house.by, now=house.now())
    if json:
        give_json([(each.reconciliation_id, each.reconciled) for each in found])
    else:
        for each in found:
            got = each.reconciled
            say(f"对账 {each.reconciliation_id}　{got.account_id} {got.month} {got.currency}")
            say(f"我方 {plain(got.ours_pico, PICO)}　对方 {plain(got.theirs_pico, PICO)}")
            rows = [
                (CHINESE[cause], count, plain(net, PICO), plain(size, PICO), TO_DO[cause])
                for cause, count, net, size in by_cause(got.differences)
            ]
            show_table("差异（按原因）", ["原因", "条数", "净额", "绝对值", "处理"], rows)
            lacks = incomplete(got.differences)
            if lacks:
                say(lacks)
            say("通过" if got.passes else "未通过：未说明或未覆盖的部分达到 0.1 %")
    if not all(each.reconciled.passes for each in found):
        raise SystemExit(1)


@reconcile.command("list")
@click.option("--account", help="供应商账号；不写则全部")
@click.option("--month", type=Month(), help="月份；不写则全部")
@as_json
@frame
def list_(house: Frame, account: str | None, month: BillingMonth | None, *, json: bool) -> None:
    """列出存档的报告，以及每个账号每月最近一次对账。"""
    label = str(month) if month else None
    with house.database() as db, db.read() as tx:
        filed, runs = reports(tx, account, label), latest_runs(tx, account, label)
    if json:
        give_json({"reports": filed, "reconciliations": runs})
        return
    show_table(
        "报告",
        ["账号", "月份", "来源", "币种", "行数", "文件", "导出于（UTC）"],
        [
            (r.account_id, r.month, r.source, r.currency, r.lines, r.file_name, f"{r.as_of:%F %R}")
            for r in filed
        ],
    )
    show_table(
        "对账",
        ["账号", "月份", "币种", "我方", "对方", "未说明", "结论", "编号"],
        [
            (
                *(r.account_id, r.month, r.currency),
                *(plain(n, PICO) for n in (r.ours_pico, r.theirs_pico, r.unexplained_pico)),
                *("通过" if r.passes else "未通过", r.reconciliation_id),
            )
            for r in runs
        ],
    )


@reconcile.command("export")
@click.argument("reconciliation_id")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help=".csv 或 .xlsx"
)
@frame
def export(house: Frame, reconciliation_id: str, out: Path) -> None:
    """把一次对账的全部差异写成 CSV 或 XLSX。"""
    suffix = out.suffix.lstrip(".")
    if suffix not in set(TableKind):
        raise click.UsageError("--out 的扩展名应为 .csv 或 .xlsx")
    with house.database() as db:
        row, differences = show_run(db, reconciliation_id)
    out.write_bytes(write_table(TableKind(suffix), row, differences))
    say(f"{len(differences)} 条差异已写入 {out}")


@click.command()
@month_argument
@click.option(
    "--by", type=click.Choice([each.value for each in MarginBy]), default="customer", help="按什么"
)
@as_json
@frame
def margin(house: Frame, month: BillingMonth | None, by: str, *, json: bool) -> None:
    """毛利：一个月的用量按销售价减成本价，不含税，折合人民币（默认上个月）。"""
    label = last_month(month, house)
    with house.database() as db:
        found = show_margins(db, label, MarginBy(by))
    if json:
        give_json(found)
        return
    rows = [
        (
            m.name,
            m.calls,
            *map(str, m.amounts),
            "" if m.margin_ppm is None else f"{plain(m.margin_ppm * 100, PPM)} %",
        )
        for m in found
    ]
    show_table(f"毛利 {label}（CNY，不含税）", [by, "调用", "收入", "成本", "毛利", "毛利率"], rows)
