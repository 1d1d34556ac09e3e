"""Errors of every provider, in one vocabulary; and which of them were charged."""

import json
from typing import Any

import pytest

from yuejie.usage.dialects import Api, Reading, ReadingState, Reason, RequestHint, read_body

ASKED = RequestHint("asked")


def refused(status: int, body: object, headers: dict[str, str] | None = None) -> Reading:
    return read_body(Api.OPENAI_CHAT, status, headers or {}, json.dumps(body).encode(), ASKED)


def error(**members: object) -> dict[str, Any]:
    return {"error": {"message": "no", **members}}


@pytest.mark.parametrize(
    ("status", "body", "error_class", "retryable"),
    [
        (400, error(type="invalid_request_error"), "invalid_request", False),
        (401, error(code="invalid_api_key"), "authentication", False),
        (402, error(type="billing_error"), "quota_exhausted", False),
        (403, {}, "permission", False),
        (404, error(status="NOT_FOUND", code=404), "not_found", False),
        (408, {}, "timeout", True),
        (413, error(type="request_too_large"), "too_large", False),
        (418, {}, "invalid_request", False),
        (429, error(code="rate_limit_exceeded", type="tokens"), "rate_limit", True),
        (429, error(code="insufficient_quota"), "quota_exhausted", False),
        (429, error(status="RESOURCE_EXHAUSTED", code=429), "rate_limit", True),
        (429, {"code": "BudgetLimitExceeded", "message": "no"}, "quota_exhausted", False),
        (500, error(type="api_error"), "upstream_error", True),
        (502, "bad gateway", "upstream_error", True),
        (503, error(status="UNAVAILABLE"), "overloaded", True),
        (529, error(type="overloaded_error"), "overloaded", True),
    ],
)
def test_every_refusal_has_a_class_and_costs_nothing(
    status: int, body: object, error_class: str, *, retryable: bool
) -> None:
    reading = refused(status, body)
    assert (reading.error_class, reading.retryable) == (error_class, retryable)
    assert (reading.state, reading.items) == (ReadingState.NOT_APPLICABLE, ())


def test_aws_names_its_errors_in_a_header() -> None:
    headers = {"x-amzn-errortype": "ServiceQuotaExceededException:http://x"}
    assert refused(400, {"message": "no"}, headers).error_class == "quota_exhausted"


def test_an_error_page_that_is_no_json_is_told_by_its_status() -> None:
    reading = read_body(Api.OPENAI_CHAT, 503, {}, b"<html>", ASKED)
    assert (reading.error_class, reading.state) == ("overloaded", ReadingState.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("headers", "milliseconds", "seconds"),
    [
        ({"retry-after-ms": "812", "retry-after": "1"}, 812, 1),
        ({"retry-after": "3"}, 3000, 3),
        ({"retry-after": "0.2"}, 200, 1),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, None),
        ({"retry-after": "-5"}, None, None),
        ({"retry-after": "NaN"}, None, None),
        ({}, None, None),
    ],
)
def test_how_long_to_wait(
    headers: dict[str, str], milliseconds: int | None, seconds: int | None
) -> None:
    reading = refused(429, error(code="rate_limit_exceeded"), headers)
    assert (reading.retry_after_ms, reading.retry_after_s) == (milliseconds, seconds)


def test_google_says_in_the_body_how_long_to_wait() -> None:
    details = [{"@type": "QuotaFailure"}, {"retryDelay": "34.4s"}]
    assert refused(429, error(status="RESOURCE_EXHAUSTED", details=details)).retry_after_ms == 34400


def test_a_streamed_google_error_comes_as_an_array() -> None:
    body = [error(code=503, status="UNAVAILABLE")]
    assert refused(503, body).error_class == "overloaded"


def test_the_provider_has_the_last_word_on_retries() -> None:
    told = refused(400, error(type="invalid_request_error"), {"x-should-retry": "true"})
    assert told.retryable is True
    assert refused(529, {}, {"x-should-retry": "false"}).retryable is False


def test_anthropics_spend_cap_is_a_429_without_a_time_to_wait() -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error"}, "request_id": "req_1"}
    capped = refused(429, body, {"request-id": "req_1"})
    assert (capped.error_class, capped.retryable) == ("rate_limit", False)
    assert capped.response_id == "req_1"
    limited = refused(429, body, {"request-id": "req_1", "retry-after": "2"})
    assert limited.retryable is True


def test_azure_charges_what_it_filters_and_what_it_lets_time_out() -> None:
    filtered = refused(400, error(code="content_filter"))
    assert (filtered.state, filtered.reason) == (
        ReadingState.ABSENT,
        Reason.CONTENT_FILTER_CHARGED,
    )
    assert filtered.error_class == "content_blocked"
    late = refused(408, {}, {"apim-request-id": "x"})
    assert (late.state, late.reason) == (ReadingState.ABSENT, Reason.TIMEOUT_CHARGED)


def test_a_filtered_completion_is_an_ordinary_charged_answer() -> None:
    reading = refused(
        200,
        {
            "choices": [{"finish_reason": "content_filter"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 1},
        },
    )
    assert (reading.state, reading.error_class) == (ReadingState.MEASURED, None)


def test_an_error_inside_a_200_before_any_work_is_free() -> None:
    reading = refused(200, error(code="rate_limit_exceeded"))
    assert (reading.state, reading.error_class) == (ReadingState.NOT_APPLICABLE, "rate_limit")


def test_an_error_inside_a_200_of_unknown_cost_is_looked_into() -> None:
    reading = refused(200, error(type="server_error"))
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.NO_USAGE)


def minimax(code: int, tokens: int) -> Reading:
    return refused(
        200,
        {
            "choices": None,
            "base_resp": {"status_code": code},
            "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
        },
    )


@pytest.mark.parametrize(
    ("code", "error_class"),
    [(1002, "rate_limit"), (1008, "quota_exhausted"), (1004, "authentication")],
)
def test_minimax_refuses_inside_a_200(code: int, error_class: str) -> None:
    reading = minimax(code, 0)
    assert (reading.state, reading.error_class) == (ReadingState.NOT_APPLICABLE, error_class)


def test_a_refusal_with_usage_is_believed_in_neither() -> None:
    reading = minimax(1008, 7)
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.ERROR_WITH_USAGE)
    assert reading.items == ()


def test_minimax_failures_of_its_own() -> None:
    assert minimax(1000, 0).error_class == "upstream_error"
    assert minimax(0, 3).state is ReadingState.MEASURED


def test_a_failure_with_usage_is_a_floor() -> None:
    body = {
        "status": "failed",
        "error": {"code": "server_error", "message": "no"},
        "usage": {"input_tokens": 4, "output_tokens": 1},
    }
    reading = read_body(Api.OPENAI_RESPONSES, 200, {}, json.dumps(body).encode(), ASKED)
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.ERROR_IN_ANSWER)


def test_a_blocked_prompt_that_was_counted_is_charged() -> None:
    body = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
    }
    reading = read_body(Api.GEMINI_GENERATE, 200, {}, json.dumps(body).encode(), ASKED)
    assert (reading.state, reading.error_class) == (ReadingState.MEASURED, "content_blocked")
    assert [item.quantity for item in reading.items] == [8, 0]


def test_glm_tells_of_failures_in_its_reason_to_finish() -> None:
    body = {"choices": [{"finish_reason": "network_error"}], "usage": None}
    reading = refused(200, body)
    assert (reading.state, reading.error_class) == (ReadingState.ABSENT, "upstream_error")
