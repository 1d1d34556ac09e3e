"""`yuejie fapiao`: red fapiao, the drawer and the issuing limit, errands."""

import click

from yuejie.app import fapiao_provider
from yuejie.cli.fapiao.commands import fapiao
from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.words import ERRANDS, called
from yuejie.fapiao.issuing.errand import HOLD_SAID, Hold
from yuejie.fapiao.issuing.stop import retry_errand, stop_errand
from yuejie.fapiao.issuing.store import Watch, newest_watch, open_errands
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.issuing.watch import IDENTITY_SAID, LOGIN_SAID, look
from yuejie.fapiao.life import RedState
from yuejie.fapiao.reversing.form import REASON_WORDS, RedReason, read_pick
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of

_CHINA = zone_of("Asia/Shanghai")


@fapiao.command("reverse")
@click.argument("name")
@click.option("--reason", type=click.Choice([r.value for r in RedReason]), required=True)
@click.option("--why", required=True, help="写给审批人和档案的说明")
@click.option("--line", "lines", multiple=True, help="部分红冲：行号=含税金额，或只写行号，可重复")
@frame
def reverse(house: Frame, name: str, reason: str, why: str, lines: tuple[str, ...]) -> None:
    """申请红冲：不写 --line 为全额；须另一人批准后才提交税局。"""
    wish = RedWish(
        fapiao=name,
        reason=RedReason(reason),
        why=why,
        picks=tuple(read_pick(text) for text in lines),
    )
    with house.database() as db:
        red = request_red(db, wish, by=house.by, now=house.now())
    words = REASON_WORDS[RedReason(red.reason)]
    say(f"已申请红冲 {red.key}  蓝票 {red.blue_number}  {words}  {_yuan(red.amounts.gross_fen)}")


@fapiao.command("approve-red")
@click.argument("name")
@frame
def approve_one(house: Frame, name: str) -> None:
    """批准红冲申请，提交红字信息确认单。"""
    with house.database() as db:
        red = approve_red(db, name, by=house.by, now=house.now())
    say(f"已批准 {red.key}  蓝票 {red.blue_number}  {_yuan(red.amounts.gross_fen)}")


@fapiao.command("withdraw-red")
@click.argument("name")
@click.option("--why", required=True)
@frame
def withdraw(house: Frame, name: str, why: str) -> None:
    """撤回红冲：尚未提交的立即作废，已提交而未确认的向税局申请撤销。"""
    with house.database() as db:
        red = withdraw_red(db, name, why=why, by=house.by, now=house.now())
    void = red.state is RedState.VOID
    say(f"已撤回 {red.key}" if void else f"已向税局申请撤销 {red.key}")


@fapiao.command("quota")
@click.option("--look", "now_look", is_flag=True, help="现在就查一次（每天至多 20 次）")
@as_json
@frame
def show_issuing_limit(house: Frame, *, now_look: bool, json: bool) -> None:
    """发票总额度与开票员登录状态。"""
    with house.database() as db:
        name = house.settings.fapiao.fapiao_provider
        provider = fapiao_provider(house.settings, db) if now_look else None
        if provider is not None:
            look(db, provider, now=house.now(), asked_by_hand=True)
        with db.read() as tx:
            seen = newest_watch(tx, name)
    if json:
        give_json(seen)
    elif seen is None:
        say(f"还没有查询过 {name} 的额度和登录状态")
    else:
        _tell(seen)


@fapiao.command("errands")
@as_json
@frame
def list_errands(house: Frame, *, json: bool) -> None:
    """列出未完成的开票任务：等待、已发出待查询、搁置。"""
    with house.database() as db, db.read() as tx:
        found = open_errands(tx)
    if json:
        give_json(found)
        return
    rows = [
        (
            each.errand_id,
            each.what,
            each.key,
            called(ERRANDS, each.state),
            HOLD_SAID.get(Hold(each.hold), ""),
            each.attempts,
            f"{each.next_at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}",
            each.why,
        )
        for each in found
    ]
    columns = ["任务", "事项", "订单号", "状态", "受阻于", "次数", "下次", "说明"]
    show_table("开票任务", columns, rows)


@fapiao.command("stop")
@click.argument("errand_id", type=int)
@click.option("--why", required=True)
@frame
def stop(house: Frame, errand_id: int, why: str) -> None:
    """停止尚未发出的任务，或核实后停止搁置的任务，以便手工开具或退回申请。"""
    with house.database() as db:
        stop_errand(db, errand_id, why=why, by=house.by, now=house.now())
    say(f"已停止任务 {errand_id}")


@fapiao.command("retry")
@click.argument("errand_id", type=int)
@click.option("--why", required=True)
@frame
def retry(house: Frame, errand_id: int, why: str) -> None:
    """再查询一次搁置的任务；服务商没有该订单号时才以同一订单号重发。"""
    with house.database() as db:
        retry_errand(db, errand_id, why=why, by=house.by, now=house.now())
    say(f"任务 {errand_id} 将重新查询")


@fapiao.command("work")
@frame
def work(house: Frame) -> None:
    """现在就办理到期的开票任务（文书进程平时会自动办理）。"""
    with house.database() as db:
        done = tend(db, fapiao_provider(house.settings, db), now=house.now())
    say(f"办理了 {done} 次")


def _yuan(fen: int) -> str:
    return f"{Money(fen, 'CNY')} 元"


def _tell(seen: Watch) -> None:
    say(f"开票员：{LOGIN_SAID[seen.login]}，实人认证：{IDENTITY_SAID[seen.identity]}")
    if seen.available_fen is None or seen.total_fen is None or seen.used_fen is None:
        say("服务商不提供额度查询")
        return
    total, used, left = seen.total_fen, seen.used_fen, seen.available_fen
    say(f"额度 {_yuan(total)}，已用 {_yuan(used)}，可用 {_yuan(left)}")
    say(f"查询于 {seen.at.isoformat(timespec='seconds')}")
