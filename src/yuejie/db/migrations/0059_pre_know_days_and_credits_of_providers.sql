-- 0059_pre_know_days_and_credits_of_providers
-- Why: a report knows which days it is about, so that days it lacks are no missing calls; a
--      provider's credit note behind a bill that is paid becomes a balance there, which a draw uses
--      or the provider pays back (decision 0128). Reports of before are about their lines' days.
-- Lock: ACCESS EXCLUSIVE for an instant on provider_report and provider_payment; some rows a month.

SET LOCAL lock_timeout = '5s';

ALTER TABLE provider_report ADD COLUMN covers DATE[];

-- `bill_fen` is what it took off the bill when it was entered, the rest is a balance.
CREATE TABLE provider_credit (
    provider_credit_id TEXT PRIMARY KEY,
    provider_bill_id   TEXT NOT NULL REFERENCES provider_bill,
    account_id         TEXT NOT NULL,
    number             TEXT NOT NULL,
    currency           TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    net_fen            BIGINT NOT NULL CHECK (net_fen >= 0),
    tax_fen            BIGINT NOT NULL CHECK (tax_fen >= 0),
    bill_fen           BIGINT NOT NULL,
    credited_on        DATE NOT NULL,
    why                TEXT NOT NULL CHECK (why <> ''),
    by                 TEXT NOT NULL,
    at                 TIMESTAMPTZ NOT NULL,
    CHECK (bill_fen >= 0 AND bill_fen <= net_fen + tax_fen AND net_fen + tax_fen > 0)
);
CREATE INDEX provider_credit_bill ON provider_credit (provider_bill_id);
CREATE TABLE provider_credit_void (
    provider_credit_id TEXT PRIMARY KEY REFERENCES provider_credit,
    why                TEXT NOT NULL CHECK (why <> ''),
    by                 TEXT NOT NULL,
    at                 TIMESTAMPTZ NOT NULL
);
GRANT SELECT, INSERT ON provider_credit, provider_credit_void TO yuejie_app;

-- A refund comes back from the balance, by two people like what leaves.
ALTER TABLE provider_payment DROP CONSTRAINT provider_payment_purpose_check;
ALTER TABLE provider_payment ADD CONSTRAINT provider_payment_purpose_check
    CHECK (purpose IN ('bill', 'top_up', 'draw', 'refund'));
ALTER TABLE provider_payment DROP CONSTRAINT provider_payment_check2;
ALTER TABLE provider_payment ADD CONSTRAINT provider_payment_check2
    CHECK ((purpose IN ('top_up', 'refund')) = (provider_bill_id IS NULL));
