"""`yuejie advice …`."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers as all_customers
from yuejie.db.session import Database
from yuejie.insights.advice import answer
from yuejie.insights.advice.advice import (
    CONFIDENCE_NAMES,
    EVENT_NAMES,
    KIND_NAMES,
    STATE_NAMES,
    AdviceState,
    Figure,
    Measure,
)
from yuejie.insights.advice.refresh import Round, refresh_advice, refresh_customer
from yuejie.insights.advice.show import Shown, Summary, show_advice, show_one, summary_of
from yuejie.insights.advice.words import WHAT_NAMES, WHATS, say_word, take_back, words_of
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth, zone_of

_COLUMNS: Final = ("编号", "状态", "建议", "每月节省", "把握", "账期", "计入合计")
_EVENTS: Final = {event.value: name for event, name in EVENT_NAMES.items()}
as_why: Final = click.option("--why", default="", help="说明")


@click.group()
def advice() -> None:
    """优化建议：按自己的用量和现行价目，改什么、每月省多少、怎么算的。"""


@advice.command("list")
@click.option("--customer", help="客户；不写则全部")
@click.option("--state", type=click.Choice([each.value for each in AdviceState]), help="状态")
@click.option("--limit", default=50, help="最多几条")
@as_json
@frame
def list_advice(
    house: Frame, customer: str | None, state: str | None, limit: int, *, json: bool
) -> None:
    """列出最新的建议，省得多的在前；写了客户则另给合计与数据不足之处。"""
    wanted = AdviceState(state) if state else None
    with house.database() as db:
        customer_id = _customer(db, customer) if customer else None
        shown = show_advice(db, customer_id, state=wanted, limit=limit)
        summary = summary_of(db, customer_id) if customer_id else None
    if json:
        give_json({"advice": [_plain(each) for each in shown], "summary": summary})
        return
    if shown:
        counted = {(p["kind"], p["slice"]) for p in summary.parts} if summary else set()
        shown.sort(key=lambda each: -each.advice.saving.fen)
        show_table("优化建议", _COLUMNS, [_row(each, counted) for each in shown])
    else:
        say("没有建议")
    if summary is not None:
        _tell_summary(summary)


@advice.command("show")
@click.argument("advice_id")
@as_json
@frame
def show(house: Frame, advice_id: str, *, json: bool) -> None:
    """一条建议：改什么、怎么算的、有多大把握、采纳后实际省了多少。"""
    with house.database() as db:
        shown = show_one(db, None, advice_id)
    if json:
        give_json(_plain(shown))
        return
    _tell(shown)


@advice.command("accept")
@click.argument("advice_id")
@as_why
@frame
def accept(house: Frame, advice_id: str, why: str) -> None:
    """采纳；此后按月核实实际节省。"""
    with house.database() as db:
        answer.accept(db, None, advice_id, why=why, by=house.by, now=house.now())
    say(f"已采纳 {advice_id}，此后按月核实实际节省")


@advice.command("dismiss")
@click.argument("advice_id")
@click.option("--why", required=True, help="原因")
@frame
def dismiss(house: Frame, advice_id: str, why: str) -> None:
    """不采纳；三个月内不再提同一条。"""
    with house.database() as db:
        answer.dismiss(db, None, advice_id, why=why, by=house.by, now=house.now())
    say(f"已记下不采纳 {advice_id}，{answer.SILENT.days} 天内不再提")


@advice.command("end")
@click.argument("advice_id")
@as_why
@frame
def end(house: Frame, advice_id: str, why: str) -> None:
    """不再核实；以后可重新提出。"""
    with house.database() as db:
        answer.end(db, None, advice_id, why=why, by=house.by, now=house.now())
    say(f"已结束 {advice_id} 的跟踪")


@advice.command("refresh")
@click.option("--customer", help="客户；不写则轮到的客户")
@click.option("--month", help="账期，如 2026-09；不写则上一个完整的账期")
@as_json
@frame
def refresh(house: Frame, customer: str | None, month: str | None, *, json: bool) -> None:
    """现在就计算（文书进程每天自行做）；做几次都一样。"""
    if month and not customer:
        raise click.UsageError("写 --month 时请一并写 --customer")
    label = BillingMonth.parse(month) if month else None
    with house.database() as db:
        if customer:
            customer_id = _customer(db, customer)
            rounds = [refresh_customer(db, customer_id, now=house.now(), month=label, anew=True)]
        else:
            rounds = refresh_advice(db, house.now())
        with db.read() as tx:
            slugs = {each.customer_id: each.slug for each in all_customers(tx)}
    if json:
        give_json(rounds)
        return
    _tell_rounds(rounds, slugs)


@advice.group("words")
def words() -> None:
    """客户的说明：哪些任务可换便宜模型、可以等待，哪些项目可看前缀哈希。"""


@words.command("list")
@click.argument("customer")
@as_json
@frame
def list_words(house: Frame, customer: str, *, json: bool) -> None:
    """列出客户现在的说明。"""
    with house.database() as db:
        found = words_of(db, _customer(db, customer))
    if json:
        give_json(found)
    elif found:
        rows = [[WHAT_NAMES[w.what], w.name or "全部项目", f"{w.since:%F}", w.by] for w in found]
        show_table("客户的说明", ("内容", "任务类型或项目", "起", "由"), rows)
    else:
        say("没有说明；密钥优先级小于 0 的工作视为可换便宜模型、可以等待")


@words.command("say")
@click.argument("customer")
@click.argument("what", type=click.Choice(WHATS))
@click.argument("name", default="")
@frame
def say_it(house: Frame, customer: str, what: str, name: str) -> None:
    """登记：cheaper 或 waits 加任务类型；prefix 加项目（不写为全部项目）。"""
    with house.database() as db:
        say_word(db, _customer(db, customer), what, name, by=house.by, now=house.now())
    say(f"已登记：{WHAT_NAMES[what]} {name or '全部'}")


@words.command("unsay")
@click.argument("customer")
@click.argument("what", type=click.Choice(WHATS))
@click.argument("name", default="")
@frame
def unsay(house: Frame, customer: str, what: str, name: str) -> None:
    """撤回一条说明；撤回前缀哈希后一秒内网关不再计算。"""
    with house.database() as db:
        take_back(db, _customer(db, customer), what, name, by=house.by, now=house.now())
    say(f"已撤回：{WHAT_NAMES[what]} {name or '全部'}")


def _customer(db: Database, name: str) -> CustomerId:
    with db.read() as tx:
        return find_customer(tx, name).customer_id


def _row(shown: Shown, counted: AbstractSet[tuple[str, str]]) -> list[object]:
    found = shown.advice
    once = "（一次性）" if "once" in found.figure.change.facts else ""
    return [
        found.advice_id,
        STATE_NAMES[found.state],
        found.figure.title,
        f"{found.saving} {found.saving.currency}{once}",
        CONFIDENCE_NAMES[found.figure.confidence],
        found.month,
        "是" if (found.kind, found.slice) in counted else "",
    ]


def _tell_summary(summary: Summary) -> None:
    joint = summary.joint
    say(
        f"按 {summary.month} 的用量，各条一起做每月共省 {joint} {joint.currency}"
        "（同一批调用上的几条互为替代，只计最大的一条）"
    )
    for gap in summary.gaps:
        say(f"· {gap}")


def _tell(shown: Shown) -> None:
    found, figure = shown.advice, shown.advice.figure
    say(f"{found.advice_id}  {KIND_NAMES[found.kind]}  {STATE_NAMES[found.state]}")
    say(f"{shown.customer.legal_name}：{figure.title}")
    once = "一次性" if "once" in figure.change.facts else "每月"
    saved = f"{found.saving} {found.saving.currency}"
    say(f"{once}节省 {saved}（{found.month} 的 {figure.calls:,} 次调用）")
    _tell_list("改什么", figure.steps)
    _tell_parts(found.currency, figure)
    _tell_list("怎么算的", figure.how)
    _tell_list("前提", figure.assumed)
    why = "；".join(figure.confidence_why)
    say(f"把握：{CONFIDENCE_NAMES[figure.confidence]}（{why}）")
    if shown.measures:
        rows = [_measure(each) for each in shown.measures]
        columns = ("账期", "调用", "实际费用", "按原来的做法", "节省", "说明")
        show_table("采纳后的实际节省", columns, rows)
    zone = zone_of(shown.customer.zone)
    for step in shown.steps:
        at = f"{step.at.astimezone(zone):%Y-%m-%d %H:%M}"
        say(f"{at}  {_EVENTS.get(step.event, step.event)}  {step.by}  {step.why}".rstrip())


def _tell_list(title: str, sentences: Sequence[str]) -> None:
    if sentences:
        say(f"{title}：")
        for sentence in sentences:
            say(f"  · {sentence}")


def _tell_parts(currency: str, figure: Figure) -> None:
    keys = figure.change.keys
    if keys:
        rows = [[key.name, key.project, _charge(key.saving_pico, currency)] for key in keys]
        show_table("哪些密钥", ("密钥", "项目", "其中节省"), rows)
    if figure.change.sizes:
        sizes = [
            [
                f"输入 ≤ {size.up_to:,}" if size.up_to else "更大",
                size.calls,
                _charge(size.saving_pico, currency),
            ]
            for size in figure.change.sizes
        ]
        show_table("哪些大小的请求", ("大小（token）", "调用", "其中节省"), sizes)


def _charge(pico: str, currency: str) -> str:
    return f"{Charge(int(pico), currency)} {currency}"


def _measure(measured: Measure) -> list[object]:
    low, high = measured.low, measured.high
    saved = f"{low}" if low == high else f"{low} 至 {high}"
    return [
        measured.month + ("" if measured.whole else "（未完）"),
        measured.calls,
        _charge(str(measured.actual_pico), measured.currency),
        _charge(str(measured.before_pico), measured.currency),
        f"{saved} {low.currency}",
        measured.said,
    ]


def _tell_rounds(rounds: Sequence[Round], slugs: Mapping[CustomerId, str]) -> None:
    for each in rounds:
        joint = f"，一起做每月共省 {each.joint} {each.joint.currency}" if each.joint else ""
        said = "没有变化" if not each.fresh else f"新建议 {each.found} 条，失效 {each.lapsed} 条"
        say(f"{slugs[each.customer_id]} {each.month}：{said}，核实 {each.measured} 条{joint}")
    if not rounds:
        say("各客户今天都已算过；现在就再算一个客户，请写 --customer 简称")


def _plain(shown: Shown) -> dict[str, object]:
    """Return what programs read: the advice, its customer, its life."""
    return {
        "advice": shown.advice,
        "customer": shown.customer.slug,
        "steps": shown.steps,
        "measures": shown.measures,
    }
