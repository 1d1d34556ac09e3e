"""What no example can say of dialects: nothing is lost, doubled or changed, whatever comes."""

import json

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.wire.vectors import sse_event
from yuejie.usage.dialects import (
    Api,
    Reading,
    ReadingState,
    RequestHint,
    StreamTap,
    UsageFilter,
    force_include_usage,
    read_body,
    replace_model,
)
from yuejie.usage.dialects.splice import members, remove_member

ASKED = RequestHint("m", stream=True)
COUNT = st.integers(0, 10**6)

NAMES = st.sampled_from(["model", "usage", "stream_options", "include_usage", "x", "é\\", '"'])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(['"model":1', "model", '{"usage":null}', "}", "\\"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=7)


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """An object as somebody may write it: spaces, escapes, members twice."""
    space = draw(st.sampled_from(["", " ", "\n\t", "  "]))
    ascii_only = draw(st.booleans())
    spelt = draw(st.booleans())

    def name(key: str) -> str:
        quoted = json.dumps(key, ensure_ascii=ascii_only)
        return quoted.replace("o", "\\u006f") if spelt else quoted

    parts = [
        f"{space}{name(key)}{space}:{space}{json.dumps(value, ensure_ascii=ascii_only)}{space}"
        for key, value in draw(PAIRS)
    ]
    return f"{space}{{{space}{','.join(parts)}{space}}}{space}".encode()


def pairs(written_value: bytes) -> object:
    """Read JSON with every object as the list of its members, duplicates and all."""
    found: object = json.loads(written_value, object_pairs_hook=list)
    return found


@given(body=written(), model=st.text(max_size=9))
def test_the_model_is_renamed_and_nothing_else(body: bytes, model: str) -> None:
    before, after = json.loads(body), json.loads(replace_model(body, model))
    assert after == {**before, "model": model}


@given(body=written())
def test_renaming_touches_no_other_byte(body: bytes) -> None:
    """With the new values cut out again, what is left is what came without the old ones."""
    spans = [m for m in members(body) if m.key == "model"]
    assume(spans)
    changed = replace_model(body, "new")
    kept = b"".join(
        body[a:b]
        for a, b in zip(
            [0, *(m.end for m in spans)], [*(m.value for m in spans), None], strict=True
        )
    )
    assert changed.count(b'"new"') >= len(spans)
    assert len(changed) == len(kept) + len(spans) * len(b'"new"')
    for end, span in zip([*(m.value for m in spans[1:]), None], spans, strict=True):
        assert body[span.end : end] in changed


@given(body=written())
def test_every_member_is_walked_once_in_order(body: bytes) -> None:
    walked = [(m.key, pairs(body[m.value : m.end])) for m in members(body)]
    assert walked == pairs(body)


@given(body=written())
def test_a_removed_member_is_gone_and_the_others_stay(body: bytes) -> None:
    before = json.loads(body)
    before.pop("usage", None)
    assert json.loads(remove_member(body, "usage")) == before


@given(body=written())
def test_usage_is_asked_for_and_other_options_stay(body: bytes) -> None:
    before = json.loads(body)
    options = before.get("stream_options")
    asked = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    assert json.loads(force_include_usage(body)) == {**before, "stream_options": asked}


# ── Streams ──────────────────────────────────────────────────────────────────────────────────────


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=9)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


CONTENT = st.text(max_size=6) | st.sampled_from(['"usage":null', "\n\ndata: [DONE]", ',"usage":'])


@st.composite
def chat(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A stream with usage asked for, and the same stream of a provider that was not asked."""
    asked, unasked = [], []
    between = draw(st.sampled_from([",", ", "]))
    obfuscated = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n"]))
    for content in draw(st.lists(CONTENT, max_size=5)):
        choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
        head = json.dumps({"model": "m", "choices": [choice]}, separators=(between, ":"))[:-1]
        tail = between + '"obfuscation":"x"}' if obfuscated else "}"
        asked.append(f'data: {head}{between}"usage":null{tail}{end}{end}')
        unasked.append(f"data: {head}{tail}{end}{end}")
        if draw(st.booleans()):
            asked.append(f": keep-alive{end}{end}")
            unasked.append(f": keep-alive{end}{end}")
    extra = {"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    asked.append(f"data: {json.dumps(extra)}{end}{end}")
    for stream in (asked, unasked):
        stream.append(f"data: [DONE]{end}{end}")
    return "".join(asked).encode(), "".join(unasked).encode()


@given(data=st.data())
def test_hidden_usage_leaves_the_stream_of_a_provider_that_was_not_asked(
    data: st.DataObject,
) -> None:
    asked, unasked = data.draw(chat())
    passed = UsageFilter()
    pieces = [passed.feed(piece) for piece in data.draw(cut(asked))]
    assert b"".join((*pieces, passed.finish())) == unasked


@given(data=st.data())
def test_the_filter_passes_anything_else_untouched(data: st.DataObject) -> None:
    stream = data.draw(st.binary(max_size=60).filter(lambda b: b'"usage"' not in b))
    passed = UsageFilter()
    pieces = [passed.feed(piece) for piece in data.draw(cut(stream))]
    assert b"".join((*pieces, passed.finish())) == stream


@given(data=st.data())
def test_the_tap_hears_the_same_however_the_stream_is_cut(data: st.DataObject) -> None:
    asked, _ = data.draw(chat())
    tap = StreamTap(Api.OPENAI_CHAT, ASKED)
    for piece in data.draw(cut(asked)):
        tap.feed(piece)
    reading = tap.finish(complete=True)
    assert reading.state is ReadingState.MEASURED
    assert [item.quantity for item in reading.items] == [3, 4]


# ── Counts ───────────────────────────────────────────────────────────────────────────────────────


def total(reading: Reading) -> int:
    return sum(item.quantity for item in reading.items)


@given(
    prompt=COUNT,
    completion=COUNT,
    cached=st.none() | COUNT,
    wrote=st.none() | COUNT,
    audio=st.none() | COUNT,
    image=st.none() | COUNT,
    reasoning=st.none() | COUNT,
    spoken=st.none() | COUNT,
)
def test_every_token_of_a_chat_is_in_exactly_one_meter(
    *, prompt: int, completion: int, **details: int | None
) -> None:
    body = {
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {
                "cached_tokens": details["cached"],
                "cache_write_tokens": details["wrote"],
                "audio_tokens": details["audio"],
                "image_tokens": details["image"],
            },
            "completion_tokens_details": {
                "reasoning_tokens": details["reasoning"],
                "audio_tokens": details["spoken"],
            },
        }
    }
    reading = read_body(Api.OPENAI_CHAT, 200, {}, json.dumps(body).encode(), ASKED)
    if (details["cached"] or 0) + (details["wrote"] or 0) > prompt:
        assert (reading.state, reading.items) == (ReadingState.ABSENT, ())
        return
    assert total(reading) == prompt + completion
    assert reading.context_tokens == prompt
    assert all(item.quantity >= 0 for item in reading.items)


@given(read=COUNT, said=COUNT, hit=COUNT, wrote=COUNT, five=COUNT, hour=COUNT, thought=COUNT)
def test_every_token_of_a_message_is_in_exactly_one_meter(
    *, read: int, said: int, hit: int, wrote: int, five: int, hour: int, thought: int
) -> None:
    assume(thought <= said)
    usage = {
        "input_tokens": read,
        "output_tokens": said,
        "cache_read_input_tokens": hit,
        "cache_creation_input_tokens": wrote,
        "cache_creation": {
            "ephemeral_5m_input_tokens": five,
            "ephemeral_1h_input_tokens": hour,
        },
        "output_tokens_details": {"thinking_tokens": thought},
    }
    body = json.dumps({"usage": usage}).encode()
    reading = read_body(Api.ANTHROPIC_MESSAGES, 200, {}, body, ASKED)
    assert total(reading) == read + said + hit + wrote
    assert reading.context_tokens == read + hit + wrote


@given(prompt=COUNT, candidates=COUNT, thoughts=COUNT, tools=COUNT, cached=COUNT, video=COUNT)
def test_every_token_of_gemini_is_in_exactly_one_meter(
    *, prompt: int, candidates: int, thoughts: int, tools: int, cached: int, video: int
) -> None:
    assume(cached <= prompt + tools)
    whole = prompt + candidates + thoughts + tools
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "thoughtsTokenCount": thoughts,
        "toolUsePromptTokenCount": tools,
        "cachedContentTokenCount": cached,
        "totalTokenCount": whole,
        "promptTokensDetails": [{"modality": "VIDEO", "tokenCount": video}],
    }
    body = json.dumps({"usageMetadata": usage}).encode()
    reading = read_body(Api.GEMINI_GENERATE, 200, {}, body, ASKED)
    assert total(reading) == whole
    assert "arithmetic" not in reading.facts or video > prompt + tools


# ── Anything at all ──────────────────────────────────────────────────────────────────────────────

WORDS = st.sampled_from(
    [
        *("usage", "usageMetadata", "model", "choices", "message", "response", "error", "type"),
        *("prompt_tokens", "input_tokens", "promptTokenCount", "promptTokensDetails", "iterations"),
        *("completion_tokens", "output_tokens", "candidatesTokenCount", "message_delta", "code"),
        *("delta", "candidates", "finishReason", "base_resp", "status_code", "modality", "ttl"),
        *("predictions", "meta", "billed_units", "data", "duration", "tools", "tool_usage"),
    ]
)
ANYTHING = st.recursive(
    SCALARS | WORDS | st.integers(-3, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


@given(api=st.sampled_from(Api), answer=ANYTHING, status=st.sampled_from([200, 400, 429, 500]))
def test_any_answer_is_read_without_a_crash(api: Api, answer: object, status: int) -> None:
    reading = read_body(api, status, {}, json.dumps(answer).encode(), ASKED)
    assert all(item.quantity >= 0 for item in reading.items)
    assert (reading.reason is None) == (
        reading.state in (ReadingState.MEASURED, ReadingState.NOT_APPLICABLE)
    )


@given(
    api=st.sampled_from(Api), answers=st.lists(ANYTHING, max_size=4), noise=st.binary(max_size=9)
)
def test_any_stream_is_heard_without_a_crash(api: Api, answers: list[object], noise: bytes) -> None:
    for opening in (b"", noise, b"["):
        tap = StreamTap(api, ASKED)
        tap.feed(opening)
        for answer in answers:
            tap.feed(sse_event({"data": answer}))
        reading = tap.finish(complete=False)
        assert all(item.quantity >= 0 for item in reading.items)
