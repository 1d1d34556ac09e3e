"""Instants as signing platforms write them: whole milliseconds since 1970."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def epoch_ms(at: datetime) -> int:
    """Return an instant in milliseconds, rounded down."""
    return (at - _EPOCH) // _MS


def from_epoch_ms(stamp: int) -> datetime:
    """Return the instant of a stamp."""
    return _EPOCH + stamp * _MS
