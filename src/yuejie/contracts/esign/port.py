"""What a signing platform does for us, whichever it is.

A platform turns a PDF and a signer into a task and an address where the signer signs; later it
calls back, or is asked, and hands over the signed file. It writes requests and reads answers; the
bytes travel through `Send`, which is the network in production and a simulator in tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol

import msgspec

from yuejie.kernel.errors import DomainError, Forbidden

_OK: Final = 200


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

    def refuse_failed(self, what: str) -> None:
        """Raise PlatformRefused where an upload or a download did not succeed."""
        if self.status != _OK:
            raise PlatformRefused(f"{what}失败（HTTP {self.status}），请稍后重试")

    def data(self, platform: str, *, ok: object, said: str) -> dict[str, Any]:
        """Return the `data` of an envelope whose `code` is `ok`; `said` names its field of words.

        Raises PlatformRefused for every other envelope, and for what is none.
        """
        try:
            told: dict[str, Any] = msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise PlatformRefused(
                f"{platform}的应答读不懂（HTTP {self.status}），请稍后重试"
            ) from None
        if self.status != _OK or told.get("code") != ok:
            why = f"{told.get('code')} {told.get(said)}"
            raise PlatformRefused(f"{platform}未受理：{why}；请核对签署方信息与应用权限")
        data = told.get("data") or {}
        if not isinstance(data, dict):
            raise PlatformRefused(f"{platform}的应答读不懂（data 不是对象），请稍后重试")
        return data


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
