-- 0030_pre_create_restoration
-- Why: a database that came back from a backup may know less than gateways were lent; until the
--      journals written before have been read to their ends, nothing more is lent.
-- Lock: none on tables with rows.

SET LOCAL lock_timeout = '5s';

CREATE TABLE restoration (
    restoration_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    restored_at    TIMESTAMPTZ NOT NULL,
    reached        TIMESTAMPTZ,
    backup         TEXT NOT NULL,
    is_alone       BOOLEAN NOT NULL,
    by             TEXT NOT NULL,
    reopened_at    TIMESTAMPTZ,
    reopened_by    TEXT NOT NULL DEFAULT ''
);
COMMENT ON COLUMN restoration.reached IS 'when the newest commit in the backup was made';
COMMENT ON COLUMN restoration.is_alone IS 'no other node wrote journals: lending reopens by itself';
CREATE UNIQUE INDEX restoration_open ON restoration ((TRUE)) WHERE reopened_at IS NULL;

GRANT SELECT, INSERT ON restoration TO yuejie_app;
GRANT UPDATE (reopened_at, reopened_by) ON restoration TO yuejie_app;
