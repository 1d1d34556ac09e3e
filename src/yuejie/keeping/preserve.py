"""Preserve a customer's months for a dispute or a court: nothing of them is deleted till lifted."""

from datetime import datetime

from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.keeping import store
from yuejie.keeping.store import Preservation
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth


def preserve(
    db: Database,
    customer: str,
    first: BillingMonth,
    last: BillingMonth | None,
    *,
    why: str,
    by: str,
    now: datetime,
) -> Preservation:
    """Let nothing of these months be deleted; without a last month, nothing that is to come."""
    if last is not None and last < first:
        raise Invalid(f"保全的末月 {last} 早于首月 {first}，请改正后重试")
    if not why.strip():
        raise Invalid("请用 --why 写明依据，例如案号或争议编号")
    with db.begin() as tx:
        who = find_customer(tx, customer)
        made = Preservation(
            preservation_id=mint("prs", now),
            customer_id=who.customer_id,
            first_month=str(first),
            last_month=str(last) if last else None,
            why=why,
            made_by=by,
            made_at=now,
            lifted_by=None,
            lifted_at=None,
            lifted_why="",
        )
        store.insert_preservation(tx, made)
        deed = Deed(by, now, "preserve", "preservation", made.preservation_id, why)
        record_deed(tx, deed, became={"customer": who.slug, "first": str(first), "last": str(last)})
    return made


def lift(db: Database, preservation_id: str, *, why: str, by: str, now: datetime) -> None:
    """End a preservation; what is past its term goes with the next round."""
    if not why.strip():
        raise Invalid("请用 --why 写明解除的依据")
    with db.begin() as tx:
        if not store.lift(tx, preservation_id, by=by, at=now, why=why):
            raise NotFound(
                f"没有生效中的保全 {preservation_id}；请用 yuejie retention preservations 核对"
            )
        record_deed(tx, Deed(by, now, "lift", "preservation", preservation_id, why))


def show_preservations(db: Database, customer: str | None) -> list[Preservation]:
    """Return preservations of a customer or of all, lifted ones too."""
    with db.read() as tx:
        who = find_customer(tx, customer).customer_id if customer else None
        return store.preservations(tx, who)
