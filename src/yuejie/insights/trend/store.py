"""The only SQL of trends: sums of days and months, and live behind them late usage and hours.

Three tables hold the sums; which one a question is asked of depends on what it names:
`usage_sum_model` knows no projects and keys, `usage_sum_place` no models, `usage_sum_whole` both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from yuejie.db.session import Tx
from yuejie.insights.trend.figures import CACHE_READS
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import CURRENCIES
from yuejie.usage.meters import INPUT_SIDE, UNIT_METERS, Meter

OPERATOR_READS: Final = {
    "rate_facts": "rates belong to books, not to customers",
    "providers": "deployments belong to the house; whose calls they serve is asked beside",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which usage, by what. None asks for all; `by` is one column, or nothing.

    `bucket` is `month`, `week`, `day`, `hour` or `all`.
    """

    by: str
    bucket: str
    zone: str
    project_ids: Sequence[str] | None = None
    key_ids: Sequence[str] | None = None
    deployment_ids: Sequence[str] | None = None
    model: str | None = None
    tag: str | None = None

    def params(self) -> dict[str, object]:
        """Return what the queries are given."""
        given: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("project_ids", "key_ids", "deployment_ids"):
            if given[name] is not None:
                given[name] = list(given[name])  # type: ignore[call-overload]  # a sequence of ids
        return given


class SumRow(NamedTuple):
    """What a name used in a bucket, which is told by the Unix seconds of when it begins.

    A bucket of days begins at its first day's midnight in UTC, as the tables write it. Of a
    currency in which there is nothing, nothing is said.
    """

    at_s: int | None
    name: str
    requests: int
    failed: int
    pending: int
    tokens: int
    input_side: int
    cache_reads: int
    sale_cny: int | None
    sale_usd: int | None
    cost_cny: int | None
    cost_usd: int | None


@dataclass(frozen=True, slots=True)
class SoldRow:
    """What was billed of a model's meter at one rate."""

    model: str
    meter: str
    sale_rate: int
    quantity: int


assert {"CNY", "USD"} == CURRENCIES, "a row has a column for each currency"
_METERS: Final = {
    "meters": [str(meter) for meter in Meter],
    "tokens": [meter not in UNIT_METERS for meter in Meter],
    "inputs": [meter in INPUT_SIDE for meter in Meter],
    "caches": [meter in CACHE_READS for meter in Meter],
}
"""What kind each meter is, to be joined: cheaper than to look each row's meter up in lists."""

# Each query begins with `used`: bucket, name, meter, rates, state, quantity. What follows makes
# figures or articles of it. What has many rows of one name is added up before it is priced.
_USED_MODEL: Final = """
    WITH used AS (
        SELECT CASE WHEN %(bucket)s = 'all' THEN NULL ELSE s.at END AS at,
               CASE %(by)s WHEN 'model' THEN s.model WHEN 'deployment' THEN s.deployment_id
                           ELSE '' END AS name,
               s.meter, s.sale_rate, s.cost_rate, s.state, s.quantity
        FROM usage_sum_model s
        WHERE s.customer_id = %(customer_id)s AND s.grain = %(grain)s
          AND s.month BETWEEN %(first_month)s AND %(last_month)s
          AND s.at >= %(first)s AND s.at < %(end)s
          AND (%(deployment_ids)s::text[] IS NULL OR s.deployment_id = ANY(%(deployment_ids)s))
          AND (%(model)s::text IS NULL OR s.model = %(model)s)
    )
"""
_NAME_OF_DIMENSION: Final = """
               CASE %(by)s WHEN 'deployment' THEN d.deployment_id WHEN 'project' THEN d.project_id
                           WHEN 'key' THEN d.key_id WHEN 'tags' THEN d.tags ELSE '' END
"""
_OF_DIMENSION: Final = """
          AND (%(project_ids)s::text[] IS NULL OR d.project_id = ANY(%(project_ids)s))
          AND (%(key_ids)s::text[] IS NULL OR d.key_id = ANY(%(key_ids)s))
          AND (%(deployment_ids)s::text[] IS NULL OR d.deployment_id = ANY(%(deployment_ids)s))
          AND (%(tag)s::text IS NULL OR %(tag)s = ANY(string_to_array(d.tags, ',')))
"""
# What has days of a model has its month: so the days of other dimensions need not be looked at.
_USED_WHOLE: Final = (
    """
    WITH used AS (
        SELECT CASE WHEN %(bucket)s = 'all' THEN NULL ELSE s.at END AS at,
               CASE %(by)s WHEN 'model' THEN s.model ELSE
    """  # noqa: S608 (literals only)
    + _NAME_OF_DIMENSION
    + """
               END AS name,
               s.meter, s.sale_rate, s.cost_rate, s.state, sum(s.quantity) AS quantity
        FROM usage_dimension d JOIN usage_sum_whole s USING (dimension_id)
        WHERE d.customer_id = %(customer_id)s AND s.grain = %(grain)s
          AND s.month BETWEEN %(first_month)s AND %(last_month)s
          AND s.at >= %(first)s AND s.at < %(end)s
          AND (%(model)s::text IS NULL OR s.model = %(model)s)
          AND (%(model)s::text IS NULL OR EXISTS (
              SELECT FROM usage_sum_whole m
              WHERE m.dimension_id = d.dimension_id AND m.grain = 'month'
                AND m.month BETWEEN %(first_month)s AND %(last_month)s AND m.model = %(model)s))
    """
    + _OF_DIMENSION
    + """
        GROUP BY 1, 2, s.meter, s.sale_rate, s.cost_rate, s.state
    )
"""
)
# Hour by hour and dimension by dimension, as the rollups lie: of who is not asked for nothing is
# read.
_LIVE: Final = (
    """
    WITH asked AS (
        SELECT d.dimension_id,
    """  # noqa: S608 (literals only)
    + _NAME_OF_DIMENSION
    + """
               AS place
        FROM usage_dimension d
        WHERE d.customer_id = %(customer_id)s
    """
    + _OF_DIMENSION
    + """
    ), live AS (
        SELECT s.month, s.hour, CASE %(by)s WHEN 'model' THEN s.model ELSE d.place END AS name,
               s.meter, s.sale_rate, s.cost_rate, s.state, s.quantity
        FROM asked d CROSS JOIN LATERAL (
            SELECT * FROM usage_rollup u
            WHERE u.month = ANY(%(months)s) AND u.dimension_id = d.dimension_id
              AND u.hour >= %(since)s AND u.hour < %(until)s
              AND (%(model)s::text IS NULL OR u.model = %(model)s)
            OFFSET 0) s
        UNION ALL
        SELECT l.month, l.hour, CASE %(by)s WHEN 'model' THEN l.model ELSE d.place END,
               l.meter, l.sale_rate, l.cost_rate, l.state, l.quantity
        FROM usage_late l JOIN asked d USING (dimension_id)
        WHERE l.hour < %(through)s AND l.hour >= %(late_since)s AND l.hour < %(until)s
          AND (%(model)s::text IS NULL OR l.model = %(model)s)
    )
"""
)
_KINDS: Final = """
    unnest(%(meters)s::text[], %(tokens)s::bool[], %(inputs)s::bool[], %(caches)s::bool[])
    AS kind (meter, token, input_side, cache_read)
"""
_FIGURES: Final = """
           coalesce(sum(u.quantity) FILTER (WHERE u.billed AND u.meter = 'requests'), 0)::bigint
               AS requests,
           coalesce(sum(u.quantity) FILTER (WHERE u.billed AND u.meter = 'failed_requests'),
                    0)::bigint AS failed,
           coalesce(sum(u.quantity) FILTER (WHERE NOT u.billed AND u.meter = 'requests'),
                    0)::bigint AS pending,
           coalesce(sum(u.quantity) FILTER (WHERE u.billed AND u.priced AND kind.token),
                    0)::bigint AS tokens,
           coalesce(sum(u.quantity) FILTER (WHERE u.billed AND u.priced AND kind.input_side),
                    0)::bigint AS input_side,
           coalesce(sum(u.quantity) FILTER (WHERE u.billed AND u.priced AND kind.cache_read),
                    0)::bigint AS cache_reads,
           sum(u.sale_pico) FILTER (WHERE u.billed AND u.sale_currency = 'CNY') AS sale_cny,
           sum(u.sale_pico) FILTER (WHERE u.billed AND u.sale_currency = 'USD') AS sale_usd,
           sum(u.cost_pico) FILTER (WHERE u.billed AND u.cost_currency = 'CNY') AS cost_cny,
           sum(u.cost_pico) FILTER (WHERE u.billed AND u.cost_currency = 'USD') AS cost_usd
"""
_SUMS: Final = (
    "SELECT extract(epoch FROM u.at)::bigint AS at_s, u.name,"  # noqa: S608 (literals only)
    + _FIGURES
    + """
    FROM (SELECT used.at, used.name, used.meter, used.quantity,
                 used.state IN ('measured', 'partial') AS billed, used.sale_rate <> 0 AS priced,
                 sale.currency AS sale_currency, used.quantity * sale.pico::numeric AS sale_pico,
                 cost.currency AS cost_currency, used.quantity * cost.pico::numeric AS cost_pico
          FROM used
          LEFT JOIN rate sale ON sale.rate_id = used.sale_rate
          LEFT JOIN rate cost ON cost.rate_id = used.cost_rate) u
    JOIN """
    + _KINDS
    + """ ON kind.meter = u.meter
    GROUP BY u.at, u.name
"""
)
# An hour is in one bucket: what is priced and added up by hours is few rows of each of them.
_LIVE_SUMS: Final = (
    """, worth AS (
        SELECT s.month, s.hour, s.name, s.meter, s.state IN ('measured', 'partial') AS billed,
               s.sale_rate <> 0 AS priced, sale.currency AS sale_currency,
               cost.currency AS cost_currency, sum(s.quantity) AS quantity,
               sum(s.quantity * sale.pico) AS sale_pico, sum(s.quantity * cost.pico) AS cost_pico
        FROM live s
        LEFT JOIN rate sale ON sale.rate_id = s.sale_rate
        LEFT JOIN rate cost ON cost.rate_id = s.cost_rate
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    )
    SELECT extract(epoch FROM u.at)::bigint AS at_s, u.name,
    """  # noqa: S608 (literals only)
    + _FIGURES
    + """
    FROM (SELECT CASE %(bucket)s
                 WHEN 'hour' THEN s.hour
                 WHEN 'month' THEN (s.month || '-01')::date::timestamptz
                 WHEN 'week' THEN date_trunc('week', s.hour AT TIME ZONE %(zone)s)::timestamptz
                 WHEN 'day' THEN (s.hour AT TIME ZONE %(zone)s)::date::timestamptz
                 END AS at, s.*
          FROM worth s) u
    JOIN """
    + _KINDS
    + """ ON kind.meter = u.meter
    GROUP BY u.at, u.name
"""
)
_SOLD: Final = """
    SELECT u.name AS model, u.meter, u.sale_rate, sum(u.quantity) AS quantity
    FROM used u
    WHERE u.state IN ('measured', 'partial') AND u.sale_rate <> 0
    GROUP BY 1, 2, 3
"""

SUMS_BY_MODEL: Final = _USED_MODEL + _SUMS
SOLD_BY_MODEL: Final = _USED_MODEL + _SOLD
SUMS_OF_WHOLE: Final = _USED_WHOLE + _SUMS
SOLD_OF_WHOLE: Final = _USED_WHOLE + _SOLD
LIVE_SUMS: Final = _LIVE + _LIVE_SUMS
LIVE_SOLD: Final = _LIVE + ", used AS (SELECT * FROM live)" + _SOLD  # noqa: S608 (literals only)

SUMS_BY_PLACE: Final = (
    "SELECT extract(epoch FROM u.at)::bigint AS at_s, u.name,"  # noqa: S608 (literals only)
    + _FIGURES
    + """
    FROM (SELECT CASE WHEN %(bucket)s = 'all' THEN NULL ELSE s.at END AS at,
                 CASE %(by)s WHEN 'project' THEN s.project_id WHEN 'key' THEN s.key_id
                             WHEN 'tags' THEN s.tags ELSE '' END AS name,
                 s.meter, s.quantity, s.billed, s.sale_currency <> '' AS priced, s.sale_currency,
                 s.sale_pico, s.cost_currency, s.cost_pico
          FROM usage_sum_place s
          WHERE s.customer_id = %(customer_id)s AND s.grain = %(grain)s
            AND s.month BETWEEN %(first_month)s AND %(last_month)s
            AND s.at >= %(first)s AND s.at < %(end)s
            AND (%(project_ids)s::text[] IS NULL OR s.project_id = ANY(%(project_ids)s))
            AND (%(key_ids)s::text[] IS NULL OR s.key_id = ANY(%(key_ids)s))
            AND (%(tag)s::text IS NULL OR %(tag)s = ANY(string_to_array(s.tags, ',')))) u
    JOIN """
    + _KINDS
    + """ ON kind.meter = u.meter
    GROUP BY u.at, u.name
"""
)


@dataclass(frozen=True, slots=True)
class Summed:
    """Buckets of one grain that begin in a span, as the tables write them, and their months."""

    grain: str
    first: datetime
    end: datetime
    first_month: str
    last_month: str

    def params(self) -> dict[str, object]:
        """Return what the queries are given."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Live:
    """Instants of which the hours are read themselves, and late usage of those summed before.

    `since` is where the hours begin, not before `through`; `late_since` where the span does.
    """

    late_since: datetime
    since: datetime
    until: datetime
    through: datetime
    months: Sequence[str]

    def params(self) -> dict[str, object]:
        """Return what the queries are given."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "months": list(self.months)
        }


def sums_by_model(tx: Tx, customer_id: CustomerId, scope: Scope, summed: Summed) -> list[SumRow]:
    """Return the sums of models and deployments."""
    given = scope.params() | summed.params() | _METERS
    return tx.rows(SumRow, SUMS_BY_MODEL, customer_id=customer_id, **given)


def sums_by_place(tx: Tx, customer_id: CustomerId, scope: Scope, summed: Summed) -> list[SumRow]:
    """Return the sums of projects, keys and tags."""
    given = scope.params() | summed.params() | _METERS
    return tx.rows(SumRow, SUMS_BY_PLACE, customer_id=customer_id, **given)


def sums_of_whole(tx: Tx, customer_id: CustomerId, scope: Scope, summed: Summed) -> list[SumRow]:
    """Return the sums of what names both."""
    given = scope.params() | summed.params() | _METERS
    return tx.rows(SumRow, SUMS_OF_WHOLE, customer_id=customer_id, **given)


def live_sums(tx: Tx, customer_id: CustomerId, scope: Scope, live: Live) -> list[SumRow]:
    """Return what is not in the sums."""
    given = scope.params() | live.params() | _METERS
    return tx.rows(SumRow, LIVE_SUMS, customer_id=customer_id, **given)


def sold_by_model(tx: Tx, customer_id: CustomerId, scope: Scope, summed: Summed) -> list[SoldRow]:
    """Return what was billed by model, meter and rate. `scope.by` is the model."""
    given = scope.params() | summed.params()
    return tx.rows(SoldRow, SOLD_BY_MODEL, customer_id=customer_id, **given)


def sold_of_whole(tx: Tx, customer_id: CustomerId, scope: Scope, summed: Summed) -> list[SoldRow]:
    """Return the same of certain projects, keys or tags."""
    given = scope.params() | summed.params()
    return tx.rows(SoldRow, SOLD_OF_WHOLE, customer_id=customer_id, **given)


def live_sold(tx: Tx, customer_id: CustomerId, scope: Scope, live: Live) -> list[SoldRow]:
    """Return the same of what is not in the sums."""
    given = scope.params() | live.params()
    return tx.rows(SoldRow, LIVE_SOLD, customer_id=customer_id, **given)


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate and the facts that chose it."""

    rate_id: int
    pico: int
    currency: str
    service_tier: str
    context_above: int
    time_window: str


RATE_FACTS: Final = """
    SELECT rate_id, pico, currency, service_tier, context_above, time_window
    FROM rate WHERE rate_id = ANY(%(rate_ids)s)
"""


def rate_facts(tx: Tx, rate_ids: Sequence[int]) -> dict[int, RateRow]:
    """Return rates by their ids."""
    return {row.rate_id: row for row in tx.rows(RateRow, RATE_FACTS, rate_ids=list(rate_ids))}


ROOM_TO_SUM: Final = "SELECT set_config('work_mem', '64MB', true)"


def give_room(tx: Tx) -> None:
    """Let sums of tens of thousands of rows be formed without sorting them first."""
    tx.value(ROOM_TO_SUM)


@dataclass(frozen=True, slots=True)
class _Served:
    deployment_id: str
    provider: str


PROVIDERS: Final = """
    SELECT dep.deployment_id, a.provider
    FROM deployment dep JOIN provider_account a USING (account_id)
"""


def providers(tx: Tx) -> dict[str, str]:
    """Return the provider of each deployment."""
    return {row.deployment_id: row.provider for row in tx.rows(_Served, PROVIDERS)}
