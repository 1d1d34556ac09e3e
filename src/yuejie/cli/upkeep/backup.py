"""`yuejie backup …`: take, follow, list, check, restore, drill."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yuejie.app import backup_url, ledger_checks
from yuejie.cli.frame import Frame, as_json, frame, give_json, note, say, show_table
from yuejie.db.backup.place import Base, Place
from yuejie.kernel.errors import Invalid, NotFound

if TYPE_CHECKING:
    from yuejie.recovery.drill import Drilled
    from yuejie.recovery.inspect import Inspection
    from yuejie.recovery.restore import Restored, Wanted

_MINUTES = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z"])


@click.group()
def backup() -> None:
    """备份：跟随、查看、校验、恢复到某一时刻、演练。目录由 YUEJIE_BACKUP 指定。"""


@backup.command("follow")
@click.option("--journals-only", is_flag=True, help="本节点没有数据库：只跟随流水")
@frame
def follow(house: Frame, *, journals_only: bool) -> None:
    """持续跟随：数据库日志与流水实时落盘，按时做完整备份；设了 YUEJIE_BACKUP 时 serve 会运行它。"""
    from yuejie.cli.house import until_told
    from yuejie.db.errors import EmbeddedUnavailable
    from yuejie.logs import set_up
    from yuejie.node import die_with_supervisor
    from yuejie.recovery.follow import Follower, Plan, alone

    set_up()
    die_with_supervisor()
    settings, place = house.settings, _place(house)
    chosen = settings.backups
    plan = Plan(
        place=place,
        home=settings.home,
        node=settings.node,
        passphrase=chosen.backup_passphrase,
        hook=chosen.backup_hook,
        every=chosen.backup_every,
        keep=chosen.backup_keep,
    )

    def url() -> str:
        try:
            return "" if journals_only else backup_url(settings)
        except EmbeddedUnavailable:
            return ""

    with alone(place, settings.node):
        Follower(plan, url, house.clock).run(until_told())


@backup.command("take")
@as_json
@frame
def take(house: Frame, *, json: bool) -> None:
    """立即做一次完整备份，并逐个文件校验。"""
    from yuejie.db.backup.take import take_base
    from yuejie.recovery.vault import keep_secrets

    settings, place = house.settings, _place(house)
    with house.database():
        base = take_base(place, backup_url(settings), house.clock.now)
    if settings.backups.backup_passphrase:
        keep_secrets(place, settings.home, settings.backups.backup_passphrase)
    if json:
        give_json(_plain(base))
        return
    seconds = (base.ended_at - base.began_at).total_seconds()
    say(f"已备份 {base.name}：{base.bytes >> 20:,} MB，{seconds:.1f} 秒，校验相符")
    if not settings.backups.backup_passphrase:
        note(
            "没有封存密钥：请设 YUEJIE_BACKUP_PASSPHRASE，"
            "或另行保管 secrets/ 与 postgres/secrets.json"
        )


@backup.command("list")
@as_json
@frame
def list_backups(house: Frame, *, json: bool) -> None:
    """列出完整备份，以及现在能恢复到的时段。"""
    place = _place(house)
    bases, following = place.bases(), place.following()
    if json:
        through = None if following is None else following.through
        give_json({"bases": [_plain(each) for each in bases], "through": through})
        return
    rows = [
        (
            base.name,
            f"{base.bytes >> 20:,} MB",
            base.major,
            base.version,
            base.ended_at.astimezone().isoformat(sep=" ", timespec="seconds"),
            base.checked_at.astimezone().isoformat(sep=" ", timespec="seconds"),
        )
        for base in bases
    ]
    show_table("完整备份", ["备份", "大小", "PostgreSQL", "月结", "完成于", "校验于"], rows)
    if bases and following is not None and following.through is not None:
        first, last = bases[0].ended_at.astimezone(), following.through.astimezone()
        say(f"可恢复到 {first:%Y-%m-%d %H:%M:%S} 至 {last:%Y-%m-%d %H:%M:%S} 之间的任一时刻")


@backup.command("check")
@click.option("--quick", is_flag=True, help="不重读完整备份，只看日志是否连续、跟随是否落后")
@as_json
@frame
def check(house: Frame, *, quick: bool, json: bool) -> None:
    """校验备份：完整备份逐文件、日志无缺段、跟随不落后、密钥已封存；不成立则退出码为 1。"""
    from yuejie.recovery.inspect import inspect

    found = inspect(
        _place(house),
        every=house.settings.backups.backup_every,
        passphrase=house.settings.backups.backup_passphrase,
        quick=quick,
        now=house.now(),
    )
    _tell(found, json=json)
    if any(each.wrong for each in found):
        raise SystemExit(1)


@backup.command("status")
@as_json
@frame
def status(house: Frame, *, json: bool) -> None:
    """最近一次恢复之后：哪些流水还没读完，额度是否已恢复出租。"""
    from yuejie.recovery import store

    with house.database() as db, db.read() as tx:
        found = store.latest(tx)
        waiting = [] if found is None else store.unread(tx, found.restored_at)
    if json:
        give_json({"restoration": found, "unread": waiting})
        return
    if found is None:
        say("这个数据库没有从备份恢复过")
        return
    say(f"{found.restored_at.astimezone():%Y-%m-%d %H:%M:%S} 由 {found.by} 从 {found.backup} 恢复")
    if found.reopened_at is not None:
        say(f"额度已于 {found.reopened_at.astimezone():%Y-%m-%d %H:%M:%S} 恢复出租")
        return
    if waiting:
        rows = [(str(each.journal_id), each.node) for each in waiting]
        show_table("恢复前、尚未读完的流水", ["编号", "节点"], rows)
    else:
        say("恢复前的流水都已读完")
    say(
        "额度暂不出租；"
        + ("读完后由文书自动放开" if found.is_alone else "读完后执行 yuejie backup reopen")
    )


@backup.command("reopen")
@frame
def reopen(house: Frame) -> None:
    """多节点恢复之后，确认每个节点的采集都已运行、旧网关都已重启，重新出租额度。"""
    from yuejie.recovery.shut import reopen as lend_again

    with house.database() as db:
        lend_again(db, by=house.by, now=house.now())
    say("额度已恢复出租")


@backup.command("restore")
@click.option(
    "--to", "until", type=_MINUTES, help="恢复到这一时刻，如 2026-11-29T10:00:00+0800；默认最新"
)
@click.option("--nodes", type=click.IntRange(1), default=1, help="网关节点数；多于一个时须 reopen")
@as_json
@frame
def restore(house: Frame, *, until: datetime | None, nodes: int, json: bool) -> None:
    """恢复到空的数据目录（YUEJIE_HOME）：数据库、密钥、流水；数据库没有的用量由流水补齐。"""
    from yuejie.recovery.restore import restore_house

    settings = house.settings
    if settings.database_url is not None:
        raise Invalid("恢复只写入内置数据库：请去掉 YUEJIE_DATABASE_URL，恢复后再迁往外部数据库")
    wanted = _wanted(house, until, is_alone=nodes == 1)
    restored, server = restore_house(settings, wanted, clock=house.clock, say=note)
    server.stop()
    if json:
        give_json(_facts(restored))
        return
    _tell_restored(restored)
    say("请执行 yuejie serve，然后 yuejie backup status")


@backup.command("drill")
@click.option("--to", "until", type=_MINUTES, help="演练恢复到这一时刻；默认最新")
@click.option("--months", type=click.IntRange(1), help="只验证最近几个月；默认全部")
@click.option(
    "--in",
    "where",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="临时目录放在哪里；默认系统临时目录",
)
@as_json
@frame
def drill_command(
    house: Frame, *, until: datetime | None, months: int | None, where: Path | None, json: bool
) -> None:
    """演练：把最新备份恢复到一旁，逐项验证，给出 RPO 与 RTO；不影响正在运行的服务。"""
    from yuejie.recovery.drill import drill

    drilled = drill(
        house.settings,
        _wanted(house, until, is_alone=True),
        ledger_checks(),
        clock=house.clock,
        say=note,
        months=months,
        where=where,
    )
    if json:
        give_json(_drill_facts(drilled))
    else:
        _tell_drill(drilled, to_now=until is None)
    if not drilled.holds:
        raise SystemExit(1)


def _place(house: Frame) -> Place:
    root = house.settings.backups.backup
    if root is None:
        raise NotFound("没有设定备份目录；请设 YUEJIE_BACKUP=/另一块磁盘上的目录")
    return Place(root)


def _wanted(house: Frame, until: datetime | None, *, is_alone: bool) -> "Wanted":
    from yuejie.recovery.restore import Wanted

    return Wanted(
        place=_place(house),
        until=until,
        passphrase=house.settings.backups.backup_passphrase,
        is_alone=is_alone,
        by=house.user,
    )


def _plain(base: Base) -> dict[str, object]:
    return {name: getattr(base, name) for name in base.__struct_fields__}


def _tell(found: "list[Inspection]", *, json: bool) -> None:
    if json:
        give_json(found)
        return
    for each in found:
        say(f"{'不成立' if each.wrong else '成立'}  {each.promise}：{each.wrong or each.seen}")


def _facts(restored: "Restored") -> dict[str, object]:
    return {
        "base": restored.laid_down.base.name,
        "reached": restored.laid_down.reached,
        "events": restored.events,
        "events_from_journals": restored.read,
        "journals_put_back": restored.journals,
        "secrets": restored.secrets,
        "asked_about": restored.asked_about,
        "seconds": round(restored.seconds, 2),
    }


def _tell_restored(restored: "Restored") -> None:
    reached = restored.laid_down.reached
    upto = "备份完成时" if reached is None else reached.astimezone().isoformat(sep=" ")
    say(f"数据库已恢复到 {upto}（备份 {restored.laid_down.base.name}，{restored.seconds:.1f} 秒）")
    say(f"其中用量事件 {restored.events:,} 个；另从流水读入 {restored.read:,} 个")
    if restored.journals:
        say(f"从备份放回 {len(restored.journals)} 个流水")
    if restored.secrets:
        say(f"从备份放回密钥：{'、'.join(restored.secrets)}")
    if restored.asked_about:
        say(f"{restored.asked_about} 件开票事务可能已经送出，将先查询再办理")


def _drill_facts(drilled: "Drilled") -> dict[str, object]:
    return {
        **_facts(drilled.restored),
        "rpo_seconds": drilled.rpo_seconds,
        "ready_seconds": round(drilled.ready_seconds, 2),
        "rto_seconds": round(drilled.rto_seconds, 2),
        "findings": [
            {"check": each.check, "looked_at": each.looked_at, "wrong": each.wrong}
            for each in drilled.findings
        ],
        "holds": drilled.holds,
    }


def _tell_drill(drilled: "Drilled", *, to_now: bool) -> None:
    _tell_restored(drilled.restored)
    for each in drilled.findings:
        say(
            f"{'成立' if each.holds else '不成立'}  {each.check}"
            f"（{each.looked_at}，{each.seconds:.1f} 秒）"
        )
        for sentence in each.wrong:
            say(f"    {sentence}")
    if drilled.rpo_seconds is not None and to_now:
        say(
            f"RPO {drilled.rpo_seconds:.2f} 秒：截取日志时，最后一次已备份的提交距当时；"
            "其后的用量由流水补齐"
        )
    say(
        f"RTO {drilled.rto_seconds:.1f} 秒：其中 {drilled.ready_seconds:.1f} 秒后数据库可用，"
        "其余为读入流水与逐项验证"
    )
