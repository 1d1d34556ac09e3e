"""`yuejie shares …`."""

from pathlib import Path

import click

from yuejie.bills.documents.wording import KINDS
from yuejie.bills.sharing import store
from yuejie.bills.sharing.keep import RuleDraft, make_rule
from yuejie.bills.sharing.rule import Method
from yuejie.bills.sharing.sheet import RULES, write_sheet
from yuejie.bills.sharing.show import ShareBy, share_sheet
from yuejie.cli.frame import Frame, as_json, frame, give_json, put, say, show_table
from yuejie.cli.months import Month, last_month, month_argument
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import projects
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money, whole
from yuejie.kernel.period import BillingMonth, parse_instant, zone_of

METHODS = {Method.EQUAL: "均摊", Method.PROPORTIONAL: "按用量", Method.CUSTOM: "自定义权重"}


@click.group()
def shares() -> None:
    """成本分摊：把账单上归整个客户的金额分到项目与部门，分到每一分钱。"""


@shares.command("set")
@click.argument("customer")
@click.option(
    "--what",
    default="*",
    help="分摊什么：*、账单行类型（如 management_fee、cloud），或 project:项目名",
)
@click.option("--method", type=click.Choice([each.value for each in Method]), required=True)
@click.option(
    "--among", multiple=True, help="在哪些项目之间（各含下级），可写多次；不写为有用量的全部项目"
)
@click.option("--weight", "weights", multiple=True, help="自定义权重：项目=60，可写多次")
@click.option("--since", type=Month(), required=True, help="从哪个账期起；可早于已出账的月份")
@frame
def set_(
    house: Frame,
    customer: str,
    what: str,
    method: str,
    among: tuple[str, ...],
    weights: tuple[str, ...],
    since: BillingMonth,
) -> None:
    """设一条分摊规则，从某个账期起有效；已出账单不变，只是分摊表按新规则重算。"""
    named = dict.fromkeys(among, 1) | dict(_weight(each) for each in weights)
    draft = RuleDraft(what=what, method=Method(method), since=since, projects=named)
    with house.database() as db:
        made = make_rule(db, customer, draft, by=house.by, now=house.now())
    say(f"分摊规则 {made.rule_id} 自 {made.since} 起有效：{METHODS[made.method]}")


def _weight(text: str) -> tuple[str, int]:
    name, _, written = text.rpartition("=")
    weight = whole(written)
    if not name or weight is None:
        raise Invalid(f"权重“{text}”应写成 项目=60，权重为整数")
    return name, weight


@shares.command("list")
@click.argument("customer")
@as_json
@frame
def list_(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的分摊规则，按生效账期排列。"""
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer)
        rules = store.rules_of(tx, who.customer_id)
        names = {str(each.project_id): each.name for each in projects(tx, who.customer_id)}
    if json:
        give_json(rules)
        return
    rows = [
        (
            rule.rule_id,
            rule.since,
            _what(rule.what, names),
            METHODS[rule.method],
            "、".join(f"{names.get(p, p)} {weight}" for p, weight in rule.weights.items())
            or "有用量的项目",
            rule.made_by,
        )
        for rule in rules
    ]
    show_table(
        f"{who.slug} 的分摊规则", ["编号", "自", "分摊什么", "方式", "在谁之间", "经手"], rows
    )


def _what(what: str, names: dict[str, str]) -> str:
    if what.startswith("project:"):
        return f"项目 {names.get(what.removeprefix('project:'), what)}"
    return next((words for kind, words in KINDS.items() if kind == what), "全部共同费用")


@shares.command("show")
@click.argument("customer")
@month_argument
@click.option(
    "--by",
    "by_",
    type=click.Choice([each.value for each in ShareBy]),
    default=ShareBy.PROJECT.value,
    help="按项目或部门",
)
@click.option("--as-of", help="按那一刻已有的规则，例如 2026-09-30T18:00；不写为现在的规则")
@click.option("--xlsx", type=click.Path(path_type=Path), help="另写成 XLSX 文件或放进该目录")
@as_json
@frame
def show(
    house: Frame,
    customer: str,
    month: BillingMonth | None,
    by_: str,
    as_of: str | None,
    xlsx: Path | None,
    *,
    json: bool,
) -> None:
    """一个账期（默认上个月）的账单由谁承担：自身与分摊，合计等于账单。"""
    label = last_month(month, house)
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer)
        known = parse_instant(as_of, zone_of(who.zone), "时刻") if as_of else None
        sheet = share_sheet(tx, who.customer_id, label, ShareBy(by_), known=known)
    if xlsx is not None:
        path = put(write_sheet(sheet), f"shares-{who.slug}-{label}.xlsx", xlsx)
        say(f"已写入 {path}")
    if json:
        give_json(sheet)
        return
    state = "（含未出账的账单，可能变化）" if sheet.drafts else ""
    head = "项目" if sheet.by is ShareBy.PROJECT else "部门"
    totals = [
        (
            name,
            Money(own.gross_fen, sheet.currency),
            Money(shared.gross_fen, sheet.currency),
            Money(own.gross_fen + shared.gross_fen, sheet.currency),
        )
        for name, own, shared in sheet.totals()
    ]
    title = f"{who.slug} {label} 成本分摊　{sheet.currency}{state}"
    show_table(title, [head, "自身", "分摊", "价税合计"], totals)
    rows = [
        (
            row.name,
            KINDS[row.kind],
            RULES.get(row.rule_id, row.rule_id),
            Money(row.gross_fen, sheet.currency),
        )
        for row in sheet.rows
        if not row.own
    ]
    show_table("共同费用如何分摊", [head, "类型", "依据", "价税合计"], rows)
    say(f"合计 {Money(sheet.gross_fen, sheet.currency)}，等于账单 {'、'.join(sheet.bills)}")
