-- 0002_pre_extend_contracts
-- Why: a contract agrees more than a book: class, credit, fees, days, fapiao (part 2).
-- Lock: ACCESS EXCLUSIVE on contract, metadata only, under 1 s.

SET LOCAL lock_timeout = '5s';

-- contracts/terms.py: CommercialTerms as JSON; a field that did not exist has its default.
ALTER TABLE contract ADD COLUMN terms JSONB NOT NULL DEFAULT '{}';
