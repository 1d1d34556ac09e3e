"""`yuejie usage warehouse …`."""

import click

from yuejie.assurance.moving import HOT_MONTHS, move_due
from yuejie.cli.frame import Frame, as_json, frame, give_json, progress, say, show_table
from yuejie.cli.months import Month
from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.usage.warehouse.check import check_batches, show_partitions
from yuejie.usage.warehouse.restore import restore_partition

_PLACES = {"here": "PostgreSQL", "moved": "ClickHouse", "deleted": "已按期限删除"}


@click.group()
def warehouse() -> None:
    """原始用量的存放：关账并证明之后移入 ClickHouse，逐批核对，可取回。"""


@warehouse.command("show")
@as_json
@frame
def show(house: Frame, *, json: bool) -> None:
    """每个分区（UTC 月）的原始用量在哪里，多少行，占多少空间。"""
    with house.database() as db:
        found = show_partitions(db)
    if json:
        give_json(found)
        return
    rows = [
        (
            str(each.month),
            _PLACES[each.place],
            each.rows or None,
            f"{each.verified}/{each.batches}" if each.batches else "",
            each.bytes or None,
        )
        for each in found
    ]
    show_table("原始用量", ["分区", "所在", "已分批行数", "已核对批次", "ClickHouse 字节"], rows)


@warehouse.command("move")
@click.argument("month", type=Month(), required=False)
@click.option("--hot", type=click.IntRange(1), default=HOT_MONTHS, help="留在 PostgreSQL 的整月数")
@as_json
@frame
def move(house: Frame, month: BillingMonth | None, hot: int, *, json: bool) -> None:
    """现在就移到期的分区（文书每天自动做一次）；先证明各月，说明哪些还不能移、为什么。"""
    with house.database() as db, progress("移入 ClickHouse") as tell:
        moved, waiting = move_due(db, _far(db), now=house.now(), only=month, hot=hot, progress=tell)
    if json:
        give_json({"moved": moved, "waiting": waiting})
        return
    for each in moved:
        say(f"{each.month} 已移入 ClickHouse：{each.rows:,} 行，{each.batches} 批全部核对一致")
    for left in waiting:
        say(f"{left.month} 暂不移：{'；'.join(left.why)}")
    if not moved and not waiting:
        say(f"没有到期的分区（最近 {hot} 个整月与本月留在 PostgreSQL）")


@warehouse.command("restore")
@click.argument("month", type=Month())
@frame
def restore(house: Frame, month: BillingMonth) -> None:
    """把一个分区取回 PostgreSQL，逐批核对；更正已移走的用量之前要先做。"""
    with house.database() as db, progress("取回") as tell:
        rows = restore_partition(db, _far(db), month, now=house.now(), progress=tell)
    say(f"{month} 已取回 PostgreSQL：{rows:,} 行，与移走时一致")


@warehouse.command("check")
@click.argument("month", type=Month(), required=False)
@as_json
@frame
def check(house: Frame, month: BillingMonth | None, *, json: bool) -> None:
    """逐批重新计数并核对 ClickHouse 中的内容；不一致时退出码为 1。"""
    with house.database() as db, progress("核对") as tell:
        only = month.first_day if month else None
        number, wrong = check_batches(db, _far(db), only=only, progress=tell)
    if json:
        give_json({"batches": number, "wrong": wrong})
    else:
        for each in wrong:
            say(
                f"批次 {each.batch_id}（{each.customer_id}，{each.month}）："
                f"应有 {each.expected:,} 行，现有 {each.found:,} 行或内容不同"
            )
        say(f"{number} 批，{number - len(wrong)} 批一致，{len(wrong)} 批不一致")
    if wrong:
        raise SystemExit(1)


def _far(db: Database) -> Warehouse:
    if db.warehouse is None:
        raise Invalid("没有设置 YUEJIE_CLICKHOUSE_URL，原始用量都在 PostgreSQL，无需移动")
    return db.warehouse
