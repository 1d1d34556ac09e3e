"""`yuejie bills …` in review, and `yuejie disputes …`."""

import click

from yuejie.bills.bill import Bill
from yuejie.bills.closing.units.assign import assign_unit
from yuejie.bills.documents.store import names_of_bills
from yuejie.bills.find import find_bill
from yuejie.bills.review import store as review_store
from yuejie.bills.review.ask import confirm_bill, deem_confirmed, propose_bill, reopen_bill
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
)
from yuejie.cli.billing.bills import bills
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import Month
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.web.pages.frame.words import ZH, line_said
from yuejie.web.record.who import who


@bills.command("propose")
@click.argument("names", nargs=-1, required=True)
@frame
def propose(house: Frame, names: tuple[str, ...]) -> None:
    """提交客户确认：冻结草稿内容，开始对账期。"""
    with house.database() as db:
        for name in names:
            _tell("已提交确认", propose_bill(db, name, by=house.by, now=house.now()))


@bills.command("confirm")
@click.argument("name")
@click.option("--why", required=True, help="代客户确认的依据，例如客户邮件")
@frame
def confirm(house: Frame, name: str, why: str) -> None:
    """代客户确认账单，并写明依据（客户自己用 API 确认）。"""
    with house.database() as db:
        done = confirm_bill(db, name, by=house.by, now=house.now(), why=why)
    _tell("已确认", done)


@bills.command("dispute")
@click.argument("name")
@click.option("--line", required=True, type=click.IntRange(min=1), help="第几行")
@click.option("--why", required=True, help="客户的原话与出处，例如邮件")
@click.option("--claimed", help="客户认为应为多少")
@frame
def dispute(house: Frame, name: str, line: int, why: str, claimed: str | None) -> None:
    """代客户对账单一行提出异议（客户自己用页面或 API 提出）；账单暂停，直到答复。"""
    with house.database() as db:
        with db.read() as tx:
            currency = find_bill(tx, name).currency
        fen = Money.parse(claimed, currency).fen if claimed else None
        objection = Objection(line, why, fen)
        done = raise_dispute(db, name, objection, by=house.by, now=house.now())
    say(f"已提出异议 {done.dispute_id}：{line_said(done.line_text)}")


@bills.command("reopen")
@click.argument("name")
@click.option("--why", required=True, help="为何撤回")
@frame
def reopen(house: Frame, name: str, why: str) -> None:
    """撤回尚未出账的账单并重算，带上已批准的调整；原确认作废。"""
    with house.database() as db:
        done = reopen_bill(db, name, by=house.by, now=house.now(), why=why)
    _tell("已撤回重算", done)


@bills.command("deem")
@frame
def deem(house: Frame) -> None:
    """把对账期满未提异议、且合同约定视同确认的账单确认。"""
    with house.database() as db:
        done = deem_confirmed(db, now=house.now())
    for bill in done:
        _tell("视同确认", bill)
    if not done:
        say("没有可视同确认的账单")


@bills.command("unit")
@click.argument("customer")
@click.option("--project", required=True, help="项目名，含其下级")
@click.option("--unit", required=True, help="出账单元名，例如子公司")
@click.option("--since", required=True, type=Month(), help="从哪个账期起")
@frame
def unit_of(house: Frame, customer: str, project: str, unit: str, since: BillingMonth) -> None:
    """把一个项目从某月起单独出账（合同须约定按单元拆分）。"""
    with house.database() as db:
        assign_unit(
            db,
            customer,
            project=project,
            unit=unit,
            since=since,
            by=house.by,
            now=house.now(),
        )
    say(f"{customer} 的 {project} 从 {since} 起在“{unit}”出账")


def _tell(done: str, bill: Bill) -> None:
    say(f"{done} {bill.name}  {bill.month}  {bill.gross} {bill.currency}")


@click.group()
def disputes() -> None:
    """异议：客户对账单某一行的意见。"""


@disputes.command("list")
@as_json
@frame
def list_disputes(house: Frame, *, json: bool) -> None:
    """列出待处理的异议。"""
    with house.database() as db, db.read() as tx:
        found = review_store.open_disputes(tx)
        bills = names_of_bills(tx, (each.bill_id for each in found))
    if json:
        give_json(found)
        return
    rows = [
        (d.dispute_id, bills[d.bill_id], line_said(d.line_text), d.why, who(d.raised_by, ZH))
        for d in found
    ]
    show_table("待处理的异议", ["编号", "账单", "哪一行", "原因", "谁"], rows)


@disputes.command("accept")
@click.argument("dispute")
@click.option("--amount", required=True, help="调整金额，负数为减免，例如 -12.50")
@click.option("--answer", default="", help="答复")
@frame
def accept(house: Frame, dispute: str, amount: str, answer: str) -> None:
    """接受异议并提出调整，等另一人审批。"""
    fen = Money.parse(amount, "CNY").fen
    with house.database() as db:
        done = accept_dispute(
            db, dispute, amount_fen=fen, answer=answer, by=house.by, now=house.now()
        )
    say(f"已接受，调整 {done.adjustment_id} 待另一人审批")


@disputes.command("reject")
@click.argument("dispute")
@click.option("--answer", required=True, help="答复，写明依据")
@frame
def reject(house: Frame, dispute: str, answer: str) -> None:
    """驳回异议。"""
    with house.database() as db:
        reject_dispute(db, dispute, answer=answer, by=house.by, now=house.now())
    say("已驳回")
