"""`yuejie disputes|adjustments|credits|grants|members …`, and `yuejie bills` in review."""

from datetime import datetime
from typing import Final

import click

from yuejie.bills.bill import Bill, LineKind
from yuejie.bills.closing.units import assign_unit
from yuejie.bills.correct import store as correct_store
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review import store as review_store
from yuejie.bills.review.ask import confirm_bill, deem_confirmed, propose_bill, reopen_bill
from yuejie.bills.review.disputes import accept_dispute, reject_dispute
from yuejie.cli.bills import Month, bills
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.contracts.grants import store as grants_store
from yuejie.contracts.grants.give import approve_grant, ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.customers.enrol import find_customer
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.store import members as all_members
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

_DAY = click.DateTime(["%Y-%m-%d"])


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
    if json:
        give_json(found)
        return
    rows = [(d.dispute_id, d.bill_id, d.line_text, d.why, d.raised_by) for d in found]
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


@click.group()
def adjustments() -> None:
    """调整：由一人提出、另一人审批，出现在客户的下一张账单上。"""


@adjustments.command("propose")
@click.argument("customer")
@click.argument("month", type=Month())
@click.argument("amount")
@click.option("--item", required=True, help="账单上印的名目")
@click.option("--why", required=True, help="原因")
@click.option("--currency", default="CNY", type=click.Choice(["CNY", "USD"]))
@click.option(
    "--kind", default="adjustment", type=click.Choice(["adjustment", "sla_credit", "break_fee"])
)
@frame
def propose_one(
    house: Frame,
    customer: str,
    month: BillingMonth,
    amount: str,
    item: str,
    why: str,
    currency: str,
    kind: str,
) -> None:
    """提出一笔调整（负数为减免）。"""
    with house.database() as db:
        with db.read() as tx:
            customer_id = find_customer(tx, customer).customer_id
        wanted = Wanted(
            customer_id=customer_id,
            service_month=month,
            amount_fen=Money.parse(amount, currency).fen,
            currency=currency,
            item=item,
            why=why,
            kind=LineKind(kind),
        )
        done = propose_adjustment(db, wanted, by=house.by, now=house.now())
    say(f"已提出 {done.adjustment_id}，待另一人审批")


@adjustments.command("decide")
@click.argument("adjustment")
@click.argument("decision", type=click.Choice([each.value for each in Decision]))
@frame
def decide(house: Frame, adjustment: str, decision: str) -> None:
    """批准、驳回他人的调整，或撤回自己的。"""
    with house.database() as db:
        done = decide_adjustment(db, adjustment, Decision(decision), by=house.by, now=house.now())
    say(f"{done.adjustment_id} 现为 {done.state}")


@adjustments.command("list")
@as_json
@frame
def list_adjustments(house: Frame, *, json: bool) -> None:
    """列出待审批的调整。"""
    with house.database() as db, db.read() as tx:
        found = correct_store.open_adjustments(tx)
    if json:
        give_json(found)
        return
    rows = [
        (a.adjustment_id, str(a.service_month), Money(a.amount_fen, a.currency), a.item, a.why)
        for a in found
    ]
    show_table("待审批的调整", ["编号", "账期", "金额", "名目", "原因"], rows)


@click.group()
def credits_() -> None:
    """冲减单：冲减已出账的账单，账单本身不变。"""


@credits_.command("request")
@click.argument("bill")
@click.option("--line", "lines", multiple=True, help="行号=冲减金额（含税），例如 3=12.50；可多次")
@click.option("--whole", is_flag=True, help="整张作废")
@click.option("--why", required=True, help="原因")
@frame
def request(house: Frame, bill: str, lines: tuple[str, ...], why: str, *, whole: bool) -> None:
    """请求冲减若干行，或整张作废；等另一人审批。"""
    if whole == bool(lines):
        raise Invalid("请写 --whole 整张作废，或用 --line 3=12.50 写明冲减哪一行、多少金额")
    amounts = None if whole else dict(_amount_of(text) for text in lines)
    with house.database() as db:
        note = request_credit(db, bill, amounts=amounts, why=why, by=house.by, now=house.now())
    say(f"已请求 {note.credit_note_id}，冲减 {note.gross} {note.gross.currency}，待另一人审批")


def _amount_of(text: str) -> tuple[int, int]:
    position, _, amount = text.partition("=")
    if not position.strip().isdecimal() or not amount:
        raise Invalid(f"“{text}”应写作 行号=金额，例如 3=12.50")
    return int(position), Money.parse(amount, "CNY").fen


@credits_.command("approve")
@click.argument("note")
@frame
def approve(house: Frame, note: str) -> None:
    """批准他人提出的冲减单：编号、封印、入账。"""
    with house.database() as db:
        done = decide_credit(db, note, approve=True, by=house.by, now=house.now())
    say(f"已批准 {done.number}，冲减 {done.gross} {done.gross.currency}")


@credits_.command("reject")
@click.argument("note")
@frame
def reject_credit(house: Frame, note: str) -> None:
    """驳回他人提出的冲减单。"""
    with house.database() as db:
        decide_credit(db, note, approve=False, by=house.by, now=house.now())
    say("已驳回")


@credits_.command("list")
@as_json
@frame
def list_credits(house: Frame, *, json: bool) -> None:
    """列出待审批的冲减单。"""
    with house.database() as db, db.read() as tx:
        found = correct_store.open_credits(tx)
    if json:
        give_json(found)
        return
    rows = [(n.credit_note_id, n.bill_id, n.gross, n.why, n.requested_by) for n in found]
    show_table("待审批的冲减单", ["编号", "账单", "价税合计", "原因", "谁"], rows)


@click.group()
def grants() -> None:
    """套餐与代金券：由一人提出、另一人审批，用量先从中抵扣。"""


@grants.command("ask")
@click.argument("customer")
@click.argument("kind", type=click.Choice([each.value for each in GrantKind]))
@click.argument("name")
@click.argument("amount")
@click.option("--paid", default="0.00", help="套餐售价；代金券没有")
@click.option("--currency", default="CNY", type=click.Choice(["CNY", "USD"]))
@click.option("--model", "models", multiple=True, help="只抵扣这些模型；可多次")
@click.option("--from", "starts", required=True, type=_DAY, help="起日")
@click.option("--until", "ends", required=True, type=_DAY, help="止日（不含）")
@frame
def ask(  # noqa: PLR0913, PLR0917 - each is an argument of the command
    house: Frame,
    customer: str,
    kind: str,
    name: str,
    amount: str,
    paid: str,
    currency: str,
    models: tuple[str, ...],
    starts: datetime,
    ends: datetime,
) -> None:
    """提出一个套餐或代金券。"""
    with house.database() as db:
        with db.read() as tx:
            customer_id = find_customer(tx, customer).customer_id
        draft = GrantDraft(
            customer_id=customer_id,
            kind=GrantKind(kind),
            name=name,
            amount_fen=Money.parse(amount, currency).fen,
            paid_fen=Money.parse(paid, currency).fen,
            currency=currency,
            models=models,
            starts_on=starts.date(),
            ends_on=ends.date(),
        )
        done = ask_grant(db, draft, by=house.by, now=house.now())
    say(f"已提出 {done.grant_id}，待另一人审批")


@grants.command("approve")
@click.argument("grant")
@frame
def approve_one(house: Frame, grant: str) -> None:
    """批准他人提出的套餐或代金券。"""
    with house.database() as db:
        done = approve_grant(db, grant, by=house.by, now=house.now())
    say(f"已批准 {done.grant_id}")


@grants.command("list")
@click.option("--customer", required=True, help="客户简称或编号")
@as_json
@frame
def list_grants(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的套餐与代金券。"""
    with house.database() as db, db.read() as tx:
        found = grants_store.grants_of(tx, find_customer(tx, customer).customer_id)
    if json:
        give_json(found)
        return
    rows = [
        (g.grant_id, g.kind, g.name, Money(g.amount_fen, g.currency), g.starts_on, g.ends_on)
        for g in found
    ]
    show_table("套餐与代金券", ["编号", "类型", "名称", "金额", "起", "止"], rows)


_TOLD: Final = ("member_id", "name", "role", "customer_id", "created_at", "revoked_at")


@click.group()
def members() -> None:
    """成员：以自己的名义行事的人；须两人经手的事要两个成员。"""


@members.command("list")
@as_json
@frame
def list_members(house: Frame, *, json: bool) -> None:
    """列出成员，不含令牌。"""
    with house.database() as db, db.read() as tx:
        found = all_members(tx)
    if json:
        give_json([{name: getattr(m, name) for name in _TOLD} for m in found])
        return
    rows = [(m.name, m.role, m.customer_id or "运营方", m.created_at, m.revoked_at) for m in found]
    show_table("成员", ["成员", "角色", "所属", "登记", "停用"], rows)


@members.command("enrol")
@click.argument("name")
@click.argument("role")
@click.option("--customer", help="客户简称；不写为运营方")
@frame
def enrol(house: Frame, name: str, role: str, customer: str | None) -> None:
    """登记成员；令牌只显示这一次，放进环境变量 YUEJIE_MEMBER_TOKEN 即以其名义行事。"""
    with house.database() as db:
        enrolled = enrol_member(
            db,
            name,
            role,
            customer=customer,
            pepper=house.settings.pepper,
            by=house.by,
            now=house.now(),
        )
    say(enrolled.token)


@members.command("revoke")
@click.argument("name")
@frame
def revoke(house: Frame, name: str) -> None:
    """停用成员的令牌，立即生效。"""
    with house.database() as db:
        revoke_member(db, name, by=house.by, now=house.now())
    say(f"已停用 {name}")
