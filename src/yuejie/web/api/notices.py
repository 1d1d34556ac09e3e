"""Contacts and channels of notices, and the log of deliveries."""

from typing import Annotated, Final

from fastapi import Query, status

from yuejie.notices import store
from yuejie.notices.contacts import (
    add_channel,
    add_contact,
    change_contact,
    enqueue_test,
    remove_channel,
    remove_contact,
    rotate_secret,
    set_sender,
)
from yuejie.notices.log import store as log_store
from yuejie.notices.log.retry import look, retry
from yuejie.notices.notice import NEEDS
from yuejie.notices.wording import zh
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
    KindOut,
    LogQuestion,
    MessageOut,
    Retried,
    RetryIn,
    SenderIn,
    SenderOut,
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
        customer_id = whose(tx, caller, customer)
    made = add_contact(db, customer_id, body.draft(), by=caller.name, now=now)
    return ContactOut.model_validate(made)


@routes.put("/contacts/{contact_id}", summary="更改联系人")
def put_contact(
    db: Db, caller: AnyCaller, now: Now, contact_id: Name, body: ContactIn
) -> ContactOut:
    """更改联系人的姓名、语言、时区或免打扰时段；没有写的恢复默认，渠道不变。"""
    became = change_contact(
        db, contact_id, body.draft(), customer_id=caller.customer_id, by=caller.name, now=now
    )
    return ContactOut.model_validate(became)


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


@routes.get("/kinds", summary="列出通知种类")
def list_kinds(caller: AnyCaller) -> list[KindOut]:
    """列出通知种类、各自的必填事实（按此顺序为短信模板的变量）和缓急。"""
    del caller
    return [
        KindOut(kind=kind, title=wording.title, facts=list(need.facts), severity=need.severity)
        for kind, wording, need in ((k, w, NEEDS[k]) for k, w in zh.WORDINGS.items())
    ]


@routes.get("/senders", summary="列出发送账号")
def list_senders(db: Db, caller: AnyCaller) -> list[SenderOut]:
    """列出发信服务器与短信平台的账号，不含口令。"""
    del caller
    with db.read() as tx:
        return [SenderOut.model_validate(each) for each in store.senders(tx)]


@routes.put("/senders/{sender}", summary="登记发送账号")
def put_sender(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, sender: Name, body: SenderIn
) -> SenderOut:
    """登记或更换一个发送账号；口令加密保存，不再显示。"""
    set_sender(
        db,
        sender,
        body.settings,
        body.secret,
        credential_key=desk.credential_key,
        by=caller.name,
        now=now,
    )
    return SenderOut(kind=sender, settings=body.settings)


@routes.get("/log", summary="投递记录")
def get_log(db: Db, caller: AnyCaller, asked: Annotated[LogQuestion, Query()]) -> Page[DeliveryOut]:
    """列出投递记录，新的在前；运营方不写客户则为全部。"""
    window = Window.read("notices", asked.cursor, asked.limit)
    wish = asked.wish(window.after)
    with db.read() as tx:
        customer_id = whose(tx, caller, asked.customer)
        if customer_id is None:
            rows = log_store.whole_log(tx, wish, limit=window.fetch)
        else:
            rows = log_store.log(tx, customer_id, wish, limit=window.fetch)
    return window.page(rows, DeliveryOut.model_validate, lambda row: row.message_id)


@routes.get("/log/{message_id}", summary="查看一条消息")
def get_message(db: Db, caller: AnyCaller, now: Now, message_id: Name) -> MessageOut:
    """查看一条消息：说了什么，每次尝试对方怎么答复，下次何时再发。"""
    with db.read() as tx:
        return MessageOut.of(look(tx, message_id, caller.customer_id, now=now))


@routes.post("/log/retry", summary="重发已放弃的消息", status_code=status.HTTP_202_ACCEPTED)
def post_retry(db: Db, caller: AnyCaller, now: Now, body: RetryIn) -> Retried:
    """重发已放弃（dead）的消息，编号不变；文书进程随即再试，有一条不能重发则都不重发。"""
    return Retried(retried=retry(db, body.message_ids, by=caller.name, now=now))
