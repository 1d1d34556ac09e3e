"""Instants as signing platforms write them (milliseconds since 1970), and how old one may be."""

from datetime import UTC, datetime, timedelta
from typing import Final

from yuejie.contracts.esign.port import CallbackForged
from yuejie.kernel.limits import CALLBACK_SKEW

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def epoch_ms(at: datetime) -> int:
    """Return an instant in milliseconds, rounded down."""
    return (at - _EPOCH) // _MS


def from_epoch_ms(stamp: int) -> datetime:
    """Return the instant of a stamp."""
    return _EPOCH + stamp * _MS


def refuse_stale(stamp: str, now: datetime, platform: str) -> None:
    """Raise CallbackForged where a callback's stamp is no instant within the tolerance."""
    if not stamp.isdigit() or abs(now - from_epoch_ms(int(stamp))) > CALLBACK_SKEW:
        minutes = CALLBACK_SKEW // timedelta(minutes=1)
        raise CallbackForged(f"{platform}回调的时间相差超过 {minutes} 分钟，已拒绝；请核对时钟")
