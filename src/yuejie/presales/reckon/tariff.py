"""What prices a plan: the sale book with the plan's discounts, the cost books, the rate between.

Pure. A quote is priced by the lists in force when it is made, frozen; a replay *as it was* by the
whole history of the book. The plan's rates are derived as a contract's are, so a quote that is
signed unchanged bills the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from yuejie.contracts.agreed.pricing import LIST, Pricing
from yuejie.contracts.catalog import Deployment
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.kernel.period import BillingMonth
from yuejie.rating.price import Rated, rate_items
from yuejie.usage.event import Item

FIRST_US: Final = 0
"""A frozen list holds from the beginning: what is quoted lies ahead, or long behind."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where a model runs first: the deployment, its platform and region."""

    deployment: Deployment
    platform: str
    provider: str
    region: str


@dataclass(frozen=True, slots=True)
class Rows:
    """The rates of one book by their numbers, after the plan's discounts."""

    book: Book
    by_id: Mapping[int, RateRow]

    @classmethod
    def of(cls, book: Book) -> "Rows":
        """Index a book."""
        return cls(book, {row.rate_id: row for row in book.rows.rates})


def frozen(book: Book, revision: int, at_us: int) -> Book:
    """Return a book of one revision that holds every list in force at an instant, and no other."""
    rates = [
        msgspec.structs.replace(row, revision=revision)
        for model in sorted(book.models(revision))
        if (named := book.naming(model, revision, at_us)) is not None
        for row in book.price_list(model, named)
    ]
    starts = [RevisionRow(revision, FIRST_US)]
    return Book(BookRows(book.book_id, book.rows.kind, book.currency, starts, rates))


def discounted(book: Book, pricing: Pricing) -> Book:
    """Return a book with what was agreed in place of the list; each rate names the list's."""
    if pricing == LIST:
        return book
    rows = book.rows
    rates = [pricing.derive(row) for row in rows.rates]
    return Book(BookRows(rows.book_id, rows.kind, rows.currency, rows.revisions, rates))


@dataclass(frozen=True, slots=True)
class Pricebook:
    """Everything that prices usage: pure, read in one moment.

    `cost` are the cost books, the first that knows a model prices it. `fx` is how the sale book's
    currency becomes the bill's, month by month; none where they are one.
    """

    sale: Rows
    cost: Sequence[Rows]
    served: Mapping[str, Served]
    currency: str
    fx: Mapping[BillingMonth, MonthFx]
    cost_fx_e8: Mapping[str, int] = field(default_factory=dict)

    def under(self, pricing: Pricing) -> "Pricebook":
        """Return the same with what a plan agrees about prices."""
        sale = Rows.of(discounted(self.sale.book, pricing))
        return Pricebook(sale, self.cost, self.served, self.currency, self.fx, self.cost_fx_e8)

    def cost_of(self, model: str, started_us: int) -> tuple[Rows, int] | None:
        """Return the cost book and revision of a model, or None where nobody knows what it costs.

        As for a call: the first book that prices the deployment's own cost model then.
        """
        placed = self.served.get(model)
        if placed is None:
            return None
        for rows in self.cost:
            revision = rows.book.revision_at(started_us)
            if revision is not None and rows.book.prices(
                placed.deployment.cost_model, revision, started_us
            ):
                return rows, revision
        return None

    def rate(
        self,
        model: str,
        items: Iterable[Item],
        *,
        started_us: int,
        service_tier: str,
        context_tokens: int,
    ) -> "Priced":
        """Find both rates of every item of a call, as the gateway would."""
        revision = self.sale.book.revision_at(started_us)
        found = self.cost_of(model, started_us)
        placed = self.served.get(model)
        rated = rate_items(
            tuple(items),
            sale=None if revision is None else self.sale.book,
            cost=found[0].book if found else None,
            sale_model=model,
            cost_prefix=f"{placed.platform}/" if placed else "",
            sale_revision=revision or 0,
            cost_revision=found[1] if found else 0,
            started_us=started_us,
            service_tier=service_tier,
            context_tokens=context_tokens,
            billable=True,
            cost_model=placed.deployment.cost_model if placed else "",
        )
        unsold = () if revision is not None else (f"{model} 在该时刻没有销售价",)
        return Priced(rated, found[0] if found else None, unsold)


@dataclass(frozen=True, slots=True)
class Priced:
    """The rates of a call, and the book whose numbers its cost rates are."""

    rated: Rated
    cost: Rows | None
    unsold: tuple[str, ...] = ()

    @property
    def sale_gaps(self) -> tuple[str, ...]:
        """What has no sale price."""
        return self.unsold or self.rated.sale_gaps

    @property
    def cost_known(self) -> bool:
        """Whether every item has a cost rate."""
        return self.cost is not None and not self.rated.cost_gaps
