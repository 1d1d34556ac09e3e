"""The only SQL about logins, sessions and invitations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yuejie.customers.logins.session import Session
from yuejie.customers.members.member import Member, Role
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "login_of": "a member proves who it is before anything is known of it",
    "failures": "guesses are counted whoever is guessed at",
    "session_by_digest": "who is asking is not known before",
    "sessions_of": "a member sees its own sessions",
    "invited_member": "the invitation says whom it is for",
    "has_logins": "whether the house has a first administrator yet",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class Login:
    """What is kept of how a member proves who it is; `seed` is encrypted."""

    password: str = field(repr=False)
    seed: bytes | None = field(repr=False)
    seed_confirmed_at: datetime | None
    last_step: int


LOGIN_OF: Final = """
    SELECT password, seed, seed_confirmed_at, last_step
    FROM login
    WHERE member_id = %(member_id)s
"""


def login_of(tx: Tx, member_id: str) -> Login | None:
    """Return how a member proves who it is; None if it was never invited, or never came."""
    return tx.maybe(Login, LOGIN_OF, member_id=member_id)


HAS_LOGINS: Final = """
    SELECT EXISTS (
        SELECT FROM login JOIN member USING (member_id)
        WHERE member.customer_id IS NULL AND member.role = 'admin' AND member.revoked_at IS NULL
    )
"""


def has_logins(tx: Tx) -> bool:
    """Tell whether any administrator of the operator's can log in."""
    return bool(tx.value(HAS_LOGINS))


PUT_HASH: Final = """
    INSERT INTO login (member_id, password, password_at, last_step)
    VALUES (%(member_id)s, %(password)s, %(at)s, 0)
    ON CONFLICT (member_id) DO UPDATE
    SET password = excluded.password, password_at = excluded.password_at
"""


def put_password(tx: Tx, member_id: str, password: str, at: datetime) -> None:
    """Keep the hash of a password in place of the one before."""
    tx.run(PUT_HASH, member_id=member_id, password=password, at=at)


PUT_SEED: Final = """
    UPDATE login SET seed = %(seed)s, seed_confirmed_at = NULL
    WHERE member_id = %(member_id)s AND seed_confirmed_at IS NULL
"""


def put_seed(tx: Tx, member_id: str, seed: bytes) -> None:
    """Keep a seed that waits for its first right code."""
    tx.run(PUT_SEED, member_id=member_id, seed=seed)


CONFIRM_SEED: Final = """
    UPDATE login SET seed_confirmed_at = %(at)s, last_step = %(step)s
    WHERE member_id = %(member_id)s
"""


def confirm_seed(tx: Tx, member_id: str, step: int, at: datetime) -> None:
    """Write down that codes are asked for from now on."""
    tx.run(CONFIRM_SEED, member_id=member_id, step=step, at=at)


FORGET_SEED: Final = """
    UPDATE login SET seed = NULL, seed_confirmed_at = NULL WHERE member_id = %(member_id)s
"""


def forget_seed(tx: Tx, member_id: str) -> None:
    """Forget a seed; the last step stays, so that no code opens twice."""
    tx.run(FORGET_SEED, member_id=member_id)


PUT_STEP: Final = """
    UPDATE login SET last_step = %(step)s WHERE member_id = %(member_id)s
"""


def put_step(tx: Tx, member_id: str, step: int) -> None:
    """Write down which code was the last one used."""
    tx.run(PUT_STEP, member_id=member_id, step=step)


# ── guesses ─────────────────────────────────────────────────────────────────────────────────────


def queue_for(tx: Tx, name: str) -> None:
    """Wait until nobody else guesses at this name; until this transaction ends."""
    tx.lock_exclusive(f"login:{name}")


@dataclass(frozen=True, slots=True)
class Failures:
    """How many guesses were wrong since some moment."""

    of_name: int
    from_address: int


FAILURES: Final = """
    SELECT count(*) FILTER (WHERE name = %(name)s) AS of_name,
           count(*) FILTER (WHERE address = %(address)s) AS from_address
    FROM login_failure
    WHERE at > %(since)s AND (name = %(name)s OR address = %(address)s)
"""


def failures(tx: Tx, name: str, address: str, since: datetime) -> Failures:
    """Count wrong guesses at a name, and from an address."""
    return tx.row(Failures, FAILURES, name=name, address=address, since=since)


INSERT_FAILURE: Final = """
    INSERT INTO login_failure (name, address, at) VALUES (%(name)s, %(address)s, %(at)s)
"""


def insert_failure(tx: Tx, name: str, address: str, at: datetime) -> None:
    """Write down a wrong guess."""
    tx.run(INSERT_FAILURE, name=name, address=address, at=at)


# ── sessions ────────────────────────────────────────────────────────────────────────────────────

INSERT_SESSION: Final = """
    INSERT INTO session (session_id, digest, member_id, opened_at, seen_at, address, agent)
    VALUES (%(session_id)s, %(digest)s, %(member_id)s, %(opened_at)s, %(seen_at)s, %(address)s,
            %(agent)s)
"""


def insert_session(tx: Tx, session: Session, digest: bytes) -> None:
    """Write a session down under the HMAC of its secret."""
    tx.run(
        INSERT_SESSION,
        session_id=session.session_id,
        digest=digest,
        member_id=session.member_id,
        opened_at=session.opened_at,
        seen_at=session.seen_at,
        address=session.address,
        agent=session.agent,
    )


@dataclass(frozen=True, slots=True)
class _Both:
    session_id: str
    member_id: str
    opened_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    address: str
    agent: str
    customer_id: CustomerId | None
    name: str
    role: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None


SESSION_BY_DIGEST: Final = """
    SELECT s.session_id, s.member_id, s.opened_at, s.seen_at, s.ended_at, s.address, s.agent,
           m.customer_id, m.name, m.role, m.digest, m.created_at, m.revoked_at
    FROM session s
    JOIN member m USING (member_id)
    WHERE s.digest = %(digest)s
"""


def session_by_digest(tx: Tx, digest: bytes) -> tuple[Session, Member] | None:
    """Return the session with that secret and its member, ended or not."""
    row = tx.maybe(_Both, SESSION_BY_DIGEST, digest=digest)
    if row is None:
        return None
    session = Session(
        row.session_id,
        row.member_id,
        row.opened_at,
        row.seen_at,
        row.ended_at,
        row.address,
        row.agent,
    )
    return session, Member(
        row.member_id,
        row.customer_id,
        row.name,
        Role(row.role),
        row.digest,
        row.created_at,
        row.revoked_at,
    )


SESSIONS_OF: Final = """
    SELECT session_id, member_id, opened_at, seen_at, ended_at, address, agent
    FROM session
    WHERE member_id = %(member_id)s AND ended_at IS NULL AND opened_at > %(since)s
    ORDER BY seen_at DESC
    LIMIT 100
"""


def sessions_of(tx: Tx, member_id: str, since: datetime) -> list[Session]:
    """Return a member's sessions that nobody has ended, the last seen first."""
    return tx.rows(Session, SESSIONS_OF, member_id=member_id, since=since)


TOUCH_SESSION: Final = """
    UPDATE session SET seen_at = greatest(seen_at, %(at)s) WHERE session_id = %(session_id)s
"""


def touch_session(tx: Tx, session_id: str, at: datetime) -> None:
    """Write down that somebody looked."""
    tx.run(TOUCH_SESSION, session_id=session_id, at=at)


END_SESSION: Final = """
    UPDATE session SET ended_at = %(at)s WHERE session_id = %(session_id)s AND ended_at IS NULL
"""


def end_session(tx: Tx, session_id: str, at: datetime) -> bool:
    """End a session; False when it had ended before."""
    return tx.run(END_SESSION, session_id=session_id, at=at) == 1


END_SESSIONS_OF: Final = """
    UPDATE session SET ended_at = %(at)s
    WHERE member_id = %(member_id)s AND session_id <> %(keep)s AND ended_at IS NULL
"""


def end_sessions_of(tx: Tx, member_id: str, keep: str, at: datetime) -> int:
    """End every session of a member but one."""
    return tx.run(END_SESSIONS_OF, member_id=member_id, keep=keep, at=at)


# ── invitations ─────────────────────────────────────────────────────────────────────────────────

INSERT_INVITATION: Final = """
    INSERT INTO invitation (digest, member_id, made_by, made_at, expires_at)
    VALUES (%(digest)s, %(member_id)s, %(by)s, %(at)s, %(expires_at)s)
"""


def insert_invitation(
    tx: Tx, digest: bytes, member_id: str, *, by: str, at: datetime, expires_at: datetime
) -> None:
    """Write an invitation down under the HMAC of its secret."""
    tx.run(
        INSERT_INVITATION, digest=digest, member_id=member_id, by=by, at=at, expires_at=expires_at
    )


END_INVITATIONS: Final = """
    UPDATE invitation SET ended_at = %(at)s
    WHERE member_id = %(member_id)s AND ended_at IS NULL
"""


def end_invitations(tx: Tx, member_id: str, at: datetime) -> None:
    """End the invitations of a member that nobody has used."""
    tx.run(END_INVITATIONS, member_id=member_id, at=at)


USE_INVITATION: Final = """
    UPDATE invitation SET ended_at = %(at)s
    WHERE digest = %(digest)s AND ended_at IS NULL AND expires_at > %(at)s
"""


def use_invitation(tx: Tx, digest: bytes, at: datetime) -> bool:
    """Use an invitation; False when it is worth nothing, or somebody was faster."""
    return tx.run(USE_INVITATION, digest=digest, at=at) == 1


INVITED_MEMBER: Final = """
    SELECT m.member_id, m.customer_id, m.name, m.role, m.digest, m.created_at, m.revoked_at
    FROM invitation i
    JOIN member m USING (member_id)
    WHERE i.digest = %(digest)s AND i.ended_at IS NULL AND i.expires_at > %(at)s
      AND m.revoked_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class _Invited:
    member_id: str
    customer_id: CustomerId | None
    name: str
    role: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None


def invited_member(tx: Tx, digest: bytes, at: datetime) -> Member | None:
    """Return whom an invitation is for, while it is worth something."""
    row = tx.maybe(_Invited, INVITED_MEMBER, digest=digest, at=at)
    if row is None:
        return None
    return Member(
        row.member_id,
        row.customer_id,
        row.name,
        Role(row.role),
        row.digest,
        row.created_at,
        row.revoked_at,
    )
