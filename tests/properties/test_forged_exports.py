"""Guards assurance: whatever stands in an exported file, the verifier says so and never fails."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from yuejie.assurance.verifier.yuejie_verify import encode, end_record, sealed_record, verify

USAGE = [1, "usage", "2026-10", "p", "m", "input", 1, 10**6, 10**7, "CNY", None, 1000, 943, 57]
BILL: dict[str, Any] = {
    "form": 2,
    "bill_id": "bill_1",
    "number": "YJ1",
    "customer_id": "cus_1",
    "currency": "CNY",
    "month": "2026-10",
    "tax": ["inclusive", 60_000],
    "lines": [[*USAGE, "", "", 1]],
    "tax_lines": [[1, "x", None, "m", 60_000, 943, 57]],
    "totals_fen": [943, 57, 1000],
    "previous": "0" * 64,
}
NOTE: dict[str, Any] = {
    "form": 2,
    "number": "YJC1",
    "customer_id": "cus_1",
    "lines": [["line_1", 94, 6]],
    "totals_fen": [94, 6, 100],
    "why": "更正",
    "previous": "0" * 64,
}
LINE = [1, 0, "bill_1", 1, "304", "服务", "", "", None, None, 60_000, 849, 51, 900]
BLUE: dict[str, Any] = {
    "what": "fapiao",
    "number": "1" * 20,
    "fapiao_id": "fapiao_1",
    "customer_id": "cus_1",
    "lines": [LINE],
    "totals_fen": [849, 51, 900],
    "previous": "0" * 64,
}
RED: dict[str, Any] = BLUE | {
    "what": "red_fapiao",
    "number": "2" * 20,
    "blue_number": "1" * 20,
    "lines": [[1, 1, -849, -51, -900]],
    "totals_fen": [-849, -51, -900],
}
HEAD = {"kind": "head", "format": 1, "customer": "acme", "customer_id": "cus_1"}


def records() -> list[dict[str, Any]]:
    """Return a bill, a credit note, a fapiao and its red one, each sealed and in its chain."""
    bill = sealed_record("bill", "YJ1", json.dumps(BILL))
    named = NOTE | {"bill": ["bill_1", "YJ1", bill["seal"]]}
    note = sealed_record("credit", "YJC1", json.dumps(named), positions={"line_1": 1})
    blue = sealed_record("fapiao", BLUE["number"], json.dumps(BLUE))
    red = sealed_record("red_fapiao", RED["number"], json.dumps(RED | {"previous": blue["seal"]}))
    return [dict(HEAD), bill, note, blue, red]


def written(sealed: list[Any]) -> bytes:
    """Write the file with every hash repaired, as somebody who rewrites it can."""
    lines = [encode(record) for record in sealed]
    end = encode(end_record([("x", line) for line in lines]))
    return b"".join(line + b"\n" for line in [*lines, end])


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def put(value: Any, path: tuple[Any, ...], new: object) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.just("9" * 4_000),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text("abc", max_size=2), st.integers(), max_size=2),
)


def test_the_file_verifies_as_it_is() -> None:
    assert verify(written(records())) == []


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(0, 10**6), ODD)
@example(1, [*places(BILL)].index(("lines", 0, 8)), "9" * 4_000)
@example(1, [*places(BILL)].index(("tax", 1)), "9" * 4_000)
def test_a_forged_leaf_is_no_traceback(which: int, nth: int, new: object) -> None:
    """A text where a number stood was multiplied by the quantity until no memory was left."""
    sealed = records()
    form = json.loads(sealed[which]["form"])
    found = [*places(form)]
    put(form, found[nth % len(found)], new)
    more = {name: sealed[which][name] for name in ("positions",) if name in sealed[which]}
    kind, name = sealed[which]["kind"], sealed[which]["name"]
    sealed[which] = sealed_record(kind, name, json.dumps(form), **more)
    verify(written(sealed))


@settings(deadline=None)
@given(st.integers(0, 10**6), ODD)
def test_an_altered_record_is_no_traceback(nth: int, new: object) -> None:
    sealed = records()
    found = [*places(sealed)]
    put(sealed, found[nth % len(found)], new)
    verify(written(sealed))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_altered_bytes_are_found(changes: list[tuple[int, int]]) -> None:
    data = written(records())
    altered = bytearray(data)
    for at, byte in changes:
        altered[at % len(data)] = byte
    assert bool(verify(bytes(altered))) == (bytes(altered) != data)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.binary(max_size=40), st.integers(0, 40))
@example(0, b"\xef\xbb\xbf", 0)
def test_bytes_that_are_put_in_or_left_out_are_found(at: int, added: bytes, gone: int) -> None:
    data = written(records())
    at %= len(data) + 1
    altered = data[:at] + added + data[at + gone :]
    assert bool(verify(altered)) == (altered != data)


def test_another_customers_records_are_named() -> None:
    """The head says whose they are; each chain was all of one customer, and nobody asked whose."""
    sealed = records()
    sealed[0] |= {"customer_id": "cus_2"}
    found = verify(written(sealed))
    assert {each.field for each in found} == {"customer_id"}
    assert len(found) == 4


def test_a_line_of_no_known_kind_is_named() -> None:
    sealed = records()
    sealed[4] |= {"kind": "other"}
    assert [each.said for each in verify(written(sealed))] == ["不是账单、冲减单或发票"]
    assert any(each.name == "第 1 行" for each in verify(written(records()[1:])))
    again = records()
    assert any(each.name == "第 6 行" for each in verify(written([*again, again[0]])))
    later = dict(HEAD) | {"format": 2}
    assert any(each.name == "第 1 行" for each in verify(written([later, *records()[1:]])))


def test_a_number_that_is_none_is_named() -> None:
    for field, place, new in [
        ("明细第 1 行 结构", ("lines", 0, 11), True),
        ("tax tax_ppm", ("tax", 1), 6e4),
        ("totals_fen tax_fen", ("totals_fen", 1), 57.0),
        ("计税第 1 行", ("tax_lines", 0, 5), 943.0),
    ]:
        form = json.loads(json.dumps(BILL))
        put(form, place, new)
        bill = sealed_record("bill", "YJ1", json.dumps(form))
        found = {each.field for each in verify(written([HEAD, bill]))}
        assert field in found, (field, found)
