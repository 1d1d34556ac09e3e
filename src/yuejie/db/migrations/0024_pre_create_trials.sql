-- 0024_pre_create_trials
-- Why: trials that anybody may ask for and sales (or a rule) grants; their cost, booked to sales;
--      the register of certificates that a proposal may print; proposals, each version kept whole.
-- Lock: ACCESS EXCLUSIVE on allowance while its check is replaced; a few thousand rows, under 1 s.

SET LOCAL lock_timeout = '5s';

ALTER TABLE allowance DROP CONSTRAINT allowance_origin_check;
ALTER TABLE allowance ADD CONSTRAINT allowance_origin_check
    CHECK (origin IN ('budget', 'credit', 'protection', 'trial'));

CREATE TABLE trial_policy (
    revision   INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sale_book  TEXT NOT NULL REFERENCES book,
    fx_policy  TEXT NOT NULL CHECK (fx_policy IN ('none', 'card')),
    models     TEXT[] NOT NULL CHECK (cardinality(models) > 0),
    days_most  INTEGER NOT NULL CHECK (days_most BETWEEN 7 AND 14),
    tokens_most BIGINT NOT NULL CHECK (tokens_most > 0),
    by_rule    BOOLEAN NOT NULL,
    made_by    TEXT NOT NULL,
    made_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE trial_request (
    request_id TEXT PRIMARY KEY,
    company    TEXT NOT NULL,
    contact    TEXT NOT NULL,
    email      TEXT NOT NULL,
    phone      TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    models     TEXT[] NOT NULL,
    days       INTEGER NOT NULL CHECK (days BETWEEN 7 AND 14),
    tokens     BIGINT NOT NULL CHECK (tokens > 0),
    from_hash  BYTEA NOT NULL,
    claim_hash BYTEA NOT NULL,
    asked_at   TIMESTAMPTZ NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('asked', 'granted', 'declined')),
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at TIMESTAMPTZ,
    why        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX trial_request_open ON trial_request (asked_at) WHERE state = 'asked';
CREATE INDEX trial_request_asked ON trial_request (asked_at);

CREATE TABLE trial (
    trial_id    TEXT PRIMARY KEY,
    request_id  TEXT REFERENCES trial_request,
    customer_id TEXT NOT NULL REFERENCES customer,
    contract_id TEXT NOT NULL,
    book_id     TEXT NOT NULL REFERENCES book,
    project     TEXT NOT NULL,
    models      TEXT[] NOT NULL,
    days        INTEGER NOT NULL CHECK (days BETWEEN 7 AND 14),
    tokens      BIGINT NOT NULL CHECK (tokens > 0),
    starts_at   TIMESTAMPTZ NOT NULL,
    ends_at     TIMESTAMPTZ NOT NULL CHECK (ends_at > starts_at),
    granted_by  TEXT NOT NULL,
    key_id      TEXT REFERENCES api_key,
    UNIQUE (customer_id),
    UNIQUE (request_id)
);

CREATE TABLE trial_cost (
    trial_id   TEXT NOT NULL REFERENCES trial,
    month      CHAR(7) NOT NULL,
    currency   TEXT NOT NULL,
    sequence   INTEGER NOT NULL CHECK (sequence > 0),
    fen        BIGINT NOT NULL,
    booked_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trial_id, month, currency, sequence)
);

CREATE TABLE certificate (
    certificate_id TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    number     TEXT NOT NULL,
    issuer     TEXT NOT NULL,
    holder     TEXT NOT NULL,
    issued_on  DATE NOT NULL,
    expires_on DATE NOT NULL CHECK (expires_on > issued_on),
    made_by    TEXT NOT NULL,
    made_at    TIMESTAMPTZ NOT NULL,
    withdrawn_at TIMESTAMPTZ,
    UNIQUE (name, number)
);

CREATE TABLE proposal (
    proposal_id   TEXT PRIMARY KEY,
    prospect_id   TEXT NOT NULL REFERENCES prospect,
    version       INTEGER NOT NULL CHECK (version > 0),
    quote_id      TEXT NOT NULL REFERENCES quote,
    quote_digest  TEXT NOT NULL,
    template      TEXT NOT NULL CHECK (template IN ('general', 'fintech', 'ecommerce')),
    language      TEXT NOT NULL CHECK (language IN ('zh', 'en')),
    valid_until   DATE NOT NULL,
    docx          BYTEA NOT NULL,
    docx_sha256   TEXT NOT NULL,
    pdf           BYTEA NOT NULL,
    pdf_sha256    TEXT NOT NULL,
    made_by       TEXT NOT NULL,
    made_at       TIMESTAMPTZ NOT NULL,
    UNIQUE (prospect_id, version)
);

GRANT SELECT, INSERT ON trial_policy, trial_request, trial, trial_cost, certificate, proposal
    TO yuejie_app;
GRANT UPDATE (state, decided_by, decided_at, why) ON trial_request TO yuejie_app;
GRANT UPDATE (key_id) ON trial TO yuejie_app;
GRANT UPDATE (withdrawn_at) ON certificate TO yuejie_app;
