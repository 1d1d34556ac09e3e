"""腾讯云短信: sms 2021-01-11 SendSms, signed with TC3-HMAC-SHA256.

Source: cloud.tencent.com, 接口鉴权 v3; a 200 may hold an Error, and each number has its own Code.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from yuejie.notices.channels.parcel import (
    Outcome,
    Reply,
    Request,
    Rest,
    Wait,
    refused,
    retry,
    sent,
)
from yuejie.notices.channels.robots import by_http, document_of

ENDPOINT: Final = "https://sms.tencentcloudapi.com"
CONTENT_TYPE: Final = "application/json; charset=utf-8"
_ALGORITHM: Final = "TC3-HMAC-SHA256"
_VERSION: Final = "2021-01-11"
_REGION: Final = "ap-guangzhou"
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_WAITS: Final[dict[str, Wait]] = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": Wait(_MINUTE / 2, Rest.RECEIVER),
    "LimitExceeded.PhoneNumberOneHourLimit": Wait(_HOUR, Rest.RECEIVER),
    "LimitExceeded.PhoneNumberDailyLimit": Wait(_DAY, Rest.RECEIVER),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": Wait(_DAY),
    "LimitExceeded.DeliveryFrequencyLimit": Wait(_MINUTE, Rest.RECEIVER),
    "LimitExceeded.AppDailyLimit": Wait(_HOUR, Rest.SENDER),
    "LimitExceeded.AppMainlandChinaDailyLimit": Wait(_HOUR, Rest.SENDER),
    "LimitExceeded.DailyLimit": Wait(_HOUR, Rest.SENDER),
    "LimitExceeded": Wait(_MINUTE, Rest.RECEIVER),
    "RequestLimitExceeded": Wait(_MINUTE, Rest.SENDER),
    "InternalError": Wait(),
    "InternalError.OtherError": Wait(),
    "InternalError.SendAndRecvFail": Wait(),
    "InternalError.Timeout": Wait(),
    "InternalError.UnknownError": Wait(),
    "FailedOperation.InsufficientBalanceInSmsPackage": Wait(_HOUR, Rest.SENDER),
    "UnauthorizedOperation.ServiceSuspendDueToArrears": Wait(_HOUR, Rest.SENDER),
}
"""Codes after which the same SMS may go out: limits pass, an empty account is topped up."""


def signature(secret: str, host: str, name: str, body: bytes, at: datetime) -> str:
    """Return the signature of a body for a service's host and name at an instant."""
    moment = at.astimezone(UTC)
    day = f"{moment:%Y-%m-%d}"
    canonical = (
        f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\n\ncontent-type;host\n"
        f"{hashlib.sha256(body).hexdigest()}"
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    said = f"{_ALGORITHM}\n{int(at.timestamp())}\n{day}/{name}/tc3_request\n{digest}"
    key = _hmac(f"TC3{secret}".encode(), day)
    key = _hmac(_hmac(key, name), "tc3_request")
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def request_of(
    settings: Mapping[str, str], secret: str, content: Mapping[str, Any], at: datetime
) -> Request:
    """Write a SendSms; `settings` holds secret_id and, where they differ, endpoint and region."""
    endpoint = settings.get("endpoint") or ENDPOINT
    host = urlsplit(endpoint).netloc
    body = msgspec.json.encode(content)
    day = f"{at.astimezone(UTC):%Y-%m-%d}"
    headers = {
        "host": host,
        "content-type": CONTENT_TYPE,
        "x-tc-action": "SendSms",
        "x-tc-version": _VERSION,
        "x-tc-region": settings.get("region") or _REGION,
        "x-tc-timestamp": str(int(at.timestamp())),
        "authorization": (
            f"{_ALGORITHM} Credential={settings['secret_id']}/{day}/sms/tc3_request, "
            "SignedHeaders=content-type;host, "
            f"Signature={signature(secret, host, 'sms', body, at)}"
        ),
    }
    return Request(f"{endpoint}/", headers, body)


def content_of(
    settings: Mapping[str, str],
    phone: str,
    template: str,
    values: Mapping[str, str],
    message_id: str,
) -> dict[str, Any]:
    """Return one SMS; SessionContext carries the message id into the vendor's answer."""
    return {
        "PhoneNumberSet": [phone if phone.startswith("+") else f"+86{phone}"],
        "SmsSdkAppId": settings["app_id"],
        "SignName": settings["sign_name"],
        "TemplateId": template,
        "TemplateParamSet": list(values.values()),
        "SessionContext": message_id,
    }


def judge(reply: Reply) -> Outcome:
    """Tell how it ended: first the interface's Error, then the Code of the one number."""
    answer = document_of(reply).get("Response")
    if not isinstance(answer, dict):
        return by_http(reply) or retry("no_code", reply.body[:200].decode(errors="replace"))
    each: list[dict[str, Any]] = answer.get("SendStatusSet") or [{}]
    status: dict[str, Any] = answer.get("Error") or each[0]
    code, words = str(status.get("Code", "")), str(status.get("Message", ""))
    if code == "Ok":
        return sent(code, str(status.get("SerialNo", "")))
    if code in _WAITS:
        return retry(code, words, _WAITS[code].span, rest=_WAITS[code].rest)
    if not code:
        return retry("no_code", words)
    return refused(code, words)


def _hmac(key: bytes, said: str) -> bytes:
    return hmac.digest(key, said.encode(), hashlib.sha256)
