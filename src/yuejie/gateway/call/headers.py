"""Headers: which of them pass, and how the client's key is found."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, urlencode

from yuejie.gateway.server.head import Head
from yuejie.gateway.upstream.port import Said

_HOP: Final = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_NOT_UP: Final = frozenset(
    {
        *_HOP,
        "accept-encoding",  # answers must come as they are: usage is read in passing
        "authorization",
        "content-length",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "idempotency-key",
        "via",
        "x-api-key",
        "api-key",
        "x-client-request-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-goog-api-key",
        "x-real-ip",
        "x-yuejie-tags",
        "x-yuejie-task",
    }
)
_COUNTED: Final = ("requests", "tokens", "project-tokens", "input-tokens", "output-tokens")
_LIMITS: Final = frozenset(
    name
    for counted in _COUNTED
    for told in ("limit", "remaining", "reset")
    for name in (f"x-ratelimit-{told}-{counted}", f"anthropic-ratelimit-{counted}-{told}")
)
"""What is left of the account's own quota: all customers share it, so it tells of the others."""
_NOT_DOWN: Final = frozenset(
    {
        *_HOP,
        *_LIMITS,
        "alt-svc",  # would lead clients past the gateway
        "anthropic-organization-id",  # whose account it is, is the operator's business
        "content-length",
        "date",
        "openai-organization",
        "openai-project",
        "server",
        "set-cookie",
        "strict-transport-security",
        "via",
        "x-request-id",
    }
)

Pairs = list[tuple[str, str]]


def upward(head: Head) -> Said:
    """Return what a client's headers tell the provider; written once for the same head."""
    said: Said | None = head.memo.get("upward")
    if said is None:
        said = Said.of([pair for pair in head.pairs if pair[0] not in _NOT_UP])
        head.memo["upward"] = said
    return said


def downward(headers: Iterable[tuple[str, str]], request_id: str) -> Pairs:
    """Return what a provider's headers tell the client, our request id in front."""
    passed = [("x-request-id", request_id)]
    passed += [pair for pair in headers if pair[0] not in _NOT_DOWN]
    return passed


def secret_of(headers: dict[str, str], query: str) -> str:
    """Find the client's key: bearer, x-api-key, x-goog-api-key or ?key=."""
    bearer = headers.get("authorization")
    if bearer is not None:
        scheme, _, secret = bearer.partition(" ")
        if secret and scheme.lower() == "bearer":
            return secret.strip()
    for name in ("x-api-key", "x-goog-api-key", "api-key"):
        if secret := headers.get(name, ""):
            return secret.strip()
    if "key=" in query:
        return next((text for name, text in parse_qsl(query) if name == "key"), "")
    return ""


def query_upward(query: str) -> str:
    """Return a query without the client's key, with its question mark."""
    if not query:
        return ""
    if "key=" not in query:
        return f"?{query}"
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "key"]
    return f"?{urlencode(kept)}" if kept else ""
