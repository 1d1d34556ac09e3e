-- 0002_pre_extend_contracts
-- Why: a contract agrees more than a book: class, credit, fees, days, fapiao (part 2).
-- Lock: ACCESS EXCLUSIVE on contract, metadata only, under 1 s.

SET LOCAL lock_timeout = '5s';

-- contracts/terms.py: CommercialTerms as JSON; a field that did not exist has its default.
ALTER TABLE contract ADD COLUMN terms JSONB NOT NULL DEFAULT '{}';

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

GRANT SELECT, INSERT ON customer_grant TO yuejie_app;
GRANT UPDATE (approved_by) ON customer_grant TO yuejie_app;
