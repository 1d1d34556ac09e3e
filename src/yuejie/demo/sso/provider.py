"""An identity provider in memory: its people, its codes, its keys, and how it misbehaves. Pure."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

CLIENT: Final = "yuejie"
SECRET: Final = "simulated-sso-secret"  # noqa: S105 - of a simulator, printed at its start
_GOOD_FOR: Final = timedelta(minutes=1)


class Fault(StrEnum):
    """A way to misbehave."""

    NONE = ""
    NONCE = "nonce"
    EXPIRED = "expired"
    FUTURE = "future"
    OLD = "old"
    AUDIENCE = "audience"
    AUDIENCES = "audiences"
    ISSUER = "issuer"
    ALG_NONE = "alg_none"
    HMAC = "hmac"
    FOREIGN_KEY = "foreign_key"
    SIGNATURE = "signature"
    UNVERIFIED = "unverified"
    NO_SUBJECT = "no_subject"
    DISCOVERY = "discovery"
    PLAIN = "plain"
    SHARED_KEYS = "shared_keys"
    NOTHING = "nothing"
    DOWN = "down"
    REDIRECT = "redirect"
    HUGE = "huge"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    location: str = ""


@dataclass(frozen=True, slots=True)
class _Code:
    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    email: str
    at: datetime


@dataclass
class IdentityProvider:
    """One issuer with one client."""

    issuer: str
    now: Callable[[], datetime]
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By mail address: further claims, such as `sub` and `groups`."""
    fault: Fault = Fault.NONE
    key: RSAKey | ECKey = field(init=False)
    _codes: dict[str, _Code] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """Sign with a fresh key from now on; the old one is published no longer."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def describe(self) -> dict[str, Any]:
        """Return what stands at `/.well-known/openid-configuration`."""
        own = self.issuer
        plain = "http://elsewhere.example" if self.fault is Fault.PLAIN else own
        return {
            "issuer": "https://evil.example" if self.fault is Fault.DISCOVERY else own,
            "authorization_endpoint": f"{plain}/authorize",
            "token_endpoint": f"{own}/token",
            "jwks_uri": f"{own}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def keys(self) -> dict[str, Any]:
        """Return the public keys."""
        if self.fault is Fault.SHARED_KEYS:
            return {"keys": [OctKey.import_key(SECRET).as_dict(private=True)]}
        return {"keys": [self.key.as_dict(private=False)]}

    def authorize(self, asked: dict[str, str], email: str) -> Answer:
        """Let somebody log in, who says yes at once; send the browser back with a code."""
        fit = asked.get("client_id") == CLIENT and asked.get("response_type") == "code"
        fit = fit and asked.get("code_challenge_method") == "S256"
        fit = fit and "openid" in asked.get("scope", "").split()
        if not fit or not asked.get("redirect_uri") or email not in self.people:
            return Answer(400, b"invalid_request")
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Code(
            asked["client_id"],
            asked["redirect_uri"],
            asked.get("nonce", ""),
            asked.get("code_challenge", ""),
            email,
            self.now(),
        )
        back = {"code": code, "state": asked.get("state", ""), "iss": self.issuer}
        return Answer(302, location=f"{asked['redirect_uri']}?{urlencode(back)}")

    def token(self, form: dict[str, str]) -> Answer:
        """Give the token that a code stands for, once."""
        if self.fault is Fault.HUGE:
            return Answer(200, b" " * 200_000)
        known = self._codes.pop(form.get("code", ""), None)
        secret_fits = hmac.compare_digest(form.get("client_secret", ""), SECRET)
        if form.get("client_id") != CLIENT or not secret_fits:
            return _refused("invalid_client", 401)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            known is None
            or known.redirect_uri != form.get("redirect_uri")
            or form.get("grant_type") != "authorization_code"
            or self.now() - known.at > _GOOD_FOR
            or not hmac.compare_digest(known.challenge, challenge)
        ):
            return _refused("invalid_grant", 400)
        told: dict[str, Any] = {"access_token": "unused", "token_type": "Bearer"}
        if self.fault is not Fault.NOTHING:
            told["id_token"] = self._signed(self._claims(known))
        return Answer(200, msgspec.json.encode(told))

    def _claims(self, known: _Code) -> dict[str, Any]:
        now = int(self.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": f"sub-of-{known.email}",
            "email": known.email,
            "email_verified": True,
            "nonce": known.nonce,
            "iat": now,
            "exp": now + 300,
        } | self.people[known.email]
        match self.fault:
            case Fault.NONCE:
                claims["nonce"] = "of another login"
            case Fault.EXPIRED:
                claims |= {"iat": now - 400, "exp": now - 100}
            case Fault.OLD:
                claims |= {"iat": now - 86_400}
            case Fault.FUTURE:
                claims |= {"iat": now + 3_600, "exp": now + 7_200}
            case Fault.AUDIENCE:
                claims["aud"] = "another-client"
            case Fault.AUDIENCES:
                claims |= {"aud": [CLIENT, "another-client"], "azp": "another-client"}
            case Fault.ISSUER:
                claims["iss"] = "https://evil.example"
            case Fault.UNVERIFIED:
                claims["email_verified"] = "true"
            case Fault.NO_SUBJECT:
                claims.pop("sub")
        return claims

    def _signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.key.kid}
        match self.fault:
            case Fault.ALG_NONE:
                return _joined({"alg": "none", "typ": "JWT"}, claims) + "."
            case Fault.HMAC:
                # The public key as a shared secret: the oldest confusion of algorithms. By hand,
                # for the library signs no such thing.
                signed = _joined({"alg": "HS256", "kid": self.key.kid}, claims)
                digest = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
                return f"{signed}.{_base64(digest)}"
            case Fault.SHARED_KEYS:
                shared = OctKey.import_key(SECRET)
                return jwt.encode({"alg": "HS256"}, claims, shared, algorithms=["HS256"])
            case Fault.FOREIGN_KEY:
                foreign = RSAKey.generate_key(2048, {"kid": str(self.key.kid)})
                return jwt.encode(header, claims, foreign)
            case Fault.SIGNATURE:
                told = jwt.encode(header, claims | {"email": "x"}, self.key).split(".")
                real = jwt.encode(header, claims, self.key).split(".")
                return ".".join((*real[:2], told[2]))
        return jwt.encode(header, claims, KeySet([self.key]))


def _refused(error: str, status: int) -> Answer:
    return Answer(status, msgspec.json.encode({"error": error}))


def _joined(*parts: dict[str, Any]) -> str:
    return ".".join(_base64(msgspec.json.encode(each)) for each in parts)


def _base64(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()
