-- 0036_pre_create_jobs
-- Why: long work (closing a month, issuing, imports, proofs) is begun by a request and done by a
--      clerk, piece by piece; where it stands survives whoever does it. What was uploaded for it is
--      deleted in the transaction that ends it; what is over is deleted with the logs.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

-- `subject` is what makes two orders the same work: while one is open, the other is that one.
-- `total` is unknown until the work is planned. `stood` is what whoever goes on must know.
-- `runs` counts the runs that got nothing done; who kills its worker again and again is given up.
CREATE TABLE job (
    job_id       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('try', 'close', 'propose', 'issue', 'prove', 'usage',
                                               'statement', 'report', 'cloud')),
    subject      TEXT NOT NULL,
    about        TEXT NOT NULL,
    asked        JSONB NOT NULL,
    stood        JSONB NOT NULL,
    outcome      JSONB NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed',
                                                'cancelled')),
    done         BIGINT NOT NULL CHECK (done >= 0),
    total        BIGINT CHECK (total >= done),
    why          TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    via          TEXT NOT NULL,
    made_at      TIMESTAMPTZ NOT NULL,
    began_at     TIMESTAMPTZ,
    run_at       TIMESTAMPTZ,
    run_from     BIGINT NOT NULL,
    runs         INTEGER NOT NULL,
    worker       TEXT NOT NULL,
    leased_until TIMESTAMPTZ,
    cancelled_by TEXT,
    ended_at     TIMESTAMPTZ,
    CHECK ((ended_at IS NOT NULL) = (state IN ('done', 'failed', 'cancelled')))
);
CREATE UNIQUE INDEX job_open ON job (kind, subject) WHERE ended_at IS NULL;
CREATE INDEX job_ended ON job (ended_at) WHERE ended_at IS NOT NULL;

-- A piece that waits, or what became of one: `sums` are pairs of fen and currency, `path` is the
-- page where one looks at it.
CREATE TABLE job_piece (
    job_id    TEXT NOT NULL REFERENCES job ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    name      TEXT NOT NULL,
    refers_to TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    said      TEXT NOT NULL,
    sums      JSONB NOT NULL,
    path      TEXT NOT NULL,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX job_piece_failed ON job_piece (job_id, position) WHERE state = 'failed';

-- What was uploaded; names, sizes and hashes stay in `asked` when it is gone.
CREATE TABLE job_file (
    job_id   TEXT NOT NULL REFERENCES job ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (job_id, position)
);

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
END $$;

GRANT SELECT, INSERT ON job, job_piece, job_file TO yuejie_app;
GRANT UPDATE (stood, outcome, state, done, total, why, began_at, run_at, run_from, runs, worker,
              leased_until, cancelled_by, ended_at) ON job TO yuejie_app;
GRANT UPDATE (state, said, sums, path) ON job_piece TO yuejie_app;
GRANT DELETE ON job_file TO yuejie_app;
