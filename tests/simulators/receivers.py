"""Receivers of notices on loopback: robots, SMS vendors and webhooks that check every signature.

They misbehave on request: a code in the body, an HTTP state, a redirect, silence.
"""

import base64
import hashlib
import hmac
import json
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
def receiving(check: Callable[[Got], Answer]) -> Iterator[Receiver]:
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
            raw = json.dumps(said, ensure_ascii=False).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", "http://169.254.169.254/")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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


def wecom(key: str) -> Callable[[Got], Answer]:
    def check(got: Got) -> Answer:
        if got.query.get("key") != key:
            return 200, {"errcode": 93000, "errmsg": "invalid webhook url"}
        content = got.json["markdown"]["content"]
        if not content or len(content.encode()) > 4096:
            return 200, {"errcode": 44004, "errmsg": "content size out of limit"}
        return 200, {"errcode": 0, "errmsg": "ok"}

    return check


def dingtalk(secret: str) -> Callable[[Got], Answer]:
    def check(got: Got) -> Answer:
        said = f"{got.query['timestamp']}\n{secret}".encode()
        wanted = base64.b64encode(hmac.digest(secret.encode(), said, "sha256")).decode()
        if got.query["sign"] != wanted:
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        return 200, {"errcode": 0, "errmsg": "ok"}

    return check


def feishu(secret: str) -> Callable[[Got], Answer]:
    def check(got: Got) -> Answer:
        key = f"{got.json['timestamp']}\n{secret}".encode()
        wanted = base64.b64encode(hmac.digest(key, b"", "sha256")).decode()
        if got.json["sign"] != wanted or len(got.body) > 20_000:
            return 200, {
                "code": 19021,
                "msg": "sign match fail or timestamp is not within one hour",
            }
        return 200, {"code": 0, "msg": "success"}

    return check


def webhook(secret: str) -> Callable[[Got], Answer]:
    def check(got: Got) -> Answer:
        said = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode()
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.digest(key, said + got.body, "sha256")).decode()
        ours = [each.partition(",")[2] for each in got.headers["webhook-signature"].split(" ")]
        return (200, {}) if wanted in ours else (401, {"error": "bad signature"})

    return check


def aliyun(secret: str) -> Callable[[Got], Answer]:
    def check(got: Got) -> Answer:
        facts = dict(
            part.strip().split("=", 1)
            for part in got.headers["authorization"].partition(" ")[2].split(",")
        )
        lines = "".join(
            f"{name}:{got.headers[name]}\n" for name in facts["SignedHeaders"].split(";")
        )
        query = urlsplit(got.path).query
        assert query == "&".join(sorted(query.split("&"))), "the query is sorted"
        canonical = (
            f"POST\n/\n{query}\n{lines}\n{facts['SignedHeaders']}\n"
            f"{hashlib.sha256(got.body).hexdigest()}"
        )
        said = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        wanted = hmac.new(secret.encode(), said.encode(), "sha256").hexdigest()
        if facts["Signature"] != wanted:
            return 400, {"Code": "SignatureDoesNotMatch", "Message": "no"}
        if "://" in got.query["TemplateParam"]:
            return 200, {"Code": "isv.PARAM_NOT_SUPPORT_URL", "Message": "no URLs"}
        return 200, {"Code": "OK", "Message": "OK", "BizId": "900619746936498440^0"}

    return check


def tencent(secret: str) -> Callable[[Got], Answer]:
    def check(got: Got) -> Answer:
        words = got.headers["authorization"]
        day = words.partition("Credential=")[2].split("/")[1]
        canonical = (
            f"POST\n/\n\ncontent-type:{got.headers['content-type']}\nhost:{got.headers['host']}\n\n"
            f"content-type;host\n{hashlib.sha256(got.body).hexdigest()}"
        )
        said = (
            f"TC3-HMAC-SHA256\n{got.headers['x-tc-timestamp']}\n{day}/sms/tc3_request\n"
            f"{hashlib.sha256(canonical.encode()).hexdigest()}"
        )
        key = f"TC3{secret}".encode()
        for part in (day, "sms", "tc3_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        if words.rpartition("=")[2] != hmac.new(key, said.encode(), "sha256").hexdigest():
            error = {"Code": "AuthFailure.SignatureFailure", "Message": "no"}
            return 200, {"Response": {"Error": error, "RequestId": "r"}}
        status = {"Code": "Ok", "SerialNo": "2028:f825e6b5", "Message": "send success"}
        return 200, {"Response": {"SendStatusSet": [status], "RequestId": "r"}}

    return check
