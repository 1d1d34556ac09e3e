"""The quick readings never disagree with those of usage.dialects."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from yuejie.gateway.meter.quick import quick_answer, quick_hint
from yuejie.usage.dialects import Api, ReadingState, RequestHint, read_body, request_hint

COUNT = st.one_of(st.integers(-2, 50), st.none(), st.just(10**10), st.just("7"), st.just(1.5))
SOME = st.integers(0, 50)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


READ = maybe(cached_tokens=COUNT, audio_tokens=COUNT, image_tokens=COUNT, cache_write_tokens=COUNT)
SAID = maybe(reasoning_tokens=COUNT, audio_tokens=COUNT, accepted_prediction_tokens=COUNT)
WILD = maybe(
    prompt_tokens=COUNT,
    completion_tokens=COUNT,
    total_tokens=COUNT,
    prompt_tokens_details=st.one_of(st.none(), READ),
    completion_tokens_details=st.one_of(st.none(), SAID),
    cached_tokens=COUNT,
)


@st.composite
def ordinary(draw: st.DrawFn) -> dict[str, Any]:
    """A usage whose sums come out, as most do."""
    plain, cached, said, thought = (draw(SOME) for _ in range(4))
    usage: dict[str, Any] = {
        "prompt_tokens": plain + cached,
        "completion_tokens": said + thought,
        "total_tokens": plain + cached + said + thought,
    }
    if draw(st.booleans()):
        usage["prompt_tokens_details"] = {"cached_tokens": cached, "audio_tokens": 0}
    if draw(st.booleans()):
        usage["completion_tokens_details"] = {"reasoning_tokens": thought, "audio_tokens": 0}
    return usage


ANSWER = st.fixed_dictionaries(
    {"usage": st.one_of(ordinary(), WILD)},
    optional={
        "id": st.sampled_from(["chatcmpl-1", "", None]),
        "model": st.sampled_from(["gpt-sim-2026", "", None]),
        "service_tier": st.sampled_from(["default", "priority", "auto", None, "Default"]),
        "choices": st.sampled_from(
            [
                [],
                [{"finish_reason": "stop"}],
                [{"finish_reason": "content_filter"}],
                [{"finish_reason": "insufficient_system_resource"}],
                [{"finish_reason": None}],
            ]
        ),
        "error": st.sampled_from([None, {"code": "server_error"}]),
        "base_resp": st.sampled_from([None, {"status_code": 0}, {"status_code": 1002}]),
        "response": st.just({"usage": None}),
        "x_groq": st.just({"usage": {"prompt_tokens": 3}}),
    },
)


@given(ANSWER, st.sampled_from([None, 1, 128_000]))
def test_answers(answer: dict[str, Any], window: int | None) -> None:
    body = json.dumps(answer).encode()
    hint = request_hint(Api.OPENAI_CHAT, b'{"model": "asked"}')
    quick = quick_answer(Api.OPENAI_CHAT, 200, body, window)
    if quick is None:
        return
    slow = read_body(Api.OPENAI_CHAT, 200, {}, body, with_window(hint, window))
    assert sorted(quick.counts) == sorted((item.meter, item.quantity) for item in slow.items)
    assert {item.model for item in slow.items} == {quick.model} == {slow.billed_model}
    assert (slow.state, slow.reason, slow.error_class) == (ReadingState.MEASURED, None, None)
    assert quick.tier == (slow.service_tier or "")
    assert quick.response_id == slow.response_id
    assert quick.context_tokens == slow.context_tokens
    assert not slow.facts


def with_window(hint: RequestHint, window: int | None) -> RequestHint:
    return replace(hint, context_window=window)


def test_the_ordinary_answer_is_read_quickly() -> None:
    body = (
        b'{"id":"c","model":"m","choices":[{"finish_reason":"stop","message":{}}],'
        b'"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}'
    )
    assert quick_answer(Api.OPENAI_CHAT, 200, body, None) is not None


REQUEST = maybe(
    model=st.sampled_from(["gpt-sim", "", None, 3]),
    stream=st.sampled_from([True, False, None, "true"]),
    stream_options=st.sampled_from(
        [None, {}, {"include_usage": True}, {"include_usage": False}, {"include_usage": "x"}]
    ),
    n=COUNT,
    max_tokens=COUNT,
    max_completion_tokens=COUNT,
    max_output_tokens=COUNT,
    stream_format=st.sampled_from(["sse", None]),
    generationConfig=st.just({"maxOutputTokens": 5, "candidateCount": 2}),
    prompt_cache_options=st.just({"ttl": "12h"}),
    prompt_cache_retention=st.sampled_from(["24h", None]),
    messages=st.sampled_from([[], [{"content": [{"cache_control": {"type": "ephemeral"}}]}]]),
)


@given(REQUEST)
def test_requests(request: dict[str, Any]) -> None:
    body = json.dumps(request).encode()
    quick = quick_hint(Api.OPENAI_CHAT, body, lambda _: None)
    if quick is not None:
        assert quick == request_hint(Api.OPENAI_CHAT, body)


def test_what_is_no_chat_is_left_to_others() -> None:
    assert quick_hint(Api.OPENAI_RESPONSES, b'{"model":"m"}', lambda _: None) is None
    assert quick_hint(Api.OPENAI_CHAT, b"{", lambda _: None) is None
    assert quick_answer(Api.OPENAI_CHAT, 500, b"{}", None) is None
