"""A month's usage with all that a price may choose by, and the books that price it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from yuejie.contracts import store as contracts
from yuejie.contracts.prices import Book
from yuejie.db.session import Tx
from yuejie.insights.whatif import store
from yuejie.insights.whatif.cost import Costs, Route, cost
from yuejie.insights.whatif.price import Priced, Unit, price
from yuejie.insights.whatif.replay import NotReplayable, Replay
from yuejie.insights.whatif.store import UsedRow
from yuejie.insights.whatif.suppose import PricedBy, Supposition
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of

Tell = Callable[[int, int], None]
"""Is told how many parts of how many are read; may raise, and nothing is lost by it."""
_MINUTE_US = 60_000_000


def untold(done: int, of: int) -> None:
    """Tell nobody."""


class Used:
    """The usage of one month under one supposition."""

    def __init__(self, tx: Tx, known: Replay, supposed: Supposition, tell: Tell = untold) -> None:
        self._tx, self._known, self._supposed, self._tell = tx, known, supposed, tell
        self._books: dict[str, Book] = {}
        self._rows: list[UsedRow] | None = None

    def price(self, supposed: Supposition) -> Priced:
        """Price the month's usage, having found that its events say what its bill says."""
        rows = [row for row in self.rows() if row.billable]
        month = self._known.month
        found = [_unit(row) for row in rows]
        as_was = price(found, month, Supposition(), {})
        own = {key: quantity for key, quantity in self._known.facts.usage if key.month == month}
        if {k: q for k, q in as_was.quantities.items() if q} != own:
            raise NotReplayable(
                f"{month} 的一部分用量不在这张账单上（作废后另行出账，或更正），不能改价重放"
            )
        books = (
            {
                (u.sale_book, u.sale_revision): self._pinned(u.sale_book, u.sale_revision)
                for u in found
            }
            if supposed.swaps and (supposed.prices is None or supposed.prices.is_partial)
            else {}
        )
        priced = price(found, month, supposed, books)
        priced.rates |= self._known.facts.tariff.rates
        return priced

    def costs(self) -> Costs:
        """Return what providers charge, as it was and over the supposed routes."""
        rows, supposed = self.rows(), self._supposed
        platforms = {row.account_id: row.platform for row in contracts.accounts(self._tx)}
        known = {row.deployment_id: row for row in contracts.deployments(self._tx)}
        routes: dict[str, Route] = {}
        for model, name in supposed.routes.items():
            placed = known.get(name)  # type: ignore[call-overload]  # why: a name that people give
            if placed is None:
                raise NotFound(f"部署 {name} 不存在，请用 yuejie deployments list 查看")
            routes[model] = Route(placed, platforms[placed.account_id])
        rates = contracts.rates_by_id(self._tx, {row.cost_rate for row in rows} - {0})
        books = {
            (r.cost_book, r.cost_revision): self._pinned(r.cost_book, r.cost_revision)
            for r in rows
            if r.cost_book
        }
        return cost(rows, supposed, rates, books, routes)

    def untouched(self) -> list[str]:
        """Say which swaps found no call to take."""
        if not self._supposed.swaps:
            return []
        used = {row.model for row in self.rows() if row.billable}
        return [
            f"{self._known.month} 没有 {source} 的调用，没有可替换的"
            for source in sorted({swap.source for swap in self._supposed.swaps} - used)
        ]

    def rows(self) -> list[UsedRow]:
        """Return the month's usage, split wherever any of the books splits it."""
        if self._rows is None:
            _facts, supposed = self._known.facts, self._supposed
            books = [self._book(name) for name in self._books_of_month()]
            books += [supposed.prices.book] if supposed.prices else []
            rows = [rate for book in books for rate in book.rows.rates]
            starts = [each.starts_us for book in books for each in book.rows.revisions]
            cuts = _Cuts(
                sizes=[*supposed.sizes(), *(r.context_above for r in rows if r.context_above)],
                instants_us=starts,
                by_minute=any(rate.time_window for rate in rows),
            )
            self._rows = self._read(cuts)
        return self._rows

    def _read(self, cuts: "_Cuts") -> list[UsedRow]:
        """Read the month part by part; rows of two parts that no price tells apart are one."""
        facts = self._known.facts
        store.must_be_here(self._tx, facts.customer_id, facts.month)
        parts = store.parts_of(facts.month.span(zone_of(self._known.who.zone)))
        found: dict[tuple[Any, ...], UsedRow] = {}
        for number, part in enumerate(parts):
            self._tell(number, len(parts))
            rows = store.used(
                self._tx,
                facts.customer_id,
                facts.month,
                facts.epoch,
                sizes=cuts.sizes,
                instants_us=cuts.instants_us,
                by_minute=cuts.by_minute,
                part=part,
            )
            for row in rows:
                key = cuts.key_of(row)
                known = found.get(key)
                found[key] = _together(known, row) if known else row
        self._tell(len(parts), len(parts))
        return list(found.values())

    def _books_of_month(self) -> list[str]:
        supposed, facts = self._supposed, self._known.facts
        found = store.books(self._tx, facts.customer_id, facts.month, facts.epoch)
        names = {row.sale_book for row in found} if supposed.swaps else set()
        return sorted(names | ({row.cost_book for row in found} if supposed.routes else set()))

    def _book(self, name: str) -> Book:
        if name not in self._books:
            row = contracts.book(self._tx, name)
            if row is None:
                raise NotFound(f"价目 {name} 不存在", book=name)
            self._books[name] = Book(contracts.book_rows(self._tx, row))
        return self._books[name]

    def _pinned(self, name: str, revision: int) -> PricedBy:
        return PricedBy(self._book(name), name, revision)


class _Cuts:
    """Where prices tell calls apart that are alike otherwise."""

    def __init__(
        self, sizes: Sequence[int], instants_us: Sequence[int], *, by_minute: bool
    ) -> None:
        self.sizes, self.instants_us = sorted(set(sizes)), sorted(set(instants_us))
        self.by_minute = by_minute

    def key_of(self, row: UsedRow) -> tuple[Any, ...]:
        """Return the same for rows that every price takes alike."""
        facts = [getattr(row, name) for name in _ALIKE]
        facts.append(bisect_left(self.sizes, row.context_tokens))
        facts.append(bisect_right(self.instants_us, row.started_us))
        facts.append(row.started_us // _MINUTE_US if self.by_minute else 0)
        return tuple(facts)


_ALIKE = tuple(
    name for name in UsedRow.__slots__ if name not in {"started_us", "context_tokens", "quantity"}
)


def _together(one: UsedRow, other: UsedRow) -> UsedRow:
    """Return two rows as one: the least instant and size of both."""
    return replace(
        one,
        started_us=min(one.started_us, other.started_us),
        context_tokens=min(one.context_tokens, other.context_tokens),
        quantity=one.quantity + other.quantity,
    )


def _unit(row: UsedRow) -> Unit:
    return Unit(
        project_id=row.project_id,
        key_id=row.key_id,
        model=row.model,
        meter=row.meter,
        quantity=int(row.quantity),
        service_tier=row.service_tier,
        context_tokens=row.context_tokens,
        started_us=row.started_us,
        sale_rate=row.sale_rate,
        sale_book=row.sale_book,
        sale_revision=row.sale_revision,
    )
