"""OpenAI's manners: who is let in, which headers, how a refusal is worded."""

from typing import Final

from yuejie.demo.simulators.answer import Dialect, Refusal, Request
from yuejie.demo.simulators.tokens import Tokens
from yuejie.demo.simulators.world import json

_TYPES: Final = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    402: "insufficient_balance",
    403: "invalid_request_error",
    404: "invalid_request_error",
    408: "timeout_error",
    429: "requests",
}
_CODES: Final = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_MESSAGES: Final = {
    401: "Incorrect API key provided: {key}. You can find your API key at "
    "https://platform.openai.com/account/api-keys.",
    402: "Insufficient Balance",
    403: "Your organization must be verified to use this model.",
    404: "The model `{model}` does not exist or you do not have access to it.",
    408: "Request timed out.",
    429: "Rate limit reached for {model} on requests per min (RPM): Limit 10000, Used 10000, "
    "Requested 1. Please try again in 1s.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: "The engine is currently overloaded, please try again later",
}
_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. "
    "For more information on this error, read the docs."
)
_GLM: Final = {
    401: ("1000", "身份验证失败。"),
    404: ("1211", "模型不存在，请检查模型代码。"),
    429: ("1302", "您的账户已达到速率限制，请您控制请求频率"),
    500: ("500", "网络错误，请稍后重试"),
    503: ("1305", "该模型当前访问量过大，请您稍后再试"),
}
_LIMITS: Final = (
    ("openai-organization", "org-simulator"),
    ("openai-processing-ms", "12"),
    ("openai-version", "2020-10-01"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "30000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "29999000"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "0s"),
)


def credential(request: Request) -> str:
    """Return the bearer's key."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def admit(request: Request, keys: frozenset[str]) -> str:
    """Return the caller's key; refuse one that is not accepted."""
    given = credential(request)
    if given not in keys:
        raise Refusal(401, "unauthorized", "")
    return given


def headers(request: Request) -> list[tuple[str, str]]:
    """Return what every answer carries."""
    return [("x-request-id", f"req_{request.request_id}"), *_LIMITS]


def refuse(request: Request, refusal: Refusal) -> bytes:
    """Word a refusal."""
    if refusal.model.startswith("glm-") and refusal.status in _GLM:
        number, text = _GLM[refusal.status]
        return json({"error": {"code": number, "message": text}})
    quota = refusal.reason == "quota"
    template = _QUOTA if quota else _MESSAGES.get(refusal.status, _MESSAGES[500])
    key = credential(request)
    said = template.format(model=refusal.model, key=f"{key[:3]}{'*' * 8}{key[-4:]}")
    code = "insufficient_quota" if quota else _code(refusal)
    kind = "insufficient_quota" if quota else _TYPES.get(refusal.status, "server_error")
    error = {
        "message": refusal.message or said,
        "type": kind,
        "param": refusal.param or ("model" if code == "model_not_found" else None),
        "code": code,
    }
    return json({"error": error})


def _code(refusal: Refusal) -> str | None:
    if refusal.reason == "unknown_model":
        return "model_not_found"
    return _CODES.get(refusal.status)


OPENAI: Final = Dialect("openai", admit, headers, refuse)

ERROR_MIDSTREAM: Final = json(
    {
        "error": {
            "message": "The server had an error while processing your request.",
            "type": "server_error",
            "param": None,
            "code": None,
        }
    }
)


def tier_of(asked: str | None, directed: str | None) -> str:
    """Return the service tier that answers: `fast` reads back as `priority`."""
    if directed:
        return directed
    if asked in {None, "auto"}:
        return "default"
    return "priority" if asked == "fast" else str(asked)


def usage_of(tokens: Tokens, maker: str, *, writes: bool) -> dict[str, object]:
    """Return the usage object of chat and completions, as each maker words it."""
    details: dict[str, object] = {"cached_tokens": tokens.cached}
    extras: dict[str, object] = {}
    if maker == "openai":
        details |= {"audio_tokens": tokens.audio_in}
        if tokens.image_in:
            details |= {"image_tokens": tokens.image_in}
        if writes or tokens.written:
            details |= {"cache_write_tokens": tokens.written}
    elif maker == "deepseek":
        extras["prompt_cache_hit_tokens"] = tokens.cached
        extras["prompt_cache_miss_tokens"] = tokens.total_in - tokens.cached
    elif maker == "moonshot":
        extras["cached_tokens"] = tokens.cached
        details |= {"cache_write_tokens": tokens.written}
    elif maker == "qwen" and tokens.write_5m:
        details |= {
            "cache_creation": {"ephemeral_5m_input_tokens": tokens.write_5m},
            "cache_creation_input_tokens": tokens.write_5m,
            "cache_type": "ephemeral",
        }
    return {
        "prompt_tokens": tokens.total_in,
        "completion_tokens": tokens.out,
        "total_tokens": tokens.total_in + tokens.out,
        **extras,
        "prompt_tokens_details": details,
        "completion_tokens_details": _completion_details(tokens, maker),
    }


def _completion_details(tokens: Tokens, maker: str) -> dict[str, object]:
    if maker != "openai":
        return {"reasoning_tokens": tokens.reasoning}
    return {
        "reasoning_tokens": tokens.reasoning,
        "audio_tokens": tokens.audio_out,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
