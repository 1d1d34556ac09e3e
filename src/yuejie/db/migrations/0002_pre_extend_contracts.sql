-- 0002_pre_extend_contracts
-- Why: a contract agrees more than a book (part 2): terms, its own prices, its approval, its end.
-- Lock: ACCESS EXCLUSIVE on contract and book, metadata only, under 1 s; the rest is new.

SET LOCAL lock_timeout = '5s';

-- contracts/terms.py: CommercialTerms as JSON; a field that did not exist has its default.
ALTER TABLE contract ADD COLUMN terms JSONB NOT NULL DEFAULT '{}';

-- A contract's own prices are a book below the book it would have used: derived rates, written down.
ALTER TABLE book DROP CONSTRAINT book_kind_check;
ALTER TABLE book DROP CONSTRAINT book_check;
ALTER TABLE book ADD CONSTRAINT book_kind_check
    CHECK (kind IN ('cost', 'sale', 'card', 'contract'));
ALTER TABLE book ADD CONSTRAINT book_check
    CHECK ((kind IN ('card', 'contract')) = (parent_book IS NOT NULL));

-- What a contract's book is derived by: overrides and discounts (contracts/agreed/pricing.py), the
-- instant whose prices were agreed, until when a rise waits, and how long it is announced before.
CREATE TABLE contract_book (
    book_id     TEXT PRIMARY KEY REFERENCES book,
    contract_id TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    pricing     JSONB NOT NULL,
    priced_at   TIMESTAMPTZ NOT NULL,
    lock_until  TIMESTAMPTZ,
    notice_days INTEGER NOT NULL CHECK (notice_days >= 0),
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX contract_book_customer ON contract_book (customer_id);

-- How far each class of customer is trusted (D1); the newest row of a class counts.
CREATE TABLE credit_rule (
    rule_id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credit_class         TEXT NOT NULL,
    deposit_months_least INTEGER NOT NULL CHECK (deposit_months_least >= 0),
    deposit_months_most  INTEGER NOT NULL CHECK (deposit_months_most >= deposit_months_least),
    depth                TEXT NOT NULL CHECK (depth IN ('light', 'medium', 'strict', 'very_strict')),
    payment_days         INTEGER NOT NULL CHECK (payment_days >= 0),
    payment_mode         TEXT NOT NULL,
    three_people_fen     BIGINT NOT NULL CHECK (three_people_fen >= 0),
    set_at               TIMESTAMPTZ NOT NULL,
    set_by               TEXT NOT NULL
);

-- A contract on its way: sales drafts, finance reviews, an administrator signs.
-- `body` is everything to be agreed (contracts/life/draft.py); it changes in state draft only.
CREATE TABLE contract_draft (
    draft_id     TEXT PRIMARY KEY,
    customer_id  TEXT NOT NULL REFERENCES customer,
    kind         TEXT NOT NULL CHECK (kind IN ('new', 'amend', 'renew')),
    contract_id  TEXT,
    version      INTEGER,
    state        TEXT NOT NULL
                 CHECK (state IN ('draft', 'submitted', 'reviewed', 'rejected', 'withdrawn', 'signed')),
    body         JSONB NOT NULL,
    drafted_by   TEXT NOT NULL,
    reviewed_by  TEXT,
    signed_by    TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    CHECK (signed_by <> drafted_by)
);
CREATE INDEX contract_draft_customer ON contract_draft (customer_id);
CREATE INDEX contract_draft_open ON contract_draft (state, draft_id)
    WHERE state IN ('draft', 'submitted', 'reviewed');

CREATE TABLE contract_draft_step (
    step_id  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    draft_id TEXT NOT NULL REFERENCES contract_draft,
    at       TIMESTAMPTZ NOT NULL,
    by       TEXT NOT NULL,
    event    TEXT NOT NULL,
    was      TEXT NOT NULL,
    became   TEXT NOT NULL,
    why      TEXT NOT NULL DEFAULT '',
    body     JSONB NOT NULL
);
CREATE INDEX contract_draft_step_draft ON contract_draft_step (draft_id);

-- Leaving: one asks, a second person approves; approval writes the version that ends.
-- The fee is computed and explained when asked; what is waived is waived by the second person too.
CREATE TABLE contract_end (
    end_id      TEXT PRIMARY KEY,
    contract_id TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    party       TEXT NOT NULL CHECK (party IN ('customer', 'operator')),
    asked_on    DATE NOT NULL,
    ends_on     DATE NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    fee_fen     BIGINT NOT NULL CHECK (fee_fen >= 0),
    waived_fen  BIGINT NOT NULL DEFAULT 0 CHECK (waived_fen BETWEEN 0 AND fee_fen),
    reasons     TEXT[] NOT NULL,
    why         TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    approved_by TEXT,
    approved_at TIMESTAMPTZ,
    version     INTEGER,
    CHECK (approved_by <> asked_by),
    CHECK ((approved_by IS NULL) = (version IS NULL))
);
CREATE INDEX contract_end_customer ON contract_end (customer_id);
CREATE UNIQUE INDEX contract_end_waiting ON contract_end (contract_id) WHERE approved_by IS NULL;

-- A higher credit limit for a while; one asks, another approves.
CREATE TABLE temporary_limit (
    limit_id    TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    limit_fen   BIGINT NOT NULL CHECK (limit_fen > 0),
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    starts_at   TIMESTAMPTZ NOT NULL,
    ends_at     TIMESTAMPTZ NOT NULL CHECK (ends_at > starts_at),
    why         TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    approved_by TEXT,
    CHECK (approved_by <> asked_by)
);
CREATE INDEX temporary_limit_customer ON temporary_limit (customer_id);

-- Papers of a draft or contract: bytes as they are, named by their SHA-256.
CREATE TABLE contract_paper (
    paper_id    TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    draft_id    TEXT REFERENCES contract_draft,
    contract_id TEXT,
    kind        TEXT NOT NULL CHECK (kind IN ('generated', 'signed', 'attachment')),
    name        TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    sha256      BYTEA NOT NULL,
    body        BYTEA NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    CHECK (draft_id IS NOT NULL OR contract_id IS NOT NULL)
);
CREATE INDEX contract_paper_customer ON contract_paper (customer_id);
CREATE UNIQUE INDEX contract_paper_once
    ON contract_paper (coalesce(draft_id, ''), coalesce(contract_id, ''), kind, sha256);

-- Signatures asked of a platform. The row is the errand; a job performs it outside any transaction.
CREATE TABLE signing (
    signing_id  TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    draft_id    TEXT NOT NULL REFERENCES contract_draft,
    paper_id    TEXT NOT NULL REFERENCES contract_paper,
    platform    TEXT NOT NULL CHECK (platform IN ('esign', 'fadada')),
    state       TEXT NOT NULL
                CHECK (state IN ('asked', 'starting', 'running', 'completed', 'refused', 'failed')),
    signer      JSONB NOT NULL,
    task        TEXT NOT NULL DEFAULT '',
    url         TEXT NOT NULL DEFAULT '',
    note        TEXT NOT NULL DEFAULT '',
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     TIMESTAMPTZ NOT NULL,
    asked_by    TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX signing_customer ON signing (customer_id);
CREATE INDEX signing_due ON signing (next_at) WHERE state IN ('asked', 'starting', 'running');
CREATE UNIQUE INDEX signing_task ON signing (platform, task) WHERE task <> '';
CREATE UNIQUE INDEX signing_once ON signing (paper_id) WHERE state IN ('asked', 'starting', 'running');

CREATE TABLE signing_step (
    step_id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    signing_id TEXT NOT NULL REFERENCES signing,
    at         TIMESTAMPTZ NOT NULL,
    by         TEXT NOT NULL,
    event      TEXT NOT NULL,
    was        TEXT NOT NULL,
    became     TEXT NOT NULL,
    why        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX signing_step_signing ON signing_step (signing_id);

-- Prepaid packages and vouchers; what is drawn of one are lines of bills. One asks, another approves.
CREATE TABLE customer_grant (
    grant_id    TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    kind        TEXT NOT NULL CHECK (kind IN ('package', 'voucher')),
    name        TEXT NOT NULL,
    amount_fen  BIGINT NOT NULL CHECK (amount_fen > 0),
    paid_fen    BIGINT NOT NULL CHECK (paid_fen >= 0),
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    models      TEXT[] NOT NULL DEFAULT '{}',
    starts_on   DATE NOT NULL,
    ends_on     DATE NOT NULL CHECK (ends_on > starts_on),
    created_at  TIMESTAMPTZ NOT NULL,
    asked_by    TEXT NOT NULL,
    approved_by TEXT,
    CHECK (approved_by <> asked_by)
);
CREATE INDEX customer_grant_customer ON customer_grant (customer_id);

GRANT SELECT, INSERT ON contract_book, credit_rule, contract_draft, contract_draft_step,
                        contract_end, temporary_limit, contract_paper, signing, signing_step,
                        customer_grant TO yuejie_app;
GRANT UPDATE (state, body, reviewed_by, signed_by, contract_id, version) ON contract_draft
    TO yuejie_app;
GRANT UPDATE (approved_by, approved_at, version) ON contract_end TO yuejie_app;
GRANT UPDATE (approved_by) ON temporary_limit, customer_grant TO yuejie_app;
GRANT UPDATE (state, task, url, note, attempts, next_at) ON signing TO yuejie_app;
