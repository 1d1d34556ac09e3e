"""Make, recognise and revoke API tokens."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from yuejie.customers.key import digest_of
from yuejie.customers.members.member import Member
from yuejie.customers.tokens import store
from yuejie.customers.tokens.token import (
    AT_ONCE,
    LONGEST,
    NAME_MAX,
    SEEN_EVERY,
    Token,
    hint_of,
    make_secret,
    scopes_of,
)
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.ids import mint


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDraft:
    """What is wished of a new token."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A fresh token and its secret, which is shown this once."""

    token: Token
    secret: str = field(repr=False)


def make_token(
    db: Database, member: Member, draft: TokenDraft, *, pepper: bytes, by: str, now: datetime
) -> MadeToken:
    """Make a token of a member's; only its HMAC is kept.

    Raises Invalid for a name, scope or end that will not do, Forbidden for a scope that the
    member's role does not hold, Conflict for one token too many.
    """
    name = draft.name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise Invalid(f"令牌名称应为 1 到 {NAME_MAX} 个可见字符，请改正后重试")
    if not draft.scopes:
        raise Invalid("令牌至少要有一项权限，请勾选后重试")
    _refuse_lifting(member, draft.scopes)
    if not now < draft.expires_at <= now + LONGEST:
        raise Invalid(f"令牌的到期时间应在今后 {LONGEST.days} 天之内，请改正后重试")
    secret = make_secret()
    token = Token(
        token_id=mint("tok", now),
        member_id=member.member_id,
        name=name,
        digest=digest_of(secret, pepper),
        hint=hint_of(secret),
        scopes=draft.scopes,
        made_at=now,
        expires_at=draft.expires_at,
    )
    with db.begin() as tx:
        tx.lock_exclusive(f"tokens:{member.member_id}")
        if store.count_open(tx, member.member_id, now) >= AT_ONCE:
            raise Conflict(f"在用的令牌已有 {AT_ONCE} 个，请先吊销不用的再新建")
        store.insert_token(tx, token)
        record_deed(tx, Deed(by, now, "make", "token", token.token_id), became=token)
    return MadeToken(token, secret)


def _refuse_lifting(member: Member, scopes: Iterable[str]) -> None:
    beyond = sorted(set(scopes) - set(scopes_of(member)))
    if beyond:
        raise Forbidden(f"成员 {member.name} 自己没有权限 {'、'.join(beyond)}，不能交给令牌")


def recognise_token(
    db: Database, secret: str, *, pepper: bytes, now: datetime
) -> tuple[Token, Member] | None:
    """Return the token and member that a secret stands for; None where it is worth nothing."""
    with db.read() as tx:
        found = store.token_by_digest(tx, digest_of(secret, pepper))
    if found is None:
        return None
    token, member = found
    if member.revoked_at is not None or not token.is_open(now):
        return None
    if token.used_at is None or now - token.used_at >= SEEN_EVERY:
        with db.begin() as tx:
            store.touch_token(tx, token.token_id, now)
    return token, member


def revoke_token(db: Database, member: Member, token_id: str, *, by: str, now: datetime) -> None:
    """End a token of a member's at once. Raises NotFound for one that it does not have in use."""
    with db.begin() as tx:
        if not store.revoke_token(tx, token_id, member.member_id, now):
            raise NotFound(f"令牌 {token_id} 不存在或已吊销")
        record_deed(tx, Deed(by, now, "revoke", "token", token_id))
