"""What one of eight processes does about contracts that were left; it imports little."""

from datetime import UTC, datetime

from yuejie.bills.correct.break_fee import charge_break_fees
from yuejie.db.session import Database

NOW = datetime(2026, 9, 11, tzinfo=UTC)


def charge(url: str) -> int:
    """Charge what is owed for leaving, and say how many charges that were."""
    with Database.open(url, size=1, name="rival") as db:
        return charge_break_fees(db, NOW)
