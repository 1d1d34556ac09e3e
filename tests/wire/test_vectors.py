"""Every recorded answer means what it is known to mean, however its bytes arrive."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.vectors import (
    INCLUSIVE,
    Vector,
    at_line_ends,
    chunks_of,
    everywhere,
    inclusive,
    is_streamed,
    listen,
    main_model,
    read,
    state_in_vector_terms,
    vectors,
)
from yuejie.usage.dialects import Reading, service_tier
from yuejie.usage.meters import Meter

ALL = vectors()
STREAMED = [vector for vector in ALL if is_streamed(vector)]
CUTTABLE = [vector for vector in STREAMED if "ws" not in vector]
SSE = [vector for vector in STREAMED if "sse" in vector]

PIECES = {
    "web_search_requests": Meter.WEB_SEARCHES,
    "search_units": Meter.SEARCH_UNITS,
}


def ids(vector: Vector) -> str:
    return str(vector["id"])


def quantities(reading: Reading, model: str) -> dict[Meter, int]:
    return {item.meter: item.quantity for item in reading.items if item.model == model}


def test_there_are_seventy_three() -> None:
    assert len(ALL) == 73
    assert len({vector["id"] for vector in ALL}) == 73


@pytest.mark.parametrize("vector", ALL, ids=ids)
def test_every_count_is_what_the_provider_means(vector: Vector) -> None:
    reading = read(vector)
    expected = {name: vector["expected"][name] for name in (*INCLUSIVE, "tool_prompt_in")}
    counted = inclusive(reading, main_model(vector, reading))
    assert counted == expected


@pytest.mark.parametrize("vector", ALL, ids=ids)
def test_the_state_is_what_the_answer_is_worth(vector: Vector) -> None:
    assert state_in_vector_terms(read(vector)) == vector["expected"]["usage_state"]


@pytest.mark.parametrize("vector", ALL, ids=ids)
def test_no_meter_is_counted_twice_for_a_model(vector: Vector) -> None:
    reading = read(vector)
    assert len({(item.model, item.meter) for item in reading.items}) == len(reading.items)
    assert all(item.quantity >= 0 for item in reading.items)


@pytest.mark.parametrize("vector", ALL, ids=ids)
def test_what_is_counted_by_the_piece(vector: Vector) -> None:
    expected = vector["expected"]
    reading = read(vector)
    counted = quantities(reading, main_model(vector, reading))
    for name, meter in PIECES.items():
        if name in expected:
            assert counted[meter] == expected[name]
    if "images_generated" in expected:
        images = counted.get(Meter.IMAGES, int(reading.facts["images"]))
        assert images == expected["images_generated"]
    if "input_characters" in expected:
        said = int(reading.facts.get("billable_characters", "0"))
        assert counted.get(Meter.CHARACTERS, said) == expected["input_characters"]
    if "counted_input" in expected:
        assert reading.facts["counted_input"] == str(expected["counted_input"])
        assert reading.items == ()


@pytest.mark.parametrize("vector", ALL, ids=ids)
def test_the_facts_that_choose_a_price(vector: Vector) -> None:
    expected = vector["expected"]
    reading = read(vector)
    if "service_tier" in expected:
        assert reading.service_tier == service_tier(expected["service_tier"])
        assert reading.facts.get("service_tier", reading.service_tier) == expected["service_tier"]
    if "provider_cost_usd" in expected:
        assert Decimal(reading.facts["provider_cost_usd"]) == Decimal(
            str(expected["provider_cost_usd"])
        )
    told = model_in_answer(vector)
    assert reading.billed_model == told


def model_in_answer(vector: Vector) -> str | None:
    """The model an answer names, found by brute force in the recording."""
    said = [vector.get("response")] + [
        item.get("data") for kind in ("sse", "ws", "eventstream") for item in vector.get(kind, ())
    ]
    if vector["http_status"] >= 400:
        return None
    for part in said:
        if not isinstance(part, dict):
            continue
        for holder in (part, *(v for v in part.values() if isinstance(v, dict))):
            result = holder.get("message", {}) if "custom_id" in part else holder
            model = result.get("model") or result.get("modelVersion")
            if isinstance(model, str):
                return model
    return None


@pytest.mark.parametrize("vector", ALL, ids=ids)
def test_failures_have_one_vocabulary(vector: Vector) -> None:
    expected = vector["expected"]
    reading = read(vector)
    assert reading.error_class == expected.get("error_class")
    if "retryable" in expected:
        assert reading.retryable is expected["retryable"]


def of(vector_id: str) -> Vector:
    return next(vector for vector in ALL if vector["id"] == vector_id)


def test_an_advisor_bills_at_its_own_model() -> None:
    vector = of("ant-msg-48-advisor")
    reading = read(vector)
    for part in vector["expected"]["by_model"]:
        counted = inclusive(reading, part["model"])
        assert counted["input_uncached"] == part["input_uncached"]
        assert counted["output"] == part["output"]
    assert {item.model for item in reading.items} == {"claude-sonnet-4-6", "claude-opus-4-7"}


def test_compaction_adds_to_the_model_and_is_named() -> None:
    vector = of("ant-msg-47-compaction")
    reading = read(vector)
    compaction = vector["expected"]["by_component"][0]
    assert reading.facts["compaction"] == f"{compaction['input_uncached']}+{compaction['output']}"
    assert reading.context_tokens == vector["expected"]["by_component"][1]["input_uncached"]


def test_hosted_images_are_a_second_component() -> None:
    vector = of("oai-resp-25-tool-usage")
    part = vector["expected"]["by_component"][0]
    assert quantities(read(vector), part["component"]) == {
        Meter.INPUT: part["input_text"],
        Meter.IMAGE_IN: part["input_image"],
        Meter.IMAGE_OUT: part["output_image"],
        Meter.OUTPUT: 0,
    }


def test_groq_moonshot_and_doubao_repeat_themselves_and_count_once() -> None:
    for vector_id in ("groq-103-x-groq", "ms-96-stream-choice-usage", "db-100-chunk-usage"):
        vector = of(vector_id)
        assert (
            inclusive(read(vector), main_model(vector, read(vector)))["output"]
            == (vector["expected"]["output"])
        )


def test_xai_tells_what_it_charged_exactly() -> None:
    assert read(of("xai-102-exclusive-reasoning")).facts["provider_cost_usd"] == "0.000146625"


@pytest.mark.parametrize("vector", CUTTABLE, ids=ids)
def test_any_single_cut_gives_the_same_reading(vector: Vector) -> None:
    expected = read(vector)
    for pieces in everywhere(b"".join(chunks_of(vector))):
        assert listen(vector, pieces) == expected


@pytest.mark.parametrize("vector", CUTTABLE, ids=ids)
def test_byte_by_byte_and_all_at_once_give_the_same_reading(vector: Vector) -> None:
    expected = read(vector)
    whole = b"".join(chunks_of(vector))
    assert listen(vector, [whole]) == expected
    assert listen(vector, [whole[at : at + 1] for at in range(len(whole))]) == expected


@pytest.mark.parametrize("vector", SSE, ids=ids)
def test_lines_may_end_as_windows_ends_them(vector: Vector) -> None:
    expected = read(vector)
    chunks = chunks_of(vector, "\r\n")
    assert listen(vector, chunks) == expected
    for pieces in at_line_ends(b"".join(chunks)):
        assert listen(vector, pieces) == expected


@given(data=st.data())
def test_any_cuts_at_all_give_the_same_reading(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(CUTTABLE), label="vector")
    whole = b"".join(chunks_of(vector, data.draw(st.sampled_from(["\n", "\r\n", "\r"]))))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert listen(vector, pieces) == read(vector)


@pytest.mark.parametrize("vector", [of("gem-60-stream"), of("gem-66-vertex-stream")], ids=ids)
def test_gemini_without_sse_is_one_growing_array(vector: Vector) -> None:
    parts: list[Any] = [item["data"] for item in vector["sse"]]
    for written in (json.dumps(parts), json.dumps(parts, indent=2).replace("}, {", "}\n,\r\n{")):
        body = written.encode()
        assert listen(vector, [body]) == read(vector)
        for pieces in everywhere(body):
            assert listen(vector, pieces) == read(vector)
