-- 0018_pre_create_usage_sums
-- Why: a year of hours of a customer with hundreds of keys is tens of millions of rollup rows, and
--      every screenful of insight is to answer within 300 ms: sums of days and months, kept behind
--      a watermark so that the ingest writes nothing twice.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

-- Hours before `through` are in the sums; later ones are read from the rollups themselves.
-- What is added to an hour before `late_before` is also written to usage_late. `late_before` moves
-- first, while nobody adds usage; `through` follows it in the transaction that folds the hours.
CREATE TABLE usage_summed (
    only_row    BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    through     TIMESTAMPTZ NOT NULL,
    late_before TIMESTAMPTZ NOT NULL,
    CHECK (through <= late_before)
);
INSERT INTO usage_summed (through, late_before)
VALUES ('1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z');

-- Differences of hours that are summed already; each is folded once and goes in that transaction.
CREATE TABLE usage_late (
    late_id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month        CHAR(7) NOT NULL,
    hour         TIMESTAMPTZ NOT NULL,
    dimension_id INTEGER NOT NULL,
    model        TEXT NOT NULL,
    meter        TEXT NOT NULL,
    sale_rate    BIGINT NOT NULL,
    cost_rate    BIGINT NOT NULL,
    state        TEXT NOT NULL,
    quantity     NUMERIC(38,0) NOT NULL
);
CREATE INDEX usage_late_dimension ON usage_late (dimension_id);

-- Sums. `at` is when a bucket begins: of an hour the instant; local days, and the first days of
-- weeks and months, are written as that date's midnight in UTC, so that one column serves. A week
-- in two months has a row in each. Hours are kept for two months, behind which the rollups are read.
-- A quantity stays below 10^18: a hundred million calls of 10^9 tokens are a tenth of that.

-- Whole: by dimension, model and rates.
CREATE TABLE usage_sum_whole (
    dimension_id INTEGER NOT NULL,
    grain        TEXT NOT NULL CHECK (grain IN ('day', 'week', 'month')),
    month        CHAR(7) NOT NULL,
    at           TIMESTAMPTZ NOT NULL,
    model        TEXT NOT NULL,
    meter        TEXT NOT NULL,
    sale_rate    BIGINT NOT NULL,
    cost_rate    BIGINT NOT NULL,
    state        TEXT NOT NULL,
    quantity     BIGINT NOT NULL,
    PRIMARY KEY (dimension_id, grain, month, at, model, meter, sale_rate, cost_rate, state)
) WITH (fillfactor = 80);

-- What was used: without who used it.
CREATE TABLE usage_sum_model (
    customer_id   TEXT NOT NULL,
    grain         TEXT NOT NULL CHECK (grain IN ('hour', 'day', 'week', 'month')),
    month         CHAR(7) NOT NULL,
    at            TIMESTAMPTZ NOT NULL,
    deployment_id TEXT NOT NULL,
    model         TEXT NOT NULL,
    meter         TEXT NOT NULL,
    sale_rate     BIGINT NOT NULL,
    cost_rate     BIGINT NOT NULL,
    state         TEXT NOT NULL,
    quantity      BIGINT NOT NULL,
    PRIMARY KEY (customer_id, grain, month, at, deployment_id, model, meter, sale_rate, cost_rate,
                 state)
) WITH (fillfactor = 80);

-- Who used it: without what. Models have rates of their own, so here stands what came of them; a
-- currency is empty where there was no rate, and then the worth is zero.
CREATE TABLE usage_sum_place (
    customer_id   TEXT NOT NULL,
    grain         TEXT NOT NULL CHECK (grain IN ('hour', 'day', 'week', 'month')),
    month         CHAR(7) NOT NULL,
    at            TIMESTAMPTZ NOT NULL,
    project_id    TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    tags          TEXT NOT NULL,
    meter         TEXT NOT NULL,
    billed        BOOLEAN NOT NULL,
    sale_currency TEXT NOT NULL,
    cost_currency TEXT NOT NULL,
    quantity      BIGINT NOT NULL,
    sale_pico     NUMERIC(38,0) NOT NULL,
    cost_pico     NUMERIC(38,0) NOT NULL,
    PRIMARY KEY (customer_id, grain, month, at, project_id, key_id, tags, meter, billed,
                 sale_currency, cost_currency)
) WITH (fillfactor = 80);

GRANT SELECT, UPDATE ON usage_summed TO yuejie_app;
GRANT SELECT, INSERT, DELETE ON usage_late TO yuejie_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_sum_whole, usage_sum_model, usage_sum_place
    TO yuejie_app;
