-- 0048_pre_keep_earlier_drafts
-- Why: a draft that is drawn anew takes the place of what its customer may have seen, and of what
--      other bills counted on when they were drawn. What it said is kept, so that every drawing can
--      be proved with what was known then. Drafts that were replaced before this are not there.
-- Lock: none; a new table.

SET LOCAL lock_timeout = '5s';

CREATE TABLE bill_earlier_draft (
    draft_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bill_id TEXT NOT NULL REFERENCES bill,
    customer_id TEXT NOT NULL REFERENCES customer,
    epoch BIGINT NOT NULL,
    contract_id TEXT NOT NULL,
    contract_version INTEGER NOT NULL,
    currency TEXT NOT NULL,
    net_fen BIGINT NOT NULL,
    tax_fen BIGINT NOT NULL,
    gross_fen BIGINT NOT NULL,
    lines JSONB NOT NULL,
    tax_lines JSONB NOT NULL,
    closed_at TIMESTAMPTZ NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX bill_earlier_draft_of_customer ON bill_earlier_draft (customer_id, draft_id);
CREATE INDEX bill_earlier_draft_of_bill ON bill_earlier_draft (bill_id);

GRANT SELECT, INSERT ON bill_earlier_draft TO yuejie_app;
