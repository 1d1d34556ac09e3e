"""The only SQL that keeps the sums of days and months.

At any moment, for any customer: sums + usage_late before `through` + rollups from `through` on
= rollups. A reader that sees one moment (`Database.read(consistent=True)`) sees that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.usage.rollup import RollupSum
from yuejie.usage.rows import jsonb

OPERATOR_READS: Final = {
    "next_months": "the clerk folds the hours of every customer",
    "fold_hours": "the same",
    "forget_hours": "the same",
    "dimensions_between": "the same",
    "fold_late": "the clerk folds what came late of every customer",
    "refill_house": "a month is put right for the whole house",
    "compared_house": "the same, compared",
}

SUMS_LOCK: Final = "usage sums"
"""Whoever folds or rebuilds the sums; taken before the epoch's."""
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
KEPT: Final = timedelta(days=62)
"""So long hours are kept by themselves; nobody looks at more than a month of hours at once."""
_ZONES: Final = timedelta(days=1)
"""No zone is so far from UTC that an hour has a label further away."""

# What comes late ---------------------------------------------------------------------------------

LATE_BEFORE: Final = "SELECT extract(epoch FROM late_before)::bigint FROM usage_summed"
ADD_LATE: Final = """
    INSERT INTO usage_late (month, dimension_id, hour, model, meter, sale_rate, cost_rate, state,
                            quantity)
    SELECT item ->> 0, (item ->> 1)::int, to_timestamp((item ->> 2)::bigint), item ->> 3,
           item ->> 4, (item ->> 5)::bigint, (item ->> 6)::bigint, item ->> 7,
           (item ->> 8)::numeric
    FROM jsonb_array_elements(%(sums)s::jsonb) AS item
"""


def note_late(tx: Tx, sums: Iterable[RollupSum]) -> int:
    """Note what a batch adds to hours that are, or are about to be, in the sums.

    The caller holds the epoch's lock, so `late_before` does not move before it has committed.
    """
    before_s = int(tx.value(LATE_BEFORE))
    late = [each for each in sums if each[2] < before_s]
    return tx.run(ADD_LATE, sums=jsonb(late).decode()) if late else 0


# How far -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Summed:
    """How far the sums go, and before which hour what is added is noted."""

    through: datetime
    late_before: datetime


SUMMED: Final = "SELECT through, late_before FROM usage_summed"


def summed(tx: Tx) -> Summed:
    """Return how far the sums go."""
    return tx.row(Summed, SUMMED)


LATE_WAITS: Final = """
    SELECT EXISTS (SELECT FROM usage_late WHERE hour < (SELECT through FROM usage_summed))
"""


def late_waits(tx: Tx) -> bool:
    """Say whether anything came late that is not folded yet."""
    return bool(tx.value(LATE_WAITS))


ANNOUNCE: Final = "UPDATE usage_summed SET late_before = %(until)s WHERE late_before < %(until)s"


def announce(tx: Tx, until: datetime) -> int:
    """Say before which hour what is added is to be noted. The caller is alone with the epoch."""
    return tx.run(ANNOUNCE, until=until)


DIMENSIONS: Final = """
    SELECT count(*) FROM usage_month m JOIN usage_dimension d USING (customer_id)
    WHERE m.month >= to_char(%(since)s::timestamptz - INTERVAL '1 day', 'YYYY-MM')
      AND m.month <= to_char(%(until)s::timestamptz + INTERVAL '1 day', 'YYYY-MM')
"""


def dimensions_between(tx: Tx, since: datetime, until: datetime) -> int:
    """Return how many dimensions may have usage between two instants: how wide an hour is."""
    return int(tx.value(DIMENSIONS, since=since, until=until))


NEXT_MONTHS: Final = "SELECT DISTINCT month FROM usage_month WHERE month >= %(first)s ORDER BY 1"


@dataclass(frozen=True, slots=True)
class _Month:
    month: str


def next_months(tx: Tx, since: datetime) -> list[str]:
    """Return the months with usage whose hours may lie behind an instant."""
    rows = tx.rows(_Month, NEXT_MONTHS, first=f"{since - _ZONES:%Y-%m}")
    return [row.month for row in rows]


# Folding -----------------------------------------------------------------------------------------

# Each expects `hours` and `kept`, the first hour that is kept by itself, and makes of them what one
# cell of each table gets.
_CELLS: Final = """
    , cells AS (
        SELECT d.customer_id, h.dimension_id, d.project_id, d.key_id, d.tags, d.deployment_id,
               h.month, g.grain, g.at, h.model, h.meter, h.sale_rate, h.cost_rate, h.state,
               sum(h.quantity)::bigint AS quantity
        FROM hours h
        JOIN usage_dimension d USING (dimension_id)
        LEFT JOIN customer c USING (customer_id)
        CROSS JOIN LATERAL (
            SELECT (h.hour AT TIME ZONE coalesce(c.zone, 'UTC'))::date AS day) AS local
        CROSS JOIN LATERAL (
            VALUES ('hour', h.hour), ('day', local.day::timestamptz),
                   ('week', date_trunc('week', local.day::timestamptz)),
                   ('month', (h.month || '-01')::timestamptz)) AS g (grain, at)
        WHERE g.grain <> 'hour' OR h.hour >= (SELECT since FROM kept)
        GROUP BY d.dimension_id, h.dimension_id, h.month, g.grain, g.at, h.model, h.meter,
                 h.sale_rate, h.cost_rate, h.state
        HAVING sum(h.quantity) <> 0
    ), whole AS (
        SELECT dimension_id, grain, month, at, model, meter, sale_rate, cost_rate, state, quantity
        FROM cells WHERE grain <> 'hour'
    ), modelled AS (
        SELECT customer_id, grain, month, at, deployment_id, model, meter, sale_rate, cost_rate,
               state, sum(quantity)::bigint AS quantity
        FROM cells GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ), placed AS (
        SELECT x.customer_id, x.grain, x.month, x.at, x.project_id, x.key_id, x.tags, x.meter,
               x.state IN ('measured', 'partial') AS billed,
               coalesce(sale.currency, '') AS sale_currency,
               coalesce(cost.currency, '') AS cost_currency,
               sum(x.quantity)::bigint AS quantity,
               sum(x.quantity * coalesce(sale.pico, 0)::numeric) AS sale_pico,
               sum(x.quantity * coalesce(cost.pico, 0)::numeric) AS cost_pico
        FROM cells x
        LEFT JOIN rate sale ON sale.rate_id = x.sale_rate
        LEFT JOIN rate cost ON cost.rate_id = x.cost_rate
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    )
"""
_ADD: Final = """
    , added_whole AS (
        INSERT INTO usage_sum_whole AS known (dimension_id, grain, month, at, model, meter,
                                              sale_rate, cost_rate, state, quantity)
        SELECT * FROM whole
        ON CONFLICT (dimension_id, grain, month, at, model, meter, sale_rate, cost_rate, state)
        DO UPDATE SET quantity = known.quantity + EXCLUDED.quantity
    ), added_model AS (
        INSERT INTO usage_sum_model AS known (customer_id, grain, month, at, deployment_id, model,
                                              meter, sale_rate, cost_rate, state, quantity)
        SELECT * FROM modelled
        ON CONFLICT (customer_id, grain, month, at, deployment_id, model, meter, sale_rate,
                     cost_rate, state)
        DO UPDATE SET quantity = known.quantity + EXCLUDED.quantity
    ), added_place AS (
        INSERT INTO usage_sum_place AS known (customer_id, grain, month, at, project_id, key_id,
                                              tags, meter, billed, sale_currency, cost_currency,
                                              quantity, sale_pico, cost_pico)
        SELECT * FROM placed
        ON CONFLICT (customer_id, grain, month, at, project_id, key_id, tags, meter, billed,
                     sale_currency, cost_currency)
        DO UPDATE SET quantity = known.quantity + EXCLUDED.quantity,
                      sale_pico = known.sale_pico + EXCLUDED.sale_pico,
                      cost_pico = known.cost_pico + EXCLUDED.cost_pico
    )
"""
ROOM_TO_FOLD: Final = """
    SELECT set_config('work_mem', '256MB', true), set_config('statement_timeout', '900000', true)
"""


def give_room(tx: Tx) -> None:
    """Let a step of a large house be folded in memory, and take longer than a statement may."""
    tx.run(ROOM_TO_FOLD)


FOLD_HOURS: Final = (
    """
    WITH bounds AS (
        SELECT through, late_before FROM usage_summed
    ), kept AS (
        SELECT late_before - make_interval(days => %(kept_days)s) AS since FROM bounds
    ), hours AS (
        SELECT r.*
        FROM bounds, usage_month m
        JOIN usage_dimension d USING (customer_id)
        CROSS JOIN LATERAL (
            SELECT u.month, u.hour, u.dimension_id, u.model, u.meter, u.sale_rate, u.cost_rate,
                   u.state, u.quantity
            FROM usage_rollup u
            WHERE u.month = m.month AND u.dimension_id = d.dimension_id
              AND u.hour >= bounds.through AND u.hour < bounds.late_before
            OFFSET 0) r
        WHERE m.month >= to_char(bounds.through - INTERVAL '1 day', 'YYYY-MM')
          AND m.month <= to_char(bounds.late_before + INTERVAL '1 day', 'YYYY-MM')
    ), gone AS (
        DELETE FROM usage_late l USING bounds
        WHERE l.hour >= bounds.through AND l.hour < bounds.late_before
    )
    """  # noqa: S608 (literals only)
    + _CELLS
    + _ADD
    + "UPDATE usage_summed SET through = late_before"
)


def fold_hours(tx: Tx) -> int:
    """Fold the hours from `through` up to `late_before`, and move `through` there.

    One statement sees one moment: what was noted of these hours by then is in the rollups that it
    reads, and goes; what is noted later stays, to be folded as late.
    """
    return tx.run(FOLD_HOURS, kept_days=KEPT.days)


FOLD_LATE: Final = (
    """
    WITH hours AS (
        DELETE FROM usage_late WHERE late_id IN (
            SELECT late_id FROM usage_late
            WHERE hour < (SELECT through FROM usage_summed)
            ORDER BY late_id LIMIT %(limit)s)
        RETURNING month, hour, dimension_id, model, meter, sale_rate, cost_rate, state, quantity
    ), kept AS (
        SELECT through - make_interval(days => %(kept_days)s) AS since FROM usage_summed
    )
    """  # noqa: S608 (literals only)
    + _CELLS
    + _ADD
    + "SELECT count(*) FROM hours"
)


def fold_late(tx: Tx, *, limit: int) -> int:
    """Fold what came late, the oldest first, and return how many differences that were."""
    return int(tx.value(FOLD_LATE, limit=limit, kept_days=KEPT.days))


# Customer by customer, so that the key finds them: a table has no order by time alone.
FORGET_MODEL_HOURS: Final = """
    DELETE FROM usage_sum_model s USING customer c, usage_summed w
    WHERE s.customer_id = c.customer_id AND s.grain = 'hour'
      AND s.month <= to_char(w.through - make_interval(days => %(kept_days)s - 2), 'YYYY-MM')
      AND s.at < w.through - make_interval(days => %(kept_days)s)
"""
FORGET_PLACE_HOURS: Final = """
    DELETE FROM usage_sum_place s USING customer c, usage_summed w
    WHERE s.customer_id = c.customer_id AND s.grain = 'hour'
      AND s.month <= to_char(w.through - make_interval(days => %(kept_days)s - 2), 'YYYY-MM')
      AND s.at < w.through - make_interval(days => %(kept_days)s)
"""


def forget_hours(tx: Tx) -> int:
    """Drop the hours that are no longer kept by themselves, in the transaction that folds."""
    forgotten = (FORGET_MODEL_HOURS, FORGET_PLACE_HOURS)
    return sum(tx.run(each, kept_days=KEPT.days) for each in forgotten)


# Rebuilding --------------------------------------------------------------------------------------

# What the sums of a month must hold: what came late belongs to them only once it is folded.
_HOURS_OF_MONTH: Final = """
    WITH hours AS (
        SELECT r.month, r.hour, r.dimension_id, r.model, r.meter, r.sale_rate, r.cost_rate,
               r.state, r.quantity
        FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
        WHERE r.month = %(month)s AND d.customer_id = %(customer_id)s
          AND r.hour < (SELECT through FROM usage_summed)
        UNION ALL
        SELECT l.month, l.hour, l.dimension_id, l.model, l.meter, l.sale_rate, l.cost_rate,
               l.state, -l.quantity
        FROM usage_late l JOIN usage_dimension d USING (dimension_id)
        WHERE l.month = %(month)s AND d.customer_id = %(customer_id)s
          AND l.hour < (SELECT through FROM usage_summed)
    ), kept AS (
        SELECT through - make_interval(days => %(kept_days)s) AS since FROM usage_summed
    )
"""
CLEAR_WHOLE: Final = """
    DELETE FROM usage_sum_whole s USING usage_dimension d
    WHERE s.dimension_id = d.dimension_id AND d.customer_id = %(customer_id)s
      AND s.month = %(month)s
"""
CLEAR_MODEL: Final = """
    DELETE FROM usage_sum_model WHERE customer_id = %(customer_id)s AND month = %(month)s
"""
CLEAR_PLACE: Final = """
    DELETE FROM usage_sum_place WHERE customer_id = %(customer_id)s AND month = %(month)s
"""
CLEAR_LATE: Final = """
    DELETE FROM usage_late l USING usage_dimension d
    WHERE l.dimension_id = d.dimension_id AND d.customer_id = %(customer_id)s
      AND l.month = %(month)s
"""
REFILL: Final = _HOURS_OF_MONTH + _CELLS + _ADD + "SELECT count(*) FROM cells"  # noqa: S608 (literals only)


def refill(tx: Tx, customer_id: CustomerId, month: str) -> int:
    """Replace a customer's sums of a month by what the rollups say. The caller holds both locks."""
    for clear in (CLEAR_LATE, CLEAR_WHOLE, CLEAR_MODEL, CLEAR_PLACE):
        tx.run(clear, customer_id=customer_id, month=month)
    return int(tx.value(REFILL, customer_id=customer_id, month=month, kept_days=KEPT.days))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many cells of the sums say what the rollups say, and how many do not."""

    same: int
    different: int

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(self.same + other.same, self.different + other.different)


COMPARED: Final = (
    _HOURS_OF_MONTH  # noqa: S608 (literals only)
    + _CELLS
    + """
    , both_sides AS (
        SELECT jsonb_build_array('whole', dimension_id, grain, at, model, meter, sale_rate,
                                 cost_rate, state) AS cell,
               quantity AS built, 0::bigint AS kept, 0::numeric AS built_pico, 0::numeric AS pico
        FROM whole
        UNION ALL
        SELECT jsonb_build_array('whole', s.dimension_id, s.grain, s.at, s.model, s.meter,
                                 s.sale_rate, s.cost_rate, s.state), 0, s.quantity, 0, 0
        FROM usage_sum_whole s JOIN usage_dimension d USING (dimension_id)
        WHERE d.customer_id = %(customer_id)s AND s.month = %(month)s
        UNION ALL
        SELECT jsonb_build_array('model', grain, at, deployment_id, model, meter, sale_rate,
                                 cost_rate, state), quantity, 0, 0, 0
        FROM modelled
        UNION ALL
        SELECT jsonb_build_array('model', grain, at, deployment_id, model, meter, sale_rate,
                                 cost_rate, state), 0, quantity, 0, 0
        FROM usage_sum_model WHERE customer_id = %(customer_id)s AND month = %(month)s
        UNION ALL
        SELECT jsonb_build_array(side, grain, at, project_id, key_id, tags, meter, billed,
                                 sale_currency, cost_currency),
               quantity, 0, CASE side WHEN 'sale' THEN sale_pico ELSE cost_pico END, 0
        FROM placed, unnest('{sale,cost}'::text[]) AS side
        UNION ALL
        SELECT jsonb_build_array(side, grain, at, project_id, key_id, tags, meter, billed,
                                 sale_currency, cost_currency),
               0, quantity, 0, CASE side WHEN 'sale' THEN sale_pico ELSE cost_pico END
        FROM usage_sum_place, unnest('{sale,cost}'::text[]) AS side
        WHERE customer_id = %(customer_id)s AND month = %(month)s
    ), held AS (
        SELECT sum(built) = sum(kept) AND sum(built_pico) = sum(pico) AS agrees
        FROM both_sides GROUP BY cell
        HAVING sum(built) <> 0 OR sum(kept) <> 0 OR sum(built_pico) <> 0 OR sum(pico) <> 0
    )
    SELECT count(*) FILTER (WHERE agrees) AS same, count(*) FILTER (WHERE NOT agrees) AS different
    FROM held
    """
)


def compared(tx: Tx, customer_id: CustomerId, month: str) -> Agreement:
    """Compare a customer's sums of a month with its rollups, cell by cell.

    A cell of nothing is none; one with a worth counts for its sale and its cost.
    """
    return tx.row(Agreement, COMPARED, customer_id=customer_id, month=month, kept_days=KEPT.days)


CLEAR_HOUSE: Final = "DELETE FROM usage_sum_house WHERE month = %(month)s"
_HOUSE_OF_MONTH: Final = """
    SELECT grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state,
           sum(quantity) AS quantity
    FROM usage_sum_model WHERE month = %(month)s AND grain IN ('day', 'month')
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
REFILL_HOUSE: Final = "INSERT INTO usage_sum_house" + _HOUSE_OF_MONTH


def refill_house(tx: Tx, month: str) -> int:
    """Replace the whole house's sums of a month by what its customers' say."""
    tx.run(CLEAR_HOUSE, month=month)
    return tx.run(REFILL_HOUSE, month=month)


COMPARED_HOUSE: Final = (
    "WITH built AS ("  # noqa: S608 (literals only)
    + _HOUSE_OF_MONTH
    + """
    ), held AS (
        SELECT coalesce(built.quantity, 0) = coalesce(kept.quantity, 0) AS agrees
        FROM built FULL JOIN (SELECT * FROM usage_sum_house WHERE month = %(month)s) kept
        USING (grain, month, at, deployment_id, model, meter, sale_rate, cost_rate, state)
        WHERE coalesce(built.quantity, 0) <> 0 OR coalesce(kept.quantity, 0) <> 0
    )
    SELECT count(*) FILTER (WHERE agrees) AS same, count(*) FILTER (WHERE NOT agrees) AS different
    FROM held
    """
)


def compared_house(tx: Tx, month: str) -> Agreement:
    """Compare the whole house's sums of a month with its customers', cell by cell."""
    return tx.row(Agreement, COMPARED_HOUSE, month=month)
