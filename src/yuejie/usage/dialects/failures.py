"""Errors as providers tell them, in one vocabulary; whether one may try again, and when.

The code or type in the body speaks first, then the status; headers say how long to wait.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import ceil
from typing import Final

from yuejie.usage.dialects.document import Document, Literal, look, text
from yuejie.usage.dialects.reading import Failure

RETRYABLE: Final = {
    "rate_limit": True,
    "overloaded": True,
    "upstream_error": True,
    "timeout": True,
    "conflict": True,
    "quota_exhausted": False,
    "authentication": False,
    "permission": False,
    "not_found": False,
    "too_large": False,
    "invalid_request": False,
    "content_blocked": False,
}
"""Every class of error, and whether the same request may succeed later."""

BEFORE_WORK: Final = frozenset(
    {
        "rate_limit",
        "quota_exhausted",
        "authentication",
        "permission",
        "not_found",
        "too_large",
        "invalid_request",
        "conflict",
    }
)
"""Refusals before anything was processed: no provider charges for these."""

_BY_STATUS: Final = {
    400: "invalid_request",
    401: "authentication",
    402: "quota_exhausted",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    424: "upstream_error",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

# Codes and types, without case, underscores and the word "exception"; by provider.
_BY_WORD: Final = {
    # OpenAI, Azure
    "insufficientquota": "quota_exhausted",
    "billinghardlimitreached": "quota_exhausted",
    "ratelimitexceeded": "rate_limit",
    "servererror": "upstream_error",
    "contentfilter": "content_blocked",
    "contentpolicyviolation": "content_blocked",
    "contextlengthexceeded": "invalid_request",
    # Anthropic
    "invalidrequesterror": "invalid_request",
    "authenticationerror": "authentication",
    "billingerror": "quota_exhausted",
    "permissionerror": "permission",
    "notfounderror": "not_found",
    "conflicterror": "conflict",
    "requesttoolarge": "too_large",
    "ratelimiterror": "rate_limit",
    "apierror": "upstream_error",
    "timeouterror": "timeout",
    "overloadederror": "overloaded",
    # Google
    "invalidargument": "invalid_request",
    "failedprecondition": "invalid_request",
    "unauthenticated": "authentication",
    "permissiondenied": "permission",
    "notfound": "not_found",
    "resourceexhausted": "rate_limit",
    "internal": "upstream_error",
    "unavailable": "overloaded",
    "deadlineexceeded": "timeout",
    # AWS
    "throttling": "rate_limit",
    "modelnotready": "overloaded",
    "servicequotaexceeded": "quota_exhausted",
    "validation": "invalid_request",
    "accessdenied": "permission",
    "resourcenotfound": "not_found",
    "modeltimeout": "timeout",
    "modelerror": "upstream_error",
    "modelstreamerror": "upstream_error",
    "internalserver": "upstream_error",
    "serviceunavailable": "overloaded",
    # China
    "1302": "rate_limit",
    "1113": "quota_exhausted",
    "prepaidbilloverdue": "quota_exhausted",
    "postpaidbilloverdue": "quota_exhausted",
    "budgetlimitexceeded": "quota_exhausted",
    "arrearage": "quota_exhausted",
    "datainspectionfailed": "content_blocked",
    # Reasons for finishing that are failures (GLM, DeepSeek)
    "networkerror": "upstream_error",
    "insufficientsystemresource": "overloaded",
    "aborted": "upstream_error",
    "sensitive": "content_blocked",
}

_MINIMAX: Final = {
    1001: "timeout",
    1002: "rate_limit",
    1004: "authentication",
    1008: "quota_exhausted",
    1026: "content_blocked",
    1027: "content_blocked",
    1039: "rate_limit",
    2013: "invalid_request",
}
"""MiniMax says these inside a 200, as `base_resp.status_code`; others are its own failures."""

_CHOICES: Final = frozenset({"choices"})
_TELLING: Final = _CHOICES | {"error", "promptFeedback", "base_resp", "code"}
"""Members without which no answer tells of a failure."""
_FINISHED: Final = frozenset({None, "stop", "length", "tool_calls", "content_filter"})
"""Ordinary reasons to end. A filtered completion is an answer, and charged."""

_RETRY_DELAY: Final = re.compile(r"(\d+(?:\.\d{1,9})?)s")
_PLAIN: Final = re.compile(r"[\s_.\-]|exception$")


def of_response(status: int, headers: Mapping[str, str], answer: Document | None) -> Failure:
    """Name the failure of a call that was answered with an error status."""
    said = answer and (_in_words(answer) or _in_minimax(answer))
    header_word = _BY_WORD.get(_plain(headers.get("x-amzn-errortype", "").split(":")[0]))
    by_status = "upstream_error" if status >= 500 else "invalid_request"
    error_class = said or header_word or _BY_STATUS.get(status, by_status)
    wait = _wait_ms(headers, answer)
    return Failure(error_class, _retryable(error_class, headers, wait), wait)


def in_answer(frame: Document) -> Failure | None:
    """Find the failure that a 200 hides: in a stream, in `base_resp`, as a blocked prompt."""
    telling = _TELLING & frame.raw.keys()
    if not telling:
        return None
    if telling == _CHOICES and look(frame, "choices.0.finish_reason") in _FINISHED:
        return None
    if text(frame, ("promptFeedback.blockReason",)):
        return Failure("content_blocked", retryable=False)
    error_class = _in_minimax(frame) or _in_words(frame)
    if error_class is None and (look(frame, "error") or _is_flat_error(frame)):
        error_class = "upstream_error"
    return Failure(error_class, RETRYABLE[error_class]) if error_class else None


def of_exception(name: str) -> Failure:
    """Name an AWS exception frame."""
    error_class = _BY_WORD.get(_plain(name), "upstream_error")
    return Failure(error_class, RETRYABLE[error_class])


def _plain(word: str) -> str:
    return _PLAIN.sub("", word.lower())


def _is_flat_error(frame: Document) -> bool:
    """Alibaba's errors and OpenAI's `type: error` events have no `error` member around them."""
    return "code" in frame and "choices" not in frame and isinstance(frame.get("message"), str)


def _said(frame: Document) -> Iterator[object]:
    """The words an error may be told by, the most telling first."""
    error = frame.get("error")
    if isinstance(error, dict):
        yield from (error.get("code"), error.get("type"), error.get("status"))
    if _is_flat_error(frame):
        yield frame.get("code")
    # A filtered completion is an ordinary, charged answer; only an error blocks.
    finish = look(frame, "choices.0.finish_reason")
    yield finish if finish != "content_filter" else None


def _in_words(frame: Document) -> str | None:
    for word in _said(frame):
        if isinstance(word, (str, int)) and (known := _BY_WORD.get(_plain(str(word)))):
            return known
    return None


def _in_minimax(frame: Document) -> str | None:
    code = look(frame, "base_resp.status_code")
    if not isinstance(code, int) or code == 0:
        return None
    return _MINIMAX.get(code, "upstream_error")


def _retryable(error_class: str, headers: Mapping[str, str], wait: int | None) -> bool:
    told = headers.get("x-should-retry")
    if told in ("true", "false"):
        return told == "true"
    # Anthropic's spend cap is a 429 without a time to wait for.
    anthropic = "anthropic-organization-id" in headers or "request-id" in headers
    if error_class == "rate_limit" and anthropic and wait is None:
        return False
    return RETRYABLE[error_class]


def _wait_ms(headers: Mapping[str, str], answer: Document | None) -> int | None:
    """How long the provider asks to wait; dates are not read (the caller has its own backoff)."""
    for name, per_second in (("retry-after-ms", 1), ("retry-after", 1000)):
        exact = Literal(headers.get(name, "")).decimal()
        if exact is not None and exact.is_finite() and 0 <= exact <= 10**9:
            return ceil(exact * per_second)
    details = look(answer, "error.details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        found = _RETRY_DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if found:
            return ceil(Decimal(found[1]) * 1000)
    return None
