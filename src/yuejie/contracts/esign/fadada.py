"""法大大 FASC OpenAPI 5.1: how requests are signed, what they say, how callbacks are checked.

    sign = hex(HMAC-SHA256(key = HMAC-SHA256(key = secret, msg = timestamp),
                           msg = hex(sha256("k=v&…", headers and bizContent sorted by name))))

A token is fetched with X-FASC-Grant-Type: client_credential and travels as X-FASC-AccessToken;
bodies are forms with the one field `bizContent`. Callbacks are signed alike, with X-FASC-Event.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from yuejie.contracts.esign.port import (
    CallbackForged,
    HttpRequest,
    Send,
    Signer,
    SigningState,
    Started,
    Told,
)
from yuejie.contracts.esign.stamp import epoch_ms, refuse_stale

HOST: Final = "https://api.fadada.com/api/v5"
SUB_VERSION: Final = "5.1"
_FORM: Final = "application/x-www-form-urlencoded"
_OK: Final = "100000"
_NONCE_BYTES: Final = 16
_STATES: Final = {
    "task_finished": SigningState.COMPLETED,
    "task_terminated": SigningState.REFUSED,
    "expired": SigningState.REFUSED,
    "revoked": SigningState.REFUSED,
}
_EVENTS: Final = {
    "sign-task-finished": SigningState.COMPLETED,
    "sign-task-sign-rejected": SigningState.REFUSED,
    "sign-task-expire": SigningState.REFUSED,
    "sign-task-canceled": SigningState.REFUSED,
}


def fresh_nonce() -> str:
    """Return 32 hexadecimal digits that were never used before."""
    return token_hex(_NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Fadada:
    """An application at 法大大. `corp_id` is our own enterprise there."""

    app_id: str
    secret: str = field(repr=False)
    corp_id: str = ""
    host: str = HOST
    nonce: Callable[[], str] = fresh_nonce
    name: str = "fadada"

    def start(self, send: Send, signer: Signer, title: str, pdf: bytes, now: datetime) -> Started:
        """Upload the PDF, create and start a task of one signer, and ask for its address."""
        token = self._token(send, now)
        place = self._call(send, token, "/file/get-upload-url", now, {"fileType": "doc"})
        answer = send(HttpRequest("PUT", str(place["uploadUrl"]), {}, pdf))
        answer.refuse_failed("法大大文件上传")
        wanted = {"fileType": "doc", "fddFileUrl": place["fddFileUrl"], "fileName": f"{title}.pdf"}
        files = {"fddFileUrlList": [wanted]}
        kept = self._call(send, token, "/file/process", now, files)
        file = str(kept["fileIdList"][0]["fileId"])
        made = self._call(send, token, "/sign-task/create", now, self._task(signer, title, file))
        task = str(made["signTaskId"])
        who = {"signTaskId": task, "actorId": "customer"}
        shown = self._call(send, token, "/sign-task/actor/get-url", now, who)
        return Started(task, str(shown["actorSignTaskUrl"]))

    def ask(self, send: Send, task: str, now: datetime) -> Told:
        """Ask how a task stands."""
        token = self._token(send, now)
        wanted = {"signTaskId": task}
        detail = self._call(send, token, "/sign-task/app/get-detail", now, wanted)
        state = _STATES.get(str(detail["signTaskStatus"]), SigningState.RUNNING)
        return Told(task, state, str(detail.get("terminationNote", "")))

    def fetch(self, send: Send, task: str, now: datetime) -> bytes:
        """Return the signed file of a finished task."""
        token = self._token(send, now)
        wanted = {"ownerId": self._owner, "signTaskId": task}
        found = self._call(send, token, "/sign-task/owner/get-download-url", now, wanted)
        answer = send(HttpRequest("GET", str(found["downloadUrl"]), {}))
        answer.refuse_failed("法大大文件下载")
        return answer.body

    def read_callback(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> Told | None:
        """Return what a verified callback says about a task."""
        del query
        given = {name.lower(): value for name, value in headers.items()}
        biz = dict(parse_qsl(body.decode(), keep_blank_values=True)).get("bizContent", "")
        stamp, event = given.get("x-fasc-timestamp", ""), given.get("x-fasc-event", "")
        signed = {
            "X-FASC-App-Id": self.app_id,
            "X-FASC-Event": event,
            "X-FASC-Nonce": given.get("x-fasc-nonce", ""),
            "X-FASC-Sign-Type": given.get("x-fasc-sign-type", ""),
            "X-FASC-Timestamp": stamp,
            "bizContent": biz,
        }
        if not hmac.compare_digest(sign(self.secret, stamp, signed), given.get("x-fasc-sign", "")):
            raise CallbackForged("法大大回调的签名不对，已拒绝；请核对应用密钥")
        refuse_stale(stamp, now, "法大大")
        state = _EVENTS.get(event)
        if state is None:
            return None
        facts: dict[str, Any] = msgspec.json.decode(biz, type=dict[str, Any])
        return Told(str(facts["signTaskId"]), state, str(facts.get("signRejectReason", "")))

    @property
    def _owner(self) -> dict[str, str]:
        return {"idType": "corp", "openId": self.corp_id}

    def _task(self, signer: Signer, title: str, file: str) -> dict[str, Any]:
        actor = {
            "actorType": "corp",
            "actorId": "customer",
            "actorName": signer.legal_name,
            "permissions": ["sign"],
            "certNoForMatch": signer.uscc,
            "accountName": signer.mobile,
        }
        return {
            "initiator": self._owner,
            "signTaskSubject": title,
            "autoStart": True,
            "autoFillFinalize": True,
            "autoFinish": True,
            "docs": [{"docId": "contract", "docName": title, "docFileId": file}],
            "actors": [{"actor": actor, "signConfigInfo": {"orderNo": 1}}],
        }

    def _token(self, send: Send, now: datetime) -> str:
        extra = {"X-FASC-Grant-Type": "client_credential"}
        return str(self._send(send, "/service/get-access-token", now, extra, None)["accessToken"])

    def _call(
        self, send: Send, token: str, path: str, now: datetime, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        biz = msgspec.json.encode(facts).decode()
        return self._send(send, path, now, {"X-FASC-AccessToken": token}, biz)

    def _send(
        self, send: Send, path: str, now: datetime, extra: Mapping[str, str], biz: str | None
    ) -> dict[str, Any]:
        headers = signed_headers(
            self.app_id, self.secret, str(epoch_ms(now)), self.nonce(), extra, biz
        )
        body = b"" if biz is None else urlencode({"bizContent": biz}).encode()
        answer = send(HttpRequest("POST", f"{self.host}{path}", headers, body))
        return answer.data("法大大", ok=_OK, said="msg")


def signed_headers(
    app_id: str,
    secret: str,
    stamp: str,
    nonce: str,
    extra: Mapping[str, str],
    biz: str | None,
) -> dict[str, str]:
    """Return every header of a request, signed."""
    headers = {
        "X-FASC-App-Id": app_id,
        "X-FASC-Sign-Type": "HMAC-SHA256",
        "X-FASC-Timestamp": stamp,
        "X-FASC-Nonce": nonce,
        "X-FASC-Api-SubVersion": SUB_VERSION,
        **extra,
    }
    signed = headers if biz is None else {**headers, "bizContent": biz}
    return {**headers, "X-FASC-Sign": sign(secret, stamp, signed), "Content-Type": _FORM}


def sign(secret: str, stamp: str, params: Mapping[str, str]) -> str:
    """Return the signature over named values; empty ones are left out, as the platform does."""
    text = "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name])
    digest = sha256(text.encode()).hexdigest()
    key = hmac.digest(secret.encode(), stamp.encode(), sha256)
    return hmac.digest(key, digest.encode(), sha256).hex()
