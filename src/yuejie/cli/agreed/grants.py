"""`yuejie grants …`: packages and vouchers."""

from datetime import datetime

import click

from yuejie.bills.correct.granted import approve_grant
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.contracts.grants import store as grants_store
from yuejie.contracts.grants.give import ask_grant, reject_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.customers.enrol import find_customer
from yuejie.kernel.money import Money

_DAY = click.DateTime(["%Y-%m-%d"])


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
@click.option("--why", required=True, help="原因，供审批的人判断")
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
    why: str,
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
        done = ask_grant(db, draft, why=why, by=house.by, now=house.now())
    say(f"已提出 {done.grant_id}，待另一人审批")


@grants.command("approve")
@click.argument("grant")
@frame
def approve_one(house: Frame, grant: str) -> None:
    """批准他人提出的套餐或代金券。"""
    with house.database() as db:
        done = approve_grant(db, grant, by=house.by, now=house.now())
    say(f"已批准 {done.grant_id}")


@grants.command("reject")
@click.argument("grant")
@click.option("--why", required=True, help="原因")
@frame
def reject_one(house: Frame, grant: str, why: str) -> None:
    """驳回或撤回待批的套餐或代金券。"""
    with house.database() as db:
        done = reject_grant(db, grant, why=why, by=house.by, now=house.now())
    say(f"已驳回 {done.grant_id}")


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
