"""The only SQL about cloud sources, rules, deliveries and statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from yuejie.clouds.charge import CloudRow, Metric
from yuejie.clouds.source import Owner, Place, Rule, Source
from yuejie.clouds.statement import ChargeKey, Sum, SumKey
from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "source": "sources are our own accounts with clouds",
    "sources": "sources are our own accounts with clouds",
    "rules": "rules share our accounts among customers",
    "newest": "statements are what clouds ask us for",
    "statements": "statements are what clouds ask us for",
    "statement": "statements are what clouds ask us for",
    "charges": "a statement holds every customer's charges",
    "places": "places are accounts of ours",
    "sums": "rows are summed before anybody says whose they are",
    "owned": "the operator looks for what belongs to nobody",
}
"""Reads that serve the operator; all others take `customer_id` first."""

INSERT_SOURCE: Final = """
    INSERT INTO cloud_source (source, name, billing_account, tag_keys, made_by, made_at)
    VALUES (%(source)s, %(name)s, %(billing_account)s, %(tag_keys)s, %(by)s, %(at)s)
    ON CONFLICT DO NOTHING
"""


def insert_source(tx: Tx, made: Source) -> bool:
    """Write a source down; False if its name is taken."""
    return (
        tx.run(
            INSERT_SOURCE,
            source=made.source,
            name=made.name,
            billing_account=made.billing_account,
            tag_keys=made.tag_keys,
            by=made.made_by,
            at=made.made_at,
        )
        == 1
    )


SOURCES: Final = """
    SELECT source, name, billing_account, tag_keys, made_by, made_at
    FROM cloud_source
    WHERE %(source)s::text IS NULL OR source = %(source)s
    ORDER BY source
"""


def source(tx: Tx, name: str) -> Source | None:
    """Return a source."""
    return tx.maybe(Source, SOURCES, source=name)


def sources(tx: Tx) -> list[Source]:
    """Return every source by name."""
    return tx.rows(Source, SOURCES, source=None)


INSERT_RULE: Final = """
    INSERT INTO cloud_rule (rule_id, source, sub_account, tag_key, tag_value, customer_id,
                            project_id, since, made_by, made_at)
    VALUES (%(rule_id)s, %(source)s, %(sub_account)s, %(tag_key)s, %(tag_value)s, %(customer_id)s,
            %(project_id)s, %(since)s, %(by)s, %(at)s)
"""


def insert_rule(tx: Tx, rule: Rule) -> None:
    """Write a rule down; rules are only ever added."""
    tx.run(
        INSERT_RULE,
        rule_id=rule.rule_id,
        source=rule.source,
        sub_account=rule.sub_account,
        tag_key=rule.tag_key,
        tag_value=rule.tag_value,
        customer_id=rule.customer_id,
        project_id=rule.project_id,
        since=rule.since,
        by=rule.made_by,
        at=rule.made_at,
    )


RULES: Final = """
    SELECT rule_id, source, sub_account, tag_key, tag_value, customer_id, project_id, since,
           made_by, made_at
    FROM cloud_rule
    WHERE source = %(source)s
    ORDER BY since, made_at, rule_id
"""


def rules(tx: Tx, name: str) -> list[Rule]:
    """Return the rules of a source, the oldest first."""
    return tx.rows(Rule, RULES, source=name)


# Deliveries ------------------------------------------------------------------------------------

INSERT_DELIVERY: Final = """
    INSERT INTO cloud_delivery (delivery_id, source, dialect, metric, files, made_by, made_at)
    VALUES (%(delivery_id)s, %(source)s, %(dialect)s, %(metric)s, %(files)s::jsonb, %(by)s, %(at)s)
"""


def insert_delivery(
    tx: Tx,
    delivery_id: str,
    *,
    source: str,
    dialect: str,
    metric: Metric,
    files: Sequence[str],
    by: str,
    at: datetime,
) -> None:
    """Write down that files were delivered."""
    tx.run(
        INSERT_DELIVERY,
        delivery_id=delivery_id,
        source=source,
        dialect=dialect,
        metric=metric,
        files=_json(list(files)),
        by=by,
        at=at,
    )


COPY_PLACES: Final = "COPY cloud_place (delivery_id, place, sub_account, tags) FROM STDIN"


def copy_places(tx: Tx, delivery_id: str, known: Mapping[int, Place]) -> None:
    """Write the places of a delivery."""
    tx.copy(
        COPY_PLACES,
        (
            (delivery_id, number, place.sub_account, _json(dict(place.tags)))
            for number, place in known.items()
        ),
    )


COPY_ROWS: Final = """
    COPY cloud_row (delivery_id, row_number, part, period, place, service, category, used_on,
                    description, currency, billed_pico, effective_pico, kept) FROM STDIN
"""


def copy_rows(tx: Tx, delivery_id: str, found: Iterable[tuple[int, int, CloudRow]]) -> int:
    """Write rows with their number in the delivery and their place; nothing is held."""
    return tx.copy(
        COPY_ROWS,
        (
            (
                delivery_id,
                number,
                at,
                str(row.period),
                place,
                row.service,
                str(part.category),
                row.used_on,
                row.description,
                row.currency,
                part.billed_pico,
                part.effective_pico,
                _json(dict(row.kept) if at == 0 else {}),
            )
            for number, place, row in found
            for at, part in enumerate(row.parts)
        ),
    )


def _json(thing: object) -> str:
    return msgspec.json.encode(thing).decode().replace("\\u0000", "")


# Statements ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """A revision of what a source asks for a period."""

    statement_id: str
    source: str
    period: str
    revision: int
    delivery_id: str
    digest: bytes
    epoch: int
    why: str
    made_by: str
    made_at: datetime


INSERT_STATEMENT: Final = """
    INSERT INTO cloud_statement (statement_id, source, period, revision, delivery_id, digest, epoch,
                                 why, made_by, made_at)
    VALUES (%(statement_id)s, %(source)s, %(period)s, %(revision)s, %(delivery_id)s, %(digest)s,
            %(epoch)s, %(why)s, %(by)s, %(at)s)
"""


def insert_statement(tx: Tx, made: Statement) -> None:
    """Write a revision down."""
    tx.run(
        INSERT_STATEMENT,
        statement_id=made.statement_id,
        source=made.source,
        period=made.period,
        revision=made.revision,
        delivery_id=made.delivery_id,
        digest=made.digest,
        epoch=made.epoch,
        why=made.why,
        by=made.made_by,
        at=made.made_at,
    )


STATEMENTS: Final = """
    SELECT statement_id, source, period, revision, delivery_id, digest, epoch, why, made_by, made_at
    FROM cloud_statement
    WHERE (%(source)s::text IS NULL OR source = %(source)s)
      AND (%(period)s::text IS NULL OR period = %(period)s)
      AND (%(statement_id)s::text IS NULL OR statement_id = %(statement_id)s)
    ORDER BY period, source, revision
"""


def statements(tx: Tx, *, source: str | None = None, period: str | None = None) -> list[Statement]:
    """Return statements, every revision, by period and source."""
    return tx.rows(Statement, STATEMENTS, source=source, period=period, statement_id=None)


def statement(tx: Tx, statement_id: str) -> Statement | None:
    """Return one revision."""
    return tx.maybe(Statement, STATEMENTS, source=None, period=None, statement_id=statement_id)


NEWEST: Final = """
    SELECT DISTINCT ON (source, period) statement_id, source, period, revision, delivery_id, digest,
           epoch, why, made_by, made_at
    FROM cloud_statement
    WHERE (%(source)s::text IS NULL OR source = %(source)s)
      AND (%(period)s::text IS NULL OR period = %(period)s)
    ORDER BY source, period, revision DESC
"""


def newest(tx: Tx, source: str | None, period: str | None = None) -> list[Statement]:
    """Return the newest revision of each period of a source, or of all sources."""
    return tx.rows(Statement, NEWEST, source=source, period=period)


COPY_ASSIGNED: Final = """
    COPY cloud_assigned (statement_id, place, customer_id, project_id, ours) FROM STDIN
"""
COPY_CHARGES: Final = """
    COPY cloud_charge (statement_id, customer_id, project_id, ours, service, category, currency,
                       row_count, billed_pico, effective_pico) FROM STDIN
"""


def copy_charges(
    tx: Tx, statement_id: str, owners: Mapping[int, Owner], found: Mapping[ChargeKey, Sum]
) -> None:
    """Write whose places are under a statement, and what each owes by service."""
    tx.copy(
        COPY_ASSIGNED,
        (
            (statement_id, place, own.customer_id, own.project_id, own.ours)
            for place, own in owners.items()
        ),
    )
    tx.copy(
        COPY_CHARGES,
        (
            (
                statement_id,
                key.owner.customer_id,
                key.owner.project_id,
                key.owner.ours,
                key.service,
                str(key.category),
                key.currency,
                each.rows,
                each.billed_pico,
                each.effective_pico,
            )
            for key, each in found.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class _Charge:
    customer_id: str | None
    project_id: str | None
    ours: bool
    service: str
    category: str
    currency: str
    row_count: int
    billed_pico: int | None
    effective_pico: int | None


CHARGES: Final = """
    SELECT customer_id, project_id, ours, service, category, currency, row_count, billed_pico,
           effective_pico
    FROM cloud_charge
    WHERE statement_id = %(statement_id)s
"""


def charges(tx: Tx, statement_id: str) -> dict[ChargeKey, Sum]:
    """Return what a statement asks for, by whose it is and service."""
    return {
        ChargeKey(
            Owner(row.customer_id, row.project_id, row.ours),
            row.service,
            CloudCategory(row.category),
            row.currency,
        ): Sum(row.row_count, _whole(row.billed_pico), _whole(row.effective_pico))
        for row in tx.rows(_Charge, CHARGES, statement_id=statement_id)
    }


def _whole(value: Any) -> int | None:  # noqa: ANN401 - numeric arrives as Decimal
    return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class _PlaceRow:
    place: int
    sub_account: str
    tags: dict[str, str]


PLACES: Final = """
    SELECT place, sub_account, tags FROM cloud_place WHERE delivery_id = %(delivery_id)s
"""


def places(tx: Tx, delivery_id: str) -> dict[int, Place]:
    """Return the places of a delivery by number."""
    rows = tx.rows(_PlaceRow, PLACES, delivery_id=delivery_id)
    return {row.place: Place(row.sub_account, row.tags) for row in rows}


@dataclass(frozen=True, slots=True)
class _SumRow:
    place: int
    service: str
    category: str
    currency: str
    row_count: int
    billed: int | None
    effective: int | None


# A sum over rows of which one does not state the amount is not known: count(x) < count(*).
SUMS: Final = """
    SELECT place, service, category, currency, count(*) AS row_count,
           CASE WHEN count(billed_pico) = count(*) THEN sum(billed_pico) END AS billed,
           CASE WHEN count(effective_pico) = count(*) THEN sum(effective_pico) END AS effective
    FROM cloud_row
    WHERE delivery_id = %(delivery_id)s AND period = %(period)s
    GROUP BY place, service, category, currency
"""


def sums(tx: Tx, delivery_id: str, period: str) -> dict[SumKey, Sum]:
    """Sum the rows of a delivered period again."""
    return {
        SumKey(row.place, row.service, CloudCategory(row.category), row.currency): Sum(
            row.row_count, _whole(row.billed), _whole(row.effective)
        )
        for row in tx.rows(_SumRow, SUMS, delivery_id=delivery_id, period=period)
    }


# What people look at ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """What is whose under the newest statement of each period."""

    source: str
    period: str
    revision: int
    customer_id: str | None
    customer: str
    project: str
    ours: bool
    service: str
    category: str
    currency: str
    row_count: int
    billed_pico: int | None
    effective_pico: int | None


OWNED: Final = """
    SELECT s.source, s.period, s.revision, c.customer_id, COALESCE(k.slug, '') AS customer,
           COALESCE(p.name, '') AS project, c.ours, c.service, c.category, c.currency, c.row_count,
           c.billed_pico, c.effective_pico
    FROM (SELECT DISTINCT ON (source, period) statement_id, source, period, revision
          FROM cloud_statement
          WHERE (%(source)s::text IS NULL OR source = %(source)s)
            AND (%(period)s::text IS NULL OR period = %(period)s)
          ORDER BY source, period, revision DESC) s
    JOIN cloud_charge c USING (statement_id)
    LEFT JOIN customer k ON k.customer_id = c.customer_id
    LEFT JOIN project p ON p.project_id = c.project_id
    ORDER BY s.period, s.source, k.slug NULLS FIRST, p.name, c.service, c.category, c.currency
"""


def owned(tx: Tx, *, source: str | None, period: str | None) -> list[OwnedRow]:
    """Return what is whose of a period, or of all."""
    return tx.rows(OwnedRow, OWNED, source=source, period=period)


@dataclass(frozen=True, slots=True)
class DrillRow:
    """A row of a cloud's bill behind a line of a customer's; amounts in picos."""

    source: str
    period: str
    revision: int
    row_number: int
    sub_account: str
    tags: dict[str, str]
    service: str
    category: str
    used_on: str
    description: str
    currency: str
    billed_pico: int | None
    effective_pico: int | None
    kept: dict[str, str]


DRILL: Final = """
    SELECT s.source, s.period, s.revision, r.row_number, w.sub_account, w.tags, r.service,
           r.category, r.used_on, r.description, r.currency, r.billed_pico, r.effective_pico, r.kept
    FROM (SELECT statement_id, source, period, revision, delivery_id
          FROM cloud_statement
          WHERE source = %(source)s AND period = %(period)s AND epoch <= %(epoch)s
          ORDER BY revision DESC LIMIT 1) s
    JOIN cloud_assigned a USING (statement_id)
    JOIN cloud_row r ON r.delivery_id = s.delivery_id AND r.period = s.period AND r.place = a.place
    JOIN cloud_place w ON w.delivery_id = s.delivery_id AND w.place = a.place
    WHERE a.customer_id = %(customer_id)s
      AND COALESCE(a.project_id, '') = %(project_id)s
      AND r.service = %(service)s AND r.category = %(category)s
      AND (r.row_number, r.part) > (%(after)s, 32767)
    ORDER BY r.row_number, r.part
    LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Behind:
    """Which rows are behind a line, as known at the epoch of its closing."""

    source: str
    period: str
    epoch: int
    project_id: str
    service: str
    category: str


def rows_behind(
    tx: Tx, customer_id: CustomerId, wanted: Behind, *, after: int, limit: int
) -> list[DrillRow]:
    """Return a page of the rows behind a customer's line, as its closing knew them."""
    return tx.rows(
        DrillRow,
        DRILL,
        customer_id=customer_id,
        source=wanted.source,
        period=wanted.period,
        epoch=wanted.epoch,
        project_id=wanted.project_id,
        service=wanted.service,
        category=wanted.category,
        after=after,
        limit=limit,
    )
