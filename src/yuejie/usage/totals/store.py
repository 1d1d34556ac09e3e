"""The only SQL of totals. A `customer_id` of None means all customers: the operator's question."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, LiteralString, cast

from yuejie.db.session import Tx


@dataclass(frozen=True, slots=True)
class TotalRow:
    """A sum of quantities with its worth. Columns that were not asked for are empty."""

    customer: str
    project: str
    department: str
    environment: str
    tag: str
    key: str
    model: str
    provider: str
    day: str
    hour: str
    state: str
    meter: str
    quantity: int
    sale_currency: str | None
    sale_pico: int
    cost_currency: str | None
    cost_pico: int


# Each question begins with `used`: whose, of which hour or local day, model, meter, rates, state
# and quantity; `_TOLD` names it and sums it up. Without hours the sums say it, with what came late
# and the hours that are not summed yet.
_SUBTREE: Final = """
    WITH RECURSIVE subtree AS (
        SELECT p.project_id FROM project p
        WHERE (%(customer_id)s::text IS NULL OR p.customer_id = %(customer_id)s)
          AND (p.project_id = %(project)s OR p.name = %(project)s)
        UNION
        SELECT child.project_id
        FROM project child JOIN subtree ON child.parent_id = subtree.project_id
    )
"""
_WANTED: Final = """
          AND (%(customer_id)s::text IS NULL OR d.customer_id = %(customer_id)s)
          AND (%(project)s::text IS NULL OR d.project_id IN (SELECT project_id FROM subtree))
          AND (%(key)s::text IS NULL OR d.key_id = %(key)s)
          AND (%(tag)s::text IS NULL OR %(tag)s = ANY(string_to_array(d.tags, ',')))
"""
_WANTED_ITEMS: Final = """
          AND (%(model)s::text IS NULL OR r.model = %(model)s)
          AND (%(meter)s::text IS NULL OR r.meter = %(meter)s)
          AND (%(state)s::text IS NULL OR r.state = %(state)s)
"""
_USED_HOURS: Final = (
    """
    , used AS (
        SELECT d.customer_id, d.project_id, d.key_id, d.tags, d.deployment_id,
               CASE WHEN %(by)s::text[] && '{day,hour}' THEN r.hour END AS hour, NULL::date AS day,
               r.model, r.meter, r.sale_rate, r.cost_rate, r.state, sum(r.quantity) AS quantity
        FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
        WHERE r.month BETWEEN %(first)s AND %(last)s
          AND (%(since)s::timestamptz IS NULL OR r.hour >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR r.hour < %(until)s)
    """  # noqa: S608 (literals only)
    + _WANTED
    + _WANTED_ITEMS
    + """
        GROUP BY d.dimension_id, 6, r.model, r.meter, r.sale_rate, r.cost_rate, r.state
    )
    """
)
_LIVE: Final = """
    , bounds AS (SELECT through FROM usage_summed
    ), live AS (
        SELECT l.month, l.hour, l.dimension_id, l.model, l.meter, l.sale_rate, l.cost_rate,
               l.state, l.quantity
        FROM usage_late l, bounds
        WHERE l.month BETWEEN %(first)s AND %(last)s AND l.hour < bounds.through
        UNION ALL
        SELECT h.month, h.hour, h.dimension_id, h.model, h.meter, h.sale_rate, h.cost_rate,
               h.state, h.quantity
        FROM bounds, usage_month m
        JOIN usage_dimension d USING (customer_id)
        CROSS JOIN LATERAL (
            SELECT * FROM usage_rollup u
            WHERE u.month = m.month AND u.dimension_id = d.dimension_id
              AND u.hour >= bounds.through
            OFFSET 0) h
        WHERE m.month BETWEEN %(first)s AND %(last)s
          AND m.month >= to_char(bounds.through - INTERVAL '1 day', 'YYYY-MM')
          AND (%(customer_id)s::text IS NULL OR m.customer_id = %(customer_id)s)
    )
"""
_OF_LIVE: Final = """
               CASE WHEN 'day' = ANY(%(by)s::text[])
                    THEN (r.hour AT TIME ZONE coalesce(c.zone, 'UTC'))::date END AS day,
               r.model, r.meter, r.sale_rate, r.cost_rate, r.state, r.quantity
        FROM live r JOIN usage_dimension d USING (dimension_id)
        LEFT JOIN customer c ON c.customer_id = d.customer_id
        WHERE TRUE
"""
_USED_DAYS: Final = (
    _LIVE  # noqa: S608 (literals only)
    + """
    , used AS (
        SELECT d.customer_id, d.project_id, d.key_id, d.tags, d.deployment_id,
               NULL::timestamptz AS hour, (r.at AT TIME ZONE 'UTC')::date AS day,
               r.model, r.meter, r.sale_rate, r.cost_rate, r.state, r.quantity::numeric AS quantity
        FROM usage_dimension d CROSS JOIN LATERAL (
            SELECT * FROM usage_sum_whole s
            WHERE s.dimension_id = d.dimension_id AND s.grain = %(grain)s
              AND s.month BETWEEN %(first)s AND %(last)s
            OFFSET 0) r
        WHERE TRUE
    """
    + _WANTED
    + _WANTED_ITEMS
    + """
        UNION ALL
        SELECT d.customer_id, d.project_id, d.key_id, d.tags, d.deployment_id,
               NULL::timestamptz,
    """
    + _OF_LIVE
    + _WANTED
    + _WANTED_ITEMS
    + """
    )
    """
)
_USED_IN_THE_HOUSE: Final = (
    _LIVE  # noqa: S608 (literals only)
    + """
    , used AS (
        SELECT '' AS customer_id, '' AS project_id, '' AS key_id, '' AS tags, r.deployment_id,
               NULL::timestamptz AS hour, (r.at AT TIME ZONE 'UTC')::date AS day,
               r.model, r.meter, r.sale_rate, r.cost_rate, r.state, r.quantity
        FROM usage_sum_house r
        WHERE r.grain = %(grain)s AND r.month BETWEEN %(first)s AND %(last)s
    """
    + _WANTED_ITEMS
    + """
        UNION ALL
        SELECT '', '', '', '', d.deployment_id, NULL::timestamptz,
    """
    + _OF_LIVE
    + _WANTED_ITEMS
    + """
    )
    """
)
_TOLD: Final = """
    SELECT CASE WHEN 'customer' = ANY(%(by)s) THEN coalesce(c.slug, u.customer_id) ELSE '' END
               AS customer,
           CASE WHEN 'project' = ANY(%(by)s) THEN coalesce(p.name, u.project_id) ELSE '' END
               AS project,
           CASE WHEN 'department' = ANY(%(by)s) THEN coalesce(p.department, '') ELSE '' END
               AS department,
           CASE WHEN 'environment' = ANY(%(by)s) THEN coalesce(p.environment, '') ELSE '' END
               AS environment,
           CASE WHEN NOT 'tag' = ANY(%(by)s) THEN ''
                WHEN %(tag_name)s::text IS NULL THEN u.tags
                ELSE coalesce((SELECT substr(pair, length(%(tag_name)s) + 2)
                               FROM unnest(string_to_array(u.tags, ',')) AS pair
                               WHERE starts_with(pair, %(tag_name)s || '=') LIMIT 1), '') END
               AS tag,
           CASE WHEN 'key' = ANY(%(by)s) THEN u.key_id ELSE '' END AS key,
           CASE WHEN 'model' = ANY(%(by)s) THEN u.model ELSE '' END AS model,
           CASE WHEN 'provider' = ANY(%(by)s) THEN coalesce(a.provider, '') ELSE '' END
               AS provider,
           CASE WHEN 'day' = ANY(%(by)s)
                THEN to_char(coalesce(u.day, (u.hour AT TIME ZONE coalesce(c.zone, 'UTC'))::date),
                             'YYYY-MM-DD')
                ELSE '' END AS day,
           CASE WHEN 'hour' = ANY(%(by)s)
                THEN to_char(u.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                ELSE '' END AS hour,
           CASE WHEN 'state' = ANY(%(by)s) THEN u.state ELSE '' END AS state,
           u.meter,
           sum(u.quantity) AS quantity,
           sale.currency AS sale_currency,
           coalesce(sum(u.quantity * sale.pico)
                    FILTER (WHERE u.state IN ('measured', 'partial')), 0) AS sale_pico,
           cost.currency AS cost_currency,
           coalesce(sum(u.quantity * cost.pico)
                    FILTER (WHERE u.state IN ('measured', 'partial')), 0) AS cost_pico
    FROM used u
    LEFT JOIN customer c ON c.customer_id = u.customer_id
    LEFT JOIN project p ON p.project_id = u.project_id
    LEFT JOIN deployment dep ON dep.deployment_id = u.deployment_id
    LEFT JOIN provider_account a ON a.account_id = dep.account_id
    LEFT JOIN rate sale ON sale.rate_id = u.sale_rate
    LEFT JOIN rate cost ON cost.rate_id = u.cost_rate
    WHERE (%(department)s::text IS NULL OR p.department = %(department)s)
      AND (%(environment)s::text IS NULL OR p.environment = %(environment)s)
      AND (%(provider)s::text IS NULL OR a.provider = %(provider)s)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, sale.currency, cost.currency
    HAVING sum(u.quantity) <> 0
    ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16
    LIMIT %(limit)s
"""
TOTALS: Final = _SUBTREE + _USED_HOURS + _TOLD
TOTALS_OF_DAYS: Final = _SUBTREE + _USED_DAYS + _TOLD
TOTALS_OF_HOUSE: Final = _SUBTREE + _USED_IN_THE_HOUSE + _TOLD

_TIMED: Final = frozenset({"since", "until"})
_PLACES: Final = frozenset({"customer", "project", "department", "environment", "tag", "key"})
"""What the sums of the whole house do not know."""


def totals(tx: Tx, customer_id: str | None, asked: Mapping[str, object]) -> list[TotalRow]:
    """Return quantities and their worth, grouped and filtered as `show.Question` asks."""
    sql, values = _asked(customer_id, asked)
    return tx.rows(TotalRow, sql, **values)


def each_total(
    tx: Tx, customer_id: str | None, asked: Mapping[str, object], *, batch: int
) -> Iterator[TotalRow]:
    """Yield the same in the same order, however many there are, a batch of them held at a time."""
    sql, values = _asked(customer_id, asked)
    yield from tx.stream(TotalRow, sql, batch=batch, **values)


def _asked(
    customer_id: str | None, asked: Mapping[str, object]
) -> tuple[LiteralString, dict[str, object]]:
    """Return the question that answers the soonest, and its values."""
    by = set(cast("Iterable[str]", asked["by"]))
    if "hour" in by or any(asked[name] is not None for name in _TIMED):
        return TOTALS, {**asked, "customer_id": customer_id}
    values = {**asked, "customer_id": customer_id, "grain": "day" if "day" in by else "month"}
    placed = by & _PLACES or any(asked[name] is not None for name in _PLACES & asked.keys())
    whole = customer_id is None and not placed
    return (TOTALS_OF_HOUSE if whole else TOTALS_OF_DAYS), values
