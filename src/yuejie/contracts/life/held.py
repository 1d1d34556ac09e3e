"""A contract as it stands: what its newest version says, as it would be signed anew."""

from collections.abc import Iterable
from datetime import datetime

from yuejie.contracts import store as contracts
from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.agreed.store import contract_book
from yuejie.contracts.contract import Contract, Terms, term_of
from yuejie.contracts.life.rules import InForce, place_of
from yuejie.contracts.numbers.number import called
from yuejie.contracts.prices import RateRow
from yuejie.contracts.sign import list_book_of
from yuejie.db.session import Tx
from yuejie.kernel.period import zone_of


def pricing_of(tx: Tx, contract: Contract) -> Pricing:
    """Return what a contract version agreed about prices."""
    book = contract_book(tx, contract.sale_book)
    return book.pricing if book else Pricing()


def terms_of(tx: Tx, contract: Contract) -> Terms:
    """Return what a signed version says, prices included, as it would be signed anew."""
    return Terms(
        customer_id=contract.customer_id,
        sale_book=list_book_of(tx, contract),
        currency=contract.currency,
        zone=contract.zone,
        fx_policy=contract.fx_policy,
        tax_mode=contract.tax_mode,
        tax_ppm=contract.tax_ppm,
        starts_at=contract.starts_at,
        commercial=contract.terms,
        pricing=pricing_of(tx, contract),
    )


def in_force(tx: Tx, versions: list[Contract], *, now: datetime) -> InForce:
    """Return what an amendment of a contract is held against, by its versions."""
    newest = max(versions, key=lambda each: each.version)
    began = term_of(versions, newest)[0].starts_at
    own = contract_book(tx, newest.sale_book)
    return InForce(
        contract=newest,
        number=called(tx, newest.customer_id, newest.contract_id),
        since=began.astimezone(zone_of(newest.zone)).date(),
        pricing=own.pricing if own else Pricing(),
        rows=[*_standing(tx, own.parent_book if own else newest.sale_book, now, ahead=True)],
        charged={
            place_of(row): row.pico for row in _standing(tx, newest.sale_book, now, ahead=False)
        },
        sale_book=list_book_of(tx, newest),
    )


def _standing(tx: Tx, book_id: str, now: datetime, *, ahead: bool) -> Iterable[RateRow]:
    """Yield the rates of a book in force at an instant; with `ahead` also those announced."""
    starts = {note.revision: note.starts_at for note in contracts.revisions(tx, book_id)}
    rows = contracts.rates(tx, book_id)
    newest: dict[str, int] = {}
    for row in rows:
        if starts[row.revision] <= now:
            newest[row.model] = max(newest.get(row.model, 0), row.revision)
    for row in rows:
        if row.revision == newest.get(row.model) or (ahead and starts[row.revision] > now):
            yield row
