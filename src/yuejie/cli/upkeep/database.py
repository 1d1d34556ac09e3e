"""`yuejie database …`: sizes, partitions, fingerprint, another major version of PostgreSQL."""

from pathlib import Path

import click

from yuejie.app import owner_url
from yuejie.cli.frame import Frame, as_json, frame, give_json, note, say, show_table
from yuejie.db.upkeep.sizes import partitions as all_partitions
from yuejie.db.upkeep.sizes import tables
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.period import BillingMonth, zone_of

_AHEAD = 2
"""Months ahead for which partitions must exist; the clerk makes three."""
_SHOWN = 15


@click.group()
def database() -> None:
    """数据库：大小、分区、指纹、换 PostgreSQL 大版本。"""


@database.command("sizes")
@as_json
@frame
def sizes(house: Frame, *, json: bool) -> None:
    """列出各表大小；行数是服务器最近一次分析的估计。"""
    with house.database() as db, db.read() as tx:
        found = tables(tx)
    if json:
        give_json(found)
        return
    rows = [
        (each.table_name, each.parts, each.rows, each.data_bytes >> 10, each.index_bytes >> 10)
        for each in found[:_SHOWN]
    ]
    show_table("最大的表", ["表", "分区数", "约行数", "数据 KB", "索引 KB"], rows)
    total = sum(each.data_bytes + each.index_bytes for each in found)
    say(f"共 {len(found)} 张表，{total >> 20:,} MB")


@database.command("partitions")
@as_json
@frame
def partitions(house: Frame, *, json: bool) -> None:
    """列出用量事件的月分区；今后两个月的分区不全则退出码为 1（文书每分钟补建）。"""
    with house.database() as db, db.read() as tx:
        found = all_partitions(tx)
    months = {each.month for each in found}
    month = BillingMonth.of(house.now(), zone_of("UTC"))
    lacking = []
    for _ in range(_AHEAD + 1):
        if str(month) not in months:
            lacking.append(str(month))
        month = month.next
    if json:
        give_json({"partitions": found, "lacking": lacking})
    else:
        rows = [(each.month, each.name, each.rows, each.bytes >> 10) for each in found]
        show_table("用量事件的分区", ["月", "分区", "约行数", "KB"], rows)
        if lacking:
            say(f"缺少 {'、'.join(lacking)} 的分区；请确认文书（yuejie clerk）正在运行")
    if lacking:
        raise SystemExit(1)


@database.command("fingerprint")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="与先前用 --json 存下的指纹比对；不同则退出码为 1",
)
@as_json
@frame
def fingerprint_command(house: Frame, *, against: Path | None, json: bool) -> None:
    """每张表的行数与内容指纹：升级、搬迁、恢复前后各取一次，比对即知是否一行不差。"""
    import msgspec

    from yuejie.db.upkeep.fingerprint import Print, compare, fingerprint

    before = None
    if against is not None:
        try:
            before = msgspec.json.decode(against.read_bytes(), type=dict[str, Print])
        except msgspec.DecodeError as error:
            raise Invalid(f"{against} 不是 --json 存下的指纹，请重新取一次") from error
    with house.database():
        found = fingerprint(owner_url(house.settings))
    if json and before is None:
        give_json(found)
        return
    if before is None:
        rows = [(name, each.rows, each.digest[:12]) for name, each in found.items() if each.rows]
        show_table("指纹", ["表", "行", "摘要开头"], rows)
        return
    wrong = compare(before, found)
    if json:
        give_json({"tables": len(found), "wrong": wrong})
    else:
        for sentence in wrong:
            say(f"不同  {sentence}")
        say("逐表相同" if not wrong else f"{len(wrong)} 处不同")
    if wrong:
        raise SystemExit(1)


@database.command("upgrade")
@click.option("--to", "major", type=int, default=18, show_default=True, help="PostgreSQL 大版本")
@frame
def upgrade_command(house: Frame, *, major: int) -> None:
    """把内置数据库换到另一个 PostgreSQL 大版本：抄写、逐表核对，旧数据留在一旁。"""
    from yuejie.db.upkeep.majors import upgrade

    settings = house.settings
    if settings.database_url is not None:
        raise Conflict(
            "外部数据库请由管理员用 pg_upgrade 升级，前后各取一次 yuejie database fingerprint 比对"
        )
    done = upgrade(settings.postgres, major, progress=note)
    say(
        f"已从 PostgreSQL {done.was} 换到 {done.became}："
        f"{done.tables} 张表 {done.rows:,} 行逐一相同，{done.seconds:.1f} 秒；"
        f"旧数据在 {done.kept}，确认无误后可删除"
    )
