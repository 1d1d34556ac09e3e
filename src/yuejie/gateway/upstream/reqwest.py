"""The port over pyreqwest, for workers that reach providers through a proxy (HTTPS_PROXY).

Bytes pass as they are: nothing is decompressed, followed or retried.
"""

from collections.abc import AsyncIterable, AsyncIterator
from datetime import timedelta
from typing import Final

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ConnectError,
    ConnectTimeoutError,
    PoolTimeoutError,
    RequestError,
    RequestTimeoutError,
)
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from yuejie.gateway.upstream.port import Headers, Lost, NotSent, Said, Slow, UpstreamError
from yuejie.kernel.limits import CONNECT_SECONDS, FIRST_BYTE_SECONDS

_CONNECTING: Final = "client error (Connect)"
IDLE_CONNECTIONS: Final = 1_024
"""Idle connections kept per provider; opening one anew costs three round trips with TLS."""


class ReqwestAnswer:
    """An answer on its way."""

    __slots__ = ("_reader", "_request", "headers", "status")

    def __init__(self, request: StreamRequest, response: Response) -> None:
        self._request = request
        self._reader = response.body_reader
        self.status: Final = response.status
        self.headers: Final[Headers] = list(response.headers.items())

    def rest(self) -> bytes | None:
        """Return nothing: what has come is known to the client library's threads alone."""
        return None

    async def read(self) -> bytes | None:
        """Return the next bytes, as many as have come; None at the end."""
        try:
            chunk = await self._reader.read_chunk()
        except RequestError as error:
            raise _translate(error) from error
        return None if chunk is None else chunk.to_bytes()

    async def close(self) -> None:
        """Give the connection back, or break it off when the answer was not read to its end."""
        await self._request.__aexit__(None, None, None)


class ReqwestUpstream:
    """A pool of connections; one per worker."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def open(cls) -> "ReqwestUpstream":
        """Set a client up that passes bytes as they are."""
        builder = (
            ClientBuilder()
            .gzip(enable=False)
            .brotli(enable=False)
            .zstd(enable=False)
            .deflate(enable=False)
            .follow_redirects(enable=False)
            .referer(enable=False)
            .http1_lower_case_headers()
            .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
            .read_timeout(timedelta(seconds=FIRST_BYTE_SECONDS))
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
        )
        return cls(builder.build())

    async def send(
        self, url: str, said: Said, ours: Headers, body: bytes | AsyncIterable[bytes]
    ) -> ReqwestAnswer:
        """Post what a client said, with headers of ours; wait for the head of the answer."""
        try:
            builder = self._client.post(url).headers([*said.pairs, *ours])
            if isinstance(body, bytes):
                builder = builder.body_bytes(body)
            else:
                builder = builder.body_stream(_stream(body))
            request = builder.build_streamed()
            response = await request.__aenter__()
        except (BuilderError, RequestError) as error:
            raise _translate(error) from error
        return ReqwestAnswer(request, response)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


async def _stream(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for chunk in body:
        yield chunk


def _translate(error: BuilderError | RequestError) -> UpstreamError:
    match error:
        case ConnectTimeoutError() | PoolTimeoutError() | BuilderError():
            return NotSent(error.message)
        case ConnectError() if _never_connected(error):
            return NotSent(error.message)
        case RequestTimeoutError():
            return Slow(error.message)
    return Lost(error.message)


def _never_connected(error: ConnectError) -> bool:
    """Tell no connection from one that broke behind the request: both are "connection error"."""
    causes = error.details["causes"] or []
    return any(cause["message"] == _CONNECTING for cause in causes)
