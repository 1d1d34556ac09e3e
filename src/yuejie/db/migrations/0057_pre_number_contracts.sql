-- 0057_pre_number_contracts
-- Why: the paper that a customer signed was called by the id of its draft, and the contract that
--      came of it by another (con_…), on bills too; neither is what a contract is called by in an
--      archive. A number is given when a contract is drafted, stands on the paper, and goes over to
--      the contract; versions and renewals keep it. Contracts signed before keep their id, for their
--      bills are printed with it. Numbers count in the customer's year and may have gaps: drafts
--      are withdrawn.
-- Lock: none; the tables are new.

SET LOCAL lock_timeout = '5s';

CREATE TABLE contract_number (
    number      TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer,
    draft_id    TEXT UNIQUE REFERENCES contract_draft,
    contract_id TEXT UNIQUE,
    given_at    TIMESTAMPTZ NOT NULL,
    CHECK (draft_id IS NOT NULL OR contract_id IS NOT NULL)
);
CREATE INDEX contract_number_customer ON contract_number (customer_id);

CREATE TABLE contract_number_last (
    year INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);

CREATE FUNCTION refuse_change_of_contract_number() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.contract_id IS NOT NULL OR NEW.contract_id IS NULL THEN
        RAISE EXCEPTION 'a contract never changes its number';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_number_is_kept BEFORE UPDATE ON contract_number
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_contract_number();

GRANT SELECT, INSERT ON contract_number, contract_number_last TO yuejie_app;
GRANT UPDATE (contract_id) ON contract_number TO yuejie_app;
GRANT UPDATE (last) ON contract_number_last TO yuejie_app;
