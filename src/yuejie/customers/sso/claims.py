"""What a provider's token says, believed only when everything about it is right. Pure.

Source: OpenID Connect Core 1.0 §3.1.3.7 (ID token validation), RFC 8725 (JWT best practices).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from yuejie.customers.sso.provider import Provider, domain_of, email_of
from yuejie.kernel.errors import Forbidden, Invalid

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Public keys only: with `none` or a shared secret anybody could sign (RFC 8725 §3.1, §3.2)."""
_KINDS: Final = frozenset({"RSA", "EC"})
LEEWAY_S: Final = 60
"""How far the provider's clock may be from ours."""
OLDEST_S: Final = 600
"""A token is for a login that began minutes ago."""
_GROUPS_MAX: Final = 1_000
TOKEN_BYTES: Final = 32 * 1024


class Unbelievable(Forbidden):
    """The provider's answer is not one that we believe."""

    code: ClassVar[str] = "sso_unbelievable"


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says has logged in."""

    subject: str
    email: str
    groups: frozenset[str]


def person_of(
    token: str, keys: Mapping[str, Any], provider: Provider, *, nonce: str, now: datetime
) -> Person:
    """Return who a token speaks of. Raises Unbelievable when anything about it is wrong."""
    if len(token) > TOKEN_BYTES:
        raise Unbelievable("身份提供方的令牌过大，登录未完成")
    try:
        claims = jwt.decode(token, _public(keys), algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise _wrong("签名不对，或密钥已更换") from error
    _check(claims, provider, nonce=nonce, now=int(now.timestamp()))
    groups = claims.get("groups", [])
    named = groups if isinstance(groups, list) else []
    return Person(
        subject=str(claims["sub"]),
        email=_email(claims, provider),
        groups=frozenset(each for each in named[:_GROUPS_MAX] if isinstance(each, str)),
    )


def _public(keys: Mapping[str, Any]) -> KeySet:
    """Keep the keys that anybody may see: a shared secret among them would sign for everybody."""
    found = keys.get("keys", [])
    usable = [
        each
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, dict) and each.get("kty") in _KINDS and each.get("use", "sig") == "sig"
    ]
    if not usable:
        raise Unbelievable("身份提供方没有公布可用的签名密钥，登录未完成")
    return KeySet.import_key_set({"keys": usable})


def _check(claims: Mapping[str, Any], provider: Provider, *, nonce: str, now: int) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    ours = provider.client_id
    if claims.get("iss") != provider.issuer:
        raise _wrong("签发者不是登记的 issuer")
    if ours not in audiences or (len(audiences) > 1 and claims.get("azp") != ours):
        raise _wrong("不是签发给本系统的")
    if claims.get("azp", ours) != ours:
        raise _wrong("不是签发给本系统的")
    if (_moment(claims, "exp") or 0) + LEEWAY_S <= now:
        raise _wrong("已过期")
    if not now - OLDEST_S <= (_moment(claims, "iat") or 0) <= now + LEEWAY_S:
        raise _wrong("签发时间不对")
    if (_moment(claims, "nbf") or now) > now + LEEWAY_S:
        raise _wrong("尚未生效")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise _wrong("不是答复这次登录的（nonce 不符）")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise _wrong("没有写明是谁（sub）")


def _email(claims: Mapping[str, Any], provider: Provider) -> str:
    """Return the mail address, if the provider has verified it and may speak for its domain."""
    if claims.get("email_verified") is not True:
        raise Unbelievable("身份提供方没有确认过您的邮箱，登录未完成，请联系贵方 IT")
    try:
        email = email_of(str(claims.get("email", "")))
    except Invalid:
        raise _wrong("没有写明邮箱") from None
    if domain_of(email) not in provider.domains:
        raise Unbelievable(f"邮箱 {email} 不在登记的域名之内，登录未完成，请联系管理员")
    return email


def _moment(claims: Mapping[str, Any], name: str) -> int | None:
    """Return a NumericDate in whole seconds; what is no number is not said."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 40:
        return None
    return int(value)


def _wrong(why: str) -> Unbelievable:
    return Unbelievable(f"身份提供方的答复不可信：{why}；登录未完成，请从登录页重新开始")
