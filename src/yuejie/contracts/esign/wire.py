"""The network under the signing platforms: one blocking request, one answer, nothing in clear."""

import ssl
from collections.abc import Set as AbstractSet
from functools import cache
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from yuejie.contracts.esign.port import HttpAnswer, HttpRequest, Send, Unreachable
from yuejie.kernel.limits import ANSWER_BYTES, SIGNING_SECONDS


class _Standing(HTTPRedirectHandler):
    """Follows nobody elsewhere: what is signed, and a contract, is for the host it names."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def origin(url: str) -> str:
    """Return where an address leads, without what is asked there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def sender(trials: AbstractSet[str] = frozenset()) -> Send:
    """Return the way to the platforms: HTTPS, or one of the origins named for trials."""
    opener = build_opener(_Standing(), HTTPSHandler(context=_trusted()))

    def send(request: HttpRequest) -> HttpAnswer:
        if not request.url.startswith("https://") and origin(request.url) not in trials:
            raise Unreachable(f"电子签平台的地址须以 https:// 开头（现为 {request.url[:40]}）")
        asked = Request(  # noqa: S310 - https, or an origin that the operator named
            request.url, request.body or None, dict(request.headers), method=request.method
        )
        try:
            return _answer(opener, asked)
        except (URLError, HTTPException, OSError) as error:
            raise Unreachable(f"电子签平台没有应答（{error}），请稍后核对") from error

    return send


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom this machine trusts, read once: hundreds of certificates take 20 ms."""
    return ssl.create_default_context()


def _answer(opener: OpenerDirector, asked: Request) -> HttpAnswer:
    """Return what was answered, whatever its status."""
    try:
        with opener.open(asked, timeout=SIGNING_SECONDS) as answer:
            return HttpAnswer(answer.status, answer.read(ANSWER_BYTES), dict(answer.headers))
    except HTTPError as refused:
        with refused:
            return HttpAnswer(refused.code, refused.read(ANSWER_BYTES), dict(refused.headers))
