"""Why calls are turned away: what each reason is called, whose matter it is, what to do. Pure.

The names are those of `gateway.refusal.Code` in lower case; a test holds the two together. Refusals
of a provider's making (not reached, broken off, too slow) are none of these: such a call was
attempted, so it is an event, and must not be counted twice.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Party(StrEnum):
    """Who can change it."""

    CUSTOMER = "customer"
    """What the call says, or what the customer has set or owes."""
    OURS = "ours"
    """The call was in order, and we did not serve it: it counts against availability."""
    NOBODY = "nobody"
    """We do not know whose call it was."""


PARTY_NAMES: Final = {
    Party.CUSTOMER: "客户可以自行处理",
    Party.OURS: "平台的责任",
    Party.NOBODY: "不知是谁的请求",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason: its name, whose matter it is, and what to do about it."""

    name: str
    party: Party
    advice: str


_C, _O, _N = Party.CUSTOMER, Party.OURS, Party.NOBODY
REASONS: Final[dict[str, Reason]] = {
    "key_missing": Reason("没有带密钥", _N, "在请求头中带上 sk-yj- 密钥"),
    "key_unknown": Reason("密钥无效", _N, "核对密钥，或请管理员重新签发"),
    "key_revoked": Reason("密钥已吊销", _C, "换用新密钥，并停用仍在使用旧密钥的程序"),
    "key_expired": Reason("密钥已过期", _C, "签发新密钥并替换"),
    "customer_suspended": Reason("客户账户已停用", _C, "联系客户经理恢复"),
    "customer_overdue": Reason("账单逾期，已暂停服务", _C, "付清逾期账单，到账后自动恢复"),
    "credit_used_up": Reason("授信额度已用完", _C, "付款、预付，或申请提高授信额度"),
    "prepayment_used_up": Reason("预付余额不足", _C, "对公转账充值，入账后自动恢复"),
    "credit_too_small": Reason("余额与授信不够这一次", _C, "充值、付款，或减小 max_tokens"),
    "protected": Reason("因异常暂停", _C, "核实用量后，由管理员在“异常”页解除"),
    "cap_used_up": Reason("额度已用完", _C, "提高额度、减小 max_tokens，或等下一周期"),
    "cap_busy": Reason("额度被在途请求预占", _C, "按 retry-after 重试，或提高额度"),
    "rate_limited": Reason("超过限速", _C, "按 retry-after 重试，或提高限速"),
    "cap_unbounded": Reason("硬额度下费用没有上限", _C, "写明 max_tokens，或改用“放行后计”的额度"),
    "limits_away": Reason("额度余量无法核对", _O, "按 retry-after 重试；数据库恢复后自行好转"),
    "no_contract": Reason("没有生效的合同", _C, "联系客户经理签订合同"),
    "contract_ended": Reason("合同已到期或终止", _C, "联系客户经理续签"),
    "model_missing": Reason("没有写明模型", _C, "在请求中填写 model"),
    "model_unknown": Reason("模型不存在或未开放", _C, "核对模型名，或请管理员向密钥开放"),
    "model_unpriced": Reason("模型没有价格", _C, "联系客户经理定价，或换用其他模型"),
    "model_none_fits": Reason("自动模型无人能应答", _C, "改小请求、直接指定模型，或调整策略"),
    "model_other_dialect": Reason("模型不能从这个接口调用", _C, "改用应答中指明的接口"),
    "model_out_of_reach": Reason("项目策略不允许", _C, "由管理员调整项目的供应商或地域策略"),
    "model_drained": Reason("模型的部署都已停用", _O, "换用其他模型；平台恢复部署后可用"),
    "tags_unfit": Reason("标签不对", _C, "按已登记的标签名填写 X-Yuejie-Tags"),
    "task_unfit": Reason("任务名不对", _C, "中文任务名用百分号编码"),
    "body_too_large": Reason("请求体过大", _C, "缩小请求后重试"),
    "body_broken": Reason("请求体不是完整的 JSON", _C, "改正请求体"),
    "form_broken": Reason("表单不对", _C, "以 multipart/form-data 发送并包含 model"),
    "path_unknown": Reason("没有这个接口", _C, "核对接口地址"),
    "not_offered": Reason("接口暂未开通", _C, "改用已有的接口"),
    "snapshot_stale": Reason("网关的价格与密钥快照过旧", _O, "稍后重试；运维检查 intake 与数据库"),
    "clock_skewed": Reason("节点时钟偏差", _O, "稍后重试；运维校准时钟"),
    "stopping": Reason("网关正在停机", _O, "立即重试"),
    "repeated": Reason("Idempotency-Key 已用过", _C, "查询原请求，或换一个键"),
    "key_reused": Reason("Idempotency-Key 用于不同内容", _C, "换一个键"),
    "idempotency_down": Reason("Idempotency-Key 无法保证", _O, "稍后重试，或去掉该头"),
    "internal": Reason("网关内部出错", _O, "重试；若再次出现，请把请求编号告诉运维"),
}
FACTS: Final[dict[str, str]] = {
    "name": "额度",
    "whose": "范围",
    "period": "周期",
    "cap": "上限",
    "left": "剩余",
    "need": "本次最多需要",
    "contract": "合同",
    "first": "先前的请求",
    "state": "先前请求的状态",
    "limit": "请求体上限（字节）",
}
"""What is kept of a refusal's facts, as it is called: names and numbers of ours. What a client
wrote (a model, a path, why its JSON is broken) is none of these, for it may be a prompt."""
_STRANGE: Final = Reason("其他原因", Party.CUSTOMER, "查看应答中的说明")


def reason_of(code: str) -> Reason:
    """Return what is known of a reason; one of a newer build keeps its code as its name."""
    found = REASONS.get(code)
    return found or Reason(code, _STRANGE.party, _STRANGE.advice)


def is_ours(code: str) -> bool:
    """Tell whether a call that was turned away for this was owed to the customer."""
    return reason_of(code).party is Party.OURS
