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

-- ledger/handover: what finance has carried over --------------------------------------------------

-- `codes` is the mapping's text: a batch is written again byte for byte.
CREATE TABLE finance_batch (
    batch_id  TEXT PRIMARY KEY,
    month     CHAR(7) NOT NULL,
    system    TEXT NOT NULL CHECK (system IN ('yonyou', 'kingdee')),
    codes     TEXT NOT NULL,
    entries   INTEGER NOT NULL,
    vouchers  INTEGER NOT NULL,
    debit_fen BIGINT NOT NULL,
    at        TIMESTAMPTZ NOT NULL,
    by        TEXT NOT NULL
);

-- An entry is in one batch at most.
CREATE TABLE finance_batch_entry (
    entry_id BIGINT PRIMARY KEY REFERENCES ledger_entry,
    batch_id TEXT NOT NULL REFERENCES finance_batch
);
CREATE INDEX finance_batch_entry_batch ON finance_batch_entry (batch_id);

GRANT SELECT, INSERT ON finance_batch, finance_batch_entry TO yuejie_app;
GRANT SELECT, INSERT ON provider_report, provider_report_line, reconciliation,
    reconciliation_difference TO yuejie_app;

-- assurance/providers: what is left at a provider, what it bills, what we pay -----------------------

-- Versions; the newest counts.
CREATE TABLE provider_terms (
    terms_id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id TEXT NOT NULL,
    currency   TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    prepaid    BOOLEAN NOT NULL,
    low_fen    BIGINT NOT NULL CHECK (low_fen >= 0),
    low_days   INTEGER NOT NULL CHECK (low_days >= 0),
    monthly_ceiling_fen   BIGINT CHECK (monthly_ceiling_fen > 0),
    credential_expires_on DATE,
    net_days   INTEGER NOT NULL CHECK (net_days >= 0),
    at         TIMESTAMPTZ NOT NULL,
    by         TEXT NOT NULL
);
CREATE INDEX provider_terms_account ON provider_terms (account_id, terms_id DESC);

CREATE TABLE provider_balance (
    account_id  TEXT NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    balance_fen BIGINT NOT NULL,
    currency    TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    by          TEXT NOT NULL,
    PRIMARY KEY (account_id, at)
);

-- A provider's number is entered once; a mistake is voided and entered anew under the number.
CREATE TABLE provider_bill (
    provider_bill_id TEXT PRIMARY KEY,
    account_id       TEXT NOT NULL,
    number           TEXT NOT NULL,
    month            CHAR(7) NOT NULL,
    currency         TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    net_fen          BIGINT NOT NULL CHECK (net_fen >= 0),
    tax_fen          BIGINT NOT NULL CHECK (tax_fen >= 0),
    billed_on        DATE NOT NULL,
    due_on           DATE NOT NULL,
    by               TEXT NOT NULL,
    at               TIMESTAMPTZ NOT NULL
);
CREATE TABLE provider_bill_void (
    provider_bill_id TEXT PRIMARY KEY REFERENCES provider_bill,
    why              TEXT NOT NULL CHECK (why <> ''),
    by               TEXT NOT NULL,
    at               TIMESTAMPTZ NOT NULL
);

-- Money leaves by two people.
CREATE TABLE provider_payment (
    payment_id       TEXT PRIMARY KEY,
    account_id       TEXT NOT NULL,
    provider_bill_id TEXT REFERENCES provider_bill,
    purpose          TEXT NOT NULL CHECK (purpose IN ('bill', 'top_up', 'draw')),
    currency         TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    fen              BIGINT NOT NULL CHECK (fen > 0),
    state            TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'rejected', 'paid')),
    why              TEXT NOT NULL DEFAULT '',
    requested_by     TEXT NOT NULL,
    requested_at     TIMESTAMPTZ NOT NULL,
    decided_by       TEXT,
    decided_at       TIMESTAMPTZ,
    bank             TEXT NOT NULL DEFAULT '',
    bank_reference   TEXT NOT NULL DEFAULT '',
    paid_currency    TEXT CHECK (paid_currency IN ('CNY', 'USD')),
    paid_fen         BIGINT CHECK (paid_fen >= 0),
    charges_fen      BIGINT NOT NULL DEFAULT 0 CHECK (charges_fen >= 0),
    paid_at          TIMESTAMPTZ,
    CHECK (state NOT IN ('approved', 'paid') OR decided_by <> requested_by),
    CHECK (state <> 'paid' OR (paid_at IS NOT NULL AND paid_fen >= charges_fen)),
    CHECK ((purpose = 'top_up') = (provider_bill_id IS NULL))
);
CREATE INDEX provider_payment_bill ON provider_payment (provider_bill_id);

CREATE TABLE provider_payment_transition (
    payment_id TEXT NOT NULL REFERENCES provider_payment,
    at         TIMESTAMPTZ NOT NULL,
    step       TEXT NOT NULL,
    was        TEXT NOT NULL,
    became     TEXT NOT NULL,
    by         TEXT NOT NULL,
    why        TEXT NOT NULL DEFAULT ''
);

-- Who asked, for what and how much never changes; what was paid or rejected never changes at all.
CREATE FUNCTION refuse_change_of_provider_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('paid', 'rejected')
       OR (OLD.account_id, OLD.provider_bill_id, OLD.purpose, OLD.currency, OLD.fen,
           OLD.requested_by, OLD.requested_at)
          IS DISTINCT FROM
          (NEW.account_id, NEW.provider_bill_id, NEW.purpose, NEW.currency, NEW.fen,
           NEW.requested_by, NEW.requested_at) THEN
        RAISE EXCEPTION 'a payment to a provider changes only along its life';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER provider_payment_frozen BEFORE UPDATE ON provider_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_provider_payment();

GRANT SELECT, INSERT ON provider_terms, provider_balance, provider_bill, provider_bill_void,
    provider_payment, provider_payment_transition TO yuejie_app;
GRANT USAGE ON SEQUENCE provider_terms_terms_id_seq TO yuejie_app;
GRANT UPDATE (state, decided_by, decided_at, bank, bank_reference, paid_currency, paid_fen,
              charges_fen, paid_at) ON provider_payment TO yuejie_app;
