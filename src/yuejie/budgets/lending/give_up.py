"""Give a lost journal up: what it was lent and may have used counts as spent.

Time returns nothing, and nobody knows what such a journal's calls used; so a hard cap stays true.
If the journal is found and taken in, what it really used takes the place of what was presumed.
"""

from uuid import UUID

from yuejie.budgets.lending import store
from yuejie.db.session import Tx


def presume_spent(tx: Tx, journal_id: UUID) -> int:
    """Count all that a journal has left as spent, and lend it nothing more; return of how many."""
    store.end_leasing(tx, journal_id)
    slots = store.outstanding_of(tx, journal_id)
    held = store.hold_windows(tx, slots)
    grants = store.grants_of(tx, journal_id, held)
    left = {slot: grant.outstanding for slot, grant in grants.items() if grant.outstanding}
    store.move_grants(tx, journal_id, {slot: (0, 0, amount) for slot, amount in left.items()})
    store.move_windows(tx, {slot: (amount, -amount) for slot, amount in left.items()})
    return len(left)
