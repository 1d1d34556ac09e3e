"""`yuejie notices log|show|retry|test`: what went out, what was said to it, and another try."""

from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.notices.commands import notices, whose
from yuejie.cli.words import MESSAGES, called
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import PAGE_MAX
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.notices.channels.post import Post
from yuejie.notices.contact import ChannelKind
from yuejie.notices.contacts import enqueue_test
from yuejie.notices.deliver import form_due, hand_on_due, send_now
from yuejie.notices.log import store
from yuejie.notices.log.retry import Whole, look, retry
from yuejie.notices.log.store import Delivery, Wish
from yuejie.notices.notice import Kind

_STATES: Final = ("waiting", "sent", "dead", "dropped")
_CHINA: Final = zone_of("Asia/Shanghai")
_KINDS: Final = [str(kind) for kind in ChannelKind]
_limited = click.option("--limit", type=click.IntRange(1, PAGE_MAX), default=50, show_default=True)


@notices.command("log")
@click.option("--customer", help="只看一个客户")
@click.option("--state", type=click.Choice(_STATES), help="只看一种状态，例如 dead")
@click.option("--channel-kind", type=click.Choice(_KINDS), help="只看一种渠道")
@click.option("--channel", "channel_id", help="只看一个渠道")
@click.option("--kind", type=click.Choice([str(kind) for kind in Kind]), help="只看一种通知")
@click.option("--key", help="只看一个通知的键，例如 bill:bil_1:issued")
@click.option("--since", help="从何时起，例如 2026-11-01 或 2026-11-01T08:00:00+08:00")
@click.option("--until", help="到何时止，不含")
@click.option("--before", default="", help="翻页：上一页最后一条的编号")
@_limited
@as_json
@frame
def show_log(  # noqa: PLR0913 - each is a filter
    house: Frame,
    *,
    customer: str | None,
    state: str | None,
    channel_kind: str | None,
    channel_id: str | None,
    kind: str | None,
    key: str | None,
    since: str | None,
    until: str | None,
    before: str,
    limit: int,
    json: bool,
) -> None:
    """投递记录，新的在前。"""
    wish = Wish(
        state=state,
        channel_kind=channel_kind,
        channel_id=channel_id,
        kind=kind,
        notice_key=key,
        since=parse_instant(since, _CHINA) if since else None,
        until=parse_instant(until, _CHINA) if until else None,
        before=before,
    )
    with house.database() as db:
        found = _found(db, whose(db, customer), wish, limit)
    if json:
        give_json(found)
        return
    show_table("投递记录", _HEADS, [_row(each) for each in found])


_HEADS: Final = ["编号", "时间", "渠道", "通知", "状态", "次数", "答复"]


def _row(each: Delivery) -> tuple[object, ...]:
    return (
        each.message_id,
        f"{each.formed_at.astimezone(_CHINA):%m-%d %H:%M}",
        f"{each.channel_kind} {each.hint}",
        "、".join(dict.fromkeys(each.kinds)),
        called(MESSAGES, each.state),
        each.attempts,
        f"{each.code or ''} {each.said or ''}".strip(),
    )


def _found(db: Database, customer_id: CustomerId | None, wish: Wish, limit: int) -> list[Delivery]:
    with db.read() as tx:
        if customer_id is None:
            return store.whole_log(tx, wish, limit=limit)
        return store.log(tx, customer_id, wish, limit=limit)


@notices.command("show")
@click.argument("message_id")
@as_json
@frame
def show(house: Frame, message_id: str, *, json: bool) -> None:
    """查看一条消息：说了什么，每次尝试对方怎么答复，下次何时再发。"""
    with house.database() as db, db.read() as tx:
        whole = look(tx, message_id, None, now=house.now())
    if json:
        give_json(whole)
        return
    _say(whole)


def _say(whole: Whole) -> None:
    each = whole.delivery
    state = called(MESSAGES, each.state)
    say(f"{each.message_id}  {state}  {each.channel_kind} {each.hint}  渠道 {each.channel_id}")
    if each.state == "waiting":
        say(f"下次尝试 {each.due_at.astimezone(_CHINA):%Y-%m-%d %H:%M:%S}")
    if whole.resting is not None:
        until = whole.resting.until.astimezone(_CHINA)
        say(f"接收方暂停接收至 {until:%Y-%m-%d %H:%M:%S}（{whole.resting.why}）")
    rows = [
        (
            t.number,
            f"{t.begun_at.astimezone(_CHINA):%m-%d %H:%M:%S}",
            t.result or "没有留下结果",
            f"{t.code or ''} {t.said or ''}".strip(),
        )
        for t in whole.tries
    ]
    show_table("尝试", ["第几次", "时间", "结果", "答复"], rows)
    say(whole.text)


@notices.command("retry")
@click.argument("message_ids", nargs=-1)
@click.option("--all-dead", is_flag=True, help="重发全部已放弃的消息，可按客户、渠道、时间缩小范围")
@click.option("--customer", help="只重发一个客户的")
@click.option("--channel-kind", type=click.Choice(_KINDS), help="只重发一种渠道的")
@click.option("--since", help="只重发何时起形成的")
@_limited
@as_json
@frame
def try_again(
    house: Frame,
    message_ids: tuple[str, ...],
    customer: str | None,
    channel_kind: str | None,
    since: str | None,
    limit: int,
    *,
    all_dead: bool,
    json: bool,
) -> None:
    """重发已放弃（dead）的消息，编号不变；文书进程随即再试。"""
    if bool(message_ids) == all_dead:
        raise Invalid("请写明要重发的消息编号，或用 --all-dead 重发全部已放弃的消息")
    with house.database() as db:
        ids = list(message_ids)
        if all_dead:
            wish = Wish(
                state="dead",
                channel_kind=channel_kind,
                since=parse_instant(since, _CHINA) if since else None,
            )
            found = _found(db, whose(db, customer), wish, limit)
            ids = [each.message_id for each in found if each.language is not None]
        revived = retry(db, ids, by=house.by, now=house.now()) if ids else []
    if json:
        give_json({"retried": revived})
        return
    say(f"将重发 {len(revived)} 条消息，结果请用 yuejie notices log 查看")


@notices.command("test")
@click.argument("channel_id")
@as_json
@frame
def test(house: Frame, channel_id: str, *, json: bool) -> None:
    """立即向一个渠道发一条测试通知，说明对方怎么答复。"""
    post = Post(house.settings.credential_key, house.settings.notice_hosts)
    with house.database() as db:
        now = house.now()
        key = enqueue_test(db, channel_id, by=house.by, now=now)
        hand_on_due(db, now)
        form_due(db, now)
        with db.read() as tx:
            message_id = store.message_of_test(tx, key)
        outcome = send_now(db, post, message_id, now) if message_id else None
    if json:
        give_json({"notice_key": key, "message_id": message_id, "outcome": outcome})
        return
    if outcome is None:
        say("已写入发件箱，文书进程将在渠道空闲后发出；请用 yuejie notices log 查看")
        return
    say(f"{message_id}：{outcome.result}（{outcome.code} {outcome.said}）")
