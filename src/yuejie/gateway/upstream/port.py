"""What the gateway wants of an HTTP client: send, read, close."""

from collections.abc import AsyncIterable, Awaitable, Sequence
from typing import NamedTuple, Protocol, Self

Headers = Sequence[tuple[str, str]]


class Said(NamedTuple):
    """Headers that many requests have in common, also as HTTP/1.1 writes them."""

    pairs: Headers
    lines: str

    @classmethod
    def of(cls, pairs: Headers) -> Self:
        """Write them once."""
        return cls(pairs, "".join([f"{name}: {text}\r\n" for name, text in pairs]))


class UpstreamError(Exception):
    """The provider could not be asked, or did not answer to the end."""


class NotSent(UpstreamError):
    """No connection came about (refused, no such name, TLS): the provider knows of nothing."""


class Lost(UpstreamError):
    """The connection broke after the request went out: the provider may have worked, and charge."""


class Slow(UpstreamError):
    """The provider did not answer in time, and may charge all the same."""


class Answer(Protocol):
    """An answer whose head has come. Header names are in lower case."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """The headers, as they came."""
        ...

    def rest(self) -> bytes | None:
        """Return all that is left, if it has come to its end; None: it has to be waited for."""
        ...

    async def read(self) -> bytes | None:
        """Return the next bytes, as many as have come; None at the end."""
        ...

    def close(self) -> Awaitable[None] | None:
        """Give the connection back, or break it off when the answer was not read to its end.

        None: that is done already.
        """
        ...


class Upstream(Protocol):
    """A client with a pool of connections."""

    async def send(
        self, url: str, said: Said, ours: Headers, body: bytes | AsyncIterable[bytes]
    ) -> Answer:
        """Post what a client said, with headers of ours; wait for the head of the answer."""
        ...
