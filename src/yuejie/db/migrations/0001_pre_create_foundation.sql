-- 0001_pre_create_foundation
-- Why: the tables of part 1: who asks, what was agreed, what was used, what is owed.
-- Lock: creates only; nothing exists before it.
--
-- Picos (10^-12 of a currency unit): rates fit BIGINT; charges do not (a BIGINT of picos overflows
-- at 9.2 million yuan), so every charge is NUMERIC(38,0). Fen are BIGINT.
-- Truth is append-only and the application role may not UPDATE or DELETE it; see the grants below.

SET LOCAL lock_timeout = '5s';

-- customers: who is asking? ---------------------------------------------------------------------

CREATE TABLE customer (
    customer_id   TEXT PRIMARY KEY,
    slug          TEXT NOT NULL UNIQUE,
    legal_name    TEXT NOT NULL,
    uscc          TEXT,
    tax_address   TEXT NOT NULL DEFAULT '',
    tax_phone     TEXT NOT NULL DEFAULT '',
    bank_name     TEXT NOT NULL DEFAULT '',
    bank_account  TEXT NOT NULL DEFAULT '',
    zone          TEXT NOT NULL,
    currency      TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    tag_names     TEXT[] NOT NULL DEFAULT '{}',
    state         TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE project (
    project_id        TEXT PRIMARY KEY,
    customer_id       TEXT NOT NULL REFERENCES customer,
    parent_id         TEXT REFERENCES project,
    name              TEXT NOT NULL,
    department        TEXT NOT NULL DEFAULT '',
    environment       TEXT NOT NULL DEFAULT '',
    allowed_providers TEXT[],
    allowed_regions   TEXT[],
    created_at        TIMESTAMPTZ NOT NULL,
    UNIQUE (customer_id, name)
);

CREATE TABLE api_key (
    key_id      TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    project_id  TEXT NOT NULL REFERENCES project,
    name        TEXT NOT NULL,
    digest      BYTEA NOT NULL UNIQUE,
    hint        TEXT NOT NULL,
    tags        TEXT NOT NULL DEFAULT '',
    task_type   TEXT NOT NULL DEFAULT '',
    priority    INTEGER NOT NULL DEFAULT 0,
    models      TEXT[],
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ,
    revoked_at  TIMESTAMPTZ,
    replaced_by TEXT REFERENCES api_key
);
CREATE INDEX api_key_customer ON api_key (customer_id);

-- contracts: what did we agree? -----------------------------------------------------------------

CREATE TABLE provider_account (
    account_id TEXT PRIMARY KEY,
    provider   TEXT NOT NULL,
    platform   TEXT NOT NULL,
    base_url   TEXT NOT NULL,
    region     TEXT NOT NULL,
    credential BYTEA NOT NULL,
    state      TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'drained')),
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE model (
    model_id         TEXT PRIMARY KEY,
    mode             TEXT NOT NULL,
    owner            TEXT NOT NULL DEFAULT '',
    context_window   BIGINT,
    max_output       BIGINT,
    capabilities     TEXT[] NOT NULL DEFAULT '{}',
    deprecation_date DATE,
    replacement      TEXT,
    backup_model     TEXT REFERENCES model,
    state            TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    created_at       TIMESTAMPTZ NOT NULL
);

CREATE TABLE deployment (
    deployment_id  TEXT PRIMARY KEY,
    model_id       TEXT NOT NULL REFERENCES model,
    account_id     TEXT NOT NULL REFERENCES provider_account,
    upstream_model TEXT NOT NULL,
    cost_model     TEXT NOT NULL,
    priority       INTEGER NOT NULL DEFAULT 0,
    weight         INTEGER NOT NULL DEFAULT 1 CHECK (weight > 0),
    state          TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'drained')),
    created_at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX deployment_model ON deployment (model_id);

CREATE TABLE book (
    book_id     TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('cost', 'sale', 'card')),
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    parent_book TEXT REFERENCES book,
    created_at  TIMESTAMPTZ NOT NULL,
    CHECK ((kind = 'card') = (parent_book IS NOT NULL))
);

-- A revision has a start and no end: the next one that names the same model ends it.
CREATE TABLE book_revision (
    book_id      TEXT NOT NULL REFERENCES book,
    revision     INTEGER NOT NULL,
    starts_at    TIMESTAMPTZ NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    source       TEXT NOT NULL,
    body_hash    BYTEA NOT NULL,
    approved_by  TEXT,
    fx_id        BIGINT,
    PRIMARY KEY (book_id, revision)
);

CREATE TABLE rate (
    rate_id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    book_id       TEXT NOT NULL,
    revision      INTEGER NOT NULL,
    model         TEXT NOT NULL,
    meter         TEXT NOT NULL,
    pico          BIGINT NOT NULL CHECK (pico >= 0),
    currency      TEXT NOT NULL,
    service_tier  TEXT NOT NULL DEFAULT 'default',
    context_above BIGINT NOT NULL DEFAULT 0,
    time_window   TEXT NOT NULL DEFAULT '',
    list_rate     BIGINT REFERENCES rate,
    origin        TEXT NOT NULL DEFAULT 'book',
    FOREIGN KEY (book_id, revision) REFERENCES book_revision,
    UNIQUE (book_id, revision, model, meter, service_tier, context_above, time_window)
);

CREATE TABLE fx_rate (
    fx_id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    base         TEXT NOT NULL,
    quote        TEXT NOT NULL,
    on_date      DATE NOT NULL,
    e8           BIGINT NOT NULL CHECK (e8 > 0),
    source       TEXT NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    UNIQUE (base, quote, on_date, published_at)
);
ALTER TABLE book_revision ADD FOREIGN KEY (fx_id) REFERENCES fx_rate;

-- Append-only versions; the newest that has started applies.
CREATE TABLE contract (
    contract_id TEXT NOT NULL,
    version     INTEGER NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    sale_book   TEXT NOT NULL REFERENCES book,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    zone        TEXT NOT NULL,
    fx_policy   TEXT NOT NULL CHECK (fx_policy IN ('none', 'card', 'bill')),
    tax_mode    TEXT NOT NULL CHECK (tax_mode IN ('inclusive', 'exclusive')),
    tax_ppm     INTEGER NOT NULL CHECK (tax_ppm >= 0),
    starts_at   TIMESTAMPTZ NOT NULL,
    signed_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (contract_id, version)
);
CREATE INDEX contract_customer ON contract (customer_id, starts_at);

-- usage: what was used? -------------------------------------------------------------------------

-- One row. Everything that adds usage reads it under a shared advisory lock;
-- closing bumps it under the exclusive one.
CREATE TABLE epoch (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    epoch    INTEGER NOT NULL
);
INSERT INTO epoch (epoch) VALUES (1);

CREATE TABLE epoch_closing (
    epoch     INTEGER PRIMARY KEY,
    closed_at TIMESTAMPTZ NOT NULL,
    why       TEXT NOT NULL,
    offsets   JSONB NOT NULL
);

-- `seen_at`: when reading to the journal's tail last began and found nothing left; every call
-- that ended before it is stored. Closing waits for it.
CREATE TABLE journal (
    journal_id UUID PRIMARY KEY,
    node       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('live', 'drained', 'parked')),
    segment    INTEGER NOT NULL,
    position   BIGINT NOT NULL,
    open_segment  INTEGER NOT NULL,
    open_position BIGINT NOT NULL,
    note       TEXT NOT NULL DEFAULT '',
    seen_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE usage_dimension (
    dimension_id  INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id   TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    tags          TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    UNIQUE (customer_id, project_id, key_id, tags, deployment_id)
);

-- Items are [[model, meter, quantity, sale_rate, cost_rate], …]; quantities are whole numbers.
CREATE TABLE usage_event (
    event_id       UUID NOT NULL,
    version        SMALLINT NOT NULL DEFAULT 1,
    operation_id   UUID NOT NULL,
    attempt        SMALLINT NOT NULL,
    customer_id    TEXT NOT NULL,
    dimension_id   INTEGER NOT NULL,
    month          CHAR(7) NOT NULL,
    hour           TIMESTAMPTZ NOT NULL,
    started_at     TIMESTAMPTZ NOT NULL,
    used_at        TIMESTAMPTZ NOT NULL,
    api            TEXT NOT NULL,
    model          TEXT NOT NULL,
    billable       BOOLEAN NOT NULL,
    state          TEXT NOT NULL
                   CHECK (state IN ('measured', 'partial', 'estimated', 'unmeasured', 'unpriced')),
    reason         TEXT NOT NULL,
    contract_id    TEXT NOT NULL,
    contract_version INTEGER NOT NULL,
    sale_book      TEXT NOT NULL,
    sale_revision  INTEGER NOT NULL,
    cost_book      TEXT NOT NULL,
    cost_revision  INTEGER NOT NULL,
    items          JSONB NOT NULL,
    context_tokens BIGINT NOT NULL,
    billed_model   TEXT NOT NULL,
    service_tier   TEXT NOT NULL,
    http_status    SMALLINT NOT NULL,
    outcome        TEXT NOT NULL,
    stream         BOOLEAN NOT NULL,
    first_byte_ms  INTEGER,
    response_id    TEXT NOT NULL,
    source         TEXT NOT NULL,
    facts          JSONB NOT NULL,
    epoch          INTEGER NOT NULL,
    recorded_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, version)
) PARTITION BY RANGE (event_id);
CREATE INDEX usage_event_recent ON usage_event (customer_id, event_id DESC);
CREATE INDEX usage_event_month ON usage_event (month, customer_id);
CREATE INDEX usage_event_open ON usage_event (state, event_id)
    WHERE state IN ('estimated', 'unmeasured', 'unpriced');
CREATE INDEX usage_event_operation ON usage_event (operation_id);

-- Never expires, never partitioned: dedupe forever.
CREATE TABLE external_event (
    source      TEXT NOT NULL,
    external_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    body_hash   BYTEA NOT NULL,
    event_id    UUID NOT NULL,
    PRIMARY KEY (source, external_id)
);

-- `Idempotency-Key` of clients, inserted before the upstream is called.
CREATE TABLE client_key (
    customer_id  TEXT NOT NULL,
    client_key   TEXT NOT NULL,
    body_hash    BYTEA NOT NULL,
    operation_id UUID NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer_id, client_key)
);

-- Quantities only; rebuildable from usage_event. Corrections come as differences in a later epoch.
CREATE TABLE usage_rollup (
    month        CHAR(7) NOT NULL,
    hour         TIMESTAMPTZ NOT NULL,
    dimension_id INTEGER NOT NULL,
    model        TEXT NOT NULL,
    meter        TEXT NOT NULL,
    sale_rate    BIGINT NOT NULL,
    cost_rate    BIGINT NOT NULL,
    state        TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    quantity     NUMERIC(38,0) NOT NULL,
    PRIMARY KEY (month, dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch)
);

-- Which customers used something in which month, and up to which epoch: a projection of the rollups
-- that lets closing find back-dated usage without reading history.
CREATE TABLE usage_month (
    customer_id TEXT NOT NULL,
    month       CHAR(7) NOT NULL,
    last_epoch  INTEGER NOT NULL,
    PRIMARY KEY (customer_id, month)
);

CREATE FUNCTION note_usage_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage_month AS known (customer_id, month, last_epoch)
    SELECT d.customer_id, added.month, max(added.epoch)
    FROM added JOIN usage_dimension d USING (dimension_id)
    GROUP BY d.customer_id, added.month
    ORDER BY d.customer_id, added.month
    ON CONFLICT (customer_id, month) DO UPDATE SET last_epoch = EXCLUDED.last_epoch
    WHERE known.last_epoch < EXCLUDED.last_epoch;
    RETURN NULL;
END $$;
CREATE TRIGGER usage_rollup_month AFTER INSERT ON usage_rollup
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION note_usage_month();

-- bills: what do they owe? ----------------------------------------------------------------------

CREATE TABLE bill (
    bill_id          TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL REFERENCES customer,
    month            CHAR(7) NOT NULL,
    number           TEXT UNIQUE,
    state            TEXT NOT NULL CHECK (state IN ('draft', 'issued')),
    contract_id      TEXT NOT NULL,
    contract_version INTEGER NOT NULL,
    currency         TEXT NOT NULL,
    fx_policy        TEXT NOT NULL,
    tax_mode         TEXT NOT NULL,
    tax_ppm          INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    net_fen          BIGINT NOT NULL,
    tax_fen          BIGINT NOT NULL,
    gross_fen        BIGINT NOT NULL,
    seal             BYTEA,
    previous_seal    BYTEA,
    closed_at        TIMESTAMPTZ NOT NULL,
    issued_at        TIMESTAMPTZ
);
-- A month is billed once; what comes later is a line on a later month's bill.
CREATE UNIQUE INDEX bill_once ON bill (customer_id, month);

CREATE TABLE bill_line (
    line_id        TEXT PRIMARY KEY,
    bill_id        TEXT NOT NULL REFERENCES bill,
    customer_id    TEXT NOT NULL,
    position       INTEGER NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('usage', 'late')),
    service_month  CHAR(7) NOT NULL,
    project_id     TEXT NOT NULL,
    model          TEXT NOT NULL,
    meter          TEXT NOT NULL,
    sale_rate      BIGINT NOT NULL REFERENCES rate,
    quantity       NUMERIC(38,0) NOT NULL,
    rate_pico      BIGINT NOT NULL,
    rate_currency  TEXT NOT NULL,
    charge_pico    NUMERIC(38,0) NOT NULL,
    fx_id          BIGINT REFERENCES fx_rate,
    fx_e8          BIGINT,
    amount_fen     BIGINT NOT NULL,
    usd_fen        BIGINT,
    cny_fen        BIGINT,
    net_fen        BIGINT NOT NULL,
    tax_fen        BIGINT NOT NULL,
    UNIQUE (bill_id, position)
);
CREATE INDEX bill_line_billed ON bill_line (customer_id, service_month);

CREATE TABLE bill_transition (
    bill_id TEXT NOT NULL REFERENCES bill,
    at      TIMESTAMPTZ NOT NULL,
    event   TEXT NOT NULL,
    was     TEXT NOT NULL,
    became  TEXT NOT NULL,
    by      TEXT NOT NULL,
    why     TEXT NOT NULL DEFAULT ''
);

-- Which months of a customer have been closed, up to which epoch, and the bill (none: no usage).
-- The newest epoch is how far back-dated usage has been looked for.
CREATE TABLE month_close (
    customer_id TEXT NOT NULL REFERENCES customer,
    month       CHAR(7) NOT NULL,
    epoch       INTEGER NOT NULL,
    bill_id     TEXT REFERENCES bill,
    closed_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer_id, month)
);

-- Numbers count in the customer's year, without gaps.
CREATE TABLE bill_number (
    year INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);

-- Every deed that changes master data: who, when, what, from, to.
CREATE TABLE deed (
    deed_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      TIMESTAMPTZ NOT NULL,
    by      TEXT NOT NULL,
    verb    TEXT NOT NULL,
    noun    TEXT NOT NULL,
    name    TEXT NOT NULL,
    was     JSONB,
    became  JSONB
);

-- Bumped by triggers whenever something the gateways must know has changed.
CREATE TABLE snapshot_revision (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    revision BIGINT NOT NULL
);
INSERT INTO snapshot_revision (revision) VALUES (1);

CREATE FUNCTION bump_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE snapshot_revision SET revision = revision + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER customer_snapshot AFTER INSERT OR UPDATE ON customer
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER project_snapshot AFTER INSERT OR UPDATE ON project
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER api_key_snapshot AFTER INSERT OR UPDATE ON api_key
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER provider_account_snapshot AFTER INSERT OR UPDATE ON provider_account
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER model_snapshot AFTER INSERT OR UPDATE ON model
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER deployment_snapshot AFTER INSERT OR UPDATE ON deployment
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER book_revision_snapshot AFTER INSERT ON book_revision
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();
CREATE TRIGGER contract_snapshot AFTER INSERT ON contract
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();

-- Nothing issued is edited: the lines of a bill past draft, and its figures, are frozen.
CREATE FUNCTION refuse_edit_of_issued() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bill_state TEXT;
BEGIN
    SELECT state INTO bill_state FROM bill
     WHERE bill_id = COALESCE(NEW.bill_id, OLD.bill_id);
    IF bill_state <> 'draft' THEN
        RAISE EXCEPTION 'the lines of an issued bill never change';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER bill_line_frozen BEFORE INSERT OR UPDATE OR DELETE ON bill_line
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_issued();

CREATE FUNCTION refuse_change_of_issued_bill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (OLD.*) IS DISTINCT FROM (NEW.*) THEN
        RAISE EXCEPTION 'an issued bill never changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bill_frozen BEFORE UPDATE ON bill
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued_bill();

CREATE FUNCTION uuid_floor(instant TIMESTAMPTZ) RETURNS UUID LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM instant) * 1000)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;

-- Partitions by UUIDv7, whose first 48 bits are Unix milliseconds; one per UTC month.
-- SECURITY DEFINER: the application may add a partition but owns no table.
CREATE FUNCTION ensure_usage_partition(first_day DATE) RETURNS BOOLEAN LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name TEXT := 'usage_event_' || to_char(first_day, 'YYYYMM');
    low  UUID := uuid_floor(first_day::timestamp AT TIME ZONE 'UTC');
    high UUID := uuid_floor((first_day + INTERVAL '1 month')::timestamp AT TIME ZONE 'UTC');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF usage_event FOR VALUES FROM (%L) TO (%L)',
        name, low, high);
    RETURN TRUE;
END $$;

-- Least privilege: the application adds truth and never edits it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'yuejie_app') THEN
        CREATE ROLE yuejie_app NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO yuejie_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO yuejie_app;
REVOKE INSERT ON schema_migration FROM yuejie_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO yuejie_app;
GRANT UPDATE ON month_close, usage_month, customer, project, api_key, provider_account, model, deployment,
                epoch, journal, bill, bill_number, snapshot_revision TO yuejie_app;
GRANT UPDATE, DELETE ON usage_rollup, bill_line TO yuejie_app;
GRANT DELETE ON client_key TO yuejie_app;
