"""`yuejie capacity …`."""

from datetime import datetime
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.insight.chart import LEGEND, Column, chart
from yuejie.insights.capacity import store
from yuejie.insights.capacity.lane import GAUGE_NAMES, WHOLE, Ceiling, Gauge, Outlook
from yuejie.insights.capacity.take import rebuild_hours, take_hours
from yuejie.insights.capacity.watch import ZONE, outlooks, put_ceiling, sentence
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.period import zone_of

ROUNDS: Final = 1_000
_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def capacity() -> None:
    """容量：各供应商账号、各模型最忙的一分钟离供应商的配额还有多远，何时会到。"""


@capacity.command("list")
@click.option("--account", help="只看一个供应商账号")
@as_json
@frame
def list_(house: Frame, account: str | None, *, json: bool) -> None:
    """各账号、各上游模型近 7 天的每分钟高峰、周增幅、与配额的距离。"""
    with house.database() as db:
        found = outlooks(db, account=account, now=house.now())
    if json:
        give_json([_plain(each) for each in found])
        return
    if not found:
        say("还没有经网关的调用，也没有登记配额")
        return
    columns = [
        "账号",
        "上游模型",
        "度量",
        "近 7 天高峰",
        "周增幅",
        "配额",
        "占用",
        "何时到达",
        "429",
    ]
    show_table("容量", columns, [_row(each) for each in found])
    for each in found:
        if each.level is not None:
            say(f"！{sentence(each)}")


@capacity.command("show")
@click.argument("account")
@click.argument("model", default=WHOLE)
@click.option("--gauge", type=click.Choice([each.value for each in Gauge]), default="rpm")
@as_json
@frame
def show(house: Frame, account: str, model: str, gauge: str, *, json: bool) -> None:
    """一个账号与上游模型每天最忙的一分钟：以往、今后 28 天与配额。不写模型为整个账号。"""
    with house.database() as db:
        found = outlooks(db, account=account, now=house.now(), whole=model == WHOLE)
    wanted = [e for e in found if e.upstream_model == model and e.gauge == gauge]
    if not wanted:
        raise NotFound(
            f"账号 {account} 没有“{model or '整个账号'}”的高峰，请用 yuejie capacity list 查看"
        )
    if json:
        give_json(_plain(wanted[0]))
        return
    _draw(wanted[0])


def _draw(each: Outlook) -> None:
    say(sentence(each))
    past = [day for day in each.days if day.told is None][-42:]
    columns = [Column(f"{day.day:%m-%d}", day.peak) for day in past]
    for day in each.days:
        if day.told is not None:
            told = day.told
            columns.append(
                Column(f"{day.day:%m-%d}", day.peak, told.low80, told.middle, told.high80)
            )
    lines = chart(columns, lambda number: f"{number:,}", line=each.ceiling)
    if not lines:
        return
    say(f"每天最忙的一分钟，{GAUGE_NAMES[each.gauge]}")
    for line in lines:
        say(line)
    say(LEGEND + ("   ┄ 配额" if each.ceiling else ""))


@capacity.command("ceilings")
@as_json
@frame
def ceilings_(house: Frame, *, json: bool) -> None:
    """列出登记的供应商配额。"""
    with house.database() as db, db.read() as tx:
        found = store.ceilings(tx)
    if json:
        give_json(found)
        return
    rows = [(q.account_id, q.upstream_model or "（整个账号）", q.rpm, q.tpm, q.note) for q in found]
    show_table("供应商配额", ["账号", "上游模型", "RPM", "TPM", "说明"], rows)


@capacity.command("ceiling")
@click.argument("account")
@click.argument("model", default=WHOLE)
@click.option("--rpm", type=int, help="每分钟请求")
@click.option("--tpm", type=int, help="每分钟 token")
@click.option("--note", default="", help="说明，例如批复编号")
@frame
def ceiling_(
    house: Frame, account: str, model: str, rpm: int | None, tpm: int | None, note: str
) -> None:
    """登记供应商给一个账号与上游模型的配额；不写模型为整个账号，两项都不写为撤销。"""
    with house.database() as db:
        made = Ceiling(account, model, rpm, tpm, note)
        changed = put_ceiling(db, made, by=house.by, now=house.now())
    say("已登记" if changed else "无变化")


@capacity.command("take")
@as_json
@frame
def take(house: Frame, *, json: bool) -> None:
    """现在就取已完整的小时（文书进程自行做）；做几次都一样。"""
    hours = 0
    with house.database() as db:
        for _ in range(ROUNDS):
            taken = take_hours(db, house.now())
            hours += taken.hours
            if not taken.hours and not taken.settled:
                break
    if json:
        give_json({"hours": hours})
    else:
        say(f"取得 {hours:,} 个小时")


@capacity.command("rebuild")
@click.option("--since", type=_DAY, required=True, help="从哪一天起（北京时间）")
@click.option("--check", is_flag=True, help="只核对，不改")
@as_json
@frame
def rebuild(house: Frame, since: datetime, *, check: bool, json: bool) -> None:
    """从用量事件重算每小时的高峰。"""
    start = since.replace(tzinfo=zone_of(ZONE))
    with house.database() as db:
        found = rebuild_hours(db, start, house.now(), check=check)
    if json:
        give_json({"different": found})
    elif not found:
        say("与事件一致")
    elif not check:
        say(f"已更正 {len(found)} 个小时")
    if found and check:
        raise Conflict(f"{len(found)} 个小时与事件不一致，可去掉 --check 重算")


def _row(each: Outlook) -> list[object]:
    growth = "—" if each.weekly_percent is None else f"{each.weekly_percent:+} %"
    return [
        each.account_id,
        each.upstream_model or "（整个账号）",
        each.gauge.upper(),
        each.peak,
        growth,
        "未登记" if each.ceiling is None else f"{each.ceiling:,}",
        "—" if each.percent is None else f"{each.percent} %",
        _when(each),
        each.throttled,
    ]


def _when(each: Outlook) -> str:
    if each.ceiling is None:
        return "—"
    if each.peak >= each.ceiling:
        return "已到"
    if each.likely_on is None and each.maybe_on is None:
        return "28 天内不会"
    likely = f"约 {each.likely_on:%m-%d}" if each.likely_on else "28 天内多半不会"
    return likely + (f"，最早 {each.maybe_on:%m-%d}" if each.maybe_on else "")


def _plain(each: Outlook) -> dict[str, object]:
    return {"outlook": each, "percent": each.percent, "ahead": each.ahead, "said": sentence(each)}
