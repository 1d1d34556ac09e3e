"""The only SQL about what budgets tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.budgets.allowance import Allowance, Slot
from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "crossed": "the clerk tells every customer",
    "eased": "the same",
    "watched": "the same",
}


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold of a window that was reached and not told yet."""

    number: int
    starts_s: int
    unit: str
    percent: int
    spent: int
    cap: int


CROSSED: Final = """
    SELECT w.number, w.starts_s, w.unit, t.percent::int AS percent, w.spent, w.cap
    FROM allowance a
    JOIN allowance_window w USING (number)
    CROSS JOIN LATERAL jsonb_array_elements_text(a.thresholds) AS t (percent)
    WHERE a.ended_at IS NULL AND a.period <> 'minute'
      AND w.starts_s <= %(now_s)s AND w.ends_s > %(past_s)s
      AND w.spent > 0 AND w.spent * 100 >= w.cap * t.percent::int
      AND NOT EXISTS (SELECT FROM allowance_alert l
                      WHERE (l.number, l.starts_s, l.basis, l.percent)
                          = (w.number, w.starts_s, 'actual', t.percent::int))
    ORDER BY w.number, w.starts_s, t.percent::int, w.unit
    LIMIT %(limit)s
"""


def crossed(tx: Tx, *, now_s: int, past_s: int, limit: int) -> list[Crossing]:
    """Return thresholds that are reached and not told; of windows that ended lately too."""
    return tx.rows(Crossing, CROSSED, now_s=now_s, past_s=past_s, limit=limit)


TELL: Final = """
    INSERT INTO allowance_alert (number, starts_s, basis, percent, amount, cap, unit, told_at)
    VALUES (%(number)s, %(starts_s)s, %(basis)s, %(percent)s, %(amount)s, %(cap)s, %(unit)s,
            %(told_at)s)
    ON CONFLICT DO NOTHING
"""


def tell(tx: Tx, crossing: Crossing, *, basis: str, amount: int, at: datetime) -> bool:
    """Write down that a threshold is told; False when somebody was first."""
    return (
        tx.run(
            TELL,
            number=crossing.number,
            starts_s=crossing.starts_s,
            basis=basis,
            percent=crossing.percent,
            amount=amount,
            cap=crossing.cap,
            unit=crossing.unit,
            told_at=at,
        )
        == 1
    )


@dataclass(frozen=True, slots=True)
class Eased(Crossing):
    """A told threshold that holds no more, and what its allowance has used of its present cap.

    In the present period's currency: where there are several, in that of which most is used.
    """

    recovers: bool
    """Whether all of a budget was used, and is no longer: of several such thresholds the lowest."""


EASED: Final = """
    SELECT l.number, l.starts_s, n.unit, l.percent, n.spent, n.cap,
           a.ended_at IS NULL AND l.percent >= 100 AND n.spent * 100 < n.cap * l.percent
           AND NOT EXISTS (SELECT FROM allowance_alert o
                           WHERE (o.number, o.starts_s, o.basis) = (l.number, l.starts_s, 'actual')
                             AND o.percent >= 100 AND o.percent < l.percent) AS recovers
    FROM allowance_alert l
    JOIN allowance a USING (number)
    JOIN allowance_window w USING (number, starts_s, unit)
    LEFT JOIN LATERAL (
        SELECT o.unit, o.spent, o.cap
        FROM allowance_window o
        WHERE o.number = l.number AND o.starts_s <= %(now_s)s AND o.ends_s > %(now_s)s
        ORDER BY o.spent::numeric / greatest(o.cap, 1) DESC, o.unit = l.unit DESC, o.unit
        LIMIT 1) p ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(p.unit, l.unit) AS unit, coalesce(p.spent, 0) AS spent,
               coalesce(p.cap, CASE WHEN l.unit = a.currency THEN a.cap ELSE w.cap END) AS cap) n
    WHERE l.eased_at IS NULL AND l.basis = 'actual'
      AND (a.ended_at IS NOT NULL OR w.ends_s <= %(now_s)s OR w.spent * 100 < w.cap * l.percent)
    ORDER BY l.number, l.starts_s, l.percent
    LIMIT %(limit)s
"""


def eased(tx: Tx, *, now_s: int, limit: int) -> list[Eased]:
    """Return told thresholds that hold no more: a higher cap, a correction, another period."""
    return tx.rows(Eased, EASED, now_s=now_s, limit=limit)


EASE: Final = """
    UPDATE allowance_alert SET eased_at = %(at)s
    WHERE number = %(number)s AND starts_s = %(starts_s)s AND basis = 'actual'
      AND percent = %(percent)s AND eased_at IS NULL
"""


def ease(tx: Tx, crossing: Crossing, *, at: datetime) -> bool:
    """Write down that a threshold holds no more; False when somebody was first."""
    return (
        tx.run(
            EASE,
            number=crossing.number,
            starts_s=crossing.starts_s,
            percent=crossing.percent,
            at=at,
        )
        == 1
    )


@dataclass(frozen=True, slots=True)
class Watched:
    """A window whose forecast is looked at."""

    number: int
    starts_s: int
    unit: str
    ends_s: int
    cap: int
    spent: int


WATCHED: Final = """
    SELECT w.number, w.starts_s, w.unit, w.ends_s, w.cap, w.spent
    FROM allowance a JOIN allowance_window w USING (number)
    WHERE a.ended_at IS NULL AND a.period IN ('day', 'week', 'month', 'quarter', 'year')
      AND jsonb_array_length(a.forecasts) > 0
      AND w.starts_s <= %(now_s)s AND w.ends_s > %(now_s)s
      AND (w.number, w.starts_s, w.unit) > (%(number)s, %(starts_s)s, %(unit)s)
    ORDER BY w.number, w.starts_s, w.unit
    LIMIT %(limit)s
"""


def watched(tx: Tx, *, now_s: int, after: Slot, limit: int) -> list[Watched]:
    """Return windows whose allowances want a forecast, in the order of their slots."""
    return tx.rows(
        Watched,
        WATCHED,
        now_s=now_s,
        number=after.number,
        starts_s=after.starts_s,
        unit=after.unit,
        limit=limit,
    )


HOURS: Final = """
    WITH RECURSIVE below AS (
        SELECT project_id FROM project
        WHERE customer_id = %(customer_id)s AND project_id = %(project_id)s
        UNION
        SELECT p.project_id FROM below JOIN project p ON p.parent_id = below.project_id)
    SELECT extract(epoch FROM u.hour)::bigint AS hour_s,
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
      AND u.hour >= to_timestamp(%(since_s)s) AND u.hour < to_timestamp(%(until_s)s)
      AND u.month = ANY(%(months)s)
      AND (%(measure)s <> 'money' OR rate.currency = %(unit)s)
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class HourRow:
    """What a scope used in one hour."""

    hour_s: int
    amount: int


def hours(
    tx: Tx,
    customer_id: str,
    allowance: Allowance,
    *,
    unit: str,
    since_s: int,
    until_s: int,
    months: Sequence[str],
    pieces: Sequence[str],
) -> dict[int, int]:
    """Return what counts for an allowance hour by hour, from the rollups."""
    scope = allowance.scope
    rows = tx.rows(
        HourRow,
        HOURS,
        customer_id=customer_id,
        project_id=scope.project_id,
        key_id=scope.key_id,
        model=scope.model,
        tag=scope.tag,
        measure=allowance.measure,
        unit=unit,
        since_s=since_s,
        until_s=until_s,
        months=list(months),
        pieces=list(pieces),
    )
    return {row.hour_s: int(row.amount) for row in rows}


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A threshold that was told."""

    number: int
    starts_s: int
    basis: str
    percent: int
    amount: int
    cap: int
    unit: str
    told_at: datetime
    eased_at: datetime | None


ALERTS: Final = """
    SELECT l.number, l.starts_s, l.basis, l.percent, l.amount, l.cap, l.unit, l.told_at, l.eased_at
    FROM allowance_alert l JOIN allowance a USING (number)
    WHERE a.customer_id = %(customer_id)s
      AND l.starts_s < %(until_s)s AND l.told_at >= to_timestamp(%(since_s)s)
    ORDER BY l.told_at, l.number, l.percent
    LIMIT %(limit)s
"""


def alerts(tx: Tx, customer_id: str, *, since_s: int, until_s: int, limit: int) -> list[AlertRow]:
    """Return what a customer was told of its budgets."""
    return tx.rows(
        AlertRow, ALERTS, customer_id=customer_id, since_s=since_s, until_s=until_s, limit=limit
    )
