"""`yuejie clouds …`."""

from collections.abc import Mapping
from pathlib import Path

import click

from yuejie.bills.closing.clouds.behind import behind_line, cloud_line
from yuejie.bills.find import find_bill
from yuejie.cli.frame import Frame, as_json, frame, give_json, progress, say, show_table
from yuejie.cli.months import Month
from yuejie.clouds import store
from yuejie.clouds.charge import Metric
from yuejie.clouds.deliver import Change, Delivered, deliver
from yuejie.clouds.keep import add_rule, add_source
from yuejie.clouds.remap import remap as remap_source
from yuejie.clouds.source import Owner
from yuejie.clouds.statement import Sum
from yuejie.customers.store import customers
from yuejie.db.session import Tx
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.kernel.money import PICO, plain
from yuejie.kernel.period import BillingMonth

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CATEGORIES = {
    "usage": "用量",
    "purchase": "订购",
    "marketplace": "云市场",
    "tax": "税费",
    "credit": "抵扣",
    "refund": "退款",
    "adjustment": "调整",
}


@click.group()
def clouds() -> None:
    """云账单：导入 AWS、Azure、GCP 与 FOCUS 账单，按合同加价转到客户账单。"""


@clouds.command("add")
@click.argument("source")
@click.option("--name", required=True, help="账单上的称呼，例如 AWS")
@click.option(
    "--account", required=True, help="账单账号：AWS 付款账号、Azure 账单账户、GCP 结算账号"
)
@click.option("--tag", "tags", multiple=True, help="用于归属的标签键，可写多次")
@frame
def add(house: Frame, source: str, name: str, account: str, tags: tuple[str, ...]) -> None:
    """登记一个来源，即我方在某朵云的一个账单账号；合同以它的名称约定加价。"""
    with house.database() as db:
        add_source(
            db,
            source,
            name=name,
            billing_account=account,
            tag_keys=tags,
            by=house.by,
            now=house.now(),
        )
    say(f"来源 {source} 已登记；下一步用 yuejie clouds map {source} … 说明账号归谁")


@clouds.command("map")
@click.argument("source")
@click.argument("match")
@click.option("--customer", help="客户")
@click.option("--project", help="客户的项目；不写为该客户共用")
@click.option("--ours", is_flag=True, help="我方自用，不转给任何客户")
@click.option("--since", type=Month(), required=True, help="从哪个计费周期起")
@frame
def map_(
    house: Frame,
    source: str,
    match: str,
    customer: str | None,
    project: str | None,
    since: BillingMonth,
    *,
    ours: bool,
) -> None:
    """说明费用归谁：MATCH 写 account=账号、tag=键=值、两者用逗号相连，或 * 表示其余全部。"""
    if ours == (customer is not None):
        raise click.UsageError("请写 --customer 客户，或 --ours 我方自用，二者选一")
    with house.database() as db:
        made = add_rule(
            db,
            source,
            match,
            customer=customer,
            project=project,
            since=since,
            by=house.by,
            now=house.now(),
        )
    say(f"归属 {made.rule_id} 已生效；已导入的周期请执行 yuejie clouds remap {source}")


@clouds.command("import")
@click.argument("source")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option(
    "--metric",
    type=click.Choice([Metric.ACTUAL.value, Metric.AMORTIZED.value]),
    help="仅 Azure 导出需要：actual 实际成本（默认），amortized 摊销成本",
)
@click.option("--commit", is_flag=True, help="写入；不写则只试算")
@as_json
@frame
def import_(
    house: Frame,
    source: str,
    files: tuple[Path, ...],
    metric: str | None,
    *,
    commit: bool,
    json: bool,
) -> None:
    """导入账单文件（CSV、JSON、Parquet，可 gz）：一个计费周期的全部文件一次写全；默认只试算。"""
    with house.database() as db, progress("读取账单文件") as tell:
        told = deliver(
            db,
            source,
            files,
            metric=Metric(metric) if metric else None,
            commit=commit,
            by=house.by,
            now=house.now(),
            tell=tell,
        )
        with db.read() as tx:
            names = _names(tx)
    if json:
        give_json(_as_json(told, names))
        return
    _show(told, names)


def _names(tx: Tx) -> dict[str, str]:
    return {str(each.customer_id): each.slug for each in customers(tx)}


def _owner(owner: Owner, names: Mapping[str, str]) -> str:
    if owner.customer_id is not None:
        return names.get(owner.customer_id, owner.customer_id)
    return "（我方自用）" if owner.ours else "（未归属）"


def _show(told: Delivered, names: Mapping[str, str]) -> None:
    say(f"{told.dialect}　{len(told.files)} 个文件　口径 {told.metric}")
    for change in told.changes:
        state = "与已导入的相同，不变" if change.unchanged else f"第 {change.revision} 次交付"
        rows = [
            (
                _owner(owner, names),
                currency,
                _amount(change.before, owner, currency),
                _amount(change.after, owner, currency),
            )
            for owner, currency in _keys(change, names)
        ]
        title = f"{change.period}　{state}　{change.rows:,} 行"
        show_table(title, ["归属", "币种", "之前", "之后"], rows)
    kept = "、".join(told.kept) or "无"
    say(f"不参与计算、随行原样保留的列：{kept}")
    for column, why in told.dropped.items():
        say(f"不保留的列 {column}：{why}")
    for other, count in told.left.items():
        say(f"未导入 {count:,} 行：属于来源 {other} 的账单账号，请用同一文件导入 {other}")
    say("已写入" if told.committed else "以上是试算，未写入；确认后加 --commit")


def _keys(change: Change, names: Mapping[str, str]) -> list[tuple[Owner, str]]:
    by_owner = {
        (owner.customer_id, owner.ours, currency): (owner, currency)
        for owner, currency in {**change.before, **change.after}
    }
    found = [(Owner(customer, None, ours), currency) for customer, ours, currency in by_owner]
    return sorted(found, key=lambda key: (_owner(key[0], names), key[1]))


def _amount(sums: Mapping[tuple[Owner, str], Sum], owner: Owner, currency: str) -> str:
    """Write what an owner's projects come to together: as billed, or as the file states it."""
    mine = [
        each.effective_pico if each.billed_pico is None else each.billed_pico
        for (known, unit), each in sums.items()
        if unit == currency and (known.customer_id, known.ours) == (owner.customer_id, owner.ours)
    ]
    return plain(sum(amount or 0 for amount in mine), PICO) if mine else "—"


def _as_json(told: Delivered, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "source": told.source,
        "dialect": told.dialect,
        "metric": told.metric,
        "files": told.files,
        "committed": told.committed,
        "periods": [
            {
                "period": str(change.period),
                "revision": change.revision,
                "unchanged": change.unchanged,
                "rows": change.rows,
                "owners": [
                    {
                        "owner": _owner(owner, names),
                        "currency": currency,
                        "before": _amount(change.before, owner, currency),
                        "after": _amount(change.after, owner, currency),
                    }
                    for owner, currency in _keys(change, names)
                ],
            }
            for change in told.changes
        ],
        "kept_columns": told.kept,
        "dropped_columns": told.dropped,
        "left_rows": told.left,
    }


@clouds.command("remap")
@click.argument("source")
@click.option("--month", type=Month(), help="计费周期；不写则全部")
@frame
def remap(house: Frame, source: str, month: BillingMonth | None) -> None:
    """按现在的归属重算已导入的周期；差额列入下一份账单，已出账单不动。"""
    with house.database() as db:
        changed = remap_source(db, source, month, by=house.by, now=house.now())
    for each in changed:
        say(f"{source} {each.period} 归属有变，现为第 {each.revision} 次")
    if not changed:
        say("归属没有变化")


@clouds.command("list")
@as_json
@frame
def list_(house: Frame, *, json: bool) -> None:
    """列出来源、归属规则与每个周期的各次交付。"""
    with house.database() as db, db.read() as tx:
        sources, statements = store.sources(tx), store.statements(tx)
        rules = [rule for each in sources for rule in store.rules(tx, each.source)]
        names = _names(tx)
    if json:
        give_json({"sources": sources, "rules": rules, "statements": statements})
        return
    rows = [(s.source, s.name, s.billing_account, "、".join(s.tag_keys)) for s in sources]
    show_table("来源", ["来源", "称呼", "账单账号", "标签键"], rows)
    told = [
        (
            rule.source,
            rule.sub_account or "",
            f"{rule.tag_key}={rule.tag_value}" if rule.tag_key else "",
            names.get(rule.customer_id or "", "我方自用"),
            rule.since,
        )
        for rule in rules
    ]
    show_table("归属", ["来源", "账号", "标签", "归谁", "自"], told)
    made = [(s.source, s.period, s.revision, s.why, s.made_by) for s in statements]
    show_table("交付", ["来源", "周期", "次", "缘由", "经手"], made)


@clouds.command("show")
@click.option("--source", help="来源；不写则全部")
@click.option("--month", type=Month(), help="计费周期；不写则全部")
@as_json
@frame
def show(house: Frame, source: str | None, month: BillingMonth | None, *, json: bool) -> None:
    """云厂商要多少、归谁：按客户、项目、服务列出；未归属的排在前面。"""
    with house.database() as db, db.read() as tx:
        found = store.owned(tx, source=source, period=str(month) if month else None)
    if json:
        give_json(found)
        return
    rows = [
        (
            row.period,
            row.source,
            row.customer or ("（我方自用）" if row.ours else "（未归属）"),
            row.project,
            row.service,
            _CATEGORIES[row.category],
            row.currency,
            _pico(row.billed_pico),
            _pico(row.effective_pico),
            row.row_count,
        )
        for row in found
    ]
    heads = ["周期", "来源", "归谁", "项目", "服务", "类别", "币种", "应付", "摊销", "行数"]
    show_table("云费用", heads, rows)


def _pico(value: int | None) -> str:
    return "—" if value is None else plain(int(value), PICO)


@clouds.command("rows")
@click.argument("bill")
@click.argument("line", type=int)
@click.option("--after", type=int, default=0, help="从第几行之后开始")
@click.option("--limit", type=click.IntRange(1, PAGE_MAX), default=PAGE, help="最多几行")
@as_json
@frame
def rows(house: Frame, bill: str, line: int, after: int, limit: int, *, json: bool) -> None:
    """账单的一行云费用背后，云厂商账单里的每一行。"""
    with house.database() as db, db.read() as tx:
        found = find_bill(tx, bill)
        behind = behind_line(tx, found, cloud_line(found, line), after=after, limit=limit)
    if json:
        give_json(list(behind))
        return
    shown = [
        (
            row.row_number,
            row.used_on,
            row.sub_account,
            row.service,
            row.description,
            row.currency,
            _pico(row.billed_pico),
            _pico(row.effective_pico),
        )
        for row in behind
    ]
    heads = ["行", "日期", "账号", "服务", "说明", "币种", "应付", "摊销"]
    show_table(f"账单 {found.name} 第 {line} 行", heads, shown)
