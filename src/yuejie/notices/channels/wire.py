"""Send one POST to a checked address: no redirects, no proxy, bounded in time and size."""

import socket
import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final

from yuejie.notices.channels.guard import Place, place_of
from yuejie.notices.channels.parcel import Reply, Request

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 20.0
"""An attempt in all; a lease lasts longer."""
REPLY_BYTES: Final = 64 * 1024
_PIECE: Final = 4096
AGENT: Final = "yuejie-notices/1"

Failed = (OSError, HTTPException)
"""What may go wrong on the wire, all of it worth another attempt."""


class _Plain(HTTPConnection):
    """Connects to the address that was checked, whatever the name resolves to by now."""

    def __init__(self, place: Place, timeout: float) -> None:
        super().__init__(place.host, place.port, timeout=timeout)
        self._place = place

    def connect(self) -> None:
        """Open the socket to the pinned address."""
        self.sock = socket.create_connection((self._place.address, self._place.port), self.timeout)


class _Secure(HTTPSConnection):
    """The same with TLS: the certificate must be that of the name, not of the address."""

    def __init__(self, place: Place, timeout: float) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(place.host, place.port, timeout=timeout, context=self._tls)
        self._place = place

    def connect(self) -> None:
        """Open the socket to the pinned address and prove whose it is."""
        bare = socket.create_connection((self._place.address, self._place.port), self.timeout)
        self.sock = self._tls.wrap_socket(bare, server_hostname=self._place.host)


def post(request: Request, allowed: frozenset[str], *, seconds: float = TOTAL_SECONDS) -> Reply:
    """Send a request and return what comes back; `Guarded` and `Failed` say why not.

    A redirect is an answer like any other: following it would leave the checked address.
    """
    ends = time.monotonic() + seconds
    place = place_of(request.url, allowed)
    kind = _Secure if place.scheme == "https" else _Plain
    connection = kind(place, min(CONNECT_SECONDS, seconds))
    try:
        connection.connect()
        connection.sock.settimeout(seconds)
        connection.request(
            "POST", place.path, body=request.body, headers={"user-agent": AGENT, **request.headers}
        )
        connection.sock.settimeout(max(ends - time.monotonic(), 0.001))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, _read(answer, connection, ends))
    finally:
        connection.close()


def _read(answer: HTTPResponse, connection: HTTPConnection, ends: float) -> bytes:
    """Read a bounded answer; one that trickles is cut off when the time is over."""
    body = b""
    while len(body) < REPLY_BYTES:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("应答超时")
        if connection.sock is not None:
            connection.sock.settimeout(left)
        piece = answer.read1(_PIECE)
        if not piece:
            break
        body += piece
    return body[:REPLY_BYTES]
