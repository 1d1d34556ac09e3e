"""Log in at a provider: go there, come back, be let in, or be told why not."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from yuejie.customers.key import digest_of
from yuejie.customers.logins.open import ADDRESS_MAX, Guess, Opened, open_session
from yuejie.customers.members.enrol import refuse_unfit
from yuejie.customers.members.member import Member, make_token
from yuejie.customers.members.store import insert_member
from yuejie.customers.sso import store
from yuejie.customers.sso.claims import Person, Unbelievable, person_of
from yuejie.customers.sso.port import (
    Ask,
    Asked,
    SsoUnreachable,
    discovery,
    endpoints_of,
    exchange,
    json_of,
    way_to,
)
from yuejie.customers.sso.provider import Provider, domain_of, email_of
from yuejie.customers.sso.store import Attempt
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.cipher import seal, unseal
from yuejie.kernel.errors import Conflict, Forbidden, NotFound
from yuejie.kernel.ids import mint

GOOD_FOR: Final = timedelta(minutes=10)
"""How long a login may take at the provider."""
FROM_ADDRESS: Final = 60
"""Logins begun from one address within that time: an office in the morning, and no flood."""
_BYTES: Final = 32
_CODE_MAX: Final = 4_000
_AGAIN: Final = "单点登录已失效或不是从这个浏览器开始的，请从登录页重新开始"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where the browser goes, and what it must bring back in a cookie."""

    url: str
    provider: Provider
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    """What the browser brings back from the provider."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    issuer: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """What a login needs of the house: its network, where browsers come back, its secrets."""

    ask: Ask
    callback: str
    pepper: bytes = field(repr=False)
    key: bytes = field(repr=False)


def begin(
    db: Database, email: str, guess: Guess, *, back: str, ways: Ways, now: datetime
) -> Leaving:
    """Send somebody to the provider of its mail domain.

    That it began is written down before the provider is asked: one that does not answer holds us
    until our patience is over, and is asked no oftener for that.

    Raises Invalid for what is no address, NotFound for a domain that no provider vouches for,
    Forbidden for one begin too many, SsoUnreachable.
    """
    address = guess.address[:ADDRESS_MAX]
    provider = _provider_for(db, email, address, now=now)
    state, cookie, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(4))
    digest = digest_of(state, ways.pepper)
    attempt = Attempt(
        provider_id=provider.provider_id,
        browser=digest_of(cookie, ways.pepper),
        nonce=nonce,
        verifier=seal(verifier.encode(), ways.key, digest.hex()),
        back=back,
        address=address,
        begun_at=now,
    )
    with db.begin() as tx:
        store.forget_attempts(tx, now - GOOD_FOR)
        store.insert_attempt(tx, digest, attempt)
    endpoints = endpoints_of(ways.ask(discovery(provider)), provider)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    url = way_to(
        endpoints,
        provider,
        callback=ways.callback,
        state=state,
        nonce=nonce,
        challenge=challenge.decode(),
    )
    return Leaving(url, provider, cookie)


def _provider_for(db: Database, email: str, address: str, *, now: datetime) -> Provider:
    """Return who vouches for a mail address, unless its address begins too often."""
    with db.read() as tx:
        provider = store.provider_for_domain(tx, domain_of(email_of(email)))
        begun = store.attempts_from(tx, address, now - GOOD_FOR)
    if provider is None:
        raise NotFound("这个邮箱的单位没有开通单点登录，请用登录名和密码登录")
    if begun >= FROM_ADDRESS:
        raise Forbidden("单点登录次数过多，请 10 分钟后再试")
    return provider


def finish(
    db: Database, brought: Return, cookie: str, guess: Guess, *, ways: Ways, now: datetime
) -> tuple[Opened, str]:
    """Let in whoever comes back from its provider; return the session and where it was going.

    Raises Forbidden when the answer is not to be believed, or when nobody has said that this
    person may come in; SsoUnreachable when the provider does not answer.
    """
    attempt, provider = _take_up(db, brought.state, cookie, ways=ways, now=now)
    if brought.issuer and brought.issuer != provider.issuer:
        raise Unbelievable("身份提供方的答复来自另一个 issuer，登录未完成，请从登录页重新开始")
    if brought.refusal or not 0 < len(brought.code) <= _CODE_MAX:
        raise Forbidden("身份提供方没有让您登录，请从登录页重新开始，或联系贵方 IT")
    owner = digest_of(brought.state, ways.pepper).hex()
    verifier = unseal(attempt.verifier, ways.key, owner).decode()
    person = _ask_who(provider, brought.code, verifier, attempt, ways=ways, now=now)
    with db.begin() as tx:
        member = _member(tx, provider, person, pepper=ways.pepper, now=now)
        return open_session(tx, member, guess, pepper=ways.pepper, now=now), attempt.back


def _take_up(
    db: Database, state: str, cookie: str, *, ways: Ways, now: datetime
) -> tuple[Attempt, Provider]:
    """Use up the login that a state stands for; it is this browser's, or nobody's."""
    digest = digest_of(state, ways.pepper)
    with db.begin() as tx:
        attempt = store.take_attempt(tx, digest, since=now - GOOD_FOR, at=now)
        provider = store.provider_by_id(tx, attempt.provider_id) if attempt else None
    shown = digest_of(cookie, ways.pepper)
    if attempt is None or provider is None or not secrets.compare_digest(attempt.browser, shown):
        raise Forbidden(_AGAIN)
    return attempt, provider


def _ask_who(
    provider: Provider, code: str, verifier: str, attempt: Attempt, *, ways: Ways, now: datetime
) -> Person:
    endpoints = endpoints_of(ways.ask(discovery(provider)), provider)
    asked = exchange(
        endpoints,
        client_id=provider.client_id,
        client_secret=unseal(provider.sealed, ways.key, provider.provider_id).decode(),
        code=code,
        verifier=verifier,
        callback=ways.callback,
    )
    token = json_of(ways.ask(asked)).get("id_token")
    if not isinstance(token, str):
        raise SsoUnreachable("身份提供方的答复里没有身份令牌，请管理员核对单点登录的配置")
    # Asked for each time: a key that was taken out of use an hour ago signs nobody in now.
    keys = json_of(ways.ask(Asked(endpoints.keys)))
    return person_of(token, keys, provider, nonce=attempt.nonce, now=now)


def _member(tx: Tx, provider: Provider, person: Person, *, pepper: bytes, now: datetime) -> Member:
    """Find whom a person is among those that may come in."""
    tx.lock_exclusive(f"sso_email:{person.email}")
    known = store.person_by_subject(tx, provider.provider_id, person.subject)
    if known is not None:
        return known
    expected = store.person_by_email(tx, person.email, provider.customer_id)
    if expected is None:
        return _enrol(tx, provider, person, pepper=pepper, now=now)
    member, _ = expected
    if not store.bind(tx, member.member_id, provider.provider_id, person.subject, now):
        raise Forbidden(
            f"邮箱 {person.email} 已绑定另一个身份，登录未完成；若账号已重建，请管理员重新登记邮箱"
        )
    deed = Deed(member.signs_as, now, "bind", "member", member.member_id)
    record_deed(tx, deed, became={"provider": provider.provider_id, "subject": person.subject})
    return member


def _enrol(tx: Tx, provider: Provider, person: Person, *, pepper: bytes, now: datetime) -> Member:
    """Enrol whom a group that the operator named brings in; nobody comes in without one."""
    role = provider.role_for(person.groups)
    if store.is_dismissed(
        tx,
        provider.customer_id,
        email=person.email,
        provider_id=provider.provider_id,
        subject=person.subject,
    ):
        role = None  # whoever was ended by a person comes back by a person
    if role is None:
        raise Forbidden(f"邮箱 {person.email} 还不是成员，登录未完成；请管理员先邀请您")
    refuse_unfit(person.email)
    digest = digest_of(make_token(), pepper)
    member = Member(mint("mem", now), provider.customer_id, person.email, role, digest, now)
    if not insert_member(tx, member):
        raise Conflict(f"成员名“{person.email}”已被使用，请管理员邀请您")
    store.put_email(tx, member.member_id, person.email)
    store.bind(tx, member.member_id, provider.provider_id, person.subject, now)
    by = f"sso:{provider.provider_id}"
    record_deed(tx, Deed(by, now, "enrol", "member", member.member_id), became=member)
    return member
