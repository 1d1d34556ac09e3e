"""The only SQL of forecasts: complete days and the hours of the day, from the kept sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """What was billed of a part on a day, or in an hour of the day, in one currency.

    `at` is the day's number since 1970, or the hour's; `part` is where the part stands in the
    question.
    """

    at: int
    part: int
    currency: str
    tokens: int
    requests: int
    pico: int


class Place(NamedTuple):
    """Where calls are made: a project, a key, a set of tags."""

    project_id: str
    key_id: str
    tags: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sums: days as the tables write them, or hours of a zone's day, in [first, end)."""

    grain: str
    first: datetime
    end: datetime
    zone: str
    pieces: Sequence[str]

    def params(self) -> dict[str, object]:
        """Return what the queries are given; a label is of the customer's zone, so a day wider."""
        given: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        given["pieces"] = list(self.pieces)
        first, last = self.first - _DAY, self.end + _DAY
        return given | {"first_month": f"{first:%Y-%m}", "last_month": f"{last:%Y-%m}"}


# Two weeks of hours come to 24 of each article: those are priced, not every row.
BY_MODEL: Final = """
    WITH used AS (
        SELECT CASE s.grain WHEN 'day' THEN extract(epoch FROM s.at)::bigint / 86400
                    ELSE extract(hour FROM s.at AT TIME ZONE %(zone)s)::bigint END AS at,
               s.model, s.meter, s.sale_rate, sum(s.quantity) AS quantity
        FROM usage_sum_model s
        WHERE s.customer_id = %(customer_id)s AND s.grain = %(grain)s
          AND s.month BETWEEN %(first_month)s AND %(last_month)s
          AND s.at >= %(first)s AND s.at < %(end)s
          AND s.state IN ('measured', 'partial')
        GROUP BY 1, s.model, s.meter, s.sale_rate
    )
    SELECT u.at, p.part, coalesce(sale.currency, '') AS currency,
           coalesce(sum(u.quantity) FILTER (WHERE u.sale_rate <> 0 AND u.meter <> ALL (%(pieces)s)),
                    0)::bigint AS tokens,
           coalesce(sum(u.quantity) FILTER (WHERE u.meter = 'requests'), 0)::bigint AS requests,
           coalesce(sum(u.quantity * sale.pico), 0) AS pico
    FROM used u
    JOIN unnest(%(models)s::text[], %(parts)s::int[]) AS p (model, part)
      ON p.model IS NULL OR p.model = u.model
    LEFT JOIN rate sale ON sale.rate_id = u.sale_rate
    GROUP BY u.at, p.part, sale.currency
"""


def by_model(
    tx: Tx, customer_id: CustomerId, asked: Asked, parts: Sequence[tuple[int, str | None]]
) -> list[Row]:
    """Return what was billed of each part, which is a model, or all of them (None)."""
    models = {"models": [model for _, model in parts], "parts": [part for part, _ in parts]}
    return tx.rows(Row, BY_MODEL, customer_id=customer_id, **asked.params(), **models)


BY_PLACE: Final = """
    SELECT extract(epoch FROM s.at)::bigint / 86400 AS at, p.part, s.sale_currency AS currency,
           coalesce(sum(s.quantity) FILTER (WHERE s.sale_currency <> ''
                                            AND s.meter <> ALL (%(pieces)s)), 0)::bigint AS tokens,
           coalesce(sum(s.quantity) FILTER (WHERE s.meter = 'requests'), 0)::bigint AS requests,
           coalesce(sum(s.sale_pico), 0) AS pico
    FROM usage_sum_place s
    JOIN unnest(%(projects)s::text[], %(keys)s::text[], %(tags)s::text[], %(parts)s::int[])
         AS p (project_id, key_id, tags, part) USING (project_id, key_id, tags)
    WHERE s.customer_id = %(customer_id)s AND s.grain = %(grain)s
      AND s.month BETWEEN %(first_month)s AND %(last_month)s
      AND s.at >= %(first)s AND s.at < %(end)s
      AND s.billed
    GROUP BY 1, p.part, s.sale_currency
"""


def by_place(
    tx: Tx, customer_id: CustomerId, asked: Asked, parts: Sequence[tuple[int, Place]]
) -> list[Row]:
    """Return what was billed of each part on each day; a part is some places."""
    where = {
        "projects": [place.project_id for _, place in parts],
        "keys": [place.key_id for _, place in parts],
        "tags": [place.tags for _, place in parts],
        "parts": [part for part, _ in parts],
    }
    return tx.rows(Row, BY_PLACE, customer_id=customer_id, **asked.params(), **where)


HOURS_OF_PROJECTS: Final = """
    SELECT extract(epoch FROM h.at)::bigint AS at, 0 AS part, p.currency, p.tokens, p.requests,
           p.pico
    FROM unnest(%(months)s::char(7)[], %(hours)s::timestamptz[]) AS h (month, at)
    CROSS JOIN LATERAL (
        SELECT s.sale_currency AS currency,
               coalesce(sum(s.quantity) FILTER (WHERE s.sale_currency <> ''
                                                AND s.meter <> ALL (%(pieces)s)), 0)::bigint
                   AS tokens,
               coalesce(sum(s.quantity) FILTER (WHERE s.meter = 'requests'), 0)::bigint
                   AS requests,
               coalesce(sum(s.sale_pico), 0) AS pico
        FROM usage_sum_place s
        WHERE s.customer_id = %(customer_id)s AND s.grain = 'hour' AND s.month = h.month
          AND s.at = h.at AND s.project_id = ANY (%(projects)s) AND s.billed
        GROUP BY s.sale_currency) p
"""


def hours_of_projects(
    tx: Tx,
    customer_id: CustomerId,
    projects: Sequence[str],
    hours: Sequence[tuple[str, datetime]],
    pieces: Sequence[str],
) -> list[Row]:
    """Return what was billed of projects in each hour, which is named with its month label.

    Hour by hour, so that of everybody else's keys nothing is read: sums lie by label, hour and
    project. `at` of a row is the hour's second since 1970.
    """
    return tx.rows(
        Row,
        HOURS_OF_PROJECTS,
        customer_id=customer_id,
        projects=list(projects),
        months=[month for month, _ in hours],
        hours=[hour for _, hour in hours],
        pieces=list(pieces),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    project_id: str
    key_id: str
    tags: str


PLACES: Final = """
    SELECT DISTINCT project_id, key_id, tags FROM usage_dimension
    WHERE customer_id = %(customer_id)s
"""


def places(tx: Tx, customer_id: CustomerId) -> list[Place]:
    """Return where a customer's calls were ever made."""
    rows = tx.rows(_Place, PLACES, customer_id=customer_id)
    return [Place(row.project_id, row.key_id, row.tags) for row in rows]
