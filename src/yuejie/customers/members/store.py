"""The only SQL about members."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.customers.members.member import Member, Role
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "member_by_digest": "who is asking is not known before",
    "member_by_name": "the operator names its member",
    "members": "the operator lists its own members and everybody's",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Row:
    member_id: str
    customer_id: CustomerId | None
    name: str
    role: str
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None


def _member(row: _Row) -> Member:
    return Member(
        member_id=row.member_id,
        customer_id=row.customer_id,
        name=row.name,
        role=Role(row.role),
        digest=row.digest,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


MEMBER_BY_DIGEST: Final = """
    SELECT member_id, customer_id, name, role, digest, created_at, revoked_at
    FROM member
    WHERE digest = %(digest)s
"""


def member_by_digest(tx: Tx, digest: bytes) -> Member | None:
    """Return whose token has that digest, revoked or not."""
    row = tx.maybe(_Row, MEMBER_BY_DIGEST, digest=digest)
    return _member(row) if row else None


MEMBER_BY_NAME: Final = """
    SELECT member_id, customer_id, name, role, digest, created_at, revoked_at
    FROM member
    WHERE name = %(name)s AND revoked_at IS NULL
"""


def member_by_name(tx: Tx, name: str) -> Member | None:
    """Return the member of that name that is not revoked."""
    row = tx.maybe(_Row, MEMBER_BY_NAME, name=name)
    return _member(row) if row else None


MEMBERS: Final = """
    SELECT member_id, customer_id, name, role, digest, created_at, revoked_at
    FROM member
    ORDER BY customer_id NULLS FIRST, name, created_at
"""


def members(tx: Tx) -> list[Member]:
    """Return every member, the operator's first."""
    return [_member(row) for row in tx.rows(_Row, MEMBERS)]


INSERT_MEMBER: Final = """
    INSERT INTO member (member_id, customer_id, name, role, digest, created_at)
    VALUES (%(member_id)s, %(customer_id)s, %(name)s, %(role)s, %(digest)s, %(created_at)s)
    ON CONFLICT DO NOTHING
"""


def insert_member(tx: Tx, member: Member) -> bool:
    """Write a member; False if somebody has that name."""
    done = tx.run(
        INSERT_MEMBER,
        member_id=member.member_id,
        customer_id=member.customer_id,
        name=member.name,
        role=str(member.role),
        digest=member.digest,
        created_at=member.created_at,
    )
    return done == 1


REVOKE_MEMBER: Final = """
    UPDATE member SET revoked_at = %(at)s WHERE member_id = %(member_id)s AND revoked_at IS NULL
"""


def revoke_member(tx: Tx, member_id: str, at: datetime) -> bool:
    """End a member's token; False when it had ended before."""
    return tx.run(REVOKE_MEMBER, member_id=member_id, at=at) == 1


MEMBERS_OF: Final = """
    SELECT member_id, customer_id, name, role, digest, created_at, revoked_at
    FROM member
    WHERE customer_id = %(customer_id)s AND revoked_at IS NULL
    ORDER BY name
"""


def members_of(tx: Tx, customer_id: CustomerId) -> list[Member]:
    """Return the members of a customer that are in use."""
    return [_member(row) for row in tx.rows(_Row, MEMBERS_OF, customer_id=customer_id)]


PUT_ROLE: Final = """
    UPDATE member SET role = %(role)s
    WHERE member_id = %(member_id)s AND role = %(was)s AND revoked_at IS NULL
"""


def put_role(tx: Tx, member_id: str, *, was: str, role: str) -> bool:
    """Give a member another role; False when it has changed or ended meanwhile."""
    return tx.run(PUT_ROLE, member_id=member_id, was=was, role=role) == 1
