-- 0032_pre_create_clouds
-- Why: bills of clouds (AWS, Azure, GCP, FOCUS) become lines of customers' bills. A period that is
--      delivered again is another revision of its statement; what was billed stays as it is, and
--      the difference is billed. Everything here is only ever added to.
-- Lock: ACCESS EXCLUSIVE on bill_line for its check, which every row passes; under 1 s.

SET LOCAL lock_timeout = '5s';

CREATE TABLE cloud_source (
    source          TEXT PRIMARY KEY CHECK (source ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name            TEXT NOT NULL,
    billing_account TEXT NOT NULL,
    tag_keys        TEXT[] NOT NULL,
    made_by         TEXT NOT NULL,
    made_at         TIMESTAMPTZ NOT NULL
);

-- Whose an account, a tag or the rest of a source is, from a month on. The most particular rule
-- holds, then the one that begins last, then the one made last. Without a customer: our own cost.
CREATE TABLE cloud_rule (
    rule_id     TEXT PRIMARY KEY,
    source      TEXT NOT NULL REFERENCES cloud_source,
    sub_account TEXT,
    tag_key     TEXT,
    tag_value   TEXT,
    customer_id TEXT REFERENCES customer,
    project_id  TEXT REFERENCES project,
    since       CHAR(7) NOT NULL,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    CHECK ((tag_key IS NULL) = (tag_value IS NULL)),
    CHECK (project_id IS NULL OR customer_id IS NOT NULL)
);
CREATE INDEX cloud_rule_of_source ON cloud_rule (source, made_at);

CREATE TABLE cloud_delivery (
    delivery_id TEXT PRIMARY KEY,
    source      TEXT NOT NULL REFERENCES cloud_source,
    dialect     TEXT NOT NULL,
    metric      TEXT NOT NULL CHECK (metric IN ('both', 'actual', 'amortized')),
    files       JSONB NOT NULL,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL
);

-- What a row may be told apart by when rules say whose it is.
CREATE TABLE cloud_place (
    delivery_id TEXT NOT NULL REFERENCES cloud_delivery,
    place       INTEGER NOT NULL,
    sub_account TEXT NOT NULL,
    tags        JSONB NOT NULL,
    PRIMARY KEY (delivery_id, place)
);

-- A row of a file, or a part of one where it holds two things (GCP: a cost and its credits).
-- Amounts are picos, exact; NULL where the file does not say that amount. `kept` is every other
-- column as it stood in the file.
CREATE TABLE cloud_row (
    delivery_id    TEXT NOT NULL REFERENCES cloud_delivery,
    row_number     BIGINT NOT NULL,
    part           SMALLINT NOT NULL,
    period         CHAR(7) NOT NULL,
    place          INTEGER NOT NULL,
    service        TEXT NOT NULL,
    category       TEXT NOT NULL,
    used_on        TEXT NOT NULL,
    description    TEXT NOT NULL,
    currency       TEXT NOT NULL,
    billed_pico    NUMERIC(38,0),
    effective_pico NUMERIC(38,0),
    kept           JSONB NOT NULL,
    PRIMARY KEY (delivery_id, period, row_number, part)
);

CREATE TABLE cloud_statement (
    statement_id TEXT PRIMARY KEY,
    source       TEXT NOT NULL REFERENCES cloud_source,
    period       CHAR(7) NOT NULL,
    revision     INTEGER NOT NULL CHECK (revision > 0),
    delivery_id  TEXT NOT NULL REFERENCES cloud_delivery,
    digest       BYTEA NOT NULL,
    epoch        BIGINT NOT NULL,
    why          TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    made_at      TIMESTAMPTZ NOT NULL,
    UNIQUE (source, period, revision)
);

-- Whose each place is under a statement; no customer and `ours`: our own, else nobody said.
CREATE TABLE cloud_assigned (
    statement_id TEXT NOT NULL REFERENCES cloud_statement,
    place        INTEGER NOT NULL,
    customer_id  TEXT REFERENCES customer,
    project_id   TEXT REFERENCES project,
    ours         BOOLEAN NOT NULL,
    PRIMARY KEY (statement_id, place)
);
CREATE INDEX cloud_assigned_of_customer ON cloud_assigned (customer_id, statement_id);

CREATE TABLE cloud_charge (
    statement_id   TEXT NOT NULL REFERENCES cloud_statement,
    customer_id    TEXT REFERENCES customer,
    project_id     TEXT REFERENCES project,
    ours           BOOLEAN NOT NULL,
    service        TEXT NOT NULL,
    category       TEXT NOT NULL,
    currency       TEXT NOT NULL,
    row_count      BIGINT NOT NULL,
    billed_pico    NUMERIC(38,0),
    effective_pico NUMERIC(38,0)
);
CREATE INDEX cloud_charge_of_statement ON cloud_charge (statement_id);
CREATE INDEX cloud_charge_of_customer ON cloud_charge (customer_id, statement_id);

ALTER TABLE bill_line DROP CONSTRAINT bill_line_kind_check;
ALTER TABLE bill_line ADD CONSTRAINT bill_line_kind_check CHECK (kind IN (
    'usage', 'late', 'tier_discount', 'package', 'true_up', 'management_fee', 'sla_credit',
    'voucher', 'adjustment', 'late_fee', 'break_fee', 'package_purchase', 'carried', 'cloud'));

GRANT SELECT, INSERT ON cloud_source, cloud_rule, cloud_delivery, cloud_place, cloud_row,
    cloud_statement, cloud_assigned, cloud_charge TO yuejie_app;
