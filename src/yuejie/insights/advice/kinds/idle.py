"""Keys that nobody uses: they cost nothing, and are one more thing that can leak."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from yuejie.insights.advice.advice import (
    Change,
    Confidence,
    Figure,
    KeyPart,
    Kind,
    Proposal,
)
from yuejie.insights.advice.traffic.store import KeyRow
from yuejie.kernel.money import Money

IDLE: Final = timedelta(days=90)
"""A quarter: what runs once a quarter is not idle."""


def idle_keys(keys: Mapping[str, KeyRow], currency: str, now: datetime) -> Iterator[Proposal]:
    """Yield, as one advice, the keys in force that nobody used for a quarter."""
    idle = [key for key in keys.values() if key.held and _idle(key, now)]
    if not idle:
        return
    parts = tuple(KeyPart(key.key_id, key.name, key.project, "0") for key in idle)
    yield Proposal(
        kind=Kind.IDLE_KEYS,
        slice="keys",
        figure=Figure(
            title=f"{len(idle)} 个密钥 {IDLE.days} 天没有用过",
            change=Change(keys=parts),
            steps=("确认无用后吊销，以免泄露后被人使用",),
            how=("不省钱，只减少风险；金额为零",),
            confidence=Confidence.HIGH,
            confidence_why=("以汇总中最后一次使用为准",),
        ),
        saving_pico=0,
        currency=currency,
        saving=Money(0, currency),
        agreed=True,
    )


def _idle(key: KeyRow, now: datetime) -> bool:
    return max(key.created_at, key.last_used or key.created_at) < now - IDLE
