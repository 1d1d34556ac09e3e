"""The simulated signing platforms over HTTP: wire formats, files, an entrance for testers."""

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock
from typing import Any, Final

from yuejie.contracts.esign.port import HttpRequest, Unreachable
from yuejie.contracts.esign.wire import origin, sender
from yuejie.demo.esign.platforms import Platforms
from yuejie.kernel.clock import Clock

APP_ID: Final = "simulated-app"
SECRET: Final = "simulated-secret"  # noqa: S105 - of a simulator, printed at its start
_CASED: Final = {
    name.lower(): name
    for name in (
        *("X-Tsign-Open-App-Id", "X-Tsign-Open-Ca-Timestamp", "X-Tsign-Open-Auth-Mode"),
        *("X-Tsign-Open-Ca-Signature", "Accept", "Content-Type", "Content-MD5"),
        *("X-FASC-App-Id", "X-FASC-Sign-Type", "X-FASC-Timestamp", "X-FASC-Nonce"),
        *("X-FASC-Api-SubVersion", "X-FASC-AccessToken", "X-FASC-Grant-Type", "X-FASC-Sign"),
    )
}
"""Headers that the platforms look at, as they write them; HTTP itself minds no case."""


class SigningServer(ThreadingHTTPServer):
    """Serves both platforms on a port of this machine; each call has them to itself."""

    daemon_threads = True

    def __init__(
        self, port: int, clock: Clock, *, callbacks: int = 1, fadada_callback_url: str = ""
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.world = Platforms(
            APP_ID,
            SECRET,
            clock.now,
            files_at=f"{self.url}/files",
            fadada_callback_url=fadada_callback_url,
        )
        self.lock = RLock()
        self.callbacks = callbacks
        """How often each callback is posted; 0 loses them all."""
        self.hold_seconds = 0.0
        """How long answers are held back, after the deed is done."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment: in two, each answer waits 40 ms for an ACK
    server: SigningServer

    def do_GET(self) -> None:
        """Answer questions and give files."""
        self._serve(b"")

    def do_PUT(self) -> None:
        """Take files."""
        self._serve(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def do_POST(self) -> None:
        """Answer calls, and do what the test asks."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/_sim/"):
            self._obey(self.path.removeprefix("/_sim/"), json.loads(body or b"{}"))
            return
        self._serve(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: the tasks say what matters."""

    def _obey(self, deed: str, said: Mapping[str, Any]) -> None:
        """Do what a tester asks; of a task that is not there, say which are."""
        if deed in {"sign", "decline"} and said.get("task") not in self.server.world.tasks:
            known = "、".join(self.server.world.tasks) or "还没有任务"
            self._write(404, f"没有任务 {said.get('task')}；现有：{known}\n".encode())
            return
        self._write(200, json.dumps(command(self.server, deed, said)).encode())

    def _serve(self, body: bytes) -> None:
        headers = {
            _CASED[name.lower()]: value
            for name, value in self.headers.items()
            if name.lower() in _CASED
        }
        request = HttpRequest(self.command, f"{self.server.url}{self.path}", headers, body)
        try:
            with self.server.lock:
                answer = self.server.world.send(request)
        except Unreachable:
            self.close_connection = True
            return
        time.sleep(self.server.hold_seconds)
        self._write(answer.status, answer.body)

    def _write(self, status: int, said: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def command(server: SigningServer, deed: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the signer or fate does, and tell which tasks there are and how they stand."""
    world = server.world
    with server.lock:
        match deed:
            case "sign":
                world.sign(said["task"])
            case "decline":
                world.decline(said["task"])
            case "fate":
                world.silent = bool(said.get("silent", False))
                server.hold_seconds = float(said.get("hold_seconds", 0))
                server.callbacks = int(said.get("callbacks", server.callbacks))
        posted = world.callback(said["task"]) if deed in {"sign", "decline"} else None
    answers = []
    if posted is not None:
        call = sender({origin(posted.url)})
        answers = [call(posted).status for _ in range(server.callbacks)]
    with server.lock:
        return {"tasks": {n: t.status for n, t in world.tasks.items()}, "callbacks": answers}
