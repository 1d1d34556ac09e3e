-- 0058_pre_say_why_of_grants
-- Why: a package or voucher was approved without a word of why it is given; who asks says so now,
--      and the approver reads it (decision 0127). What was asked for before this has none.
-- Lock: ACCESS EXCLUSIVE for an instant; the table holds some rows a customer.

SET LOCAL lock_timeout = '5s';

ALTER TABLE customer_grant ADD COLUMN why TEXT NOT NULL DEFAULT '';
