"""How an ended attempt becomes a row of `usage_event`, in PostgreSQL's binary COPY format.

Binary, because ids and instants are bytes and integers already; and what many calls share
(customer, project, contract, books, hour) is encoded once and remembered.
Strings of providers are made storable: PostgreSQL has no NUL in text and no lone surrogate.
"""

import struct
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from yuejie.usage.arrival import (
    Answer,
    Arrival,
    Head,
    ItemTuple,
    Shape,
    head_of,
    item_tuples,
)
from yuejie.usage.journal import Begun, Ended
from yuejie.usage.rollup import Tally

COLUMNS: Final = (
    *("event_id", "version", "operation_id", "attempt", "started_at", "used_at", "billable"),
    *("context_tokens", "http_status", "epoch"),
    *("customer_id", "dimension_id", "month", "hour", "api", "model", "stream"),
    *("contract_id", "contract_version", "sale_book", "sale_revision", "cost_book"),
    *("cost_revision", "state", "reason", "billed_model", "service_tier", "outcome"),
    *("first_byte_ms", "response_id", "items", "facts", "source"),
)
"""The order of the fields in a row; `store.COPY_EVENTS` names the same columns."""

HEAD: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TAIL: Final = b"\xff\xff"
CHUNK: Final = 256
"""Rows in one piece: the server parses one while the next is made."""
MEMORY: Final = 50_000
"""Remembered places or answers before all are forgotten: some 20 MB."""

_FIXED: Final = struct.Struct(">hi16sihi16sihiqiqi?iqihii").pack
_length: Final = struct.Struct(">i").pack
_INT4: Final = struct.Struct(">ii").pack
_INT8: Final = struct.Struct(">iq").pack
_BOOL: Final = struct.Struct(">i?").pack
_NULL: Final = _length(-1)
_NO_REPLY: Final = _NULL + _length(0)
_PG_EPOCH_S: Final = 946_684_800
"""2000-01-01 in Unix seconds, from where PostgreSQL counts."""
_PG_EPOCH_US: Final = _PG_EPOCH_S * 1_000_000
_NO_FACTS: Final = b"{}"
_PIECES: Final = 7
"""Pieces of one row."""
_json: Final = msgspec.json.Encoder().encode
_place_of: Final = attrgetter(
    *("customer", "project", "key", "tags", "deployment", "month", "hour_s", "api", "model"),
    *("stream", "contract", "contract_version", "sale_book", "sale_revision", "cost_book"),
    "cost_revision",
)
_answer_of: Final = attrgetter("state", "reason", "billed_model", "service_tier", "outcome")

DimensionKey = tuple[str, str, str, str, str]
"""Customer, project, key, tags, deployment."""


class Place(NamedTuple):
    """What calls of one key, model and hour have in common: their dimension and their bytes."""

    month: str
    hour_s: int
    dimension: int
    shared: bytes = b""


Entry = tuple[Place, Head, Answer | Ended, list[ItemTuple], int]
"""Where an ended attempt belongs, what it says, and which version of its event it is.

A bare tuple: one is made for every call of a customer.
"""


def entry_of(ended: Ended, place: Place, version: int = 1) -> Entry:
    """Return an attempt as it is written."""
    return (place, head_of(ended.begun), ended, item_tuples(ended.items), version)


class Unstorable(Exception):
    """A record has a number that no column can hold; it came from no journal of ours."""


class UnknownDimension(Exception):
    """A place was asked for whose dimension is not interned yet."""


class Places:
    """Remembers places. A dimension must be interned before a place can be made of it."""

    def __init__(self) -> None:
        self.dimensions: dict[DimensionKey, int] = {}
        self._places: dict[tuple[object, ...], Place] = {}
        self._shapes: dict[Shape, Place] = {}

    def unknown(self, calls: Iterable[Begun]) -> set[DimensionKey]:
        """Return the dimensions of these calls that are not interned yet."""
        known = self.dimensions
        return {found for begun in calls if (found := dimension_of(begun)) not in known}

    def unplaced(self, arrived: Iterable[Arrival]) -> Iterator[Begun]:
        """Yield a call of each shape whose place is not known yet."""
        shapes = {shape for shape, *_ in arrived} - self._shapes.keys()
        return (shape.begun for shape in shapes)

    def of(self, begun: Begun) -> Place:
        """Return where a call belongs."""
        key = _place_of(begun)
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= MEMORY:
                self._places.clear()
            dimension = self.dimensions.get(dimension_of(begun), 0)
            if not dimension:
                raise UnknownDimension
            place = self._places[key] = place_in(dimension, begun)
        return place

    def entries(self, arrived: Iterable[Arrival]) -> list[Entry]:
        """Return where calls from a journal belong, and what they say."""
        places, entries = self._shapes, list[Entry]()
        for shape, head, answer, items, _, _ in arrived:
            place = places.get(shape)
            if place is None:
                if len(places) >= MEMORY:
                    places.clear()
                place = places[shape] = self.of(shape.begun)
            entries.append((place, head, answer, items, 1))
        return entries


class Encoder:
    """Makes rows. Lives as long as the process and remembers what answers have in common."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], bytes] = {}

    def rows(
        self, flow: Iterable[Iterable[Entry]], *, epoch: int, source: str, tally: Tally
    ) -> Iterator[bytes]:
        """Yield the pieces of a binary COPY; `tally` has counted every row when it ends."""
        origin = _text(source)
        plain = _length(len(_NO_FACTS)) + _NO_FACTS + origin
        chunk = [HEAD]
        try:
            for entries in flow:
                self._add(chunk, entries, epoch, (origin, plain), tally)
                if len(chunk) > _PIECES * CHUNK:
                    yield b"".join(chunk)
                    chunk.clear()
        except (struct.error, OverflowError, msgspec.MsgspecError) as error:
            raise Unstorable(str(error)) from error
        chunk.append(TAIL)
        yield b"".join(chunk)

    def _add(
        self,
        chunk: list[bytes],
        entries: Iterable[Entry],
        epoch: int,
        origins: tuple[bytes, bytes],
        tally: Tally,
    ) -> None:
        """Add rows to a chunk; this loop runs once for each call of a customer, so it is flat."""
        add, counted, answers, json = chunk.extend, tally.sums, self._answers, jsonb
        origin, plain = origins
        for place, head, answer, items, version in entries:
            sums = counted[place, answer.state]
            for model, meter, quantity, sale_rate, cost_rate in items:
                sums[model, meter, sale_rate, cost_rate] += quantity
            key = _answer_of(answer)
            own = json(items)
            add(
                (
                    _fixed(head, answer, version, epoch),
                    place.shared,
                    answers.get(key) or self._answer(key),
                    _reply(answer),
                    _length(len(own)),
                    own,
                    _facts(answer.facts) + origin if answer.facts else plain,
                )
            )

    def _answer(self, key: tuple[str, ...]) -> bytes:
        if len(self._answers) >= MEMORY:
            self._answers.clear()
        answer = b"".join(map(_text, key))
        self._answers[key] = answer
        return answer


def place_in(dimension: int, begun: Begun) -> Place:
    """Return the place of a call in a dimension."""
    return Place(begun.month, begun.hour_s, dimension, _shared(begun, dimension))


def dimension_of(begun: Begun) -> DimensionKey:
    """Return whom and what a call is counted for."""
    return (
        clean(begun.customer),
        clean(begun.project),
        clean(begun.key),
        clean(begun.tags),
        clean(begun.deployment),
    )


def clean(text: str) -> str:
    """Return the text as PostgreSQL can hold it."""
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text


def jsonb(value: object) -> bytes:
    """Write a value as JSON that PostgreSQL can hold."""
    encoded: bytes = _json(value)
    # JSON may spell the NUL that the server's text type refuses.
    if b"\\u0000" in encoded:
        encoded = encoded.replace(b"\\u0000", b"\\ufffd")
    return encoded


def _fixed(head: Head, answer: Answer | Ended, version: int, epoch: int) -> bytes:
    event, operation, attempt, started_us = head
    return _FIXED(
        len(COLUMNS),
        16,
        event,
        2,
        version,
        16,
        operation,
        2,
        attempt,
        8,
        started_us - _PG_EPOCH_US,
        8,
        answer.ended_us - _PG_EPOCH_US,
        1,
        answer.billable,
        8,
        answer.context_tokens,
        2,
        answer.http_status,
        4,
        epoch,
    )


def _shared(begun: Begun, dimension: int) -> bytes:
    return b"".join(
        (
            _text(begun.customer),
            _INT4(4, dimension),
            _text(begun.month),
            _INT8(8, (begun.hour_s - _PG_EPOCH_S) * 1_000_000),
            _text(begun.api),
            _text(begun.model),
            _BOOL(1, begun.stream),
            _text(begun.contract),
            _INT4(4, begun.contract_version),
            _text(begun.sale_book),
            _INT4(4, begun.sale_revision),
            _text(begun.cost_book),
            _INT4(4, begun.cost_revision),
        )
    )


def _reply(answer: Answer | Ended) -> bytes:
    """Return the time to the first byte and the provider's id."""
    first, response = answer.first_byte_ms, answer.response_id
    if first is None and not response:
        return _NO_REPLY
    return (_NULL if first is None else _INT4(4, first)) + _text(response)


def _facts(facts: dict[str, str]) -> bytes:
    encoded = jsonb(facts)
    return _length(len(encoded)) + encoded


def _text(text: str) -> bytes:
    data = clean(text).encode("utf-8", "replace")
    return _length(len(data)) + data
