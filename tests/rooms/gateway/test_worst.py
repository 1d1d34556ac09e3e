"""The worst case of a call: what bounds it, and what has no bound."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.gateway.autos import CAP, NOW, SMALL, draft, rule, ruled
from tests.rooms.gateway.world import CREDENTIAL
from yuejie.contracts.prices import RateRow
from yuejie.gateway.allow.asked_for import AskedFor, Twice, with_longest
from yuejie.gateway.allow.members import read_chat
from yuejie.gateway.allow.text import HIDDEN, HIDDEN_TOOLS, most_input, read_plain
from yuejie.gateway.allow.worst import Call, Worst, dearest_rates, worst_of
from yuejie.gateway.rights.view import View
from yuejie.usage.dialects import Api, request_hint

SAID = [{"role": "user", "content": "你好"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
PICTURE = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
]


def body(**members: Any) -> bytes:
    return json.dumps({"model": "m", **members}, ensure_ascii=False).encode()


PLAIN: list[tuple[Api, dict[str, Any]]] = [
    (Api.OPENAI_CHAT, {"messages": SAID, "temperature": 0.5, "n": 2}),
    (Api.OPENAI_CHAT, {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}),
    (Api.OPENAI_CHAT, {"messages": SAID, "tools": [TOOL], "tool_choice": "auto"}),
    (Api.OPENAI_COMPLETIONS, {"prompt": ["a", "b"], "max_tokens": 5}),
    (Api.OPENAI_RESPONSES, {"input": "hi", "instructions": "be kind"}),
    (
        Api.OPENAI_RESPONSES,
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]},
    ),
    (
        Api.OPENAI_RESPONSES,
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"}]},
    ),
    (
        Api.OPENAI_RESPONSES,
        {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]},
    ),
    (Api.OPENAI_EMBEDDINGS, {"input": [[1, 2, 3]]}),
    (Api.ANTHROPIC_MESSAGES, {"messages": SAID, "max_tokens": 9, "system": "x"}),
    (
        Api.ANTHROPIC_MESSAGES,
        {"messages": SAID, "tools": [{"name": "f", "input_schema": {}}], "max_tokens": 9},
    ),
]
NOT_PLAIN: list[tuple[Api, dict[str, Any]]] = [
    (Api.OPENAI_CHAT, {"messages": PICTURE}),
    (Api.OPENAI_CHAT, {"messages": SAID, "modalities": ["text", "audio"]}),
    (Api.OPENAI_CHAT, {"messages": SAID, "a_member_of_tomorrow": 1}),
    (Api.OPENAI_CHAT, {"messages": SAID, "tools": [{"type": "web_search"}]}),
    (Api.OPENAI_CHAT, {"messages": SAID, "prediction": {"type": "content", "content": "x"}}),
    (Api.OPENAI_RESPONSES, {"input": "hi", "previous_response_id": "resp_1"}),
    (Api.OPENAI_RESPONSES, {"input": [{"type": "item_reference", "id": "x"}]}),
    (Api.OPENAI_RESPONSES, {"input": [{"id": "msg_1"}]}),
    (Api.OPENAI_RESPONSES, {"input": [{"type": "message", "id": "msg_1", "role": "assistant"}]}),
    (Api.OPENAI_RESPONSES, {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}),
    (Api.OPENAI_RESPONSES, {"input": [{"type": "function_call", "id": "fc_1"}]}),
    (
        Api.ANTHROPIC_MESSAGES,
        {"messages": SAID, "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    ),
    (
        Api.ANTHROPIC_MESSAGES,
        {
            "messages": [
                {"role": "user", "content": [{"type": "document", "source": {"type": "url"}}]}
            ]
        },
    ),
]


@pytest.mark.parametrize(("api", "members"), PLAIN)
def test_text_is_bounded_by_its_bytes(api: Api, members: dict[str, Any]) -> None:
    sent = body(**members)
    more = HIDDEN + (HIDDEN_TOOLS if "tools" in members else 0)
    assert most_input(api, sent) == len(sent) + more


@pytest.mark.parametrize(("api", "members"), NOT_PLAIN)
def test_whatever_may_bring_in_more_is_not_text(api: Api, members: dict[str, Any]) -> None:
    assert most_input(api, body(**members)) is None


def test_a_member_spelt_with_escapes_is_seen() -> None:
    sent = rb'{"model":"m","messages":[{"role":"user","content":[{"type":"im\u0061ge_url"}]}]}'
    assert most_input(Api.OPENAI_CHAT, sent) is None


VALUES = st.one_of(
    st.none(),
    st.integers(-1, 9),
    st.just("tools"),
    st.just(SAID),
    st.just(PICTURE),
    st.just([TOOL]),
    st.just([{"type": "web_search"}]),
)
MEMBERS = st.sampled_from(
    [
        "model",
        "messages",
        "tools",
        "functions",
        "n",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "stream",
        "modalities",
        "m\\u006fdel",
    ]
)


@given(
    st.lists(st.tuples(MEMBERS, VALUES), min_size=1, max_size=6),
    st.sampled_from([",", ", ", " ,"]),
    st.sampled_from([":", ": "]),
)
def test_what_is_read_by_its_members_is_read_the_same_in_full(
    said: list[tuple[str, Any]], comma: str, colon: str
) -> None:
    """A member that is written twice, spelt by escapes or between blanks is left to the others."""
    written = [f'"{name}"{colon}{json.dumps(value, ensure_ascii=False)}' for name, value in said]
    sent = ("{" + comma.join(written) + "}").encode()
    quick = read_chat(sent)
    names = [name for name, _ in said]
    if quick is not None:
        full = read_plain(Api.OPENAI_CHAT, sent)
        assert full is not None
        assert len(names) == len(set(names))
        more = HIDDEN_TOOLS if {"tools", "functions"} & set(names) else 0
        assert quick.tokens_in == len(sent) + HIDDEN + more
        told = {name: most for name, most in quick.longest.items() if most}
        assert told == {name: most for name, most in full.longest.items() if most} | {
            name: most for name, most in told.items() if name == "max_output_tokens"
        }
        assert quick.answers == full.answers
    elif (comma, colon) == (",", ":") and len(names) == len(set(names)):
        assert read_plain(Api.OPENAI_CHAT, sent) is None or "m\\u006fdel" in names


def test_messages_that_are_written_twice_are_not_known() -> None:
    twice = b'{"messages":%b,"messages":%b}' % (
        json.dumps(PICTURE).encode(),
        json.dumps(SAID).encode(),
    )
    assert read_chat(twice) is None
    with pytest.raises(Twice):
        AskedFor(Api.OPENAI_CHAT, twice)


def test_gemini_is_text_unless_it_answers_otherwise() -> None:
    said = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    assert most_input(Api.GEMINI_GENERATE, json.dumps(said).encode()) is not None
    pictures = said | {"generationConfig": {"responseModalities": ["IMAGE"]}}
    assert most_input(Api.GEMINI_GENERATE, json.dumps(pictures).encode()) is None
    data = {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}]}
    assert most_input(Api.GEMINI_GENERATE, json.dumps(data).encode()) is None


@pytest.mark.parametrize(
    ("api", "platform", "members", "longest"),
    [
        (Api.OPENAI_CHAT, "openai", {"max_tokens": 7}, 7),
        (Api.OPENAI_CHAT, "openai", {"max_completion_tokens": 5, "max_tokens": 7}, 7),
        (Api.OPENAI_CHAT, "deepseek", {"max_completion_tokens": 5}, None),
        (Api.OPENAI_CHAT, "dashscope", {"max_tokens": 7}, None),
        (Api.OPENAI_RESPONSES, "openai", {"max_output_tokens": 9}, 9),
        (Api.ANTHROPIC_MESSAGES, "anthropic", {"max_tokens": 11}, 11),
        (Api.GEMINI_GENERATE, "gemini", {"generationConfig": {"maxOutputTokens": 3}}, 3),
        (Api.GEMINI_GENERATE, "gemini", {"generation_config": {"max_output_tokens": 4}}, 4),
        (Api.OPENAI_CHAT, "openai", {"max_tokens": "7"}, None),
    ],
)
def test_only_what_a_platform_obeys_bounds_its_answer(
    api: Api, platform: str, members: dict[str, Any], longest: int | None
) -> None:
    assert AskedFor(api, body(**members)).longest(platform) == longest


def test_what_is_said_twice_is_not_known() -> None:
    with pytest.raises(Twice):
        AskedFor(Api.OPENAI_CHAT, b'{"model":"m","max_tokens":1,"max_tokens":100000}')
    with pytest.raises(Twice):
        AskedFor(Api.OPENAI_CHAT, rb'{"model":"m","max_tokens":1,"max\u005ftokens":100000}')
    inside = b'{"messages":[],"n":1,"tools":[{"n":1}],"max_tokens":5}'
    assert AskedFor(Api.OPENAI_CHAT, inside).longest("openai") == 5


@pytest.mark.parametrize(
    ("members", "answers"),
    [({"n": 3}, 3), ({}, 1), ({"best_of": 5, "n": 2}, 5), ({"n": 0}, 1), ({"n": None}, 1)],
)
def test_every_answer_counts(members: dict[str, Any], answers: int) -> None:
    assert AskedFor(Api.OPENAI_COMPLETIONS, body(**members)).answers == answers


def worst(api: Api, sent: bytes, betas: str = "") -> Worst:
    """The worst case at the small model: 16,000 tokens at once, 4,000 of them an answer."""
    made = draft(rule(SMALL))
    made.allowances = [CAP]
    plan = ruled(made, "").plan
    assert plan is not None
    models = View(made.snapshot(), lambda _: CREDENTIAL).models
    return worst_of(plan, Call(api, request_hint(api, sent), sent, betas), models, now_us=NOW)


LONG = [{"role": "user", "content": "a" * 30_000}]
IMAGE = [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]}]


@pytest.mark.parametrize(
    ("members", "betas", "tokens"),
    [
        ({"messages": LONG, "max_tokens": 9_000}, "", 20_000),
        ({"messages": LONG, "max_tokens": 9_000}, "output-8k-2025-02-19", 16_000 + 8_192),
        ({"messages": LONG, "max_tokens": 10}, "claude-code-20250219,context-1m-2025-08-07", None),
        ({"messages": LONG, "max_tokens": 10}, "interleaved-thinking-2025-05-14", 16_010),
        ({"messages": IMAGE, "max_tokens": 10}, "context-1m-2025-08-07", 1_048_576 + 10),
        ({"messages": IMAGE, "max_tokens": 10}, "context-20k-2099-01-01", 20_480 + 10),
    ],
)
def test_what_a_beta_lets_a_model_do_beyond_the_catalogue_is_reserved(
    members: dict[str, Any], betas: str, tokens: int | None
) -> None:
    """None: all of the text itself, which the wider window holds."""
    sent = body(**members)
    found = worst(Api.ANTHROPIC_MESSAGES, sent, betas)
    assert found.tokens == (len(sent) + HIDDEN + 10 if tokens is None else tokens)


@pytest.mark.parametrize("messages", [SAID, IMAGE])
def test_thoughts_beyond_the_longest_answer_are_reserved_too(messages: list[Any]) -> None:
    """Between tools a model may think more than it may answer."""
    thinking = {"type": "enabled", "budget_tokens": 300}
    plainly = worst(Api.ANTHROPIC_MESSAGES, body(messages=messages, max_tokens=400)).tokens
    sent = body(messages=messages, max_tokens=400, thinking=thinking)
    more = len(sent) - len(body(messages=messages, max_tokens=400)) if messages is SAID else 0
    assert worst(Api.ANTHROPIC_MESSAGES, sent).tokens == (plainly or 0) + more
    small = body(messages=messages, max_tokens=100, thinking=thinking)
    assert worst(Api.ANTHROPIC_MESSAGES, small).tokens == (plainly or 0) + more
    twice = b'{"thinking":{"budget_tokens":5},"thinking":{"budget_tokens":9},"max_tokens":3}'
    assert worst(Api.ANTHROPIC_MESSAGES, twice).tokens is None


@pytest.mark.parametrize(
    ("api", "members", "why"),
    [
        (
            Api.ANTHROPIC_MESSAGES,
            {"messages": SAID, "context_management": {"edits": [{"type": "compact_20260112"}]}},
            "compact_20260112",
        ),
        (
            Api.OPENAI_RESPONSES,
            {"input": "hi", "context_management": [{"type": "compaction"}]},
            "compaction",
        ),
        (
            Api.ANTHROPIC_MESSAGES,
            {"messages": SAID, "context_management": {"edits": [{"type": "clear_thinking_1"}]}},
            "",
        ),
    ],
)
def test_who_summarises_on_the_way_works_more_often_than_once(
    api: Api, members: dict[str, Any], why: str
) -> None:
    """What is only cleared is read no more; a summary is another answer over the whole window."""
    found = worst(api, body(**members, max_tokens=5))
    assert (why in found.why) if why else found.tokens is not None
    assert (found.pico is None) == bool(why)


def to_gemini(config: str) -> bytes:
    """Config as it is written, for what JSON's own writer would not write."""
    return b'{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":%b}' % config.encode()


@pytest.mark.parametrize(
    ("api", "sent"),
    [
        (Api.OPENAI_CHAT, b'{"messages":[],"n":"9"}'),
        (Api.OPENAI_CHAT, b'{"messages":[],"n":9.0}'),
        (Api.GEMINI_GENERATE, to_gemini('{"candidateCount":"8"}')),
        (Api.GEMINI_GENERATE, to_gemini('{"candidateCount":8e0}')),
        (Api.GEMINI_GENERATE, to_gemini('{"candidateCount":8,"candidateCount":1}')),
    ],
)
def test_a_number_of_answers_that_not_everybody_reads_alike_is_no_bound(
    api: Api, sent: bytes
) -> None:
    """Gemini's format lets a number be written as text."""
    assert worst(api, sent).pico is None


def test_an_answer_of_another_kind_is_seen_however_it_is_spelt() -> None:
    spelt = to_gemini('{"responseM\\u006fdalities":["IMAGE"]}')
    assert most_input(Api.GEMINI_GENERATE, spelt) is None
    assert most_input(Api.GEMINI_GENERATE, to_gemini('{"temperature":1}')) is not None


WORDS = "字" * 12_000
"""36,000 bytes: one of these may fill the small model's window, two are more than it holds."""


@pytest.mark.parametrize(
    ("api", "members", "tokens"),
    [
        (Api.OPENAI_EMBEDDINGS, {"input": [WORDS] * 3}, 48_000),
        (Api.OPENAI_EMBEDDINGS, {"input": [WORDS] * 3, "of_tomorrow": 1}, 48_000),
        (Api.OPENAI_EMBEDDINGS, {"input": [list(range(100, 9_000))]}, 16_000),
        (Api.OPENAI_EMBEDDINGS, {"input": list(range(100, 9_000))}, 16_000),
        (Api.OPENAI_EMBEDDINGS, {"input": WORDS}, 16_000),
        (Api.GEMINI_EMBED, {"requests": [{"content": {"parts": [{"text": "a"}]}}] * 4}, 64_000),
        (Api.GEMINI_EMBED, {"content": {"parts": [{"text": "a"}]}}, 16_000),
        (Api.OPENAI_COMPLETIONS, {"prompt": [WORDS] * 2, "max_tokens": 5, "n": 3}, 32_030),
        (Api.OPENAI_COMPLETIONS, {"prompt": [WORDS] * 2, "max_tokens": 5, "echo": True}, 32_010),
    ],
)
def test_each_of_several_inputs_has_a_window_and_an_answer_of_its_own(
    api: Api, members: dict[str, Any], tokens: int
) -> None:
    found = worst(api, body(**members))
    assert found.tokens == tokens
    assert found.pico == (16_000 * (tokens // 16_000) + 4 * (tokens % 16_000)) * 1_000_000


@pytest.mark.parametrize(
    ("api", "platform", "members", "name"),
    [
        (Api.OPENAI_CHAT, "openai", {}, "max_completion_tokens"),
        (Api.OPENAI_CHAT, "deepseek", {}, "max_tokens"),
        (Api.OPENAI_RESPONSES, "openai", {}, "max_output_tokens"),
    ],
)
def test_a_request_that_names_no_longest_answer_gets_one(
    api: Api, platform: str, members: dict[str, Any], name: str
) -> None:
    sent = with_longest(api, platform, body(**members), 64)
    assert json.loads(sent)[name] == 64
    assert AskedFor(api, sent).longest(platform) == 64


def test_a_longest_answer_that_is_named_stays() -> None:
    sent = body(max_tokens=3)
    assert with_longest(Api.OPENAI_CHAT, "openai", sent, 64) == sent
    gemini = b'{"contents":[],"generationConfig":{"temperature":1}}'
    changed = json.loads(with_longest(Api.GEMINI_GENERATE, "gemini", gemini, 64))
    assert changed["generationConfig"] == {"temperature": 1, "maxOutputTokens": 64}


def rate(meter: str, pico: int, *, tier: str = "default", above: int = 0) -> RateRow:
    return RateRow(1, 1, "m", meter, pico, "USD", tier, above, "", 0)


def test_the_dearest_rate_is_that_of_any_size_tier_and_hour() -> None:
    rows = [
        rate("input", 5),
        rate("input", 10, above=200_000),
        rate("cache_write_1h", 12),
        rate("output", 15, tier="priority"),
        rate("audio_out", 80),
        rate("requests", 3),
        rate("web_searches", 9),
    ]
    found = dearest_rates(rows)
    assert (found.text_in, found.any_in) == (12, 12)
    assert (found.text_out, found.any_out) == (15, 80)
    assert found.each == 3
    assert found.open
