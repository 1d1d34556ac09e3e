"""Members: who acts under its own name. A token is in one answer and nowhere else."""

from typing import Final

from fastapi import status

from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.store import members
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.customers import MemberEnrolled, MemberIn, MemberOut
from yuejie.web.shapes.wire import Name

routes: Final = guarded("成员")


@routes.get("/members", summary="列出成员")
def list_members(db: Db) -> list[MemberOut]:
    """列出全部成员，运营方的在前，不含令牌。"""
    with db.read() as tx:
        return [MemberOut.of(member) for member in members(tx)]


@routes.post("/members", summary="登记成员", status_code=status.HTTP_201_CREATED)
def enrol(db: Db, desk: DeskHere, caller: AnyCaller, now: Now, body: MemberIn) -> MemberEnrolled:
    """登记成员；令牌只在这次答复中出现。"""
    enrolled = enrol_member(
        db,
        body.name,
        body.role,
        customer=body.customer,
        pepper=desk.pepper,
        by=caller.name,
        now=now,
    )
    return MemberEnrolled.of_enrolled(enrolled)


@routes.post("/members/{member}/revoke", summary="停用成员")
def revoke(db: Db, caller: AnyCaller, now: Now, member: Name) -> MemberOut:
    """停用成员的令牌，立即生效，不可恢复。"""
    revoked = MemberOut.of(revoke_member(db, member, by=caller.name, now=now))
    return revoked.model_copy(update={"revoked_at": now})
