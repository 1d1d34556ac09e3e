-- 0059_pre_know_days_and_credits_of_providers
-- Why: a report knows which days it is about, so that days it lacks are no missing calls. Reports of
--      before are about the days from their first line to their last.
-- Lock: ACCESS EXCLUSIVE for an instant on provider_report; some rows a month.

SET LOCAL lock_timeout = '5s';

ALTER TABLE provider_report ADD COLUMN covers DATE[];
