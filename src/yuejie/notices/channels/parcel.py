"""What a courier is given and what it brings back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from yuejie.kernel.ids import CustomerId
from yuejie.notices.notice import Attachment

SAID: int = 300
"""Longest piece of a receiver's answer that the log keeps."""


class Result(StrEnum):
    """How an attempt ended; stored, and never renamed."""

    SENT = "sent"
    RETRY = "retry"
    REFUSED = "refused"


class Rest(StrEnum):
    """Who is left in peace until a message is tried again: its receiver, or all that we send so."""

    NOBODY = "nobody"
    RECEIVER = "receiver"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a code asks for: how long at least, and who is not to be bothered meanwhile."""

    span: timedelta | None = None
    rest: Rest = Rest.NOBODY


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: the receiver's own code and words; `wait` is when to try again.

    `missed` says that some of a message's addresses were refused while others have it.
    """

    result: Result
    code: str
    said: str
    wait: timedelta | None = None
    rest: Rest = Rest.NOBODY
    missed: bool = False


def sent(code: str = "", said: str = "") -> Outcome:
    """Say that the receiver has it."""
    return Outcome(Result.SENT, code, said[:SAID])


def retry(
    code: str, said: str, wait: timedelta | None = None, *, rest: Rest = Rest.NOBODY
) -> Outcome:
    """Say that another attempt may do better."""
    return Outcome(Result.RETRY, code, said[:SAID], wait, rest)


def refused(code: str, said: str) -> Outcome:
    """Say that no attempt will do better until a person changes something."""
    return Outcome(Result.REFUSED, code, said[:SAID])


@dataclass(frozen=True, slots=True)
class Told:
    """One notice inside a parcel."""

    notice_id: str
    kind: str
    customer_id: CustomerId | None
    facts: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with everything that sending it needs; its secrets are still sealed."""

    message_id: str
    channel_id: str
    kind: str
    language: str
    told: tuple[Told, ...]
    sealed: bytes = field(repr=False)
    bucket: str = ""
    hint: str = ""
    forgiven: int = 0
    attachments: tuple[Attachment, ...] = ()
    sender_settings: Mapping[str, object] | None = None
    sender_sealed: bytes = field(default=b"", repr=False)


class Courier(Protocol):
    """Whoever carries parcels out of the house, outside of any transaction."""

    def send(self, parcel: Parcel, *, at: datetime) -> Outcome:
        """Send one parcel and tell how it ended; what the receiver does is never raised."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP POST to a channel; address and headers hold secrets."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, cut at a limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
