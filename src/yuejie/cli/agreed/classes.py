"""`yuejie contracts classes` and `set-class`: what holds for a credit class."""

from dataclasses import replace
from typing import Any

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.money.words import YUAN
from yuejie.contracts.life.credit import CreditRule, Depth
from yuejie.contracts.life.limits import set_credit_rule
from yuejie.contracts.life.store import credit_rules
from yuejie.contracts.terms import CreditClass, PaymentMode
from yuejie.kernel.money import Money


@click.command("classes")
@as_json
@frame
def classes(house: Frame, *, json: bool) -> None:
    """列出信用分级：押金、审核深度、账期、付款方式。"""
    with house.database() as db, db.read() as tx:
        rules = list(credit_rules(tx).values())
    if json:
        give_json(rules)
        return
    columns = ["分级", "押金", "审核", "账期（天）", "付款方式", "三人复核额度"]
    show_table("信用分级", columns, [_row(rule) for rule in rules])


@click.command("set-class")
@click.argument("credit_class", type=click.Choice([str(each) for each in CreditClass]))
@click.option("--deposit-least", type=click.IntRange(0, 36), help="押金至少几个月用量")
@click.option("--deposit-most", type=click.IntRange(0, 36), help="押金至多几个月用量")
@click.option("--depth", type=click.Choice([str(each) for each in Depth]), help="审核深度")
@click.option("--days", type=click.IntRange(0, 365), help="账期，天")
@click.option("--mode", type=click.Choice([str(each) for each in PaymentMode]), help="付款方式")
@click.option("--three-people", type=YUAN, help="额度达到多少须三人经手")
@frame
def set_class(
    house: Frame,
    credit_class: str,
    deposit_least: int | None,
    deposit_most: int | None,
    depth: str | None,
    days: int | None,
    mode: str | None,
    three_people: int | None,
) -> None:
    """设定一个信用分级此后的规定，没写的保持不变；已签的合同不变。"""
    said: dict[str, Any] = {
        "deposit_months_least": deposit_least,
        "deposit_months_most": deposit_most,
        "depth": Depth(depth) if depth else None,
        "payment_days": days,
        "payment_mode": PaymentMode(mode) if mode else None,
        "three_people_fen": three_people,
    }
    with house.database() as db:
        with db.read() as tx:
            was = credit_rules(tx)[CreditClass(credit_class)]
        named = {name: value for name, value in said.items() if value is not None}
        became = replace(was, **named)
        done = set_credit_rule(db, became, by=house.by, now=house.now())
    say(f"{credit_class} 的规定已设定" if done else f"{credit_class} 的规定本来如此，没有改动")


def _row(rule: CreditRule) -> tuple[object, ...]:
    return (
        rule.credit_class,
        f"{rule.deposit_months_least}–{rule.deposit_months_most} 个月",
        rule.depth,
        rule.payment_days,
        rule.payment_mode,
        Money(rule.three_people_fen, "CNY"),
    )
