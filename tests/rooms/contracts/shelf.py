"""Price books for tests, written as TOML the way an operator would."""

from datetime import UTC, datetime

from yuejie.contracts.formats.ours import parse_toml, read_table
from yuejie.contracts.formats.pricelist import PriceList, complete
from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow


def us(text: str) -> int:
    """Unix microseconds of an instant; without offset it is UTC."""
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 10**6


def lists_of(text: str, currency: str = "USD") -> list[PriceList]:
    """Price lists from TOML that has no faults."""
    read = read_table(parse_toml(text.encode()), currency=currency)
    assert read.remarks == []
    return read.lists


def list_of(text: str) -> PriceList:
    """The one price list of a TOML."""
    (found,) = lists_of(text)
    return found


def book_of(*revisions: tuple[str, str], currency: str = "USD", kind: str = "sale") -> Book:
    """A book of (start, TOML) revisions, numbered from 1; rates are numbered from 1 too."""
    starts: list[RevisionRow] = []
    rows: list[RateRow] = []
    for number, (start, text) in enumerate(revisions, 1):
        starts.append(RevisionRow(number, us(start)))
        for prices in lists_of(text, currency):
            rows += rows_of(complete(prices)[0], number, currency, first=len(rows) + 1)
    return Book(BookRows("list", kind, currency, starts, rows))


def rows_of(prices: PriceList, revision: int, currency: str, *, first: int) -> list[RateRow]:
    """The rows of a completed list, numbered from `first`."""
    return [
        RateRow(
            rate_id,
            revision,
            prices.model,
            str(rate.meter),
            rate.pico,
            currency,
            rate.service_tier,
            rate.context_above,
            rate.time_window,
            0,
            rate.origin,
        )
        for rate_id, rate in enumerate(prices.rates, first)
    ]
