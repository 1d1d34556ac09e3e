"""Keep a login: invitations, passwords, and the seed of one-time codes."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from yuejie.customers.key import digest_of
from yuejie.customers.logins import store
from yuejie.customers.logins.code import accepted_step, make_seed, uri_of
from yuejie.customers.logins.open import (
    Guess,
    Opened,
    open_session,
    refusal_by_sso,
    refusal_of_guess,
)
from yuejie.customers.logins.password import hash_of, refuse_weak
from yuejie.customers.members.enrol import refuse_unfit
from yuejie.customers.members.member import Member, Role, make_token
from yuejie.customers.members.store import insert_member, member_by_name
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.kernel.cipher import seal, unseal
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint

GOOD_FOR: Final = timedelta(days=3)
"""How long an invitation may lie in a mailbox."""
_SECRET_BYTES: Final = 32
_GONE: Final = "邀请链接无效、已用过或已过期，请管理员重新发送邀请"


@dataclass(frozen=True, slots=True)
class Invited:
    """A fresh invitation: whoever has the secret sets the member's password, once."""

    member: Member
    expires_at: datetime
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seeding:
    """A seed that waits for its first right code; until then nothing has changed."""

    seed: str = field(repr=False)
    uri: str = field(repr=False)


def found_house(db: Database, guess: Guess, *, pepper: bytes, by: str, now: datetime) -> Opened:
    """Enrol the operator's first administrator with a password, and let it in.

    Raises Conflict where the house has one already, Invalid for a name or password that is unfit.
    """
    refuse_unfit(guess.name)
    refuse_weak(guess.password, guess.name)
    with db.begin() as tx:
        tx.lock_exclusive("found_house")
        if store.has_logins(tx):
            raise Conflict("已有管理员可以登录，请向其索取邀请链接")
        member = member_by_name(tx, guess.name)
        if member is None:
            digest = digest_of(make_token(), pepper)
            member = Member(mint("mem", now), None, guess.name, Role.ADMIN, digest, now)
            insert_member(tx, member)
            record_deed(tx, Deed(by, now, "enrol", "member", member.member_id), became=member)
        elif member.customer_id is not None or member.role is not Role.ADMIN:
            raise Conflict(f"成员名“{guess.name}”已被使用，请换一个名字")
        store.put_password(tx, member.member_id, hash_of(guess.password), now)
        return open_session(tx, member, guess, pepper=pepper, now=now)


def invite(
    db: Database,
    name: str,
    *,
    within: CustomerId | None,
    pepper: bytes,
    by: str,
    now: datetime,
) -> Invited:
    """Make an invitation for a member; earlier ones of it are worth nothing any more.

    `within` confines a customer's administrator to the members of its customer. Accepting it sets
    a new password, takes away the one-time codes and ends all sessions: it is the way back in for
    whoever has lost them. Raises NotFound for a member who is not there, or not within.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    with db.begin() as tx:
        member = member_by_name(tx, name)
        if member is None or (within is not None and member.customer_id != within):
            raise NotFound(f"成员“{name}”不存在或已停用，请先登记成员")
        expires_at = now + GOOD_FOR
        store.end_invitations(tx, member.member_id, now)
        store.insert_invitation(
            tx, digest_of(secret, pepper), member.member_id, by=by, at=now, expires_at=expires_at
        )
        record_deed(tx, Deed(by, now, "invite", "member", member.member_id))
    return Invited(member, expires_at, secret)


def invited(db: Database, secret: str, *, pepper: bytes, now: datetime) -> Member:
    """Return whom an invitation is for. Raises NotFound when it is worth nothing."""
    with db.read() as tx:
        member = store.invited_member(tx, digest_of(secret, pepper), now)
    if member is None:
        raise NotFound(_GONE)
    return member


def accept(db: Database, secret: str, guess: Guess, *, pepper: bytes, now: datetime) -> Opened:
    """Set a password by invitation, once, and let the member in.

    Raises NotFound when the invitation is worth nothing, Invalid for a password that will not do.
    """
    with db.begin() as tx:
        member = store.invited_member(tx, digest_of(secret, pepper), now)
        if member is None:
            raise NotFound(_GONE)
        refusal = refusal_by_sso(tx, member)
        if refusal is not None:
            raise refusal
        refuse_weak(guess.password, member.name)
        if not store.use_invitation(tx, digest_of(secret, pepper), now):
            raise NotFound(_GONE)
        store.put_password(tx, member.member_id, hash_of(guess.password), now)
        store.forget_seed(tx, member.member_id)
        store.end_sessions_of(tx, member.member_id, "", now)
        record_deed(tx, Deed(member.signs_as, now, "accept", "invitation", member.member_id))
        return open_session(tx, member, guess, pepper=pepper, now=now)


def change_password(
    db: Database, member: Member, old: str, new: str, *, session_id: str, now: datetime
) -> None:
    """Change a password; every other session of the member ends.

    Raises Forbidden for a wrong old password, TooManyGuesses, Invalid for a new one that will not
    do.
    """
    refuse_weak(new, member.name)
    with db.begin() as tx:
        refusal = refusal_of_guess(tx, member, old, now)
        if refusal is None:
            if new == old:
                raise Invalid("新密码与现在的密码相同，请换一个")
            store.put_password(tx, member.member_id, hash_of(new), now)
            store.end_sessions_of(tx, member.member_id, session_id, now)
            deed = Deed(member.signs_as, now, "change_password", "member", member.member_id)
            record_deed(tx, deed)
    if refusal is not None:
        raise refusal


def begin_codes(db: Database, member: Member, *, key: bytes, now: datetime) -> Seeding:
    """Make a seed for one-time codes; they are asked for once `confirm_codes` has seen one.

    Raises Conflict when they are asked for already.
    """
    seed = make_seed()
    with db.begin() as tx:
        login = store.login_of(tx, member.member_id)
        if login is not None and login.seed_confirmed_at is not None:
            raise Conflict("动态口令已启用，请先停用再重新设置")
        store.put_seed(tx, member.member_id, seal(seed.encode(), key, member.member_id))
        record_deed(tx, Deed(member.signs_as, now, "begin_codes", "member", member.member_id))
    return Seeding(seed, uri_of(seed, member.name))


def confirm_codes(db: Database, member: Member, code: str, *, key: bytes, now: datetime) -> None:
    """Ask for one-time codes from now on: the member has shown that it can read them.

    Raises Forbidden for a wrong code, Conflict where there is nothing to confirm.
    """
    with db.begin() as tx:
        login = store.login_of(tx, member.member_id)
        if login is None or login.seed is None or login.seed_confirmed_at is not None:
            raise Conflict("没有待确认的动态口令，请重新开始设置")
        seed = unseal(login.seed, key, member.member_id).decode()
        step = accepted_step(seed, code, last_step=login.last_step, now=now)
        if step is None:
            raise Forbidden("动态口令不对，请核对手机时间，等下一个口令后重试")
        store.confirm_seed(tx, member.member_id, step, now)
        record_deed(tx, Deed(member.signs_as, now, "confirm_codes", "member", member.member_id))


def end_codes(db: Database, member: Member, password: str, *, now: datetime) -> None:
    """Ask for no one-time codes any more. Raises Forbidden for a wrong password, TooManyGuesses."""
    with db.begin() as tx:
        refusal = refusal_of_guess(tx, member, password, now)
        if refusal is None:
            store.forget_seed(tx, member.member_id)
            record_deed(tx, Deed(member.signs_as, now, "end_codes", "member", member.member_id))
    if refusal is not None:
        raise refusal
