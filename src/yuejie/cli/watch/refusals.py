"""`yuejie usage refusals`: why calls were turned away."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.enrol import find_customer
from yuejie.customers.names import names_of
from yuejie.kernel.period import zone_of
from yuejie.usage.refusals.look import TurnedAway
from yuejie.usage.refusals.reason import PARTY_NAMES
from yuejie.usage.refusals.show import ROWS, By, Question, Refusals, show_refusals, total

_HOUSE_ZONE: Final = "Asia/Shanghai"
_HEADS: Final = {
    By.HOUR: "小时",
    By.CUSTOMER: "客户",
    By.PROJECT: "项目",
    By.KEY: "密钥",
    By.MODEL: "模型",
}


@click.command("refusals")
@click.option("--customer", help="客户；不写则全部")
@click.option("--hours", default=24, type=click.IntRange(1, 2_208), help="最近几小时（默认 24）")
@click.option(
    "--by",
    "by",
    multiple=True,
    type=click.Choice([each.value for each in By]),
    help="再按什么分开，可多次（默认密钥与模型）",
)
@click.option("--reason", help="只看一个原因，例如 cap_used_up")
@click.option("--key", help="密钥编号")
@click.option("--model", help="模型")
@as_json
@frame
def refusals(
    house: Frame,
    customer: str | None,
    hours: int,
    by: tuple[str, ...],
    reason: str | None,
    key: str | None,
    model: str | None,
    *,
    json: bool,
) -> None:
    """网关拒绝了哪些调用、为什么、怎么办；几秒内可见，只有次数，没有内容。"""
    until = house.now() + timedelta(minutes=1)
    wanted = tuple(By(each) for each in by) or (By.KEY, By.MODEL)
    question = Question(until - timedelta(hours=hours), until, wanted, reason, key, model)
    with house.database() as db, db.read() as tx:
        who = find_customer(tx, customer) if customer else None
        zone = who.zone if who else _HOUSE_ZONE
        found = show_refusals(tx, who.customer_id if who else None, question, zone=zone)
        names = names_of(tx, who) if who else {}
    if json:
        give_json([_plain(each) for each in found])
        return
    if not found:
        say(f"最近 {hours} 小时没有被拒绝的调用")
        return
    heads = [_HEADS[each] for each in By if each in wanted]
    columns = [*heads, "原因", "HTTP", "次数", "首次", "最近", "归属", "怎么办"]
    rows = [_row(each, wanted, names, zone) for each in found]
    show_table(f"最近 {hours} 小时被拒绝的调用 {total(found):,} 次", columns, rows)
    if len(found) == ROWS:
        say(f"只列出前 {ROWS:,} 行；缩短时段或加上筛选可看全")


def _row(
    each: Refusals, wanted: tuple[By, ...], names: Mapping[str, str], zone: str
) -> list[object]:
    row, place = each.row, zone_of(zone)
    cells: dict[By, object] = {
        By.HOUR: f"{row.hour.astimezone(place):%m-%d %H:00}" if row.hour else "",
        By.CUSTOMER: row.customer_id or "—",
        By.PROJECT: names.get(row.project_id, row.project_id) or "—",
        By.KEY: names.get(row.key_id, row.key_id) or "—",
        By.MODEL: row.model or "—",
    }
    return [
        *(cells[each] for each in By if each in wanted),
        each.reason.name,
        row.status,
        f"{row.calls:,}",
        f"{row.first_at.astimezone(place):%m-%d %H:%M}",
        f"{row.last_at.astimezone(place):%m-%d %H:%M}",
        PARTY_NAMES[each.reason.party],
        each.reason.advice,
    ]


def plain_call(found: TurnedAway) -> dict[str, object]:
    """Return one call that was turned away, with why and what to do."""
    reason = found.reason
    return {
        "refused": found.call,
        "party": reason.party,
        "name": reason.name,
        "advice": reason.advice,
        "facts": dict(found.facts),
    }


def _plain(each: Refusals) -> dict[str, object]:
    row = each.row
    return {
        "hour": row.hour,
        "customer_id": row.customer_id,
        "project_id": row.project_id,
        "key_id": row.key_id,
        "model": row.model,
        "reason": row.reason,
        "status": row.status,
        "calls": row.calls,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "party": each.reason.party,
        "name": each.reason.name,
        "advice": each.reason.advice,
    }
