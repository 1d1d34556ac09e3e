"""What one of eight processes does; it imports little, because each of them does so anew."""

from datetime import UTC, datetime

from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError
from yuejie.payments.apportion.place import Placing, apportion_receipt

NOW = datetime(2026, 9, 11, tzinfo=UTC)


def apportion(url: str, receipt_id: str) -> str:
    """Apportion, and say what came of it."""
    with Database.open(url, size=1, name="rival") as db:
        try:
            apportion_receipt(db, receipt_id, Placing(customer="acme"), by="rival", now=NOW)
        except DomainError as error:
            return error.code
        return "done"
