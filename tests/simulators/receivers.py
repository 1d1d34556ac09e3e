"""An endpoint on loopback that misbehaves on request: a redirect, silence, an answer that trickles.

The robots and vendors with their signatures and limits are in `yuejie.demo.post`.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Got:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """One endpoint: what it got, how it checks, and what it answers next, in order."""

    check: Callable[[Got], Answer]
    got: list[Got] = field(default_factory=list)
    moods: list[Answer] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    trickles: bytes = b""
    """Sent before the answer, byte by byte, for ever."""
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, got: Got) -> Answer:
        self.got.append(got)
        return self.moods.pop(0) if self.moods else self.check(got)


@contextmanager
def receiving(
    check: Callable[[Got], Answer], tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """Run a receiver for the length of a block."""
    receiver = Receiver(check)
    let_go = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = receiver.answer(Got(self.path, headers, body))
            if receiver.silent.is_set():
                let_go.wait(10)
                return
            while receiver.trickles and not let_go.wait(0.05):
                try:
                    self.wfile.write(receiver.trickles)
                except OSError:
                    return
            raw = json.dumps(said, ensure_ascii=False).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", "http://169.254.169.254/")
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()
