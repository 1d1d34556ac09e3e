"""What a customer's administrator does with the members of its customer, and with no others."""

from datetime import datetime

from yuejie.customers.logins.store import end_sessions_of
from yuejie.customers.members import store
from yuejie.customers.members.member import CUSTOMERS, Member, Role
from yuejie.customers.tokens.store import revoke_tokens_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId


def change_role(
    db: Database, customer_id: CustomerId, name: str, role: str, *, by: str, now: datetime
) -> Member:
    """Give a member of a customer another role; its tokens keep what the new role also allows.

    Raises NotFound for a member of anybody else, Invalid for a role that customers do not have,
    Conflict where the last administrator would cease to be one.
    """
    if role not in CUSTOMERS:
        raise Invalid(f"角色“{role}”不可用，请写 {'、'.join(sorted(CUSTOMERS))} 之一")
    with db.begin() as tx:
        was = _own(tx, customer_id, name)
        if was.role == role:
            return was
        _refuse_last(tx, customer_id, was)
        if not store.put_role(tx, was.member_id, was=was.role, role=role):
            raise Conflict(f"成员“{name}”刚刚被别人更改，请刷新后重试")
        facts = ({"role": str(was.role)}, {"role": role})
        deed = Deed(by, now, "change_role", "member", was.member_id)
        record_deed(tx, deed, was=facts[0], became=facts[1])
        return was


def dismiss(db: Database, customer_id: CustomerId, name: str, *, by: str, now: datetime) -> Member:
    """End a member of a customer, with its sessions and tokens; what it did stays.

    Raises NotFound for a member of anybody else, Conflict for the last administrator.
    """
    with db.begin() as tx:
        was = _own(tx, customer_id, name)
        _refuse_last(tx, customer_id, was)
        if not store.revoke_member(tx, was.member_id, now):
            raise NotFound(_gone(name))
        end_sessions_of(tx, was.member_id, "", now)
        revoke_tokens_of(tx, was.member_id, now)
        record_deed(tx, Deed(by, now, "revoke", "member", was.member_id), was=was)
        return was


def end_sessions(
    db: Database, customer_id: CustomerId, name: str, *, by: str, now: datetime
) -> int:
    """End every session of a member of a customer; return how many that were."""
    with db.begin() as tx:
        member = _own(tx, customer_id, name)
        ended = end_sessions_of(tx, member.member_id, "", now)
        record_deed(tx, Deed(by, now, "end_sessions", "member", member.member_id))
        return ended


def _own(tx: Tx, customer_id: CustomerId, name: str) -> Member:
    """Return a member of this customer; anybody else's is as unknown as nobody's."""
    tx.lock_exclusive(f"members:{customer_id}")
    member = store.member_by_name(tx, name)
    if member is None or member.customer_id != customer_id:
        raise NotFound(_gone(name))
    return member


def _refuse_last(tx: Tx, customer_id: CustomerId, member: Member) -> None:
    """A customer without an administrator could not mend it by itself."""
    leading = [m for m in store.members_of(tx, customer_id) if m.role is Role.ADMIN]
    if member.role is Role.ADMIN and len(leading) == 1:
        raise Conflict(f"成员“{member.name}”是最后一位管理员，请先让另一人成为管理员")


def _gone(name: str) -> str:
    return f"成员“{name}”不存在或已停用，请在成员页核对"
