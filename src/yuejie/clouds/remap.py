"""Say anew whose the rows of delivered periods are, by the rules that hold now.

What changes becomes another revision of the period's statement, so that the difference is billed
and nothing issued moves; no file is needed.
"""

from dataclasses import dataclass
from datetime import datetime

from yuejie.clouds import store
from yuejie.clouds.keep import find_source
from yuejie.clouds.source import owner_of
from yuejie.clouds.statement import charges_of
from yuejie.clouds.store import Statement
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database
from yuejie.kernel.ids import mint
from yuejie.kernel.period import BillingMonth
from yuejie.usage.store import enter_epoch


@dataclass(frozen=True, slots=True)
class Remapped:
    """A period whose rows now belong otherwise."""

    period: str
    revision: int


def remap(
    db: Database, source: str, period: BillingMonth | None, *, by: str, now: datetime
) -> list[Remapped]:
    """Apply today's rules to a delivered period, or to all of a source; return what changed."""
    changed: list[Remapped] = []
    with db.begin() as tx:
        tx.lock_exclusive(f"cloud {source}")
        find_source(tx, source)
        rules = store.rules(tx, source)
        epoch = enter_epoch(tx)
        for was in store.newest(tx, source, str(period) if period else None):
            month = BillingMonth.parse(was.period)
            sums = store.sums(tx, was.delivery_id, was.period)
            places = store.places(tx, was.delivery_id)
            owners = {at: owner_of(rules, places[at], month) for at in {key.place for key in sums}}
            charges = charges_of(sums, owners.__getitem__)
            if charges == store.charges(tx, was.statement_id):
                continue
            made = Statement(
                mint("cstm", now),
                *(source, was.period, was.revision + 1, was.delivery_id, was.digest, epoch),
                *("重新归属", by, now),
            )
            store.insert_statement(tx, made)
            store.copy_charges(tx, made.statement_id, owners, charges)
            record_deed(
                tx,
                Deed(by, now, "remap", "cloud_statement", made.statement_id),
                was={"source": source, "period": was.period, "revision": was.revision},
                became={"source": source, "period": was.period, "revision": made.revision},
            )
            changed.append(Remapped(was.period, made.revision))
    return changed
