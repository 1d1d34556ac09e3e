"""What answers say was used: overlaps undone, arithmetic checked, nothing clipped."""

import json
from typing import Any

import pytest

from yuejie.usage.dialects import (
    Api,
    Reading,
    ReadingState,
    Reason,
    RequestHint,
    read_body,
    service_tier,
)
from yuejie.usage.meters import Meter as M  # noqa: N817 - as in the table

ASKED = RequestHint("asked")


def answer(
    api: Api, body: object, hint: RequestHint = ASKED, headers: dict[str, str] | None = None
) -> Reading:
    return read_body(api, 200, headers or {}, json.dumps(body).encode(), hint)


def chat(usage: object, **more: object) -> Reading:
    return answer(Api.OPENAI_CHAT, {"model": "m", "usage": usage, **more})


def messages(usage: dict[str, Any], hint: RequestHint = ASKED) -> Reading:
    return answer(Api.ANTHROPIC_MESSAGES, {"model": "m", "usage": usage}, hint)


def counts(reading: Reading, model: str = "m") -> dict[M, int]:
    return {item.meter: item.quantity for item in reading.items if item.model == model}


# ── Absence is not zero ──────────────────────────────────────────────────────────────────────────


def test_what_nobody_reported_is_not_there() -> None:
    reading = chat({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})
    assert counts(reading) == {M.INPUT: 5, M.OUTPUT: 7}


def test_a_reported_zero_is_there() -> None:
    reading = chat(
        {
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": None},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }
    )
    assert counts(reading) == {M.INPUT: 5, M.CACHE_READ: 0, M.OUTPUT: 7, M.REASONING: 0}


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 5}, [], "many", {"cost": 1}])
def test_an_answer_without_counts_is_absent(usage: object) -> None:
    reading = chat(usage)
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.NO_USAGE)
    assert reading.items == ()


def test_half_a_usage_is_a_floor() -> None:
    reading = chat({"prompt_tokens": 5})
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.INCOMPLETE_USAGE)
    assert counts(reading) == {M.INPUT: 5}


def test_searches_without_the_answers_own_usage_are_a_floor() -> None:
    reading = answer(
        Api.OPENAI_RESPONSES,
        {"model": "m", "usage": None, "tool_usage": {"web_search": {"num_requests": 3}}},
    )
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.INCOMPLETE_USAGE)
    assert counts(reading) == {M.WEB_SEARCHES: 3}


@pytest.mark.parametrize("body", [b"", b"{", b'{"usage": {"prompt_tokens": 1}', b"<html>"])
def test_a_broken_answer_is_absent(body: bytes) -> None:
    reading = read_body(Api.OPENAI_CHAT, 200, {}, body, ASKED)
    assert reading.state is ReadingState.ABSENT
    assert reading.reason is (Reason.BROKEN_JSON if body.startswith(b"{") else Reason.NO_USAGE)


# ── Numbers that cannot be true ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("-1", Reason.NEGATIVE),
        ("1.5", Reason.NOT_INTEGER),
        ('"12"', Reason.NOT_INTEGER),
        ("true", Reason.NOT_INTEGER),
        ("1000000001", Reason.ABSURD),
        ("1e400", Reason.ABSURD),
        ("-1e400", Reason.NEGATIVE),
        ("1e99999999999999999999", Reason.ABSURD),
        ("99999999999999999999999999", Reason.ABSURD),
    ],
)
def test_no_count_is_clipped_into_belief(value: str, reason: Reason) -> None:
    body = f'{{"model":"m","usage":{{"prompt_tokens":{value},"completion_tokens":2}}}}'
    reading = read_body(Api.OPENAI_CHAT, 200, {}, body.encode(), ASKED)
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, reason)
    assert reading.items == ()
    assert reading.context_tokens == 0


def test_a_whole_number_with_a_point_is_a_whole_number() -> None:
    body = b'{"usage":{"billed_units":{"input_tokens":12.0,"output_tokens":3e1}}}'
    reading = read_body(Api.COHERE_CHAT, 200, {}, body, ASKED)
    assert counts(reading, "asked") == {M.INPUT: 12, M.OUTPUT: 30}


def test_more_cached_than_read_cannot_be() -> None:
    reading = chat(
        {
            "prompt_tokens": 10,
            "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 11},
        }
    )
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.ARITHMETIC_MISMATCH)


def test_more_reasoning_than_output_cannot_be_unless_the_total_says_so() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "completion_tokens_details": {"reasoning_tokens": 9},
    }
    assert chat(usage).reason is Reason.ARITHMETIC_MISMATCH
    assert counts(chat({**usage, "total_tokens": 20})) == {M.INPUT: 10, M.OUTPUT: 1, M.REASONING: 9}
    inside = chat({**usage, "total_tokens": 11})
    assert counts(inside) == {M.INPUT: 10, M.OUTPUT: 1}
    assert inside.facts["arithmetic"] == "mismatch"


def test_a_context_far_beyond_the_models_window_is_absurd() -> None:
    body = {"model": "m", "usage": {"prompt_tokens": 1_280_001, "completion_tokens": 1}}
    window = RequestHint("m", context_window=128_000)
    assert answer(Api.OPENAI_CHAT, body, window).reason is Reason.ABSURD
    assert answer(Api.OPENAI_CHAT, body).state is ReadingState.MEASURED


# ── Arithmetic ───────────────────────────────────────────────────────────────────────────────────


def test_thoughts_that_only_the_total_knows_are_reasoning() -> None:
    reading = chat({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109})
    assert counts(reading) == {M.INPUT: 35, M.OUTPUT: 12, M.REASONING: 62}
    assert reading.facts["arithmetic"] == "hidden_reasoning"


def test_an_unexplained_total_is_written_down_and_the_counts_stand() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 99,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    reading = chat(usage)
    assert reading.state is ReadingState.MEASURED
    assert counts(reading) == {M.INPUT: 10, M.OUTPUT: 3, M.REASONING: 2}
    assert reading.facts["arithmetic"] == "mismatch"


def test_gemini_candidates_may_contain_the_thoughts_after_all() -> None:
    reading = answer(
        Api.GEMINI_GENERATE,
        {
            "usageMetadata": {
                "promptTokenCount": 10,
                "candidatesTokenCount": 30,
                "thoughtsTokenCount": 20,
                "totalTokenCount": 40,
            }
        },
    )
    assert counts(reading, "asked") == {M.INPUT: 10, M.OUTPUT: 10, M.REASONING: 20}


def test_media_that_add_up_to_more_than_the_count_stay_in_it() -> None:
    reading = chat(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "prompt_tokens_details": {"audio_tokens": 11},
            "completion_tokens_details": {"audio_tokens": 6},
        }
    )
    assert counts(reading) == {M.INPUT: 10, M.OUTPUT: 5}
    assert reading.facts["arithmetic"] == "mismatch"


def test_media_are_fresh_unless_they_must_have_been_cached() -> None:
    details = {"cached_tokens": 20, "audio_tokens": 44}
    roomy = chat({"prompt_tokens": 100, "completion_tokens": 0, "prompt_tokens_details": details})
    assert counts(roomy) == {M.INPUT: 36, M.CACHE_READ: 20, M.AUDIO_IN: 44, M.OUTPUT: 0}
    tight = chat({"prompt_tokens": 50, "completion_tokens": 0, "prompt_tokens_details": details})
    assert counts(tight) == {
        M.INPUT: 0,
        M.CACHE_READ: 6,
        M.CACHE_READ_AUDIO: 14,
        M.AUDIO_IN: 30,
        M.OUTPUT: 0,
    }


def test_media_written_to_the_cache_are_counted_as_written() -> None:
    reading = chat(
        {
            "prompt_tokens": 50,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cache_write_tokens": 40, "image_tokens": 30},
        }
    )
    assert counts(reading) == {
        M.INPUT: 0,
        M.IMAGE_IN: 10,
        M.CACHE_WRITE_30M: 40,
        M.OUTPUT: 0,
    }


def test_an_image_answer_with_text_in_it() -> None:
    reading = answer(
        Api.OPENAI_IMAGES,
        {
            "data": [{}, {}],
            "size": "1024x1024",
            "usage": {
                "input_tokens": 10,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 0, "cached_tokens": 4},
                "output_tokens": 100,
                "output_tokens_details": {"text_tokens": 7, "image_tokens": 93},
            },
        },
    )
    assert counts(reading, "asked") == {
        M.INPUT: 6,
        M.CACHE_READ: 4,
        M.IMAGE_IN: 0,
        M.OUTPUT: 7,
        M.IMAGE_OUT: 93,
    }
    assert reading.facts["images"] == "2"
    assert reading.facts["image_size"] == "1024x1024"


def test_the_context_is_all_that_was_read() -> None:
    reading = messages(
        {
            "input_tokens": 10,
            "cache_read_input_tokens": 200,
            "cache_creation_input_tokens": 3000,
            "output_tokens": 5,
        }
    )
    assert reading.context_tokens == 3210


# ── Cache writes and their time to live ──────────────────────────────────────────────────────────


def written(usage: dict[str, Any], ttl: str | None = None) -> dict[M, int]:
    reading = messages(
        {"input_tokens": 1, "output_tokens": 1, **usage}, RequestHint("m", cache_ttl=ttl)
    )
    return {m: n for m, n in counts(reading).items() if m.startswith("cache_write")}


def split(five: int, hour: int) -> dict[str, int]:
    return {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}


@pytest.mark.parametrize(
    ("ttl", "meter"),
    [
        (None, M.CACHE_WRITE_5M),
        ("5m", M.CACHE_WRITE_5M),
        ("1h", M.CACHE_WRITE_1H),
        ("mixed", M.CACHE_WRITE_UNSPECIFIED),
    ],
)
def test_writes_without_a_split_live_as_long_as_was_asked(ttl: str | None, meter: M) -> None:
    assert written({"cache_creation_input_tokens": 9}, ttl) == {meter: 9}


def test_writes_beyond_the_split_live_as_long_as_the_split() -> None:
    assert written({"cache_creation_input_tokens": 9, "cache_creation": split(0, 4)}) == {
        M.CACHE_WRITE_5M: 0,
        M.CACHE_WRITE_1H: 9,
    }
    assert written({"cache_creation_input_tokens": 9, "cache_creation": split(2, 4)}) == {
        M.CACHE_WRITE_5M: 5,
        M.CACHE_WRITE_1H: 4,
    }


def test_a_split_of_more_than_was_written_is_an_old_report() -> None:
    assert written({"cache_creation_input_tokens": 3, "cache_creation": split(0, 4)}) == {
        M.CACHE_WRITE_1H: 3
    }
    assert written({"cache_creation_input_tokens": 3, "cache_creation": split(2, 4)}) == {
        M.CACHE_WRITE_UNSPECIFIED: 3
    }


def test_openai_writes_live_thirty_minutes_unless_said_otherwise() -> None:
    details: dict[str, Any] = {"cached_tokens": 0, "cache_write_tokens": 9}
    usage = {"input_tokens": 10, "output_tokens": 1, "input_tokens_details": details}
    body = {"model": "m", "usage": usage}
    assert counts(answer(Api.OPENAI_RESPONSES, body))[M.CACHE_WRITE_30M] == 9
    half_day = RequestHint("m", cache_ttl="12h")
    assert counts(answer(Api.OPENAI_RESPONSES, body, half_day))[M.CACHE_WRITE_12H] == 9
    details["cache_write_tokens_details"] = {"ttl_30m_tokens": 4, "ttl_12h_tokens": 5}
    both = counts(answer(Api.OPENAI_RESPONSES, body))
    assert (both[M.CACHE_WRITE_30M], both[M.CACHE_WRITE_12H], both[M.INPUT]) == (4, 5, 1)


# ── Several models in one answer ─────────────────────────────────────────────────────────────────


def iteration(kind: str, read: int, said: int, model: str | None = None) -> dict[str, Any]:
    entry = {"type": kind, "input_tokens": read, "output_tokens": said}
    return entry | ({"model": model} if model else {})


def fallback(read: int, said: int) -> Reading:
    return messages(
        {
            "input_tokens": read,
            "output_tokens": said,
            "server_tool_use": {"web_search_requests": 2},
            "iterations": [
                iteration("message", 100, 10),
                iteration("fallback_message", 120, 30, "other"),
            ],
        }
    )


def test_a_fallback_beside_the_top_level_is_added() -> None:
    reading = fallback(100, 10)
    assert counts(reading) == {M.INPUT: 100, M.OUTPUT: 10, M.WEB_SEARCHES: 2}
    assert counts(reading, "other") == {M.INPUT: 120, M.OUTPUT: 30}
    assert reading.billed_model == "other"


def test_a_fallback_inside_the_top_level_is_taken_out() -> None:
    reading = fallback(220, 40)
    assert counts(reading) == {M.INPUT: 100, M.OUTPUT: 10, M.WEB_SEARCHES: 2}
    assert counts(reading, "other") == {M.INPUT: 120, M.OUTPUT: 30}


def test_a_fallback_that_is_the_top_level_leaves_the_declined_hop_uncharged() -> None:
    reading = fallback(120, 30)
    assert counts(reading) == {M.WEB_SEARCHES: 2}
    assert counts(reading, "other") == {M.INPUT: 120, M.OUTPUT: 30}
    assert reading.facts["declined_hop"] == "100+10"


def test_a_fallback_nobody_can_place_is_written_down() -> None:
    assert fallback(999, 9).facts["arithmetic"] == "mismatch"


def test_hosted_images_bill_the_model_that_drew_them() -> None:
    body: dict[str, Any] = {
        "model": "m",
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "tool_usage": {"image_gen": {"input_tokens": 2, "output_tokens": 3}},
    }
    drawn = {M.INPUT: 2, M.IMAGE_OUT: 3}
    assert counts(answer(Api.OPENAI_RESPONSES, body), "image_gen") == drawn
    asked = RequestHint("m", image_model="gpt-image-1")
    assert counts(answer(Api.OPENAI_RESPONSES, body, asked), "gpt-image-1") == drawn
    body["tools"] = [{"type": "web_search"}, {"type": "image_generation", "model": "gpt-image-2"}]
    assert counts(answer(Api.OPENAI_RESPONSES, body, asked), "gpt-image-2") == drawn


def test_svg_is_written_by_a_second_model() -> None:
    reading = answer(
        Api.OPENAI_IMAGES,
        {
            "data": [{}],
            "usage": {"input_tokens": 1, "output_tokens": 2},
            "svg_usage": {
                "model": "gpt-5",
                "input_tokens": 4,
                "output_tokens": 9,
                "reasoning_tokens": 3,
            },
        },
    )
    assert counts(reading, "gpt-5") == {M.INPUT: 4, M.OUTPUT: 6, M.REASONING: 3}


# ── Other things than tokens ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"usage": {"type": "duration", "seconds": 7}}, 7),
        ({"usage": {"type": "duration", "seconds": 7.01}}, 8),
        ({"usage": {"prompt_audio_seconds": 4, "prompt_tokens": 9}}, 4),
        ({"duration": 8.47, "text": "hi"}, 9),
        ({"duration": "8.47", "text": "hi"}, 9),
    ],
)
def test_whisper_is_counted_in_begun_seconds(body: object, seconds: int) -> None:
    reading = answer(Api.OPENAI_TRANSCRIPTIONS, body)
    assert reading.state is ReadingState.MEASURED
    assert counts(reading, "asked") == {M.SECONDS: seconds}


@pytest.mark.parametrize("duration", ["NaN", "soon", "-1", "1e30"])
def test_a_duration_that_is_none_is_refused(duration: str) -> None:
    reading = answer(Api.OPENAI_TRANSCRIPTIONS, {"duration": duration})
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.ABSURD)


def test_pictures_without_usage_are_counted_by_the_piece() -> None:
    asked = RequestHint("dall-e-3", images=2, image_size="1024x1792", image_quality="hd")
    reading = answer(Api.OPENAI_IMAGES, {"data": [{"url": "a"}, {"url": "b"}]}, asked)
    assert counts(reading, "dall-e-3") == {M.IMAGES: 2}
    assert (reading.facts["image_size"], reading.facts["image_quality"]) == ("1024x1792", "hd")
    assert answer(Api.OPENAI_IMAGES, {"data": []}, asked).state is ReadingState.ABSENT


def test_speech_without_a_known_text_is_absent() -> None:
    reading = read_body(Api.OPENAI_SPEECH, 200, {}, b"\xff\xfb\x90", ASKED)
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.NO_USAGE)


def test_an_embedding_with_only_a_total() -> None:
    reading = answer(Api.OPENAI_EMBEDDINGS, {"model": "m", "usage": {"total_tokens": 9}})
    assert counts(reading) == {M.INPUT: 9}


def test_vertex_predictions_are_summed_unless_one_is_no_number() -> None:
    def predicted(*tokens: object) -> Reading:
        entries = [{"embeddings": {"statistics": {"token_count": n}}} for n in tokens]
        return answer(Api.VERTEX_PREDICT, {"predictions": entries})

    assert counts(predicted(2, 3, 4), "asked") == {M.INPUT: 9}
    assert predicted(2, -3, 4).reason is Reason.NEGATIVE
    assert predicted("two", 3).reason is Reason.NOT_INTEGER


def test_cohere_embeds_pictures() -> None:
    reading = answer(Api.COHERE_EMBED, {"meta": {"billed_units": {"images": 3}}})
    assert counts(reading, "asked") == {M.IMAGES: 3}


def test_a_free_endpoint_is_never_billed() -> None:
    reading = answer(Api.GEMINI_COUNT_TOKENS, {"totalTokens": 31})
    assert (reading.state, reading.items) == (ReadingState.NOT_APPLICABLE, ())
    broken = read_body(Api.ANTHROPIC_COUNT_TOKENS, 200, {}, b"oops", ASKED)
    assert broken.state is ReadingState.NOT_APPLICABLE


def test_bedrock_headers_count_for_models_that_do_not() -> None:
    headers = {
        "x-amzn-bedrock-input-token-count": "4",
        "x-amzn-bedrock-output-token-count": "6",
        "x-amzn-bedrock-cache-read-input-token-count": "10",
        "x-amzn-bedrock-service-tier": "flex",
    }
    reading = answer(Api.BEDROCK_INVOKE, {"generation": "hi"}, headers=headers)
    assert counts(reading, "asked") == {M.INPUT: 4, M.CACHE_READ: 10, M.OUTPUT: 6}
    assert reading.service_tier == "flex"
    own = {"model": "m", "usage": {"input_tokens": 1, "output_tokens": 2}}
    assert counts(answer(Api.BEDROCK_INVOKE, own, headers=headers)) == {M.INPUT: 1, M.OUTPUT: 2}


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        (None, None),
        ("auto", None),
        ("standard", "default"),
        ("default", "default"),
        ("fast", "priority"),
        ("ON_DEMAND", "default"),
        ("ON_DEMAND_FLEX", "flex"),
        ("PROVISIONED_THROUGHPUT", "provisioned"),
        ("ultrafast", "ultrafast"),
        ("Scale", "scale"),
    ],
)
def test_service_tiers_have_one_name(said: str | None, tier: str | None) -> None:
    assert service_tier(said) == tier


def test_the_providers_own_word_for_a_tier_is_kept() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    reading = chat(usage, service_tier="fast")
    assert (reading.service_tier, reading.facts["service_tier"]) == ("priority", "fast")
    assert "service_tier" not in chat(usage, service_tier="flex").facts


def test_anthropic_says_where_and_how_fast() -> None:
    reading = messages(
        {"input_tokens": 1, "output_tokens": 1, "speed": "fast", "inference_geo": "us"}
    )
    assert (reading.facts["speed"], reading.facts["inference_geo"]) == ("fast", "us")


def test_costs_are_exact() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    assert chat({**usage, "cost": 4e-05}).facts["provider_cost_usd"] == "0.00004"
    ticks = chat({**usage, "cost_in_usd_ticks": 10_000_000_000})
    assert ticks.facts["provider_cost_usd"] == "1"
    for odd in ("²", "9" * 5_000, "-1"):
        assert "provider_cost_usd" not in chat({**usage, "cost_in_usd_ticks": odd}).facts
    # Written out it would be a gigabyte of digits.
    absurd = chat({**usage, "cost": "1e999999999"})
    assert absurd.facts["provider_cost_usd"] == "1e999999999"
