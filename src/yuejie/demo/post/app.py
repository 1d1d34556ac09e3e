"""All simulated receivers behind one port: each at the path that the original has, and a page."""

import html
import json
import time
from collections.abc import Callable
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock
from typing import Any, Final
from urllib.parse import urlsplit

from yuejie.demo.post import hook, robots, sms
from yuejie.demo.post.world import Answer, Arrived, Got, World

BODY: Final = 1 << 20
_PATHS: Final[dict[str, Callable[[World, Got], Answer]]] = {
    "/cgi-bin/webhook/send": robots.wecom,
    "/robot/send": robots.dingtalk,
    "/open-apis/bot/v2/hook/": robots.feishu,
    "/hook": hook.hook,
}


class PostServer(ThreadingHTTPServer):
    """Serves a world on a port of this machine; each call has it to itself."""

    daemon_threads = True

    def __init__(self, port: int, world: World) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.host = f"127.0.0.1:{self.server_port}"
        self.world = world
        self.lock = RLock()
        self.hold_seconds = 0.0
        """How long answers are held back, after what was asked is done."""

    def took(self, mail: EmailMessage) -> None:
        """Remember a mail beside the rest."""
        world, plain = self.world, mail.get_body(("plain",))
        to = ", ".join(filter(None, (mail["To"], mail["Cc"])))
        text = plain.get_content() if plain else ""
        with self.lock:
            world.arrived.append(Arrived(world.now(), "email", to, mail["Subject"], text, mail))


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment: in two, each answer waits 40 ms for an ACK
    server: PostServer

    def do_GET(self) -> None:
        """Show what arrived, and one mail as its reader sees it."""
        with self.server.lock:
            arrived = list(self.server.world.arrived)
        path = urlsplit(self.path).path
        if path.startswith("/mails/"):
            self._write(200, "text/html; charset=utf-8", mail_page(arrived, path).encode())
        elif path == "/_sim/arrived":
            self._write_json(200, {"arrived": [plain(each) for each in arrived]})
        else:
            self._write(200, "text/html; charset=utf-8", page(arrived).encode())

    def do_POST(self) -> None:
        """Answer as the receiver whose path it is."""
        body = self.rfile.read(min(int(self.headers.get("content-length") or 0), BODY))
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = Got(self.path, headers, body)
        with self.server.lock:
            status, said = self._answer(got)
            hold = self.server.hold_seconds
        time.sleep(hold)
        self._write_json(status, said)

    def _answer(self, got: Got) -> Answer:
        world, path = self.server.world, urlsplit(got.path).path
        if path.startswith("/_sim/"):
            return 200, command(self.server, path.removeprefix("/_sim/"), got.json)
        world.got.append(got)
        if world.moods:
            return world.moods.pop(0)
        for begins, answer in _PATHS.items():
            if path.startswith(begins):
                return answer(world, got)
        if "x-acs-action" in got.headers:
            return sms.aliyun(world, got)
        if "x-tc-action" in got.headers:
            return sms.tencent(world, got)
        return 404, {"error": "no receiver here"}

    def _write_json(self, status: int, said: dict[str, Any]) -> None:
        self._write(status, "application/json", json.dumps(said, ensure_ascii=False).encode())

    def _write(self, status: int, kind: str, said: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
        except OSError:
            self.close_connection = True  # whoever asked has gone

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: the page says what matters."""


def command(server: PostServer, deed: str, said: dict[str, Any]) -> dict[str, Any]:
    """Do what a tester asks: tell a webhook's key, let answers be wrong or late, spend money."""
    world = server.world
    if deed == "hook":
        world.hook_keys.append(str(said["key"]))
    elif deed == "fate":
        world.moods += [(each["status"], each.get("body", {})) for each in said.get("answers", [])]
        world.balance = int(said.get("balance", world.balance))
        server.hold_seconds = float(said.get("hold_seconds", server.hold_seconds))
    return {"keys": len(world.hook_keys), "moods": len(world.moods), "balance": world.balance}


def plain(arrived: Arrived) -> dict[str, str]:
    """Return what arrived as JSON has it."""
    return {
        "at": arrived.at.isoformat(),
        "channel": arrived.channel,
        "to": arrived.to,
        "title": arrived.title,
        "text": arrived.text,
    }


def page(arrived: list[Arrived]) -> str:
    """Show what arrived, the newest first."""
    rows = []
    for number, each in reversed(list(enumerate(arrived))):
        names = (
            [file.get_filename() or "" for file in each.mail.iter_attachments()]
            if each.mail
            else []
        )
        read = (
            f'<a href="/mails/{number}">看邮件</a> {html.escape("、".join(names))}'
            if each.mail
            else ""
        )
        where = f"{each.at:%H:%M:%S} {each.channel}<br><small>{html.escape(each.to)}</small>"
        rows.append(
            f"<tr><td>{where}</td><td><b>{html.escape(each.title)}</b>"
            f"<pre>{html.escape(each.text)}</pre>{read}</td></tr>"
        )
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>模拟收件</title>'
        '<meta http-equiv="refresh" content="3"><style>body{font-family:sans-serif;margin:24px}'
        "td{border-top:1px solid #ddd;padding:6px 12px;vertical-align:top}"
        "td:first-child{width:220px;word-break:break-all}small{color:#777}"
        "pre{white-space:pre-wrap;margin:4px 0;font-family:inherit}</style>"
        f"<h1>收到 {len(arrived)} 条</h1><table>{''.join(rows)}</table></html>"
    )


def mail_page(arrived: list[Arrived], path: str) -> str:
    """Return the HTML of one mail."""
    number = path.removeprefix("/mails/")
    mail = arrived[int(number)].mail if number.isdecimal() and int(number) < len(arrived) else None
    body = mail.get_body(("html",)) if mail is not None else None
    return str(body.get_content()) if body is not None else "没有这封邮件"
