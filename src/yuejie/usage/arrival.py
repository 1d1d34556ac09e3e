"""A record of the journal as the ingest takes it in: only what differs from call to call is read.

Nine tenths of a begun call is the same for all calls of a key, model and hour. Those bytes are
compared, not decoded: where they are known, what they say is known. Everything else about the
record is decoded and checked as always, and a record of any other build is decoded whole.
"""

import struct
from typing import Final

import msgspec

from yuejie.usage.journal import Begun, Ended, EndedItem, encode

MEMORY: Final = 50_000
"""Remembered shapes before all are forgotten: some 40 MB."""
SPANS: Final = 16
"""Remembered lengths of what calls have in common; ids are of one length, names of few."""

_HEAD: Final = struct.Struct(">8s16s2s16sBBQ")
"""Of an ended call: array headers and tags, event, operation, attempt, start."""
_OPENS: Final = b"\x9f\x02\xdc\x00\x17\x01\xc4\x10"
_ID: Final = b"\xc4\x10"
_BEFORE: Final = 2
"""Bytes of an ended call before its begun one."""
_SMALL: Final = 0x80
"""Smaller whole numbers are one byte in msgpack."""
_WIDE: Final = 0xCF
_NARROW: Final = 2**32
"""Larger whole numbers are eight bytes, and `_WIDE` before them."""
_unpack: Final = _HEAD.unpack_from

ItemTuple = tuple[str, str, int, int, int]
"""Model, meter, quantity, sale rate, cost rate: an `EndedItem` in the order of its fields."""
Head = tuple[bytes, bytes, int, int]
"""Event, operation, attempt, start in Unix microseconds: what no two calls have in common."""


class Answer(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """An `Ended` whose begun call is left as it is; field by field the same."""

    begun: msgspec.Raw
    ended_us: int
    state: str
    reason: str
    billable: bool
    items: list[ItemTuple]
    context_tokens: int = 0
    billed_model: str = ""
    service_tier: str = ""
    http_status: int = 200
    outcome: str = "ok"
    first_byte_ms: int | None = None
    response_id: str = ""
    facts: dict[str, str] = {}


class Shape:
    """What calls of one key, model and hour have in common; one object for all of them."""

    __slots__ = ("begun",)

    def __init__(self, begun: Begun) -> None:
        self.begun = begun
        """One of those calls."""


Arrival = tuple[Shape, Head, Answer | Ended, list[ItemTuple], bytes, int]
"""An ended call as it came out of a journal: the bytes are the whole record, and the last number
says where in them the hold stands, 0 where the record was decoded whole.

A bare tuple: one is made for every call of a customer.
"""


def in_full(arrival: Arrival) -> Ended:
    """Return everything that the record says."""
    return _decode_ended(arrival[4])


_decode_ended: Final = msgspec.msgpack.Decoder(Ended).decode
_decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode
_values: Final = msgspec.structs.astuple


class Reader:
    """Reads ended calls, and remembers the shapes it has met."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, Shape] = {}
        self._spans: list[int] = []

    def read(self, payload: bytes) -> Arrival:
        """Read one record; `msgspec.DecodeError` says what is wrong with it."""
        try:
            answer = _decode_answer(payload)
            opens, event, mark, operation, attempt, wide, started = _unpack(payload)
        except (msgspec.DecodeError, struct.error):
            return self._learn(payload)
        if opens == _OPENS and mark == _ID and wide == _WIDE and attempt < _SMALL:
            known, start = self._shapes.get, _HEAD.size
            # What follows the start is a sequence of msgpack values, which no other sequence
            # begins with: equal bytes mean equal values, whatever comes behind them.
            for span in self._spans:
                shape = known(payload[start : start + span])
                if shape is not None:
                    head = (event, operation, attempt, started)
                    return (shape, head, answer, answer.items, payload, start + span)
        return self._learn(payload)

    def read_ended(self, ended: Ended) -> Arrival:
        """Return a call as if it had been read."""
        return self.read(encode(ended))

    def _learn(self, payload: bytes) -> Arrival:
        """Decode the whole record, and remember what it has in common with others."""
        ended = _decode_ended(payload)
        begun = ended.begun
        shape, key = Shape(begun), _common(begun)
        if payload.startswith(_OPENS) and payload.startswith(key, _HEAD.size) and _is_usual(begun):
            if len(self._shapes) >= MEMORY:
                self._shapes.clear()
            shape = self._shapes.setdefault(key, shape)
            if len(key) not in self._spans:
                self._spans = [len(key), *self._spans[: SPANS - 1]]
        return (shape, head_of(begun), ended, item_tuples(ended.items), payload, 0)


def head_of(begun: Begun) -> Head:
    """Return what no two calls have in common."""
    return (begun.event, begun.operation, begun.attempt, begun.started_us)


def item_tuples(items: tuple[EndedItem, ...]) -> list[ItemTuple]:
    """Return items as the fast road has them."""
    return [_values(item) for item in items]


def _common(begun: Begun) -> bytes:
    """Return the bytes that a usual call shares with others: all between its start and its hold."""
    whole = encode(begun)
    hold = len(encode(begun.hold_pico)) + len(encode(begun.lease))
    return whole[_HEAD.size - _BEFORE : len(whole) - hold]


def _is_usual(begun: Begun) -> bool:
    """Tell whether a call's head is laid out as `_HEAD` says."""
    return (
        len(begun.operation) == len(begun.event)
        and begun.attempt < _SMALL
        and begun.started_us > _NARROW
    )
