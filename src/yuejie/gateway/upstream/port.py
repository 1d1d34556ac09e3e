"""What the gateway wants of an HTTP client: send, read, close."""

from collections.abc import AsyncIterable, Sequence
from typing import Protocol

Headers = Sequence[tuple[str, str]]


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

    async def close(self) -> None:
        """Give the connection back, or break it off when the answer was not read to its end."""
        ...


class Upstream(Protocol):
    """A client with a pool of connections."""

    async def send(
        self, method: str, url: str, headers: Headers, body: bytes | AsyncIterable[bytes]
    ) -> Answer:
        """Send a request and wait for the head of its answer."""
        ...
