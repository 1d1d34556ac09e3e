"""Report what auto models saved in a month: per customer, name, model that answered, and key."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.auto import store as autos
from yuejie.contracts.prices import Book
from yuejie.db.session import Database, Tx
from yuejie.insights.routing import store
from yuejie.insights.routing.saved import ASSUMPTION, Priced, Saved, compare, steps_of, summed
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Report:
    """What a month's auto models did. Sums of exact charges, whatever they are grouped by."""

    month: BillingMonth
    lines: tuple[Saved, ...]
    assumption: str = ASSUMPTION

    @property
    def totals(self) -> list[Saved]:
        """One sum per currency."""
        return summed(self.lines)

    def by(self, *names: str) -> list[Saved]:
        """Return the lines summed by customer_id, asked, default_model, model or key_id."""
        return summed(self.lines, *names)


def report_routing(db: Database, customer_id: CustomerId | None, month: BillingMonth) -> Report:
    """Compare a month's calls with the default model; None for the customer: the operator asks."""
    with db.read(consistent=True) as tx:
        priced = _books(tx, customer_id)
        sizes, starts, windows = steps_of(priced.values())
        rows = store.decided(
            tx,
            customer_id,
            str(month),
            sizes=sizes,
            starts=[_EPOCH + timedelta(microseconds=start) for start in starts],
            by_minute=windows,
        )
        defaults = {(each.name, each.version): each.default_model for each in autos.versions(tx)}
    return Report(month, tuple(compare(rows, priced, defaults)))


def _books(tx: Tx, customer_id: CustomerId | None) -> dict[str, Priced]:
    names = store.books_of(tx, customer_id)
    found: dict[str, Priced] = {}
    for name in names:
        row = contracts.book(tx, name)
        if row is not None:
            found[name] = Priced.of(Book(contracts.book_rows(tx, row)))
    return found
