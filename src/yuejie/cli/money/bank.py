"""`yuejie bank …`: our accounts, statements, payers."""

from datetime import date, timedelta
from pathlib import Path

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.money.words import DAY, money, today
from yuejie.payments.banks import store
from yuejie.payments.banks.keep import (
    Paper,
    file_authorisation,
    find_account,
    give_number,
    open_account,
    set_parent,
)
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receipts.match import Matched, match_open
from yuejie.payments.receivables.show import check_bank
from yuejie.payments.statements.store import files, lines


@click.group()
def bank() -> None:
    """银行：账户、专属账号、流水导入、代付协议。"""


@bank.command("accounts")
@as_json
@frame
def list_accounts(house: Frame, *, json: bool) -> None:
    """列出我方账户。"""
    with house.database() as db, db.read() as tx:
        found = store.accounts(tx)
    if json:
        give_json(found)
        return
    rows = [(a.number, a.holder, a.bank, a.currency, a.account_id) for a in found]
    show_table("我方账户", ["账号", "户名", "开户行", "币种", "编号"], rows)


@bank.command("open")
@click.argument("number")
@click.option("--holder", required=True, help="户名")
@click.option("--bank", "bank_name", required=True, help="开户行")
@click.option("--currency", default="CNY", show_default=True, help="币种")
@frame
def open_ours(house: Frame, number: str, holder: str, bank_name: str, currency: str) -> None:
    """登记一个我方账户，或更改其户名、开户行。"""
    with house.database() as db:
        account = open_account(
            db,
            holder=holder,
            bank=bank_name,
            number=number,
            currency=currency,
            by=house.by,
            now=house.now(),
        )
    say(f"已登记账户 {account.number}（{account.bank}，{account.currency}）")


@bank.command("give")
@click.argument("customer")
@click.argument("number")
@click.option("--account", required=True, help="我方账号")
@frame
def give(house: Frame, customer: str, number: str, account: str) -> None:
    """把一个专属账号（虚拟子账户、记账子单元）分配给客户。"""
    with house.database() as db:
        given = give_number(
            db, customer, account=account, number=number, by=house.by, now=house.now()
        )
    say(f"客户 {customer} 的专属账号是 {given.number}")


@bank.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", required=True, help="我方账号")
@click.option("--match/--no-match", "judge", default=True, help="导入后是否自动匹配（默认匹配）")
@as_json
@frame
def take_in(house: Frame, path: Path, account: str, *, judge: bool, json: bool) -> None:
    """导入银行流水：xlsx、xls、csv、网页表格、camt.053、MT940；重复的流水自动跳过。"""
    with house.database() as db:
        done = import_statement(
            db, account, path.read_bytes(), path.name, by=house.by, now=house.now()
        )
        matched = match_open(db, now=house.now()) if judge else None
    if json:
        give_json({"import": done, "matched": matched})
        return
    if done.again:
        say(f"{path.name} 已导入过，未重复入账")
    else:
        say(f"{path.name}（{done.format}）：新流水 {done.lines} 笔，重复跳过 {done.repeated} 笔")
        moved = f"收入 {money(done.in_fen, '')}，支出 {money(done.out_fen, '')}"
        say(f"到账 {done.receipts} 笔，{moved}")
    if done.gap:
        say(f"注意：{done.gap}")
    if matched:
        tell_matched(matched)


def tell_matched(matched: Matched) -> None:
    """Say what a round of judging came to."""
    said = (
        f"自动认款 {matched.apportioned} 笔，待确认 {matched.proposed} 笔，"
        f"代付待核 {matched.held} 笔，待认领 {matched.suspended} 笔"
    )
    say(said + (f"，失败 {matched.failed} 笔（见日志）" if matched.failed else ""))


@bank.command("files")
@click.option("--account", required=True, help="我方账号")
@as_json
@frame
def list_files(house: Frame, account: str, *, json: bool) -> None:
    """列出导入过的流水文件，新的在前。"""
    with house.database() as db, db.read() as tx:
        ours = find_account(tx, account)
        found = files(tx, ours.account_id)
    if json:
        give_json(found)
        return
    rows = [
        (
            f.imported_at.isoformat(timespec="minutes"),
            f.name,
            f.format,
            f.lines,
            f.repeated,
            money(f.opening_fen, ours.currency),
            money(f.closing_fen, ours.currency),
            f.imported_by,
        )
        for f in found
    ]
    heads = ["导入时间", "文件", "格式", "新流水", "重复", "期初", "期末", "谁"]
    show_table(f"账户 {ours.number} 的流水文件", heads, rows)


@bank.command("lines")
@click.option("--account", required=True, help="我方账号")
@click.option("--since", type=DAY, help="从哪天起（默认 31 天前）")
@click.option("--until", type=DAY, help="到哪天为止，不含（默认明天）")
@as_json
@frame
def list_lines(
    house: Frame, account: str, since: date | None, until: date | None, *, json: bool
) -> None:
    """列出银行流水。"""
    day = today(house.now())
    with house.database() as db, db.read() as tx:
        ours = find_account(tx, account)
        found = lines(
            tx,
            ours.account_id,
            since or day - timedelta(days=31),
            until or day + timedelta(days=1),
        )
    if json:
        give_json(found)
        return
    rows = [
        (
            str(row.booked_on),
            "收" if row.direction == "in" else "付",
            money(row.amount_fen, ours.currency),
            money(row.balance_fen, ours.currency),
            row.payer_name,
            row.memo,
            row.serial,
            row.line_id,
        )
        for row in found
    ]
    heads = ["日期", "收付", "金额", "余额", "对方", "附言", "流水号", "编号"]
    show_table(f"账户 {ours.number} 的流水", heads, rows)


@bank.command("check")
@click.option("--account", required=True, help="我方账号")
@click.option("--on", type=DAY, help="截至哪天（默认今天）")
@as_json
@frame
def check(house: Frame, account: str, on: date | None, *, json: bool) -> None:
    """余额调节：银行余额与账面余额比对。"""
    with house.database() as db:
        found = check_bank(db, account, on=on or today(house.now()))
    if json:
        give_json(found)
        return
    currency = found.account.currency
    rows = [
        ("银行流水余额", money(found.bank_fen, currency)),
        ("流水收支净额", money(found.moved_fen, currency)),
        ("账面银行存款", money(found.booked_fen, currency)),
        ("流水有而账上没有（多为支出）", money(found.unbooked_fen, currency)),
        ("其中待认领款", money(found.suspense_fen, currency)),
    ]
    show_table(f"余额调节 {found.account.number} 截至 {found.on}", ["项目", "金额"], rows)


@bank.command("authorise")
@click.argument("customer")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--payer", required=True, help="付款人户名")
@click.option("--number", default="", help="付款账号；不写为该户名的任何账号")
@click.option("--from", "starts_on", type=DAY, required=True, help="从哪天起有效")
@click.option("--until", type=DAY, help="到哪天失效（不含）；不写为长期")
@frame
def authorise(
    house: Frame,
    customer: str,
    document: Path,
    payer: str,
    number: str,
    starts_on: date,
    until: date | None,
) -> None:
    """登记代付协议：谁可以替客户付款；登记后重新匹配代付待核的到账。"""
    paper = Paper(
        payer_name=payer,
        payer_number=number,
        document_name=document.name,
        document=document.read_bytes(),
        starts_on=starts_on,
        ends_on=until,
    )
    with house.database() as db:
        file_authorisation(db, customer, paper, by=house.by, now=house.now())
        matched = match_open(db, now=house.now())
    say(f"已登记：{payer} 可替 {customer} 付款")
    tell_matched(matched)


@bank.command("parent")
@click.argument("customer")
@click.argument("parent", required=False)
@frame
def parent_of(house: Frame, customer: str, parent: str | None) -> None:
    """设定由哪个上级客户付款；不写上级为取消。"""
    with house.database() as db:
        set_parent(db, customer, parent, by=house.by, now=house.now())
    say(f"{customer} 由 {parent} 付款" if parent else f"{customer} 自行付款")
