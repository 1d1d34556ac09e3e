-- 0022_pre_create_auto_models
-- Why: auto models: names behind which a declared, versioned policy chooses the model of each call;
--      what it saved is read from the calls it decided, which an index of their own finds, and
--      another one those that were corrected.
-- Lock: SHARE on usage_event while they are made, some 4 s per million events: no ingest
--      meanwhile, journals wait on disk.

SET LOCAL lock_timeout = '5s';

CREATE TABLE auto_model (
    name         TEXT NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    active       BOOLEAN NOT NULL,
    policy       JSONB NOT NULL,
    starts_at    TIMESTAMPTZ NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    published_by TEXT NOT NULL,
    PRIMARY KEY (name, version),
    CHECK (starts_at >= published_at)
);
CREATE TRIGGER auto_model_snapshot AFTER INSERT ON auto_model
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();

CREATE INDEX usage_event_auto ON usage_event (month, customer_id)
    WHERE (facts ->> 'auto') IS NOT NULL;
-- Whether an event has a later version is asked for every one; hardly any has.
CREATE INDEX usage_event_corrected ON usage_event (event_id) WHERE version > 1;

GRANT SELECT, INSERT ON auto_model TO yuejie_app;
