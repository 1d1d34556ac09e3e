-- 0029_pre_create_nodes
-- Why: several gateway nodes on one database: who serves, how much of their journals is not read
--      yet, whose leases a lost node held, and which build each of them runs.
-- Lock: ACCESS EXCLUSIVE on journal and allowance_journal, metadata only, under 1 s. Builds that
--       do not know the new columns go on writing both tables.

SET LOCAL lock_timeout = '5s';

-- A node is a home folder; its name is what people call it. `knows`: the newest migration that
-- every process of the node was built with. beat_at is by this database's clock.
-- tail_*: what its journals hold beyond what is stored, as of the last beat; NULL: not known.
CREATE TABLE node (
    node_id     UUID PRIMARY KEY,
    name        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('serving', 'draining', 'left', 'lost')),
    version     TEXT NOT NULL,
    knows       INTEGER NOT NULL,
    workers     INTEGER NOT NULL,
    tail_bytes  BIGINT NOT NULL,
    tail_calls  BIGINT,
    skew_ms     BIGINT NOT NULL,
    snapshot_revision BIGINT NOT NULL,
    snapshot_at TIMESTAMPTZ,
    joined_at   TIMESTAMPTZ NOT NULL,
    beat_at     TIMESTAMPTZ NOT NULL,
    changed_at  TIMESTAMPTZ NOT NULL,
    changed_by  TEXT NOT NULL,
    why         TEXT NOT NULL
);

-- lost_at: parked because its node was declared lost, not because it is damaged; lost_bytes and
-- lost_calls: the tail as its node last told it.
ALTER TABLE journal
    ADD COLUMN node_id UUID REFERENCES node,
    ADD COLUMN lost_at TIMESTAMPTZ,
    ADD COLUMN lost_bytes BIGINT,
    ADD COLUMN lost_calls BIGINT;
CREATE INDEX journal_of_node ON journal (node_id) WHERE state <> 'drained';

-- Who borrows: a worker may lease before its journal has ever been read.
ALTER TABLE allowance_journal ADD COLUMN node_id UUID;

-- Calls that have been under way for some seconds, as their journals began them. Should their
-- node be lost, they are known and go on the worklist.
CREATE TABLE open_call (
    journal_id UUID NOT NULL REFERENCES journal,
    event_id   UUID NOT NULL,
    begun      BYTEA NOT NULL,
    PRIMARY KEY (journal_id, event_id)
);

-- How many workers there are is part of the snapshot: a lost node's no longer count.
CREATE TRIGGER node_snapshot AFTER UPDATE OF state ON node
    FOR EACH STATEMENT EXECUTE FUNCTION bump_snapshot();

GRANT SELECT, INSERT ON node, open_call TO yuejie_app;
GRANT UPDATE ON node TO yuejie_app;
GRANT DELETE ON open_call TO yuejie_app;
GRANT UPDATE (node_id) ON allowance_journal TO yuejie_app;
