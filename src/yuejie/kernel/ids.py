"""Names of things: a prefix and a UUIDv7, one type per noun.

A log line is legible, a mistake does not type-check, and ids sort by the time of their making
(RFC 9562 §5.7: 48 bits of Unix milliseconds, then 74 random bits).
"""

import os
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

CustomerId = NewType("CustomerId", str)
ProjectId = NewType("ProjectId", str)
KeyId = NewType("KeyId", str)
ContractId = NewType("ContractId", str)
BookId = NewType("BookId", str)
DeploymentId = NewType("DeploymentId", str)
AccountId = NewType("AccountId", str)
BillId = NewType("BillId", str)
LineId = NewType("LineId", str)
EventId = NewType("EventId", UUID)
JournalId = NewType("JournalId", UUID)

_VERSION_7: Final = 0x7 << 76
_VARIANT: Final = 0x2 << 62
_RANDOM: Final = ~((0xF << 76) | (0x3 << 62)) & ((1 << 80) - 1)


def uuid7_at(unix_ms: int) -> bytes:
    """Return the 16 bytes of a fresh UUIDv7 for that millisecond."""
    tail = int.from_bytes(os.urandom(10), "big") & _RANDOM | _VERSION_7 | _VARIANT
    return (unix_ms << 80 | tail).to_bytes(16, "big")


def uuid7(now: datetime) -> UUID:
    """Return a fresh UUIDv7 for an instant."""
    return UUID(bytes=uuid7_at(int(now.timestamp() * 1000)))


def uuid7_floor(instant: datetime) -> UUID:
    """Return the smallest UUID that an id made at or after `instant` can have."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def mint(prefix: str, now: datetime) -> str:
    """Return a fresh id such as `cus_019a…`, sortable by its time."""
    return f"{prefix}_{uuid7_at(int(now.timestamp() * 1000)).hex()}"


def request_id(event: bytes) -> str:
    """Write a call's id as people see it in headers, messages and logs."""
    return f"req_{event.hex()}"
