"""Forget people: when a member leaves, or a whole customer has.

Names, addresses, numbers and passwords go (个人信息保护法 art. 47). What the law says to keep stays
as it is, sealed bills, fapiao, contracts and who confirmed what among it: art. 47 itself lets what
is within its term be kept and nothing else be done with it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from yuejie.contracts.store import contract_at
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.keeping import store
from yuejie.keeping.store import Count, Deletion
from yuejie.kernel.errors import Conflict, NotFound

LAW: Final = "《个人信息保护法》第四十七条"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of which table no longer name anybody."""

    customer: str
    member: str | None
    rows: tuple[Count, ...]


def forget(
    db: Database,
    customer: str,
    *,
    member: str | None = None,
    why: str,
    by: str,
    now: datetime,
) -> Forgotten:
    """Forget a member, or everybody of a customer whose contract is over and whose bills are paid.

    Raises Conflict where the contract runs, a bill is open or the customer's records are
    preserved; NotFound for an unknown member. Doing it twice does nothing more.
    """
    with db.begin() as tx:
        who = find_customer(tx, customer)
        if member is None:
            if contract_at(tx, who.customer_id, now.astimezone(UTC)) is not None:
                raise Conflict(
                    f"客户 {who.slug} 的合同仍有效，联系人还要用；合同终止后再删除个人信息"
                )
            left = store.unsettled(tx, who.customer_id)
            if left:
                raise Conflict(f"客户 {who.slug} 还有 {left} 张账单未结清，结清后再删除个人信息")
        elif not store.has_member(tx, who.customer_id, member):
            raise NotFound(f"客户 {who.slug} 没有成员 {member}；请用 yuejie members list 核对编号")
        rows = store.forget_people(tx, who.customer_id, member, now)
        for row in rows:
            done = Deletion("person", who.customer_id, row.what, row.gone, now, by, why or LAW)
            store.note_deletion(tx, done)
        record_deed(tx, Deed(by, now, "forget", "customer", member or who.slug, why or LAW))
    return Forgotten(who.slug, member, tuple(rows))
