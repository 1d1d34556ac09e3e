"""HTTP to a provider: bytes out, bytes back, a limit on both, everything noted.

Nothing is retried and no redirect is followed. Whether a call took effect is said honestly: without
a connection it certainly did not; after that nobody knows until the provider is asked.
"""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from pyreqwest.client import SyncClient, SyncClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ConnectError,
    ConnectTimeoutError,
    PoolTimeoutError,
    RequestError,
)
from pyreqwest.response import SyncResponseBodyReader

from yuejie.fapiao.issuing.store import Exchange
from yuejie.fapiao.providers.port import Notebook, NotSent, Unknown
from yuejie.kernel.limits import CONNECT_SECONDS

ANSWER_SECONDS: Final = 30
"""How long a provider may think; issuing is asynchronous or takes a few seconds."""
ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Longest answer that is read: the largest file of a fapiao (8 MiB) as base64 in JSON, and room."""
_CONNECTING: Final = "client error (Connect)"
_OK: Final = 200


class NeverLeft(Exception):
    """The call certainly did not reach the provider."""


class Silence(Exception):
    """The call may or may not have taken effect."""


class Wire:
    """One client for one provider; not shared between threads."""

    def __init__(self, *, answer_seconds: int = ANSWER_SECONDS) -> None:
        self.notebook = Notebook()
        self._client = _client(answer_seconds)

    def post(
        self,
        call: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        secret: bool = False,
    ) -> bytes:
        """Send a body and return the answer's; `call` is what it is noted under.

        What is `secret` is noted without its bytes. Raises NeverLeft without a connection, Silence
        for everything that is no 200.
        """
        return self._exchange(call, "POST", url, headers, body, keep=not secret)

    def ask(
        self, call: str, url: str, headers: list[tuple[str, str]], body: bytes
    ) -> bytes | NotSent | Unknown:
        """Send a body and return the answer's, or the port's answer where none was heard."""
        try:
            return self.post(call, url, headers, body)
        except NeverLeft as error:
            return NotSent(str(error))
        except Silence as error:
            return Unknown(str(error))

    def get(self, call: str, url: str) -> bytes:
        """Download a file; the note keeps no second copy of its bytes."""
        if urlsplit(url).scheme not in {"https", "http"}:
            raise Silence(f"下载地址 {url} 不是 http(s)")
        return self._exchange(call, "GET", url, [], b"", keep=False)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _exchange(
        self,
        call: str,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        keep: bool = True,
    ) -> bytes:
        heard, outcome = b"", ""
        try:
            builder = self._client.request(method, url).headers(headers)
            with (builder.body_bytes(body) if body else builder).build_streamed() as response:
                outcome = str(response.status)
                heard = _read(response.body_reader)
        except (BuilderError, RequestError) as error:
            outcome = f"{type(error).__name__}: {error.message}"
            if _never_left(error):
                raise NeverLeft(outcome) from error
            raise Silence(outcome) from error
        finally:
            said = (body, heard) if keep else (b"", b"")
            self.notebook.exchanges.append(Exchange(call, *said, outcome))
        if response.status != _OK:
            raise Silence(f"HTTP {response.status}")
        return heard


def _read(reader: SyncResponseBodyReader) -> bytes:
    """Read an answer whole, or say that it is longer than any of a provider's may be."""
    heard = bytearray()
    while (chunk := reader.read_chunk()) is not None:
        heard += chunk
        if len(heard) > ANSWER_BYTES:
            raise Silence(f"答复超过 {ANSWER_BYTES} 字节")
    return bytes(heard)


def _client(answer_seconds: int) -> SyncClient:
    return (
        SyncClientBuilder()
        .follow_redirects(enable=False)
        .referer(enable=False)
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .timeout(timedelta(seconds=answer_seconds))
        .build()
    )


def _never_left(error: BuilderError | RequestError) -> bool:
    """Tell no connection from one that broke behind the request: both are "connection error"."""
    match error:
        case ConnectTimeoutError() | PoolTimeoutError() | BuilderError():
            return True
        case ConnectError():
            causes = error.details["causes"] or []
            return any(cause["message"] == _CONNECTING for cause in causes)
    return False
