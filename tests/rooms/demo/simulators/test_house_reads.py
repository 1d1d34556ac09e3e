"""What the simulators put on the wire, read by the house's own dialects, is what they served.

This holds the two against each other: neither may misunderstand a provider alone.
"""

import json
import re
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from tests.rooms.demo.simulators.caller import ANTHROPIC, GEMINI, OPENAI, Simulators
from yuejie.usage.dialects import Api, Reading, ReadingState, StreamTap, read_body, request_hint
from yuejie.usage.dialects.reading import RequestHint

MARK = "请问 [[sim in=3740 out=440 cached=1000 reasoning=50{more}]]"


Ask = Mapping[str, object]
Keys = dict[str, str]


def hint_of(api: Api, path: str, ask: Ask) -> RequestHint:
    """What the gateway would remember; Gemini's model is in the path."""
    hint = request_hint(api, json.dumps(ask).encode())
    named = re.search(r"models/([^:]+):", path)
    return replace(hint, model=named[1]) if named else hint


def read_whole(simulators: Simulators, api: Api, path: str, ask: Ask, keys: Keys) -> Reading:
    reply = simulators.post(path, ask, keys)
    hint = hint_of(api, path, ask)
    return read_body(api, reply.status, reply.headers, reply.body, hint)


def read_stream(simulators: Simulators, api: Api, path: str, ask: Ask, keys: Keys) -> Reading:
    reply = simulators.post(path, ask, keys)
    tap = StreamTap(api, replace(hint_of(api, path, ask), stream=True))
    for start in range(0, len(reply.body), 1000):
        tap.feed(reply.body[start : start + 1000])
    return tap.finish(complete=reply.whole)


def assert_same(reading: Reading, simulators: Simulators) -> None:
    truth = simulators.last()
    counted = {str(item.meter): item.quantity for item in reading.items if item.quantity}
    assert reading.state is ReadingState.MEASURED
    assert counted == {meter: quantity for meter, quantity in truth.usage.items() if quantity}
    assert {item.model for item in reading.items} <= {truth.billed_model, truth.model}
    assert truth.reported


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("gpt-4o", " audio_in=40"),
        ("gpt-5.6-sol", " write30m=500"),
        ("deepseek-reasoner", ""),
        ("kimi-k3", ""),
        ("qwen3-max", " write5m=500"),
        ("glm-4.7", ""),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("ask_usage", [False, True])
def test_chat(
    simulators: Simulators, model: str, more: str, *, stream: bool, ask_usage: bool
) -> None:
    ask: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": MARK.format(more=more)}],
        "stream": stream,
    }
    if ask_usage or model.startswith(("gpt", "qwen")):
        ask["stream_options"] = {"include_usage": True}
    read = read_stream if stream else read_whole
    path = "/v1/chat/completions"

    assert_same(read(simulators, Api.OPENAI_CHAT, path, ask, OPENAI), simulators)


@pytest.mark.parametrize("stream", [False, True])
def test_responses(simulators: Simulators, *, stream: bool) -> None:
    mark = MARK.format(more=" write30m=100 write12h=50 searches=2")
    ask = {"model": "gpt-5.6-sol", "input": mark, "stream": stream}
    read = read_stream if stream else read_whole
    reading = read(simulators, Api.OPENAI_RESPONSES, "/v1/responses", ask, OPENAI)

    assert_same(reading, simulators)


@pytest.mark.parametrize("stream", [False, True])
def test_messages(simulators: Simulators, *, stream: bool) -> None:
    ask = {
        "model": "claude-sonnet-5",
        "max_tokens": 1000,
        "messages": [
            {"role": "user", "content": MARK.format(more=" write5m=100 write1h=50 searches=2")}
        ],
        "stream": stream,
    }
    read = read_stream if stream else read_whole
    reading = read(simulators, Api.ANTHROPIC_MESSAGES, "/v1/messages", ask, ANTHROPIC)

    assert_same(reading, simulators)


@pytest.mark.parametrize(
    "method", ["generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent"]
)
def test_generate(simulators: Simulators, method: str) -> None:
    text = MARK.format(more=" tool_in=70 image_in=258 video_in=300")
    ask = {"contents": [{"parts": [{"text": text}]}]}
    path = f"/v1/models/gemini-2.5-pro:{method}"
    read = read_stream if method.startswith("stream") else read_whole

    assert_same(read(simulators, Api.GEMINI_GENERATE, path, ask, GEMINI), simulators)


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-3"])
def test_images(simulators: Simulators, model: str) -> None:
    ask = {"model": model, "prompt": "一只猫", "n": 2}
    path = "/v1/images/generations"
    reading = read_whole(simulators, Api.OPENAI_IMAGES, path, ask, OPENAI)

    truth = simulators.last().usage
    assert {i.meter: i.quantity for i in reading.items if i.quantity} == {
        meter: quantity for meter, quantity in truth.items() if quantity
    }


def test_embeddings(simulators: Simulators) -> None:
    ask = {"model": "text-embedding-3-small", "input": ["月结", "一笔一笔"]}
    reading = read_whole(simulators, Api.OPENAI_EMBEDDINGS, "/v1/embeddings", ask, OPENAI)
    assert_same(reading, simulators)

    batch = {"requests": [{"content": {"parts": [{"text": "月结月结"}]}}]}
    path = "/v1beta/models/gemini-embedding-2:batchEmbedContents"
    assert_same(read_whole(simulators, Api.GEMINI_EMBED, path, batch, GEMINI), simulators)


def test_speech_as_events(simulators: Simulators) -> None:
    ask = {
        "model": "gpt-4o-mini-tts",
        "voice": "alloy",
        "input": "你好，月结",
        "stream_format": "sse",
    }
    reading = read_stream(simulators, Api.OPENAI_SPEECH, "/v1/audio/speech", ask, OPENAI)

    assert_same(reading, simulators)


def test_an_anthropic_stream_cut_short_reports_its_floor(simulators: Simulators) -> None:
    ask = {
        "model": "claude-sonnet-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "[[sim in=100 out=60 cut_after=5]]"}],
        "stream": True,
    }
    reading = read_stream(simulators, Api.ANTHROPIC_MESSAGES, "/v1/messages", ask, ANTHROPIC)

    assert reading.state is ReadingState.PARTIAL
    assert {str(i.meter): i.quantity for i in reading.items if i.quantity} == {
        "input": 100,
        "output": 1,
    }
    assert simulators.last().usage == {"input": 100, "output": 60}
