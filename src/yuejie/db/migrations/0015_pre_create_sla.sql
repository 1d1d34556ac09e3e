-- 0015_pre_create_sla
-- Why: a promise of availability is judged by the calls that reached us, and by the minutes in
--      which none could have; those are seen from outside and written down as they pass.
-- Lock: creates only.

SET LOCAL lock_timeout = '5s';

-- One row a minute, of whichever clerk was first; a minute without a row was not looked at.
CREATE TABLE gateway_probe (
    minute   TIMESTAMPTZ PRIMARY KEY CHECK (date_trunc('minute', minute, 'UTC') = minute),
    is_ready BOOLEAN NOT NULL,
    -- Of the last try; 0 where nobody answered.
    status   SMALLINT NOT NULL,
    why      TEXT NOT NULL,
    took_ms  INTEGER NOT NULL,
    node     TEXT NOT NULL
);
-- What a month's availability counts on a bill is looked up here again and again.
CREATE INDEX gateway_probe_down ON gateway_probe (minute) WHERE NOT is_ready;

GRANT SELECT, INSERT ON gateway_probe TO yuejie_app;
