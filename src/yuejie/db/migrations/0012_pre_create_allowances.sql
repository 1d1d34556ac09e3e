-- 0012_pre_create_allowances
-- Why: caps that hold. An allowance caps a measure over a window for a scope; gateways lease slices
--      of it, and the ingest of their journals turns what was leased into what was spent.
-- Lock: none on tables with rows, but a trigger on journal and allowance; under a second.

SET LOCAL lock_timeout = '5s';

-- A scope never changes; its cap does, and it ends. `number` is what journals call it.
CREATE TABLE allowance (
    number        INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    allowance_id  TEXT NOT NULL UNIQUE,
    customer_id   TEXT NOT NULL REFERENCES customer,
    name          TEXT NOT NULL CHECK (name <> ''),
    origin        TEXT NOT NULL CHECK (origin IN ('budget', 'credit', 'protection')),
    project_id    TEXT REFERENCES project,
    key_id        TEXT REFERENCES api_key,
    model         TEXT,
    tag           TEXT,
    measure       TEXT NOT NULL CHECK (measure IN ('money', 'tokens', 'requests', 'concurrency')),
    currency      TEXT NOT NULL CHECK (currency IN ('', 'CNY', 'USD')),
    period        TEXT NOT NULL CHECK (period IN ('minute', 'day', 'week', 'month', 'quarter',
                                                  'year', 'term', 'always')),
    cap           NUMERIC(38, 0) NOT NULL,          -- picos of the currency, or pieces
    mode          TEXT NOT NULL CHECK (mode IN ('soft', 'hard', 'paced')),
    output_bound  INTEGER CHECK (output_bound > 0),
    thresholds    JSONB NOT NULL DEFAULT '[]',      -- percent of actual use
    forecasts     JSONB NOT NULL DEFAULT '[]',      -- percent of what the period will come to
    why           TEXT NOT NULL DEFAULT '',
    starts_at     TIMESTAMPTZ NOT NULL,
    ended_at      TIMESTAMPTZ,
    CHECK ((measure = 'money') = (currency <> '')),
    CHECK ((measure = 'concurrency') <= (period = 'always' AND mode <> 'paced'))
);
CREATE INDEX allowance_of_customer ON allowance (customer_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX allowance_name ON allowance (customer_id, name) WHERE ended_at IS NULL;

-- One period of an allowance in one unit. cap: in that unit, converted when the period was opened.
CREATE TABLE allowance_window (
    number     INTEGER NOT NULL REFERENCES allowance,
    starts_s   BIGINT NOT NULL,
    unit       TEXT NOT NULL CHECK (unit IN ('', 'CNY', 'USD')),
    ends_s     BIGINT NOT NULL CHECK (ends_s > starts_s),
    cap        NUMERIC(38, 0) NOT NULL,
    fx_id      BIGINT REFERENCES fx_rate,
    spent      NUMERIC(38, 0) NOT NULL DEFAULT 0,
    leased     NUMERIC(38, 0) NOT NULL DEFAULT 0 CHECK (leased >= 0),
    PRIMARY KEY (number, starts_s, unit)
);

-- What one journal was given of a window, used of it and gave back. presumed: given up as spent
-- because the journal is lost; it comes back if the journal is found.
CREATE TABLE allowance_grant (
    journal_id UUID NOT NULL,
    number     INTEGER NOT NULL,
    starts_s   BIGINT NOT NULL,
    unit       TEXT NOT NULL,
    granted    NUMERIC(38, 0) NOT NULL DEFAULT 0 CHECK (granted >= 0),
    used       NUMERIC(38, 0) NOT NULL DEFAULT 0 CHECK (used >= 0),
    returned   NUMERIC(38, 0) NOT NULL DEFAULT 0 CHECK (returned >= 0),
    presumed   NUMERIC(38, 0) NOT NULL DEFAULT 0 CHECK (presumed >= 0),
    PRIMARY KEY (journal_id, number, starts_s, unit),
    FOREIGN KEY (number, starts_s, unit) REFERENCES allowance_window
);
CREATE INDEX allowance_grant_of_window ON allowance_grant (number, starts_s, unit);

-- What a call counts for beyond its priced items while nobody knows better: its worst case.
CREATE TABLE allowance_estimate (
    event_id   UUID NOT NULL,
    number     INTEGER NOT NULL,
    starts_s   BIGINT NOT NULL,
    unit       TEXT NOT NULL,
    amount     NUMERIC(38, 0) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (event_id, number),
    FOREIGN KEY (number, starts_s, unit) REFERENCES allowance_window
);
CREATE INDEX allowance_estimate_of_window ON allowance_estimate (number, starts_s, unit);

-- A threshold is told once per window; eased: since it was told, use has fallen below it.
CREATE TABLE allowance_alert (
    number     INTEGER NOT NULL REFERENCES allowance,
    starts_s   BIGINT NOT NULL,
    basis      TEXT NOT NULL CHECK (basis IN ('actual', 'forecast')),
    percent    INTEGER NOT NULL CHECK (percent > 0),
    amount     NUMERIC(38, 0) NOT NULL,
    cap        NUMERIC(38, 0) NOT NULL,
    unit       TEXT NOT NULL,
    told_at    TIMESTAMPTZ NOT NULL,
    eased_at   TIMESTAMPTZ,
    PRIMARY KEY (number, starts_s, basis, percent)
);
CREATE INDEX allowance_alert_open ON allowance_alert (number) WHERE eased_at IS NULL;

-- Which journals lease, and whether they are over: a lease that comes late is refused.
CREATE TABLE allowance_journal (
    journal_id UUID PRIMARY KEY,
    ended      BOOLEAN NOT NULL DEFAULT false
);

CREATE TRIGGER allowance_snapshot AFTER INSERT OR UPDATE ON allowance
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
-- How many workers there are is part of the snapshot: without the database they share a rate.
CREATE TRIGGER journal_snapshot AFTER INSERT ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();

GRANT SELECT, INSERT ON allowance, allowance_window, allowance_grant, allowance_estimate,
                        allowance_alert, allowance_journal TO yuejie_app;
GRANT UPDATE (eased_at) ON allowance_alert TO yuejie_app;
GRANT UPDATE (ended) ON allowance_journal TO yuejie_app;
GRANT UPDATE (cap, output_bound, thresholds, forecasts, mode, why, ended_at) ON allowance TO yuejie_app;
GRANT UPDATE (cap, fx_id, spent, leased) ON allowance_window TO yuejie_app;
GRANT UPDATE (granted, used, returned, presumed) ON allowance_grant TO yuejie_app;
GRANT DELETE ON allowance_window, allowance_grant, allowance_estimate TO yuejie_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yuejie_app;
