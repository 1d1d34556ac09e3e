"""Open, recognise and end sessions; every guess is counted first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from yuejie.customers.key import digest_of
from yuejie.customers.logins import store
from yuejie.customers.logins.code import accepted_step
from yuejie.customers.logins.password import hash_of, is_outdated, matches, nobodys
from yuejie.customers.logins.session import SEEN_EVERY, Session, make_secret
from yuejie.customers.logins.store import Login
from yuejie.customers.members.member import Member
from yuejie.customers.members.store import member_by_name
from yuejie.customers.sso.store import SWITCH, provider_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.cipher import unseal
from yuejie.kernel.errors import DomainError, Forbidden
from yuejie.kernel.ids import mint

WINDOW: Final = timedelta(minutes=15)
FAILURES_OF_NAME: Final = 10
"""Wrong guesses at one name within the window; then it waits, whoever asks."""
FAILURES_FROM_ADDRESS: Final = 50
"""Wrong guesses from one address, at any names: an office shares one, a guesser has few."""
ADDRESS_MAX: Final = 64
AGENT_MAX: Final = 200
_INSIDE: Final = "session"
"""Where a guess at a form of an open session is said to come from: no socket has this address."""
_TOO_MANY: Final = "登录失败次数过多，请 15 分钟后再试，或请管理员重发邀请以重设密码"


class TooManyGuesses(Forbidden):
    """So many wrong guesses that nobody is let in for a while, the right password included."""

    code: ClassVar[str] = "too_many_guesses"


class CodeWanted(Forbidden):
    """The password is right; the one-time code is missing."""

    code: ClassVar[str] = "code_wanted"


class SsoWanted(Forbidden):
    """The password is right; the organisation lets its people in by single sign-on only."""

    code: ClassVar[str] = "sso_wanted"


@dataclass(frozen=True, slots=True)
class Guess:
    """What somebody says to be let in, and where from."""

    name: str
    password: str = field(repr=False)
    code: str = field(repr=False, default="")
    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A fresh session and its secret, which goes into a cookie and nowhere else."""

    session: Session
    member: Member
    secret: str = field(repr=False)


def log_in(db: Database, guess: Guess, *, pepper: bytes, key: bytes, now: datetime) -> Opened:
    """Let a member in by password, and by one-time code where it has set one up.

    Raises Forbidden with the same sentence for an unknown name and a wrong password,
    TooManyGuesses, and CodeWanted.
    """
    with db.begin() as tx:
        store.queue_for(tx, guess.name)
        judged = _judge(tx, guess, key=key, now=now)
        if isinstance(judged, DomainError):
            if not isinstance(judged, (TooManyGuesses, CodeWanted, SsoWanted)):
                store.insert_failure(tx, guess.name, guess.address[:ADDRESS_MAX], now)
            refusal: DomainError | None = judged
        else:
            refusal, opened = None, open_session(tx, judged, guess, pepper=pepper, now=now)
    if refusal is not None:
        raise refusal
    return opened


def _judge(tx: Tx, guess: Guess, *, key: bytes, now: datetime) -> Member | DomainError:
    failures = store.failures(tx, guess.name, guess.address[:ADDRESS_MAX], now - WINDOW)
    if failures.of_name >= FAILURES_OF_NAME or failures.from_address >= FAILURES_FROM_ADDRESS:
        return TooManyGuesses(_TOO_MANY)
    member = member_by_name(tx, guess.name)
    login = store.login_of(tx, member.member_id) if member else None
    right = matches(login.password if login else nobodys(), guess.password)
    if member is None or login is None or not right:
        return Forbidden("登录名或密码不对，请核对后重试")
    refusal = refusal_by_sso(tx, member)
    if refusal is not None:
        return refusal
    if is_outdated(login.password):
        store.put_password(tx, member.member_id, hash_of(guess.password), now)
    return _second(tx, member, login, guess, key=key, now=now)


def refusal_of_guess(tx: Tx, member: Member, password: str, now: datetime) -> DomainError | None:
    """Return why a form of an open session does not take a password, None where it is right.

    Whoever finds a console open guesses as seldom as at the door: a wrong guess is counted in this
    transaction, which its deed lets end before it raises.
    """
    store.queue_for(tx, member.name)
    if store.failures(tx, member.name, _INSIDE, now - WINDOW).of_name >= FAILURES_OF_NAME:
        return TooManyGuesses(_TOO_MANY)
    login = store.login_of(tx, member.member_id)
    if login is not None and matches(login.password, password):
        return None
    store.insert_failure(tx, member.name, _INSIDE, now)
    return Forbidden("现在的密码不对，请核对后重试")


def refusal_by_sso(tx: Tx, member: Member) -> SsoWanted | None:
    """Return why a member may not come in by password, None where it may.

    Whoever is let in meanwhile would outlive the switch, which ends the logins that it sees: the
    answer holds until this transaction has ended.
    """
    tx.lock_shared(SWITCH)
    provider = provider_of(tx, member.customer_id)
    if provider is None or not provider.only_sso:
        return None
    return SsoWanted(f"贵单位只用单点登录：请输入企业邮箱，用“{provider.label}”登录")


def _second(
    tx: Tx, member: Member, login: Login, guess: Guess, *, key: bytes, now: datetime
) -> Member | DomainError:
    if login.seed is None or login.seed_confirmed_at is None:
        return member
    if not guess.code.strip():
        return CodeWanted("请输入验证器上的 6 位动态口令")
    seed = unseal(login.seed, key, member.member_id).decode()
    step = accepted_step(seed, guess.code, last_step=login.last_step, now=now)
    if step is None:
        return Forbidden("动态口令不对或已用过，请等下一个口令后重试")
    store.put_step(tx, member.member_id, step)
    return member


def open_session(tx: Tx, member: Member, guess: Guess, *, pepper: bytes, now: datetime) -> Opened:
    """Open a session for a member who has proved who it is, under a secret that is new."""
    secret = make_secret()
    session = Session(
        session_id=mint("ses", now),
        member_id=member.member_id,
        opened_at=now,
        seen_at=now,
        ended_at=None,
        address=guess.address[:ADDRESS_MAX],
        agent=guess.agent[:AGENT_MAX],
    )
    store.insert_session(tx, session, digest_of(secret, pepper))
    record_deed(tx, Deed(member.signs_as, now, "log_in", "session", session.session_id))
    return Opened(session, member, secret)


def recognise(
    db: Database, secret: str, *, pepper: bytes, now: datetime
) -> tuple[Session, Member] | None:
    """Return whose session a secret opens; None where it opens none any more."""
    digest = digest_of(secret, pepper)
    with db.read() as tx:
        found = store.session_by_digest(tx, digest)
    if found is None:
        return None
    session, member = found
    if member.revoked_at is not None or not session.is_open(now):
        return None
    if now - session.seen_at >= SEEN_EVERY:
        with db.begin() as tx:
            store.touch_session(tx, session.session_id, now)
    return session, member


def log_out(db: Database, session: Session, *, by: str, now: datetime) -> None:
    """End a session; a second time changes nothing."""
    with db.begin() as tx:
        if store.end_session(tx, session.session_id, now):
            record_deed(tx, Deed(by, now, "log_out", "session", session.session_id))


def end_others(db: Database, member: Member, *, keep: str | None, by: str, now: datetime) -> int:
    """End every session of a member but one; return how many that were."""
    with db.begin() as tx:
        ended = store.end_sessions_of(tx, member.member_id, keep or "", now)
        if ended:
            record_deed(tx, Deed(by, now, "end_sessions", "member", member.member_id))
        return ended
