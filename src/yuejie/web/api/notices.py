"""Contacts and channels of notices, and the log of deliveries."""

from typing import Annotated, Final

from fastapi import Query, status

from yuejie.customers.enrol import find_customer
from yuejie.notices import store
from yuejie.notices.contacts import (
    add_channel,
    add_contact,
    enqueue_test,
    remove_channel,
    remove_contact,
    rotate_secret,
)
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.notices import (
    ChannelIn,
    ChannelMade,
    ChannelOut,
    ContactIn,
    ContactOut,
    DeliveryOut,
    Forgotten,
    KeyMade,
    Tested,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("通知", prefix="/notices")
Whose = Annotated[Name | None, Query(description="客户；不填为运营方自己的")]


@routes.get("/contacts", summary="列出联系人")
def list_contacts(
    db: Db, caller: AnyCaller, customer: Whose = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ContactOut]:
    """列出一个客户的联系人，或运营方自己的。"""
    window = Window.read("contacts", cursor, limit)
    with db.read() as tx:
        rows = store.contacts(tx, whose(tx, caller, customer))
    found = cut(window, rows, lambda row: row.contact_id)
    return window.page(found, ContactOut.model_validate, lambda row: row.contact_id)


@routes.post("/contacts", summary="登记联系人", status_code=status.HTTP_201_CREATED)
def post_contact(
    db: Db, caller: AnyCaller, now: Now, body: ContactIn, customer: Whose = None
) -> ContactOut:
    """登记联系人；不写客户则为运营方自己的。"""
    with db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id if customer else None
    made = add_contact(db, customer_id, body.draft(), by=caller.name, now=now)
    return ContactOut.model_validate(made)


@routes.get("/channels", summary="列出渠道")
def list_channels(
    db: Db, caller: AnyCaller, customer: Whose = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ChannelOut]:
    """列出渠道；地址只显示掩码，密钥不显示。"""
    window = Window.read("channels", cursor, limit)
    with db.read() as tx:
        rows = store.channels(tx, whose(tx, caller, customer))
    found = cut(window, rows, lambda row: row.channel_id)
    return window.page(found, ChannelOut.model_validate, lambda row: row.channel_id)


@routes.post(
    "/contacts/{contact_id}/channels", summary="登记渠道", status_code=status.HTTP_201_CREATED
)
def post_channel(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, contact_id: Name, body: ChannelIn
) -> ChannelMade:
    """给联系人登记渠道；webhook 的签名密钥只在这次答复中出现。"""
    made = add_channel(
        db,
        body.draft(contact_id),
        credential_key=desk.credential_key,
        allowed=desk.notice_hosts,
        by=caller.name,
        now=now,
        customer_id=caller.customer_id,
    )
    return ChannelMade(channel=ChannelOut.model_validate(made.channel), key=made.key)


@routes.post(
    "/channels/{channel_id}/test", summary="测试渠道", status_code=status.HTTP_202_ACCEPTED
)
def post_test(db: Db, caller: AnyCaller, now: Now, channel_id: Name) -> Tested:
    """向一个渠道发一条测试通知；文书进程随即发出，结果见投递记录。"""
    key = enqueue_test(db, channel_id, by=caller.name, now=now, customer_id=caller.customer_id)
    return Tested(notice_key=key)


@routes.post("/channels/{channel_id}/rotate", summary="轮换签名密钥")
def post_rotate(db: Db, desk: DeskHere, caller: AnyCaller, now: Now, channel_id: Name) -> KeyMade:
    """给 webhook 换签名密钥；旧密钥 24 小时内同时签名。"""
    key = rotate_secret(
        db,
        channel_id,
        credential_key=desk.credential_key,
        by=caller.name,
        now=now,
        customer_id=caller.customer_id,
    )
    return KeyMade(key=key)


@routes.post("/channels/{channel_id}/remove", summary="删除渠道")
def post_remove_channel(db: Db, caller: AnyCaller, now: Now, channel_id: Name) -> Forgotten:
    """删除渠道；等待投递的消息随之作废。"""
    remove_channel(db, channel_id, by=caller.name, now=now, customer_id=caller.customer_id)
    return Forgotten(removed=channel_id)


@routes.post("/contacts/{contact_id}/remove", summary="删除联系人")
def post_remove_contact(db: Db, caller: AnyCaller, now: Now, contact_id: Name) -> Forgotten:
    """删除联系人及其渠道；投递记录保留，只有掩码。"""
    remove_contact(db, contact_id, by=caller.name, now=now, customer_id=caller.customer_id)
    return Forgotten(removed=contact_id)


@routes.get("/log", summary="投递记录")
def get_log(
    db: Db, caller: AnyCaller, customer: Whose = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[DeliveryOut]:
    """列出投递记录，新的在前；运营方不写客户则为全部。"""
    window = Window.read("notices", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            rows = store.whole_log(tx, before=window.after, limit=window.fetch)
        else:
            rows = store.log(tx, customer_id, before=window.after, limit=window.fetch)
    return window.page(rows, DeliveryOut.model_validate, lambda row: row.message_id)
