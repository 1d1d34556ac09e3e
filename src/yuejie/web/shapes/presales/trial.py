"""Trials on the wire."""

from typing import Any

from pydantic import Field

from yuejie.presales.trial.ask import Receipt
from yuejie.presales.trial.pdf import facts_of
from yuejie.presales.trial.report import TrialReport
from yuejie.presales.trial.trial import DAYS_LEAST, DAYS_MOST, Asked, TrialRequest
from yuejie.web.shapes.wire import Amount, In, Instant, Name, Out


class TrialAsk(In):
    """申请试用：不必是客户。"""

    company: str = Field(min_length=2, max_length=100, description="公司全称")
    contact: str = Field(min_length=1, max_length=100, description="联系人")
    email: str = Field(max_length=100, description="公司邮箱", examples=["lu@example.com"])
    phone: str = Field("", max_length=100, description="电话")
    purpose: str = Field("", max_length=500, description="用途")
    models: list[Name] = Field([], max_length=50, description="想试用的模型；不写为全部可试用的")
    days: int = Field(DAYS_LEAST, ge=DAYS_LEAST, le=DAYS_MOST, description="自然日，含首日")
    tokens: int | None = Field(None, ge=1, le=10**15, description="token 额度；不写为规则的上限")

    def asked(self) -> Asked:
        """Return what the verb takes."""
        return Asked(
            company=self.company,
            contact=self.contact,
            email=self.email,
            phone=self.phone,
            purpose=self.purpose,
            models=tuple(self.models),
            days=self.days,
            tokens=self.tokens,
        )


class TrialAsked(Out):
    """申请已收到。"""

    request_id: str = Field(description="申请编号")
    claim: str = Field(description="领取码，只显示这一次；批准后凭它领取密钥")
    state: str = Field(description="asked 待审核，granted 已批准")
    days: int = Field(description="自然日")
    tokens: int = Field(description="token 额度")
    models: list[str] = Field(description="可试用的模型")

    @classmethod
    def of(cls, receipt: Receipt) -> "TrialAsked":
        """Write a receipt."""
        request = receipt.request
        return cls(
            request_id=request.request_id,
            claim=receipt.claim,
            state=request.state,
            days=request.days,
            tokens=request.tokens,
            models=list(request.models),
        )


class ClaimIn(In):
    """领取试用密钥。"""

    claim: str = Field(min_length=1, max_length=100, description="领取码")


class ClaimOut(Out):
    """试用密钥，只显示这一次。"""

    trial_id: str = Field(description="试用编号")
    key: str = Field(description="密钥，只显示这一次")
    models: list[str] = Field(description="可试用的模型")
    tokens: int = Field(description="token 额度（硬限额）")
    ends_at: Instant = Field(description="止于；此后密钥停止受理，转正式合同后恢复")


class TrialRequestOut(Out):
    """试用申请。"""

    request_id: str = Field(description="编号")
    company: str = Field(description="公司")
    contact: str = Field(description="联系人")
    email: str = Field(description="邮箱")
    phone: str = Field(description="电话")
    purpose: str = Field(description="用途")
    models: list[str] = Field(description="模型")
    days: int = Field(description="自然日")
    tokens: int = Field(description="token 额度")
    asked_at: Instant = Field(description="申请时间")
    state: str = Field(description="asked、granted、declined")
    decided_by: str = Field(description="处理人")
    decided_at: Instant | None = Field(description="处理时间")
    why: str = Field(description="婉拒的原因")

    @classmethod
    def of(cls, request: TrialRequest) -> "TrialRequestOut":
        """Write a request; where it came from and its claim stay with us."""
        return cls.model_validate(request)


class GrantTrialIn(In):
    """批准试用。"""

    customer: Name | None = Field(None, description="客户简称；不写则按申请编号")


class DeclineIn(In):
    """婉拒试用。"""

    why: str = Field(min_length=1, max_length=500, description="原因，申请人会看到")


class TrialDayOut(Out):
    """试用的一天。"""

    day: str = Field(description="日期")
    requests: int = Field(description="已应答的调用")
    tokens: int = Field(description="token")


class TrialLineOut(Out):
    """一行用量，按目录价列出参考金额。"""

    month: str = Field(description="用量月份")
    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    quantity: int = Field(description="数量")
    list_rate: str = Field(description="目录价")
    at_list: Amount = Field(description="按目录价，仅供参考")


class TrialCostOut(Out):
    """一个月的成本，只有运营方看得到。"""

    month: str = Field(description="月份")
    currency: str = Field(description="币种")
    fen: int = Field(description="成本，分")
    booked_fen: int = Field(description="已转入销售费用，分")


class TrialOut(Out):
    """试用：用量不计费。"""

    trial_id: str = Field(description="编号")
    customer: str = Field(description="客户简称")
    company: str = Field(description="公司")
    stage: str = Field(description="running 进行中，converted 已转正式，ended 已期满")
    starts_at: Instant = Field(description="始于")
    over_at: Instant = Field(description="止于")
    contract_id: str | None = Field(description="接续的合同")
    models: list[str] = Field(description="可试用的模型")
    tokens_most: int = Field(description="token 额度")
    tokens: int = Field(description="已用 token")
    requests: int = Field(description="已应答的调用")
    at_list: Amount = Field(description="按目录价，含税，仅供参考")
    payable: Amount = Field(description="应付：零")
    days: list[TrialDayOut] = Field(description="逐日")
    lines: list[TrialLineOut] = Field(description="逐行")
    costs: list[TrialCostOut] | None = Field(None, description="成本，仅运营方")

    @classmethod
    def of(cls, report: TrialReport, *, with_costs: bool) -> "TrialOut":
        """Write a report."""
        facts: dict[str, Any] = facts_of(report)
        costs = [TrialCostOut.model_validate(each) for each in report.costs]
        return cls.model_validate(facts | {"costs": costs if with_costs else None})


class ConvertIn(In):
    """转为正式合同。"""

    draft: Name = Field(description="审核过的合同草案编号；起始时间须在一分钟之后")


class ConvertOut(Out):
    """接续试用的合同。"""

    contract_id: str = Field(description="编号")
    number: str = Field(description="合同编号，印在合同与账单上")
    version: int = Field(description="第几版")
    starts_at: Instant = Field(description="自此计费；此前的试用用量永不计费")
