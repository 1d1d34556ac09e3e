"""Send one request to a checked address: no redirects, no proxy, bounded in time and size."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final

from yuejie.notices.channels.guard import Place, place_of
from yuejie.notices.channels.parcel import Reply, Request

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 20.0
"""An attempt in all, once its address is known; a lease lasts longer."""
REPLY_BYTES: Final = 64 * 1024
_PIECE: Final = 4096
AGENT: Final = "yuejie-notices/1"

Failed = (OSError, HTTPException)
"""What may go wrong on the wire, all of it worth another attempt."""


@contextmanager
def cut_off(line: Any, seconds: float) -> Iterator[None]:  # noqa: ANN401 - HTTP's or SMTP's
    """Cut a connection when its time is over, however slowly something trickles through it.

    A timeout of the socket begins anew with each byte: who sends one now and then would hold us
    for hours, and the lease would run out under a message that is still on its way.
    """

    def cut() -> None:
        if line.sock is not None:
            with suppress(OSError):
                # Not TLS's own shutdown, which takes the session away under its reader.
                socket.socket.shutdown(line.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def reach(place: Place, ends: float) -> socket.socket:
    """Open a socket to the first checked address that answers."""
    failed: OSError | None = None
    for address in place.addresses:
        left = min(CONNECT_SECONDS, ends - time.monotonic())
        if left <= 0:
            break
        try:
            return socket.create_connection((address, place.port), left)
        except OSError as error:
            failed = error
    raise failed or TimeoutError("连接超时")


class _Plain(HTTPConnection):
    """Connects to the address that was checked, whatever the name resolves to by now."""

    def __init__(self, place: Place, ends: float) -> None:
        super().__init__(place.host, place.port)
        self._place, self._ends = place, ends

    def connect(self) -> None:
        """Open the socket to the pinned address."""
        self.sock = reach(self._place, self._ends)


class _Secure(HTTPSConnection):
    """The same with TLS: the certificate must be that of the name, not of the address."""

    def __init__(self, place: Place, ends: float) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(place.host, place.port, context=self._tls)
        self._place, self._ends = place, ends

    def connect(self) -> None:
        """Open the socket to the pinned address and prove whose it is."""
        bare = reach(self._place, self._ends)
        secured = self._tls.wrap_socket(
            bare, server_hostname=self._place.host, do_handshake_on_connect=False
        )
        self.sock = secured
        secured.do_handshake()


def post(
    request: Request,
    allowed: frozenset[str],
    *,
    seconds: float = TOTAL_SECONDS,
    method: str = "POST",
) -> Reply:
    """Send a request and return what comes back; `Guarded` and `Failed` say why not.

    A redirect is an answer like any other: following it would leave the checked address.
    A `GET` sends no body.
    """
    place = place_of(request.url, allowed)
    ends = time.monotonic() + seconds
    connection = (_Secure if place.scheme == "https" else _Plain)(place, ends)
    try:
        with cut_off(connection, seconds):
            connection.connect()
            connection.sock.settimeout(seconds)
            headers = {"user-agent": AGENT, **request.headers}
            body_sent = request.body if method == "POST" else None
            connection.request(method, place.path, body=body_sent, headers=headers)
            answer = connection.getresponse()
            said = {name.lower(): value for name, value in answer.getheaders()}
            body = _read(answer)
    finally:
        connection.close()
    if time.monotonic() >= ends:
        raise TimeoutError("应答超时")  # a line that was cut looks like one that ended
    return Reply(answer.status, said, body)


def _read(answer: HTTPResponse) -> bytes:
    """Read a bounded answer."""
    body = b""
    while len(body) < REPLY_BYTES:
        piece = answer.read1(_PIECE)
        if not piece:
            break
        body += piece
    return body[:REPLY_BYTES]
