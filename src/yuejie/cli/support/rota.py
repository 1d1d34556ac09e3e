"""`yuejie rota …`."""

from datetime import datetime, timedelta
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.store import customers
from yuejie.kernel.period import parse_instant
from yuejie.support.rota import store
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.rota.keep import (
    name_adviser,
    person_on_duty,
    put_override,
    put_weeks,
    remove_duty,
)

AHEAD: Final = timedelta(days=371)


@click.group()
def rota() -> None:
    """值班：谁在何时值班，谁是哪个客户的顾问。"""


def _local(at: datetime) -> str:
    return f"{at.astimezone(HOUSE_ZONE):%Y-%m-%d %H:%M}"


@rota.command("show")
@as_json
@frame
def show(house: Frame, *, json: bool) -> None:
    """现在谁值班，今后怎样排，各客户的顾问。"""
    now = house.now()
    with house.database() as db, db.read() as tx:
        found = store.duties(tx, since=now, until=now + AHEAD)
        person, advisers = person_on_duty(tx, now), store.advisers(tx)
        named = {
            c.slug: advisers[c.customer_id] for c in customers(tx) if c.customer_id in advisers
        }
    if json:
        give_json({"now": person, "duties": found, "advisers": named})
        return
    say(f"现在值班：{person or '没有排班，工单通知发给全部运营联系人'}")
    if found:
        rows = [
            (
                each.duty_id,
                each.person,
                _local(each.starts_at),
                _local(each.ends_at),
                "替班" if each.is_override else "周值班",
            )
            for each in found
        ]
        show_table("值班表", ["编号", "谁", "从", "到", "种类"], rows)
    if named:
        show_table("顾问", ["客户", "顾问"], sorted(named.items()))


@rota.command("weeks")
@click.argument("people", nargs=-1, required=True)
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="从哪天所在的周起")
@click.option("--weeks", type=int, help="排几周；不写则每人一周")
@frame
def weeks(house: Frame, people: tuple[str, ...], first: datetime | None, weeks: int | None) -> None:
    """按周轮值，周一零点（北京时间）交接；已排的周以新排的为准。"""
    now = house.now()
    day = first.date() if first else now.astimezone(HOUSE_ZONE).date()
    with house.database() as db:
        made = put_weeks(db, people, first=day, weeks=weeks or len(people), by=house.by, now=now)
    say(f"已排 {len(made)} 周：{_local(made[0].starts_at)} 至 {_local(made[-1].ends_at)}")


@rota.command("override")
@click.argument("person")
@click.option("--from", "start", required=True, help="从何时起，如 2026-12-01T18:00（北京时间）")
@click.option("--to", "end", required=True, help="到何时")
@frame
def override(house: Frame, person: str, start: str, end: str) -> None:
    """一段时间由别人值班，优先于周值班。"""
    span = [parse_instant(text, HOUSE_ZONE) for text in (start, end)]
    with house.database() as db:
        made = put_override(db, person, start=span[0], end=span[1], by=house.by, now=house.now())
    say(f"替班 {made.duty_id}：{made.person}，{_local(made.starts_at)} 至 {_local(made.ends_at)}")


@rota.command("remove")
@click.argument("duty_id")
@frame
def remove(house: Frame, duty_id: str) -> None:
    """撤下一次值班或替班。"""
    with house.database() as db:
        remove_duty(db, duty_id, by=house.by, now=house.now())
    say(f"值班 {duty_id} 已撤下")


@rota.command("adviser")
@click.argument("customer")
@click.argument("person")
@frame
def adviser(house: Frame, customer: str, person: str) -> None:
    """指定客户的顾问；工单超时也通知顾问。"""
    with house.database() as db:
        name = name_adviser(db, customer, person, by=house.by, now=house.now())
    say(f"{customer} 的顾问是 {name}")
