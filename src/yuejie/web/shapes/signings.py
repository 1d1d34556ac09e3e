"""Requests for signature on the wire."""

from collections.abc import Sequence

from pydantic import Field

from yuejie.contracts.esign.store import Signing
from yuejie.db.transition import Transition
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import In, Instant, Out, TransitionOut


class SigningIn(In):
    """请客户签署一份审核过的草案。"""

    person: Text = Field(min_length=1, description="客户经办人姓名", examples=["张三"])
    mobile: Text = Field(description="经办人手机号，平台据此找到他", examples=["13800000000"])
    platform: Text = Field("", description="esign 或 fadada；只启用了一个时可不写")
    checked: Text = Field("", description="上次结果不明时，在平台上核对到了什么")


class SigningOut(Out):
    """一次电子签请求。"""

    signing_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    draft_id: str = Field(description="合同草案")
    paper_id: str = Field(description="所签文本")
    platform: str = Field(description="平台：esign e签宝，fadada 法大大")
    state: str = Field(
        description="asked 待发起，starting 发起中，running 签署中，"
        "completed 完成，refused 拒签，failed 失败（须人工核对）"
    )
    person: str = Field(description="经办人")
    mobile: str = Field(description="经办人手机号")
    task: str = Field(description="平台任务号")
    url: str = Field(description="签署地址，可转给经办人")
    note: str = Field(description="说明")
    next_at: Instant = Field(description="下次查询")
    asked_by: str = Field(description="谁发起")
    created_at: Instant = Field(description="何时发起")
    steps: list[TransitionOut] = Field(description="经历")

    @classmethod
    def of(cls, signing: Signing, steps: Sequence[Transition] = ()) -> "SigningOut":
        """Write a request, with its life where that was asked for."""
        own = {"person", "mobile", "steps"}
        facts = {name: getattr(signing, name) for name in cls.model_fields if name not in own}
        who = signing.who
        told = [TransitionOut.of(step) for step in steps]
        return cls(**facts, person=who.person, mobile=who.mobile, steps=told)
