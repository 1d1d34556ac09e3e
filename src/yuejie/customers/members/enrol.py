"""Enrol and revoke members."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yuejie.customers.enrol import find_customer
from yuejie.customers.key import digest_of
from yuejie.customers.members import store
from yuejie.customers.members.member import CUSTOMERS, OPERATORS, Member, Role, make_token
from yuejie.customers.sso.people import put_email
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint

_NAME: Final = re.compile(r"[\w.@-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A fresh member and its token, which is shown this once."""

    member: Member
    token: str = field(repr=False)


def refuse_unfit(name: str) -> None:
    """Refuse a name that a member cannot have. Raises Invalid."""
    if not _NAME.match(name):
        raise Invalid(f"成员名“{name}”应为 1 到 64 个字母、数字、汉字或 . @ - _")


def enrol_member(
    db: Database,
    name: str,
    role: str,
    *,
    customer: str | None,
    pepper: bytes,
    by: str,
    now: datetime,
    email: str = "",
) -> Enrolled:
    """Let a person act under its own name, for the operator or for a customer.

    With an `email` it may also come in by single sign-on, where its organisation has that.
    Raises Invalid for a name, role or address that will not do, Conflict for one that is taken.
    """
    refuse_unfit(name)
    allowed = CUSTOMERS if customer else OPERATORS
    if role not in allowed:
        raise Invalid(f"角色“{role}”不可用，请写 {'、'.join(sorted(allowed))} 之一")
    token = make_token()
    with db.begin() as tx:
        member = Member(
            member_id=mint("mem", now),
            customer_id=find_customer(tx, customer).customer_id if customer else None,
            name=name,
            role=Role(role),
            digest=digest_of(token, pepper),
            created_at=now,
        )
        if not store.insert_member(tx, member):
            raise Conflict(f"成员名“{name}”已被使用，请换一个名字，或先停用原成员")
        record_deed(tx, Deed(by, now, "enrol", "member", member.member_id), became=member)
        if email:
            put_email(tx, member.member_id, member.customer_id, email, by=by, now=now)
    return Enrolled(member, token)


def revoke_member(db: Database, name: str, *, by: str, now: datetime) -> Member:
    """End a member's token for good; what it did stays under its name."""
    with db.begin() as tx:
        member = store.member_by_name(tx, name)
        if member is None or not store.revoke_member(tx, member.member_id, now):
            raise NotFound(f"成员“{name}”不存在或已停用，请用 yuejie members list 查看")
        record_deed(tx, Deed(by, now, "revoke", "member", member.member_id), was=member)
        return member
