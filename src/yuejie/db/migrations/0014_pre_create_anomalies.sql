-- 0014_pre_create_anomalies
-- Why: what each series of usage normally is, how far the clerk has taken hours and days, and what
--      was found to have changed.
-- Lock: creates only.
--
-- States of series are a projection of the rollups: they may be dropped and learnt again. Findings
-- and people's word on them are truth; a key names series, rule and period, so none is found twice.
-- Quantities and picos are NUMERIC(38,0): picos outgrow 64 bits.

SET LOCAL lock_timeout = '5s';

CREATE TABLE anomaly_cursor (
    customer_id   TEXT PRIMARY KEY REFERENCES customer,
    hours_through TIMESTAMPTZ NOT NULL,
    days_through  DATE NOT NULL
);

CREATE TABLE anomaly_series (
    series_id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id  TEXT NOT NULL REFERENCES customer,
    grain        TEXT NOT NULL CHECK (grain IN ('hour', 'day')),
    scope        TEXT NOT NULL CHECK (scope IN ('customer', 'project', 'key', 'model')),
    name         TEXT NOT NULL,
    measure      TEXT NOT NULL CHECK (measure IN ('cost', 'tokens', 'requests', 'errors')),
    used_at      TIMESTAMPTZ NOT NULL,
    state        BYTEA NOT NULL,
    UNIQUE (customer_id, grain, scope, name, measure)
);

-- People's word on a scope, for all of its measures: kept apart from the states, which are dropped.
CREATE TABLE anomaly_word (
    customer_id  TEXT NOT NULL REFERENCES customer,
    scope        TEXT NOT NULL,
    name         TEXT NOT NULL,
    false_alarms SMALLINT NOT NULL DEFAULT 0,
    muted_until  TIMESTAMPTZ,
    PRIMARY KEY (customer_id, scope, name)
);

CREATE TABLE anomaly_finding (
    finding_id  TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    key         TEXT NOT NULL UNIQUE,
    grain       TEXT NOT NULL CHECK (grain IN ('hour', 'day')),
    scope       TEXT NOT NULL CHECK (scope IN ('customer', 'project', 'key', 'model')),
    name        TEXT NOT NULL,
    measure     TEXT NOT NULL CHECK (measure IN ('cost', 'tokens', 'requests', 'errors')),
    rule        TEXT NOT NULL
                CHECK (rule IN ('learnt', 'sudden', 'day_over_day', 'month_over_month')),
    since       TIMESTAMPTZ NOT NULL,
    last_at     TIMESTAMPTZ NOT NULL,
    found_at    TIMESTAMPTZ NOT NULL,
    expected    NUMERIC(38,0) NOT NULL,
    observed    NUMERIC(38,0) NOT NULL,
    score_milli INTEGER NOT NULL,
    key_id      TEXT NOT NULL,
    model       TEXT NOT NULL,
    shares      JSONB NOT NULL,
    extra_pico  NUMERIC(38,0) NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    state       TEXT NOT NULL CHECK (state IN ('open', 'acknowledged', 'muted', 'closed')),
    quiet       SMALLINT NOT NULL DEFAULT 0,
    feedback    TEXT NOT NULL DEFAULT '' CHECK (feedback IN ('', 'true', 'false'))
);
CREATE INDEX anomaly_finding_customer ON anomaly_finding (customer_id, finding_id);
CREATE INDEX anomaly_finding_going ON anomaly_finding (customer_id) WHERE state <> 'closed';

CREATE TABLE anomaly_transition (
    transition_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id    TEXT NOT NULL REFERENCES anomaly_finding,
    at            TIMESTAMPTZ NOT NULL,
    event         TEXT NOT NULL,
    was           TEXT NOT NULL,
    became        TEXT NOT NULL,
    by            TEXT NOT NULL,
    why           TEXT NOT NULL
);
CREATE INDEX anomaly_transition_finding ON anomaly_transition (finding_id, at);

GRANT SELECT, INSERT ON anomaly_cursor, anomaly_series, anomaly_word, anomaly_finding,
                        anomaly_transition TO yuejie_app;
GRANT UPDATE (hours_through, days_through) ON anomaly_cursor TO yuejie_app;
GRANT UPDATE (used_at, state), DELETE ON anomaly_series TO yuejie_app;
GRANT UPDATE (false_alarms, muted_until) ON anomaly_word TO yuejie_app;
GRANT UPDATE (last_at, expected, observed, score_milli, extra_pico, state, quiet, feedback)
    ON anomaly_finding TO yuejie_app;
