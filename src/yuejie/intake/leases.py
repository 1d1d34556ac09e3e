"""What a journal says of leases: which ended calls had reserved something, what was given back.

Most calls reserve nothing, and that is seen by two bytes of their record. Those that did are
gathered by the windows that they count for: whatever is the same for all of them is looked at once.
"""

from typing import Final

import structlog

from yuejie.budgets.allowance import Slot
from yuejie.budgets.lending.count import LeaseNews
from yuejie.budgets.lending.hold import prefixes_of, read_prefix
from yuejie.usage.journal import Ended
from yuejie.usage.tail import Chunk

log = structlog.get_logger()

LENGTH: Final = 80
_NO_LEASE: Final = 0xA0
"""How msgpack writes the empty text that the begun record of most calls ends with."""
_WIDE: Final = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
"""Bytes of a whole number in msgpack by the first of them; a small one is one byte, itself."""
_SMALL: Final = 0x80
_FIXED: Final = 0xC0
"""Texts of fewer than 32 bytes carry their length in the first one, below this."""
_LENGTH_MASK: Final = 0x1F
_SHORT: Final = 0xD9
"""How a text of fewer than 256 bytes begins; a longer one has its length in two bytes."""


def read_leases(news: LeaseNews, chunk: Chunk) -> None:
    """Add what a chunk says of its journal's leases. This runs for every call of a customer."""
    ended = news.ended
    for _, head, answer, items, record, at in chunk.arrived:
        if at:
            if record[at + 1] == _NO_LEASE and not record[at]:
                continue
            lease = _lease_at(record, at)
        else:
            lease = answer.begun.lease if isinstance(answer, Ended) else ""
        if not lease:
            continue
        prefixes = prefixes_of(lease)
        calls = ended.get(prefixes)
        if calls is None:
            if not _is_ours(prefixes):
                continue
            calls = ended[prefixes] = []
        calls.append((head[0], lease, items, answer.state, answer.billable))
    for returned in chunk.returned:
        for number, starts_s, unit, amount in returned.slots:
            news.returned[Slot(number, starts_s, unit)] += amount


def _lease_at(record: bytes, at: int) -> str:
    """Read the hold of a record: a number of picos, and the text behind it."""
    first = record[at]
    at += 1 if first < _SMALL else _WIDE[first]
    first = record[at]
    if first < _FIXED:
        size, at = first & _LENGTH_MASK, at + 1
    elif first == _SHORT:
        size, at = record[at + 1], at + 2
    else:
        size, at = record[at + 1] << 8 | record[at + 2], at + 3
    return str(record[at : at + size], "utf-8")


def _is_ours(prefixes: tuple[str, ...]) -> bool:
    """Tell whether a hold can be read; else the usage counts all the same.

    What was reserved comes back with the journal.
    """
    try:
        for prefix in prefixes:
            read_prefix(prefix)
    except (ValueError, KeyError, IndexError):
        log.warning("ingest.hold_unreadable", hold=",".join(prefixes)[:LENGTH])
        return False
    return True
