"""Refusals: the one table from what is wrong to status, dialect and sentence.

A refusal is an ordinary value. It is told in the client's own dialect, with the request id first,
in Chinese, or in English to a client whose Accept-Language begins with en.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final

import msgspec


class Dialect(StrEnum):
    """In whose words a client is answered."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


@dataclass(frozen=True, slots=True)
class _Row:
    """Status, OpenAI's and Anthropic's types, Gemini's status; the sentence twice."""

    status: int
    openai: str
    anthropic: str
    gemini: str
    zh: str
    en: str


_INVALID: Final = ("invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT")
_AUTH: Final = ("authentication_error", "authentication_error", "UNAUTHENTICATED")
_DENIED: Final = ("permission_error", "permission_error", "PERMISSION_DENIED")
_UNPAID: Final = ("insufficient_quota", "billing_error", "FAILED_PRECONDITION")
_LIMITED: Final = ("rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED")
_MISSING: Final = ("invalid_request_error", "not_found_error", "NOT_FOUND")
_CONFLICT: Final = ("invalid_request_error", "conflict_error", "ABORTED")
_LARGE: Final = ("invalid_request_error", "request_too_large", "INVALID_ARGUMENT")
_DOWN: Final = ("server_error", "overloaded_error", "UNAVAILABLE")
_UPSTREAM: Final = ("server_error", "api_error", "UNAVAILABLE")
_TIMEOUT: Final = ("server_error", "timeout_error", "DEADLINE_EXCEEDED")


class Code(Enum):
    """Why a call is refused; the name in lower case is the stable code."""

    KEY_MISSING = _Row(
        401,
        *_AUTH,
        "请求没有带密钥，请在 Authorization、x-api-key 或 x-goog-api-key 头中填写 sk-yj- 密钥",
        "No API key was sent: put your sk-yj- key into Authorization, x-api-key or x-goog-api-key.",
    )
    KEY_UNKNOWN = _Row(
        401,
        *_AUTH,
        "密钥（…{hint}）无效，请核对后重试，或请管理员重新签发",
        "The API key (…{hint}) is not valid: check it, or ask your administrator for a new one.",
    )
    KEY_REVOKED = _Row(
        401,
        *_AUTH,
        "密钥（…{hint}）已吊销，请换用新密钥",
        "The API key (…{hint}) has been revoked: use a new one.",
    )
    KEY_EXPIRED = _Row(
        401,
        *_AUTH,
        "密钥（…{hint}）已过期，请换用新密钥",
        "The API key (…{hint}) has expired: use a new one.",
    )
    CUSTOMER_SUSPENDED = _Row(
        403,
        *_DENIED,
        "客户账户已停用，请联系客户经理恢复",
        "This customer's account is suspended: contact your account manager.",
    )
    CUSTOMER_OVERDUE = _Row(
        402,
        *_UNPAID,
        "客户有账单逾期未付，已暂停服务；付款到账后自动恢复，请财务查看账单或联系客户经理",
        "Service is suspended: a bill is overdue. It resumes by itself once payment arrives.",
    )
    CREDIT_USED_UP = _Row(
        402,
        *_UNPAID,
        "客户的授信额度已用完，已暂停服务；付款、预付或调整额度后自动恢复，请联系客户经理",
        "Service is suspended: the credit limit is used up. Pay, prepay or have it raised.",
    )
    PREPAYMENT_USED_UP = _Row(
        402,
        *_UNPAID,
        "合同约定先付后用，客户的预付余额不足，请对公转账充值；款项入账后自动恢复，无需重新申请",
        "The contract asks for payment before use and the balance is used up: please top up.",
    )
    CREDIT_TOO_SMALL = _Row(
        402,
        *_UNPAID,
        "余额与授信只剩 {left}，本次调用最多需要 {need}，为免超支没有调用；"
        "请充值、付款或减小 max_tokens",
        "Balance and credit leave {left}, this call may need {need}: top up or lower max_tokens.",
    )
    PROTECTED = _Row(
        403,
        *_DENIED,
        "因用量异常，{whose}的调用已暂停（{name}），请管理员核实后解除",
        "Calls are paused because usage is unusual ({name}): your administrator can release them.",
    )
    CAP_USED_UP = _Row(
        402,
        *_UNPAID,
        "额度“{name}”（{whose}，{period} {cap}）只剩 {left}，本次最多需要 {need}，没有调用；"
        "请减小 max_tokens、请管理员提高额度{until}",
        "The budget '{name}' ({cap}) leaves {left}, this call may need {need}: lower max_tokens, "
        "ask your administrator to raise it{until_en}.",
    )
    CAP_BUSY = _Row(
        429,
        *_LIMITED,
        "额度“{name}”（{whose}，{period} {cap}）此刻都被在途请求预占，本次最多需要 {need}；"
        "请按 retry-after 稍后重试",
        "The budget '{name}' ({cap}) is reserved by calls under way; this one may need {need}. "
        "Retry after the time in retry-after.",
    )
    RATE_LIMITED = _Row(
        429,
        *_LIMITED,
        "超过“{name}”的限速（{whose}，{period} {cap}），本次需要 {need}；请按 retry-after 稍后重试",
        "The rate limit '{name}' ({cap}) is reached; this call needs {need}. Retry later.",
    )
    CAP_UNBOUNDED = _Row(
        400,
        *_INVALID,
        "硬额度“{name}”（{whose}）下不能调用：{why}没有上限，费用无法预占；"
        "请写明 max_tokens、去掉它，或请管理员改用“放行后计”的额度",
        "Under the hard budget '{name}' this call has no bound ({why}): set max_tokens or drop it.",
    )
    LIMITS_AWAY = _Row(
        503,
        *_DOWN,
        "额度“{name}”（{whose}）的余量此刻无法核对，为免超支没有调用；请按 retry-after 稍后重试",
        "What is left of the budget '{name}' cannot be checked just now; nothing was called.",
    )
    NO_CONTRACT = _Row(
        403,
        *_DENIED,
        "客户此刻没有生效的合同，请联系客户经理签订",
        "No contract is in force for this customer: contact your account manager.",
    )
    CONTRACT_ENDED = _Row(
        403,
        *_DENIED,
        "合同 {contract} 已到期或终止（试用期满也在此列），不再接受调用；"
        "请联系客户经理续签或转为正式合同，原密钥随之恢复",
        "The contract {contract} has ended: contact your account manager to renew it.",
    )
    MODEL_MISSING = _Row(
        400,
        *_INVALID,
        "请求没有写明模型，请填写 model；可用模型：{models}",
        "The request names no model: set `model`. Models you may use: {models}.",
    )
    MODEL_UNKNOWN = _Row(
        404,
        *_MISSING,
        "模型“{model}”不存在或未向该密钥开放；可用模型：{models}",
        "The model '{model}' does not exist or is not open to this key. You may use: {models}.",
    )
    MODEL_UNPRICED = _Row(
        400,
        *_INVALID,
        "模型“{model}”此刻没有价格，不能调用，请联系客户经理定价；可用模型：{models}",
        "The model '{model}' has no price at present and cannot be called. You may use: {models}.",
    )
    MODEL_NONE_FITS = _Row(
        400,
        *_INVALID,
        "自动模型“{model}”没有能应答本次请求的模型（{task}）：{why}；请改小请求、直接指定模型，"
        "或请管理员调整策略",
        "No model behind '{model}' can answer this request ({task_en}): {why_en}.",
    )
    MODEL_OTHER_DIALECT = _Row(
        400,
        *_INVALID,
        "模型“{model}”不能从 {path} 调用，请改用 {instead}",
        "The model '{model}' cannot be called through {path}: use {instead}.",
    )
    MODEL_OUT_OF_REACH = _Row(
        403,
        *_DENIED,
        "项目的供应商或地域策略不允许调用模型“{model}”的任何部署，请联系管理员调整策略",
        "The project's provider or region policy excludes every deployment of '{model}'.",
    )
    MODEL_DRAINED = _Row(
        503,
        *_DOWN,
        "模型“{model}”的部署都已停用，请稍后重试或换用其他模型",
        "Every deployment of '{model}' is drained: try later or use another model.",
    )
    TAGS_UNFIT = _Row(
        400,
        *_INVALID,
        "X-Yuejie-Tags 不对：{why}；请写成 名称=值 并以逗号分隔，已登记的标签名：{names}",
        "X-Yuejie-Tags is not right: {why}. Write name=value, comma-separated; declared: {names}.",
    )
    TASK_UNFIT = _Row(
        400,
        *_INVALID,
        "X-Yuejie-Task 只能含 ASCII 字符，中文任务名请用百分号编码后重试",
        "X-Yuejie-Task must be ASCII: percent-encode other characters.",
    )
    BODY_TOO_LARGE = _Row(
        413,
        *_LARGE,
        "请求体超过上限 {limit} 字节，请缩小后重试",
        "The request body exceeds {limit} bytes: make it smaller.",
    )
    BODY_BROKEN = _Row(
        400,
        *_INVALID,
        "请求体不是完整的 JSON（{why}），请改正后重试",
        "The request body is not valid JSON ({why}).",
    )
    FORM_BROKEN = _Row(
        400,
        *_INVALID,
        "表单请求体不对（{why}），请以 multipart/form-data 发送并包含 model 字段",
        "The form is not right ({why}): send multipart/form-data with a model field.",
    )
    PATH_UNKNOWN = _Row(
        404,
        *_MISSING,
        "没有 {method} {path} 这个接口；已有接口：{paths}",
        "There is no {method} {path}. There are: {paths}.",
    )
    NOT_OFFERED = _Row(
        501,
        *_INVALID,
        "{path}（{what}）暂未开通；已有接口：{paths}",
        "{path} ({what}) is not offered yet. There are: {paths}.",
    )
    SNAPSHOT_STALE = _Row(
        503,
        *_DOWN,
        "网关的价格与密钥快照缺失或过旧，暂停服务，请运维检查 intake 进程与数据库",
        "The gateway's snapshot is missing or too old; its operator must check intake.",
    )
    CLOCK_SKEWED = _Row(
        503,
        *_DOWN,
        "本机时钟与数据库相差 {skew_ms} 毫秒，超过一秒，不宜接收新流量，请运维校准时钟（NTP）",
        "This node's clock is {skew_ms} ms off the database's: its operator must set the clock.",
    )
    STOPPING = _Row(
        503,
        *_DOWN,
        "网关正在停机，请立即重试",
        "This gateway worker is stopping: try again at once.",
    )
    UPSTREAM_DOWN = _Row(
        502,
        *_UPSTREAM,
        "模型“{model}”的供应商连接失败，已尝试 {attempts} 次，请稍后重试",
        "The provider of '{model}' could not be reached in {attempts} attempts: try later.",
    )
    UPSTREAM_CUT = _Row(
        502,
        *_UPSTREAM,
        "供应商在应答途中断开，请重试",
        "The provider broke off in the middle of its answer: try again.",
    )
    UPSTREAM_SLOW = _Row(
        504,
        *_TIMEOUT,
        "供应商超过时限没有应答，请稍后重试或改用流式调用",
        "The provider did not answer in time: try later, or stream.",
    )
    UPSTREAM_CREDENTIAL = _Row(
        502,
        *_UPSTREAM,
        "供应商不接受本平台的凭证，运维已收到告警，请稍后重试",
        "The provider does not accept our credential; the operator has been alerted.",
    )
    UPSTREAM_TOO_LARGE = _Row(
        502,
        *_UPSTREAM,
        "供应商的应答超过 {limit} 字节，请改用流式调用",
        "The provider's answer exceeds {limit} bytes: stream it instead.",
    )
    REPEATED = _Row(
        409,
        *_CONFLICT,
        "这个 Idempotency-Key 已用于请求 {first}（{state}），不会重复调用；请查询它，或换一个键",
        "This Idempotency-Key belongs to request {first} ({state}); it is not sent twice.",
    )
    KEY_REUSED = _Row(
        409,
        *_CONFLICT,
        "这个 Idempotency-Key 已用于内容不同的请求 {first}，请换一个键",
        "This Idempotency-Key belongs to request {first}, whose body differs: use another key.",
    )
    IDEMPOTENCY_DOWN = _Row(
        503,
        *_DOWN,
        "数据库暂不可用，无法保证 Idempotency-Key 不重复，本次未调用；请稍后重试或去掉该头",
        "The database is away, so Idempotency-Key cannot be kept; nothing was called. Try later.",
    )
    INTERNAL = _Row(
        500,
        *_UPSTREAM,
        "网关内部出错，已记录；请重试，若再次出现请把请求编号告诉运维",
        "The gateway met an error of its own: try again, or tell its operator the request id.",
    )


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal with its facts; it becomes words only at the door."""

    code: Code
    facts: Mapping[str, object] = field(default_factory=dict)
    retry_after_s: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.code.value.status

    def sentence(self, request_id: str, *, english: bool = False) -> str:
        """Write the sentence, the request id first."""
        row = self.code.value
        if english:
            return f"Request {request_id}: {row.en.format_map(self.facts)}"
        return f"请求 {request_id}：{row.zh.format_map(self.facts)}"


def body_of(refused: Refused, dialect: Dialect, request_id: str, *, english: bool) -> bytes:
    """Write a refusal as the client's SDK expects it."""
    sentence = refused.sentence(request_id, english=english)
    return msgspec.json.encode(_BODIES[dialect](refused, sentence, request_id))


def frame_of(refused: Refused, dialect: Dialect, request_id: str, *, english: bool) -> bytes:
    """Write a refusal as the last frame of a stream that broke in the middle.

    The empty line in front ends a frame that the provider did not finish.
    """
    body = body_of(refused, dialect, request_id, english=english)
    event = b"event: error\n" if dialect is Dialect.ANTHROPIC else b""
    return b"\n\n" + event + b"data: " + body + b"\n\n"


def _openai(refused: Refused, sentence: str, request_id: str) -> dict[str, Any]:
    row, code = refused.code.value, refused.code.name.lower()
    param = "model" if code.startswith("model_") else None
    known = {
        "rate_limited": "rate_limit_exceeded",
        "model_unknown": "model_not_found",
        "key_unknown": "invalid_api_key",
    }
    error = {
        "message": sentence,
        "type": row.openai,
        "param": param,
        "code": known.get(code, code),
        "request_id": request_id,
    }
    return {"error": error}


def _anthropic(refused: Refused, sentence: str, request_id: str) -> dict[str, Any]:
    error = {"type": refused.code.value.anthropic, "message": sentence}
    return {"type": "error", "error": error, "request_id": request_id}


def _gemini(refused: Refused, sentence: str, request_id: str) -> dict[str, Any]:
    row = refused.code.value
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": refused.code.name,
        "metadata": {"requestId": request_id},
    }
    error = {"code": row.status, "message": sentence, "status": row.gemini, "details": [info]}
    return {"error": error}


_BODIES: Final[dict[Dialect, Callable[[Refused, str, str], dict[str, Any]]]] = {
    Dialect.OPENAI: _openai,
    Dialect.ANTHROPIC: _anthropic,
    Dialect.GEMINI: _gemini,
}
