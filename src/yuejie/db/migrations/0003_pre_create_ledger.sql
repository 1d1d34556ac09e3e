-- 0003_pre_create_ledger
-- Why: every deed about money is a balanced posting (HOUSE part 2), and every deed may say why.
-- Lock: ACCESS EXCLUSIVE on deed, metadata only, under 1 s; the rest is new.

SET LOCAL lock_timeout = '5s';

ALTER TABLE deed ADD COLUMN why TEXT NOT NULL DEFAULT '';

-- ledger: does it balance? ----------------------------------------------------------------------

-- `key` names the intent ("bill:<id>:issue"); `body_hash` is SHA-256 over kind, refers_to and the
-- postings, so that the same key with another body is told from a repetition.
-- `at` is when the deed counts in the books; `recorded_at` is when it was written down.
CREATE TABLE ledger_entry (
    entry_id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE CHECK (key <> ''),
    kind        TEXT NOT NULL CHECK (kind <> ''),
    at          TIMESTAMPTZ NOT NULL,
    by          TEXT NOT NULL CHECK (by <> ''),
    refers_to   TEXT NOT NULL DEFAULT '',
    memo        TEXT NOT NULL DEFAULT '',
    body_hash   BYTEA NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX ledger_entry_at ON ledger_entry (at, entry_id);
CREATE INDEX ledger_entry_refers ON ledger_entry (refers_to) WHERE refers_to <> '';

-- Debits are positive fen, credits negative.
CREATE TABLE ledger_posting (
    entry_id BIGINT NOT NULL REFERENCES ledger_entry,
    position SMALLINT NOT NULL,
    account  TEXT NOT NULL,
    party    TEXT NOT NULL,
    currency TEXT NOT NULL CHECK (currency IN ('CNY', 'USD')),
    fen      BIGINT NOT NULL CHECK (fen <> 0),
    PRIMARY KEY (entry_id, position)
);
CREATE INDEX ledger_posting_party ON ledger_posting (party, account, entry_id);

-- A projection: sum of the postings, kept in their transaction, rebuildable.
CREATE TABLE ledger_balance (
    account  TEXT NOT NULL,
    party    TEXT NOT NULL,
    currency TEXT NOT NULL,
    fen      BIGINT NOT NULL,
    PRIMARY KEY (account, party, currency)
);
CREATE INDEX ledger_balance_party ON ledger_balance (party);

-- Whoever writes, an entry is whole when its transaction ends: it balances in each currency.
CREATE FUNCTION refuse_unbalanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_posting WHERE entry_id = NEW.entry_id
               GROUP BY currency HAVING sum(fen) <> 0) THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_entry();

-- A posting joins its entry in the transaction that writes the entry, and never later.
CREATE FUNCTION refuse_late_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entry
                   WHERE entry_id = NEW.entry_id AND recorded_at = now()) THEN
        RAISE EXCEPTION 'entry % is written and never changes', NEW.entry_id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_posting_with_entry BEFORE INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION refuse_late_posting();

-- Truth is added, never edited; not by the owner either.
CREATE FUNCTION refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger never changes: post a reversal';
END $$;
CREATE TRIGGER ledger_entry_frozen BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ledger();
CREATE TRIGGER ledger_posting_frozen BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_ledger();

GRANT SELECT, INSERT ON ledger_entry, ledger_posting TO yuejie_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_balance TO yuejie_app;
