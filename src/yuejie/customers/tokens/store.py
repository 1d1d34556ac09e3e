"""The only SQL about API tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.customers.members.member import Member, Role
from yuejie.customers.tokens.token import Token
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "token_by_digest": "who is asking is not known before",
    "tokens_of": "a member sees its own tokens",
    "count_open": "a member's own, before it makes another",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Row:
    token_id: str
    member_id: str
    name: str
    digest: bytes
    hint: str
    scopes: list[str]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Held(_Row):
    customer_id: CustomerId | None
    member_name: str
    role: str
    member_digest: bytes
    created_at: datetime
    ended_at: datetime | None


def _token(row: _Row) -> Token:
    return Token(
        token_id=row.token_id,
        member_id=row.member_id,
        name=row.name,
        digest=row.digest,
        hint=row.hint,
        scopes=frozenset(row.scopes),
        made_at=row.made_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )


BY_DIGEST: Final = """
    SELECT t.token_id, t.member_id, t.name, t.digest, t.hint, t.scopes, t.made_at, t.expires_at,
           t.used_at, t.revoked_at, m.customer_id, m.name AS member_name, m.role,
           m.digest AS member_digest, m.created_at, m.revoked_at AS ended_at
    FROM member_token t
    JOIN member m USING (member_id)
    WHERE t.digest = %(digest)s
"""


def token_by_digest(tx: Tx, digest: bytes) -> tuple[Token, Member] | None:
    """Return the token with that digest and its member, in use or not."""
    row = tx.maybe(_Held, BY_DIGEST, digest=digest)
    if row is None:
        return None
    return _token(row), Member(
        row.member_id,
        row.customer_id,
        row.member_name,
        Role(row.role),
        row.member_digest,
        row.created_at,
        row.ended_at,
    )


THOSE_OF: Final = """
    SELECT token_id, member_id, name, digest, hint, scopes, made_at, expires_at, used_at, revoked_at
    FROM member_token
    WHERE member_id = %(member_id)s
    ORDER BY revoked_at IS NOT NULL, made_at DESC, token_id
    LIMIT %(limit)s
"""


def tokens_of(tx: Tx, member_id: str, limit: int = 200) -> list[Token]:
    """Return a member's tokens: those in use first, the newest of each first."""
    return [_token(row) for row in tx.rows(_Row, THOSE_OF, member_id=member_id, limit=limit)]


COUNT_OPEN: Final = """
    SELECT count(*) FROM member_token
    WHERE member_id = %(member_id)s AND revoked_at IS NULL AND expires_at > %(now)s
"""


def count_open(tx: Tx, member_id: str, now: datetime) -> int:
    """Count the tokens of a member that are in use."""
    found = tx.value(COUNT_OPEN, member_id=member_id, now=now)
    assert isinstance(found, int)
    return found


INSERT: Final = """
    INSERT INTO member_token
        (token_id, member_id, name, digest, hint, scopes, made_at, expires_at)
    VALUES (%(token_id)s, %(member_id)s, %(name)s, %(digest)s, %(hint)s, %(scopes)s, %(made_at)s,
            %(expires_at)s)
"""


def insert_token(tx: Tx, token: Token) -> None:
    """Write a token down."""
    tx.run(
        INSERT,
        token_id=token.token_id,
        member_id=token.member_id,
        name=token.name,
        digest=token.digest,
        hint=token.hint,
        scopes=sorted(token.scopes),
        made_at=token.made_at,
        expires_at=token.expires_at,
    )


TOUCH: Final = "UPDATE member_token SET used_at = %(at)s WHERE token_id = %(token_id)s"


def touch_token(tx: Tx, token_id: str, at: datetime) -> None:
    """Write down that a token was used."""
    tx.run(TOUCH, token_id=token_id, at=at)


END: Final = """
    UPDATE member_token SET revoked_at = %(at)s
    WHERE token_id = %(token_id)s AND member_id = %(member_id)s AND revoked_at IS NULL
"""


def revoke_token(tx: Tx, token_id: str, member_id: str, at: datetime) -> bool:
    """End a token of a member's; False when it has none of that id in use."""
    return tx.run(END, token_id=token_id, member_id=member_id, at=at) == 1


END_ALL: Final = """
    UPDATE member_token SET revoked_at = %(at)s
    WHERE member_id = %(member_id)s AND revoked_at IS NULL
"""


def revoke_tokens_of(tx: Tx, member_id: str, at: datetime) -> int:
    """End every token of a member; return how many that were."""
    return tx.run(END_ALL, member_id=member_id, at=at)
