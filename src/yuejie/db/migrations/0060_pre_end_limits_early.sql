-- 0060_pre_end_limits_early
-- Why: a temporary credit limit that was approved held until its end, whatever became of the
--      customer or of the slip by which it was approved. Somebody ends it now, and says why.
-- Lock: ACCESS EXCLUSIVE for an instant; the table holds some rows a customer.

SET LOCAL lock_timeout = '5s';

ALTER TABLE temporary_limit
    ADD COLUMN ended_by TEXT,
    ADD COLUMN ended_at TIMESTAMPTZ,
    ADD COLUMN ended_why TEXT,
    ADD CONSTRAINT temporary_limit_ended_whole CHECK (
        (ended_by IS NULL) = (ended_at IS NULL) AND (ended_by IS NULL) = (ended_why IS NULL)),
    ADD CONSTRAINT temporary_limit_ended_approved CHECK (
        ended_by IS NULL OR approved_by IS NOT NULL);
GRANT UPDATE (ended_by, ended_at, ended_why) ON temporary_limit TO yuejie_app;
