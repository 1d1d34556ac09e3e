-- 0011_pre_cover_gaps
-- Why: who pays before use is refused until money is there, from the first call on: the gateways
--      must know of each customer whether what it uses is covered, and say that it is to top up.
-- Lock: ACCESS EXCLUSIVE on customer_standing, one row per customer: under a second.

SET LOCAL lock_timeout = '5s';

ALTER TABLE customer_standing ADD COLUMN covered BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE customer_standing
    DROP CONSTRAINT customer_standing_reason_check,
    ADD CONSTRAINT customer_standing_reason_check
        CHECK (reason IN ('', 'overdue', 'credit_limit', 'prepayment'));

GRANT UPDATE (covered) ON customer_standing TO yuejie_app;
