"""`yuejie ledger …`."""

from pathlib import Path

import click

from yuejie.app import ledger_checks
from yuejie.assurance.unbilled import unbilled
from yuejie.cli.frame import Frame, as_json, frame, give_json, put, say, show_table, text_of
from yuejie.cli.months import Month, last_month, month_argument
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger
from yuejie.ledger.handover.accrue import accrue as accrue_month
from yuejie.ledger.handover.carry import carry_over, write_batch
from yuejie.ledger.handover.layouts import Layout, System
from yuejie.ledger.handover.store import batches
from yuejie.ledger.posting import ACCOUNT_NAMES, Account
from yuejie.ledger.rebuild import rebuild_balances
from yuejie.ledger.show import account_named, show_balances, show_statement, trial_balance


@click.group()
def ledger() -> None:
    """账簿：检查、余额、明细账、试算平衡表、重建余额。"""


@ledger.command("check")
@as_json
@frame
def check(house: Frame, *, json: bool) -> None:
    """检查账簿：借贷相等、余额等于分录之和、分录未被改动；不成立则退出码为 1。"""
    with house.database() as db:
        found = check_ledger(db, ledger_checks())
    if json:
        give_json(found)
    else:
        for each in found:
            say(f"{'成立' if each.holds else '不成立'}  {each.promise}")
            for finding in each.findings:
                say(f"    {finding}")
    if not all(each.holds for each in found):
        raise SystemExit(1)


@ledger.command("show")
@click.option("--party", help="往来方：客户编号、account:<供应商账号>、银行账户编号")
@click.option("--account", help="科目代码或名称")
@click.option("--from", "first", type=Month(), help="明细账的起月；不写则只列余额")
@click.option("--to", "last", type=Month(), help="明细账的止月；不写则与起月相同")
@as_json
@frame
def show(
    house: Frame,
    party: str | None,
    account: str | None,
    first: BillingMonth | None,
    last: BillingMonth | None,
    *,
    json: bool,
) -> None:
    """列出余额；写明往来方、科目和起月时，列出明细账。"""
    named = account_named(account) if account else None
    if first is None:
        _show_balances(house, party, named, json=json)
        return
    if party is None or named is None:
        raise click.UsageError("看明细账请同时写明 --party 和 --account")
    with house.database() as db:
        shown = show_statement(db, party, named, first, last or first)
    if json:
        give_json(shown)
        return
    rows = [
        (
            f"{move.at:%Y-%m-%d %H:%M}",
            move.key,
            move.kind,
            move.currency,
            Money(move.fen, move.currency),
            Money(move.balance_fen, move.currency),
            move.memo,
        )
        for move in shown.movements
    ]
    for currency, fen in sorted(shown.opening.items()):
        say(f"期初 {Money(fen, currency)} {currency}")
    show_table(
        f"{ACCOUNT_NAMES[named]} {party}",
        ["时间（UTC）", "编号", "种类", "币种", "金额（借正贷负）", "余额", "摘要"],
        rows,
    )


def _show_balances(house: Frame, party: str | None, account: Account | None, *, json: bool) -> None:
    with house.database() as db:
        rows = show_balances(db, party=party, account=account)
    if json:
        give_json(rows)
        return
    show_table(
        "余额（借正贷负）",
        ["科目", "往来方", "币种", "余额"],
        [
            (
                ACCOUNT_NAMES[Account(row.account)],
                row.party,
                row.currency,
                Money(row.fen, row.currency),
            )
            for row in rows
        ],
    )


@ledger.command("trial")
@month_argument
@click.option("--to", "last", type=Month(), help="止月；不写则只看一个月")
@as_json
@frame
def trial(
    house: Frame, month: BillingMonth | None, last: BillingMonth | None, *, json: bool
) -> None:
    """试算平衡表：各科目期初、本期借贷、期末（默认上个月）；不平则退出码为 1。"""
    first = last_month(month, house)
    with house.database() as db:
        shown = trial_balance(db, first, last or first)
    if json:
        give_json(shown)
    else:
        rows = [
            (
                ACCOUNT_NAMES[Account(line.account)],
                line.currency,
                Money(line.opening_fen, line.currency),
                Money(line.debit_fen, line.currency),
                Money(line.credit_fen, line.currency),
                Money(line.closing_fen, line.currency),
            )
            for line in shown.lines
        ]
        columns = ["科目", "币种", "期初", "借方", "贷方", "期末"]
        show_table(f"试算平衡表 {first}–{last or first}（借正贷负）", columns, rows)
    if any(shown.differences.values()):
        raise SystemExit(1)


@ledger.command("rebuild")
@click.option("--check", is_flag=True, help="只比较，不改动")
@as_json
@frame
def rebuild(house: Frame, *, check: bool, json: bool) -> None:
    """按分录重建余额；--check 只比较，不同则退出码为 1。"""
    with house.database() as db:
        found = rebuild_balances(db, check=check)
    if json:
        give_json(found)
    else:
        say(
            f"余额 {found.same + found.different:,} 条，"
            f"相同 {found.same:,}，不同 {found.different:,}"
        )
        for each in found.examples:
            say(f"    {each.account} {each.party} {each.currency}：{each.kept} → {each.rebuilt} 分")
        if found.different and found.replaced:
            say("已按分录重建")
    if not found.whole:
        raise SystemExit(1)


@ledger.command("accrue")
@month_argument
@click.option("--commit", is_flag=True, help="真正入账；不加则只试算")
@as_json
@frame
def accrue(house: Frame, month: BillingMonth | None, *, commit: bool, json: bool) -> None:
    """暂估：把一个月已用未出账的收入记入月末，次月一日冲回（默认上个月，默认只试算）。"""
    label = last_month(month, house)
    with house.database() as db:
        moved = accrue_month(
            db,
            label,
            lambda tx: unbilled(tx, label),
            by=house.by,
            now=house.now(),
            commit=commit,
        )
    if json:
        give_json(moved)
        return
    rows = [(each.party, each.currency, Money(each.fen, each.currency)) for each in moved]
    show_table(f"暂估 {label}（不含税，与已暂估之差）", ["客户", "币种", "金额"], rows)
    say("已入账，次月一日冲回" if commit else "试算，未入账；加 --commit 入账")


@ledger.command("handover")
@month_argument
@click.option("--system", required=True, type=click.Choice([each.value for each in System]))
@click.option(
    "--codes",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="科目对照文件（TOML）",
)
@click.option("--commit", is_flag=True, help="真正移交；不加则只试算")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=".", help="目录")
@frame
def handover(
    house: Frame, month: BillingMonth | None, system: str, codes: Path, out: Path, *, commit: bool
) -> None:
    """移交：把截至月末尚未移交的分录写成 用友 或 金蝶 的凭证文件，每笔只移交一次。"""
    label = last_month(month, house)
    with house.database() as db:
        carried = carry_over(
            db,
            label,
            System(system),
            text_of(codes),
            by=house.by,
            now=house.now(),
            commit=commit,
        )
        if carried is None:
            say(f"截至 {label} 没有尚未移交的分录")
            return
        batch = carried.batch
        total = Money(batch.debit_fen, "CNY")
        say(f"{batch.entries} 笔分录，{batch.vouchers} 张凭证，借方合计 {total}")
        if not commit:
            say("试算，未移交；加 --commit 移交")
            return
        name, body = write_batch(db, batch.batch_id)
    say(f"批次 {batch.batch_id} 已写入 {put(body, name, out)}")


@ledger.command("handovers")
@as_json
@frame
def handovers(house: Frame, *, json: bool) -> None:
    """列出移交过的批次。"""
    with house.database() as db, db.read() as tx:
        found = batches(tx)
    if json:
        give_json(found)
        return
    rows = [
        (b.batch_id, b.month, b.system, b.entries, b.vouchers, Money(b.debit_fen, "CNY"), b.by)
        for b in found
    ]
    columns = ["批次", "截至", "系统", "分录", "凭证", "借方合计", "谁"]
    show_table("移交批次", columns, rows)


@ledger.command("batch")
@click.argument("batch_id")
@click.option("--layout", type=click.Choice([each.value for each in Layout]), help="文件格式")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=".", help="目录")
@frame
def batch_(house: Frame, batch_id: str, layout: str | None, out: Path) -> None:
    """重新写出一个批次的凭证文件；同一批次每次字节相同。"""
    if not out.is_dir():
        raise Invalid(f"目录 {out} 不存在，请先建立")
    with house.database() as db:
        name, body = write_batch(db, batch_id, Layout(layout) if layout else None)
    say(f"已写入 {put(body, name, out)}")
