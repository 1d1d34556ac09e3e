r"""e签宝 V3 (open.esign.cn): how requests are signed, what they say, how callbacks are checked.

    X-Tsign-Open-Ca-Signature = base64(HMAC-SHA256(secret,
        METHOD \n Accept \n Content-MD5 \n Content-Type \n Date \n path?sorted query))

Accept is `*/*`, Date is empty, Content-MD5 is base64(md5(body)).
A callback carries X-Tsign-Open-SIGNATURE = hex HMAC-SHA256(secret, timestamp + values of the query
sorted by name + body); ten minutes of tolerance.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5, sha256
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

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

HOST: Final = "https://openapi.esign.cn"
SANDBOX: Final = "https://smlopenapi.esign.cn"
JSON: Final = "application/json; charset=UTF-8"
_DONE: Final = {
    2: SigningState.COMPLETED,
    3: SigningState.REFUSED,
    5: SigningState.REFUSED,
    7: SigningState.REFUSED,
}
"""signFlowStatus: 2 completed, 3 revoked, 5 expired, 7 declined; 0 and 1 are under way."""


@dataclass(frozen=True, slots=True)
class Esign:
    """An application at e签宝. `notify_url` is where it calls back."""

    app_id: str
    secret: str = field(repr=False)
    host: str = HOST
    notify_url: str = ""
    name: str = "esign"

    def start(self, send: Send, signer: Signer, title: str, pdf: bytes, now: datetime) -> Started:
        """Upload the PDF, start a flow of one signer, and ask for the signer's address."""
        size = {"contentMd5": content_md5(pdf), "fileName": f"{title}.pdf", "fileSize": len(pdf)}
        upload = {**size, "contentType": "application/pdf", "convertToPDF": False}
        place = self._call(send, "POST", "/v3/files/file-upload-url", now, upload)
        self._put(send, str(place["fileUploadUrl"]), pdf)
        flow = self._flow(signer, title, str(place["fileId"]))
        task = str(
            self._call(send, "POST", "/v3/sign-flow/create-by-file", now, flow)["signFlowId"]
        )
        wanted = {"operator": {"psnAccount": signer.mobile}, "needLogin": False, "urlType": 2}
        shown = self._call(send, "POST", f"/v3/sign-flow/{task}/sign-url", now, wanted)
        return Started(task, str(shown["shortUrl"] or shown["url"]))

    def ask(self, send: Send, task: str, now: datetime) -> Told:
        """Ask how a flow stands."""
        detail = self._call(send, "GET", f"/v3/sign-flow/{task}/detail", now)
        state = _DONE.get(int(detail["signFlowStatus"]), SigningState.RUNNING)
        return Told(task, state, str(detail.get("signFlowDescription", "")))

    def fetch(self, send: Send, task: str, now: datetime) -> bytes:
        """Return the signed file of a completed flow."""
        found = self._call(send, "GET", f"/v3/sign-flow/{task}/file-download-url", now)
        answer = send(HttpRequest("GET", str(found["files"][0]["downloadUrl"]), {}))
        answer.refuse_failed("e签宝文件下载")
        return answer.body

    def read_callback(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
    ) -> Told | None:
        """Return what a verified callback says about a flow."""
        given = {name.lower(): value for name, value in headers.items()}
        stamp, shown = (
            given.get("x-tsign-open-timestamp", ""),
            given.get("x-tsign-open-signature", ""),
        )
        expected = callback_signature(self.secret, stamp, query, body)
        if not hmac.compare_digest(expected, shown):
            raise CallbackForged("e签宝回调的签名不对，已拒绝；请核对应用密钥")
        refuse_stale(stamp, now, "e签宝")
        facts: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        if facts.get("action") != "SIGN_FLOW_COMPLETE":
            return None
        state = _DONE.get(int(facts["signFlowStatus"]), SigningState.RUNNING)
        return Told(str(facts["signFlowId"]), state, str(facts.get("statusDescription", "")))

    def _flow(self, signer: Signer, title: str, file: str) -> dict[str, Any]:
        enterprise = {
            "orgName": signer.legal_name,
            "orgInfo": {"orgIDCardNum": signer.uscc, "orgIDCardType": "CRED_ORG_USCC"},
            "transactorInfo": {
                "psnAccount": signer.mobile,
                "psnInfo": {"psnName": signer.person},
            },
        }
        fields = [
            {"fileId": file, "normalSignFieldConfig": {"freeMode": True, "signFieldStyle": 1}}
        ]
        return {
            "docs": [{"fileId": file, "fileName": f"{title}.pdf"}],
            "signFlowConfig": {
                "signFlowTitle": title,
                "autoStart": True,
                "autoFinish": True,
                "notifyUrl": self.notify_url,
            },
            "signers": [{"signerType": 1, "orgSignerInfo": enterprise, "signFields": fields}],
        }

    def _call(
        self, send: Send, method: str, path: str, now: datetime, facts: object = None
    ) -> dict[str, Any]:
        body = b"" if facts is None else msgspec.json.encode(facts)
        headers = signed_headers(self.app_id, self.secret, method, path, body, now)
        answer = send(HttpRequest(method, f"{self.host}{path}", headers, body))
        return answer.data("e签宝", ok=0, said="message")

    @staticmethod
    def _put(send: Send, url: str, pdf: bytes) -> None:
        headers = {"Content-MD5": content_md5(pdf), "Content-Type": "application/pdf"}
        answer = send(HttpRequest("PUT", url, headers, pdf))
        answer.refuse_failed("e签宝文件上传")


def content_md5(body: bytes) -> str:
    """Return base64(md5(body)), as Content-MD5 has it; it proves nothing, the HMAC does."""
    return b64encode(md5(body, usedforsecurity=False).digest()).decode()


def signature(secret: str, method: str, path: str, body: bytes) -> str:
    """Return the signature of a request."""
    digest = content_md5(body) if body else ""
    parts = urlsplit(path)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    where = f"{parts.path}?{urlencode(query)}" if query else parts.path
    text = f"{method}\n*/*\n{digest}\n{JSON}\n\n{where}"
    return b64encode(hmac.digest(secret.encode(), text.encode(), sha256)).decode()


def signed_headers(
    app_id: str, secret: str, method: str, path: str, body: bytes, now: datetime
) -> dict[str, str]:
    """Return every header of a request, signed."""
    return {
        "X-Tsign-Open-App-Id": app_id,
        "X-Tsign-Open-Ca-Timestamp": str(epoch_ms(now)),
        "X-Tsign-Open-Auth-Mode": "Signature",
        "X-Tsign-Open-Ca-Signature": signature(secret, method, path, body),
        "Accept": "*/*",
        "Content-Type": JSON,
        "Content-MD5": content_md5(body) if body else "",
    }


def callback_signature(secret: str, stamp: str, query: Mapping[str, str], body: bytes) -> str:
    """Return the signature that a callback must carry."""
    values = "".join(query[name] for name in sorted(query))
    text = f"{stamp}{values}".encode() + body
    return hmac.digest(secret.encode(), text, sha256).hex()
