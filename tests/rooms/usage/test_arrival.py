"""Reading only what differs from call to call says the same as reading everything."""

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.usage.arrival import Arrival, Reader, in_full
from yuejie.usage.journal import Begun, Ended, EndedItem, encode

CALL = Begun(
    event=bytes(range(16)),
    operation=bytes(range(16, 32)),
    attempt=1,
    started_us=1_790_000_000_000_000,
    month="2026-09",
    hour_s=1_789_999_200,
    customer="cus_1",
    project="prj_1",
    key="key_1",
    tags="team=a",
    deployment="openai/gpt",
    api="openai.chat",
    model="gpt",
    stream=True,
    contract="con_1",
    contract_version=1,
    sale_book="sale",
    sale_revision=3,
    cost_book="cost",
    cost_revision=4,
)
END = Ended(CALL, CALL.started_us + 5, "measured", "", True, (EndedItem("gpt", "input", 7, 1, 2),))  # noqa: FBT003 - records are written by position


def begun(**changes: object) -> Begun:
    return msgspec.structs.replace(CALL, **changes)


def ended(call: Begun, **changes: object) -> Ended:
    return msgspec.structs.replace(END, begun=call, **changes)


@dataclass(frozen=True)
class Said:
    """What an arrival says without its record."""

    call: Begun
    rest: dict[str, object]


def said(arrival: Arrival) -> Said:
    shape, (event, operation, attempt, started_us), answer, items, *_ = arrival
    own = {"event": event, "operation": operation, "attempt": attempt, "started_us": started_us}
    call = msgspec.structs.replace(shape.begun, **own, hold_pico=0, lease="")
    rest = {name: getattr(answer, name) for name in Ended.__struct_fields__[1:]}
    return Said(call, rest | {"items": tuple(EndedItem(*item) for item in items)})


def expected(record: Ended) -> Said:
    rest = {name: getattr(record, name) for name in Ended.__struct_fields__[1:]}
    return Said(msgspec.structs.replace(record.begun, hold_pico=0, lease=""), rest)


words = st.text(max_size=40)
ids = st.binary(min_size=16, max_size=16)
whole = st.integers(0, 2**63 - 1)
calls = st.builds(
    Begun,
    event=ids,
    operation=ids,
    attempt=st.integers(0, 300),
    started_us=st.integers(0, 2**62),
    month=st.sampled_from(["2026-09", "2026-10"]),
    hour_s=whole,
    customer=words,
    project=words,
    key=words,
    tags=words,
    deployment=words,
    api=words,
    model=words,
    stream=st.booleans(),
    contract=words,
    contract_version=whole,
    sale_book=words,
    sale_revision=whole,
    cost_book=words,
    cost_revision=whole,
    hold_pico=whole,
    lease=words,
)
ends = st.builds(
    Ended,
    begun=st.one_of(
        calls, st.builds(begun, event=ids, operation=ids, hold_pico=whole, lease=words)
    ),
    ended_us=whole,
    state=words,
    reason=words,
    billable=st.booleans(),
    items=st.lists(
        st.builds(EndedItem, words, words, st.integers(-(2**63), 2**63 - 1), whole, whole)
    ).map(tuple),
    context_tokens=whole,
    billed_model=words,
    service_tier=words,
    http_status=st.integers(0, 999),
    outcome=words,
    first_byte_ms=st.none() | whole,
    response_id=words,
    facts=st.dictionaries(words, words, max_size=3),
)


@settings(max_examples=40)
@given(st.lists(ends, max_size=8))
def test_an_arrival_says_what_the_record_says(records: list[Ended]) -> None:
    """Guards usage: shapes that were met before, met anew, unusual ones, holds of any length."""
    reader = Reader()
    for record in [*records, *records]:
        arrival = reader.read(encode(record))
        assert said(arrival) == expected(record)
        assert in_full(arrival) == record


def test_calls_of_one_shape_share_it_whatever_they_hold() -> None:
    reader = Reader()
    first = reader.read(encode(ended(begun())))
    other = ended(begun(event=b"e" * 16, attempt=2, hold_pico=10**15, lease="lease_1"))
    assert reader.read(encode(other))[0] is first[0]
    assert reader.read_ended(other)[0] is first[0]


@pytest.mark.parametrize(
    "difference",
    [
        {"month": "2026-10"},
        {"hour_s": CALL.hour_s + 3600},
        {"customer": "cus_2"},
        {"tags": "team=b"},
        {"stream": False},
        {"contract_version": 2},
        {"cost_revision": 5},
    ],
)
def test_calls_that_differ_in_anything_they_could_share_do_not(
    difference: dict[str, object],
) -> None:
    reader = Reader()
    first = reader.read(encode(ended(begun())))
    other = reader.read(encode(ended(begun(**difference))))
    assert other[0] is not first[0]
    assert said(other) == expected(ended(begun(**difference)))


@pytest.mark.parametrize(
    "unusual",
    [{"attempt": 128}, {"started_us": 5}, {"operation": b"short"}, {"event": b"e" * 17}],
)
def test_a_head_of_another_build_is_read_whole(unusual: dict[str, object]) -> None:
    reader = Reader()
    reader.read(encode(ended(begun())))
    record = ended(begun(**unusual))
    for _ in range(2):
        assert said(reader.read(encode(record))) == expected(record)


def test_a_record_with_a_field_from_the_future_is_read_whole() -> None:
    reader = Reader()
    plain = msgspec.msgpack.decode(encode(ended(begun())))
    longer = msgspec.msgpack.encode([*plain, *[b""] * (15 - len(plain)), "new"])
    for _ in range(2):
        arrival = reader.read(longer)
        assert in_full(arrival) == ended(begun())
        assert said(arrival) == expected(ended(begun()))


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x92\x02\x91\x01", encode(begun()), b"\xc1"])
def test_what_is_no_ended_call_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Reader().read(payload)
