"""`yuejie nodes …`: the gateway nodes of one database."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, note, say, show_table
from yuejie.cli.words import JOURNALS, NODES, called
from yuejie.intake.nodes.keep import all_lost_tails, all_nodes, drain, find_node, resume
from yuejie.intake.nodes.node import Node, NodeState
from yuejie.intake.nodes.store import LostTail
from yuejie.kernel.errors import Conflict

_LOOK_SECONDS: Final = 0.5
_COLUMNS: Final = (
    *("节点", "状态", "心跳", "版本", "网关", "快照", "未入库字节", "未入库请求", "时钟差ms"),
    "占用额度",
)


@click.group(invoke_without_command=True)
@click.pass_context
def nodes(ctx: click.Context) -> None:
    """节点：同一数据库的各个网关节点；不带命令即列出。"""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_nodes, json=False)


@nodes.command("list")
@as_json
@frame
def list_nodes(house: Frame, *, json: bool) -> None:
    """列出节点：心跳、版本、快照、尚未入库的流水、时钟差、占用的额度。"""
    with house.database() as db:
        found, tails = all_nodes(db), all_lost_tails(db)
    if json:
        give_json({"nodes": [_plain(node) for node in found], "lost_tails": tails})
        return
    if not found:
        say("没有节点；每个节点运行 yuejie intake 后自行加入")
        return
    show_table("节点", _COLUMNS, [_row(node) for node in found])
    show_lost(tails)


def show_lost(tails: Sequence[LostTail]) -> None:
    """Show what is lost with nodes and not found yet: somebody has to work it off."""
    if not tails:
        return
    rows = [
        (
            str(each.journal_id),
            each.node,
            _at(each.lost_at),
            _at(each.read_until),
            each.tail_bytes,
            each.tail_calls,
        )
        for each in tails
    ]
    columns = ["编号", "节点", "宣告丢失", "已读到", "尾段字节", "尾段请求"]
    show_table("随节点丢失的流水", columns, rows)
    say("找回后用 yuejie nodes adopt 收养；找不回则以供应商的用量报告补记（手册 lost-node）")


def _at(instant: datetime) -> str:
    return f"{instant:%m-%d %H:%M:%S}Z"


def _row(node: Node) -> tuple[object, ...]:
    return (
        node.name,
        called(NODES, "silent" if node.is_silent else node.state),
        _ago(node.age),
        node.version,
        node.workers,
        _age(node.snapshot_age),
        node.tail_bytes,
        "不明" if node.tail_calls is None else node.tail_calls,
        node.skew_ms,
        f"{node.leases}" + (f"（另有 {node.presumed} 处视为已用）" if node.presumed else ""),
    )


def _plain(node: Node) -> dict[str, object]:
    snapshot_age = node.snapshot_age
    return {name: getattr(node, name) for name in node.__dataclass_fields__} | {
        "silent": node.is_silent,
        "beat_age_s": int(node.age.total_seconds()),
        "snapshot_age_s": None if snapshot_age is None else int(snapshot_age.total_seconds()),
    }


def _ago(age: timedelta) -> str:
    return f"{_age(age)}前"


def _age(age: timedelta | None) -> str:
    if age is None:
        return "无"
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "天"), (3_600, "小时"), (60, "分钟")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} 秒"


@nodes.command("drain")
@click.argument("node")
@click.option("--why", default="", help="原因，例如升级")
@click.option("--wait", is_flag=True, help="等到它退出")
@frame
def drain_node(house: Frame, node: str, why: str, *, wait: bool) -> None:
    """让节点退出：不再接新请求，办完在途的，流水读完，额度归还，然后说“已退出”。"""
    with house.database() as db:
        found = drain(db, node, by=house.by, why=why, now=house.now())
        if found.state is NodeState.LEFT:
            say(f"节点 {found.name} 已退出")
            return
        say(f"节点 {found.name} 正在退出")
        told = ""
        while wait:
            with db.read() as tx:
                now = find_node(tx, str(found.node_id))
            if now.state is NodeState.LEFT:
                say(f"节点 {now.name} {now.why}")
                return
            if now.state is not NodeState.DRAINING:
                raise Conflict(f"节点 {now.name} 不再退出（{called(NODES, now.state)}）")
            said = (
                f"网关 {now.workers}，未入库 {now.tail_bytes:,} 字节，"
                f"占用额度 {now.leases} 处，心跳 {_ago(now.age)}"
            )
            if said != told:
                note(said)
                told = said
            time.sleep(_LOOK_SECONDS)


@nodes.command("resume")
@click.argument("node")
@click.option("--why", default="")
@frame
def resume_node(house: Frame, node: str, why: str) -> None:
    """让退出的节点重新接请求。"""
    with house.database() as db:
        found = resume(db, node, by=house.by, why=why, now=house.now())
    say(f"节点 {found.name} 重新接请求")


@nodes.command("lost")
@click.argument("node")
@click.option("--why", default="", help="原因，例如磁盘损坏；宣告时必须写")
@click.option("--confirm", default="", help="节点的完整编号；不写只预演，不做改动")
@as_json
@frame
def lost(house: Frame, node: str, why: str, confirm: str, *, json: bool) -> None:
    """宣告节点连同磁盘丢失：不再等它的流水，借出的额度视为已用，已知的在途请求进待处理清单。"""
    from yuejie.intake.nodes.lose import declare_lost, foresee_loss

    if confirm and not why.strip():
        raise click.UsageError("宣告丢失须用 --why 写明原因")
    with house.database() as db:
        if confirm:
            loss = declare_lost(db, node, confirmed=confirm, by=house.by, why=why, now=house.now())
        else:
            loss = foresee_loss(db, node)
    if json:
        give_json({"done": bool(confirm), "loss": loss})
        return
    gone, calls = loss.node, loss.node.tail_calls
    about = "数目不明的" if calls is None else f"约 {calls:,} 个"
    say(
        f"节点 {gone.name}（{gone.node_id}），最后心跳 {_ago(gone.age)}；"
        f"当时有 {gone.tail_bytes:,} 字节、{about}请求未入库，此后的不得而知"
    )
    say(f"未读完的流水 {len(loss.journals)} 个；已知在途的请求 {loss.calls} 个进待处理清单")
    if confirm:
        say(f"已宣告丢失；{loss.presumed} 处借出的额度视为已用")
    else:
        say("以上只是预演。先确认该节点的进程不会再运行，再执行：")
        say(f"yuejie nodes lost {gone.name} --why 原因 --confirm {gone.node_id}")


@nodes.command("adopt")
@click.argument("place", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json
@frame
def adopt_journals(house: Frame, place: Path, *, json: bool) -> None:
    """收养抢救出来的流水（一个流水目录、journals 目录或整个数据目录）；重复执行不会多计。"""
    from yuejie.intake.nodes.adopt import adopt

    with house.database() as db:
        found = adopt(db, house.settings.home, house.settings.node, place, clock=house.clock)
    if json:
        give_json(found)
        return
    rows = [(str(e.journal_id), e.events, called(JOURNALS, e.state), e.note) for e in found]
    show_table("收养的流水", ["流水", "新入库", "状态", "说明"], rows)


@nodes.command("migrate")
@click.option("--post", is_flag=True, help="连同 post 迁移；还有旧版本在用就拒绝")
@frame
def migrate_schema(house: Frame, *, post: bool) -> None:
    """滚动升级的两步：先 pre 迁移，各节点都换到新版本之后再 --post。"""
    from yuejie.app import owner_url
    from yuejie.db.migrate import held_by, migrate, pending

    with house.database():
        url = owner_url(house.settings)
        if post and (old := held_by(url)):
            raise Conflict(f"还有旧版本在使用数据库，post 迁移没有执行：{'、'.join(old)}")
        done = migrate(url, before_code_only=not post)
        left = pending(url)
    for name in done:
        say(f"已执行 {name}")
    say(f"还有 {len(left)} 个等待：{'、'.join(left)}" if left else "数据库结构已是最新")
