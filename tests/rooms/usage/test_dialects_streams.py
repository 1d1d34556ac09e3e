"""What the tap hears: streams as providers send them, and as networks cut them."""

import json
from typing import Any

import pytest

from tests.wire.vectors import aws_frame, sse_event
from yuejie.usage.dialects import Api, Reading, ReadingState, Reason, RequestHint, StreamTap
from yuejie.usage.meters import Meter as M  # noqa: N817 - as in the table

ASKED = RequestHint("asked", stream=True)


def listen(api: Api, chunks: list[bytes], *, complete: bool = True) -> Reading:
    tap = StreamTap(api, ASKED)
    for chunk in chunks:
        tap.feed(chunk)
    return tap.finish(complete=complete)


def counts(reading: Reading, model: str = "m") -> dict[M, int]:
    return {item.meter: item.quantity for item in reading.items if item.model == model}


def event(name: str = "", **data: object) -> bytes:
    return sse_event({"data": data, **({"event": name} if name else {})})


def piece(text: str = "hi", finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return sse_event({"data": {"model": "m", "id": "c1", "choices": [choice], **more}})


def usage(prompt: int = 5, completion: int = 7, **more: object) -> dict[str, object]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


END = event(model="m", id="c1", choices=[], usage=usage())
DONE = b"data: [DONE]\n\n"
CHAT = [piece(str(n), usage=None) for n in range(20)] + [piece("", "stop", usage=None), END, DONE]
MEASURED = {M.INPUT: 5, M.OUTPUT: 7}


def test_an_ordinary_stream() -> None:
    reading = listen(Api.OPENAI_CHAT, CHAT)
    assert counts(reading) == MEASURED
    assert (reading.state, reading.billed_model) == (ReadingState.MEASURED, "m")
    assert reading.response_id == "c1"


@pytest.mark.parametrize("shift", range(-12, 13))
def test_chunks_that_end_just_beside_their_events(shift: int) -> None:
    whole = b"".join(CHAT)
    ends = [len(b"".join(CHAT[: n + 1])) + shift for n in range(len(CHAT) - 1)]
    pieces = [whole[a:b] for a, b in zip([0, *ends], [*ends, len(whole)], strict=True)]
    assert listen(Api.OPENAI_CHAT, pieces) == listen(Api.OPENAI_CHAT, CHAT)


def test_signs_of_life_say_nothing() -> None:
    chunks = [b": keep-alive\n\n", *CHAT[:9], b": keep-alive\n\n", b"\n", *CHAT[9:]]
    assert counts(listen(Api.OPENAI_CHAT, chunks)) == MEASURED


def test_a_stream_may_begin_with_a_byte_order_mark_and_empty_lines() -> None:
    for opening in (b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"\n\n"):
        chunks = [bytes([byte]) for byte in opening] + CHAT
        assert counts(listen(Api.OPENAI_CHAT, chunks)) == MEASURED


def test_data_over_several_lines_is_one_event() -> None:
    text = json.dumps({"model": "m", "choices": [], "usage": usage()}, indent=1)
    spread = b"".join(b"data: " + line.encode() + b"\n" for line in text.splitlines()) + b"\n"
    assert counts(listen(Api.OPENAI_CHAT, [*CHAT[:5], spread, DONE])) == MEASURED


def test_a_last_event_without_its_empty_line_still_counts() -> None:
    assert counts(listen(Api.OPENAI_CHAT, [*CHAT[:5], END.rstrip()])) == MEASURED


def test_text_that_speaks_of_usage_and_errors_is_text() -> None:
    said = '"usage":{"prompt_tokens":1} "error" [DONE] data: {"usage":1}\n\n'
    chunks = [CHAT[0], piece(said, usage=None), *CHAT[1:]]
    assert listen(Api.OPENAI_CHAT, chunks) == listen(Api.OPENAI_CHAT, CHAT)


@pytest.mark.parametrize(
    ("chunks", "saw"),
    [
        (CHAT[:-2], False),
        (CHAT[:-1], True),
        (CHAT, True),
        ([CHAT[0], piece("", "stop", usage=usage())], True),
        ([CHAT[0], DONE], True),
    ],
)
def test_the_tap_knows_when_an_answer_is_complete(chunks: list[bytes], *, saw: bool) -> None:
    tap = StreamTap(Api.OPENAI_CHAT, ASKED)
    for chunk in chunks:
        tap.feed(chunk)
    assert tap.saw_terminal is saw


def test_output_seen_is_counted_for_estimates() -> None:
    tap = StreamTap(Api.OPENAI_CHAT, ASKED)
    for chunk in CHAT[:15]:
        tap.feed(chunk)
    assert tap.deltas == 15
    tap.feed(b"".join(CHAT[15:20]))
    assert tap.deltas == 20


def test_cut_before_usage_nothing_is_known() -> None:
    reading = listen(Api.OPENAI_CHAT, CHAT[:9], complete=False)
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.STREAM_CUT)
    assert (reading.billed_model, reading.items) == ("m", ())


def test_cut_after_the_final_usage_all_is_known() -> None:
    assert listen(Api.OPENAI_CHAT, CHAT[:-1], complete=False).state is ReadingState.MEASURED


def test_complete_without_usage_is_absent() -> None:
    reading = listen(Api.OPENAI_CHAT, [*CHAT[:9], DONE])
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.NO_USAGE)


def test_usage_that_grows_and_is_cut_is_a_floor() -> None:
    chunks = [piece(usage=usage(5, n, total_tokens=5 + n)) for n in range(1, 9)]
    reading = listen(Api.OPENAI_CHAT, chunks, complete=False)
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.STREAM_CUT)
    assert counts(reading) == {M.INPUT: 5, M.OUTPUT: 8}


def test_later_usage_that_says_less_does_not_take_back() -> None:
    rich = usage(5, 1, prompt_tokens_details={"cached_tokens": 3, "audio_tokens": None})
    poor = usage(5, 2, prompt_tokens_details={"cached_tokens": None})
    poorer = usage(5, 3)
    chunks = [piece(usage=u) for u in (rich, poor, poorer)] + [piece("", "stop", usage=poorer)]
    assert counts(listen(Api.OPENAI_CHAT, chunks)) == {M.INPUT: 2, M.CACHE_READ: 3, M.OUTPUT: 3}


def test_moonshot_says_it_twice_and_counts_once() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage()}
    finish = event(model="m", choices=[choice])
    assert counts(listen(Api.OPENAI_CHAT, [*CHAT[:5], finish, END, DONE])) == MEASURED
    assert counts(listen(Api.OPENAI_CHAT, [*CHAT[:5], finish, DONE])) == MEASURED


def test_azure_opens_without_choices_or_a_model() -> None:
    opening = event(choices=[], id="", model="", prompt_filter_results=[])
    reading = listen(Api.OPENAI_CHAT, [opening, *CHAT])
    assert (counts(reading), reading.billed_model) == (MEASURED, "m")


# ── Errors ───────────────────────────────────────────────────────────────────────────────────────


def failure(**members: object) -> bytes:
    return event(error={"message": "no", **members})


def test_an_error_in_mid_stream() -> None:
    reading = listen(Api.OPENAI_CHAT, [*CHAT[:9], failure(type="server_error"), DONE])
    assert (reading.state, reading.error_class) == (ReadingState.ABSENT, "upstream_error")


def test_an_error_after_usage_leaves_a_floor() -> None:
    chunks = [piece(usage=usage(5, n)) for n in (1, 2)]
    reading = listen(Api.OPENAI_CHAT, [*chunks, failure(code="overloaded_error")])
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.ERROR_IN_ANSWER)
    assert counts(reading) == {M.INPUT: 5, M.OUTPUT: 2}


def test_a_refusal_before_the_first_word_is_free() -> None:
    reading = listen(Api.OPENAI_CHAT, [failure(code="rate_limit_exceeded")])
    assert (reading.state, reading.retryable) == (ReadingState.NOT_APPLICABLE, True)
    late = listen(Api.OPENAI_CHAT, [*CHAT[:3], failure(code="rate_limit_exceeded")])
    assert late.state is ReadingState.ABSENT


def test_a_flat_error_is_heard_though_nothing_marks_it() -> None:
    flat = event(code="DataInspectionFailed", message="no", request_id="r")
    reading = listen(Api.OPENAI_CHAT, [*CHAT[:9], flat])
    assert reading.error_class == "content_blocked"


def test_glm_gives_up_in_its_last_chunk() -> None:
    reading = listen(Api.OPENAI_CHAT, [*CHAT[:9], piece("", "network_error")])
    assert (reading.state, reading.error_class) == (ReadingState.ABSENT, "upstream_error")


def test_a_usage_event_that_cannot_be_read_is_named() -> None:
    broken = b'data: {"model":"m","choices":[],"usage":{"prompt_tokens":5,}}\n\n'
    reading = listen(Api.OPENAI_CHAT, [*CHAT[:9], broken, DONE])
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.BROKEN_JSON)


def test_a_negative_usage_at_the_end_is_refused() -> None:
    bad = event(model="m", choices=[], usage=usage(-5, 7))
    reading = listen(Api.OPENAI_CHAT, [*CHAT[:9], bad, DONE])
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.NEGATIVE)


def test_one_json_document_in_place_of_a_stream() -> None:
    body = json.dumps({"model": "m", "choices": [{}], "usage": usage()}, indent=2).encode()
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    assert counts(listen(Api.OPENAI_CHAT, pieces)) == MEASURED
    refused = json.dumps({"error": {"code": "rate_limit_exceeded"}}).encode()
    assert listen(Api.OPENAI_CHAT, [refused]).state is ReadingState.NOT_APPLICABLE


@pytest.mark.parametrize("chunks", [[], [b""], [b"\n", b" "]])
def test_silence_is_absent(chunks: list[bytes]) -> None:
    reading = listen(Api.OPENAI_CHAT, chunks, complete=False)
    assert (reading.state, reading.reason) == (ReadingState.ABSENT, Reason.STREAM_CUT)


# ── Anthropic ────────────────────────────────────────────────────────────────────────────────────


def start(**more: object) -> bytes:
    message = {"id": "msg_1", "model": "m", "usage": {"output_tokens": 1, **more}}
    return event("message_start", type="message_start", message=message)


def delta(stop: str | None = "end_turn", **more: object) -> bytes:
    return event("message_delta", type="message_delta", delta={"stop_reason": stop}, usage=more)


WORDS = [
    event(
        "content_block_delta",
        type="content_block_delta",
        index=0,
        delta={"type": "text_delta", "text": "error usage"},
    )
] * 4
PING = event("ping", type="ping")
STOP = event("message_stop", type="message_stop")


def test_message_deltas_overwrite_and_nulls_do_not() -> None:
    chunks = [
        start(input_tokens=2037, cache_read_input_tokens=4),
        PING,
        *WORDS,
        delta(None, output_tokens=3, input_tokens=15665, cache_read_input_tokens=None),
        delta(output_tokens=90, server_tool_use={"web_search_requests": 1}),
        STOP,
    ]
    assert counts(listen(Api.ANTHROPIC_MESSAGES, chunks)) == {
        M.INPUT: 15665,
        M.CACHE_READ: 4,
        M.OUTPUT: 90,
        M.WEB_SEARCHES: 1,
    }


def test_the_split_of_writes_is_only_in_the_start() -> None:
    split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 7}
    chunks = [
        start(input_tokens=1, cache_creation_input_tokens=7, cache_creation=split),
        *WORDS,
        delta(output_tokens=2, cache_creation_input_tokens=9),
        STOP,
    ]
    reading = listen(Api.ANTHROPIC_MESSAGES, chunks)
    assert counts(reading)[M.CACHE_WRITE_1H] == 9
    assert counts(reading)[M.CACHE_WRITE_5M] == 0


def test_cut_in_mid_answer_the_start_is_the_floor() -> None:
    reading = listen(Api.ANTHROPIC_MESSAGES, [start(input_tokens=9), *WORDS], complete=True)
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.STREAM_CUT)
    assert counts(reading) == {M.INPUT: 9, M.OUTPUT: 1}


def test_cut_between_the_last_count_and_the_stop_all_is_known() -> None:
    chunks = [start(input_tokens=9), *WORDS, delta(output_tokens=5)]
    assert listen(Api.ANTHROPIC_MESSAGES, chunks, complete=False).state is ReadingState.MEASURED


@pytest.mark.parametrize("nothing", [None, {}, {"output_tokens": None}])
def test_an_end_that_says_no_output_leaves_the_start_a_floor(nothing: object) -> None:
    """The start's output is a place held for the count, not the count."""
    last = event(
        "message_delta", type="message_delta", delta={"stop_reason": "end_turn"}, usage=nothing
    )
    for chunks in ([start(input_tokens=9), *WORDS, last, STOP], [start(input_tokens=9), STOP]):
        reading = listen(Api.ANTHROPIC_MESSAGES, chunks)
        assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.INCOMPLETE_USAGE)
        assert counts(reading) == {M.INPUT: 9, M.OUTPUT: 1}


# ── Gemini ───────────────────────────────────────────────────────────────────────────────────────


def candidate(finish: str | None = None, **counted: object) -> bytes:
    answer: dict[str, Any] = {"content": {"parts": [{"text": "x"}]}}
    if finish:
        answer["finishReason"] = finish
    return event(candidates=[answer], usageMetadata=counted, modelVersion="m")


def test_gemini_counts_grow_and_a_poorer_report_takes_nothing_back() -> None:
    chunks = [
        candidate(promptTokenCount=9, candidatesTokenCount=2, thoughtsTokenCount=3),
        candidate(promptTokenCount=9, candidatesTokenCount=4, thoughtsTokenCount=3),
        candidate(trafficType="ON_DEMAND"),
        candidate("STOP", promptTokenCount=9, candidatesTokenCount=6, totalTokenCount=18),
    ]
    reading = listen(Api.GEMINI_GENERATE, chunks)
    assert counts(reading) == {M.INPUT: 9, M.OUTPUT: 6, M.REASONING: 3}
    assert (reading.state, reading.facts["trafficType"]) == (ReadingState.MEASURED, "ON_DEMAND")


def test_gemini_cut_is_a_floor() -> None:
    reading = listen(Api.GEMINI_GENERATE, [candidate(promptTokenCount=9)] * 3, complete=False)
    assert (reading.state, counts(reading)) == (ReadingState.PARTIAL, {M.INPUT: 9, M.OUTPUT: 0})


def test_a_growing_array_with_brackets_and_quotes_in_its_texts() -> None:
    texts = ['"', "\\", '{"usageMetadata": [', "]}", '\\\\"', "}]\n"]
    parts = [
        {
            "candidates": [{"content": {"parts": [{"text": text}]}}],
            "modelVersion": "m",
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": n},
        }
        for n, text in enumerate(texts)
    ]
    parts[-1]["candidates"][0]["finishReason"] = "STOP"  # type: ignore[index]  # plain JSON
    body = json.dumps(parts).encode()
    for size in (1, 2, 3, 7, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert counts(listen(Api.GEMINI_GENERATE, pieces)) == {M.INPUT: 4, M.OUTPUT: 5}


# ── Others ───────────────────────────────────────────────────────────────────────────────────────


def test_bedrock_exceptions_are_frames() -> None:
    chunks = [
        aws_frame({"event": "messageStart", "data": {}}, wrapped=False),
        aws_frame({"event": "contentBlockDelta", "data": {"contentBlockIndex": 0}}, wrapped=False),
        aws_frame({"exception": "throttlingException", "data": {}}, wrapped=False),
    ]
    reading = listen(Api.BEDROCK_CONVERSE, chunks)
    assert (reading.state, reading.error_class) == (ReadingState.ABSENT, "rate_limit")
    assert listen(Api.BEDROCK_CONVERSE, chunks[2:]).state is ReadingState.NOT_APPLICABLE


def test_a_damaged_aws_frame_is_not_believed() -> None:
    counted = {"usage": {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}}
    good = aws_frame({"event": "metadata", "data": counted}, wrapped=False)
    assert counts(listen(Api.BEDROCK_CONVERSE, [good]), "asked") == {M.INPUT: 5, M.OUTPUT: 6}
    bad = good.replace(b'"inputTokens": 5', b'"inputTokens": 9')
    assert listen(Api.BEDROCK_CONVERSE, [bad]).state is ReadingState.ABSENT
    nonsense = b"\xff" * 32
    assert listen(Api.BEDROCK_CONVERSE, [nonsense, good]).state is ReadingState.ABSENT


def test_sound_is_counted_by_its_text_when_it_came_whole() -> None:
    def speak(*, complete: bool) -> Reading:
        tap = StreamTap(Api.OPENAI_SPEECH, RequestHint("tts-1", characters=26))
        tap.feed(b"\xff\xfb\x90data: {")
        return tap.finish(complete=complete)

    assert counts(speak(complete=True), "tts-1") == {M.CHARACTERS: 26}
    assert speak(complete=True).state is ReadingState.MEASURED
    assert speak(complete=False).state is ReadingState.PARTIAL


def test_the_users_own_speech_is_transcribed_by_another_model() -> None:
    heard = {
        "type": "conversation.item.input_audio_transcription.completed",
        "usage": {"type": "tokens", "input_tokens": 5, "output_tokens": 2},
    }
    done = {"type": "response.done", "response": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    reading = listen(Api.OPENAI_REALTIME, [json.dumps(m).encode() for m in (heard, done)])
    assert counts(reading, "asked") == {M.INPUT: 9, M.OUTPUT: 1}
    assert counts(reading, "input_audio_transcription") == {M.INPUT: 5, M.OUTPUT: 2}


def test_an_incomplete_response_is_billed_and_says_why() -> None:
    response = {
        "model": "m",
        "incomplete_details": {"reason": "max_output_tokens"},
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
    }
    chunk = event("response.incomplete", type="response.incomplete", response=response)
    reading = listen(Api.OPENAI_RESPONSES, [chunk])
    assert (reading.state, counts(reading)) == (ReadingState.MEASURED, {M.INPUT: 3, M.OUTPUT: 4})
    assert reading.facts["incomplete"] == "max_output_tokens"


def test_a_bare_error_event_of_responses() -> None:
    chunk = event("error", type="error", code="server_error", message="no", param=None)
    reading = listen(Api.OPENAI_RESPONSES, [chunk])
    assert (reading.state, reading.error_class) == (ReadingState.ABSENT, "upstream_error")


def picture(tokens: int | None = None, *, kind: str = "completed") -> bytes:
    counted = {"usage": {"input_tokens": 9, "output_tokens": tokens}} if tokens else {}
    return event(
        f"image_generation.{kind}", type=f"image_generation.{kind}", b64_json="", **counted
    )


def drawn(asked: int, chunks: list[bytes], *, complete: bool = True) -> tuple[Reading, bool]:
    tap = StreamTap(Api.OPENAI_IMAGES, RequestHint("m", stream=True, images=asked))
    for chunk in chunks:
        tap.feed(chunk)
    return tap.finish(complete=complete), tap.saw_terminal


def test_pictures_that_are_counted_together_are_measured() -> None:
    """Whichever event carries the count: the last of several, or the only one for all of them."""
    for chunks in ([picture(), picture(544)], [picture(544)]):
        reading, _ = drawn(2, chunks)
        assert counts(reading) == {M.INPUT: 9, M.IMAGE_OUT: 544}
        assert reading.state is ReadingState.MEASURED


@pytest.mark.parametrize("tokens", [(272, 544), (272, 272)])
def test_pictures_that_are_counted_one_by_one_are_a_floor(tokens: tuple[int, int]) -> None:
    """Each its own, each with those before it, or all of them each time: nobody says which.

    The last count is owed by every reading of it. What more there may be waits on the worklist.
    """
    reading, ended = drawn(2, [picture(each) for each in tokens])
    assert ended
    assert counts(reading) == {M.INPUT: 9, M.IMAGE_OUT: tokens[-1]}
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.INCOMPLETE_USAGE)
    assert reading.facts["images"] == "2"


def test_a_stream_that_breaks_between_two_pictures_is_a_floor() -> None:
    reading, ended = drawn(2, [picture(272), picture(kind="partial_image")], complete=False)
    assert not ended
    assert counts(reading) == {M.INPUT: 9, M.IMAGE_OUT: 272}
    assert (reading.state, reading.reason) == (ReadingState.PARTIAL, Reason.STREAM_CUT)
