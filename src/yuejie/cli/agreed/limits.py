"""`yuejie limits …`: credit that holds for a while."""

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.contracts.life.limits import LimitWish, ask_limit, reject_limit
from yuejie.contracts.life.store import temporary_limits as limits_of
from yuejie.customers.enrol import find_customer
from yuejie.kernel.money import Money
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.payments.dunning.lifted import approve_limit, end_limit


@click.group()
def limits() -> None:
    """临时授信额度：由一人提出、另一人审批，到期自动失效。"""


@limits.command("ask")
@click.argument("customer")
@click.argument("amount")
@click.option("--currency", default="CNY", type=click.Choice(["CNY", "USD"]))
@click.option("--from", "starts", required=True, help="起时，按客户时区")
@click.option("--until", "until", required=True, help="止时（不含）")
@click.option("--why", required=True, help="原因")
@frame
def ask_one(
    house: Frame, customer: str, amount: str, currency: str, starts: str, until: str, why: str
) -> None:
    """提出一个临时额度。"""
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        zone = zone_of(who.zone)
        wish = LimitWish(
            limit_fen=Money.parse(amount, currency).fen,
            currency=currency,
            starts_at=parse_instant(starts, zone),
            ends_at=parse_instant(until, zone),
            why=why,
        )
        made = ask_limit(db, who.customer_id, wish, by=house.by, now=house.now())
    say(f"已提出 {made.limit_id}，待另一人审批")


@limits.command("approve")
@click.argument("limit")
@frame
def approve_one(house: Frame, limit: str) -> None:
    """批准他人提出的临时额度。"""
    with house.database() as db:
        done = approve_limit(db, limit, by=house.by, now=house.now())
    until = done.ends_at.astimezone(zone_of("Asia/Shanghai"))
    say(f"已批准 {done.limit_id}，至 {until:%Y-%m-%d %H:%M}（北京时间）")


@limits.command("reject")
@click.argument("limit")
@click.option("--why", required=True, help="原因")
@frame
def reject_one(house: Frame, limit: str, why: str) -> None:
    """驳回或撤回待批的临时额度。"""
    with house.database() as db:
        done = reject_limit(db, limit, why=why, by=house.by, now=house.now())
    say(f"已驳回 {done.limit_id}")


@limits.command("end")
@click.argument("limit")
@click.option("--why", required=True, help="原因")
@frame
def end_one(house: Frame, limit: str, why: str) -> None:
    """在止时之前收回已批准的临时额度。"""
    with house.database() as db:
        done = end_limit(db, limit, why=why, by=house.by, now=house.now())
    say(f"已收回 {done.limit_id}，授信额度恢复为合同的")


@limits.command("list")
@click.option("--customer", required=True, help="客户简称或编号")
@as_json
@frame
def list_limits(house: Frame, customer: str, *, json: bool) -> None:
    """列出一个客户的临时额度。"""
    with house.database() as db, db.read() as tx:
        rows = limits_of(tx, find_customer(tx, customer).customer_id)
    if json:
        give_json(rows)
        return
    shown = [
        (
            r.limit_id,
            Money(r.limit_fen, r.currency),
            r.starts_at,
            r.over_at,
            r.approved_by or "待批",
        )
        for r in rows
    ]
    show_table("临时额度", ["编号", "额度", "起", "止", "审批"], shown)
