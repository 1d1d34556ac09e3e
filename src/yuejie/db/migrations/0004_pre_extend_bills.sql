-- 0004_pre_extend_bills
-- Why: the life of a bill beyond issue, what contracts add to usage, tax lines, parts of a month,
--      adjustments, disputes, credit notes (part 2).
-- Lock: ACCESS EXCLUSIVE on bill and bill_line, metadata only, under 1 s; nothing is rewritten.

SET LOCAL lock_timeout = '5s';

-- Which projects are billed apart, under a fapiao title of their own (E3). Assignments are
-- append-only: the newest that has begun by a month holds for it.
CREATE TABLE billing_unit (
    unit_id     TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    name        TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    UNIQUE (customer_id, name)
);
CREATE TABLE billing_unit_project (
    customer_id TEXT NOT NULL REFERENCES customer,
    project_id  TEXT NOT NULL REFERENCES project,
    since       CHAR(7) NOT NULL,
    unit_id     TEXT NOT NULL REFERENCES billing_unit,
    assigned_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (project_id, since, assigned_at)
);

-- `part`: '' is the whole customer or the head bill; else 'project:…', 'department:…', 'unit:…'.
-- Three dates count from `billed_on`, the day the bill was put to the customer.
ALTER TABLE bill
    ADD COLUMN part           TEXT NOT NULL DEFAULT '',
    ADD COLUMN part_name      TEXT NOT NULL DEFAULT '',
    ADD COLUMN purchase_order TEXT NOT NULL DEFAULT '',
    ADD COLUMN proposed_hash  BYTEA,
    ADD COLUMN billed_on      DATE,
    ADD COLUMN review_until   DATE,
    ADD COLUMN due_on         DATE,
    ADD COLUMN fapiao_by      DATE,
    ADD COLUMN seal_form      SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE bill DROP CONSTRAINT bill_state_check;
ALTER TABLE bill ADD CONSTRAINT bill_state_check CHECK (state IN (
    'draft', 'proposed', 'confirmed', 'disputed', 'issued', 'paid', 'written_off', 'voided'));
DROP INDEX bill_once;
-- A part of a month is billed once; a voided bill makes room for another.
CREATE UNIQUE INDEX bill_once ON bill (customer_id, month, part) WHERE state <> 'voided';
CREATE INDEX bill_customer ON bill (customer_id, month);
CREATE INDEX bill_asked ON bill (state) WHERE state IN ('proposed', 'confirmed', 'disputed');

-- Lines that are not usage have no project, rate or model; `item` says what they are, `refers_to`
-- names what they come from (a grant, an adjustment, a bill), `tax_line` the tax line they are in
-- (none: payable without fapiao).
ALTER TABLE bill_line
    ALTER COLUMN project_id DROP NOT NULL,
    ALTER COLUMN sale_rate DROP NOT NULL,
    ADD COLUMN item      TEXT NOT NULL DEFAULT '',
    ADD COLUMN refers_to TEXT NOT NULL DEFAULT '',
    ADD COLUMN tax_line  INTEGER;
ALTER TABLE bill_line DROP CONSTRAINT bill_line_kind_check;
ALTER TABLE bill_line ADD CONSTRAINT bill_line_kind_check CHECK (kind IN (
    'usage', 'late', 'tier_discount', 'package', 'true_up', 'management_fee', 'sla_credit',
    'voucher', 'adjustment', 'late_fee', 'break_fee', 'package_purchase', 'carried'));
ALTER TABLE bill_line ADD CONSTRAINT bill_line_usage_check CHECK (
    (kind IN ('usage', 'late')) = (project_id IS NOT NULL AND sale_rate IS NOT NULL));
CREATE INDEX bill_line_reference ON bill_line (customer_id, refers_to) WHERE refers_to <> '';

-- What the tax office will see of a bill: a fapiao selects whole tax lines.
CREATE TABLE bill_tax_line (
    bill_id     TEXT NOT NULL REFERENCES bill,
    position    INTEGER NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customer,
    item        TEXT NOT NULL,
    project_id  TEXT,
    model       TEXT,
    tax_ppm     INTEGER NOT NULL,
    net_fen     BIGINT NOT NULL,
    tax_fen     BIGINT NOT NULL,
    gross_fen   BIGINT NOT NULL CHECK (gross_fen = net_fen + tax_fen),
    PRIMARY KEY (bill_id, position)
);
CREATE INDEX bill_tax_line_customer ON bill_tax_line (customer_id);

-- Amounts that somebody or some rule adds to a later bill. What a person proposes, another approves.
CREATE TABLE adjustment (
    adjustment_id TEXT PRIMARY KEY,
    key           TEXT UNIQUE,
    customer_id   TEXT NOT NULL REFERENCES customer,
    kind          TEXT NOT NULL CHECK (kind IN ('adjustment', 'late_fee', 'sla_credit', 'break_fee')),
    service_month CHAR(7) NOT NULL,
    part          TEXT NOT NULL DEFAULT '',
    currency      TEXT NOT NULL,
    amount_fen    BIGINT NOT NULL CHECK (amount_fen <> 0),
    item          TEXT NOT NULL,
    why           TEXT NOT NULL,
    refers_to     TEXT NOT NULL DEFAULT '',
    state         TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected', 'withdrawn')),
    proposed_by   TEXT NOT NULL,
    proposed_at   TIMESTAMPTZ NOT NULL,
    decided_by    TEXT,
    decided_at    TIMESTAMPTZ,
    by_rule       BOOLEAN NOT NULL DEFAULT FALSE,
    CHECK (by_rule OR decided_by IS DISTINCT FROM proposed_by OR state = 'withdrawn')
);
CREATE INDEX adjustment_open ON adjustment (customer_id) WHERE state IN ('proposed', 'approved');

-- A customer's word against a line, and what became of it.
CREATE TABLE bill_dispute (
    dispute_id    TEXT PRIMARY KEY,
    bill_id       TEXT NOT NULL REFERENCES bill,
    customer_id   TEXT NOT NULL REFERENCES customer,
    line_id       TEXT NOT NULL,
    line_text     TEXT NOT NULL,
    claimed_fen   BIGINT,
    why           TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'rejected', 'withdrawn')),
    raised_by     TEXT NOT NULL,
    raised_at     TIMESTAMPTZ NOT NULL,
    answer        TEXT NOT NULL DEFAULT '',
    adjustment_id TEXT REFERENCES adjustment,
    answered_by   TEXT,
    answered_at   TIMESTAMPTZ
);
CREATE INDEX bill_dispute_bill ON bill_dispute (bill_id);
CREATE INDEX bill_dispute_open ON bill_dispute (customer_id) WHERE state = 'open';

-- What is taken back of an issued bill, numbered and sealed like one. Amounts are positive.
CREATE TABLE credit_note (
    credit_note_id TEXT PRIMARY KEY,
    number         TEXT UNIQUE,
    bill_id        TEXT NOT NULL REFERENCES bill,
    customer_id    TEXT NOT NULL REFERENCES customer,
    whole          BOOLEAN NOT NULL,
    currency       TEXT NOT NULL,
    net_fen        BIGINT NOT NULL,
    tax_fen        BIGINT NOT NULL,
    gross_fen      BIGINT NOT NULL CHECK (gross_fen = net_fen + tax_fen),
    why            TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'rejected')),
    requested_by   TEXT NOT NULL,
    requested_at   TIMESTAMPTZ NOT NULL,
    decided_by     TEXT,
    decided_at     TIMESTAMPTZ,
    seal           BYTEA,
    CHECK (decided_by IS DISTINCT FROM requested_by)
);
CREATE INDEX credit_note_bill ON credit_note (bill_id);
CREATE TABLE credit_note_line (
    credit_note_id TEXT NOT NULL REFERENCES credit_note,
    line_id        TEXT NOT NULL REFERENCES bill_line,
    net_fen        BIGINT NOT NULL,
    tax_fen        BIGINT NOT NULL,
    PRIMARY KEY (credit_note_id, line_id)
);
CREATE TABLE credit_note_number (
    year INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);

-- Past draft, the lines of a bill never change; past issue, only its state does, and the due date
-- is set once when it depends on the day the fapiao arrives.
CREATE OR REPLACE FUNCTION refuse_change_of_issued_bill() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was bill := OLD;
    became bill := NEW;
BEGIN
    IF OLD.issued_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.state NOT IN ('issued', 'paid', 'written_off', 'voided') THEN
        RAISE EXCEPTION 'an issued bill never becomes a draft again';
    END IF;
    was.state := NULL;
    became.state := NULL;
    IF OLD.due_on IS NULL THEN
        was.due_on := NULL;
        became.due_on := NULL;
    END IF;
    IF was IS DISTINCT FROM became THEN
        RAISE EXCEPTION 'an issued bill never changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bill_tax_line_frozen BEFORE INSERT OR UPDATE OR DELETE ON bill_tax_line
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_issued();

CREATE FUNCTION refuse_change_of_decided_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'requested' AND OLD IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION 'a decided credit note never changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_note_frozen BEFORE UPDATE ON credit_note
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_decided_credit();

GRANT SELECT, INSERT ON billing_unit, billing_unit_project, bill_tax_line, adjustment, bill_dispute,
                        credit_note, credit_note_line, credit_note_number TO yuejie_app;
GRANT UPDATE ON adjustment, bill_dispute, credit_note, credit_note_number TO yuejie_app;
GRANT DELETE ON bill_tax_line TO yuejie_app;
