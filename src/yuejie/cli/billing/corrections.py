"""`yuejie adjustments|credits …`: what is corrected of a bill that was issued."""

from typing import Final

import click

from yuejie.bills.bill import LineKind
from yuejie.bills.correct import store as correct_store
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import SAID, Adjustment, Decision, Wanted
from yuejie.bills.correct.credit import CreditNote
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.documents.store import names_of_bills
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.months import Month
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money, whole
from yuejie.kernel.period import BillingMonth

REJECTED: Final = 100
"""How many corrections that were rejected are listed, the newest first."""
_DECIDED: Final = ["谁驳回", "驳回原因"]
_rejected = click.option("--rejected", is_flag=True, help="改列被驳回的，新的在前")


def _decided(one: Adjustment | CreditNote, *, rejected: bool) -> tuple[str, ...]:
    return (str(one.decided_by), one.decided_why) if rejected else ()


@click.group()
def adjustments() -> None:
    """调整：由一人提出、另一人审批，出现在客户的下一张账单上。"""


class _Signed(click.Command):
    """A command whose last argument may be a number below zero, which looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say of such numbers that they are no options, unless somebody has said so."""
        below = [each for each in args if each[:1] == "-" and each[1:2].isdigit()]
        if below and "--" not in args:
            args = [*(each for each in args if each not in below), "--", *below]
        return super().parse_args(ctx, args)


@adjustments.command("propose", cls=_Signed)
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
@click.option("--why", default="", help="原因；驳回必写")
@frame
def decide(house: Frame, adjustment: str, decision: str, why: str) -> None:
    """批准、驳回他人的调整，或撤回自己的；驳回时所答复的异议重新待处理。"""
    chosen = Decision(decision)
    with house.database() as db:
        done = decide_adjustment(db, adjustment, chosen, by=house.by, now=house.now(), why=why)
    say(f"{done.adjustment_id} {SAID[done.state]}")


@adjustments.command("list")
@_rejected
@as_json
@frame
def list_adjustments(house: Frame, *, rejected: bool, json: bool) -> None:
    """列出待审批的调整，或最近被驳回的。"""
    with house.database() as db, db.read() as tx:
        found = (
            correct_store.rejected_adjustments(tx, limit=REJECTED)
            if rejected
            else correct_store.open_adjustments(tx)
        )
    if json:
        give_json(found)
        return
    rows = [
        (
            *(a.adjustment_id, str(a.service_month), Money(a.amount_fen, a.currency)),
            *(a.item, a.why, *_decided(a, rejected=rejected)),
        )
        for a in found
    ]
    heads = ["编号", "账期", "金额", "名目", "原因", *(_DECIDED if rejected else [])]
    show_table("被驳回的调整" if rejected else "待审批的调整", heads, rows)


@click.group("credits")
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
    line, _, amount = text.partition("=")
    position = whole(line)
    if position is None or not amount:
        raise Invalid(f"“{text}”应写作 行号=金额，例如 3=12.50")
    return position, Money.parse(amount, "CNY").fen


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
@click.option("--why", required=True, help="原因")
@frame
def reject_credit(house: Frame, note: str, why: str) -> None:
    """驳回他人提出的冲减单，写明原因。"""
    with house.database() as db:
        decide_credit(db, note, approve=False, by=house.by, now=house.now(), why=why)
    say("已驳回")


@credits_.command("list")
@_rejected
@as_json
@frame
def list_credits(house: Frame, *, rejected: bool, json: bool) -> None:
    """列出待审批的冲减单，或最近被驳回的。"""
    with house.database() as db, db.read() as tx:
        found = (
            correct_store.rejected_credits(tx, limit=REJECTED)
            if rejected
            else correct_store.open_credits(tx)
        )
        names = names_of_bills(tx, (each.bill_id for each in found))
    if json:
        give_json(found)
        return
    rows = [
        (
            *(n.credit_note_id, names[n.bill_id], n.gross, n.why, n.requested_by),
            *_decided(n, rejected=rejected),
        )
        for n in found
    ]
    heads = ["编号", "账单", "价税合计", "原因", "谁", *(_DECIDED if rejected else [])]
    show_table("被驳回的冲减单" if rejected else "待审批的冲减单", heads, rows)
