-- 0040_pre_keep_refused_calls
-- Why: whoever has the id of a call that was turned away cannot ask why; there are only counts.
-- Lock: creates only.

SET LOCAL lock_timeout = '5s';

-- The first of each minute, by key and reason, as workers kept them (limits.REFUSED_*); all others
-- are in the counts alone. `about` has names and numbers of ours, nothing that a client wrote.
CREATE TABLE gateway_refused_call (
    request_id  UUID PRIMARY KEY,
    customer_id TEXT NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    project_id  TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    model       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    status      INTEGER NOT NULL,
    about       JSONB NOT NULL
);
CREATE INDEX gateway_refused_call_at ON gateway_refused_call (at);

GRANT SELECT, INSERT ON gateway_refused_call TO yuejie_app;

-- They go after 30 days, sooner than the counts; all else is as before.
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
    DELETE FROM job j WHERE j.ended_at < before;
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'job'; RETURN NEXT;
    DELETE FROM gateway_refusal r
     WHERE r.minute < before AND NOT r.is_ours AND NOT r.customer_id = ANY(spared);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'gateway_refusal'; RETURN NEXT;
    DELETE FROM gateway_refused_call c
     WHERE c.at < delete_old_logs.at - INTERVAL '30 days' AND NOT c.customer_id = ANY(spared);
    GET DIAGNOSTICS gone = ROW_COUNT; what := 'gateway_refused_call'; RETURN NEXT;
END $$;
