"""The nouns of a call: a request, the answer it gets, the refusal it gets instead."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import parse_qsl

from yuejie.demo.simulators.directives import NOTHING, Directives
from yuejie.demo.simulators.tokens import BYTES_PER_TOKEN, PREFIX_TOKENS, Tokens

REPEATED: Final = 1024
"""So many answers are remembered within a second."""
REPEATED_BYTES: Final = PREFIX_TOKENS * BYTES_PER_TOKEN
"""Shorter requests cannot reach the prompt cache, so their answers do not depend on it."""


class Fields(Protocol):
    """Header fields, read by their lower-case name."""

    def get(self, key: str, default: str = "") -> str:
        """Return one field, or the default."""
        ...


@dataclass(slots=True)
class Request:
    """What a provider sees of a call."""

    method: str
    path: str
    query_string: str
    headers: Fields
    body: bytes
    request_id: str

    def asked(self, name: str) -> str:
        """Return a parameter of the query, or nothing."""
        return dict(parse_qsl(self.query_string)).get(name, "") if self.query_string else ""


@dataclass(slots=True)
class Answer:
    """An answer ready to be played, and what the provider will bill for it."""

    api: str
    model: str
    billed_model: str
    response_id: str
    usage: dict[str, int]
    body: bytes = b""
    frames: list[bytes] | None = None
    """Events of a stream; None if the answer is one body."""
    usage_at: int = 0
    """Which frame carries the final usage; the number of frames if none does."""
    error_frame: bytes = b""
    content_type: str = "application/json"
    reported: bool = True
    tier: str = ""
    tokens: Tokens | None = None
    """For answers measured in tokens: what a share of the answer is worth."""
    order: Directives = NOTHING
    stamp: tuple[bytes, bytes] | None = None
    """The request id its frames were written with, and the one they shall carry."""


@dataclass(slots=True)
class Repeats:
    """This second's answers, by what asked for them: load tests ask the same again and again.

    Only what depends on nothing but the request is kept: no faults, no prompt cache.
    """

    second: int = 0
    given: dict[tuple[str, str, bytes], tuple[Answer, str]] = field(default_factory=dict)

    def find(self, request: Request, second: int) -> Answer | None:
        """Return the same answer under this request's own id."""
        if second != self.second:
            self.second = second
            self.given.clear()
        kept = self.given.get((request.path, request.query_string, request.body))
        return _again(*kept, request.request_id) if kept else None

    def keep(self, request: Request, answer: Answer) -> None:
        """Remember an answer for the rest of the second."""
        if len(request.body) <= REPEATED_BYTES and len(self.given) < REPEATED:
            key = (request.path, request.query_string, request.body)
            self.given[key] = (answer, request.request_id)


def _again(answer: Answer, first_id: str, this_id: str) -> Answer:
    stamp = (first_id.encode(), this_id.encode())
    return Answer(
        answer.api,
        answer.model,
        answer.billed_model,
        answer.response_id.replace(first_id, this_id),
        answer.usage,
        answer.body.replace(*stamp),
        answer.frames,
        answer.usage_at,
        answer.error_frame,
        answer.content_type,
        answer.reported,
        answer.tier,
        answer.tokens,
        answer.order,
        stamp,
    )


@dataclass(slots=True)
class Free:
    """An answer nobody pays for: a list of models, a count of tokens."""

    body: bytes


@dataclass(slots=True)
class Refusal(Exception):
    """The provider will not serve this; the dialect finds the words."""

    status: int
    reason: str
    message: str
    model: str = ""
    param: str | None = None
    retry_after: int | None = None
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider knows its callers, names its calls and says no."""

    name: str
    admit: Callable[[Request, frozenset[str]], str]
    """Return the caller's key, or refuse."""
    headers: Callable[[Request], list[tuple[str, str]]]
    refuse: Callable[[Request, Refusal], bytes]
