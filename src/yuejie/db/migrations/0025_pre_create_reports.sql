-- 0025_pre_create_reports
-- Why: saved reports, due at an hour of their owner's zone; what was made of each, with its hash;
--      a due instant is made once, whoever tries.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE report (
    report_id   TEXT PRIMARY KEY,
    customer_id TEXT REFERENCES customer,
    name        TEXT NOT NULL CHECK (name <> ''),
    spec        JSONB NOT NULL,
    recipients  TEXT[] NOT NULL,
    schedule    JSONB,
    zone        TEXT NOT NULL,
    next_at     TIMESTAMPTZ,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    ended_at    TIMESTAMPTZ,
    CHECK (next_at IS NULL OR (schedule IS NOT NULL AND ended_at IS NULL))
);
CREATE UNIQUE INDEX report_name ON report (coalesce(customer_id, ''), name) WHERE ended_at IS NULL;
CREATE INDEX report_due ON report (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE report_run (
    run_id      TEXT PRIMARY KEY,
    report_id   TEXT NOT NULL REFERENCES report,
    customer_id TEXT REFERENCES customer,
    due_at      TIMESTAMPTZ,
    since       TIMESTAMPTZ NOT NULL,
    until       TIMESTAMPTZ NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    made_by     TEXT NOT NULL,
    rows        INTEGER NOT NULL,
    sha256      BYTEA NOT NULL,
    sent        INTEGER NOT NULL,
    content     BYTEA NOT NULL,
    UNIQUE (report_id, due_at)
);
CREATE INDEX report_run_of ON report_run (report_id, run_id);

GRANT SELECT, INSERT ON report, report_run TO yuejie_app;
GRANT UPDATE (name, spec, recipients, schedule, next_at, ended_at) ON report TO yuejie_app;
