"""阿里云短信: dysmsapi 2017-05-25 SendSms, signed with ACS3-HMAC-SHA256.

Source: help.aliyun.com, V3 版本请求体与签名机制; parameters stand in the query, the body is empty.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

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

ENDPOINT: Final = "https://dysmsapi.aliyuncs.com"
_VERSION: Final = "2017-05-25"
_ALGORITHM: Final = "ACS3-HMAC-SHA256"
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_WAITS: Final[dict[str, Wait]] = {
    "isv.BUSINESS_LIMIT_CONTROL": Wait(_HOUR, Rest.RECEIVER),
    "isv.DAY_LIMIT_CONTROL": Wait(_HOUR, Rest.SENDER),
    "isp.SYSTEM_ERROR": Wait(),
    "isp.GATEWAY_ERROR": Wait(),
    "Throttling": Wait(_MINUTE, Rest.SENDER),
    "Throttling.User": Wait(_MINUTE, Rest.SENDER),
    "ServiceUnavailable": Wait(),
    "InternalError": Wait(),
    "isv.AMOUNT_NOT_ENOUGH": Wait(_HOUR, Rest.SENDER),
    "isv.OUT_OF_SERVICE": Wait(_HOUR, Rest.SENDER),
}
"""Codes after which the same SMS may go out; an empty account is topped up within hours."""
_LIMITS: Final[dict[str, timedelta]] = {"分钟级": _MINUTE, "小时级": _HOUR, "天级": _DAY}
"""Which of a number's limits was hit stands in words only: 触发小时级流控Permits:5."""


def query_of(parameters: Mapping[str, str]) -> str:
    """Return parameters as the signature and the address both write them (RFC 3986, sorted)."""
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parameters.items())
    )


def headers_of(host: str, action: str, version: str, nonce: str, at: datetime) -> dict[str, str]:
    """Return the headers that are signed; the body is empty."""
    return {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }


def signature(secret: str, headers: Mapping[str, str], query: str, method: str = "POST") -> str:
    """Return the signature over method, query, headers and the empty body."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    signed = ";".join(names)
    canonical = f"{method}\n/\n{query}\n{lines}\n{signed}\n{headers['x-acs-content-sha256']}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    said = f"{_ALGORITHM}\n{digest}".encode()
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def request_of(
    settings: Mapping[str, str],
    secret: str,
    parameters: Mapping[str, str],
    nonce: str,
    at: datetime,
) -> Request:
    """Write a SendSms; `settings` holds access_key_id and, where it differs, endpoint."""
    endpoint = settings.get("endpoint") or ENDPOINT
    host = urlsplit(endpoint).netloc
    query = query_of(parameters)
    headers = headers_of(host, "SendSms", _VERSION, nonce, at)
    signed = ";".join(sorted(headers))
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={settings['access_key_id']},"
        f"SignedHeaders={signed},Signature={signature(secret, headers, query)}"
    )
    return Request(f"{endpoint}/?{query}", headers, b"")


def parameters_of(
    phone: str, sign_name: str, template: str, values: Mapping[str, str], message_id: str
) -> dict[str, str]:
    """Return the parameters of one SMS; OutId carries the message id into the vendor's records."""
    return {
        "PhoneNumbers": phone.removeprefix("+86"),
        "SignName": sign_name,
        "TemplateCode": template,
        "TemplateParam": msgspec.json.encode(dict(values)).decode(),
        "OutId": message_id,
    }


def judge(reply: Reply) -> Outcome:
    """Tell how it ended, by Code; errors of the interface come with HTTP 4xx and a Code too."""
    facts = document_of(reply)
    code, words = str(facts.get("Code", "")), str(facts.get("Message", ""))
    if code == "OK":
        return sent(code, str(facts.get("BizId", "")))
    if code in _WAITS:
        spans = [span for name, span in _LIMITS.items() if name in words]
        return retry(code, words, spans[0] if spans else _WAITS[code].span, rest=_WAITS[code].rest)
    if code and reply.status < 500:
        return refused(code, words)
    return by_http(reply) or retry("no_code", words)
