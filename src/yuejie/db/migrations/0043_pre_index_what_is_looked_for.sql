-- 0043_pre_index_what_is_looked_for
-- Why: some rows of one customer, or of one bill, were looked for among everybody's: what happened
--      to a bill, which of a customer's are void, its credit notes, claims, disputes. With 200
--      customers, 14 months and 180 voids a live bill took four seconds; with these, milliseconds.
-- Lock: SHARE on each table while its index is built, so that nobody writes to it: some seconds
--      for a million rows.

SET LOCAL lock_timeout = '5s';

CREATE INDEX bill_transition_bill ON bill_transition (bill_id, at);
CREATE INDEX bill_voided ON bill (customer_id, month) WHERE state = 'voided';
CREATE INDEX bill_dispute_customer ON bill_dispute (customer_id);
CREATE INDEX credit_note_customer ON credit_note (customer_id);
CREATE INDEX billing_unit_project_customer ON billing_unit_project (customer_id);
CREATE INDEX project_parent ON project (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX fapiao_file_customer ON fapiao_file (customer_id);
CREATE INDEX receipt_claim_customer ON receipt_claim (customer_id);
CREATE INDEX receipt_claim_receipt ON receipt_claim (receipt_id);
CREATE INDEX refund_transition_refund ON refund_transition (refund_id, at);
CREATE INDEX provider_payment_transition_payment ON provider_payment_transition (payment_id, at);
CREATE INDEX statement_line_file ON statement_line (file_id, booked_on);
CREATE INDEX protection_customer ON protection (customer_id);
CREATE INDEX advice_word_said ON advice_word (customer_id, what);
CREATE INDEX report_run_customer ON report_run (customer_id);
