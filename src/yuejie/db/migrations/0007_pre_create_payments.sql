-- 0007_pre_create_payments
-- Why: what came in by bank, whose it is, and what became of it; who is overdue or over its limit.
-- Lock: creates only.
--
-- Fen are BIGINT. Statement lines, apportionments and transitions are truth: the application adds
-- them and never edits them. What was wrong is a later row with the sign turned.

SET LOCAL lock_timeout = '5s';

-- where money comes in ---------------------------------------------------------------------------

CREATE TABLE bank_account (
    account_id TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    bank       TEXT NOT NULL,
    number     TEXT NOT NULL UNIQUE,
    currency   TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    opened_at  TIMESTAMPTZ NOT NULL
);

-- A number of its own for one payer (虚拟子账户, 记账子单元); never given to another.
CREATE TABLE virtual_account (
    number      TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES bank_account,
    customer_id TEXT NOT NULL REFERENCES customer,
    given_by    TEXT NOT NULL,
    given_at    TIMESTAMPTZ NOT NULL
);
CREATE INDEX virtual_account_customer ON virtual_account (customer_id);

CREATE TABLE statement_file (
    file_id     TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES bank_account,
    name        TEXT NOT NULL,
    format      TEXT NOT NULL,
    sha256      BYTEA NOT NULL,
    lines       INTEGER NOT NULL,
    repeated    INTEGER NOT NULL,
    opening_fen BIGINT,
    closing_fen BIGINT,
    imported_by TEXT NOT NULL,
    imported_at TIMESTAMPTZ NOT NULL,
    UNIQUE (account_id, sha256)
);

-- What the bank wrote down. `identity` is the bank's serial number where it tells lines apart,
-- else what is printed of the line; the same line of two files is one row.
CREATE TABLE statement_line (
    line_id      TEXT PRIMARY KEY,
    file_id      TEXT NOT NULL REFERENCES statement_file,
    account_id   TEXT NOT NULL REFERENCES bank_account,
    row_number   INTEGER NOT NULL,
    sequence     BIGINT GENERATED ALWAYS AS IDENTITY,
    booked_on    DATE NOT NULL,
    booked_time  TEXT NOT NULL,
    direction    TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0),
    balance_fen  BIGINT,
    serial       TEXT NOT NULL,
    identity     TEXT NOT NULL,
    payer_name   TEXT NOT NULL,
    payer_number TEXT NOT NULL,
    payer_bank   TEXT NOT NULL,
    into_number  TEXT NOT NULL,
    memo         TEXT NOT NULL,
    UNIQUE (account_id, identity)
);
CREATE INDEX statement_line_day ON statement_line (account_id, booked_on);

-- what came in ------------------------------------------------------------------------------------

CREATE TABLE receipt (
    receipt_id   TEXT PRIMARY KEY,
    line_id      TEXT NOT NULL UNIQUE REFERENCES statement_line,
    account_id   TEXT NOT NULL REFERENCES bank_account,
    currency     TEXT NOT NULL,
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0),
    received_on  DATE NOT NULL,
    payer_name   TEXT NOT NULL,
    payer_number TEXT NOT NULL,
    payer_bank   TEXT NOT NULL,
    into_number  TEXT NOT NULL,
    memo         TEXT NOT NULL,
    customer_id  TEXT REFERENCES customer,
    state        TEXT NOT NULL CHECK (state IN (
                     'received', 'proposed', 'suspended', 'held', 'apportioned', 'returned')),
    created_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX receipt_open ON receipt (state, received_on) WHERE state <> 'apportioned';
CREATE INDEX receipt_customer ON receipt (customer_id, received_on);

CREATE TABLE receipt_transition (
    receipt_id TEXT NOT NULL REFERENCES receipt,
    at         TIMESTAMPTZ NOT NULL,
    event      TEXT NOT NULL,
    was        TEXT NOT NULL,
    became     TEXT NOT NULL,
    by         TEXT NOT NULL,
    why        TEXT NOT NULL
);
CREATE INDEX receipt_transition_receipt ON receipt_transition (receipt_id, at);

-- Who it may be from, as last judged; made anew by every judgement.
CREATE TABLE receipt_candidate (
    receipt_id  TEXT NOT NULL REFERENCES receipt,
    rank        INTEGER NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    score       INTEGER NOT NULL,
    reasons     TEXT[] NOT NULL,
    judged_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (receipt_id, rank)
);

-- Payers that a confirmed receipt has taught us.
CREATE TABLE known_payer (
    customer_id  TEXT NOT NULL REFERENCES customer,
    payer_number TEXT NOT NULL,
    payer_name   TEXT NOT NULL,
    receipt_id   TEXT NOT NULL REFERENCES receipt,
    learnt_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer_id, payer_number)
);
CREATE INDEX known_payer_number ON known_payer (payer_number);

-- 代付协议: somebody else pays for a customer. Without one its money is held.
CREATE TABLE payer_authorisation (
    authorisation_id TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL REFERENCES customer,
    payer_name       TEXT NOT NULL,
    payer_number     TEXT NOT NULL,
    document_name    TEXT NOT NULL,
    document_sha256  BYTEA NOT NULL,
    starts_on        DATE NOT NULL,
    ends_on          DATE,
    filed_by         TEXT NOT NULL,
    filed_at         TIMESTAMPTZ NOT NULL
);
CREATE INDEX payer_authorisation_customer ON payer_authorisation (customer_id);

-- A customer says: this money is ours.
CREATE TABLE receipt_claim (
    claim_id     TEXT PRIMARY KEY,
    customer_id  TEXT NOT NULL REFERENCES customer,
    payer_name   TEXT NOT NULL,
    payer_number TEXT NOT NULL,
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0),
    paid_on      DATE NOT NULL,
    bill_numbers TEXT[] NOT NULL,
    document     TEXT NOT NULL,
    receipt_id   TEXT REFERENCES receipt,
    state        TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'rejected')),
    claimed_by   TEXT NOT NULL,
    claimed_at   TIMESTAMPTZ NOT NULL,
    decided_by   TEXT,
    decided_at   TIMESTAMPTZ,
    answer       TEXT NOT NULL DEFAULT '',
    CHECK (decided_by IS DISTINCT FROM claimed_by)
);
CREATE INDEX receipt_claim_open ON receipt_claim (customer_id) WHERE state = 'open';

-- A parent pays for a subsidiary; appended, the newest row of a subsidiary holds, NULL ends it.
CREATE TABLE customer_parent (
    customer_id TEXT NOT NULL REFERENCES customer,
    parent_id   TEXT REFERENCES customer,
    since       TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL,
    PRIMARY KEY (customer_id, since),
    CHECK (parent_id IS DISTINCT FROM customer_id)
);

-- what became of it -------------------------------------------------------------------------------

-- One row moves an amount from a source to a use. A negative amount takes back what `undoes` names,
-- or returns an excess. A use of 'bill' closes so much of the bill.
CREATE TABLE apportionment (
    apportionment_id TEXT PRIMARY KEY,
    batch_id         TEXT NOT NULL,
    position         INTEGER NOT NULL,
    source           TEXT NOT NULL CHECK (source IN (
                         'receipt', 'prepayment', 'deposit', 'bank_charges', 'bad_debt')),
    receipt_id       TEXT REFERENCES receipt,
    source_customer  TEXT REFERENCES customer,
    use              TEXT NOT NULL CHECK (use IN ('bill', 'prepayment', 'deposit')),
    customer_id      TEXT NOT NULL REFERENCES customer,
    bill_id          TEXT REFERENCES bill,
    currency         TEXT NOT NULL,
    amount_fen       BIGINT NOT NULL CHECK (amount_fen <> 0),
    effective_on     DATE NOT NULL,
    undoes           TEXT UNIQUE REFERENCES apportionment,
    at               TIMESTAMPTZ NOT NULL,
    by               TEXT NOT NULL,
    why              TEXT NOT NULL,
    UNIQUE (batch_id, position),
    CHECK ((use = 'bill') = (bill_id IS NOT NULL)),
    CHECK ((source = 'receipt') = (receipt_id IS NOT NULL)),
    CHECK ((source IN ('prepayment', 'deposit')) = (source_customer IS NOT NULL))
);
CREATE INDEX apportionment_receipt ON apportionment (receipt_id);
CREATE INDEX apportionment_bill ON apportionment (bill_id);
CREATE INDEX apportionment_customer ON apportionment (customer_id);
CREATE INDEX apportionment_source ON apportionment (source_customer);

-- Giving up what is small (手续费差额) or lost (坏账): one asks, another decides.
CREATE TABLE waiver (
    waiver_id    TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('short_pay', 'write_off')),
    customer_id  TEXT NOT NULL REFERENCES customer,
    bill_id      TEXT NOT NULL REFERENCES bill,
    currency     TEXT NOT NULL,
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0),
    why          TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'rejected')),
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    decided_by   TEXT,
    decided_at   TIMESTAMPTZ,
    CHECK (decided_by IS DISTINCT FROM requested_by)
);
CREATE UNIQUE INDEX waiver_open ON waiver (bill_id) WHERE state = 'requested';

-- Money that leaves: back to the account it came from, and to no other.
CREATE TABLE refund (
    refund_id    TEXT PRIMARY KEY,
    receipt_id   TEXT NOT NULL REFERENCES receipt,
    source       TEXT NOT NULL CHECK (source IN ('receipt', 'prepayment', 'deposit')),
    customer_id  TEXT REFERENCES customer,
    account_id   TEXT NOT NULL REFERENCES bank_account,
    currency     TEXT NOT NULL,
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0),
    to_name      TEXT NOT NULL,
    to_number    TEXT NOT NULL,
    why          TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN (
                     'requested', 'approved', 'rejected', 'paid', 'failed')),
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    decided_by   TEXT,
    decided_at   TIMESTAMPTZ,
    line_id      TEXT UNIQUE REFERENCES statement_line,
    paid_on      DATE,
    CHECK (decided_by IS DISTINCT FROM requested_by),
    CHECK ((source = 'receipt') OR (customer_id IS NOT NULL))
);
CREATE INDEX refund_receipt ON refund (receipt_id);
CREATE INDEX refund_customer ON refund (customer_id);

CREATE TABLE refund_transition (
    refund_id TEXT NOT NULL REFERENCES refund,
    at        TIMESTAMPTZ NOT NULL,
    event     TEXT NOT NULL,
    was       TEXT NOT NULL,
    became    TEXT NOT NULL,
    by        TEXT NOT NULL,
    why       TEXT NOT NULL
);

-- Numbers of receipts for deposits (收据), without gaps in a year.
CREATE TABLE deposit_slip (
    number           TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL REFERENCES customer,
    apportionment_id TEXT NOT NULL UNIQUE REFERENCES apportionment,
    made_by          TEXT NOT NULL,
    made_at          TIMESTAMPTZ NOT NULL
);
CREATE TABLE deposit_slip_number (
    year INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);

-- what is late ------------------------------------------------------------------------------------

CREATE TABLE bill_reminder (
    bill_id     TEXT NOT NULL REFERENCES bill,
    due_on      DATE NOT NULL,
    step        INTEGER NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    told_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (bill_id, due_on, step)
);

-- Late fees charged so far; each row is an amount on a later bill, `fen` what it added.
CREATE TABLE late_fee (
    bill_id     TEXT NOT NULL REFERENCES bill,
    position    INTEGER NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    until_on    DATE NOT NULL,
    days        INTEGER NOT NULL,
    fen         BIGINT NOT NULL CHECK (fen <> 0),
    charged_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (bill_id, position)
);

-- How a customer stands. `reason` is why it is suspended; the gateways' snapshot carries it.
CREATE TABLE customer_standing (
    customer_id TEXT PRIMARY KEY REFERENCES customer,
    state       TEXT NOT NULL CHECK (state IN ('normal', 'warned', 'suspended')),
    reason      TEXT NOT NULL CHECK (reason IN ('', 'overdue', 'credit_limit')),
    credit_step INTEGER NOT NULL,
    episode     INTEGER NOT NULL,
    since       TIMESTAMPTZ NOT NULL
);
CREATE TRIGGER customer_standing_snapshot AFTER INSERT OR UPDATE ON customer_standing
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();

CREATE TABLE standing_transition (
    customer_id TEXT NOT NULL REFERENCES customer,
    at          TIMESTAMPTZ NOT NULL,
    event       TEXT NOT NULL,
    was         TEXT NOT NULL,
    became      TEXT NOT NULL,
    by          TEXT NOT NULL,
    why         TEXT NOT NULL
);
CREATE INDEX standing_transition_customer ON standing_transition (customer_id, at);

-- 延停: until that day a customer is not suspended, by somebody's word.
CREATE TABLE reprieve (
    customer_id TEXT NOT NULL REFERENCES customer,
    until_on    DATE NOT NULL,
    why         TEXT NOT NULL,
    by          TEXT NOT NULL,
    at          TIMESTAMPTZ NOT NULL
);
CREATE INDEX reprieve_customer ON reprieve (customer_id, until_on);

GRANT SELECT, INSERT ON bank_account, virtual_account, statement_file, statement_line, receipt,
    receipt_transition, receipt_candidate, known_payer, payer_authorisation, receipt_claim,
    customer_parent, apportionment, waiver, refund, refund_transition, deposit_slip,
    deposit_slip_number, bill_reminder, late_fee, customer_standing, standing_transition, reprieve
    TO yuejie_app;
GRANT DELETE ON receipt_candidate TO yuejie_app;
GRANT UPDATE (state, customer_id) ON receipt TO yuejie_app;
GRANT UPDATE (state, decided_by, decided_at) ON waiver TO yuejie_app;
GRANT UPDATE (state, decided_by, decided_at, line_id, paid_on) ON refund TO yuejie_app;
GRANT UPDATE (state, receipt_id, decided_by, decided_at, answer) ON receipt_claim TO yuejie_app;
GRANT UPDATE (holder, bank) ON bank_account TO yuejie_app;
GRANT UPDATE (last) ON deposit_slip_number TO yuejie_app;
GRANT UPDATE (state, reason, credit_step, episode, since) ON customer_standing TO yuejie_app;
