-- 0019_pre_create_capacity
-- Why: how near provider accounts come to their providers' ceilings: what was agreed, and the busiest
--      minute of each hour, per account and upstream model and per account as a whole ('').
-- Lock: creates only.
--
-- Ceilings are truth, in versions; the newest of an account and model counts, and one without numbers
-- takes it back. Hours and the cursor are a projection of usage events: `yuejie capacity rebuild`
-- gives them again. An hour is taken when it is over, and once more a day later for what came late.

SET LOCAL lock_timeout = '5s';

CREATE TABLE provider_ceiling (
    ceiling_id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     TEXT NOT NULL REFERENCES provider_account,
    upstream_model TEXT NOT NULL,
    rpm            BIGINT CHECK (rpm > 0),
    tpm            BIGINT CHECK (tpm > 0),
    note           TEXT NOT NULL,
    at             TIMESTAMPTZ NOT NULL,
    by             TEXT NOT NULL
);
CREATE INDEX provider_ceiling_lane ON provider_ceiling (account_id, upstream_model, ceiling_id DESC);

CREATE TABLE capacity_hour (
    account_id      TEXT NOT NULL,
    upstream_model  TEXT NOT NULL,
    hour            TIMESTAMPTZ NOT NULL,
    requests        BIGINT NOT NULL,
    tokens          NUMERIC(38,0) NOT NULL,
    throttled       BIGINT NOT NULL,
    requests_peak   BIGINT NOT NULL,
    requests_minute TIMESTAMPTZ NOT NULL,
    tokens_peak     NUMERIC(38,0) NOT NULL,
    tokens_minute   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, upstream_model, hour)
);
CREATE INDEX capacity_hour_hour ON capacity_hour (hour);

CREATE TABLE capacity_cursor (
    only_one        BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    hours_through   TIMESTAMPTZ NOT NULL,
    settled_through TIMESTAMPTZ NOT NULL
);

GRANT SELECT, INSERT ON provider_ceiling, capacity_cursor TO yuejie_app;
GRANT SELECT, INSERT, DELETE ON capacity_hour TO yuejie_app;
GRANT UPDATE (hours_through, settled_through) ON capacity_cursor TO yuejie_app;
