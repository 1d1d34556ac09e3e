"""Running the house: all of it, or one process of it."""

import gc
import signal
import threading
from pathlib import Path

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, note, say, show_table, text_of
from yuejie.cli.words import JOURNALS, called
from yuejie.kernel.errors import Invalid


@click.command()
@frame
def serve(house: Frame) -> None:
    """运行整套服务：数据库、网关、采集、控制台、文书，一个监督进程看护。"""
    from yuejie.logs import set_up
    from yuejie.supervisor import Supervisor, programs

    set_up()
    settings = house.settings
    supervisor = Supervisor(settings, note, programs(settings))
    supervisor.start()
    note(f"网关 http://{settings.host}:{settings.gateway_port}  ")
    note(f"控制台 {settings.console_url}  接口 {settings.console_url}/api/docs")
    note("运营令牌：yuejie token；按 Ctrl-C 停止")
    supervisor.run()


@click.command()
@frame
def gateway(house: Frame) -> None:
    """运行一个网关进程（同一端口可运行多个）。"""
    import uvloop

    from yuejie.app import reachable_url
    from yuejie.gateway.worker import Setting
    from yuejie.gateway.worker import serve as serve_gateway
    from yuejie.logs import set_up
    from yuejie.node import die_with_supervisor

    set_up()
    die_with_supervisor()
    settings = house.settings
    setting = Setting(
        home=settings.home,
        host=settings.host,
        port=settings.gateway_port,
        pepper=settings.pepper,
        secret_key=settings.credential_key,
        database_url=reachable_url(settings),
        notice_seconds=settings.drain_notice_s,
        metrics_port=settings.metrics_port,
    )
    uvloop.run(serve_gateway(setting, house.clock))


@click.command()
@frame
def intake(house: Frame) -> None:
    """运行采集进程：流水入库，快照下发；每个网关节点一个。"""
    from yuejie.figures.node import NodeFigures
    from yuejie.figures.serve import serve_figures
    from yuejie.logs import set_up
    from yuejie.node import die_with_supervisor, run_intake

    set_up()
    die_with_supervisor()
    NodeFigures(house.settings.home)
    serve_figures(house.settings.host, house.settings.metrics_port)
    run_intake(house.settings, house.clock, until_told())


@click.command()
@frame
def console(house: Frame) -> None:
    """运行控制台进程：页面与 REST 接口。"""
    from yuejie.logs import set_up
    from yuejie.node import die_with_supervisor

    # All of it stays; looking for garbage in it meanwhile is a fifth of the time it takes.
    gc.disable()
    from yuejie.web.server import serve as serve_console

    gc.enable()
    set_up()
    die_with_supervisor()
    serve_console(house.settings)


@click.command()
@frame
def clerk(house: Frame) -> None:
    """运行文书进程：日历到点该办的事。"""
    from datetime import timedelta
    from functools import partial

    from yuejie.app import fapiao_provider, seller
    from yuejie.assurance.moving import Mover
    from yuejie.assurance.sla.probe import Prober, asking
    from yuejie.budgets.watch.tell import watch_budgets
    from yuejie.clerk import Duty, Errand, run
    from yuejie.contracts.esign.choose import reachable
    from yuejie.contracts.esign.errand import work_off
    from yuejie.fapiao.issuing.tend import tend
    from yuejie.figures.house import HouseFigures
    from yuejie.figures.serve import serve_figures
    from yuejie.jobs.worker import Worker
    from yuejie.logs import set_up
    from yuejie.node import die_with_supervisor, wait_for_database
    from yuejie.notices.channels.post import Post
    from yuejie.notices.deliver import deliver_due
    from yuejie.payments.dunning.lifted import Turns
    from yuejie.presales.trial.tell import tell_trials
    from yuejie.recovery.shut import reopen_alone
    from yuejie.usage.sums.fold import fold_due

    set_up()
    die_with_supervisor()
    serve_figures(house.settings.host, house.settings.metrics_port)
    signing = reachable(house.settings.signing)
    stop = until_told()
    db = wait_for_database(house.settings, stop, "clerk")
    # Long work has connections of its own, and the pace of what somebody started and watches.
    far = wait_for_database(house.settings, stop, "jobs")
    if db is not None and far is not None:
        with db, far:
            worker = Worker(far, house.clock, stop.is_set)
            post = Post(house.settings.credential_key, house.settings.notice_hosts)
            provider = fapiao_provider(house.settings, db)
            errands: dict[str, Errand] = {
                "post": lambda db, now: deliver_due(db, post, now),
                "fapiao": lambda db, now: tend(db, provider, now=now),
                "budgets": watch_budgets,
                "signing": lambda db, now: work_off(db, signing.platforms, signing.send, now=now),
                "sums": fold_due,
                "limits": Turns().follow,
                "lending": lambda db, now: int(reopen_alone(db, now)),
                "warehouse": Mover(),
                "figures": HouseFigures(),
                "probe": Prober(asking(house.settings.probed), house.settings.node),
                "jobs": lambda _db, _now: worker.work(),
                "jobs_beside": lambda _db, _now: worker.work(),
            }
            telling = partial(tell_trials, seller=seller(house.settings).legal_name)
            more = [Duty("trial_notices", telling, timedelta(minutes=1))]
            run(db, house.clock, stop, errands, more)


@click.command()
@click.option("--once", is_flag=True, help="演示完自行结束")
@frame
def demo(house: Frame, *, once: bool) -> None:
    """演示：真实流量经过网关，关上一个月，出账。"""
    from yuejie.demo.show import run_demo

    run_demo(house.settings, house.clock, once=once)


@click.group()
def practice() -> None:
    """练习环境：一家有几个月账单的练习客户，自成一套，与真实账目无关，可随时移除。"""


@practice.command("start")
@click.option("--port", "ports", type=int, multiple=True, hidden=True)
@frame
def start_practice(house: Frame, ports: tuple[int, ...]) -> None:
    """建立（第一次约一分钟）并运行练习环境，直到 Ctrl-C；显示地址与登录名。"""
    from yuejie.beside import free_ports
    from yuejie.demo.practice.place import Ports
    from yuejie.demo.practice.run import ready, serve

    serve(ready(house.settings, house.clock, Ports(*(ports or free_ports(3))), note), note)


@practice.command("remove")
@frame
def remove_practice(house: Frame) -> None:
    """停止并移除练习环境，连同它的全部数据。"""
    from yuejie.demo.practice.place import end

    say("已移除练习环境" if end(house.settings.home) else "没有练习环境")


@practice.command("show")
@as_json
@frame
def show_practice(house: Frame, *, json: bool) -> None:
    """显示练习环境在哪里、怎么登录。"""
    from dataclasses import asdict

    from yuejie.demo.practice.place import logins_of

    found = logins_of(house.settings.home)
    if json:
        give_json([asdict(each) for each in found])
        return
    rows = [(each.who, each.name, each.password) for each in found]
    show_table("练习环境", ["谁", "登录名", "密码"], rows)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@frame
def apply(house: Frame, file: Path) -> None:
    """按文件登记供应商、模型、价目、客户、项目和密钥；说明改了什么，重复执行不再改动。"""
    from yuejie.apply import Applying, apply_house, environ
    from yuejie.house_file import read_house_file

    wanted = read_house_file(text_of(file), file.name)
    with house.database() as db:
        applying = Applying(
            db=db,
            pepper=house.settings.pepper,
            credential_key=house.settings.credential_key,
            by=house.by,
            now=house.now(),
            folder=file.parent,
            environ=environ(),
        )
        changed = 0
        for change in apply_house(wanted, applying):
            say(f"已更改  {change.sentence}")
            changed += 1
    say("没有需要更改的内容" if not changed else f"共更改 {changed} 项")


@click.command()
@frame
def token(house: Frame) -> None:
    """显示运营令牌，REST 接口用它认人。"""
    say(house.settings.operator_token)


@click.group()
def journals() -> None:
    """流水：网关写在本机磁盘上的用量记录。"""


@journals.command("list")
@as_json
@frame
def list_journals(house: Frame, *, json: bool) -> None:
    """列出流水及其读取进度。"""
    from yuejie.intake.store import journals as all_journals

    with house.database() as db, db.read() as tx:
        found = all_journals(tx)
    if json:
        give_json(found)
        return
    rows = [
        (str(j.journal_id), j.node, called(JOURNALS, j.state), j.segment, j.position, j.note)
        for j in found
    ]
    show_table("流水", ["编号", "节点", "状态", "段", "位置", "说明"], rows)


@journals.command("adopt")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@frame
def adopt(house: Frame, folder: Path) -> None:
    """收养另一节点抢救出来的流水目录，读入其中尚未入库的记录；同 yuejie nodes adopt。"""
    from yuejie.intake.nodes.adopt import adopt as adopt_in

    settings = house.settings
    with house.database() as db:
        found = adopt_in(db, settings.home, settings.node, folder, clock=house.clock)
    say(f"已读入 {sum(each.events for each in found)} 条记录")


@journals.command("park")
@click.argument("journal_id")
@click.option("--why", required=True, help="搁置的原因，例如节点磁盘损坏")
@frame
def park(house: Frame, journal_id: str, why: str) -> None:
    """搁置一个再也读不到的流水，使关账不再等它，租用的额度视为已用；日后找回可收养，用量作为补计入账。"""
    from uuid import UUID

    from yuejie.budgets.lending.give_up import presume_spent
    from yuejie.intake.store import park_journal

    try:
        wanted = UUID(journal_id)
    except ValueError:
        raise Invalid(f"流水编号“{journal_id}”格式不对，请用 yuejie journals list 查看") from None
    with house.database() as db, db.begin() as tx:
        if not park_journal(tx, wanted, note=f"{house.by}：{why}", now=house.now()):
            raise Invalid(f"流水 {journal_id} 不存在或不在写，请用 yuejie journals list 查看")
        presumed = presume_spent(tx, wanted)
    say(f"已搁置 {journal_id}" + (f"，它租用的 {presumed} 处额度视为已用" if presumed else ""))


def until_told() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
