"""What a journal says of leases: which ended calls had reserved something, what was given back.

Most calls reserve nothing, and that is seen by the last byte of their begun record.
"""

from typing import Final

import msgspec
import structlog

from yuejie.budgets.allowance import Slot
from yuejie.budgets.lending.count import HeldCall, LeaseNews
from yuejie.budgets.lending.hold import read_prefix
from yuejie.usage.journal import Begun
from yuejie.usage.tail import Chunk

log = structlog.get_logger()

LENGTH: Final = 80
_NO_LEASE: Final = b"\xa0"
"""How msgpack writes the empty text that a begun record ends with."""
_decode_begun: Final = msgspec.msgpack.Decoder(Begun).decode


def read_leases(news: LeaseNews, chunk: Chunk) -> None:
    """Add what a chunk says of its journal's leases."""
    for _, head, answer, items, _ in chunk.arrived:
        lease = _lease_of(answer.begun)
        if lease and _is_ours(lease):
            news.ended.append(HeldCall(head[0], lease, items, answer.state, answer.billable))
    for returned in chunk.returned:
        for number, starts_s, unit, amount in returned.slots:
            news.returned[Slot(number, starts_s, unit)] += amount


def _is_ours(lease: str) -> bool:
    """Tell whether a hold can be read; else the usage counts all the same.

    What was reserved comes back with the journal.
    """
    try:
        for part in lease.split(","):
            read_prefix(part.rpartition(".")[0])
    except (ValueError, KeyError, IndexError):
        log.warning("ingest.hold_unreadable", hold=lease[:LENGTH])
        return False
    return True


def _lease_of(begun: msgspec.Raw | Begun) -> str:
    if isinstance(begun, Begun):
        return begun.lease
    raw = bytes(begun)
    return "" if raw.endswith(_NO_LEASE) else _decode_begun(raw).lease
