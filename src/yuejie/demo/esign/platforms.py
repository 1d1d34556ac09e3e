"""Two signing platforms in memory: e签宝 V3 and 法大大 FASC 5.1, as strict as the real ones.

`send` is the network. A request whose signature, time or nonce is wrong is refused in the
platform's own words; `sign` and `decline` do what the signer does, and give the callback.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from yuejie.contracts.esign import esign, fadada
from yuejie.contracts.esign.port import HttpAnswer, HttpRequest, Unreachable
from yuejie.contracts.esign.stamp import epoch_ms, from_epoch_ms

_SKEW: Final = timedelta(minutes=5)
_FADADA: Final = urlsplit(fadada.HOST).path


@dataclass
class _Task:
    platform: str
    file: str
    notify_url: str
    status: str = "running"


@dataclass
class Platforms:
    """Both platforms, with the credentials that they gave out."""

    app_id: str
    secret: str
    now: Callable[[], datetime]
    files: dict[str, bytes] = field(default_factory=dict)
    tasks: dict[str, _Task] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    silent: bool = False
    """Whether answers are lost on their way back."""
    files_at: str = "https://simulated/files"
    fadada_callback_url: str = ""
    """法大大 is told in its console where to call back; e签宝 by each flow."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request as the platform whose host it names would."""
        answer = self._answer(request)
        if self.silent:
            raise Unreachable("模拟平台的应答丢失")
        return answer

    def sign(self, task: str) -> None:
        """Let the signer sign: the file gets its mark and the task is finished."""
        kept = self.tasks[task]
        self.files[f"{kept.file}.signed"] = self.files[kept.file] + b"\n% signed"
        kept.status = "signed"

    def decline(self, task: str) -> None:
        """Let the signer say no."""
        self.tasks[task].status = "declined"

    def esign_callback(self, task: str) -> tuple[dict[str, str], bytes]:
        """Return headers and body of what e签宝 posts when a flow is over."""
        facts = {
            "action": "SIGN_FLOW_COMPLETE",
            "signFlowId": task,
            "signFlowStatus": self._esign_status(task),
            "timestamp": epoch_ms(self.now()),
        }
        body, stamp = msgspec.json.encode(facts), str(epoch_ms(self.now()))
        shown = esign.callback_signature(self.secret, stamp, {}, body)
        return {"X-Tsign-Open-TIMESTAMP": stamp, "X-Tsign-Open-SIGNATURE": shown}, body

    def fadada_callback(self, task: str) -> tuple[dict[str, str], bytes]:
        """Return headers and body of what 法大大 posts when a task is over."""
        signed = self.tasks[task].status == "signed"
        biz = msgspec.json.encode({"signTaskId": task}).decode()
        headers = {
            "X-FASC-App-Id": self.app_id,
            "X-FASC-Event": "sign-task-finished" if signed else "sign-task-sign-rejected",
            "X-FASC-Nonce": "0" * 32,
            "X-FASC-Sign-Type": "HMAC-SHA256",
            "X-FASC-Timestamp": str(epoch_ms(self.now())),
        }
        stamp = headers["X-FASC-Timestamp"]
        shown = fadada.sign(self.secret, stamp, {**headers, "bizContent": biz})
        return {**headers, "X-FASC-Sign": shown}, urlencode({"bizContent": biz}).encode()

    def callback(self, task: str) -> HttpRequest | None:
        """Return what a task's platform posts when it is over, if it was told where to."""
        kept = self.tasks[task]
        if not kept.notify_url:
            return None
        if kept.platform == "esign":
            headers, body = self.esign_callback(task)
            headers = headers | {"Content-Type": "application/json"}
        else:
            headers, body = self.fadada_callback(task)
            headers = headers | {"Content-Type": "application/x-www-form-urlencoded"}
        return HttpRequest("POST", kept.notify_url, headers, body)

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        path = urlsplit(request.url).path
        if path.startswith("/files/"):
            name = path.removeprefix("/files/")
            if request.method == "PUT":
                self.files[name] = request.body
            return HttpAnswer(200, self.files.get(name, b""))
        if path.startswith(_FADADA):
            return self._fadada(request, path.removeprefix(_FADADA))
        return self._esign(request)

    # ── e签宝 ────────────────────────────────────────────────────────────────────────────────────

    def _esign(self, request: HttpRequest) -> HttpAnswer:
        parts = urlsplit(request.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        given = dict(request.headers)
        if "X-Tsign-Open-Ca-Timestamp" not in given:
            return _json({"code": 404, "message": f"没有这个接口：{path}"}, 404)
        stamp = int(given.pop("X-Tsign-Open-Ca-Timestamp"))
        expected = esign.signed_headers(
            self.app_id, self.secret, request.method, path, request.body, from_epoch_ms(stamp)
        )
        expected.pop("X-Tsign-Open-Ca-Timestamp")
        if given != expected or abs(self.now() - from_epoch_ms(stamp)) > _SKEW:
            return _json({"code": 401, "message": "INVALID_SIGNATURE"}, 401)
        facts = msgspec.json.decode(request.body) if request.body else {}
        return _json({"code": 0, "message": "成功", "data": self._esign_data(parts.path, facts)})

    def _esign_data(self, path: str, facts: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/file-upload-url"):
            file = self._file()
            return {"fileId": file, "fileUploadUrl": f"{self.files_at}/{file}"}
        if path.endswith("/create-by-file"):
            notify = str(facts["signFlowConfig"]["notifyUrl"])
            return {"signFlowId": self._task("esign", str(facts["docs"][0]["fileId"]), notify)}
        found = re.search(r"/sign-flow/([^/]+)/", path)
        task = found[1] if found else ""
        if path.endswith("/sign-url"):
            return {"url": f"https://sign.simulated/{task}", "shortUrl": ""}
        if path.endswith("/detail"):
            return {"signFlowStatus": self._esign_status(task), "signFlowDescription": ""}
        return {"files": [{"downloadUrl": f"{self.files_at}/{self.tasks[task].file}.signed"}]}

    def _esign_status(self, task: str) -> int:
        return {"running": 1, "signed": 2, "declined": 7}[self.tasks[task].status]

    # ── 法大大 ───────────────────────────────────────────────────────────────────────────────────

    def _fadada(self, request: HttpRequest, path: str) -> HttpAnswer:
        given = dict(request.headers)
        shown = given.pop("X-FASC-Sign")
        given.pop("Content-Type")
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        stamp, nonce = given["X-FASC-Timestamp"], given["X-FASC-Nonce"]
        late = abs(self.now() - from_epoch_ms(int(stamp))) > _SKEW
        right = shown == fadada.sign(self.secret, stamp, {**given, **form})
        if not right or late or nonce in self.seen:
            return _json({"code": "100011", "msg": "签名校验失败"})
        self.seen.add(nonce)
        facts = msgspec.json.decode(form["bizContent"]) if form else {}
        return _json({"code": "100000", "msg": "请求成功", "data": self._fadada_data(path, facts)})

    def _fadada_data(self, path: str, facts: dict[str, Any]) -> dict[str, Any]:
        task = str(facts.get("signTaskId", ""))
        match path:
            case "/service/get-access-token":
                return {"accessToken": "token", "expiresIn": "7200"}
            case "/file/get-upload-url":
                file = self._file()
                return {"fddFileUrl": file, "uploadUrl": f"{self.files_at}/{file}"}
            case "/file/process":
                return {"fileIdList": [{"fileId": facts["fddFileUrlList"][0]["fddFileUrl"]}]}
            case "/sign-task/create":
                file = str(facts["docs"][0]["docFileId"])
                return {"signTaskId": self._task("fadada", file, self.fadada_callback_url)}
            case "/sign-task/actor/get-url":
                return {"actorSignTaskUrl": f"https://sign.simulated/{task}"}
            case "/sign-task/app/get-detail":
                status = {"signed": "task_finished", "declined": "task_terminated"}
                return {"signTaskStatus": status.get(self.tasks[task].status, "sign_progress")}
        return {"downloadUrl": f"{self.files_at}/{self.tasks[task].file}.signed"}

    def _file(self) -> str:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = b""
        return name

    def _task(self, platform: str, file: str, notify_url: str) -> str:
        name = f"task-{len(self.tasks) + 1}"
        self.tasks[name] = _Task(platform, file, notify_url)
        return name


def _json(facts: dict[str, Any], status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, msgspec.json.encode(facts))
