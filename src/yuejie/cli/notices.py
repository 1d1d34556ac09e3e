"""`yuejie notices …`."""

import os
from datetime import time

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.notices import store
from yuejie.notices.channels.post import Post
from yuejie.notices.contact import LANGUAGES, ChannelKind
from yuejie.notices.contacts import (
    ChannelDraft,
    ContactDraft,
    add_channel,
    add_contact,
    enqueue_test,
    remove_channel,
    remove_contact,
    rotate_secret,
    set_sender,
    shown,
)
from yuejie.notices.deliver import form_due, hand_on_due, send_now
from yuejie.notices.notice import NEEDS, Kind
from yuejie.notices.wording import zh
from yuejie.notices.wording.piece import Wording

STATES = ("waiting", "sent", "dead", "dropped")
of_customer = click.option("--customer", help="客户；不写则为运营方自己的联系人")


@click.group()
def notices() -> None:
    """通知：联系人、渠道、发送账号、投递记录、测试。"""


@notices.command("kinds")
@as_json
@frame
def kinds(house: Frame, *, json: bool) -> None:
    """列出通知种类和各自的必填事实。"""
    del house
    if json:
        give_json({kind: {"facts": NEEDS[kind].facts, "title": w.title} for kind, w in _worded()})
        return
    rows = [
        (kind, w.title, "、".join(NEEDS[kind].facts), str(NEEDS[kind].severity))
        for kind, w in _worded()
    ]
    show_table("通知种类", ["种类", "标题", "事实", "缓急"], rows)


def _worded() -> list[tuple[Kind, Wording]]:
    return list(zh.WORDINGS.items())


def _whose(db: Database, customer: str | None) -> CustomerId | None:
    if customer is None:
        return None
    with db.read() as tx:
        return find_customer(tx, customer).customer_id


@notices.group("contacts")
def contacts() -> None:
    """联系人：客户的，或运营方自己的。"""


@contacts.command("list")
@of_customer
@as_json
@frame
def list_contacts(house: Frame, customer: str | None, *, json: bool) -> None:
    """列出联系人。"""
    with house.database() as db:
        customer_id = _whose(db, customer)
        with db.read() as tx:
            found = store.contacts(tx, customer_id)
    if json:
        give_json(found)
        return
    rows = [
        (c.contact_id, c.name, c.language, c.zone, f"{c.quiet_from or ''}–{c.quiet_until or ''}")
        for c in found
    ]
    show_table("联系人", ["编号", "姓名", "语言", "时区", "免打扰"], rows)


@contacts.command("add")
@of_customer
@click.option("--name", required=True)
@click.option("--language", type=click.Choice(LANGUAGES), default="zh-CN")
@click.option("--zone", default="Asia/Shanghai", help="免打扰时段所在时区")
@click.option("--quiet", help="免打扰时段，例如 22:00-08:00；紧急通知不受限")
@frame
def add(
    house: Frame, customer: str | None, name: str, language: str, zone: str, quiet: str | None
) -> None:
    """登记联系人。"""
    first, until = _quiet(quiet)
    draft = ContactDraft(
        name=name, language=language, zone=zone, quiet_from=first, quiet_until=until
    )
    with house.database() as db:
        customer_id = _whose(db, customer)
        contact = add_contact(db, customer_id, draft, by=house.by, now=house.now())
    say(f"已登记联系人 {contact.name}，编号 {contact.contact_id}")


def _quiet(text: str | None) -> tuple[time | None, time | None]:
    if not text:
        return None, None
    try:
        first, until = (time.fromisoformat(each.strip()) for each in text.split("-"))
    except ValueError:
        raise Invalid(f"免打扰时段“{text}”格式不对，请写成 22:00-08:00") from None
    return first, until


@contacts.command("remove")
@click.argument("contact_id")
@frame
def remove(house: Frame, contact_id: str) -> None:
    """删除联系人及其渠道；投递记录保留，只有掩码。"""
    with house.database() as db:
        remove_contact(db, contact_id, by=house.by, now=house.now())
    say(f"已删除联系人 {contact_id}")


@notices.group("channels")
def channels() -> None:
    """渠道：邮件、群机器人、短信、webhook。"""


@channels.command("list")
@of_customer
@as_json
@frame
def list_channels(house: Frame, customer: str | None, *, json: bool) -> None:
    """列出渠道，地址只显示掩码。"""
    with house.database() as db:
        customer_id = _whose(db, customer)
        with db.read() as tx:
            found = store.channels(tx, customer_id)
    if json:
        give_json([shown(each) for each in found])
        return
    rows = [
        (c.channel_id, c.contact_id, c.kind, c.hint, "、".join(c.kinds) or "全部") for c in found
    ]
    show_table("渠道", ["编号", "联系人", "种类", "地址", "通知种类"], rows)


@channels.command("add")
@click.argument("contact_id")
@click.option("--kind", type=click.Choice([str(kind) for kind in ChannelKind]), required=True)
@click.option("--address", help="邮箱（多个用逗号）、手机号，或机器人与 webhook 的网址")
@click.option("--address-env", help="从这个环境变量读地址：机器人的网址本身就是密钥")
@click.option("--key-env", help="从这个环境变量读机器人的加签密钥")
@click.option("--only", "only", multiple=True, help="只要这些种类的通知，可多次；不写则全部")
@frame
def add_way(
    house: Frame,
    contact_id: str,
    kind: str,
    address: str | None,
    address_env: str | None,
    key_env: str | None,
    only: tuple[str, ...],
) -> None:
    """给联系人登记渠道；webhook 的签名密钥只显示这一次。"""
    draft = ChannelDraft(
        contact_id=contact_id,
        kind=kind,
        address=address or _given(address_env, "地址"),
        key=_given(key_env, "密钥") if key_env else "",
        kinds=list(only),
    )
    with house.database() as db:
        made = add_channel(
            db,
            draft,
            credential_key=house.settings.credential_key,
            allowed=house.settings.notice_hosts,
            by=house.by,
            now=house.now(),
        )
    say(f"已登记渠道 {made.channel.hint}，编号 {made.channel.channel_id}")
    if made.key:
        say(f"签名密钥（只显示这一次） {made.key}")


def _given(name: str | None, what: str) -> str:
    value = os.environ.get(name, "") if name else ""
    if not value:
        raise Invalid(f"没有给出{what}，请写在选项里，或写明存放它的环境变量")
    return value


@channels.command("remove")
@click.argument("channel_id")
@frame
def remove_way(house: Frame, channel_id: str) -> None:
    """删除渠道；等待投递的消息随之作废。"""
    with house.database() as db:
        remove_channel(db, channel_id, by=house.by, now=house.now())
    say(f"已删除渠道 {channel_id}")


@channels.command("rotate")
@click.argument("channel_id")
@frame
def rotate(house: Frame, channel_id: str) -> None:
    """轮换 webhook 的签名密钥；旧密钥 24 小时内同时签名。"""
    with house.database() as db:
        key = rotate_secret(
            db,
            channel_id,
            credential_key=house.settings.credential_key,
            by=house.by,
            now=house.now(),
        )
    say(f"新签名密钥（只显示这一次） {key}")


@notices.group("senders")
def senders() -> None:
    """发送账号：邮件服务器、短信平台。"""


@senders.command("set")
@click.argument("kind", type=click.Choice(["email", "aliyun_sms", "tencent_sms"]))
@click.option("--secret-env", help="从这个环境变量读口令或密钥")
@click.argument("settings", nargs=-1)
@frame
def set_account(house: Frame, kind: str, secret_env: str | None, settings: tuple[str, ...]) -> None:
    """登记发送账号，设置写成 名=值，例如 host=smtp.example.com from=bill@example.com。"""
    facts = dict(_pair(each) for each in settings)
    secret = _given(secret_env, "口令") if secret_env else ""
    with house.database() as db:
        set_sender(
            db,
            kind,
            facts,
            secret,
            credential_key=house.settings.credential_key,
            by=house.by,
            now=house.now(),
        )
    say(f"已登记 {kind} 发送账号")


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise Invalid(f"“{text}”请写成 名=值，例如 host=smtp.example.com")
    return name, value


@senders.command("list")
@as_json
@frame
def list_senders(house: Frame, *, json: bool) -> None:
    """列出发送账号，不含口令。"""
    with house.database() as db, db.read() as tx:
        found = store.senders(tx)
    if json:
        give_json({each.kind: each.settings for each in found})
        return
    rows = [(s.kind, " ".join(f"{n}={v}" for n, v in s.settings.items())) for s in found]
    show_table("发送账号", ["种类", "设置"], rows)


@notices.command("log")
@click.option("--customer", help="只看一个客户")
@click.option("--state", type=click.Choice(STATES), help="只看一种状态，例如 dead")
@click.option("--limit", default=50)
@as_json
@frame
def show_log(
    house: Frame, customer: str | None, state: str | None, limit: int, *, json: bool
) -> None:
    """投递记录，新的在前。"""
    with house.database() as db:
        customer_id = _whose(db, customer)
        with db.read() as tx:
            if customer_id is None:
                found = store.whole_log(tx, state=state, limit=limit)
            else:
                found = store.log(tx, customer_id, limit=limit)
    found = [each for each in found if state in {None, each.state}]
    if json:
        give_json(found)
        return
    rows = [
        (
            each.message_id,
            f"{each.formed_at:%m-%d %H:%M:%S}",
            each.channel_kind,
            each.hint,
            "、".join(each.kinds),
            each.state,
            each.attempts,
            f"{each.code or ''} {each.said or ''}".strip(),
        )
        for each in found
    ]
    heads = ["编号", "时间", "渠道", "地址", "通知", "状态", "次数", "答复"]
    show_table("投递记录（UTC）", heads, rows)


@notices.command("test")
@click.argument("channel_id")
@frame
def test(house: Frame, channel_id: str) -> None:
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
    if outcome is None:
        say("已写入发件箱，文书进程将在渠道空闲或免打扰结束后发出；请用 yuejie notices log 查看")
        return
    say(f"{message_id}：{outcome.result}（{outcome.code} {outcome.said}）")
