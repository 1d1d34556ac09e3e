-- 0008_pre_create_reconciliation
-- Why: what providers report and charge is kept beside what we metered, and finance carries entries
--      over into its own books exactly once (issue 3, points 2 and 6).
-- Lock: none that matters; new tables only.

SET LOCAL lock_timeout = '5s';

-- assurance/reconcile: our metering beside the provider's reports ---------------------------------

-- A file is on file once per account, month and source; the newest by `as_of` counts.
-- No foreign key to provider_account: an account is renamed in the house file, a report stays.
CREATE TABLE provider_report (
    report_id   TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL,
    month       CHAR(7) NOT NULL,
    source      TEXT NOT NULL,
    says        TEXT NOT NULL CHECK (says IN ('usage', 'cost', 'both')),
    zone        TEXT NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    meters      TEXT[] NOT NULL,
    folds       JSONB NOT NULL,
    grain_pico  BIGINT NOT NULL CHECK (grain_pico > 0),
    file_name   TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    as_of       TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    imported_at TIMESTAMPTZ NOT NULL,
    UNIQUE (account_id, month, source, sha256)
);

-- A day's charge stays below 9.2 million units, but a whole month of a large account may not.
CREATE TABLE provider_report_line (
    report_id TEXT NOT NULL REFERENCES provider_report,
    position  INTEGER NOT NULL,
    line      INTEGER NOT NULL,
    day       DATE NOT NULL,
    model     TEXT NOT NULL,
    meter     TEXT NOT NULL,
    quantity  NUMERIC(38,0),
    cost_pico NUMERIC(38,0),
    note      TEXT NOT NULL,
    PRIMARY KEY (report_id, position)
);

-- What was found when somebody reconciled; a later run is a later row.
CREATE TABLE reconciliation (
    reconciliation_id TEXT PRIMARY KEY,
    account_id        TEXT NOT NULL,
    month             CHAR(7) NOT NULL,
    currency          TEXT NOT NULL,
    report_ids        TEXT[] NOT NULL,
    ours_pico         NUMERIC(38,0) NOT NULL,
    theirs_pico       NUMERIC(38,0) NOT NULL,
    explained_pico    NUMERIC(38,0) NOT NULL,
    unexplained_pico  NUMERIC(38,0) NOT NULL,
    cells             INTEGER NOT NULL,
    passes            BOOLEAN NOT NULL,
    at                TIMESTAMPTZ NOT NULL,
    by                TEXT NOT NULL
);
CREATE INDEX reconciliation_month ON reconciliation (account_id, month, at);

CREATE TABLE reconciliation_difference (
    reconciliation_id TEXT NOT NULL REFERENCES reconciliation,
    position          INTEGER NOT NULL,
    day               DATE NOT NULL,
    model             TEXT NOT NULL,
    meter             TEXT NOT NULL,
    cause             TEXT NOT NULL,
    quantity          NUMERIC(38,0) NOT NULL,
    pico              NUMERIC(38,0) NOT NULL,
    why               TEXT NOT NULL,
    PRIMARY KEY (reconciliation_id, position)
);

GRANT SELECT, INSERT ON provider_report, provider_report_line, reconciliation,
    reconciliation_difference TO yuejie_app;
