"""The network under the signing platforms: one blocking request, one answer."""

import ssl
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from yuejie.contracts.esign.port import HttpAnswer, HttpRequest, Unreachable
from yuejie.kernel.limits import ANSWER_BYTES, SIGNING_SECONDS

_opener: Final = build_opener(
    HTTPRedirectHandler(), HTTPSHandler(context=ssl.create_default_context())
)


def send(request: HttpRequest) -> HttpAnswer:
    """Send a request over HTTPS and return its answer, whatever its status."""
    if not request.url.startswith("https://"):
        raise Unreachable(f"电子签平台的地址须以 https:// 开头（现为 {request.url[:40]}）")
    asked = Request(  # noqa: S310 - https alone, checked above
        request.url, request.body or None, dict(request.headers), method=request.method
    )
    try:
        with _opener.open(asked, timeout=SIGNING_SECONDS) as answer:
            return HttpAnswer(answer.status, answer.read(ANSWER_BYTES), dict(answer.headers))
    except HTTPError as refused:
        return HttpAnswer(refused.code, refused.read(ANSWER_BYTES), dict(refused.headers))
    except (URLError, HTTPException, OSError) as error:
        raise Unreachable(f"电子签平台没有应答（{error}），请稍后核对") from error
