-- 0016_pre_rest_receivers
-- Why: a robot that says "too fast" wants to hear nothing at all for a while, not only not this
--      message; and a message that was given up may be tried again under its own id (decision 0075).
-- Lock: ACCESS EXCLUSIVE on notice_message, metadata only; the index reads it once: under a second.

SET LOCAL lock_timeout = '5s';

-- Who is left in peace until when: a robot, address or endpoint by its bucket, or everything that
-- the operator's account of a kind sends, by that kind. A row that has run out means nothing.
CREATE TABLE notice_rest (
    bucket TEXT PRIMARY KEY,
    until  TIMESTAMPTZ NOT NULL,
    why    TEXT NOT NULL
);

-- Attempts from before somebody asked for another try: they count neither for the wait nor the end.
ALTER TABLE notice_message ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0;

-- The next message of each receiver is found without reading those behind it.
CREATE INDEX notice_message_bucket ON notice_message (bucket, urgent DESC, due_at, message_id)
    WHERE state = 'waiting';

GRANT SELECT, INSERT, UPDATE, DELETE ON notice_rest TO yuejie_app;
GRANT UPDATE (forgiven) ON notice_message TO yuejie_app;
