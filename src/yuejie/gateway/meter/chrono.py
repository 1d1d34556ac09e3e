"""Time as the gateway counts it: Unix microseconds, and the labels that bills need.

The machine is asked once a second; between, a monotonic counter runs on. So a request costs no
conversion of calendars, and time never steps backwards within a second.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.kernel.clock import Clock
from yuejie.kernel.period import BillingMonth, local_hour

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE_US: Final = 60_000_000
_SECOND_NS: Final = 1_000_000_000
_DRAW: Final = 512
_TAIL: Final = 10
_VERSION: Final = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT: Final = bytes(0x80 | byte & 0x3F for byte in range(256))
"""What stands in a UUIDv7 beside chance (RFC 9562 §5.7), for every byte of chance."""


class Chrono:
    """A clock that answers in microseconds, and knows each zone's present month and hour."""

    __slots__ = ("_chance", "_clock", "_labels", "_next_ns", "_offset_us")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_ns = 0
        self._chance: list[bytes] = []
        self._offset_us = 0
        self._labels: dict[str, tuple[int, str, int]] = {}

    def now_us(self) -> int:
        """Return the present instant."""
        ns = time.monotonic_ns()
        if ns >= self._next_ns:
            self._offset_us = (self._clock.now() - _EPOCH) // _MICROSECOND - ns // 1000
            self._next_ns = ns + _SECOND_NS
        return ns // 1000 + self._offset_us

    def new_id(self, now_us: int) -> bytes:
        """Return a fresh UUIDv7; chance is drawn from the kernel for many at a time.

        A system call for each gives the interpreter away to other threads, twice per request.
        """
        if not self._chance:
            self._chance = _drawn()
        return (now_us // 1000).to_bytes(6) + self._chance.pop()

    def labels(self, zone: str, now_us: int) -> tuple[str, int]:
        """Return the month and the local hour's first second in a zone.

        Remembered by the minute: zones change their offset on whole minutes.
        """
        minute = now_us // _MINUTE_US
        known = self._labels.get(zone)
        if known is not None and known[0] == minute:
            return known[1], known[2]
        instant = _EPOCH + timedelta(microseconds=now_us)
        place = ZoneInfo(zone)
        month = str(BillingMonth.of(instant, place))
        hour_s = (local_hour(instant, place) - _EPOCH) // timedelta(seconds=1)
        self._labels[zone] = (minute, month, hour_s)
        return month, hour_s


def _drawn() -> list[bytes]:
    """Draw the last ten bytes of many UUIDv7, with version and variant in their places."""
    pool = bytearray(os.urandom(_DRAW * _TAIL))
    pool[::_TAIL] = pool[::_TAIL].translate(_VERSION)
    pool[2::_TAIL] = pool[2::_TAIL].translate(_VARIANT)
    return [bytes(pool[at : at + _TAIL]) for at in range(0, len(pool), _TAIL)]
