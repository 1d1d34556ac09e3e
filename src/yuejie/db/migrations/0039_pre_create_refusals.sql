-- 0039_pre_create_refusals
-- Why: a call that a gateway turns away leaves no event, so nobody can say why it was refused, and
--      what we owed and did not serve is missing from a month's availability.
-- Lock: creates only.

SET LOCAL lock_timeout = '5s';

-- Counts by the minute, added up by the ingest in the transaction of the journal's offset. Empty
-- names: not known, or lumped together where there were too many. What is ours is evidence of a
-- month's availability, as of an epoch, and stays; everything else is a log and goes with its term.
CREATE TABLE gateway_refusal (
    customer_id TEXT NOT NULL,
    minute      TIMESTAMPTZ NOT NULL CHECK (date_trunc('minute', minute, 'UTC') = minute),
    epoch       BIGINT NOT NULL,
    project_id  TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    model       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    status      INTEGER NOT NULL,
    is_ours     BOOLEAN NOT NULL,
    calls       BIGINT NOT NULL CHECK (calls > 0),
    PRIMARY KEY (customer_id, minute, reason, key_id, model, project_id, status, epoch)
);
CREATE INDEX gateway_refusal_minute ON gateway_refusal (minute);
-- A month's availability is asked again and again, and refusals of ours are few.
CREATE INDEX gateway_refusal_ours ON gateway_refusal (customer_id, minute) WHERE is_ours;

GRANT SELECT, INSERT, UPDATE ON gateway_refusal TO yuejie_app;

-- What calls under way may come to at worst, by worker and window of a paced allowance, as each told
-- last; a projection, and never counted as spent.
CREATE TABLE allowance_flight (
    journal_id UUID NOT NULL,
    number     INTEGER NOT NULL REFERENCES allowance (number),
    starts_s   BIGINT NOT NULL,
    unit       TEXT NOT NULL,
    worst      NUMERIC(38, 0) NOT NULL CHECK (worst >= 0),
    calls      INTEGER NOT NULL CHECK (calls > 0),
    at         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (number, starts_s, unit, journal_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON allowance_flight TO yuejie_app;

-- Refusals that are no evidence go with the other logs; all else is as before.
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
END $$;
