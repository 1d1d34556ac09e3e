-- 0042_pre_let_customers_ask_for_work
-- Why: a month as supposed, a report made by hand and the trial of a cloud's bill take as long as
--      the month is large, and computed inside the request. They become jobs; the first two are
--      asked for by customers too, who see their own and nobody else's.
-- Lock: ACCESS EXCLUSIVE on job for an instant: it holds the work of half a year.

SET LOCAL lock_timeout = '5s';

ALTER TABLE job DROP CONSTRAINT job_kind_check;
ALTER TABLE job ADD CONSTRAINT job_kind_check CHECK (
    kind IN ('try', 'close', 'propose', 'issue', 'prove', 'usage', 'statement', 'report', 'cloud',
             'what_if', 'make_report', 'cloud_trial'));

-- Whose people asked for the work; none: the house's own. What it is about may be another's.
ALTER TABLE job ADD COLUMN customer_id TEXT REFERENCES customer;

-- What a job came to, where that is no row of anything: written before the job ends.
CREATE TABLE job_answer (
    job_id TEXT PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    body   JSONB NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON job_answer TO yuejie_app;

-- The work of a customer whose matters are preserved stays; all else is as before.
CREATE OR REPLACE FUNCTION delete_old_logs(before TIMESTAMPTZ, at TIMESTAMPTZ)
    RETURNS TABLE (what TEXT, gone BIGINT) LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    spared TEXT[] := ARRAY(SELECT p.customer_id FROM preservation p WHERE p.lifted_at IS NULL);
BEGIN
    IF before > at - INTERVAL '6 months' THEN
        RAISE EXCEPTION 'logs are kept for six months at least';
    END IF;
    DELETE FROM login_failure f WHERE f.at < before;
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'login_failure'; RETURN NEXT;
    DELETE FROM session s USING member m
     WHERE s.member_id = m.member_id AND s.seen_at < before AND coalesce(s.ended_at, before) <= before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'session'; RETURN NEXT;
    DELETE FROM invitation i USING member m
     WHERE i.member_id = m.member_id AND i.expires_at < before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'invitation'; RETURN NEXT;
    DELETE FROM notice_outcome o USING notice_message m
     WHERE o.message_id = m.message_id AND m.state <> 'waiting' AND m.ended_at < before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_outcome'; RETURN NEXT;
    DELETE FROM notice_attempt a USING notice_message m
     WHERE a.message_id = m.message_id AND m.state <> 'waiting' AND m.ended_at < before
       AND NOT coalesce(m.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'notice_attempt'; RETURN NEXT;
    DELETE FROM job j
     WHERE j.ended_at < before AND NOT coalesce(j.customer_id = ANY(spared), FALSE);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'job'; RETURN NEXT;
    DELETE FROM gateway_refusal r
     WHERE r.minute < before AND NOT r.is_ours AND NOT r.customer_id = ANY(spared);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'gateway_refusal'; RETURN NEXT;
    DELETE FROM gateway_refused_call c
     WHERE c.at < delete_old_logs.at - INTERVAL '30 days' AND NOT c.customer_id = ANY(spared);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'gateway_refused_call'; RETURN NEXT;
END $$;
