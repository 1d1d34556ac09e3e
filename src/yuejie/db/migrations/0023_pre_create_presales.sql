-- 0023_pre_create_presales
-- Why: what a prospect needs, the usage it hands in, and what it is quoted, are kept before there is
--      a customer; everything only grows, so that whoever was offered something can be shown it.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE prospect (
    prospect_id TEXT PRIMARY KEY,
    slug        TEXT NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name        TEXT NOT NULL CHECK (name <> ''),
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL
);

CREATE TABLE prospect_form (
    prospect_id TEXT NOT NULL REFERENCES prospect,
    version     INTEGER NOT NULL CHECK (version > 0),
    body        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (prospect_id, version)
);

-- What the operator thinks of a model; the last word about it counts.
CREATE TABLE model_grade (
    grade_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id TEXT NOT NULL REFERENCES model,
    quality  TEXT NOT NULL CHECK (quality IN ('basic', 'standard', 'advanced')),
    tasks    TEXT[] NOT NULL,
    source   TEXT NOT NULL CHECK (source <> ''),
    made_by  TEXT NOT NULL,
    made_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX model_grade_of ON model_grade (model_id, grade_id);

-- The last one counts; none: the default of presales/prospects.py.
CREATE TABLE margin_floor (
    floor_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ppm      INTEGER NOT NULL CHECK (ppm BETWEEN 0 AND 999999),
    made_by  TEXT NOT NULL,
    made_at  TIMESTAMPTZ NOT NULL
);

-- A file of past usage, in sums: no event, no customer, nothing that is ever billed.
CREATE TABLE prospect_usage (
    import_id   TEXT PRIMARY KEY,
    prospect_id TEXT NOT NULL REFERENCES prospect,
    name        TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    row_count   BIGINT NOT NULL,
    rejected    BIGINT NOT NULL,
    zone        TEXT NOT NULL,
    made_by     TEXT NOT NULL,
    made_at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX prospect_usage_of ON prospect_usage (prospect_id, import_id);

-- Calls that no price list tells apart: same slot, project, model, tier and context step.
CREATE TABLE prospect_usage_cell (
    import_id      TEXT NOT NULL REFERENCES prospect_usage,
    month          TEXT NOT NULL,
    started_us     BIGINT NOT NULL,
    project        TEXT NOT NULL,
    model          TEXT NOT NULL,
    service_tier   TEXT NOT NULL,
    context_tokens BIGINT NOT NULL,
    meter          TEXT NOT NULL,
    quantity       NUMERIC(38, 0) NOT NULL
);
CREATE INDEX prospect_usage_cell_of ON prospect_usage_cell (import_id);

CREATE TABLE quote (
    quote_id     TEXT PRIMARY KEY,
    prospect_id  TEXT NOT NULL REFERENCES prospect,
    version      INTEGER NOT NULL CHECK (version > 0),
    form_version INTEGER NOT NULL,
    import_id    TEXT REFERENCES prospect_usage,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'ready', 'rejected', 'offered',
                                                'accepted', 'withdrawn')),
    body         TEXT NOT NULL,
    digest       TEXT NOT NULL,
    valid_until  DATE NOT NULL,
    made_by      TEXT NOT NULL,
    made_at      TIMESTAMPTZ NOT NULL,
    UNIQUE (prospect_id, version),
    FOREIGN KEY (prospect_id, form_version) REFERENCES prospect_form (prospect_id, version)
);

CREATE TABLE quote_transition (
    transition_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quote_id      TEXT NOT NULL REFERENCES quote,
    at            TIMESTAMPTZ NOT NULL,
    event         TEXT NOT NULL,
    was           TEXT NOT NULL,
    became        TEXT NOT NULL,
    by            TEXT NOT NULL,
    why           TEXT NOT NULL
);
CREATE INDEX quote_transition_of ON quote_transition (quote_id, transition_id);

GRANT SELECT, INSERT ON prospect, prospect_form, model_grade, margin_floor, prospect_usage,
    prospect_usage_cell, quote, quote_transition TO yuejie_app;
GRANT UPDATE (state) ON quote TO yuejie_app;
