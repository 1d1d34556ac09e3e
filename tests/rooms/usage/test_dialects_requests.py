"""What is remembered of requests, and the few bytes of them that are changed."""

import json

import pytest

from yuejie.usage.dialects import (
    Api,
    BrokenJson,
    RequestHint,
    UsageFilter,
    force_include_usage,
    replace_model,
    request_hint,
)


def hint(api: Api, **body: object) -> RequestHint:
    return request_hint(api, json.dumps(body).encode())


def test_what_is_remembered_of_a_chat() -> None:
    asked = hint(
        Api.OPENAI_CHAT,
        model="gpt-4o",
        messages=[{"role": "user", "content": "hello"}],
        n=2,
        max_completion_tokens=90,
        max_tokens=100,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert asked == RequestHint("gpt-4o", n=2, max_output=90, stream=True, include_usage=True)


@pytest.mark.parametrize(
    ("api", "body", "bound"),
    [
        (Api.ANTHROPIC_MESSAGES, {"max_tokens": 7}, 7),
        (Api.OPENAI_RESPONSES, {"max_output_tokens": 7}, 7),
        (Api.GEMINI_GENERATE, {"generationConfig": {"maxOutputTokens": 7}}, 7),
        (Api.BEDROCK_CONVERSE, {"inferenceConfig": {"maxTokens": 7}}, 7),
        (Api.OPENAI_CHAT, {"max_tokens": "7"}, None),
        (Api.OPENAI_CHAT, {"max_tokens": 0}, None),
        (Api.OPENAI_CHAT, {"max_tokens": True}, None),
        (Api.OPENAI_CHAT, {"max_completion_tokens": None, "max_tokens": 7}, 7),
    ],
)
def test_the_bound_of_the_output(api: Api, body: dict[str, object], bound: int | None) -> None:
    assert hint(api, **body).max_output == bound


def test_gemini_asks_for_several_candidates_elsewhere() -> None:
    assert hint(Api.GEMINI_GENERATE, generationConfig={"candidateCount": 3}).n == 3


def test_pictures_are_asked_for_by_number_size_and_quality() -> None:
    asked = hint(Api.OPENAI_IMAGES, model="dall-e-3", n=2, size="1024x1792", quality="hd")
    assert (asked.images, asked.image_size, asked.image_quality) == (2, "1024x1792", "hd")
    assert hint(Api.OPENAI_IMAGES, model="dall-e-3").images == 1


def test_speech_is_counted_in_code_points() -> None:
    asked = hint(Api.OPENAI_SPEECH, model="tts-1", input="月结 😀", stream_format="sse")
    assert (asked.characters, asked.stream) == (4, True)
    assert hint(Api.OPENAI_CHAT, input="abc").characters is None


def test_the_model_of_the_hosted_image_tool() -> None:
    tools = [{"type": "web_search"}, {"type": "image_generation", "model": "gpt-image-2"}]
    assert hint(Api.OPENAI_RESPONSES, tools=tools).image_model == "gpt-image-2"
    assert hint(Api.OPENAI_RESPONSES, tools="all").image_model is None


def marked(*marks: dict[str, str]) -> str | None:
    content = [{"type": "text", "text": '"cache_control": {}', "cache_control": m} for m in marks]
    return hint(Api.ANTHROPIC_MESSAGES, messages=[{"content": content}]).cache_ttl


def test_how_long_marked_prompts_shall_be_kept() -> None:
    assert marked() is None
    assert marked({"type": "ephemeral"}) == "5m"
    assert marked({"type": "ephemeral", "ttl": "1h"}) == "1h"
    assert marked({"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}) == "mixed"


def test_how_long_openai_and_bedrock_keep_them() -> None:
    assert hint(Api.OPENAI_CHAT, prompt_cache_options={"ttl": "30m"}).cache_ttl == "30m"
    assert hint(Api.OPENAI_CHAT, prompt_cache_retention="24h").cache_ttl == "12h"
    assert hint(Api.OPENAI_CHAT, prompt_cache_retention="in_memory").cache_ttl is None
    points = [{"content": [{"cachePoint": {"type": "default", "ttl": "1h"}}]}]
    assert hint(Api.BEDROCK_CONVERSE, messages=points).cache_ttl == "1h"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'[{"model":"m"}]',
        b"{",
        b'{"a":1}x',
        b"\xff",
        b'"text"',
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"{" + b",".join(b'"k%d":1' % n for n in range(1001)) + b"}",
    ],
)
def test_a_request_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenJson):
        request_hint(Api.OPENAI_CHAT, body)


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ('{"model":"a"}', '{"model":"b"}'),
        ("{}", '{"model":"b"}'),
        (" { \n } ", ' {"model":"b" \n } '),
        ('{"x":1}', '{"model":"b","x":1}'),
        ('{"model" : null ,"x":1}', '{"model" : "b" ,"x":1}'),
        ('{"model":"a","model":"c"}', '{"model":"b","model":"b"}'),
        ('{"model":{"model":"a"}}', '{"model":"b"}'),
        ('{"role":"model","x":{"model":"a"}}', '{"model":"b","role":"model","x":{"model":"a"}}'),
        ('{"x":[{"model":"a"}],"model":"a"}', '{"x":[{"model":"a"}],"model":"b"}'),
        ('{"mod\\u0065l":"a","x":"model"}', '{"mod\\u0065l":"b","x":"model"}'),
        ('{"x":"\\"model\\":1","model":"a"}', '{"x":"\\"model\\":1","model":"b"}'),
        ('{"n":1e5,"model":12,"m":1.50}', '{"n":1e5,"model":"b","m":1.50}'),
        ('{"a":12,"a":1,"model":2,"model":21}', '{"a":12,"a":1,"model":"b","model":"b"}'),
    ],
)
def test_only_the_outermost_model_is_renamed(body: str, changed: str) -> None:
    assert replace_model(body.encode(), "b").decode() == changed


def test_a_model_may_have_any_name() -> None:
    named = replace_model(b'{"model":"a"}', '通义"\\千问')
    assert json.loads(named) == {"model": '通义"\\千问'}


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ('{"x":1}', '{"stream_options":{"include_usage":true},"x":1}'),
        ('{"stream_options":null}', '{"stream_options":{"include_usage":true}}'),
        ('{"stream_options":{ }}', '{"stream_options":{"include_usage":true }}'),
        (
            '{"stream_options":{"include_usage":false,"a":1}}',
            '{"stream_options":{"include_usage":true,"a":1}}',
        ),
        (
            '{"stream_options":{"a":{"include_usage":false}}}',
            '{"stream_options":{"include_usage":true,"a":{"include_usage":false}}}',
        ),
        (
            '{"metadata":{"stream_options":"x"}}',
            '{"stream_options":{"include_usage":true},"metadata":{"stream_options":"x"}}',
        ),
    ],
)
def test_usage_is_asked_for_whatever_was_asked(body: str, changed: str) -> None:
    assert force_include_usage(body.encode()).decode() == changed


# ── Hiding usage ─────────────────────────────────────────────────────────────────────────────────


def hidden(*chunks: bytes) -> bytes:
    passed = UsageFilter()
    return b"".join([*(passed.feed(chunk) for chunk in chunks), passed.finish()])


def test_the_extra_chunk_and_the_nulls_are_hidden() -> None:
    assert (
        hidden(
            b'data: {"id":"1","choices":[{"delta":{}}],"usage":null,"obfuscation":"x"}\n\n',
            b'data: {"id":"1","choices":[{"delta":{}}],"usage":null}\n\n',
            b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":1}}\n\n',
            b"data: [DONE]\n\n",
        )
        == b'data: {"id":"1","choices":[{"delta":{}}],"obfuscation":"x"}\n\n'
        b'data: {"id":"1","choices":[{"delta":{}}]}\n\n'
        b"data: [DONE]\n\n"
    )


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[],"id":"","model":"","prompt_filter_results":[]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\"usage\\":null"}}]}\n\n',
        b'data: {"choices":[{"delta":{},"usage":null}]}\n\n',
        b'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[],"usage":[]}\n\n',
        b'data: {"broken":"usage", "usage":nul}\n\n',
        b'data: no "usage" here\n\n',
        b': "usage"\n\n',
        b'data: {"choices":[],\ndata: "usage":null}\n\n',
        b'data: {"a":1,"usage":null',
        b"event: x\nid: 7\nretry: 10\n\n",
    ],
)
def test_all_else_passes_as_it_came(event: bytes) -> None:
    assert hidden(event) == event
    assert hidden(event[:5], event[5:]) == event


@pytest.mark.parametrize(
    ("event", "passed"),
    [
        (b'data: {"usage":null}\n\n', b"data: {}\n\n"),
        (b'data:{"usage": null , "a":1}\n\n', b'data:{ "a":1}\n\n'),
        (b'data: {"a":1 , "usage" : null}\r\n\r\n', b'data: {"a":1 }\r\n\r\n'),
        (b'event: e\ndata: {"a":1,"usage":null}\n\n', b'event: e\ndata: {"a":1}\n\n'),
        (
            b'data: {"usage":null,"choices":[{"usage":null}]}\n\n',
            b'data: {"choices":[{"usage":null}]}\n\n',
        ),
        (b': alive\ndata: {"choices":[ ],"usage":{}}\n\n', b": alive\n\n"),
        (b'data: {"choices":\ndata: [],"usage":{}}\n\n', b""),
    ],
)
def test_unusual_spellings_are_hidden_too(event: bytes, passed: bytes) -> None:
    assert hidden(event) == passed


def test_several_events_in_one_chunk() -> None:
    null = b'data: {"choices":[{}],"usage":null}\n\n'
    last = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    done = b"data: [DONE]\n\n"
    clean = b'data: {"choices":[{}]}\n\n'
    assert hidden(null + null + last + done) == clean + clean + done
    assert hidden(done + null + null[:9], null[9:] + last) == done + clean + clean
