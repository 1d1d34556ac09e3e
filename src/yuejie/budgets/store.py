"""The only SQL about allowances and the usage that counts for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.budgets.allowance import Allowance, Measure, Mode, Origin, Period, Scope
from yuejie.db.session import Json, Tx

OPERATOR_READS: Final = {
    "of_terms": "the clerk keeps every customer's in step with its contracts",
    "leased_allowances": "the gateways enforce every customer's",
    "counted_allowances": "the ingest counts whatever a batch holds; the customer is in each row",
    "places": "names the customers it wants; the ingest counts for all of a batch",
    "allowance_by_number": "a lease names slots; whose they are is in the row",
}


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    allowance_id: str
    name: str
    origin: str
    customer_id: str
    project_id: str | None
    key_id: str | None
    model: str | None
    tag: str | None
    measure: str
    currency: str
    period: str
    cap: int
    mode: str
    output_bound: int | None
    thresholds: list[int]
    forecasts: list[int]
    why: str
    starts_at: datetime
    ended_at: datetime | None


def _allowance(row: _Row) -> Allowance:
    return Allowance(
        number=row.number,
        allowance_id=row.allowance_id,
        name=row.name,
        origin=Origin(row.origin),
        scope=Scope(row.customer_id, row.project_id, row.key_id, row.model, row.tag),
        measure=Measure(row.measure),
        currency=row.currency,
        period=Period(row.period),
        cap=int(row.cap),
        mode=Mode(row.mode),
        output_bound=row.output_bound,
        thresholds=tuple(row.thresholds),
        forecasts=tuple(row.forecasts),
        why=row.why,
        starts_at=row.starts_at,
        ended_at=row.ended_at,
    )


INSERT: Final = """
    INSERT INTO allowance (allowance_id, customer_id, name, origin, project_id, key_id, model, tag,
                           measure, currency, period, cap, mode, output_bound, thresholds,
                           forecasts, why, starts_at)
    VALUES (%(allowance_id)s, %(customer_id)s, %(name)s, %(origin)s, %(project_id)s, %(key_id)s,
            %(model)s, %(tag)s, %(measure)s, %(currency)s, %(period)s, %(cap)s, %(mode)s,
            %(output_bound)s, %(thresholds)s, %(forecasts)s, %(why)s, %(starts_at)s)
    RETURNING number
"""


def insert(tx: Tx, allowance: Allowance) -> int:
    """Write a new allowance down and return its number; the one it carries is ignored."""
    scope = allowance.scope
    return int(
        tx.value(
            INSERT,
            allowance_id=allowance.allowance_id,
            customer_id=scope.customer_id,
            name=allowance.name,
            origin=allowance.origin,
            project_id=scope.project_id,
            key_id=scope.key_id,
            model=scope.model,
            tag=scope.tag,
            measure=allowance.measure,
            currency=allowance.currency,
            period=allowance.period,
            cap=allowance.cap,
            mode=allowance.mode,
            output_bound=allowance.output_bound,
            thresholds=Json(list(allowance.thresholds)),
            forecasts=Json(list(allowance.forecasts)),
            why=allowance.why,
            starts_at=allowance.starts_at,
        )
    )


UPDATE: Final = """
    UPDATE allowance
    SET cap = %(cap)s, mode = %(mode)s, output_bound = %(output_bound)s,
        thresholds = %(thresholds)s, forecasts = %(forecasts)s, why = %(why)s,
        ended_at = %(ended_at)s
    WHERE number = %(number)s
"""


def update(tx: Tx, allowance: Allowance) -> None:
    """Write down what of an allowance may change; its scope never does."""
    tx.run(
        UPDATE,
        number=allowance.number,
        cap=allowance.cap,
        mode=allowance.mode,
        output_bound=allowance.output_bound,
        thresholds=Json(list(allowance.thresholds)),
        forecasts=Json(list(allowance.forecasts)),
        why=allowance.why,
        ended_at=allowance.ended_at,
    )


OF_CUSTOMER: Final = """
    SELECT number, allowance_id, name, origin, customer_id, project_id, key_id, model, tag, measure,
           currency, period, cap, mode, output_bound, thresholds, forecasts, why,
           starts_at, ended_at
    FROM allowance
    WHERE customer_id = %(customer_id)s AND (%(ended)s OR ended_at IS NULL)
    ORDER BY number
"""


def of_customer(tx: Tx, customer_id: str, *, ended: bool = False) -> list[Allowance]:
    """Return a customer's allowances, those that were ended too if asked."""
    return [_allowance(row) for row in tx.rows(_Row, OF_CUSTOMER, **_asked(customer_id, ended))]


def _asked(customer_id: str, ended: bool) -> dict[str, object]:  # noqa: FBT001 - a column
    return {"customer_id": customer_id, "ended": ended}


HOLD: Final = """
    SELECT number, allowance_id, name, origin, customer_id, project_id, key_id, model, tag, measure,
           currency, period, cap, mode, output_bound, thresholds, forecasts, why,
           starts_at, ended_at
    FROM allowance
    WHERE customer_id = %(customer_id)s AND ended_at IS NULL
      AND (name = %(name)s OR allowance_id = %(name)s)
    FOR UPDATE
"""


def hold(tx: Tx, customer_id: str, name: str) -> Allowance | None:
    """Return a customer's allowance by name or id, and keep others from changing it."""
    row = tx.maybe(_Row, HOLD, customer_id=customer_id, name=name)
    return None if row is None else _allowance(row)


BY_NUMBER: Final = """
    SELECT number, allowance_id, name, origin, customer_id, project_id, key_id, model, tag, measure,
           currency, period, cap, mode, output_bound, thresholds, forecasts, why,
           starts_at, ended_at
    FROM allowance
    WHERE number = %(number)s
"""


def allowance_by_number(tx: Tx, number: int) -> Allowance | None:
    """Return the allowance that journals call so."""
    row = tx.maybe(_Row, BY_NUMBER, number=number)
    return None if row is None else _allowance(row)


LEASED: Final = """
    SELECT number, allowance_id, name, origin, customer_id, project_id, key_id, model, tag, measure,
           currency, period, cap, mode, output_bound, thresholds, forecasts, why,
           starts_at, ended_at
    FROM allowance
    WHERE ended_at IS NULL AND mode <> 'soft'
    ORDER BY number
"""


def leased_allowances(tx: Tx) -> list[Allowance]:
    """Return every allowance that gateways ask before they let a call pass."""
    return [_allowance(row) for row in tx.rows(_Row, LEASED)]


OF_TERMS: Final = """
    SELECT number, allowance_id, name, origin, customer_id, project_id, key_id, model, tag, measure,
           currency, period, cap, mode, output_bound, thresholds, forecasts, why,
           starts_at, ended_at
    FROM allowance
    WHERE ended_at IS NULL AND period = 'term'
    ORDER BY number
"""


def of_terms(tx: Tx) -> list[Allowance]:
    """Return every allowance whose windows are the contract's terms."""
    return [each for row in tx.rows(_Row, OF_TERMS) if (each := _allowance(row)).by_terms]


COUNTED: Final = """
    SELECT number, allowance_id, name, origin, customer_id, project_id, key_id, model, tag, measure,
           currency, period, cap, mode, output_bound, thresholds, forecasts, why,
           starts_at, ended_at
    FROM allowance
    WHERE ended_at IS NULL AND period <> 'minute' AND measure <> 'concurrency'
      AND customer_id IN (SELECT customer_id FROM usage_dimension
                          WHERE dimension_id = ANY(%(dimensions)s))
    ORDER BY number
"""


def counted_allowances(tx: Tx, dimensions: Sequence[int]) -> list[Allowance]:
    """Return what usage of these dimensions may count for, besides minutes."""
    return [_allowance(row) for row in tx.rows(_Row, COUNTED, dimensions=list(dimensions))]


# Usage -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """Whose usage a dimension is; `projects` are its project and all above it."""

    dimension_id: int
    customer_id: str
    zone: str
    key_id: str
    tags: str
    projects: list[str]


PLACES: Final = """
    SELECT d.dimension_id, d.customer_id, c.zone, d.key_id, d.tags,
           ARRAY(WITH RECURSIVE line AS (
                     SELECT p.project_id, p.parent_id, 1 AS steps FROM project p
                     WHERE p.project_id = d.project_id
                     UNION ALL
                     SELECT p.project_id, p.parent_id, line.steps + 1 FROM line
                     JOIN project p ON p.project_id = line.parent_id WHERE line.steps < 100)
                 SELECT project_id FROM line) AS projects
    FROM usage_dimension d JOIN customer c USING (customer_id)
    WHERE d.dimension_id = ANY(%(dimensions)s)
      AND d.customer_id = ANY(%(customers)s)
"""


def places(tx: Tx, customers: Sequence[str], dimensions: Sequence[int]) -> list[PlaceRow]:
    """Return whose usage dimensions are, those of these customers."""
    return tx.rows(PlaceRow, PLACES, customers=list(customers), dimensions=list(dimensions))


USED: Final = """
    WITH RECURSIVE below AS (
        SELECT project_id FROM project
        WHERE customer_id = %(customer_id)s AND project_id = %(project_id)s
        UNION
        SELECT p.project_id FROM below JOIN project p ON p.parent_id = below.project_id)
    SELECT coalesce(rate.currency, '') AS unit,
           sum(CASE %(measure)s
                   WHEN 'money' THEN u.quantity * rate.pico
                   WHEN 'requests' THEN u.quantity * (u.meter = 'requests')::int
                   ELSE u.quantity * (NOT u.meter = ANY(%(pieces)s))::int
               END) AS amount
    FROM usage_dimension d
    JOIN usage_rollup u USING (dimension_id)
    LEFT JOIN rate ON rate.rate_id = u.sale_rate AND %(measure)s = 'money'
    WHERE d.customer_id = %(customer_id)s
      AND (%(project_id)s::text IS NULL OR d.project_id IN (SELECT project_id FROM below))
      AND (%(key_id)s::text IS NULL OR d.key_id = %(key_id)s)
      AND (%(tag)s::text IS NULL OR %(tag)s = ANY(string_to_array(d.tags, ',')))
      AND (%(model)s::text IS NULL OR u.model = %(model)s)
      AND u.hour >= to_timestamp(%(starts_s)s) AND u.hour < to_timestamp(%(ends_s)s)
      AND u.month >= %(first)s AND u.month <= %(last)s
      AND (%(measure)s <> 'money' OR rate.rate_id IS NOT NULL)
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class UsedRow:
    """What a scope used in a window, in one unit."""

    unit: str
    amount: int


def used(
    tx: Tx,
    customer_id: str,
    allowance: Allowance,
    *,
    starts_s: int,
    ends_s: int,
    months: tuple[str, str],
    pieces: Sequence[str],
) -> list[UsedRow]:
    """Add up from the rollups what counts for an allowance in a span of hours.

    `months`: the first and the last month that the span touches; `pieces`: meters of no tokens.
    """
    scope = allowance.scope
    return tx.rows(
        UsedRow,
        USED,
        customer_id=customer_id,
        project_id=scope.project_id,
        key_id=scope.key_id,
        model=scope.model,
        tag=scope.tag,
        measure=allowance.measure,
        starts_s=starts_s,
        ends_s=ends_s,
        first=months[0],
        last=months[1],
        pieces=list(pieces),
    )
