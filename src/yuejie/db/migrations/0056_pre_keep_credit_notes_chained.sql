-- 0056_pre_keep_credit_notes_chained
-- Why: while a house is upgraded an older program may approve a credit note of form 1, which names
--      no seal before it, of a customer whose notes are chained already. Where the chain began with
--      the customer's first note, it read as broken then, and no later note could mend it. Such a
--      note is refused: it is approved by the new program, as it was asked for.
-- Lock: none to speak of; a function is replaced.

SET LOCAL lock_timeout = '5s';

CREATE OR REPLACE FUNCTION refuse_change_of_decided_credit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'requested' AND OLD IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION 'a decided credit note never changes';
    END IF;
    IF NEW.state = 'approved' AND NEW.previous_seal IS NULL AND OLD.state = 'requested'
       AND EXISTS (SELECT FROM credit_note
                   WHERE customer_id = NEW.customer_id AND previous_seal IS NOT NULL) THEN
        RAISE EXCEPTION 'the credit notes of this customer are chained: approve it with the program of this version';
    END IF;
    RETURN NEW;
END $$;
