"""Official SDKs through the gateway: what they get is what the provider sent, metered exactly."""

from collections.abc import Iterator

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.rooms.gateway.conftest import Node
from tests.rooms.gateway.world import KEY, ended_of, quantities, records, truth_lines
from yuejie.usage.journal import Ended

SPEC = "[[sim in=374 out=44 cached=100 reasoning=5]]"
CHAT = {"input": 274, "cache_read": 100, "output": 39, "reasoning": 5}


pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
"""The SDK's own wrapper around translations says of itself that it is deprecated."""


@pytest.fixture
def gpt(node: Node) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=f"{node.url}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(node: Node) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=KEY, base_url=node.url, max_retries=0) as client:
        yield client


@pytest.fixture
def gemini(node: Node) -> Iterator[genai.Client]:
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=node.url))
    yield client
    client.close()


def same_as_truth(node: Node, request_id: str) -> dict[str, int]:
    """The one attempt of an operation holds what the provider says it served."""
    (record,) = ended_of(node.home, request_id)
    assert (record.state, record.billable) == ("measured", True)
    lines = [
        line
        for line in truth_lines(node.truth)
        if line["client_request_id"] == record.begun.event.hex()
    ]
    assert len(lines) == 1
    assert quantities(record) == {name: n for name, n in lines[0]["usage"].items() if n}
    assert all(item.sale_rate and item.cost_rate for item in record.items if item.quantity > 1)
    return quantities(record)


def last_request(node: Node) -> str:
    line = truth_lines(node.truth)[-1]
    event = bytes.fromhex(line["client_request_id"])
    for record in records(node.home):
        begun = record.begun if isinstance(record, Ended) else record
        if begun.event == event:
            return f"req_{begun.operation.hex()}"
    raise AssertionError("the provider served a call that no journal knows")


def test_chat(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model="gpt-sim", messages=[{"role": "user", "content": SPEC}]
    )
    usage = raw.parse().usage
    assert usage is not None
    assert usage.prompt_tokens == 374
    assert same_as_truth(node, raw.headers["x-request-id"]) == CHAT
    # 274 × 4.00 + 100 × 0.40 + 44 × 16.00 per million
    assert raw.headers["x-yuejie-charge"] == "0.00184"
    assert raw.headers["x-yuejie-currency"] == "CNY"


def test_chat_streamed_without_asking_for_usage_shows_none(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model="gpt-sim", messages=[{"role": "user", "content": SPEC}], stream=True
    )
    chunks = list(raw.parse())
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert same_as_truth(node, raw.headers["x-request-id"]) == CHAT


def test_chat_streamed_with_usage_keeps_it(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model="gpt-sim",
        messages=[{"role": "user", "content": SPEC}],
        stream=True,
        stream_options={"include_usage": True},
    )
    last = list(raw.parse())[-1]
    assert last.usage is not None
    assert last.usage.total_tokens == 418
    assert same_as_truth(node, raw.headers["x-request-id"]) == CHAT


def test_completions(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.completions.with_raw_response.create(model="gpt-sim", prompt="Once upon a time")
    same_as_truth(node, raw.headers["x-request-id"])


@pytest.mark.parametrize("stream", [False, True])
def test_responses(node: Node, gpt: openai.OpenAI, *, stream: bool) -> None:
    raw = gpt.responses.with_raw_response.create(model="gpt-sim", input=SPEC, stream=stream)
    if stream:
        assert getattr(list(raw.parse())[-1], "type", "") == "response.completed"
    assert same_as_truth(node, raw.headers["x-request-id"]) == CHAT


def test_embeddings(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.embeddings.with_raw_response.create(model="embed-sim", input=["one", "two"])
    assert len(raw.parse().data) == 2
    same_as_truth(node, raw.headers["x-request-id"])


def test_images(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.images.with_raw_response.generate(model="image-sim", prompt="an abacus")
    same_as_truth(node, raw.headers["x-request-id"])


def test_transcription_passes_as_multipart(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.audio.transcriptions.with_raw_response.create(
        model="whisper-sim", file=("speech.wav", b"RIFF" + b"\0" * 300_000)
    )
    same_as_truth(node, raw.headers["x-request-id"])


def test_translation_passes_as_multipart(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.audio.translations.with_raw_response.create(
        model="whisper-sim", file=("speech.wav", b"RIFF" + b"\0" * 1000)
    )
    same_as_truth(node, raw.headers["x-request-id"])


def test_speech(node: Node, gpt: openai.OpenAI) -> None:
    raw = gpt.audio.speech.with_raw_response.create(
        model="tts-sim", voice="alloy", input="每一分钱都对得上"
    )
    assert raw.content
    assert same_as_truth(node, raw.headers["x-request-id"]) == {"characters": 8}


def test_models(gpt: openai.OpenAI) -> None:
    assert "gpt-sim" in [model.id for model in gpt.models.list()]
    assert gpt.models.retrieve("gpt-sim").owned_by == "sim"
    with pytest.raises(openai.NotFoundError, match="claude-sim"):
        gpt.models.retrieve("claude-sim")


def test_messages(node: Node, claude: anthropic.Anthropic) -> None:
    raw = claude.messages.with_raw_response.create(
        model="claude-sim",
        max_tokens=64,
        messages=[{"role": "user", "content": "[[sim in=500 out=40 cached=200 write5m=100]]"}],
    )
    assert raw.parse().usage.output_tokens == 40
    assert same_as_truth(node, raw.headers["x-request-id"]) == {
        "input": 200,
        "cache_read": 200,
        "cache_write_5m": 100,
        "output": 40,
    }


def test_messages_streamed(node: Node, claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(
        model="claude-sim",
        max_tokens=64,
        messages=[{"role": "user", "content": "[[sim in=90 out=12]]"}],
    ) as stream:
        assert stream.get_final_message().usage.output_tokens == 12
        request_id = stream.response.headers["x-request-id"]
    same_as_truth(node, request_id)


def test_count_tokens_is_free(node: Node, claude: anthropic.Anthropic) -> None:
    raw = claude.messages.with_raw_response.count_tokens(
        model="claude-sim", messages=[{"role": "user", "content": "how long is this?"}]
    )
    assert raw.parse().input_tokens > 0
    (record,) = ended_of(node.home, raw.headers["x-request-id"])
    assert (record.state, quantities(record)) == ("measured", {})


def test_anthropic_models(claude: anthropic.Anthropic) -> None:
    assert [model.id for model in claude.models.list()] == ["claude-sim"]


def test_generate_content(node: Node, gemini: genai.Client) -> None:
    answer = gemini.models.generate_content(
        model="gemini-sim", contents="[[sim in=120 out=30 reasoning=8]]"
    )
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.prompt_token_count == 120
    assert same_as_truth(node, last_request(node))["reasoning"] == 8


def test_generate_content_streamed(node: Node, gemini: genai.Client) -> None:
    chunks = list(
        gemini.models.generate_content_stream(
            model="gemini-sim", contents="[[sim in=120 out=30 events=5]]"
        )
    )
    assert len(chunks) >= 5
    same_as_truth(node, last_request(node))


def test_gemini_counts_and_lists(gemini: genai.Client) -> None:
    counted = gemini.models.count_tokens(model="gemini-sim", contents="how long is this?")
    assert counted.total_tokens
    assert [model.name for model in gemini.models.list()] == ["models/gemini-sim"]


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_every_version_of_gemini(node: Node, version: str) -> None:
    options = types.HttpOptions(base_url=node.url, api_version=version)
    client = genai.Client(api_key=KEY, http_options=options)
    client.models.generate_content(model="gemini-sim", contents="[[sim in=10 out=3]]")
    client.close()
    assert same_as_truth(node, last_request(node)) == {"input": 10, "output": 3}
