"""The only SQL about what clouds delivered, as a proof reads it: rows, places, rules, revisions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.assurance.store import CONTRACT_HELD
from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "revisions": "a proof reads what clouds asked us for, and finds by itself whose it is",
    "spots": "places are accounts of ours",
    "owners": "rules share our accounts among customers",
    "worth": "margins are the operator's",
    "raw_rows": "a proof reads what clouds asked us for, and finds by itself whose it is",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A statement's revision: which delivery it sums, and by the rules of which moment."""

    source: str
    period: str
    revision: int
    delivery_id: str
    epoch: int
    made_at: datetime


REVISIONS: Final = """
    SELECT source, period, revision, delivery_id, epoch, made_at
    FROM cloud_statement
    WHERE period <= %(month)s AND epoch <= %(epoch)s
"""


def revisions(tx: Tx, month: str, epoch: int) -> list[Revision]:
    """Return every revision of the periods up to a month that an epoch knows."""
    return tx.rows(Revision, REVISIONS, month=month, epoch=epoch)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of a delivery."""

    place: int
    sub_account: str
    tags: dict[str, str]


SPOTS: Final = """
    SELECT place, sub_account, tags FROM cloud_place WHERE delivery_id = %(delivery_id)s
"""


def spots(tx: Tx, delivery_id: str) -> list[Spot]:
    """Return the places of a delivery."""
    return tx.rows(Spot, SPOTS, delivery_id=delivery_id)


@dataclass(frozen=True, slots=True)
class Said:
    """Whose something is, said from a month on."""

    rule_id: str
    sub_account: str | None
    tag_key: str | None
    tag_value: str | None
    customer_id: str | None
    project_id: str | None
    since: str
    made_at: datetime


OWNERS: Final = """
    SELECT rule_id, sub_account, tag_key, tag_value, customer_id, project_id, since, made_at
    FROM cloud_rule
    WHERE source = %(source)s AND made_at <= %(at)s
"""


def owners(tx: Tx, source: str, at: datetime) -> list[Said]:
    """Return the rules of a source that were made by an instant."""
    return tx.rows(Said, OWNERS, source=source, at=at)


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of a cloud's bill, or a part of one."""

    place: int
    service: str
    category: str
    currency: str
    billed_pico: int | None
    effective_pico: int | None


RAW_ROWS: Final = """
    SELECT place, service, category, currency, billed_pico, effective_pico
    FROM cloud_row
    WHERE delivery_id = %(delivery_id)s AND period = %(period)s AND place = ANY(%(places)s)
"""


def raw_rows(tx: Tx, delivery_id: str, period: str, places: Sequence[int]) -> Iterator[RawRow]:
    """Stream the rows of some places of a delivered period."""
    yield from tx.stream(
        RawRow, RAW_ROWS, delivery_id=delivery_id, period=period, places=list(places)
    )


@dataclass(frozen=True, slots=True)
class WorthRow:
    """A customer's cost of a service in a period, and the contract at the month's end."""

    customer_id: str
    customer: str
    contract_id: str
    contract_currency: str | None
    terms: str | None
    included_tax_ppm: int
    source: str
    service: str
    category: str
    currency: str
    billed_pico: int | None
    effective_pico: int | None


WORTH: Final = (
    """
    SELECT c.customer_id, u.slug AS customer, COALESCE(k.contract_id, '') AS contract_id,
           k.currency AS contract_currency, k.terms::text AS terms,
           CASE WHEN k.tax_mode = 'inclusive' THEN k.tax_ppm ELSE 0 END AS included_tax_ppm,
           s.source, c.service, c.category, c.currency, c.billed_pico, c.effective_pico
    FROM (SELECT DISTINCT ON (source) statement_id, source
          FROM cloud_statement
          WHERE period = %(month)s
          ORDER BY source, revision DESC) s
    JOIN cloud_charge c USING (statement_id)
    JOIN customer u ON u.customer_id = c.customer_id
"""  # noqa: S608 (literals only)
    + CONTRACT_HELD
    + """    ORDER BY u.slug, s.source, c.service, c.category
"""
)


def worth(tx: Tx, month: str) -> list[WorthRow]:
    """Return what the newest statements of a month ask for, by customer and service."""
    return tx.rows(WorthRow, WORTH, month=month)
