-- 0053_pre_keep_why_corrections_are_rejected
-- Why: a credit note or an adjustment was rejected without a word to whoever had drafted it; the
--      reason is kept now. What was decided before this has none.
--      An approved credit note is chained to its customer's one before it, as bills are: one that is
--      left out of an export, or put in the place of another, breaks the chain. Those approved
--      before this are of form 1, which names no seal before it; the first of form 2 follows them.
-- Lock: ACCESS EXCLUSIVE on each table for an instant; they hold some rows a customer.

SET LOCAL lock_timeout = '5s';

ALTER TABLE adjustment ADD COLUMN decided_why TEXT NOT NULL DEFAULT '';

ALTER TABLE credit_note
    ADD COLUMN decided_why TEXT NOT NULL DEFAULT '',
    ADD COLUMN previous_seal BYTEA,
    ADD COLUMN seal_form SMALLINT NOT NULL DEFAULT 1,
    ADD CONSTRAINT credit_note_chained CHECK (
        (previous_seal IS NOT NULL) = (seal_form > 1 AND seal IS NOT NULL));
CREATE UNIQUE INDEX credit_note_chain ON credit_note (customer_id, previous_seal);
