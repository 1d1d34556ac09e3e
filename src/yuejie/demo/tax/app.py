"""The simulator's HTTP server: two wire formats, files, and an entrance for those who test."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from yuejie.demo.tax import baiwang, nuonuo
from yuejie.demo.tax.nuonuo import Lost
from yuejie.demo.tax.papers import paper
from yuejie.demo.tax.rules import Refusal
from yuejie.demo.tax.world import Fault, Form, World, send_callback, to_utc

CALLBACK_EVERY: Final = 0.05


class TaxServer(ThreadingHTTPServer):
    """Serves a world; each call has it to itself."""

    daemon_threads = True

    def __init__(self, port: int, world: World) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world
        self._over = threading.Event()
        self._caller = threading.Thread(target=self._call_back, daemon=True)
        self._caller.start()

    def _call_back(self) -> None:
        while not self._over.wait(CALLBACK_EVERY):
            with self.world.lock:
                due = self.world.due_callbacks()
            for url, form in due:
                send_callback(url, form)

    def server_close(self) -> None:
        """Stop calling back, then stop listening."""
        self._over.set()
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment: in two, each answer waits 40 ms for an ACK
    server: TaxServer

    def do_GET(self) -> None:
        """Answer files and questions of the test."""
        self._serve(b"")

    def do_POST(self) -> None:
        """Answer calls."""
        self._serve(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: the truth log says what matters."""

    def _serve(self, body: bytes) -> None:
        address = urlsplit(self.path)
        try:
            with self.server.world.lock:
                kind, said = self._answer(address.path, dict(parse_qsl(address.query)), body)
        except Lost as lost:
            if str(lost).startswith("500"):
                self._write(500, "text/plain", b"oops")
            else:
                self.close_connection = True
            return
        except Refusal as refusal:
            self._write(404, "text/plain", refusal.words.encode())
            return
        self._write(200, kind, said)

    def _answer(self, path: str, query: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
        world = self.server.world
        if path == nuonuo.TOKEN_PATH:
            return _json(nuonuo.token(world, body))
        if path == nuonuo.PATH:
            headers = {name.lower(): value for name, value in self.headers.items()}
            kind, said = _json(nuonuo.answer(world, query, headers, body))
            here = f"http://127.0.0.1:{self.server.server_port}"
            return kind, said.replace(b"{self}", here.encode())
        if path == baiwang.PATH:
            return _json(baiwang.answer(world, query, body))
        if path.startswith("/files/"):
            if "files" in world.says:
                return "text/html", str(world.says["files"]).encode()
            number, _, form = path.removeprefix("/files/").partition(".")
            return "application/octet-stream", paper(world, number, form)
        return _json(admin(world, path.removeprefix("/_sim/"), json.loads(body or b"{}")))

    def _write(self, status: int, kind: str, said: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def admin(world: World, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Do what the test asks: clock, faults, drawer, limit, the buyer's deeds."""
    deed = _ADMIN.get(path)
    if deed is None:
        raise Refusal("404", f"模拟器没有 {path} 这个入口")
    deed(world, body)
    return {
        "now": world.now().isoformat(),
        "issued": world.issued,
        "tokens": world.tokens,
        "calls": list(world.calls),
    }


def _clock(world: World, body: dict[str, Any]) -> None:
    world.stands_at = to_utc(body["at"]) if "at" in body else world.stands_at
    if world.stands_at is not None:
        world.stands_at += timedelta(seconds=body.get("advance_s", 0))


def _faults(world: World, body: dict[str, Any]) -> None:
    world.faults.extend(Fault(each["fault"], each.get("times", 1)) for each in body["faults"])


def _drawer(world: World, body: dict[str, Any]) -> None:
    world.logged_in = body.get("logged_in", world.logged_in)
    world.proved = body.get("proved", world.proved)


def _limit(world: World, body: dict[str, Any]) -> None:
    world.limit = Decimal(body["total"])


def _callbacks(world: World, body: dict[str, Any]) -> None:
    world.callbacks = body["how"]


def _confused(world: World, body: dict[str, Any]) -> None:
    world.confused = frozenset(body["methods"])


def _says(world: World, body: dict[str, Any]) -> None:
    world.says = body


def _use(world: World, body: dict[str, Any]) -> None:
    world.blue_of(body["number"]).used = True


def _confirm(world: World, body: dict[str, Any]) -> None:
    form = next(each for each in world.forms.values() if body["key"] in {each.key, each.uuid})
    if world.form_state(form) in {"02", "03"}:
        form.state = "04" if body["agree"] else "05"
        form.confirmed_at = world.now() if body["agree"] else None


def _start(world: World, body: dict[str, Any]) -> None:
    """Let the buyer start a red form: of the whole fapiao, or of lines as [line, net, tax]."""
    blue = world.blue_of(body["number"])
    lines = tuple((int(at), Decimal(net), Decimal(tax)) for at, net, tax in body.get("lines", []))
    net = sum((line[1] for line in lines), Decimal(0)) if lines else -blue.order.net
    tax = sum((line[2] for line in lines), Decimal(0)) if lines else -blue.order.tax
    count = len(world.forms) + 1
    form = Form(
        key=f"{count:019d}",
        uuid=f"b{count:031d}",
        number=f"44{count:018d}",
        blue=blue,
        reason=body["reason"],
        net=net,
        tax=tax,
        callback="",
        applied_at=world.now(),
        lines=lines,
    )
    world.start_by_buyer(form)


def _ready(world: World, body: dict[str, Any]) -> None:
    """Answering is all that is asked."""


_ADMIN: Final[dict[str, Callable[[World, dict[str, Any]], None]]] = {
    "clock": _clock,
    "faults": _faults,
    "drawer": _drawer,
    "limit": _limit,
    "callbacks": _callbacks,
    "confused": _confused,
    "says": _says,
    "use": _use,
    "confirm": _confirm,
    "start": _start,
    "ready": _ready,
}


def _json(said: dict[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(said, ensure_ascii=False).encode()
