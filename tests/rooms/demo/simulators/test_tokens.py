"""Counting, and words written to measure."""

from hypothesis import given
from hypothesis import strategies as st

from yuejie.demo.simulators.dialects import prose
from yuejie.demo.simulators.directives import Counts
from yuejie.demo.simulators.tokens import (
    PREFIX_TOKENS,
    Prompt,
    PromptCache,
    Tokens,
    tally,
    tokens_in,
)
from yuejie.usage.meters import INPUT_SIDE

SOME = st.integers(0, 5000)


@given(SOME, st.integers(0, 9))
def test_an_answer_of_n_tokens_is_4n_bytes_however_it_is_cut(tokens: int, seed: int) -> None:
    whole = prose.text(tokens, seed)

    assert len(whole.encode()) == 4 * tokens
    assert b"".join(prose.pieces(tokens, None, seed)).decode() == whole
    assert len(prose.pieces(tokens, None, seed)) <= prose.EVENTS_MAX


@given(SOME, st.integers(1, 600))
def test_a_stream_has_the_events_it_was_told_to_have(tokens: int, events: int) -> None:
    assert len(prose.pieces(tokens, events, 0)) == events


@given(st.builds(Counts, *[st.none() | SOME] * 12))
def test_meters_are_disjoint_and_sum_to_the_wholes(counts: Counts) -> None:
    used = tally(Prompt("m", ["hello"]), counts, PromptCache(), 0)
    meters = used.meters()

    assert all(quantity >= 0 for quantity in meters.values())
    assert sum(q for m, q in meters.items() if m in INPUT_SIDE) == used.total_in + used.tool_in
    assert meters["output"] + meters.get("reasoning", 0) == used.out


def test_a_prompt_costs_a_quarter_of_its_bytes() -> None:
    assert tally(Prompt("m", ["月结" * 4]), Counts(), PromptCache(), 0).total_in == 6
    assert tokens_in("a") == 1


def test_the_answer_never_exceeds_what_the_request_allows() -> None:
    bounded = Prompt("m", ["hi"], max_out=10)
    used = tally(bounded, Counts(out=50, reasoning=20), PromptCache(), 0)

    assert (used.out, used.reasoning, used.cut_short) == (10, 10, True)


def test_a_long_prefix_is_written_once_and_read_from_then_on() -> None:
    cache = PromptCache()
    prompt = Prompt("m", ["x" * 8000], cache_write="write_5m")

    first = tally(prompt, Counts(), cache, 0)
    second = tally(prompt, Counts(), cache, 0)

    assert (first.write_5m, first.cached) == (PREFIX_TOKENS, 0)
    assert (second.write_5m, second.cached) == (0, PREFIX_TOKENS)


def test_a_share_of_the_answer_costs_a_share_of_the_output_and_all_of_the_input() -> None:
    assert Tokens(total_in=90, out=40, reasoning=20).delivered(1, 4) == Tokens(
        total_in=90, out=10, reasoning=5
    )
