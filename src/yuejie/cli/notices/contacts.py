"""`yuejie notices contacts|channels|senders`: who is told, by what, and on whose account."""

import os
from datetime import time

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.cli.notices.commands import notices, whose
from yuejie.kernel.errors import Invalid
from yuejie.notices import store
from yuejie.notices.contact import LANGUAGES, ChannelKind
from yuejie.notices.contacts import (
    ChannelDraft,
    ContactDraft,
    add_channel,
    add_contact,
    change_contact,
    find_contact,
    remove_channel,
    remove_contact,
    rotate_secret,
    set_sender,
    shown,
)

of_customer = click.option("--customer", help="客户；不写则为运营方自己的联系人")


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
        customer_id = whose(db, customer)
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
@as_json
@frame
def add(
    house: Frame,
    customer: str | None,
    name: str,
    language: str,
    zone: str,
    quiet: str | None,
    *,
    json: bool,
) -> None:
    """登记联系人。"""
    first, until = _quiet(quiet)
    draft = ContactDraft(
        name=name, language=language, zone=zone, quiet_from=first, quiet_until=until
    )
    with house.database() as db:
        customer_id = whose(db, customer)
        contact = add_contact(db, customer_id, draft, by=house.by, now=house.now())
    if json:
        give_json(contact)
        return
    say(f"已登记联系人 {contact.name}，编号 {contact.contact_id}")


def _quiet(text: str | None) -> tuple[time | None, time | None]:
    if not text:
        return None, None
    try:
        first, until = (time.fromisoformat(each.strip()) for each in text.split("-"))
    except ValueError:
        raise Invalid(f"免打扰时段“{text}”格式不对，请写成 22:00-08:00") from None
    return first, until


@contacts.command("change")
@click.argument("contact_id")
@click.option("--name", help="姓名；不写则不变，下同")
@click.option("--language", type=click.Choice(LANGUAGES))
@click.option("--zone", help="免打扰时段所在时区")
@click.option("--quiet", help="免打扰时段，例如 22:00-08:00；写空串则取消")
@as_json
@frame
def change(
    house: Frame, /, contact_id: str, *, json: bool, quiet: str | None, **wanted: str | None
) -> None:
    """更改联系人的姓名、语言、时区或免打扰时段；渠道不变。"""
    with house.database() as db:
        with db.begin() as tx:
            was = find_contact(tx, contact_id, None)
        first, until = (was.quiet_from, was.quiet_until) if quiet is None else _quiet(quiet)
        draft = ContactDraft(
            name=wanted["name"] or was.name,
            language=wanted["language"] or was.language,
            zone=wanted["zone"] or was.zone,
            quiet_from=first,
            quiet_until=until,
        )
        became = change_contact(db, contact_id, draft, by=house.by, now=house.now())
    if json:
        give_json(became)
        return
    say(f"联系人 {became.name} 已更改")


@contacts.command("remove")
@click.argument("contact_id")
@as_json
@frame
def remove(house: Frame, contact_id: str, *, json: bool) -> None:
    """删除联系人及其渠道；投递记录保留，只有掩码。"""
    with house.database() as db:
        remove_contact(db, contact_id, by=house.by, now=house.now())
    if json:
        give_json({"removed": contact_id})
        return
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
        customer_id = whose(db, customer)
        with db.read() as tx:
            found = store.channels(tx, customer_id)
            names = {each.contact_id: each.name for each in store.contacts(tx, customer_id)}
    if json:
        give_json([shown(each) for each in found])
        return
    rows = [
        (c.channel_id, names[c.contact_id], c.kind, c.hint, "、".join(c.kinds) or "全部")
        for c in found
    ]
    show_table("渠道", ["编号", "联系人", "种类", "地址", "通知种类"], rows)


@channels.command("add")
@click.argument("contact_id")
@click.option("--kind", type=click.Choice([str(kind) for kind in ChannelKind]), required=True)
@click.option("--address", help="邮箱（多个用逗号）、手机号，或机器人与 webhook 的网址")
@click.option("--address-env", help="从这个环境变量读地址：机器人的网址本身就是密钥")
@click.option("--key-env", help="从这个环境变量读机器人的加签密钥")
@click.option("--only", "only", multiple=True, help="只要这些种类的通知，可多次；不写则全部")
@as_json
@frame
def add_way(
    house: Frame,
    contact_id: str,
    kind: str,
    address: str | None,
    address_env: str | None,
    key_env: str | None,
    only: tuple[str, ...],
    *,
    json: bool,
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
    if json:
        give_json({"channel": shown(made.channel), "key": made.key})
        return
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
@as_json
@frame
def remove_way(house: Frame, channel_id: str, *, json: bool) -> None:
    """删除渠道；等待投递的消息随之作废。"""
    with house.database() as db:
        remove_channel(db, channel_id, by=house.by, now=house.now())
    if json:
        give_json({"removed": channel_id})
        return
    say(f"已删除渠道 {channel_id}")


@channels.command("rotate")
@click.argument("channel_id")
@as_json
@frame
def rotate(house: Frame, channel_id: str, *, json: bool) -> None:
    """轮换 webhook 的签名密钥；旧密钥 24 小时内同时签名。"""
    with house.database() as db:
        key = rotate_secret(
            db,
            channel_id,
            credential_key=house.settings.credential_key,
            by=house.by,
            now=house.now(),
        )
    if json:
        give_json({"key": key})
        return
    say(f"新签名密钥（只显示这一次） {key}")


@notices.group("senders")
def senders() -> None:
    """发送账号：邮件服务器、短信平台。"""


@senders.command("set")
@click.argument("kind", type=click.Choice(["email", "aliyun_sms", "tencent_sms"]))
@click.option("--secret-env", help="从这个环境变量读口令或密钥")
@click.argument("settings", nargs=-1)
@as_json
@frame
def set_account(
    house: Frame, kind: str, secret_env: str | None, settings: tuple[str, ...], *, json: bool
) -> None:
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
    if json:
        give_json({"kind": kind, "settings": facts})
        return
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
