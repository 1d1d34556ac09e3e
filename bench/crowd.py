"""A house of a hundred million calls a month, as its tables would stand: only the SQL that fills.

A thousand customers; the largest has 200 keys that all use all of 20 models, nine have 50 × 10,
ninety 10 × 5, the others 2 × 2. A cell's quantity is a × b: of who and what, and of the day; so the
sums by model and by place follow from each other exactly.
"""

from typing import Final

from yuejie.db.session import Tx

CUSTOMERS: Final = 1_000
ASKED: Final = (0, 5)
"""Customers that are asked about: of these the hours of 62 days are there, which sums keep."""
FIRST_DAY: Final = "2025-11-01"
LAST_DAY: Final = "2026-11-20"
REPRICED: Final = "2026-05-01"
"""A second revision of the prices: from here on usage has other rates."""
RECENT: Final = "2026-09-20"
"""Days of all customers from here on; before, whole cells of the ten largest only."""

FURNISH: Final = (
    """
    INSERT INTO customer (customer_id, slug, legal_name, zone, currency, created_at, tag_names)
    SELECT 'cus_crowd' || lpad(c::text, 28, '0'), 'crowd-' || c, '基准测试 ' || c || ' 有限公司',
           'Asia/Shanghai', 'CNY', '2025-01-01T00:00Z', '{team}'
    FROM generate_series(0, %(last)s) AS c
    """,
    """
    INSERT INTO book (book_id, kind, currency, created_at)
    VALUES ('crowd', 'sale', 'CNY', '2025-01-01T00:00Z')
    """,
    """
    INSERT INTO book_revision (book_id, revision, starts_at, published_at, source, body_hash)
    SELECT 'crowd', r, '2025-01-01T00:00Z', '2025-01-01T00:00Z', '基准测试', ''::bytea
    FROM generate_series(1, 2) AS r
    """,
    """
    INSERT INTO rate (book_id, revision, model, meter, pico, currency)
    SELECT 'crowd', r, 'model-' || m, meter, (1 + m) * weight * (10 + r) * 100000, 'CNY'
    FROM generate_series(1, 2) AS r, generate_series(0, 19) AS m,
         (VALUES ('input', 2), ('cache_read', 1), ('output', 8)) AS meters (meter, weight)
    """,
    """
    INSERT INTO model (model_id, mode, created_at)
    SELECT 'model-' || m, 'chat', '2025-01-01T00:00Z' FROM generate_series(0, 19) AS m
    """,
    """
    INSERT INTO usage_dimension (customer_id, project_id, key_id, tags, deployment_id)
    SELECT 'cus_crowd' || lpad(c::text, 28, '0'), 'prj_' || c || '_' || k %% 8,
           'key_crowd_' || c || '_' || lpad(k::text, 20, '0'),
           (ARRAY['', 'team=a', 'team=b', 'team=c'])[1 + k %% 4], 'model-' || m || '/main'
    FROM generate_series(0, %(last)s) AS c
    CROSS JOIN LATERAL (SELECT CASE WHEN c = 0 THEN 200 WHEN c < 10 THEN 50 WHEN c < 100 THEN 10
                                    ELSE 2 END AS keys,
                               CASE WHEN c = 0 THEN 20 WHEN c < 10 THEN 10 WHEN c < 100 THEN 5
                                    ELSE 2 END AS models) AS shape
    CROSS JOIN LATERAL generate_series(0, keys - 1) AS k
    CROSS JOIN LATERAL generate_series(0, models - 1) AS m
    """,
    """
    INSERT INTO project (project_id, customer_id, name, created_at)
    SELECT DISTINCT project_id, customer_id, 'project-' || split_part(project_id, '_', 3),
           '2025-01-01T00:00Z'::timestamptz
    FROM usage_dimension
    """,
    """
    INSERT INTO api_key (key_id, customer_id, project_id, name, digest, hint, tags, created_at)
    SELECT DISTINCT key_id, customer_id, project_id, substr(key_id, 11),
           convert_to(key_id, 'UTF8'), right(key_id, 4), tags, '2025-01-01T00:00Z'::timestamptz
    FROM usage_dimension
    """,
    """
    INSERT INTO contract (contract_id, version, customer_id, sale_book, currency, zone, fx_policy,
                          tax_mode, tax_ppm, starts_at, signed_at)
    SELECT replace(customer_id, 'cus_', 'con_'), 1, customer_id, 'crowd', 'CNY', zone, 'none',
           'inclusive', 60000, '2025-10-31T16:00Z', '2025-10-01T00:00Z'
    FROM customer
    """,
    """
    INSERT INTO month_close (month, customer_id, epoch, closed_at)
    SELECT to_char(m, 'YYYY-MM'), customer_id, 1, m + INTERVAL '33 days'
    FROM customer, generate_series('2025-11-01'::date, '2026-10-01', INTERVAL '1 month') AS m
    """,
    """
    CREATE TABLE crowd_cell AS
    SELECT d.*, substr(d.customer_id, 10)::int AS c, split_part(d.deployment_id, '/', 1) AS model,
           m.meter, (1 + d.dimension_id %% 7) * m.size AS a,
           coalesce(one.rate_id, 0) AS rate_1, coalesce(two.rate_id, 0) AS rate_2,
           coalesce(one.pico, 0) AS pico_1, coalesce(two.pico, 0) AS pico_2
    FROM usage_dimension d
    CROSS JOIN (VALUES ('input', 900), ('cache_read', 300), ('output', 200), ('requests', 1))
               AS m (meter, size)
    LEFT JOIN rate one ON one.book_id = 'crowd' AND one.revision = 1 AND one.meter = m.meter
                      AND one.model = split_part(d.deployment_id, '/', 1)
    LEFT JOIN rate two ON two.book_id = 'crowd' AND two.revision = 2 AND two.meter = m.meter
                      AND two.model = split_part(d.deployment_id, '/', 1)
    """,
    """
    CREATE TABLE crowd_day AS
    SELECT 'day' AS grain, day AS at, to_char(day, 'YYYY-MM') AS month,
           day >= %(repriced)s AS later, 100 + (extract(doy FROM day)::int * 37) %% 50 AS b
    FROM generate_series(%(first)s::timestamptz, %(final)s, INTERVAL '1 day') AS day
    """,
    """
    INSERT INTO crowd_day
    SELECT grain, at, month, later, sum(b)
    FROM (SELECT 'month' AS grain, (month || '-01')::timestamptz AS at, month, later, b
          FROM crowd_day
          UNION ALL
          SELECT 'week', date_trunc('week', at), month, later, b FROM crowd_day) AS longer
    GROUP BY 1, 2, 3, 4
    """,
    """
    CREATE TABLE crowd_hour AS
    SELECT hour, to_char(hour AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month,
           1 + (extract(hour FROM hour)::int * 7) %% 12 AS b,
           hour >= %(through)s::timestamptz - INTERVAL '47 hours' AS is_recent
    FROM generate_series(%(through)s::timestamptz - INTERVAL '62 days',
                         %(through)s::timestamptz - INTERVAL '1 hour', INTERVAL '1 hour') AS hour
    """,
    "ANALYZE crowd_cell",
    "ANALYZE crowd_day",
)
FILL: Final = (
    "ALTER TABLE usage_sum_whole DROP CONSTRAINT usage_sum_whole_pkey",
    "ALTER TABLE usage_sum_model DROP CONSTRAINT usage_sum_model_pkey",
    "ALTER TABLE usage_sum_place DROP CONSTRAINT usage_sum_place_pkey",
    """
    INSERT INTO usage_sum_whole
    SELECT dimension_id, grain, month, at, model, meter,
           CASE WHEN later THEN rate_2 ELSE rate_1 END, CASE WHEN later THEN rate_2 ELSE rate_1 END,
           'measured', a::bigint * b
    FROM crowd_day, crowd_cell
    WHERE c < 10 OR grain <> 'day' OR at >= %(recent)s
    """,
    """
    INSERT INTO usage_sum_model
    SELECT customer_id, grain, month, at, deployment_id, model, meter,
           CASE WHEN later THEN rate_2 ELSE rate_1 END, CASE WHEN later THEN rate_2 ELSE rate_1 END,
           'measured', a * b
    FROM crowd_day, (
        SELECT customer_id, deployment_id, model, meter, rate_1, rate_2, sum(a)::bigint AS a
        FROM crowd_cell GROUP BY 1, 2, 3, 4, 5, 6) AS cells
    """,
    """
    INSERT INTO usage_sum_place
    SELECT customer_id, grain, month, at, project_id, key_id, tags, meter, TRUE,
           CASE WHEN priced THEN 'CNY' ELSE '' END, CASE WHEN priced THEN 'CNY' ELSE '' END, a * b,
           CASE WHEN later THEN worth_2 ELSE worth_1 END * b,
           CASE WHEN later THEN worth_2 ELSE worth_1 END * b
    FROM crowd_day, (
        SELECT customer_id, project_id, key_id, tags, meter, rate_1 <> 0 AS priced,
               sum(a)::bigint AS a, sum(a * pico_1::numeric) AS worth_1,
               sum(a * pico_2::numeric) AS worth_2
        FROM crowd_cell GROUP BY 1, 2, 3, 4, 5, 6) AS cells
    """,
    """
    INSERT INTO usage_sum_model
    SELECT customer_id, 'hour', month, hour, deployment_id, model, meter, rate_2, rate_2,
           'measured', a * b
    FROM crowd_hour JOIN (
        SELECT c, customer_id, deployment_id, model, meter, rate_2, sum(a)::bigint AS a
        FROM crowd_cell GROUP BY 1, 2, 3, 4, 5, 6) AS cells ON c = ANY(%(asked)s) OR is_recent
    """,
    """
    INSERT INTO usage_sum_place
    SELECT customer_id, 'hour', month, hour, project_id, key_id, tags, meter, TRUE,
           CASE WHEN priced THEN 'CNY' ELSE '' END, CASE WHEN priced THEN 'CNY' ELSE '' END, a * b,
           worth * b, worth * b
    FROM crowd_hour JOIN (
        SELECT c, customer_id, project_id, key_id, tags, meter, rate_1 <> 0 AS priced,
               sum(a)::bigint AS a, sum(a * pico_2::numeric) AS worth
        FROM crowd_cell GROUP BY 1, 2, 3, 4, 5, 6, 7) AS cells ON c = ANY(%(asked)s) OR is_recent
    """,
    """
    ALTER TABLE usage_sum_whole
    ADD PRIMARY KEY (dimension_id, grain, month, at, model, meter, sale_rate, cost_rate, state)
    """,
    """
    ALTER TABLE usage_sum_model
    ADD PRIMARY KEY (customer_id, grain, month, at, deployment_id, model, meter, sale_rate,
                     cost_rate, state)
    """,
    """
    ALTER TABLE usage_sum_place
    ADD PRIMARY KEY (customer_id, grain, month, at, project_id, key_id, tags, meter, billed,
                     sale_currency, cost_currency)
    """,
    """
    INSERT INTO usage_rollup (month, hour, dimension_id, model, meter, sale_rate, cost_rate, state,
                              epoch, quantity)
    SELECT '2026-11', hour, dimension_id, model, meter, rate_2, rate_2, 'measured', 1, a
    FROM generate_series(%(through)s::timestamptz - INTERVAL '47 hours',
                         %(through)s::timestamptz, INTERVAL '1 hour') AS hour,
         crowd_cell
    WHERE c = 0 OR hour > %(through)s::timestamptz - INTERVAL '12 hours'
    """,
    """
    INSERT INTO provider_account (account_id, provider, platform, base_url, region, credential,
                                  created_at)
    VALUES ('crowd', 'openai', 'openai', 'https://example.invalid', 'cn', '', '2025-01-01T00:00Z')
    """,
    """
    INSERT INTO capacity_hour (account_id, upstream_model, hour, requests, tokens, throttled,
                               requests_peak, requests_minute, tokens_peak, tokens_minute)
    SELECT 'crowd', CASE m WHEN 20 THEN '' ELSE 'model-' || m END, hour, 140000, 196000000, 0,
           2400 + (m * 37 + extract(hour FROM hour)::int * 29) %% 900, hour,
           3400000 + (m * 41 + extract(hour FROM hour)::int * 31) %% 900 * 1000, hour
    FROM generate_series(0, 20) AS m,
         generate_series(%(through)s::timestamptz - INTERVAL '400 days',
                         %(through)s::timestamptz - INTERVAL '1 hour', INTERVAL '1 hour') AS hour
    """,
    """
    INSERT INTO anomaly_finding (finding_id, customer_id, key, grain, scope, name, measure, rule,
                                 since, last_at, found_at, expected, observed, score_milli, key_id,
                                 model, shares, extra_pico, currency, state)
    SELECT 'ano_' || lpad(n::text, 28, '0'), customer_id, 'crowd-' || n, 'hour', 'key', key_id,
           'cost', 'learnt', at, at, at, 1000000000000, 5000000000000, 9000, key_id, model,
           '{"by_key": [], "by_model": [], "periods": []}', 4000000000000, 'CNY', 'closed'
    FROM (SELECT row_number() OVER () AS n, customer_id, key_id, model,
                 %(through)s::timestamptz - INTERVAL '7 hours' * row_number() OVER () AS at
          FROM (SELECT DISTINCT customer_id, key_id, model FROM crowd_cell) AS series) AS found
    WHERE n <= 10000
    """,
    "UPDATE usage_summed SET through = %(through)s, late_before = %(through)s",
    "ANALYZE",
)


def fill(tx: Tx, through: str) -> None:
    """Fill an empty house, its sums up to an hour; only its owner may."""
    given = {
        "last": CUSTOMERS - 1,
        "first": FIRST_DAY,
        "final": LAST_DAY,
        "repriced": REPRICED,
        "recent": RECENT,
        "through": through,
        "asked": list(ASKED),
    }
    for statement in (*FURNISH, *FILL):
        tx.run(statement, **given)


SIZE: Final = "SELECT pg_total_relation_size(%(table)s::regclass)"
ROWS: Final = """
    SELECT reltuples::bigint FROM pg_class WHERE oid = %(table)s::regclass
"""


def size_of(tx: Tx, table: str) -> tuple[int, int]:
    """Return about how many rows a table has, and how many bytes with its indexes."""
    return int(tx.value(ROWS, table=table)), int(tx.value(SIZE, table=table))


TOTAL: Final = """
    SELECT sum(quantity) FROM usage_sum_model s
    WHERE customer_id = %(customer_id)s AND grain = 'month' AND meter = 'requests'
"""
LIVE: Final = """
    SELECT coalesce(sum(r.quantity), 0)
    FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = %(customer_id)s AND r.meter = 'requests' AND r.hour >= %(through)s
"""


def requests_of(tx: Tx, customer_id: str, through: str) -> int:
    """Return how many calls of a customer the tables hold, summed and live."""
    summed = int(tx.value(TOTAL, customer_id=customer_id))
    return summed + int(tx.value(LIVE, customer_id=customer_id, through=through))
