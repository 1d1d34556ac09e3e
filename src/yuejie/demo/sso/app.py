"""The simulated identity provider over HTTP, and an entrance for testers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import msgspec

from yuejie.demo.sso.provider import Answer, Fault, IdentityProvider
from yuejie.kernel.clock import Clock


class SsoServer(ThreadingHTTPServer):
    """Serves one issuer on a port of this machine."""

    daemon_threads = True

    def __init__(self, port: int, clock: Clock) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.provider = IdentityProvider(self.url, clock.now)
        self.asked: list[str] = []
        """Every path that was asked for."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: SsoServer

    def do_GET(self) -> None:
        """Describe the provider, give its keys, let people log in."""
        parts = urlsplit(self.path)
        provider = self.server.provider
        self.server.asked.append(parts.path)
        match parts.path:
            case "/.well-known/openid-configuration" if provider.fault is Fault.REDIRECT:
                self._write(Answer(302, location=f"{self.server.url}/elsewhere"))
            case "/.well-known/openid-configuration" if provider.fault is not Fault.DOWN:
                self._json(provider.describe())
            case "/keys":
                self._json(provider.keys())
            case "/authorize":
                asked = dict(parse_qsl(parts.query))
                chosen = asked.get("login_hint") or next(iter(provider.people), "")
                self._write(provider.authorize(asked, chosen))
            case _:
                self._write(Answer(503, b"{}"))

    def do_POST(self) -> None:
        """Exchange codes, and do what a tester asks."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/_sim/fault":
            self.server.provider.fault = Fault(body.decode().strip())
            self._json({"fault": self.server.provider.fault})
        elif self.path == "/_sim/people":
            self.server.provider.people |= msgspec.json.decode(body)
            self._json(self.server.provider.people)
        else:
            self.server.asked.append(self.path)
            self._write(self.server.provider.token(dict(parse_qsl(body.decode()))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: answers say what matters."""

    def _json(self, said: object) -> None:
        self._write(Answer(200, msgspec.json.encode(said)))

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.location:
            self.send_header("location", answer.location)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


@contextmanager
def sso_here(clock: Clock) -> Iterator[SsoServer]:
    """Have an identity provider on a thread of this process."""
    server = SsoServer(0, clock)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
