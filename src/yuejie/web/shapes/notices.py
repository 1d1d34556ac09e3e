"""Contacts, channels and deliveries of notices on the wire."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field

from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.notices.contacts import ChannelDraft, ContactDraft
from yuejie.notices.log.retry import Whole
from yuejie.notices.log.store import Wish
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

    notice_key: str = Field(description="测试通知的键；结果见 GET /notices/log?key=这个键")


class Forgotten(Out):
    """已删除的编号。"""

    removed: str = Field(description="编号")


class DeliveryOut(Out):
    """一条消息的投递。"""

    message_id: str = Field(description="消息编号；重发时不变")
    customer_id: str | None = Field(description="客户；空为运营方")
    channel_id: str = Field(description="渠道")
    channel_kind: str = Field(description="渠道种类")
    hint: str = Field(description="地址的掩码")
    kinds: list[str] = Field(description="所含通知的种类")
    urgent: bool = Field(description="是否紧急：紧急的不受免打扰时段限制")
    state: str = Field(description="waiting 待发，sent 已发，dead 已放弃，dropped 已作废")
    attempts: int = Field(description="尝试次数")
    formed_at: Instant = Field(description="形成时间")
    due_at: Instant = Field(description="下次尝试时间")
    ended_at: Instant | None = Field(description="结束时间")
    code: str | None = Field(description="对方最近一次答复的代码")
    said: str | None = Field(description="对方最近一次答复的说明")


class LogQuestion(In):
    """要看哪些投递记录。"""

    customer: Text | None = Field(None, description="客户；不填则为全部")
    state: Literal["waiting", "sent", "dead", "dropped"] | None = Field(None, description="状态")
    channel_kind: Text | None = Field(None, description="渠道种类", examples=["email"])
    channel: Text | None = Field(None, description="渠道编号")
    kind: Text | None = Field(None, description="通知种类", examples=["bill_issued"])
    key: Text | None = Field(None, description="通知的键，例如测试渠道时得到的")
    since: Instant | None = Field(None, description="从何时起")
    until: Instant | None = Field(None, description="到何时止，不含")
    cursor: Annotated[str, Field(max_length=1_000)] | None = Field(
        None, description="上一页答复中的 next_cursor；第一页不填"
    )
    limit: int = Field(PAGE, ge=1, le=PAGE_MAX, description=f"每页条数，最多 {PAGE_MAX}")

    def wish(self, before: str) -> Wish:
        """Return what the store takes."""
        return Wish(
            state=self.state,
            channel_kind=self.channel_kind,
            channel_id=self.channel,
            kind=self.kind,
            notice_key=self.key,
            since=self.since,
            until=self.until,
            before=before,
        )


class TryOut(Out):
    """一次尝试。"""

    number: int = Field(description="第几次")
    begun_at: Instant = Field(description="开始时间")
    at: Instant | None = Field(description="结束时间；空为进程中断，没有留下结果")
    result: str | None = Field(description="sent 已收，retry 再试，refused 拒收")
    code: str | None = Field(description="对方的代码")
    said: str | None = Field(description="对方的说明，地址与密钥已掩码")


class ToldOut(Out):
    """消息里的一条通知。"""

    notice_id: str = Field(description="通知编号")
    kind: str = Field(description="种类")
    facts: dict[str, str] = Field(description="事实")
    at: Instant = Field(description="发生时间")


class MessageOut(DeliveryOut):
    """一条消息的全部。"""

    told: list[ToldOut] = Field(description="所含通知，先发生的在前")
    tries: list[TryOut] = Field(description="每次尝试")
    resting_until: Instant | None = Field(description="接收方暂停接收到何时；空为没有暂停")
    resting_why: str | None = Field(description="因哪个代码暂停")
    text: str = Field(description="所说的话，纯文本")

    @classmethod
    def of(cls, whole: Whole) -> Self:
        """Shape a message."""
        seen = DeliveryOut.model_validate(whole.delivery).model_dump()
        return cls(
            **seen,
            told=[ToldOut.model_validate(each) for each in whole.told],
            tries=[TryOut.model_validate(each) for each in whole.tries],
            resting_until=whole.resting.until if whole.resting else None,
            resting_why=whole.resting.why if whole.resting else None,
            text=whole.text,
        )


class RetryIn(In):
    """要重发的消息。"""

    message_ids: list[Text] = Field(min_length=1, max_length=PAGE_MAX, description="消息编号")


class Retried(Out):
    """将重发的消息。"""

    retried: list[str] = Field(description="消息编号")


class KindOut(Out):
    """一种通知。"""

    kind: str = Field(description="种类", examples=["bill_issued"])
    title: str = Field(description="中文标题的样式")
    facts: list[str] = Field(description="必填的事实，按此顺序为短信模板的变量")
    severity: str = Field(description="routine 一般，urgent 紧急")


class SenderOut(Out):
    """一个发送账号，不含口令。"""

    kind: str = Field(description="email、aliyun_sms 或 tencent_sms")
    settings: dict[str, str] = Field(description="设置")


class SenderIn(In):
    """登记发送账号。"""

    settings: dict[Text, Text] = Field(
        max_length=200,
        description="设置，例如 host、from；短信另有 template.通知种类",
        examples=[{"host": "smtp.example.com", "security": "tls", "from": "bill@example.com"}],
    )
    secret: Text = Field("", description="口令或密钥；加密保存，不再显示")
