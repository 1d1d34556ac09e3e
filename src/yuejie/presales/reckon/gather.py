"""Read everything a quote is computed by, in one moment; pure afterwards."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.contracts import store as contracts
from yuejie.contracts.agreed.store import contract_book
from yuejie.contracts.fx import FxRow, MonthFx
from yuejie.contracts.life.credit import CreditRule
from yuejie.contracts.life.store import credit_rules
from yuejie.contracts.prices import Book
from yuejie.contracts.store import BookRow
from yuejie.contracts.terms import CreditClass
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.money import FX_SCALE, divide
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.presales import store
from yuejie.presales.reckon.choose import Catalogue
from yuejie.presales.reckon.tariff import Pricebook, Rows, frozen
from yuejie.presales.requirement import Requirement
from yuejie.presales.volume import months_of
from yuejie.usage.record import unix_us

FX_AGE: Final = timedelta(days=31)
"""A quote rests on no older exchange rate; contracts/fx.py draws the same line for bills."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read: the catalogue, the book asked for, its history, exchange rates, rules."""

    catalogue: Catalogue
    sale: Book
    costs: tuple[Book, ...]
    sale_revision: int
    fx: FxRow | None
    cost_fx_e8: dict[str, int]
    rules: dict[CreditClass, CreditRule]
    floor: store.Floor | None
    now: datetime

    def now_priced(self, need: Requirement) -> Pricebook:
        """Return the lists in force now, frozen."""
        at_us = unix_us(self.now)
        costs = [
            Rows.of(frozen(book, revision, at_us))
            for book in self.costs
            if (revision := book.revision_at(at_us)) is not None
        ]
        sale = Rows.of(frozen(self.sale, self.sale_revision, at_us))
        return self._priced(need, sale, costs, {})

    def then_priced(self, need: Requirement, fx: dict[BillingMonth, MonthFx]) -> Pricebook:
        """Return the whole history of the books, with each month's own exchange rate."""
        return self._priced(need, Rows.of(self.sale), [Rows.of(book) for book in self.costs], fx)

    def _priced(
        self,
        need: Requirement,
        sale: Rows,
        costs: list[Rows],
        fx: dict[BillingMonth, MonthFx],
    ) -> Pricebook:
        served = self.catalogue.served(need.regions)
        planned = {month: rate for month in months_of(need) if (rate := self.month_fx(month))}
        return Pricebook(sale, costs, served, need.currency, planned | fx, self.cost_fx_e8)

    def month_fx(self, month: BillingMonth) -> MonthFx | None:
        """Return the quote's one exchange rate, as a month's."""
        fx = self.fx
        if fx is None:
            return None
        return MonthFx(fx.fx_id, fx.rate, fx.on_date, fx.source, month)


def gather(tx: Tx, book_id: str, need: Requirement, *, now: datetime) -> Gathered:
    """Read what a quote in the need's currency rests on.

    Raises NotFound for a book or exchange rate that is not there, Invalid for a cost book or the
    own book of a contract.
    """
    row = _sale_book(tx, book_id)
    sale = Book(contracts.book_rows(tx, row))
    revision = sale.revision_at(unix_us(now))
    if revision is None:
        raise Conflict(f"价目 {book_id} 还没有生效的版次，请先导入价目")
    costs = [each for each in contracts.books(tx) if each.kind == "cost"]
    today = now.astimezone(zone_of(need.zone)).date()
    return Gathered(
        catalogue=Catalogue(
            models={each.model_id: each for each in contracts.models(tx)},
            deployments=contracts.deployments(tx),
            accounts={each.account_id: each for each in contracts.accounts(tx)},
            grades=store.grades(tx),
        ),
        sale=sale,
        costs=tuple(Book(contracts.book_rows(tx, each)) for each in costs),
        sale_revision=revision,
        fx=None if row.currency == need.currency else _fx(tx, row.currency, need.currency, today),
        cost_fx_e8=_cost_fx(tx, {each.currency for each in costs}, need.currency, today),
        rules=credit_rules(tx),
        floor=store.floor(tx),
        now=now,
    )


def past_fx(
    tx: Tx, base: str, quote: str, months: tuple[BillingMonth, ...]
) -> dict[BillingMonth, MonthFx]:
    """Return the rates at which past months would have been billed. Raises NotFound."""
    if base == quote:
        return {}
    return {month: contracts.month_fx(tx, base=base, quote=quote, month=month) for month in months}


def _sale_book(tx: Tx, book_id: str) -> BookRow:
    row = contracts.book(tx, book_id)
    if row is None or row.kind != "sale":
        raise NotFound(f"没有销售价目“{book_id}”，请用 yuejie price books 查看", book=book_id)
    if contract_book(tx, book_id) is not None:
        raise Invalid(f"价目 {book_id} 是某份合同自己的价目，不能用来报价，请写目录价目")
    return row


def _fx(tx: Tx, base: str, quote: str, today: date) -> FxRow:
    found = contracts.fx_on(tx, base=base, quote=quote, day=today)
    if found is None or found.on_date < today - FX_AGE:
        raise NotFound(
            f"没有 {base}→{quote} 近 {FX_AGE.days} 天内的汇率，无法报价，请先登记（yuejie fx add）",
            base=base,
            quote=quote,
        )
    return found


def _cost_fx(tx: Tx, currencies: set[str], quote: str, today: date) -> dict[str, int]:
    """Return what one unit of each cost currency is worth; one without a rate is not there.

    For margins alone, which nobody owes: so the inverse of a published rate will do.
    """
    found = {quote: FX_SCALE}
    for currency in sorted(currencies - {quote}):
        there = contracts.fx_on(tx, base=currency, quote=quote, day=today)
        back = contracts.fx_on(tx, base=quote, quote=currency, day=today)
        if there is not None:
            found[currency] = there.e8
        elif back is not None:
            found[currency] = divide(FX_SCALE * FX_SCALE, back.e8)
    return found
