"""`yuejie anomalies …`."""

from datetime import datetime, timedelta
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.anomaly import answer
from yuejie.insights.anomaly.explain import Share
from yuejie.insights.anomaly.finding import (
    EVENT_NAMES,
    MEASURE_NAMES,
    RULE_NAMES,
    SCOPE_NAMES,
    STATE_NAMES,
    Feedback,
    Finding,
    FindingState,
    Measure,
)
from yuejie.insights.anomaly.scan import Taken, watch_customer, watch_usage
from yuejie.insights.anomaly.show import Shown, show_finding, show_findings
from yuejie.insights.anomaly.tell import facts_of, money, place
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of

ROUNDS: Final = 1_000
"""A scan that a person starts goes on until nothing is left, but not for ever."""
_COLUMNS: Final = ("编号", "状态", "开始", "范围", "度量", "通常", "现在", "密钥", "模型", "多出")
_EVENTS: Final = {event.value: name for event, name in EVENT_NAMES.items()} | {
    "feedback_true": "反馈：确有异常",
    "feedback_false": "反馈：误报",
}
as_why: Final = click.option("--why", default="", help="说明")


@click.group()
def anomalies() -> None:
    """异常：用量、费用、请求与失败的异常，谁造成，花了多少。"""


@anomalies.command("list")
@click.option("--customer", help="客户；不写则全部")
@click.option("--state", type=click.Choice([each.value for each in FindingState]), help="状态")
@click.option("--limit", default=50, help="最多几条")
@as_json
@frame
def list_findings(
    house: Frame, customer: str | None, state: str | None, limit: int, *, json: bool
) -> None:
    """列出异常发现，新的在前。"""
    wanted = FindingState(state) if state else None
    with house.database() as db:
        shown = show_findings(db, _customer(db, customer), state=wanted, limit=limit)
    if json:
        give_json([_plain(each) for each in shown])
    elif shown:
        show_table("异常发现", _COLUMNS, [_row(each) for each in shown])
    else:
        say("没有异常发现")


@anomalies.command("show")
@click.argument("finding_id")
@as_json
@frame
def show(house: Frame, finding_id: str, *, json: bool) -> None:
    """一个异常发现：什么变了、谁造成、经历。"""
    with house.database() as db:
        shown = show_finding(db, None, finding_id)
    if json:
        give_json(_plain(shown))
        return
    _tell(shown)


@anomalies.command("ack")
@click.argument("finding_id")
@as_why
@frame
def ack(house: Frame, finding_id: str, why: str) -> None:
    """写下有人知道了；平息后自行结束。"""
    with house.database() as db:
        answer.acknowledge(db, None, finding_id, why=why, by=house.by, now=house.now())
    say(f"已知悉 {finding_id}")


@anomalies.command("mute")
@click.argument("finding_id")
@click.option("--until", type=click.DateTime(), help="到何时（客户时区），最多 90 天")
@click.option("--days", type=int, help="或静音几天")
@as_why
@frame
def mute(house: Frame, finding_id: str, until: datetime | None, days: int | None, why: str) -> None:
    """到某个时刻为止，同一原因（主要的密钥，或所在范围）不再有新的发现；仍照常学习。"""
    if (until is None) == (days is None):
        raise click.UsageError("请写 --until 或 --days 之一")
    with house.database() as db:
        zone = zone_of(show_finding(db, None, finding_id).customer.zone)
        end = until.replace(tzinfo=zone) if until else house.now() + timedelta(days=days or 0)
        answer.mute(db, None, finding_id, until=end, why=why, by=house.by, now=house.now())
    say(f"已静音至 {end.astimezone(zone):%Y-%m-%d %H:%M}")


@anomalies.command("feedback")
@click.argument("finding_id")
@click.argument("said", type=click.Choice([each.value for each in Feedback]))
@as_why
@frame
def feedback(house: Frame, finding_id: str, said: str, why: str) -> None:
    """说明是否确有异常：true 或 false；误报使同一范围的门槛提高。"""
    with house.database() as db:
        answer.give_feedback(
            db, None, finding_id, Feedback(said), why=why, by=house.by, now=house.now()
        )
    say("已记下：确有异常" if said == Feedback.TRUE else "已记下：误报，同一范围须罕见三倍才再发现")


@anomalies.command("scan")
@click.option("--customer", help="客户；不写则全部")
@as_json
@frame
def scan(house: Frame, customer: str | None, *, json: bool) -> None:
    """现在就取已完整的小时与日（文书进程每分钟自行做）；做几次都一样。"""
    taken = Taken()
    with house.database() as db:
        customer_id = _customer(db, customer)
        for _ in range(ROUNDS):
            now = house.now()
            more = watch_customer(db, customer_id, now=now) if customer_id else watch_usage(db, now)
            taken += more
            if not more.hours:
                break
    if json:
        give_json(taken)
        return
    say(f"取得 {taken.hours:,} 个小时、{taken.days:,} 天，新发现 {taken.found:,} 个")


def _customer(db: Database, name: str | None) -> CustomerId | None:
    if name is None:
        return None
    with db.read() as tx:
        return find_customer(tx, name).customer_id


def _row(shown: Shown) -> list[object]:
    found = shown.finding
    facts = facts_of(shown.customer, found, shown.names)
    return [
        found.finding_id,
        STATE_NAMES[found.state],
        facts["since"],
        f"{SCOPE_NAMES[found.scope]} {facts['scope']}",
        MEASURE_NAMES[found.measure],
        facts["expected"],
        facts["observed"],
        facts["key"],
        found.model,
        facts["extra"],
    ]


def _tell(shown: Shown) -> None:
    found = shown.finding
    facts = facts_of(shown.customer, found, shown.names)
    where = f"{SCOPE_NAMES[found.scope]} {place(found, shown.names, shown.customer)}"
    said = f"，反馈{_EVENTS[f'feedback_{found.feedback}'][3:]}" if found.feedback else ""
    say(f"{found.finding_id}  {STATE_NAMES[found.state]}{said}")
    say(f"{where} 的{MEASURE_NAMES[found.measure]}自 {facts['since']} 起异常")
    say(f"{facts['observed']}，通常约 {facts['expected']}（{RULE_NAMES[found.rule]}）")
    say(f"主要来自密钥 {facts['key']}、模型 {found.model}；至今约多出 {facts['extra']}")
    for title, shares in (("密钥", found.shares.by_key), ("模型", found.shares.by_model)):
        rows = [_share(shown, share) for share in shares]
        show_table(f"差异来自哪些{title}", [title, "这一时段", "以前平均", "差异"], rows)
    zone = zone_of(shown.customer.zone)
    for step in shown.steps:
        at = f"{step.at.astimezone(zone):%Y-%m-%d %H:%M}"
        say(f"{at}  {_EVENTS.get(step.event, step.event)}  {step.by}  {step.why}".rstrip())


def _share(shown: Shown, share: Share) -> list[object]:
    said, found = shown.finding.shares, shown.finding
    difference = said.part(share) // said.periods
    numbers = (share.now, share.before // said.periods, difference)
    return [shown.names.get(share.name, share.name), *(_number(found, n) for n in numbers)]


def _number(found: Finding, number: int) -> object:
    return money(number, found.currency) if found.measure is Measure.COST else number


def _plain(shown: Shown) -> dict[str, object]:
    """Return what programs read: the finding, and what is told of it."""
    found = shown.finding
    return {
        "finding": found,
        "customer": shown.customer.slug,
        "told": facts_of(shown.customer, found, shown.names),
        "steps": shown.steps,
    }
