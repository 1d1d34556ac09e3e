"""What is asked of a provider over the network, and how its answers are read. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from yuejie.customers.sso.provider import Provider
from yuejie.kernel.errors import Unavailable

WELL_KNOWN: Final = "/.well-known/openid-configuration"
SCOPE: Final = "openid email profile groups"


class SsoUnreachable(Unavailable):
    """The provider did not answer, or not as OpenID Connect has it."""

    code = "sso_unreachable"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: a GET without a body, a POST with one."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What came back, bounded."""

    status: int
    body: bytes = field(repr=False)


Ask = Callable[[Asked], Told]
"""The network: goes to public addresses only, follows nobody elsewhere. Raises SsoUnreachable."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider does what."""

    authorization: str
    token: str
    keys: str


def discovery(provider: Provider) -> Asked:
    """Ask a provider to describe itself (OpenID Connect Discovery 1.0 §4)."""
    return Asked(provider.issuer.rstrip("/") + WELL_KNOWN)


def endpoints_of(told: Told, provider: Provider) -> Endpoints:
    """Read a description. Raises SsoUnreachable when it is somebody else's, or none."""
    facts = json_of(told)
    if facts.get("issuer") != provider.issuer:
        raise SsoUnreachable("身份提供方自称的 issuer 与登记的不同，请管理员核对单点登录的配置")
    found = [facts.get(f"{name}_endpoint") for name in ("authorization", "token")]
    found.append(facts.get("jwks_uri"))
    if not all(isinstance(each, str) and _is_fit(each, provider) for each in found):
        raise SsoUnreachable("身份提供方公布的地址不可用（须为 https），请管理员联系贵方 IT")
    return Endpoints(*(str(each) for each in found))


def _is_fit(url: str, provider: Provider) -> bool:
    """Only https; a provider that is itself tried out over http may stay at its own origin."""
    try:
        parts, own = urlsplit(url), urlsplit(provider.issuer)
    except ValueError:
        return False
    if not url.isascii() or not url.isprintable() or parts.fragment or not parts.hostname:
        return False
    return parts.scheme == "https" or (
        own.scheme == "http" and (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    )


def way_to(
    endpoints: Endpoints,
    provider: Provider,
    *,
    callback: str,
    state: str,
    nonce: str,
    challenge: str,
) -> str:
    """Return where the browser goes to log in (Core §3.1.2.1, RFC 7636 §4.3)."""
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": callback,
        "scope": SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(endpoints.authorization).query else "?"
    return f"{endpoints.authorization}{joint}{urlencode(asked, quote_via=quote)}"


def exchange(
    endpoints: Endpoints,
    *,
    client_id: str,
    client_secret: str,
    code: str,
    verifier: str,
    callback: str,
) -> Asked:
    """Ask for the token that a code stands for (Core §3.1.3.1, client_secret_post)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback,
        "client_id": client_id,
        "client_secret": client_secret,
        "code_verifier": verifier,
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return Asked(endpoints.token, headers, urlencode(form).encode())


def json_of(told: Told) -> Mapping[str, Any]:
    """Read an answer that is a JSON object, and says that all is well."""
    try:
        facts = msgspec.json.decode(told.body)
    except msgspec.DecodeError:
        facts = None
    if told.status != 200 or not isinstance(facts, dict):
        raise SsoUnreachable(f"身份提供方没有给出可用的答复（状态 {told.status}），请稍后重试")
    return facts
