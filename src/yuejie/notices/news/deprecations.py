"""Tell customers of models that end, 90, 30 and 7 days ahead."""

from datetime import datetime
from typing import Final

from yuejie.contracts.catalog import NOTICE_DAYS
from yuejie.contracts.catalog import Notice as Ending
from yuejie.contracts.forewarn.deprecations import notices_today
from yuejie.db.session import Database
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

_NOTHING_TOLD: Final[dict[str, int]] = {}
"""The outbox knows what was told: its key names model, date, threshold and customer."""


def announce_deprecations(db: Database, now: datetime) -> int:
    """Enqueue what is due today, once per model, date, threshold and customer; return how many.

    A customer that begins to use an ending model is told at the threshold that it is past.
    """
    with db.begin() as tx:
        due = notices_today(tx, _NOTHING_TOLD, now=now)
        return sum(enqueue(tx, notice_of(ending), at=now) for ending in due)


def notice_of(ending: Ending) -> Notice:
    """Say to one customer what ends, when, and what its replacement would cost."""
    threshold = min(days for days in NOTICE_DAYS if ending.days_left <= days)
    facts = {
        "model": ending.model,
        "ends_on": f"{ending.ends_on}",
        "days": str(ending.days_left),
        "keys": str(len(ending.keys)),
    }
    if ending.replacement is not None:
        facts["replacement"] = ending.replacement
    if ending.difference is not None:
        amount = ending.difference.settle()
        facts["difference"] = f"{'+' if amount.fen > 0 else ''}{amount} {amount.currency}"
    key = f"deprecation:{ending.model}:{ending.ends_on}:{threshold}:{ending.customer_id}"
    return Notice(Kind.DEPRECATION, Audience.CUSTOMER, facts, key, ending.customer_id)
