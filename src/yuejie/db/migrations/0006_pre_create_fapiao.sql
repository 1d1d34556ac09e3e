-- 0006_pre_create_fapiao
-- Why: what the tax office saw: titles, fapiao and red fapiao, errands to the provider, files (part 2).
-- Lock: creates only; nothing exists before it.
--
-- Fen are BIGINT. A fapiao and its lines are kept word for word; of an existing row the application
-- may change its state and what the provider's answer adds, and nothing else: see the grants.

SET LOCAL lock_timeout = '5s';

CREATE TABLE fapiao_title (
    title_id       TEXT PRIMARY KEY,
    customer_id    TEXT NOT NULL REFERENCES customer,
    name           TEXT NOT NULL,
    tax_number     TEXT NOT NULL,
    natural_person BOOLEAN NOT NULL,
    address        TEXT NOT NULL,
    phone          TEXT NOT NULL,
    bank_name      TEXT NOT NULL,
    bank_account   TEXT NOT NULL,
    cnaps          TEXT NOT NULL,
    emails         TEXT[] NOT NULL,
    mobile         TEXT NOT NULL,
    is_default     BOOLEAN NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    created_at     TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX fapiao_title_name ON fapiao_title (customer_id, name, tax_number);
CREATE UNIQUE INDEX fapiao_title_default ON fapiao_title (customer_id)
    WHERE is_default AND state = 'active';

CREATE TABLE fapiao (
    fapiao_id    TEXT PRIMARY KEY,
    customer_id  TEXT NOT NULL REFERENCES customer,
    request_id   TEXT NOT NULL,
    key          TEXT NOT NULL UNIQUE CHECK (key ~ '^[0-9A-Z]{1,20}$'),
    kind         TEXT NOT NULL CHECK (kind IN ('special', 'ordinary')),
    state        TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'issued', 'rejected',
                                                'partly_reversed', 'reversed')),
    buyer        JSONB NOT NULL,
    seller       JSONB NOT NULL,
    emails       TEXT[] NOT NULL,
    mobile       TEXT NOT NULL,
    remark       TEXT NOT NULL,
    net_fen      BIGINT NOT NULL,
    tax_fen      BIGINT NOT NULL,
    gross_fen    BIGINT NOT NULL CHECK (gross_fen > 0 AND gross_fen = net_fen + tax_fen),
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    approved_by  TEXT CHECK (approved_by <> requested_by),
    approved_at  TIMESTAMPTZ,
    provider     TEXT NOT NULL DEFAULT '',
    number       TEXT UNIQUE CHECK (number ~ '^[0-9]{20}$'),
    issued_at    TIMESTAMPTZ,
    delivered_at TIMESTAMPTZ,
    why          TEXT NOT NULL DEFAULT '',
    CHECK ((number IS NULL) = (state IN ('requested', 'approved', 'rejected')))
);
CREATE INDEX fapiao_customer ON fapiao (customer_id, fapiao_id);

CREATE TABLE fapiao_line (
    fapiao_id    TEXT NOT NULL REFERENCES fapiao,
    position     INTEGER NOT NULL,
    customer_id  TEXT NOT NULL,
    nature       SMALLINT NOT NULL CHECK (nature IN (0, 1, 2)),
    bill_id      TEXT NOT NULL REFERENCES bill,
    tax_position INTEGER NOT NULL,
    code         CHAR(19) NOT NULL,
    short_name   TEXT NOT NULL,
    item         TEXT NOT NULL,
    spec         TEXT NOT NULL,
    unit         TEXT NOT NULL,
    quantity     TEXT NOT NULL,
    price        TEXT NOT NULL,
    tax_ppm      INTEGER NOT NULL,
    net_fen      BIGINT NOT NULL,
    tax_fen      BIGINT NOT NULL,
    gross_fen    BIGINT NOT NULL CHECK (gross_fen = net_fen + tax_fen),
    PRIMARY KEY (fapiao_id, position)
);
CREATE INDEX fapiao_line_bill ON fapiao_line (customer_id, bill_id);

CREATE TABLE fapiao_transition (
    fapiao_id TEXT NOT NULL REFERENCES fapiao,
    at        TIMESTAMPTZ NOT NULL,
    event     TEXT NOT NULL,
    was       TEXT NOT NULL,
    became    TEXT NOT NULL,
    by        TEXT NOT NULL,
    why       TEXT NOT NULL DEFAULT ''
);
CREATE INDEX fapiao_transition_of ON fapiao_transition (fapiao_id);

-- Red fapiao and the form (红字信息确认单) that each needs; amounts are negative.
CREATE TABLE fapiao_red (
    red_id       TEXT PRIMARY KEY,
    customer_id  TEXT NOT NULL REFERENCES customer,
    fapiao_id    TEXT NOT NULL REFERENCES fapiao,
    blue_number  TEXT NOT NULL,
    key          TEXT NOT NULL UNIQUE CHECK (key ~ '^[0-9A-Z]{1,20}$'),
    reason       TEXT NOT NULL CHECK (reason IN ('mistake', 'return', 'termination', 'allowance')),
    state        TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'waiting', 'confirmed',
                                                'issued', 'void')),
    form_code    TEXT NOT NULL DEFAULT '',
    form_number  TEXT NOT NULL DEFAULT '',
    form_uuid    TEXT NOT NULL DEFAULT '',
    whole        BOOLEAN NOT NULL,
    net_fen      BIGINT NOT NULL,
    tax_fen      BIGINT NOT NULL,
    gross_fen    BIGINT NOT NULL CHECK (gross_fen < 0 AND gross_fen = net_fen + tax_fen),
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    approved_by  TEXT CHECK (approved_by <> requested_by),
    approved_at  TIMESTAMPTZ,
    applied_at   TIMESTAMPTZ,
    expires_at   TIMESTAMPTZ,
    reminded     INTEGER NOT NULL DEFAULT 0,
    number       TEXT UNIQUE CHECK (number ~ '^[0-9]{20}$'),
    issued_at    TIMESTAMPTZ,
    why          TEXT NOT NULL DEFAULT '',
    CHECK ((number IS NULL) = (state <> 'issued'))
);
-- One red form at a time.
CREATE UNIQUE INDEX fapiao_red_pending ON fapiao_red (fapiao_id)
    WHERE state IN ('requested', 'approved', 'waiting', 'confirmed');
CREATE INDEX fapiao_red_customer ON fapiao_red (customer_id, red_id);

CREATE TABLE fapiao_red_line (
    red_id        TEXT NOT NULL REFERENCES fapiao_red,
    position      INTEGER NOT NULL,
    fapiao_id     TEXT NOT NULL,
    blue_position INTEGER NOT NULL,
    net_fen       BIGINT NOT NULL,
    tax_fen       BIGINT NOT NULL,
    gross_fen     BIGINT NOT NULL CHECK (gross_fen = net_fen + tax_fen),
    PRIMARY KEY (red_id, position),
    FOREIGN KEY (fapiao_id, blue_position) REFERENCES fapiao_line (fapiao_id, position)
);

CREATE TABLE fapiao_red_transition (
    red_id TEXT NOT NULL REFERENCES fapiao_red,
    at     TIMESTAMPTZ NOT NULL,
    event  TEXT NOT NULL,
    was    TEXT NOT NULL,
    became TEXT NOT NULL,
    by     TEXT NOT NULL,
    why    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX fapiao_red_transition_of ON fapiao_red_transition (red_id);

-- Blue and red fapiao of a customer in the order of their issue, each sealed over the one before.
CREATE TABLE fapiao_seal (
    customer_id TEXT NOT NULL REFERENCES customer,
    position    INTEGER NOT NULL,
    subject_id  TEXT NOT NULL UNIQUE,
    canonical   BYTEA NOT NULL,
    previous    BYTEA NOT NULL,
    seal        BYTEA NOT NULL,
    PRIMARY KEY (customer_id, position)
);

-- What is to be done at the provider. `sent`: a call left, and only asking tells what became of it.
CREATE TABLE fapiao_errand (
    errand_id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what       TEXT NOT NULL CHECK (what IN ('issue', 'files', 'deliver', 'red', 'withdraw')),
    subject_id TEXT NOT NULL,
    key        TEXT NOT NULL,
    provider   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'done', 'parked')),
    hold       TEXT NOT NULL DEFAULT '' CHECK (hold IN ('', 'login', 'identity', 'limit', 'busy')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    asked      INTEGER NOT NULL DEFAULT 0,
    next_at    TIMESTAMPTZ NOT NULL,
    why        TEXT NOT NULL DEFAULT '',
    made_at    TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX fapiao_errand_once ON fapiao_errand (what, subject_id)
    WHERE state IN ('waiting', 'sent');
CREATE INDEX fapiao_errand_due ON fapiao_errand (next_at) WHERE state IN ('waiting', 'sent');
CREATE INDEX fapiao_errand_key ON fapiao_errand (key);

-- Every call to a provider and what came back, byte for byte.
CREATE TABLE fapiao_exchange (
    exchange_id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    errand_id     BIGINT NOT NULL REFERENCES fapiao_errand,
    at            TIMESTAMPTZ NOT NULL,
    call          TEXT NOT NULL,
    request       BYTEA NOT NULL,
    request_hash  BYTEA NOT NULL,
    response      BYTEA NOT NULL,
    response_hash BYTEA NOT NULL,
    outcome       TEXT NOT NULL
);
CREATE INDEX fapiao_exchange_errand ON fapiao_exchange (errand_id);

-- The archive: XML, OFD and PDF of blue and red fapiao, thirty years (会计档案管理办法).
CREATE TABLE fapiao_file (
    subject_id  TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    format      TEXT NOT NULL CHECK (format IN ('xml', 'ofd', 'pdf')),
    body        BYTEA NOT NULL,
    sha256      BYTEA NOT NULL,
    source      TEXT NOT NULL,
    kept_at     TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    PRIMARY KEY (subject_id, format)
);

-- Tokens of providers, encrypted; their calls are counted (Nuonuo allows 50 in 30 days).
CREATE TABLE fapiao_token (
    provider   TEXT NOT NULL,
    fetched_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    sealed     BYTEA NOT NULL
);
CREATE INDEX fapiao_token_newest ON fapiao_token (provider, fetched_at);

-- What was last heard of the drawer's session and of the issuing limit, and every change of it.
CREATE TABLE fapiao_watch (
    provider      TEXT NOT NULL,
    at            TIMESTAMPTZ NOT NULL,
    login         TEXT NOT NULL CHECK (login IN ('unknown', 'in', 'out')),
    identity      TEXT NOT NULL CHECK (identity IN ('unknown', 'proved', 'wanted')),
    total_fen     BIGINT,
    used_fen      BIGINT,
    available_fen BIGINT
);
CREATE INDEX fapiao_watch_newest ON fapiao_watch (provider, at);

GRANT SELECT, INSERT ON fapiao_title, fapiao, fapiao_line, fapiao_transition, fapiao_red,
    fapiao_red_line, fapiao_red_transition, fapiao_seal, fapiao_errand, fapiao_exchange, fapiao_file,
    fapiao_token, fapiao_watch TO yuejie_app;
GRANT UPDATE (name, tax_number, natural_person, address, phone, bank_name, bank_account, cnaps,
    emails, mobile, is_default, state) ON fapiao_title TO yuejie_app;
GRANT UPDATE (state, approved_by, approved_at, provider, number, issued_at, delivered_at, why)
    ON fapiao TO yuejie_app;
GRANT UPDATE (state, form_code, form_number, form_uuid, approved_by, approved_at, applied_at,
    expires_at, reminded, number, issued_at, why) ON fapiao_red TO yuejie_app;
GRANT UPDATE (state, hold, attempts, asked, next_at, why) ON fapiao_errand TO yuejie_app;

-- A number and a time, once given, stay; a red one undoes a fapiao, nothing else does.
CREATE FUNCTION refuse_other_fapiao_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.number IS NOT NULL AND (OLD.number, OLD.issued_at) IS DISTINCT FROM
                                  (NEW.number, NEW.issued_at) THEN
        RAISE EXCEPTION 'an issued fapiao never changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fapiao_number_stays BEFORE UPDATE ON fapiao
    FOR EACH ROW EXECUTE FUNCTION refuse_other_fapiao_number();
CREATE TRIGGER fapiao_red_number_stays BEFORE UPDATE ON fapiao_red
    FOR EACH ROW EXECUTE FUNCTION refuse_other_fapiao_number();
