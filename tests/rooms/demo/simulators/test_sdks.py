"""The official SDKs, pointed straight at the simulators, take them for the real thing."""

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.rooms.demo.simulators.caller import Simulators

MARK = "请问 [[sim in=374 out=44 cached=100 reasoning=5]]"
TRUE = {"input": 274, "cache_read": 100, "output": 39, "reasoning": 5}
WEATHER: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
FUNCTION: Any = {"name": "weather", "description": "天气", "parameters": WEATHER}


@pytest.fixture
def oai(simulators: Simulators) -> Iterator[openai.OpenAI]:
    url = f"{simulators.url}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-simulator", max_retries=0) as client:
        yield client


@pytest.fixture
def ant(simulators: Simulators) -> Iterator[anthropic.Anthropic]:
    url = simulators.url
    with anthropic.Anthropic(base_url=url, api_key="sk-simulator", max_retries=0) as client:
        yield client


@pytest.fixture
def gem(simulators: Simulators) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=simulators.url)
    client = genai.Client(api_key="sk-simulator", http_options=options)
    yield client
    client.close()


def test_openai_chat(oai: openai.OpenAI, simulators: Simulators) -> None:
    answer = oai.chat.completions.create(
        model="gpt-5", messages=[{"role": "user", "content": MARK}], service_tier="priority"
    )

    assert answer.usage
    assert answer.usage.prompt_tokens_details
    assert answer.usage.completion_tokens_details
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (374, 44)
    assert answer.usage.prompt_tokens_details.cached_tokens == 100
    assert answer.usage.completion_tokens_details.reasoning_tokens == 5
    assert answer.service_tier == "priority"
    truth = simulators.last()
    assert (truth.usage, truth.reported, truth.outcome) == (TRUE, True, "served")
    assert (truth.response_id, truth.service_tier) == (answer.id, "priority")


def test_openai_chat_stream(oai: openai.OpenAI, simulators: Simulators) -> None:
    chunks = list(
        oai.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": MARK}],
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"X-Client-Request-Id": "attempt-1"},
        )
    )

    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert len(said.encode()) == 4 * 39
    assert [bool(c.usage) for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []
    truth = simulators.last()
    assert (truth.usage, truth.stream, truth.complete) == (TRUE, True, True)
    assert truth.client_request_id == "attempt-1"
    assert truth.delivered_events == len(chunks) + 1  # [DONE]


def test_openai_chat_stream_without_asking_has_no_usage(
    oai: openai.OpenAI, simulators: Simulators
) -> None:
    messages: Any = [{"role": "user", "content": MARK}]
    chunks = list(oai.chat.completions.create(model="gpt-4o", messages=messages, stream=True))

    assert not any(c.usage for c in chunks)
    assert simulators.last().reported is False


def test_openai_chat_calls_the_tool_it_is_offered(oai: openai.OpenAI) -> None:
    answer = oai.chat.completions.create(
        model="gpt-4o",
        n=2,
        messages=[{"role": "user", "content": "北京天气"}],
        tools=[{"type": "function", "function": FUNCTION}],
    )

    assert len(answer.choices) == 2
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert calls[0].function.name == "weather"
    assert calls[0].function.arguments == '{"city":"北京"}'


def test_openai_responses(oai: openai.OpenAI, simulators: Simulators) -> None:
    answer = oai.responses.create(model="gpt-5", input=MARK)

    assert answer.usage
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (374, 44)
    assert answer.usage.input_tokens_details.cached_tokens == 100
    assert len(answer.output_text.encode()) == 4 * 39
    assert simulators.last().usage == TRUE


def test_openai_responses_stream(oai: openai.OpenAI, simulators: Simulators) -> None:
    with oai.responses.stream(model="gpt-5", input=MARK) as stream:
        events = list(stream)
        final = stream.get_final_response()

    assert [e.sequence_number for e in events if hasattr(e, "sequence_number")]
    assert events[-1].type == "response.completed"
    assert final.usage
    assert final.usage.output_tokens_details.reasoning_tokens == 5
    assert simulators.last().usage == TRUE


def test_openai_responses_calls_the_function_it_is_offered(oai: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "strict": False, **FUNCTION}
    stream = oai.responses.create(model="gpt-5", input="北京天气", tools=[tool], stream=True)
    last: Any = list(stream)[-1]

    assert last.response.output[-1].type == "function_call"
    assert last.response.output[-1].arguments == '{"city":"北京"}'


def test_openai_completions_and_embeddings(oai: openai.OpenAI, simulators: Simulators) -> None:
    plain = oai.completions.create(model="gpt-3.5-turbo-instruct", prompt=MARK)
    assert plain.usage
    assert plain.usage.total_tokens == 418

    vectors = oai.embeddings.create(model="text-embedding-3-small", input=["月结" * 4, "abcd"])
    assert (len(vectors.data), len(vectors.data[0].embedding)) == (2, 16)
    assert vectors.usage.prompt_tokens == 7
    assert simulators.last().usage == {"input": 7}


def test_openai_images(oai: openai.OpenAI, simulators: Simulators) -> None:
    drawn = oai.images.generate(model="gpt-image-1", prompt="一只猫", n=2, quality="low")
    assert drawn.usage
    assert drawn.usage.output_tokens == 544
    assert simulators.last().usage == {"input": 3, "output": 0, "image_out": 544}

    old = oai.images.generate(model="dall-e-3", prompt="一只猫", n=2)
    assert old.data
    assert len(old.data) == 2
    assert old.usage is None
    assert simulators.last().usage == {"images": 2}


def test_openai_audio(oai: openai.OpenAI, simulators: Simulators) -> None:
    sound = ("a.wav", bytes(96_000), "audio/wav")
    heard = oai.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound)
    assert heard.usage
    assert heard.usage.type == "tokens"
    assert simulators.last().usage == {"input": 0, "audio_in": 30, "output": 9}

    timed = oai.audio.transcriptions.create(model="whisper-1", file=sound)
    assert timed.usage
    assert timed.usage.type == "duration"
    assert simulators.last().usage == {"seconds": 3}

    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert oai.audio.translations.create(model="whisper-1", file=sound).text

    spoken = oai.audio.speech.create(model="tts-1", voice="alloy", input="你好，月结")
    assert spoken.read()
    assert simulators.last().usage == {"characters": 5}


def test_openai_models(oai: openai.OpenAI) -> None:
    assert "gpt-4o" in {model.id for model in oai.models.list()}
    assert oai.models.retrieve("deepseek-chat").owned_by == "deepseek"


def test_openai_errors(oai: openai.OpenAI, simulators: Simulators) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        oai.embeddings.create(model="no-such-model", input="x")
    assert unknown.value.code == "model_not_found"

    with pytest.raises(openai.RateLimitError) as limited:
        oai.embeddings.create(model="text-embedding-3-small", input="[[sim fault=429]]")
    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.response.headers["retry-after"] == "1"

    with pytest.raises(openai.RateLimitError) as spent:
        oai.embeddings.create(model="text-embedding-3-small", input="[[sim fault=quota]]")
    assert spent.value.code == "insufficient_quota"

    wrong = openai.OpenAI(base_url=f"{simulators.url}/v1", api_key="sk-wrong", max_retries=0)
    with wrong, pytest.raises(openai.AuthenticationError) as refused:
        wrong.models.list()
    assert refused.value.code == "invalid_api_key"


def test_openai_sdk_retries_a_passing_fault(simulators: Simulators) -> None:
    url = f"{simulators.url}/v1"
    with openai.OpenAI(base_url=url, api_key="sk-simulator", max_retries=2) as patient:
        before = len(simulators.truth())
        answer = patient.embeddings.create(
            model="text-embedding-3-small", input="[[sim fault=500 times=1 id=retry]]"
        )

    assert answer.data
    assert len(simulators.truth()) == before + 1


def test_anthropic_message(ant: anthropic.Anthropic, simulators: Simulators) -> None:
    mark = "请问 [[sim in=374 out=44 cached=100 write5m=20 write1h=30 reasoning=5]]"
    message = ant.messages.create(
        model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": mark}]
    )

    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (224, 100)
    assert usage.cache_creation_input_tokens == 50
    assert usage.cache_creation
    assert usage.cache_creation.ephemeral_5m_input_tokens == 20
    assert usage.cache_creation.ephemeral_1h_input_tokens == 30
    assert usage.output_tokens == 44
    truth = simulators.last()
    writes = {"cache_write_5m": 20, "cache_write_1h": 30}
    assert truth.usage == {**TRUE, **writes, "input": 224}


def test_anthropic_stream(ant: anthropic.Anthropic, simulators: Simulators) -> None:
    with ant.messages.stream(
        model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": MARK}]
    ) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert len(said.encode()) == 4 * 39
    assert (final.usage.output_tokens, final.stop_reason) == (44, "end_turn")
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert simulators.last().usage == TRUE


def test_anthropic_uses_the_tool_it_is_offered(ant: anthropic.Anthropic) -> None:
    with ant.messages.stream(
        model="claude-sonnet-5",
        max_tokens=1000,
        messages=[{"role": "user", "content": "北京天气"}],
        tools=[{"name": "weather", "input_schema": WEATHER}],
    ) as stream:
        final = stream.get_final_message()

    assert final.stop_reason == "tool_use"
    assert final.content[-1].type == "tool_use"
    assert final.content[-1].input == {"city": "北京"}


def test_anthropic_caches_what_it_is_told_to_cache(ant: anthropic.Anthropic) -> None:
    long: anthropic.types.TextBlockParam = {
        "type": "text",
        "text": "月结" * 2000,
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }
    usages = [
        ant.messages.create(
            model="claude-sonnet-5",
            max_tokens=100,
            system=[long],
            messages=[{"role": "user", "content": "好"}],
        ).usage
        for _ in range(2)
    ]

    assert usages[0].cache_creation
    assert usages[0].cache_creation.ephemeral_1h_input_tokens == 1024
    assert usages[1].cache_read_input_tokens == 1024


def test_anthropic_counts_tokens_for_nothing(
    ant: anthropic.Anthropic, simulators: Simulators
) -> None:
    before = len(simulators.truth())
    counted = ant.messages.count_tokens(
        model="claude-sonnet-5", messages=[{"role": "user", "content": "月结" * 4}]
    )

    assert counted.input_tokens == 6
    assert len(simulators.truth()) == before


def test_anthropic_errors_and_models(ant: anthropic.Anthropic, simulators: Simulators) -> None:
    hello: anthropic.types.MessageParam = {"role": "user", "content": "[[sim fault=529]]"}
    with pytest.raises(anthropic.APIStatusError) as busy:
        ant.messages.create(model="claude-sonnet-5", max_tokens=9, messages=[hello])
    assert busy.value.status_code == 529
    assert busy.value.request_id

    with pytest.raises(anthropic.NotFoundError):
        ant.messages.create(model="gpt-4o", max_tokens=9, messages=[hello])
    wrong = anthropic.Anthropic(base_url=simulators.url, api_key="sk-wrong", max_retries=0)
    with wrong, pytest.raises(anthropic.AuthenticationError):
        wrong.messages.create(model="claude-sonnet-5", max_tokens=9, messages=[hello])
    assert "claude-sonnet-5" in {model.id for model in ant.models.list()}


def test_gemini_generate(gem: genai.Client, simulators: Simulators) -> None:
    answer = gem.models.generate_content(model="gemini-2.5-pro", contents=MARK)

    usage = answer.usage_metadata
    assert usage
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (374, 100)
    assert (usage.candidates_token_count, usage.thoughts_token_count) == (39, 5)
    assert usage.total_token_count == 418
    assert answer.text
    assert len(answer.text.encode()) == 4 * 39
    truth = simulators.last()
    assert (truth.usage, truth.response_id) == (TRUE, answer.response_id)


def test_gemini_stream(gem: genai.Client, simulators: Simulators) -> None:
    chunks = list(gem.models.generate_content_stream(model="gemini-2.5-pro", contents=MARK))

    totals = [c.usage_metadata.total_token_count or 0 for c in chunks if c.usage_metadata]
    assert totals == sorted(totals)
    assert totals[-1] == 418
    assert len("".join(c.text or "" for c in chunks).encode()) == 4 * 39
    assert simulators.last().usage == TRUE


def test_gemini_pictures_functions_counts_and_vectors(
    gem: genai.Client, simulators: Simulators
) -> None:
    picture = types.Part.from_bytes(data=b"png", mime_type="image/png")
    asked = types.Content(role="user", parts=[picture, types.Part.from_text(text="这是什么")])
    seen = gem.models.generate_content(model="gemini-2.5-pro", contents=asked)
    assert seen.usage_metadata
    assert simulators.last().usage["image_in"] == 258

    tool = types.Tool(function_declarations=[types.FunctionDeclaration(**FUNCTION)])
    called = gem.models.generate_content(
        model="gemini-2.5-pro",
        contents="北京天气",
        config=types.GenerateContentConfig(tools=[tool]),
    )
    assert called.function_calls
    assert called.function_calls[0].args == {"city": "北京"}

    assert gem.models.count_tokens(model="gemini-2.5-pro", contents="月结" * 4).total_tokens == 6
    words = [
        types.Content(parts=[types.Part.from_text(text=each)]) for each in ("月结" * 4, "abcd")
    ]
    vectors = gem.models.embed_content(model="gemini-embedding-2", contents=list(words))
    assert vectors.embeddings
    assert simulators.last().usage["input"] >= 6


def test_gemini_errors(gem: genai.Client, simulators: Simulators) -> None:
    with pytest.raises(errors.ClientError) as limited:
        gem.models.generate_content(model="gemini-2.5-pro", contents="[[sim fault=429]]")
    assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(errors.ClientError) as unknown:
        gem.models.generate_content(model="no-such-model", contents="x")
    assert unknown.value.code == 404

    options = types.HttpOptions(base_url=simulators.url)
    wrong = genai.Client(api_key="wrong", http_options=options)
    with pytest.raises(errors.ClientError, match="API key not valid"):
        wrong.models.generate_content(model="gemini-2.5-pro", contents="x")
    wrong.close()
