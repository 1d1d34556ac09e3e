"""Say which member has which address at its organisation's provider."""

from datetime import datetime

from yuejie.customers.members.store import member_by_name
from yuejie.customers.sso import store
from yuejie.customers.sso.provider import email_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.ids import CustomerId


def give_email(db: Database, name: str, email: str, *, by: str, now: datetime) -> None:
    """Say which address a member has at its provider; whoever it was bound to is forgotten."""
    with db.begin() as tx:
        member = member_by_name(tx, name)
        if member is None:
            raise NotFound(f"成员“{name}”不存在或已停用，请用 yuejie members list 查看")
        put_email(tx, member.member_id, member.customer_id, email, by=by, now=now)


def put_email(
    tx: Tx, member_id: str, customer_id: CustomerId | None, email: str, *, by: str, now: datetime
) -> None:
    """Do so in somebody's transaction. Raises Conflict for an address that a colleague has."""
    address = email_of(email)
    tx.lock_exclusive(f"sso_email:{address}")
    known = store.person_by_email(tx, address, customer_id)
    if known is not None and known[0].member_id != member_id:
        raise Conflict(f"邮箱 {address} 已登记给成员“{known[0].name}”，请核对")
    store.put_email(tx, member_id, address)
    deed = Deed(by, now, "give_email", "member", member_id)
    record_deed(tx, deed, became={"email": address})
