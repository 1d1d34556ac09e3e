"""`yuejie retention …`."""

from pathlib import Path

import click

from yuejie.app import seller
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import Month
from yuejie.keeping.apply import apply_terms
from yuejie.keeping.forget import forget as forget_people
from yuejie.keeping.kinds import Kind
from yuejie.keeping.preserve import lift as lift_preservation
from yuejie.keeping.preserve import preserve as make_preservation
from yuejie.keeping.preserve import show_preservations
from yuejie.keeping.terms import set_term, show_deletions, show_terms
from yuejie.kernel.period import BillingMonth

_WORDS = {
    "fapiao": "发票",
    "voucher": "凭证",
    "bill": "账单",
    "audit": "变更记录",
    "log": "日志",
    "event": "原始用量",
    "person": "个人信息",
}
_why = click.option("--why", required=True, help="依据：合同条款、案号、决议编号")


@click.group()
def retention() -> None:
    """保留期限：各类记录保留多久、保全、到期删除、删除个人信息、整户导出。"""


@retention.command("show")
@as_json
@frame
def show(house: Frame, *, json: bool) -> None:
    """各类记录的保留期限、依据，以及已经到期的。"""
    with house.database() as db:
        found = show_terms(db, now=house.now())
    if json:
        give_json(found)
        return
    rows = [
        (
            _WORDS[each.kind],
            each.customer or "全部",
            each.what,
            f"{each.months} 个月",
            "自动删除" if each.automatic else "期满由人鉴定",
            "、".join(f"{row.what} {row.gone:,}" for row in each.past) or "无",
            each.law,
        )
        for each in found
    ]
    show_table("保留期限", ["种类", "客户", "内容", "期限", "到期后", "已到期", "依据"], rows)


@retention.command("set")
@click.argument("kind", type=click.Choice(list(Kind)))
@click.argument("months", type=click.IntRange(1))
@click.option("--customer", help="只为一个客户（只有原始用量可以按合同另定）")
@_why
@frame
def set_term_(house: Frame, kind: str, months: int, customer: str | None, why: str) -> None:
    """规定一类记录保留多少个月；不得短于法定期限。"""
    with house.database() as db:
        set_term(db, kind, months, customer=customer, why=why, by=house.by, now=house.now())
    say(f"{_WORDS[kind]}{f'（{customer}）' if customer else ''}自现在起保留 {months} 个月")


@retention.command("apply")
@click.option("--dry-run", is_flag=True, help="只列出会删除什么，不删")
@as_json
@frame
def apply(house: Frame, *, dry_run: bool, json: bool) -> None:
    """删除已到期的日志与原始用量（文书每天自动做一次）；保全中的不删，凡删除都有记录。"""
    with house.database() as db:
        due = apply_terms(db, now=house.now(), dry_run=dry_run, by=house.by)
    if json:
        give_json(due)
        return
    verb = "将删除" if dry_run else "已删除"
    rows = [
        (
            _WORDS[each.kind],
            each.customer_id or "全部",
            each.what,
            each.rows,
            f"保留：{each.stays}" if each.stays else verb,
        )
        for each in due
    ]
    if rows:
        show_table("到期的记录", ["种类", "客户", "内容", "行数", "处理"], rows)
    else:
        say("没有到期可删的记录")


@retention.command("log")
@click.option("--limit", type=click.IntRange(1, 1000), default=50)
@as_json
@frame
def log(house: Frame, limit: int, *, json: bool) -> None:
    """删除记录：何时、谁、删了什么、多少行、依据；不含内容。"""
    with house.database() as db:
        found = show_deletions(db, limit=limit)
    if json:
        give_json(found)
        return
    rows = [
        (
            f"{each.at:%Y-%m-%d %H:%M}",
            _WORDS[each.kind],
            each.customer_id or "全部",
            each.what,
            each.rows,
            each.by,
            each.why,
        )
        for each in found
    ]
    show_table("删除记录", ["时间（UTC）", "种类", "客户", "内容", "行数", "经办", "依据"], rows)


@retention.command("preserve")
@click.argument("customer")
@click.argument("first", type=Month())
@click.argument("last", type=Month(), required=False)
@_why
@frame
def preserve(
    house: Frame, customer: str, first: BillingMonth, last: BillingMonth | None, why: str
) -> None:
    """保全一个客户的若干月份（争议、诉讼）：解除之前什么都不删；不写末月则一直到解除。"""
    with house.database() as db:
        made = make_preservation(db, customer, first, last, why=why, by=house.by, now=house.now())
    until = f"至 {last}" if last else "起，直到解除"
    say(f"{made.preservation_id}：{customer} {first} {until}，不再删除任何记录")


@retention.command("lift")
@click.argument("preservation_id")
@_why
@frame
def lift(house: Frame, preservation_id: str, why: str) -> None:
    """解除一项保全。"""
    with house.database() as db:
        lift_preservation(db, preservation_id, why=why, by=house.by, now=house.now())
    say(f"{preservation_id} 已解除；到期的记录将在下一次执行时删除")


@retention.command("preservations")
@click.option("--customer")
@as_json
@frame
def preservations(house: Frame, customer: str | None, *, json: bool) -> None:
    """列出保全，含已解除的。"""
    with house.database() as db:
        found = show_preservations(db, customer)
    if json:
        give_json(found)
        return
    rows = [
        (
            each.preservation_id,
            each.customer_id,
            each.first_month,
            each.last_month or "直到解除",
            "已解除" if each.lifted_at else "保全中",
            each.why,
            each.made_by,
        )
        for each in found
    ]
    show_table("保全", ["编号", "客户", "首月", "末月", "状态", "依据", "经办"], rows)


@retention.command("forget")
@click.argument("customer")
@click.option("--member", help="只删除一名成员的个人信息（填成员编号）")
@click.option("--why", default="", help="依据；不写则为《个人信息保护法》第四十七条")
@as_json
@frame
def forget(house: Frame, customer: str, member: str | None, why: str, *, json: bool) -> None:
    """客户或成员退出后删除个人信息；已封印的账单、发票、合同在法定期限内原样保留。"""
    with house.database() as db:
        done = forget_people(db, customer, member=member, why=why, by=house.by, now=house.now())
    if json:
        give_json(done)
        return
    said = "、".join(f"{row.what} {row.gone} 行" for row in done.rows) or "没有个人信息需要删除"
    say(f"{done.customer}：{said}")


@retention.command("export")
@click.argument("customer")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--court", is_flag=True, help="供法院：含我方成本与内部判断")
@_why
@as_json
@frame
def export(house: Frame, customer: str, file: Path, why: str, *, court: bool, json: bool) -> None:
    """把一个客户的全部记录写成一个 ZIP：每张表、单据原件、封印与校验程序，清单含哈希。"""
    from yuejie.keeping.whole import export_whole

    fresh = file.with_name(f"{file.name}.part")
    try:
        with house.database() as db, fresh.open("wb") as sink:
            given = export_whole(
                db,
                customer,
                sink,
                seller(house.settings),
                court=court,
                why=why,
                by=house.by,
                now=house.now(),
            )
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    if json:
        give_json(given)
        return
    say(f"{file}：{given.files} 个文件，{given.rows:,} 行，{given.bytes:,} 字节")
    say(f"清单 SHA-256 {given.sha256_of_manifest}")
