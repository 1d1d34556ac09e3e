"""Contacts, channels and deliveries of notices on the wire."""

from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from yuejie.notices.contacts import ChannelDraft, ContactDraft
from yuejie.web.shapes.wire import In, Instant, Out

Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class ContactOut(Out):
    """联系人。"""

    contact_id: str = Field(description="编号")
    customer_id: str | None = Field(description="所属客户；空为运营方自己的联系人")
    name: str = Field(description="姓名", examples=["王会计"])
    language: str = Field(description="语言：zh-CN 或 en")
    zone: str = Field(description="免打扰时段所在时区")
    quiet_from: time | None = Field(description="免打扰开始")
    quiet_until: time | None = Field(description="免打扰结束")
    created_at: Instant = Field(description="登记时间")


class ContactIn(In):
    """登记联系人。"""

    name: Text = Field(min_length=1, description="姓名", examples=["王会计"])
    language: Literal["zh-CN", "en"] = Field("zh-CN", description="语言")
    zone: Text = Field("Asia/Shanghai", description="免打扰时段所在时区")
    quiet_from: time | None = Field(None, description="免打扰开始", examples=["22:00"])
    quiet_until: time | None = Field(None, description="免打扰结束", examples=["08:00"])

    def draft(self) -> ContactDraft:
        """Return what the verb takes."""
        return ContactDraft(**self.model_dump())


class ChannelOut(Out):
    """渠道；地址只显示掩码。"""

    channel_id: str = Field(description="编号")
    contact_id: str = Field(description="联系人")
    customer_id: str | None = Field(description="所属客户；空为运营方")
    kind: str = Field(description="邮件、机器人、短信或 webhook", examples=["email"])
    kinds: list[str] = Field(description="要哪些种类的通知；空为全部")
    hint: str = Field(description="地址的掩码", examples=["w***@acme.example.com"])
    created_at: Instant = Field(description="登记时间")


class ChannelIn(In):
    """给联系人登记渠道。"""

    kind: Literal[
        "email", "wecom", "dingtalk", "feishu", "aliyun_sms", "tencent_sms", "webhook"
    ] = Field(description="种类")
    address: Text = Field(
        min_length=1,
        description="邮箱（多个用逗号）、手机号，或机器人与 webhook 的网址",
        examples=["wang@acme.example.com"],
    )
    key: Text = Field("", description="机器人的加签密钥；webhook 的密钥由本平台生成")
    kinds: list[Text] = Field(default=[], max_length=100, description="要哪些种类；不写为全部")

    def draft(self, contact_id: str) -> ChannelDraft:
        """Return what the verb takes."""
        return ChannelDraft(contact_id=contact_id, **self.model_dump())


class ChannelMade(Out):
    """新登记的渠道。"""

    channel: ChannelOut = Field(description="登记信息")
    key: str = Field(description="webhook 的签名密钥，只显示这一次；其他渠道为空")


class KeyMade(Out):
    """新的签名密钥。"""

    key: str = Field(description="只显示这一次；旧密钥 24 小时内同时签名", examples=["whsec_…"])


class Tested(Out):
    """已写入发件箱的测试通知。"""

    notice_key: str = Field(description="测试通知的键；结果见投递记录")


class Forgotten(Out):
    """已删除的编号。"""

    removed: str = Field(description="编号")


class DeliveryOut(Out):
    """一条消息的投递。"""

    message_id: str = Field(description="消息编号；重发时不变")
    customer_id: str | None = Field(description="客户；空为运营方")
    channel_kind: str = Field(description="渠道种类")
    hint: str = Field(description="地址的掩码")
    kinds: list[str] = Field(description="所含通知的种类")
    state: str = Field(description="waiting 待发，sent 已发，dead 已放弃，dropped 已作废")
    attempts: int = Field(description="尝试次数")
    formed_at: Instant = Field(description="形成时间")
    due_at: Instant = Field(description="下次尝试时间")
    ended_at: Instant | None = Field(description="结束时间")
    code: str | None = Field(description="对方最近一次答复的代码")
    said: str | None = Field(description="对方最近一次答复的说明")
