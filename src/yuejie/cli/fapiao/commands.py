"""`yuejie fapiao`: what may be requested, requests, approval, what was issued, files by hand."""

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from yuejie.app import selling
from yuejie.bills.documents.store import names_of_bills
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.contracts.terms import FapiaoKind
from yuejie.customers.enrol import find_customer
from yuejie.fapiao.amounts import read_fen
from yuejie.fapiao.fapiao import Fapiao, RedFapiao, find_fapiao
from yuejie.fapiao.issuing.chain import check_chain
from yuejie.fapiao.issuing.store import files_of
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.life import RED_SAID, SAID, FapiaoState, RedState
from yuejie.fapiao.request import (
    MANUAL,
    Pick,
    Wish,
    approve_fapiao,
    decline_fapiao,
    request_fapiao,
    what_is_available,
)
from yuejie.fapiao.reversing.form import FORM_STATES
from yuejie.fapiao.reversing.store import pending_reds, red_by_name, reds_of_fapiao
from yuejie.fapiao.store import all_fapiao, fapiao_by_name, fapiao_of_customer
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of

_KIND: Final = {FapiaoKind.SPECIAL: "专用发票", FapiaoKind.ORDINARY: "普通发票"}
_CHINA: Final = zone_of("Asia/Shanghai")


@click.group()
def fapiao() -> None:
    """发票：抬头、可开票金额、申请、批准、红冲、归档。"""


@fapiao.command("available")
@click.argument("customer")
@as_json
@frame
def show_available(house: Frame, customer: str, *, json: bool) -> None:
    """可开票金额，逐张账单说明。"""
    with house.database() as db, db.read() as tx:
        found = what_is_available(tx, find_customer(tx, customer).customer_id)
    if json:
        give_json(found)
        return
    rows = [
        (each.bill.number, each.bill.month, Money(each.left_fen, "CNY"), each.explained)
        for each in found.bills
    ]
    show_table(f"{customer} 可开票金额", ["账单号", "账期", "可开", "说明"], rows)
    say(f"可开票金额 {Money(found.available_fen, 'CNY')} 元")
    if found.owed_back_fen:
        say(f"欠票 {Money(found.owed_back_fen, 'CNY')} 元，须先红冲")


@fapiao.command("request")
@click.argument("customer")
@click.argument("bills", nargs=-1, required=True)
@click.option("--title", "title_id", help="抬头编号；不写用默认抬头")
@click.option("--kind", type=click.Choice([k.value for k in FapiaoKind]), help="不写按合同")
@click.option("--line", type=int, help="只开这一计税行（仅一张账单时）")
@click.option("--amount", help="只开这一金额，含税（仅一张账单时）")
@click.option("--remark", default="", help="附加备注；采购订单号和账单号会自动写上")
@as_json
@frame
def request(  # noqa: PLR0913 - each option is one thing a person may say
    house: Frame,
    customer: str,
    bills: tuple[str, ...],
    title_id: str | None,
    kind: str | None,
    line: int | None,
    amount: str | None,
    remark: str,
    *,
    json: bool,
) -> None:
    """申请发票：一张或多张账单合并，或一张账单的一部分；须另一人批准。"""
    if (line is not None or amount is not None) and len(bills) > 1:
        raise Invalid("--line 和 --amount 只能用于一张账单，请分开申请")
    gross = read_fen(amount, "金额") if amount else None
    wish = Wish(
        picks=tuple(Pick(bill, line, gross) for bill in bills),
        title_id=title_id,
        kind=FapiaoKind(kind) if kind else None,
        remark=remark,
    )
    with house.database() as db:
        with db.read() as tx:
            customer_id = find_customer(tx, customer).customer_id
        drawn = request_fapiao(
            db, customer_id, wish, selling(house.settings), by=house.by, now=house.now()
        )
    if json:
        give_json(drawn)
        return
    for each in drawn:
        say(f"已申请 {each.key}  {_heading(each)}")


@fapiao.command("approve")
@click.argument("names", nargs=-1, required=True)
@frame
def approve(house: Frame, names: tuple[str, ...]) -> None:
    """批准发票申请，交给服务商开具（不能批准自己的申请）。"""
    provider = house.settings.fapiao.fapiao_provider
    drawn = "请手工开具后上传" if provider == MANUAL else f"由 {provider} 开具"
    with house.database() as db:
        for name in names:
            done = approve_fapiao(db, name, provider=provider, by=house.by, now=house.now())
            say(f"已批准 {done.key}  {_heading(done)}  {drawn}")


@fapiao.command("decline")
@click.argument("name")
@click.option("--why", required=True, help="退回的原因")
@frame
def decline(house: Frame, name: str, why: str) -> None:
    """退回或撤回申请；已批准的，尚未开出也未发给服务商时也可退回。"""
    with house.database() as db:
        done = decline_fapiao(db, name, why=why, by=house.by, now=house.now())
    say(f"已退回 {done.key}：{why}")


@fapiao.command("list")
@click.option("--customer", help="只列这个客户（简称或编号）")
@click.option("--state", type=click.Choice([s.value for s in FapiaoState]))
@as_json
@frame
def list_fapiao(house: Frame, customer: str | None, state: str | None, *, json: bool) -> None:
    """列出发票。"""
    with house.database() as db, db.read() as tx:
        if customer is None:
            found = all_fapiao(tx, state=state)
        else:
            rows = fapiao_of_customer(tx, find_customer(tx, customer).customer_id)
            found = [each for each in rows if state in {None, each.state}]
        pending = pending_reds(tx)
    if json:
        give_json(found)
        return
    table = [
        (
            each.key,
            each.number or "",
            SAID[each.state],
            _KIND[each.kind],
            each.buyer.name,
            Money(each.amounts.gross_fen, "CNY"),
            each.why,
        )
        for each in found
    ]
    columns = ["申请号", "发票号码", "状态", "种类", "购买方", "价税合计", "说明"]
    show_table("发票", columns, table)
    for red in pending:
        words = _form(red) if red.form_code else "尚未提交税局"
        say(f"红冲处理中 {red.key}  蓝票 {red.blue_number}  {words}")


@fapiao.command("show")
@click.argument("name")
@as_json
@frame
def show(house: Frame, name: str, *, json: bool) -> None:
    """查看一张发票的每一行、红冲和归档文件。"""
    with house.database() as db, db.read() as tx:
        found = find_fapiao(fapiao_by_name(tx, name), name)
        reds = reds_of_fapiao(tx, found.fapiao_id)
        names = names_of_bills(tx, found.bills)
        files = [
            *files_of(tx, found.fapiao_id),
            *(file for red in reds for file in files_of(tx, red.red_id)),
        ]
    if json:
        give_json({"fapiao": found, "reds": reds, "files": files})
        return
    rows = [
        (
            line.position,
            line.printed,
            line.spec,
            names[line.bill_id],
            Money(line.net_fen, "CNY"),
            Money(line.tax_fen, "CNY"),
            Money(line.gross_fen, "CNY"),
        )
        for line in found.lines
    ]
    columns = ["行", "项目名称", "规格型号", "账单", "金额", "税额", "价税合计"]
    show_table(f"{found.number or found.key}  {_heading(found)}", columns, rows)
    say(f"备注 {found.remark}")
    for red in reds:
        form = f"  确认单 {red.form_number}，{_form(red)}" if red.form_number else ""
        amount = Money(red.amounts.gross_fen, "CNY")
        say(f"红字 {red.number or red.key}  {RED_SAID[red.state]}  {amount}{form}")
    for file in files:
        colour = "" if file.subject_id == found.fapiao_id else "红字 "
        say(f"归档 {colour}{file.format.upper()}  SHA-256 {file.sha256.hex()}")


@fapiao.command("upload")
@click.argument("name")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--number", default="", help="发票号码（没有 XML 时必填）")
@click.option("--issued-at", type=click.DateTime(), help="开票时间，北京时间（没有 XML 时必填）")
@frame
def upload(
    house: Frame, name: str, files: tuple[Path, ...], number: str, issued_at: datetime | None
) -> None:
    """登记手工开具的发票或红字发票并归档：XML 自动核对，PDF、OFD 存档。"""
    if len({file.suffix.lower() for file in files}) < len(files):
        raise Invalid("同一格式只能有一个文件，请去掉多余的")
    given = Upload(
        {file.suffix.lower().removeprefix("."): file.read_bytes() for file in files},
        number,
        issued_at.replace(tzinfo=_CHINA) if issued_at else None,
    )
    with house.database() as db:
        with db.read() as tx:
            is_red = red_by_name(tx, name) is not None
        by, now = house.by, house.now()
        done = (upload_red if is_red else upload_fapiao)(db, name, given, by=by, now=now)
    say(f"已登记 {done.number}，归档 {len(given.files)} 个文件")


@fapiao.command("check")
@click.argument("customer")
@frame
def check(house: Frame, customer: str) -> None:
    """核对客户的发票封印链：任何改动、缺失都会指出。"""
    with house.database() as db:
        with db.read() as tx:
            customer_id = find_customer(tx, customer).customer_id
        wrong = check_chain(db, customer_id)
    for sentence in wrong:
        say(sentence)
    say("封印链完整" if not wrong else f"{len(wrong)} 处不符")
    if wrong:
        raise SystemExit(1)


def _heading(each: Fapiao) -> str:
    return f"{_KIND[each.kind]}  {each.buyer.name}  {Money(each.amounts.gross_fen, 'CNY')} 元"


def _form(red: RedFapiao) -> str:
    """Say where a form is at the tax office, and until when it waits."""
    until = (
        f"，{_local(red.expires_at)} 到期"
        if red.expires_at and red.state is RedState.WAITING
        else ""
    )
    return f"{FORM_STATES[red.form_code][0]}{until}"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(_CHINA):%Y-%m-%d %H:%M}"
