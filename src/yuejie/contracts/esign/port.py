"""What a signing platform does for us, whichever it is.

A platform turns a PDF and a signer into a task and an address where the signer signs; later it
calls back, or is asked, and hands over the signed file. It writes requests and reads answers; the
bytes travel through `Send`, which is the network in production and a simulator in tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from yuejie.kernel.errors import DomainError, Forbidden


class SigningState(StrEnum):
    """Where a request for signature is."""

    ASKED = "asked"
    """Written down; a job will take it to the platform."""
    STARTING = "starting"
    """A job is at the platform with it; nobody else goes."""
    RUNNING = "running"
    """The platform has it; the signer has not finished."""
    COMPLETED = "completed"
    """Signed; the signed file is kept."""
    REFUSED = "refused"
    """The signer declined, or the task ran out."""
    FAILED = "failed"
    """The platform said no, or nobody knows whether it began; a person looks."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it goes out; the path carries its query."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer as it came in."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Send = Callable[[HttpRequest], HttpAnswer]
"""Takes a request to the platform; raises Unreachable when no answer came."""


class Unreachable(DomainError):
    """No answer came: whether the request arrived is not known."""

    code: ClassVar[str] = "unavailable"


class PlatformRefused(DomainError):
    """The platform answered that it will not."""

    code: ClassVar[str] = "conflict"


class CallbackForged(Forbidden):
    """A callback whose signature or time is not the platform's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs for the customer: the enterprise, and the person who acts for it."""

    legal_name: str
    uscc: str
    person: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Started:
    """What the platform made of it: its own name for the task, and where the signer goes."""

    task: str
    url: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform said about a task."""

    task: str
    state: SigningState
    why: str = ""


class SigningPlatform(Protocol):
    """The port. `now` dates each request; nothing here keeps state."""

    @property
    def name(self) -> str:
        """Return the platform's name as it is stored."""
        ...

    def start(self, send: Send, signer: Signer, title: str, pdf: bytes, now: datetime) -> Started:
        """Hand a PDF over for signature."""
        ...

    def ask(self, send: Send, task: str, now: datetime) -> Told:
        """Ask how a task stands."""
        ...

    def fetch(self, send: Send, task: str, now: datetime) -> bytes:
        """Return the signed PDF of a completed task."""
        ...

    def read_callback(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> Told | None:
        """Return what a callback says, or None for one that is about something else.

        Raises CallbackForged for a signature or time that is not the platform's.
        """
        ...
